/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/effective.h"

#include <malloc.h>

#include "policy/setting-list.h"
#include "tests/test.h"

/* Sets of policies p0, p1, ... */
#define SET(...) set_of((const char *const[]){__VA_ARGS__, NULL})
static struct policy_set *set_of(const char *const *texts)
{
	struct policy_text t[8];
	struct policy_set *set = NULL;
	_cleanup_diag_list_ struct diag_list findings = {0};
	static const char *const names[] = {"p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7"};
	size_t n = 0;

	for (; texts[n]; n++)
		t[n] = (struct policy_text){names[n], NULL, texts[n], strlen(texts[n])};
	if (policy_set_from_texts(t, n, NULL, &set, &findings) < 0)
		printf("# %s\n", findings.items[0].text);
	return set;
}

/* A guest with its policy state, and the time. */
struct world {
	struct policy_windows *windows;
	struct guest_policy *gp;
	struct guest_identity id;
	struct facts facts;
	const struct override *overrides;
	size_t n_overrides;
	uint64_t boot, real;
	uint64_t wake; /* answer of the last update */
};

static struct world world_new(void)
{
	return (struct world){.windows = policy_windows_new(),
		.gp = guest_policy_new(),
		.id = {.name = "web1"},
		.boot = 1000 * USEC_PER_SEC,
		.real = 1000 * USEC_PER_SEC};
}

static void world_clear(struct world *w)
{
	policy_windows_free(w->windows);
	guest_policy_free(w->gp);
}
#define _cleanup_world_ _cleanup_(world_clear)

static int step(struct world *w, const struct policy_set *set)
{
	if (policy_windows_update(w->windows, set, w->real) < 0)
		return -ENOMEM;
	return guest_policy_update(w->gp, set, w->windows, &w->id, false, &w->facts, w->overrides,
		w->n_overrides, w->boot, w->real, &w->wake);
}

static const struct settings *now(const struct world *w)
{
	return guest_policy_settings(w->gp);
}

/* "value (file:line)" of one setting. */
static const char *shown(
	const struct world *w, const char *section, const char *key, char buf[static 128])
{
	_cleanup_setting_list_ struct setting_list l = {0};
	const struct setting_line *line = NULL;

	if (guest_policy_visit(w->gp, setting_list_record, &l) == 0)
		line = setting_list_find(&l, section, key);
	if (!line)
		return NULL;
	snprintf(buf, 128, "%s (%s:%u)", line->value, line->file ? line->file : "-", line->line);
	return buf;
}

TEST(without_policies_the_defaults_hold)
{
	_cleanup_world_ struct world w = world_new();
	_cleanup_policy_set_ struct policy_set *set = SET(NULL);
	char buf[128];

	CHECK(memcmp(now(&w), &settings_default, sizeof(settings_default)) == 0);
	CHECK_INT(step(&w, set), 1); /* the first answer is news */
	CHECK_INT(step(&w, set), 0);
	CHECK(memcmp(now(&w), &settings_default, sizeof(settings_default)) == 0);
	CHECK_U64(w.wake, USEC_INFINITY);
	CHECK_STR(shown(&w, "Memory", "Headroom", buf), "20% (-:0)");
	CHECK_STR(shown(&w, "Placement", "Apart", buf), " (-:0)");
}

TEST(later_wins_per_setting_and_each_has_its_origin)
{
	_cleanup_world_ struct world w = world_new();
	_cleanup_policy_set_ struct policy_set *set =
		SET("[Memory]\nMin=1G\nWeight=200\n[Disk]\nGrowBy=5G\n", "[Memory]\n\nMin=2G\n",
			"[Match]\nGuest=db*\n[Memory]\nMin=3G\n");
	char buf[128];

	CHECK_INT(step(&w, set), 1);
	CHECK_U64(now(&w)->mem_min_bytes, 2 * GIB);
	CHECK_U64(now(&w)->mem_weight, 200);
	CHECK_STR(shown(&w, "Memory", "Min", buf), "2G (p1:3)");
	CHECK_STR(shown(&w, "Memory", "Weight", buf), "200 (p0:3)");
	CHECK_STR(shown(&w, "Disk", "GrowBy", buf), "5G (p0:5)");
	CHECK(guest_policy_matches(w.gp, 0) && guest_policy_matches(w.gp, 1));
	CHECK(!guest_policy_matches(w.gp, 2) && !guest_policy_active(w.gp, 2));
}

