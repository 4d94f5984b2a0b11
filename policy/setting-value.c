/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/setting-value.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/units.h"
#include "policy/condition.h"
#include "policy/match.h"
#include "policy/setting-table.h"

static int wrong(const struct setting *s, const char *text, int err, unsigned col,
	const char *problem, struct diag *d)
{
	char found[EXCERPT_MAX], expected[EXPECTED_MAX];

	return diag_set(d, err, NULL, 0, col, "\"%s\": %s; expected %s", excerpt(text, found),
		problem, setting_value_expected(s, expected));
}

static int check_bounds(const struct setting *s, const char *text, uint64_t v, struct diag *d)
{
	if (v < s->min)
		return wrong(s, text, ERANGE, 1, "too small", d);
	if (v > s->max)
		return wrong(s, text, ERANGE, 1, "too large", d);
	return 0;
}

/* Says the same as the unit's parser did, but with what this setting expects. */
static int unit_wrong(
	const struct setting *s, const char *text, int r, const struct diag *inner, struct diag *d)
{
	char problem[128];
	const char *p = inner->text ? strstr(inner->text, "\": ") : NULL, *end;

	if (!p)
		return wrong(s, text, -r, inner->col ? inner->col : 1, "not of the form", d);
	p += 3;
	end = strstr(p, "; expected");
	snprintf(problem, sizeof(problem), "%.*s", end ? (int)(end - p) : 100, p);
	return wrong(s, text, -r, inner->col, problem, d);
}

/* --- numbers --- */

static int parse_number(
	const struct setting *s, const char *text, union setting_value *ret, struct diag *d)
{
	uint64_t v = 0;
	const char *p;

	for (p = text; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10, &v) ||
			__builtin_add_overflow(v, (unsigned)(*p - '0'), &v))
			return wrong(s, text, ERANGE, 1, "too large", d);
	if (*p)
		return wrong(s, text, EINVAL, (unsigned)(p - text) + 1, "not a whole number", d);
	ret->number = v;
	return check_bounds(s, text, v, d);
}

static char *format_number(const struct setting *s, const union setting_value *v)
{
	char *text;

	return asprintf(&text, "%" PRIu64, v->number) < 0 ? NULL : text;
}

static void expect_number(const struct setting *s, char buf[static EXPECTED_MAX])
{
	snprintf(buf, EXPECTED_MAX, "a whole number from %" PRIu64 " to %" PRIu64, s->min, s->max);
}

/* --- sizes --- */

static int parse_size(
	const struct setting *s, const char *text, union setting_value *ret, struct diag *d)
{
	_cleanup_diag_ struct diag inner = {0};
	int r = size_parse(text, &ret->number, &inner);

	return r < 0 ? unit_wrong(s, text, r, &inner, d) : check_bounds(s, text, ret->number, d);
}

static char *format_size(const struct setting *s, const union setting_value *v)
{
	char buf[SIZE_TEXT_MAX];

	return strdup(size_format_exact(v->number, buf));
}

static void expect_size(const struct setting *s, char buf[static EXPECTED_MAX])
{
	char min[SIZE_TEXT_MAX], max[SIZE_TEXT_MAX];

	if (s->max == BYTES_UNLIMITED)
		snprintf(buf, EXPECTED_MAX, "a size of at least %s, like 512M or 1.5G, or infinity",
			size_format_exact(s->min, min));
	else
		snprintf(buf, EXPECTED_MAX, "a size from %s to %s, like 512M or 1.5G",
			size_format_exact(s->min, min), size_format_exact(s->max, max));
}

/* --- ratios --- */

static int parse_ratio(
	const struct setting *s, const char *text, union setting_value *ret, struct diag *d)
{
	_cleanup_diag_ struct diag inner = {0};
	int r = ratio_parse(text, UINT64_MAX, &ret->number, &inner);

	return r < 0 ? unit_wrong(s, text, r, &inner, d) : check_bounds(s, text, ret->number, d);
}

