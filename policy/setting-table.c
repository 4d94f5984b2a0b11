/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/setting-table.h"

#include <stdio.h>

#include "policy/policy-file.h"

/* Who, when and what for: read by policy-file.c. The only bounded one is LastingSec=. */
#define OF_POLICY(sect, k, t, member, h)                                                           \
	{.section = sect, .key = k, .type = t, .scope = SETTING_OF_POLICY, .in_force = true,       \
		.offset = offsetof(struct policy_raw, member), .max = USEC_PER_DAY,                \
		.default_text = "", .help = h}
/* What a part of this version acts on. */
#define OF_GUEST(sect, k, t, member, def, h, ...)                                                  \
	{.section = sect, .key = k, .type = t, .scope = SETTING_OF_GUEST, .in_force = true,        \
		.offset = offsetof(struct settings, member), .default_text = def, .help = h,       \
		__VA_ARGS__}
#define OF_HOST(k, t, member, def, h, ...)                                                         \
	{.section = "Host", .key = k, .type = t, .scope = SETTING_OF_HOST, .in_force = true,       \
		.offset = offsetof(struct host_settings, member), .default_text = def, .help = h,  \
		__VA_ARGS__}
/* What is accepted and not in force in this version. */
#define LATER(sect, k, t, def, h, ...)                                                             \
	{.section = sect, .key = k, .type = t, .scope = SETTING_OF_GUEST, .in_force = false,       \
		.offset = SETTING_NOWHERE, .default_text = def, .help = h, __VA_ARGS__}
#define BOUNDS(lo, hi) .min = (lo), .max = (hi)
#define WEIGHT BOUNDS(1, 10000)

const struct setting setting_table[] = {
	OF_POLICY("Policy", "Description", SETTING_TEXT, description,
		"What the policy is for, in one line"),

	OF_POLICY("Match", "Guest", SETTING_GLOBS, match[MATCH_GUEST],
		"Names of the guests it is for"),
	OF_POLICY(
		"Match", "UUID", SETTING_UUIDS, match[MATCH_UUID], "UUIDs of the guests it is for"),
	OF_POLICY("Match", "Tag", SETTING_GLOBS, match[MATCH_TAG],
		"Tags of which the guest must carry one"),
	OF_POLICY("Match", "Host", SETTING_GLOBS, match[MATCH_HOST],
		"Names of hosts on which the guest must be"),

	OF_POLICY("Schedule", "OnCalendar", SETTING_CALENDAR, on_calendar, "When a window opens"),
	OF_POLICY(
		"Schedule", "Until", SETTING_CALENDAR, until, "When it closes, by the wall clock"),
	OF_POLICY("Schedule", "Duration", SETTING_CALENDAR, duration, "How long it stays open"),
	OF_POLICY("Schedule", "TimeZone", SETTING_CALENDAR, timezone,
		"The zone of these times; the host's own unless given"),

	OF_POLICY("When", "Condition", SETTING_CONDITION, condition,
		"What must be true of host and guest"),
	OF_POLICY(
		"When", "LastingSec", SETTING_SPAN, lasting, "For how long it must have been true"),

	OF_GUEST("Memory", "Min", SETTING_SIZE, mem_min_bytes, "0",
		"The guest keeps at least this much", BOUNDS(0, 64 * 1024 * TIB)),
	OF_GUEST("Memory", "Max", SETTING_SIZE, mem_max_bytes, "infinity",
		"The guest gets at most this much", BOUNDS(MIB, BYTES_UNLIMITED)),
	OF_GUEST("Memory", "Weight", SETTING_NUMBER, mem_weight, "100",
		"Its share where not all can have what they want", WEIGHT),
	OF_GUEST("Memory", "Headroom", SETTING_AMOUNT, mem_headroom, "20%",
		"What it is given beyond what it uses; a ratio is of what it uses",
		BOUNDS(0, 100000)),
	OF_GUEST("Memory", "IdleTax", SETTING_RATIO, mem_idle_tax, "75%",
		"How dearly an idle page is charged when memory is short", BOUNDS(0, 9900)),
	OF_GUEST("Memory", "Surplus", SETTING_CHOICE, mem_surplus, "keep",
		"What becomes of memory that nobody needs", .names = surplus_names),
	OF_GUEST("Memory", "MaxStall", SETTING_STALL, mem_max_stall, "10% over 10s",
		"It is under pressure when it waits for memory longer than this",
		BOUNDS(USEC_PER_SEC, USEC_PER_HOUR)),
	OF_GUEST("Memory", "BootGraceSec", SETTING_SPAN, mem_boot_grace_usec, "1min",
		"How long after its start it is not shrunk", BOUNDS(0, USEC_PER_HOUR)),
	OF_GUEST("Memory", "Enforce", SETTING_CHOICE, mem_enforce, "high",
		"What is done to a guest that uses more of the host than it may",
		.names = enforce_names),

	OF_GUEST("CPU", "Weight", SETTING_NUMBER, cpu_weight, "100",
		"Its share of the CPUs where they do not suffice", WEIGHT),
	OF_GUEST("CPU", "Quota", SETTING_QUOTA, cpu_quota, "infinity",
		"The most it gets, in percent of one CPU", BOUNDS(100, 1024 * PERMYRIAD)),

	LATER("Disk", "GrowBelow", SETTING_AMOUNT, "0",
		"A disk grows when less than this is free on its file system",
		BOUNDS(0, PERMYRIAD)),
	LATER("Disk", "GrowBy", SETTING_AMOUNT, "10%", "By how much it grows at a time",
		BOUNDS(1, 10 * PERMYRIAD)),
	LATER("Disk", "Max", SETTING_SIZE, "infinity", "A disk does not grow beyond this",
		BOUNDS(MIB, BYTES_UNLIMITED)),

	LATER("Migration", "Allow", SETTING_FLAG, "yes", "May the guest be moved while it runs"),
	LATER("Migration", "MaxDowntimeMSec", SETTING_MSEC, "300",
		"The longest pause that a move may cost", BOUNDS(10 * USEC_PER_MSEC, USEC_PER_MIN)),
	LATER("Migration", "MaxStall", SETTING_STALL, "20% over 2s",
		"A move is called off when the guest waits for memory longer than this",
		BOUNDS(USEC_PER_SEC, USEC_PER_HOUR)),
	LATER("Migration", "Squeeze", SETTING_FLAG, "yes",
		"May it be shrunk to what it uses before a move"),
	LATER("Migration", "AutoConverge", SETTING_FLAG, "yes",
		"May it be slowed down when a move does not converge"),
	LATER("Migration", "PostCopy", SETTING_FLAG, "no",
		"May it run on the target before all of its memory is there"),
	LATER("Migration", "Priority", SETTING_NUMBER, "100", "Higher ones are moved first",
		WEIGHT),

	LATER("Availability", "Restart", SETTING_FLAG, "yes",
		"Is it started elsewhere when its host has died"),
	LATER("Availability", "Priority", SETTING_NUMBER, "100", "Higher ones are started first",
		WEIGHT),

	LATER("Placement", "Hosts", SETTING_GLOBS, "", "Hosts on which it may run"),
	LATER("Placement", "Together", SETTING_WORDS, "",
		"Groups whose guests are kept on one host"),
	LATER("Placement", "Apart", SETTING_WORDS, "",
		"Groups of whose guests no two share a host"),

	OF_HOST("Memory", SETTING_SIZE, memory_bytes, "infinity",
		"What all guests share; infinity is all that the host has",
		BOUNDS(MIB, BYTES_UNLIMITED)),
	OF_HOST("Reserve", SETTING_AMOUNT, reserve, "", "Kept free; a ratio is of Memory",
		BOUNDS(0, 9000)),
	OF_HOST("MemoryFrom", SETTING_CGROUP, memory_cgroup, "host",
		"Where used memory and pressure are read"),
	OF_HOST("StartPolicy", SETTING_CHOICE, start_policy, "wait",
		"What a start by hand meets while there is no room", .names = start_policy_names),
};

