/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/channel/line.h"

#include "common/json-scan.h"

/*
 * Why a scanner of our own and not jansson: the daemon may spend about 20 us of CPU on a report,
 * the wake-up and the read included. The report of docs/agent-protocol.md, 427 bytes, read 200000
 * times (2 cores, gcc 12 -O2): jansson 2.14 with json_loadb() and 23 json_object_get() 9.4-10.0 us,
 * 30 allocations; this file 0.66-0.70 us, none.
 */

DEFINE_STRTAB(agent_cap, enum agent_cap, AGENT_CAP_MAX, "psi", "psi-trigger", "filesystems")
DEFINE_STRTAB(line_type, enum line_type, LINE_TYPE_MAX, "hello", "report")

/* The words on the wire; what people are shown is report_why_to_string()'s. */
static const char *const why_words[REPORT_WHY_MAX] = {
	[REPORT_WHY_HEARTBEAT] = "heartbeat",
	[REPORT_WHY_AVAILABLE] = "available",
	[REPORT_WHY_PRESSURE] = "pressure",
	[REPORT_WHY_REQUEST] = "request",
};

#define PROTO 1
#define CAPS_ON_WIRE_MAX 16
#define BOOT_DIGITS 16

/* Every member that protocol 1 names, in the order in which the agent writes them. */
enum member {
	M_TYPE,
	M_SEQ,
	M_MONO,
	M_BOOT,
	M_WHY,
	M_PING,
	M_TOTAL,
	M_AVAILABLE,
	M_FREE,
	M_ANON,
	M_FILE,
	M_DIRTY,
	M_SWAP_TOTAL,
	M_SWAP_FREE,
	M_MAJOR_FAULTS,
	M_REFAULTS_FILE,
	M_REFAULTS_ANON,
	M_OOM_KILLS,
	M_STEAL,
	M_RUNNING,
	M_PSI_MEM_SOME,
	M_PSI_MEM_FULL,
	M_PSI_CPU_SOME,
	M_PSI_IO_SOME,
	M_PSI_IO_FULL,
	M_FS,
	M_VERSION,
	M_PROTO,
	M_OS,
	M_KERNEL,
	M_PAGE,
	M_CAPS,
	M_MAX,
};

#define BIT(m) (UINT64_C(1) << (m))
#define BITS(first, last) (BIT((last) + 1) - BIT(first))
#define REPORT_REQUIRED \
	(BIT(M_SEQ) | BIT(M_MONO) | BIT(M_BOOT) | BIT(M_WHY) | BIT(M_TOTAL) | BIT(M_AVAILABLE))
#define HELLO_REQUIRED \
	(BIT(M_VERSION) | BIT(M_PROTO) | BIT(M_BOOT) | BIT(M_KERNEL) | BIT(M_PAGE) | BIT(M_CAPS))
#define COUNTERS BITS(M_MAJOR_FAULTS, M_RUNNING)
#define PSI BITS(M_PSI_MEM_SOME, M_PSI_IO_FULL)

/* Where the value of an integer member goes: NOWHERE is for those that parse_special() takes. */
#define NOWHERE UINT16_MAX
struct member_info {
	const char *name;
	uint8_t len;
	enum scan_kind kind;
	uint16_t offset; /* of a uint64_t in struct line */
	const char *wrong_kind;
	const char *twice;
};
#define MEMBER(n, k, o, what)                                            \
	{                                                                \
		.name = n, .len = sizeof(n) - 1, .kind = k, .offset = o, \
		.wrong_kind = "member \"" n "\" is not " what,           \
		.twice = "member \"" n "\" comes twice",                 \
	}
#define STRING(n) MEMBER(n, SCAN_STRING, NOWHERE, "a string")
#define ARRAY(n) MEMBER(n, SCAN_ARRAY, NOWHERE, "an array")
#define INTEGER(n, o) MEMBER(n, SCAN_INTEGER, o, "an integer from 0 to 2^53 - 1")
#define FIGURE(n, f) INTEGER(n, offsetof(struct line, report.f))