TEST(an_empty_assignment_resets_what_came_before)
{
	_cleanup_world_ struct world w = world_new();
	_cleanup_policy_set_ struct policy_set *set =
		SET("[Memory]\nMin=1G\nMax=8G\n[Disk]\nGrowBy=5G\n",
			"[Memory]\nMin=\n[Disk]\nGrowBy=\n");
	char buf[128];

	CHECK_INT(step(&w, set), 1);
	CHECK_U64(now(&w)->mem_min_bytes, 0);
	CHECK_STR(shown(&w, "Memory", "Min", buf), "0 (p1:2)");
	CHECK_STR(shown(&w, "Memory", "Max", buf), "8G (p0:3)");
	CHECK_STR(shown(&w, "Disk", "GrowBy", buf), "10% (p1:4)");
}

TEST(a_reset_is_the_default_also_where_that_is_not_nought)
{
	_cleanup_world_ struct world w = world_new();
	_cleanup_policy_set_ struct policy_set *set =
		SET("[Memory]\nWeight=7\nMaxStall=1% over 1s\nSurplus=grow\n",
			"[Memory]\nWeight=\nMaxStall=\nSurplus=\n");

	CHECK_INT(step(&w, set), 1);
	CHECK(memcmp(now(&w), &settings_default, sizeof(settings_default)) == 0);
}

TEST(where_policies_leave_min_above_max_max_wins)
{
	_cleanup_world_ struct world w = world_new();
	_cleanup_policy_set_ struct policy_set *set =
		SET("[Memory]\nMin=4G\n", "[Memory]\nMax=2G\n");
	_cleanup_policy_set_ struct policy_set *fine = SET("[Memory]\nMin=1G\nMax=1G\n");
	uint64_t asked = 0;
	char buf[128];

	CHECK_INT(step(&w, set), 1);
	CHECK_U64(now(&w)->mem_min_bytes, 2 * GIB);
	CHECK_U64(now(&w)->mem_max_bytes, 2 * GIB);
	CHECK_STR(shown(&w, "Memory", "Min", buf), "2G (p1:2)");
	CHECK(guest_policy_min_cut(w.gp, &asked));
	CHECK_U64(asked, 4 * GIB);
	CHECK_INT(step(&w, fine), 1);
	CHECK(!guest_policy_min_cut(w.gp, &asked));
	CHECK_STR(shown(&w, "Memory", "Min", buf), "1G (p0:2)");
}

TEST(a_window_opens_and_closes_by_the_wall_clock)
{
	_cleanup_world_ struct world w = world_new();
	_cleanup_policy_set_ struct policy_set *set =
		SET("[Schedule]\nOnCalendar=*-*-* "
		    "20:00\nUntil=08:00\nTimeZone=UTC\n[Memory]\nMin=1G\n");
	uint64_t epoch;

	w.real = 12 * USEC_PER_HOUR;
	CHECK_INT(step(&w, set), 1);
	CHECK_U64(now(&w)->mem_min_bytes, 0);
	CHECK(guest_policy_matches(w.gp, 0) && !guest_policy_active(w.gp, 0));
	CHECK_U64(policy_windows_next_change(w.windows), 20 * USEC_PER_HOUR);
	w.real = 20 * USEC_PER_HOUR - 1;
	CHECK_INT(step(&w, set), 0);
	epoch = guest_policy_epoch(w.gp);
	w.real = 20 * USEC_PER_HOUR;
	CHECK_INT(step(&w, set), 1);
	CHECK_U64(now(&w)->mem_min_bytes, GIB);
	CHECK(guest_policy_epoch(w.gp) != epoch);
	CHECK(policy_windows_open(w.windows, 0) && !policy_windows_open(w.windows, 1));
	CHECK_U64(policy_windows_next_change(w.windows), 32 * USEC_PER_HOUR);
	CHECK_U64(policy_windows_next(w.windows, 0), 32 * USEC_PER_HOUR);
	CHECK_U64(policy_windows_next(w.windows, 1), USEC_INFINITY);
	/* The clock is set back: judged anew. */
	w.real = 19 * USEC_PER_HOUR;
	CHECK_INT(step(&w, set), 1);
	CHECK_U64(now(&w)->mem_min_bytes, 0);
	/* And forward, over a whole window. */
	w.real = 36 * USEC_PER_HOUR;
	CHECK_INT(step(&w, set), 0);
	CHECK_U64(policy_windows_next_change(w.windows), 44 * USEC_PER_HOUR);
}