const size_t setting_table_n = ARRAY_SIZE(setting_table);

const char *const setting_sections[] = {"Policy", "Match", "Schedule", "When", "Memory", "CPU",
	"Disk", "Migration", "Availability", "Placement", "Host", NULL};

static const struct setting *first_of_guest(void)
{
	const struct setting *s = setting_table;

	while (s->scope != SETTING_OF_GUEST)
		s++;
	return s;
}

size_t setting_guest_index(const struct setting *s)
{
	return (size_t)(s - first_of_guest());
}

const struct setting *setting_of_guest(size_t guest_index)
{
	return first_of_guest() + guest_index;
}

bool setting_section_known(const char *section)
{
	for (const char *const *p = setting_sections; *p; p++)
		if (streq(*p, section))
			return true;
	return false;
}

/* What is said about a key that is not in this section. */
#define KEYS_MAX 16
static void key_unknown(const char *section, const char *key, struct diag *d, const char *file,
	unsigned line, unsigned col)
{
	const char *keys[KEYS_MAX + 1], *near, *elsewhere = NULL;
	char found[EXCERPT_MAX], list[256] = "", hint[128] = "";
	size_t n = 0, len = 0;

	for (size_t i = 0; i < setting_table_n; i++) {
		const struct setting *s = &setting_table[i];

		if (streq(s->section, section) && n < KEYS_MAX) {
			len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
				n ? ", " : "", s->key);
			keys[n++] = s->key;
		} else if (streq(s->key, key) && !elsewhere) {
			elsewhere = s->section;
		}
	}
	keys[n] = NULL;
	near = nearest_word(key, keys);
	if (near)
		snprintf(hint, sizeof(hint), "; did you mean %s?", near);
	else if (elsewhere)
		snprintf(hint, sizeof(hint), "; %s belongs in [%s]", key, elsewhere);
	diag_set(d, EINVAL, file, line, col, "unknown key \"%s\" in [%s]; expected %s%s%s",
		excerpt(key, found), section, n > 1 ? "one of " : "", list, hint);
}

const struct setting *setting_find(const char *section, const char *key, struct diag *d,
	const char *file, unsigned line, unsigned col)
{
	char found[EXCERPT_MAX];
	const char *near;

	for (size_t i = 0; i < setting_table_n; i++)
		if (streq(setting_table[i].section, section) && streq(setting_table[i].key, key))
			return &setting_table[i];
	if (setting_section_known(section)) {
		key_unknown(section, key, d, file, line, col);
		return NULL;
	}
	near = nearest_word(section, setting_sections);
	diag_set(d, EINVAL, file, line, col,
		"unknown section [%s]; expected one of Policy, Match, Schedule, When, Memory, CPU, "
		"Disk, Migration, Availability, Placement, Host%s%s%s",
		excerpt(section, found), near ? "; did you mean [" : "", near ? near : "",
		near ? "]?" : "");
	return NULL;
}