static const struct member_info members[M_MAX] = {
	[M_TYPE] = STRING("type"),
	[M_SEQ] = FIGURE("seq", seq),
	[M_MONO] = FIGURE("mono_us", guest_usec),
	[M_BOOT] = STRING("boot"),
	[M_WHY] = STRING("why"),
	[M_PING] = INTEGER("ping", offsetof(struct line, ping_id)),
	[M_TOTAL] = FIGURE("total", total_bytes),
	[M_AVAILABLE] = FIGURE("available", available_bytes),
	[M_FREE] = FIGURE("free", free_bytes),
	[M_ANON] = FIGURE("anon", anon_bytes),
	[M_FILE] = FIGURE("file", file_bytes),
	[M_DIRTY] = FIGURE("dirty", dirty_bytes),
	[M_SWAP_TOTAL] = FIGURE("swap_total", swap_total_bytes),
	[M_SWAP_FREE] = FIGURE("swap_free", swap_free_bytes),
	[M_MAJOR_FAULTS] = FIGURE("major_faults", major_faults),
	[M_REFAULTS_FILE] = FIGURE("refaults_file", refaults_file),
	[M_REFAULTS_ANON] = FIGURE("refaults_anon", refaults_anon),
	[M_OOM_KILLS] = FIGURE("oom_kills", oom_kills),
	[M_STEAL] = FIGURE("steal_us", steal_usec),
	[M_RUNNING] = INTEGER("running", NOWHERE),
	[M_PSI_MEM_SOME] = FIGURE("psi_mem_some_us", psi_mem_some_usec),
	[M_PSI_MEM_FULL] = FIGURE("psi_mem_full_us", psi_mem_full_usec),
	[M_PSI_CPU_SOME] = FIGURE("psi_cpu_some_us", psi_cpu_some_usec),
	[M_PSI_IO_SOME] = FIGURE("psi_io_some_us", psi_io_some_usec),
	[M_PSI_IO_FULL] = FIGURE("psi_io_full_us", psi_io_full_usec),
	[M_FS] = ARRAY("fs"),
	[M_VERSION] = STRING("version"),
	[M_PROTO] = INTEGER("proto", NOWHERE),
	[M_OS] = STRING("os"),
	[M_KERNEL] = STRING("kernel"),
	[M_PAGE] = INTEGER("page", NOWHERE),
	[M_CAPS] = ARRAY("caps"),
};

static int bad(const char **ret_reason, const char *reason)
{
	*ret_reason = reason;
	return -EBADMSG;
}

static int out_of_range(const char **ret_reason, const char *reason)
{
	*ret_reason = reason;
	return -ERANGE;
}

/* Nearly every comparison is with the right name of a few bytes: not worth memcmp(), whose page is
 * cold after a sleep. */
static inline bool is_named(const struct json_value *key, const struct member_info *info)
{
	if (key->len != info->len || key->escaped)
		return false;
	for (size_t i = 0; i < info->len; i++)
		if (key->text[i] != info->name[i])
			return false;
	return true;
}

/* The member of this name, or M_MAX. Agents write them in the table's order, so the one after the
 * last is nearly always it. */
static enum member member_find(const struct json_value *key, enum member expected)
{
	for (int i = 0; i < M_MAX; i++) {
		enum member m = (enum member)((expected + i) % M_MAX);

		if (is_named(key, &members[m]))
			return m;
	}
	return M_MAX;
}

static int parse_boot(const struct json_value *v, uint64_t *ret)
{
	uint64_t id = 0;

	if (v->len != BOOT_DIGITS || v->escaped)
		return -EBADMSG;
	for (size_t i = 0; i < BOOT_DIGITS; i++) {
		int digit = json_hex_digit(v->text[i]);

		if (digit < 0 || (v->text[i] >= 'A' && v->text[i] <= 'F'))
			return -EBADMSG;
		id = id << 4 | (uint64_t)digit;
	}
	if (id == 0)
		return -EBADMSG;
	*ret = id;
	return 0;
}