TEST(a_condition_must_last)
{
	_cleanup_world_ struct world w = world_new();
	_cleanup_policy_set_ struct policy_set *set =
		SET("[When]\nCondition=guest.vcpus > 2\nLastingSec=30s\n[Memory]\nMin=1G\n");
	const uint64_t start = w.boot;

	CHECK_INT(step(&w, set), 1); /* nothing is known yet */
	CHECK_U64(now(&w)->mem_min_bytes, 0);
	CHECK_U64(w.wake, USEC_INFINITY);
	facts_set(&w.facts, FACT_GUEST_VCPUS, 4);
	CHECK_INT(step(&w, set), 0);
	CHECK_U64(w.wake, start + 30 * USEC_PER_SEC);
	w.boot = start + 29 * USEC_PER_SEC;
	CHECK_INT(step(&w, set), 0);
	/* A moment in which it does not hold begins it anew. */
	facts_set(&w.facts, FACT_GUEST_VCPUS, 2);
	CHECK_INT(step(&w, set), 0);
	CHECK_U64(w.wake, USEC_INFINITY);
	facts_set(&w.facts, FACT_GUEST_VCPUS, 3);
	w.boot = start + 40 * USEC_PER_SEC;
	CHECK_INT(step(&w, set), 0);
	w.boot = start + 69 * USEC_PER_SEC;
	CHECK_INT(step(&w, set), 0);
	CHECK_U64(w.wake, start + 70 * USEC_PER_SEC);
	w.boot = w.wake;
	CHECK_INT(step(&w, set), 1);
	CHECK_U64(now(&w)->mem_min_bytes, GIB);
	CHECK_U64(w.wake, USEC_INFINITY);
	/* It ends at once; what becomes unknown does not hold. */
	w.facts.known = 0;
	CHECK_INT(step(&w, set), 1);
	CHECK_U64(now(&w)->mem_min_bytes, 0);
}

TEST(time_of_a_condition_survives_a_reload_that_leaves_it_as_it_was)
{
	static const char text[] =
		"[When]\nCondition=guest.vcpus > 2\nLastingSec=30s\n[Memory]\nMin=1G\n";
	_cleanup_world_ struct world w = world_new();
	_cleanup_policy_set_ struct policy_set *set = SET(text), *same = SET(text);
	_cleanup_policy_set_ struct policy_set *longer =
		SET("[When]\nCondition=guest.vcpus > 2\nLastingSec=60s\n[Memory]\nMin=1G\n");
	_cleanup_policy_set_ struct policy_set *other =
		SET("[When]\nCondition=guest.vcpus > 1\nLastingSec=30s\n[Memory]\nMin=1G\n");
	const uint64_t start = w.boot;

	facts_set(&w.facts, FACT_GUEST_VCPUS, 4);
	CHECK_INT(step(&w, set), 1);
	w.boot = start + 20 * USEC_PER_SEC;
	CHECK_INT(step(&w, same), 0);
	CHECK_U64(w.wake, start + 30 * USEC_PER_SEC);
	CHECK_INT(step(&w, longer), 0);
	CHECK_U64(w.wake, start + 60 * USEC_PER_SEC);
	CHECK_INT(step(&w, other), 0);
	CHECK_U64(w.wake, start + 50 * USEC_PER_SEC);
}

TEST(time_of_a_condition_runs_while_its_window_is_closed)
{
	_cleanup_world_ struct world w = world_new();
	_cleanup_policy_set_ struct policy_set *set =
		SET("[Schedule]\nOnCalendar=20:00\nUntil=08:00\nTimeZone=UTC\n[When]\n"
		    "Condition=guest.vcpus > 2\nLastingSec=30s\n[Memory]\nMin=1G\n");

	facts_set(&w.facts, FACT_GUEST_VCPUS, 4);
	w.real = 20 * USEC_PER_HOUR - 60 * USEC_PER_SEC;
	CHECK_INT(step(&w, set), 1);
	CHECK_U64(w.wake, USEC_INFINITY); /* the window will wake the caller */
	w.real += 60 * USEC_PER_SEC;
	w.boot += 60 * USEC_PER_SEC;
	CHECK_INT(step(&w, set), 1);
	CHECK_U64(now(&w)->mem_min_bytes, GIB);
}

TEST(a_reload_that_changes_nothing_for_a_guest_is_no_news_to_it)
{
	_cleanup_world_ struct world w = world_new();
	_cleanup_policy_set_ struct policy_set *set = SET("[Memory]\nMin=1G\n");
	_cleanup_policy_set_ struct policy_set *more =
		SET("[Memory]\nMin=1G\n", "[Match]\nGuest=db*\n[Memory]\nMin=7G\n");
	_cleanup_policy_set_ struct policy_set *value = SET("[Memory]\nMin=2G\n");
	uint64_t epoch;

	CHECK_INT(step(&w, set), 1);
	epoch = guest_policy_epoch(w.gp);
	CHECK_INT(step(&w, more), 0);
	CHECK_U64(guest_policy_epoch(w.gp), epoch);
	CHECK_INT(step(&w, value), 1);
	CHECK_U64(now(&w)->mem_min_bytes, 2 * GIB);
}

