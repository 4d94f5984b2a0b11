/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/calendar-fields.h"

#include <stdio.h>

static const struct {
	const char *name;
	int min, max;
} fields[FIELD_MAX] = {
	[FIELD_YEAR] = {"year", CALENDAR_FIRST_YEAR, CALENDAR_LAST_YEAR},
	[FIELD_MONTH] = {"month", 1, 12},
	[FIELD_DAY] = {"day", 1, 31},
	[FIELD_DAY_FROM_END] = {"day from the month's end", 1, CALENDAR_FROM_END_MAX},
	[FIELD_HOUR] = {"hour", 0, 23},
	[FIELD_MINUTE] = {"minute", 0, 59},
	[FIELD_SECOND] = {"second", 0, 59},
};

static void set_add(struct field_set *set, enum calendar_field field, int value)
{
	unsigned i = (unsigned)(field == FIELD_YEAR ? value - CALENDAR_FIRST_YEAR : value);

	set->bits[i / 64] |= UINT64_C(1) << (i % 64);
}

static void set_add_range(
	struct field_set *set, enum calendar_field field, int from, int to, int step)
{
	for (int v = from; v <= to; v += step)
		set_add(set, field, v);
}

int scan_unexpected(const struct event_scan *s, const char *at, size_t len, const char *expected)
{
	char found[EXCERPT_MAX];
	unsigned col = (unsigned)(at - s->text) + 1;

	if (len == 0)
		return diag_set(s->d, EINVAL, NULL, 0, col, "%s; expected %s",
			*at ? "found a blank" : "the event ends here", expected);
	return diag_set(s->d, EINVAL, NULL, 0, col, "found \"%s\"; expected %s",
		excerpt_n(at, len, found), expected);
}

int scan_unexpected_rest(const struct event_scan *s, const char *expected)
{
	return scan_unexpected(s, s->p, (size_t)(s->end - s->p), expected);
}

bool scan_take_dots(struct event_scan *s)
{
	if (s->end - s->p < 2 || s->p[0] != '.' || s->p[1] != '.')
		return false;
	s->p += 2;
	return true;
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static int scan_number(struct event_scan *s, const char *expected, int *ret)
{
	const char *from = s->p;
	int v = 0;

	for (; !scan_at_end(s) && digit(*s->p); s->p++)
		if (v < 100000000)
			v = 10 * v + (*s->p - '0');
	if (s->p == from)
		return scan_unexpected_rest(s, expected);
	*ret = v;
	return 0;
}

/* systemd's rule: 70..99 are of the last century, 0..69 of this one. */
static int full_year(int year)
{
	return year < 70 ? year + 2000 : year < 100 ? year + 1900 : year;
}

static int scan_value(struct event_scan *s, enum calendar_field field, int *ret)
{
	const char *from = s->p;
	char expected[80];
	int v, r;

	snprintf(expected, sizeof(expected), "a number (%s)", fields[field].name);
	r = scan_number(s, expected, &v);
	if (r < 0)
		return r;
	if (field == FIELD_YEAR)
		v = full_year(v);
	if (v < fields[field].min || v > fields[field].max) {
		char found[EXCERPT_MAX];

		return diag_set(s->d, ERANGE, NULL, 0, (unsigned)(from - s->text) + 1,
			"found %s \"%s\"; expected %d to %d", fields[field].name,
			excerpt_n(from, (size_t)(s->p - from), found), fields[field].min,
			fields[field].max);
	}
	if (field == FIELD_SECOND && s->end - s->p > 1 && s->p[0] == '.' && s->p[1] != '.')
		return scan_unexpected_rest(s, "whole seconds: fractions are not supported");
	*ret = v;
	return 0;
}

/* value [".." value] ["/" step] */
static int scan_component(struct event_scan *s, enum calendar_field field, struct field_set *set)
{
	bool from_end = field == FIELD_DAY_FROM_END, range, repeats;
	int first, last, step = 1, r;
	const char *from = s->p;

	r = scan_value(s, field, &first);
	if (r < 0)
		return r;
	last = first;
	range = scan_take_dots(s);
	if (range) {
		r = scan_value(s, field, &last);
		if (r < 0)
			return r;
		if (last < first)
			return scan_unexpected(s, from, (size_t)(s->p - from),
				"a range that runs upwards, like 1..5");
	}
	repeats = scan_take(s, '/');
	if (repeats) {
		r = scan_number(s, "a number to repeat by", &step);
		if (r < 0)
			return r;
		if (!range)
			last = from_end ? fields[field].min : fields[field].max;
		if (step == 0 || step > (last > first ? last - first : first - last))
			return scan_unexpected(s, from, (size_t)(s->p - from),
				"a repetition that stays within the field or range at least once");
	}
	/* From the month's end "7/2" runs towards it: 7, 5, 3, 1. */
	if (repeats && !range && from_end)
		set_add_range(set, field, 1 + (first - 1) % step, first, step);
	else
		set_add_range(set, field, first, last, step);
	return 0;
}

/* What may follow a whole field: the next one's separator, where there is one, or the end of the
 * word. */
static int scan_field_end(const struct event_scan *s, enum calendar_field field,
	const char *separators, const char *or_else)
{
	char expected[128];

	if (scan_at_end(s) || strchr(separators, *s->p))
		return 0;
	snprintf(expected, sizeof(expected), "%s%s%.1s%sthe end of the %s", or_else,
		*separators ? "\"" : "", separators, *separators ? "\" or " : "",
		fields[field].name);
	return scan_unexpected_rest(s, expected);
}

int scan_field(struct event_scan *s, enum calendar_field field, const char *separators,
	struct field_set *set)
{
	if (scan_take(s, '*')) {
		set_add_range(set, field, fields[field].min, fields[field].max, 1);
		if (!scan_at_end(s) && *s->p == '/')
			return scan_unexpected_rest(
				s, "a repetition with a start, like 0/2 (days and months: 1/2)");
		return scan_field_end(s, field, separators, "");
	}
	do {
		int r = scan_component(s, field, set);

		if (r < 0)
			return r;
	} while (scan_take(s, ','));
	return scan_field_end(s, field, separators, "\",\", \"..\", \"/\", ");
}