static int parse_why(const struct json_value *v, enum report_why *ret)
{
	for (int i = 0; i < REPORT_WHY_MAX; i++)
		if (json_string_is(v, why_words[i], strlen(why_words[i]))) {
			*ret = (enum report_why)i;
			return 0;
		}
	return -EBADMSG;
}

static int parse_caps(const struct json_value *array, uint32_t *ret)
{
	struct json_value v;
	struct json_scan s;
	uint32_t caps = 0;
	int r, n = 0;

	r = json_scan_begin(&s, '[', array->text, array->len);
	if (r < 0)
		return r;
	while ((r = json_scan_element(&s, &v)) > 0) {
		if (v.kind != SCAN_STRING || ++n > CAPS_ON_WIRE_MAX)
			return -EBADMSG;
		for (int i = 0; i < AGENT_CAP_MAX; i++)
			if (json_string_is(&v, agent_cap_names[i], strlen(agent_cap_names[i])))
				caps |= UINT32_C(1) << i;
	}
	*ret = caps;
	return r;
}

static int parse_filesystem(const struct json_value *object, struct guest_filesystem *fs)
{
	struct json_value key, v;
	struct json_scan s;
	unsigned seen = 0;
	int r;

	r = json_scan_begin(&s, '{', object->text, object->len);
	if (r < 0)
		return r;
	while ((r = json_scan_member(&s, &key, &v)) > 0) {
		unsigned bit;

		if (json_string_is(&key, "mount", 5)) {
			bit = 1;
			if (v.kind != SCAN_STRING || v.len == 0)
				return -EBADMSG;
			json_string_copy(&v, fs->mount, sizeof(fs->mount));
		} else if (json_string_is(&key, "size", 4)) {
			bit = 2;
			fs->size_bytes = v.number;
		} else if (json_string_is(&key, "free", 4)) {
			bit = 4;
			fs->free_bytes = v.number;
		} else {
			continue;
		}
		if ((seen & bit) || (bit != 1 && v.kind != SCAN_INTEGER))
			return -EBADMSG;
		seen |= bit;
	}
	if (r < 0)
		return r;
	return seen == 7 && fs->free_bytes <= fs->size_bytes ? 0 : -EBADMSG;
}

static int parse_filesystems(const struct json_value *array, struct line *line)
{
	struct json_value v;
	struct json_scan s;
	int r;

	line->n_filesystems = 0;
	r = json_scan_begin(&s, '[', array->text, array->len);
	if (r < 0)
		return r;
	while ((r = json_scan_element(&s, &v)) > 0) {
		if (v.kind != SCAN_OBJECT || line->n_filesystems == FILESYSTEMS_MAX)
			return -EBADMSG;
		r = parse_filesystem(&v, &line->filesystems[line->n_filesystems++]);
		if (r < 0)
			return r;
	}
	return r;
}

/* The members that are more than an integer that is put into its place. boot goes to both structs:
 * which one counts is known at the end of the line. */
static int parse_special(
	enum member m, const struct json_value *v, struct line *line, const char **ret_reason)
{
	switch (m) {
	case M_TYPE:
		for (int i = 0; i < LINE_TYPE_MAX; i++)
			if (json_string_is(v, line_type_names[i], strlen(line_type_names[i])))
				line->type = (enum line_type)i;
		return line->type >= 0 ? 0 : bad(ret_reason, "unknown \"type\"");
	case M_BOOT:
		if (parse_boot(v, &line->report.boot_id) < 0)
			return bad(ret_reason,
				"\"boot\" is not 16 lower-case hex digits other than 0");
		line->hello.boot_id = line->report.boot_id;
		return 0;
	case M_WHY:
		return parse_why(v, &line->report.why) < 0 ? bad(ret_reason, "unknown \"why\"") : 0;
	case M_FS:
		return parse_filesystems(v, line) < 0
		               ? bad(ret_reason, "\"fs\" is not a list of file systems")
		               : 0;
	case M_CAPS:
		return parse_caps(v, &line->hello.caps) < 0
		               ? bad(ret_reason, "\"caps\" is not a list of words")
		               : 0;
	case M_RUNNING:
		if (v->number > UINT32_MAX)
			return out_of_range(ret_reason, "\"running\" is out of range");
		line->report.running_tasks = (uint32_t)v->number;
		return 0;
	case M_PROTO:
		if (v->number != PROTO)
			return out_of_range(ret_reason,
				"\"proto\" is not 1: this agent does not speak our protocol");
		line->hello.proto = PROTO;
		return 0;
	case M_PAGE:
		if (v->number < 4096 || v->number > 65536 || (v->number & (v->number - 1)))
			return out_of_range(
				ret_reason, "\"page\" is not a power of two from 4096 to 65536");
		line->hello.page_bytes = (uint32_t)v->number;
		return 0;
	case M_VERSION:
		json_string_copy(v, line->hello.version, sizeof(line->hello.version));
		return 0;
	case M_OS:
		json_string_copy(v, line->hello.os, sizeof(line->hello.os));
		return 0;
	case M_KERNEL:
		json_string_copy(v, line->hello.kernel, sizeof(line->hello.kernel));
		return 0;
	default:
		return 0;
	}
}