TEST(another_active_policy_is_news_though_it_says_the_same)
{
	_cleanup_world_ struct world w = world_new();
	_cleanup_policy_set_ struct policy_set *set =
		SET("[Memory]\nMin=1G\n", "[When]\nCondition=guest.vcpus > 2\n[Memory]\nMin=1G\n");

	CHECK_INT(step(&w, set), 1);
	facts_set(&w.facts, FACT_GUEST_VCPUS, 4);
	CHECK_INT(step(&w, set), 1);
	CHECK(guest_policy_active(w.gp, 1));
}

TEST(windows_of_another_set_are_news)
{
	_cleanup_world_ struct world w = world_new();
	_cleanup_policy_set_ struct policy_set *set = SET("[Memory]\nMin=1G\n");
	_cleanup_policy_set_ struct policy_set *other = SET("[Memory]\nMin=1G\n");

	CHECK_INT(policy_windows_update(w.windows, set, w.real), 1);
	CHECK_INT(policy_windows_update(w.windows, set, w.real), 0);
	CHECK_INT(policy_windows_update(w.windows, other, w.real), 1);
}

TEST(a_new_name_matches_anew_when_the_caller_says_so)
{
	_cleanup_world_ struct world w = world_new();
	_cleanup_policy_set_ struct policy_set *set = SET("[Match]\nGuest=db*\n[Memory]\nMin=1G\n");

	CHECK_INT(step(&w, set), 1);
	CHECK_U64(now(&w)->mem_min_bytes, 0);
	w.id.name = "db1";
	CHECK_INT(guest_policy_update(w.gp, set, w.windows, &w.id, true, &w.facts, NULL, 0, w.boot,
			  w.real, &w.wake),
		1);
	CHECK_U64(now(&w)->mem_min_bytes, GIB);
}

TEST(an_override_stands_above_policies_until_it_expires)
{
	_cleanup_world_ struct world w = world_new();
	_cleanup_policy_set_ struct policy_set *set = SET("[Memory]\nMin=1G\nMax=8G\n");
	const struct override o[] = {
		{.section = "Memory",
			.key = "Min",
			.value = "3G",
			.until_boot_usec = w.boot + USEC_PER_HOUR,
			.until_real_usec = USEC_INFINITY},
		{.section = "CPU",
			.key = "Weight",
			.value = "400",
			.until_boot_usec = USEC_INFINITY,
			.until_real_usec = w.real + USEC_PER_MIN},
		{.section = "CPU",
			.key = "Quota",
			.value = "50%",
			.until_boot_usec = w.boot,
			.until_real_usec = USEC_INFINITY},
	};
	char buf[128];

	w.overrides = o;
	w.n_overrides = ARRAY_SIZE(o);
	CHECK_INT(step(&w, set), 1);
	CHECK_U64(now(&w)->mem_min_bytes, 3 * GIB);
	CHECK_U64(now(&w)->cpu_weight, 400);
	CHECK_U64(now(&w)->cpu_quota, 0);
	CHECK_STR(shown(&w, "Memory", "Min", buf), "3G (override:0)");
	CHECK_U64(w.wake, w.boot + USEC_PER_MIN);
	CHECK_INT(step(&w, set), 0);
	w.boot += USEC_PER_MIN;
	w.real += USEC_PER_MIN;
	CHECK_INT(step(&w, set), 1);
	CHECK_U64(now(&w)->cpu_weight, 100);
	CHECK_U64(w.wake, o[0].until_boot_usec);
	w.boot = o[0].until_boot_usec;
	CHECK_INT(step(&w, set), 1);
	CHECK_U64(now(&w)->mem_min_bytes, GIB);
	CHECK_U64(w.wake, USEC_INFINITY);
	w.n_overrides = 0;
	CHECK_INT(step(&w, set), 0);
}