static char *format_ratio(const struct setting *s, const union setting_value *v)
{
	char buf[RATIO_TEXT_MAX];

	return strdup(ratio_format(v->number, buf));
}

static void expect_ratio(const struct setting *s, char buf[static EXPECTED_MAX])
{
	char min[RATIO_TEXT_MAX], max[RATIO_TEXT_MAX];

	snprintf(buf, EXPECTED_MAX, "a percentage from %s to %s", ratio_format(s->min, min),
		ratio_format(s->max, max));
}

static int parse_quota(
	const struct setting *s, const char *text, union setting_value *ret, struct diag *d)
{
	if (streq(text, "infinity")) {
		ret->number = 0;
		return 0;
	}
	return parse_ratio(s, text, ret, d);
}

static char *format_quota(const struct setting *s, const union setting_value *v)
{
	return v->number ? format_ratio(s, v) : strdup("infinity");
}

static void expect_quota(const struct setting *s, char buf[static EXPECTED_MAX])
{
	char min[RATIO_TEXT_MAX], max[RATIO_TEXT_MAX];

	snprintf(buf, EXPECTED_MAX, "a percentage of one CPU from %s to %s, or infinity",
		ratio_format(s->min, min), ratio_format(s->max, max));
}

/* --- spans --- */

static int parse_span(
	const struct setting *s, const char *text, union setting_value *ret, struct diag *d)
{
	_cleanup_diag_ struct diag inner = {0};
	int r = span_parse(text, &ret->number, &inner);

	return r < 0 ? unit_wrong(s, text, r, &inner, d) : check_bounds(s, text, ret->number, d);
}

static char *format_span(const struct setting *s, const union setting_value *v)
{
	char buf[SPAN_TEXT_MAX];

	return strdup(span_format(v->number, buf));
}

static void expect_span(const struct setting *s, char buf[static EXPECTED_MAX])
{
	char min[SPAN_TEXT_MAX], max[SPAN_TEXT_MAX];

	if (s->max == USEC_INFINITY)
		snprintf(buf, EXPECTED_MAX, "a time span like 30s or 1min 30s");
	else
		snprintf(buf, EXPECTED_MAX, "a time span from %s to %s, like 30s or 1min 30s",
			span_format(s->min, min), span_format(s->max, max));
}

static int parse_msec(
	const struct setting *s, const char *text, union setting_value *ret, struct diag *d)
{
	_cleanup_diag_ struct diag inner = {0};
	bool bare = !text[strspn(text, "0123456789")];
	_cleanup_free_ char *span = NULL;
	int r;

	if (asprintf(&span, "%s%s", text, bare ? "ms" : "") < 0)
		return -ENOMEM;
	r = span_parse(span, &ret->number, &inner);
	return r < 0 ? unit_wrong(s, text, r, &inner, d) : check_bounds(s, text, ret->number, d);
}

static void expect_msec(const struct setting *s, char buf[static EXPECTED_MAX])
{
	snprintf(buf, EXPECTED_MAX, "milliseconds from %" PRIu64 " to %" PRIu64,
		s->min / USEC_PER_MSEC, s->max / USEC_PER_MSEC);
}

static char *format_msec(const struct setting *s, const union setting_value *v)
{
	char *text;

	if (v->number % USEC_PER_MSEC)
		return format_span(s, v);
	return asprintf(&text, "%" PRIu64, v->number / USEC_PER_MSEC) < 0 ? NULL : text;
}

/* --- a size or a ratio --- */

static int parse_amount(
	const struct setting *s, const char *text, union setting_value *ret, struct diag *d)
{
	_cleanup_diag_ struct diag inner = {0};
	int r;

	ret->amount.is_ratio = strchr(text, '%') != NULL;
	if (ret->amount.is_ratio)
		r = ratio_parse(text, UINT64_MAX, &ret->amount.value, &inner);
	else
		r = size_parse(text, &ret->amount.value, &inner);
	if (r < 0)
		return unit_wrong(s, text, r, &inner, d);
	if (ret->amount.is_ratio)
		return check_bounds(s, text, ret->amount.value, d);
	if (ret->amount.value == BYTES_UNLIMITED)
		return wrong(s, text, ERANGE, 1, "too large", d);
	return 0;
}