static int finish_report(struct line *line, uint64_t seen, const char **ret_reason)
{
	struct guest_report *r = &line->report;

	if ((seen & REPORT_REQUIRED) != REPORT_REQUIRED)
		return bad(ret_reason,
			"a report lacks one of seq, mono_us, boot, why, total, available");
	if ((seen & COUNTERS) && (seen & COUNTERS) != COUNTERS)
		return bad(ret_reason, "a report has some of its counters, not all");
	if ((seen & PSI) && (seen & PSI) != PSI)
		return bad(ret_reason, "a report has some of its psi_ members, not all");
	r->has_swap = (seen & BIT(M_SWAP_TOTAL)) && (seen & BIT(M_SWAP_FREE));
	r->has_counters = seen & COUNTERS;
	r->has_psi = seen & PSI;
	line->has_ping = seen & BIT(M_PING);
	line->has_filesystems = seen & BIT(M_FS);
	return line_check_report(r, ret_reason);
}

static int finish_hello(uint64_t seen, const char **ret_reason)
{
	if ((seen & HELLO_REQUIRED) != HELLO_REQUIRED)
		return bad(ret_reason,
			"a hello lacks one of version, proto, boot, kernel, page, caps");
	return 0;
}

static void line_clear(struct line *line)
{
	line->type = LINE_TYPE_INVALID;
	line->hello = (struct agent_hello){};
	line->report = (struct guest_report){.source = REPORT_AGENT, .page_bytes = 4096};
	line->has_ping = line->has_filesystems = false;
	line->n_filesystems = 0;
}

int line_parse(const char *text, size_t len, struct line *ret, const char **ret_reason)
{
	struct json_value key, value;
	enum member expected = M_TYPE;
	struct json_scan s;
	uint64_t seen = 0;
	int r;

	line_clear(ret);
	if (len >= LINE_BYTES_MAX)
		return bad(ret_reason, "longer than 4096 bytes");
	if (!json_utf8_valid(text, len))
		return bad(ret_reason, "not UTF-8");
	if (json_scan_begin(&s, '{', text, len) < 0)
		return bad(ret_reason, "not a JSON object");
	while ((r = json_scan_member(&s, &key, &value)) > 0) {
		enum member m = member_find(&key, expected);

		if (m == M_MAX)
			continue;
		if (seen & BIT(m))
			return bad(ret_reason, members[m].twice);
		if (value.kind != members[m].kind)
			return bad(ret_reason, members[m].wrong_kind);
		seen |= BIT(m);
		expected = (enum member)(m + 1);
		if (members[m].offset == NOWHERE)
			r = parse_special(m, &value, ret, ret_reason);
		else
			*(uint64_t *)((char *)ret + members[m].offset) = value.number;
		if (r < 0)
			return r;
	}
	if (r < 0)
		return bad(ret_reason, "not a JSON object");
	if (!(seen & BIT(M_TYPE)))
		return bad(ret_reason, "lacks \"type\"");
	return ret->type == LINE_HELLO ? finish_hello(seen, ret_reason)
	                               : finish_report(ret, seen, ret_reason);
}
