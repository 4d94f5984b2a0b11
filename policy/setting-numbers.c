/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/setting-kinds.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/units.h"

static int check_bounds(const struct setting *s, const char *text, uint64_t v, struct diag *d)
{
	if (v < s->min)
		return setting_value_wrong(s, text, ERANGE, 1, "too small", d);
	if (v > s->max)
		return setting_value_wrong(s, text, ERANGE, 1, "too large", d);
	return 0;
}

/* Says the same as the unit's parser did, but with what this setting expects. */
static int unit_wrong(
	const struct setting *s, const char *text, int r, const struct diag *inner, struct diag *d)
{
	char problem[128];
	const char *p = inner->text ? strstr(inner->text, "\": ") : NULL, *end;

	if (!p)
		return setting_value_wrong(
			s, text, -r, inner->col ? inner->col : 1, "not of the form", d);
	p += 3;
	end = strstr(p, "; expected");
	snprintf(problem, sizeof(problem), "%.*s", end ? (int)(end - p) : 100, p);
	return setting_value_wrong(s, text, -r, inner->col, problem, d);
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
			return setting_value_wrong(s, text, ERANGE, 1, "too large", d);
	if (*p)
		return setting_value_wrong(
			s, text, EINVAL, (unsigned)(p - text) + 1, "not a whole number", d);
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
		return setting_value_wrong(s, text, ERANGE, 1, "too large", d);
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
		return setting_value_wrong(s, text, EINVAL, 1, "\"over\" missing", d);
	ratio = strndup(text, (size_t)(over - text));
	if (!ratio)
		return -ENOMEM;
	r = ratio_parse(ratio, PERMYRIAD, &ret->stall.permyriad, &inner);
	if (r < 0)
		return unit_wrong(s, text, r, &inner, d);
	if (ret->stall.permyriad == 0)
		return setting_value_wrong(s, text, ERANGE, 1, "too small", d);
	col = (unsigned)(over + strlen(" over ") - text);
	r = span_parse(text + col, &ret->stall.usec, &inner);
	if (r < 0) {
		inner.col += col;
		return unit_wrong(s, text, r, &inner, d);
	}
	if (ret->stall.usec < s->min || ret->stall.usec > s->max)
		return setting_value_wrong(s, text, ERANGE, col + 1, "time span out of range", d);
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

const struct setting_kind setting_kind_number = {
	parse_number, format_number, expect_number, sizeof(uint64_t), false};
const struct setting_kind setting_kind_size = {
	parse_size, format_size, expect_size, sizeof(uint64_t), false};
const struct setting_kind setting_kind_ratio = {
	parse_ratio, format_ratio, expect_ratio, sizeof(uint64_t), false};
const struct setting_kind setting_kind_quota = {
	parse_quota, format_quota, expect_quota, sizeof(uint64_t), false};
const struct setting_kind setting_kind_span = {
	parse_span, format_span, expect_span, sizeof(uint64_t), false};
const struct setting_kind setting_kind_msec = {
	parse_msec, format_msec, expect_msec, sizeof(uint64_t), false};
const struct setting_kind setting_kind_amount = {
	parse_amount, format_amount, expect_amount, sizeof(struct amount), false};
const struct setting_kind setting_kind_stall = {
	parse_stall, format_stall, expect_stall, sizeof(struct stall_limit), false};