static char *format_amount(const struct setting *s, const union setting_value *v)
{
	const union setting_value plain = {.number = v->amount.value};

	return v->amount.is_ratio ? format_ratio(s, &plain) : format_size(s, &plain);
}

static void expect_amount(const struct setting *s, char buf[static EXPECTED_MAX])
{
	char min[RATIO_TEXT_MAX], max[RATIO_TEXT_MAX];

	snprintf(buf, EXPECTED_MAX, "a size like 512M or 1.5G, or a percentage from %s to %s",
		ratio_format(s->min, min), ratio_format(s->max, max));
}

/* --- a stall --- */

static int parse_stall(
	const struct setting *s, const char *text, union setting_value *ret, struct diag *d)
{
	_cleanup_diag_ struct diag inner = {0};
	const char *over = strstr(text, " over ");
	_cleanup_free_ char *ratio = NULL;
	unsigned col;
	int r;

	if (!over)
		return wrong(s, text, EINVAL, 1, "\"over\" missing", d);
	ratio = strndup(text, (size_t)(over - text));
	if (!ratio)
		return -ENOMEM;
	r = ratio_parse(ratio, PERMYRIAD, &ret->stall.permyriad, &inner);
	if (r < 0)
		return unit_wrong(s, text, r, &inner, d);
	if (ret->stall.permyriad == 0)
		return wrong(s, text, ERANGE, 1, "too small", d);
	col = (unsigned)(over + strlen(" over ") - text);
	r = span_parse(text + col, &ret->stall.usec, &inner);
	if (r < 0) {
		inner.col += col;
		return unit_wrong(s, text, r, &inner, d);
	}
	if (ret->stall.usec < s->min || ret->stall.usec > s->max)
		return wrong(s, text, ERANGE, col + 1, "time span out of range", d);
	return 0;
}

static char *format_stall(const struct setting *s, const union setting_value *v)
{
	char ratio[RATIO_TEXT_MAX], span[SPAN_TEXT_MAX], *text;

	if (asprintf(&text, "%s over %s", ratio_format(v->stall.permyriad, ratio),
		    span_format(v->stall.usec, span)) < 0)
		return NULL;
	return text;
}

static void expect_stall(const struct setting *s, char buf[static EXPECTED_MAX])
{
	char min[SPAN_TEXT_MAX], max[SPAN_TEXT_MAX];

	snprintf(buf, EXPECTED_MAX,
		"a percentage up to 100%% over a time span from %s to %s, like 10%% over 10s",
		span_format(s->min, min), span_format(s->max, max));
}

/* --- words --- */

static int parse_choice(
	const struct setting *s, const char *text, union setting_value *ret, struct diag *d)
{
	char problem[EXCERPT_MAX];
	const char *near;

	for (int i = 0; s->names[i]; i++) {
		if (streq(s->names[i], text)) {
			ret->choice = i;
			return 0;
		}
	}
	near = nearest_word(text, s->names);
	if (!near)
		return wrong(s, text, EINVAL, 1, "unknown word", d);
	snprintf(problem, sizeof(problem), "unknown word, did you mean %s?", near);
	return wrong(s, text, EINVAL, 1, problem, d);
}

static char *format_choice(const struct setting *s, const union setting_value *v)
{
	return strdup(s->names[v->choice]);
}

static void expect_choice(const struct setting *s, char buf[static EXPECTED_MAX])
{
	size_t n = (size_t)snprintf(buf, EXPECTED_MAX, "one of");

	for (int i = 0; s->names[i]; i++)
		n += (size_t)snprintf(
			buf + n, EXPECTED_MAX - n, "%s %s", i ? "," : "", s->names[i]);
}