TEST(overrides_are_checked)
{
	static const struct {
		const char *section, *key, *value, *part;
	} bad[] = {
		{"Memory", "Mni", "1G", "did you mean Min?"},
		{"Memroy", "Min", "1G", "did you mean [Memory]?"},
		{"Memory", "Min", "1X", "suffix is none of"},
		{"Memory", "Min", "", "value missing"},
		{"Memory", "Weight", "0", "too small"},
		{"Migration", "Allow", "yes", "not in force in this version"},
		{"Host", "Memory", "1G", "not of one guest"},
		{"Match", "Guest", "x", "not of one guest"},
	};

	CHECK_INT(override_check("Memory", "Min", "1G", NULL), 0);
	CHECK_INT(override_check("CPU", "Quota", "infinity", NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_diag_ struct diag d = {0};

		CHECK_INT(override_check(bad[i].section, bad[i].key, bad[i].value, &d), -EINVAL);
		CHECK_CONTAINS(d.text, bad[i].part);
	}
}

TEST(a_clone_goes_its_own_way)
{
	_cleanup_world_ struct world w = world_new(), c = world_new();
	_cleanup_policy_set_ struct policy_set *set =
		SET("[When]\nCondition=guest.vcpus > 2\nLastingSec=30s\n[Memory]\nMin=1G\n");
	const struct override o = {.section = "Memory",
		.key = "Weight",
		.value = "7",
		.until_boot_usec = USEC_INFINITY,
		.until_real_usec = USEC_INFINITY};
	char buf[128];

	w.overrides = &o;
	w.n_overrides = 1;
	facts_set(&w.facts, FACT_GUEST_VCPUS, 4);
	CHECK_INT(step(&w, set), 1);
	world_clear(&c);
	c = w;
	c.windows = policy_windows_clone(w.windows);
	c.gp = guest_policy_clone(w.gp);
	CHECK(c.windows && c.gp);
	c.boot += 30 * USEC_PER_SEC;
	CHECK_INT(step(&c, set), 1);
	CHECK_U64(now(&c)->mem_min_bytes, GIB);
	CHECK_U64(now(&w)->mem_min_bytes, 0);
	guest_policy_free(w.gp);
	w.gp = guest_policy_new();
	CHECK_STR(shown(&c, "Memory", "Weight", buf), "7 (override:0)");
}

TEST(an_update_that_finds_nothing_new_allocates_nothing)
{
	_cleanup_world_ struct world w = world_new();
	_cleanup_policy_set_ struct policy_set *set =
		SET("[Memory]\nMin=1G\n", "[When]\nCondition=guest.vcpus > 2\n[CPU]\nWeight=5\n",
			"[Schedule]\nOnCalendar=20:00\nUntil=08:00\n[CPU]\nWeight=5\n");
	const struct override o = {.section = "Memory",
		.key = "Weight",
		.value = "7",
		.until_boot_usec = USEC_INFINITY,
		.until_real_usec = USEC_INFINITY};
	struct mallinfo2 before, after;

	w.overrides = &o;
	w.n_overrides = 1;
	CHECK_INT(step(&w, set), 1);
	before = mallinfo2();
	for (int i = 0; i < 1000; i++)
		CHECK_INT(step(&w, set), 0);
	after = mallinfo2();
	CHECK_U64(after.uordblks, before.uordblks);
}

TEST(a_guest_costs_less_than_a_kibibyte)
{
	_cleanup_world_ struct world w = world_new();
	_cleanup_policy_set_ struct policy_set *set = SET("[Memory]\nMin=1G\n", "[CPU]\nWeight=5\n",
		"[CPU]\nWeight=6\n", "[CPU]\nWeight=7\n", "[CPU]\nWeight=8\n");
	struct mallinfo2 before = mallinfo2(), after;
	struct guest_policy *gp[100];

	for (int i = 0; i < 100; i++)
		gp[i] = guest_policy_new();
	for (int i = 0; i < 100; i++) {
		guest_policy_free(w.gp);
		w.gp = gp[i];
		step(&w, set);
		gp[i] = TAKE_PTR(w.gp);
	}
	after = mallinfo2();
	for (int i = 0; i < 100; i++)
		guest_policy_free(gp[i]);
	CHECK(after.uordblks - before.uordblks < 100 * KIB);
	if (after.uordblks > before.uordblks) /* not counted under a sanitizer */
		printf("# %zu bytes a guest with five policies\n",
			(after.uordblks - before.uordblks) / 100);
}

static int stop_at_third(const char *section, const char *key, const char *value,
	const struct origin *origin, bool in_force, void *userdata)
{
	return ++*(int *)userdata == 3 ? 42 : 0;
}

TEST(a_visitor_can_stop)
{
	struct guest_policy *gp = guest_policy_new();
	int n = 0, r;

	r = guest_policy_visit(gp, stop_at_third, &n);
	guest_policy_free(gp);
	CHECK_INT(r, 42);
	CHECK_INT(n, 3);
	n = 0;
	CHECK_INT(settings_visit_known(stop_at_third, &n), 42);
}

TEST_MAIN()