static int parse_flag(
	const struct setting *s, const char *text, union setting_value *ret, struct diag *d)
{
	static const char *const yes[] = {"yes", "true", "on", "1"};
	static const char *const no[] = {"no", "false", "off", "0"};

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (streq(text, yes[i]) || streq(text, no[i])) {
			ret->flag = streq(text, yes[i]);
			return 0;
		}
	}
	return wrong(s, text, EINVAL, 1, "unknown word", d);
}

static char *format_flag(const struct setting *s, const union setting_value *v)
{
	return strdup(v->flag ? "yes" : "no");
}

static void expect_flag(const struct setting *s, char buf[static EXPECTED_MAX])
{
	strcpy(buf, "yes or no");
}

/* --- texts that are kept as they are --- */

static int keep_text(const char *text, union setting_value *ret)
{
	ret->text = strdup(text);
	return ret->text ? 0 : -ENOMEM;
}

static char *format_text(const struct setting *s, const union setting_value *v)
{
	return strdup(v->text ? v->text : "");
}

static int parse_text(
	const struct setting *s, const char *text, union setting_value *ret, struct diag *d)
{
	return keep_text(text, ret);
}

static void expect_text(const struct setting *s, char buf[static EXPECTED_MAX])
{
	strcpy(buf, "text");
}

static int parse_patterns(
	const struct setting *s, const char *text, union setting_value *ret, struct diag *d)
{
	enum match_key key = s->type == SETTING_UUIDS ? MATCH_UUID : MATCH_GUEST;
	_cleanup_match_ struct match *m = match_new();
	int r = m ? match_add(m, key, text, d) : -ENOMEM;

	return r < 0 ? r : keep_text(text, ret);
}

static void expect_globs(const struct setting *s, char buf[static EXPECTED_MAX])
{
	strcpy(buf, "names or patterns like web* or !web1, separated by blanks");
}

static void expect_uuids(const struct setting *s, char buf[static EXPECTED_MAX])
{
	strcpy(buf, "UUIDs like 1b4e28ba-2fa1-11d2-883f-0016d3cca427, separated by blanks");
}

static int parse_words(
	const struct setting *s, const char *text, union setting_value *ret, struct diag *d)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._- \t";
	size_t n = strspn(text, allowed);

	if (text[n])
		return wrong(s, text, EINVAL, (unsigned)n + 1, "character not allowed", d);
	return keep_text(text, ret);
}

static void expect_words(const struct setting *s, char buf[static EXPECTED_MAX])
{
	strcpy(buf, "names of groups (letters, digits, dots, dashes), separated by blanks");
}

static int parse_cgroup(
	const struct setting *s, const char *text, union setting_value *ret, struct diag *d)
{
	static const char prefix[] = "cgroup:/";
	const char *path = text + strlen(prefix) - 1, *p;

	ret->text = NULL;
	if (streq(text, "host"))
		return 0;
	if (strncmp(text, prefix, strlen(prefix)) != 0)
		return wrong(s, text, EINVAL, 1, "neither host nor a cgroup", d);
	/* The path is put below the place where cgroups are mounted: it must not climb out of it.
	 */
	for (p = strstr(path, "/.."); p; p = strstr(p + 1, "/.."))
		if (p[3] == '\0' || p[3] == '/')
			return wrong(s, text, EINVAL, (unsigned)(p - text) + 2,
				"\"..\" is not allowed", d);
	return keep_text(path, ret);
}

static char *format_cgroup(const struct setting *s, const union setting_value *v)
{
	char *text;

	if (!v->text)
		return strdup("host");
	return asprintf(&text, "cgroup:%s", v->text) < 0 ? NULL : text;
}

static void expect_cgroup(const struct setting *s, char buf[static EXPECTED_MAX])
{
	strcpy(buf, "host, or cgroup:PATH with the path of a cgroup like cgroup:/machine.slice");
}

static int parse_condition(
	const struct setting *s, const char *text, union setting_value *ret, struct diag *d)
{
	_cleanup_condition_ struct condition *c = NULL;
	int r = condition_parse(text, &c, d);

	return r < 0 ? r : keep_text(text, ret);
}

static void expect_condition(const struct setting *s, char buf[static EXPECTED_MAX])
{
	strcpy(buf, "a condition like host.mem_available < 40%");
}

static void expect_calendar(const struct setting *s, char buf[static EXPECTED_MAX])
{
	strcpy(buf, "a time like Mon..Fri 20:00, a span or a zone");
}

static const struct {
	int (*parse)(const struct setting *s, const char *text, union setting_value *ret,
		struct diag *d);
	char *(*format)(const struct setting *s, const union setting_value *v);
	void (*expect)(const struct setting *s, char buf[static EXPECTED_MAX]);
	size_t size; /* of what lies in the struct */
	bool owns_text;
} kinds[SETTING_TYPE_MAX] = {
	[SETTING_NUMBER] = {parse_number, format_number, expect_number, sizeof(uint64_t), false},
	[SETTING_SIZE] = {parse_size, format_size, expect_size, sizeof(uint64_t), false},
	[SETTING_RATIO] = {parse_ratio, format_ratio, expect_ratio, sizeof(uint64_t), false},
	[SETTING_QUOTA] = {parse_quota, format_quota, expect_quota, sizeof(uint64_t), false},
	[SETTING_SPAN] = {parse_span, format_span, expect_span, sizeof(uint64_t), false},
	[SETTING_MSEC] = {parse_msec, format_msec, expect_msec, sizeof(uint64_t), false},
	[SETTING_AMOUNT] = {parse_amount, format_amount, expect_amount, sizeof(struct amount),
		false},
	[SETTING_STALL] = {parse_stall, format_stall, expect_stall, sizeof(struct stall_limit),
		false},
	[SETTING_CHOICE] = {parse_choice, format_choice, expect_choice, sizeof(int), false},
	[SETTING_FLAG] = {parse_flag, format_flag, expect_flag, sizeof(bool), false},
	[SETTING_CGROUP] = {parse_cgroup, format_cgroup, expect_cgroup, sizeof(char *), true},
	[SETTING_GLOBS] = {parse_patterns, format_text, expect_globs, sizeof(char *), true},
	[SETTING_UUIDS] = {parse_patterns, format_text, expect_uuids, sizeof(char *), true},
	[SETTING_WORDS] = {parse_words, format_text, expect_words, sizeof(char *), true},
	[SETTING_TEXT] = {parse_text, format_text, expect_text, sizeof(char *), true},
	[SETTING_CONDITION] = {parse_condition, format_text, expect_condition, sizeof(char *),
		true},
	[SETTING_CALENDAR] = {parse_text, format_text, expect_calendar, sizeof(char *), true},
};

int setting_value_parse(
	const struct setting *s, const char *text, union setting_value *ret, struct diag *d)
{
	memset(ret, 0, sizeof(*ret));
	return kinds[s->type].parse(s, text, ret, d);
}

void setting_value_clear(const struct setting *s, union setting_value *v)
{
	if (kinds[s->type].owns_text)
		free(v->text);
	memset(v, 0, sizeof(*v));
}

char *setting_value_format(const struct setting *s, const union setting_value *v)
{
	return kinds[s->type].format(s, v);
}

char *setting_value_expected(const struct setting *s, char buf[static EXPECTED_MAX])
{
	kinds[s->type].expect(s, buf);
	return buf;
}

void setting_value_store(const struct setting *s, const union setting_value *v, void *base)
{
	if (s->offset != SETTING_NOWHERE)
		memcpy((char *)base + s->offset, v, kinds[s->type].size);
}

void setting_value_load(const struct setting *s, const void *base, union setting_value *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (s->offset != SETTING_NOWHERE)
		memcpy(ret, (const char *)base + s->offset, kinds[s->type].size);
}
