/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/timezone-table.h"

/*
 * The POSIX TZ string in the footer of a TZif file: what holds after the last transition of the
 * table. POSIX.1-2017, Base Definitions, section 8.3, with RFC 8536's extension: times of a change
 * from -167 to 167 hours.
 */
struct rule_scan {
	const char *p, *end;
};

static bool scan_char(struct rule_scan *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

static bool scan_number(struct rule_scan *s, int min, int max, int *ret)
{
	const char *from = s->p;
	int v = 0;

	for (; s->p < s->end && *s->p >= '0' && *s->p <= '9' && s->p - from < 4; s->p++)
		v = 10 * v + (*s->p - '0');
	if (s->p == from || v < min || v > max)
		return false;
	*ret = v;
	return true;
}

/* [+-]hh[:mm[:ss]] */
static bool scan_time(struct rule_scan *s, int hours_max, int32_t *ret_sec)
{
	bool negative = scan_char(s, '-');
	int h, m = 0, sec = 0;

	if (!negative)
		(void)scan_char(s, '+');
	if (!scan_number(s, 0, hours_max, &h))
		return false;
	if (scan_char(s, ':')) {
		if (!scan_number(s, 0, 59, &m))
			return false;
		if (scan_char(s, ':') && !scan_number(s, 0, 59, &sec))
			return false;
	}
	*ret_sec = (h * SEC_PER_HOUR + m * SEC_PER_MIN + sec) * (negative ? -1 : 1);
	return true;
}

static bool abbrev_char(char c, bool quoted)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (quoted && ((c >= '0' && c <= '9') || c == '+' || c == '-'));
}

/* "BST" or "<+01>" */
static bool scan_abbrev(struct rule_scan *s, char buf[static ZONE_ABBREV_MAX])
{
	bool quoted = scan_char(s, '<');
	size_t n = 0;

	for (; s->p < s->end && abbrev_char(*s->p, quoted); s->p++) {
		if (n == ZONE_ABBREV_MAX - 1)
			return false;
		buf[n++] = *s->p;
	}
	buf[n] = '\0';
	return n > 0 && (!quoted || scan_char(s, '>'));
}

static bool scan_day(struct rule_scan *s, struct zone_rule_day *ret)
{
	ret->time_sec = 2 * SEC_PER_HOUR;
	if (scan_char(s, 'J')) {
		ret->kind = 'J';
		if (!scan_number(s, 1, 365, &ret->day))
			return false;
	} else if (scan_char(s, 'M')) {
		ret->kind = 'M';
		if (!scan_number(s, 1, 12, &ret->month) || !scan_char(s, '.') ||
			!scan_number(s, 1, 5, &ret->week) || !scan_char(s, '.') ||
			!scan_number(s, 0, 6, &ret->day))
			return false;
	} else {
		ret->kind = 'N';
		if (!scan_number(s, 0, 365, &ret->day))
			return false;
	}
	return !scan_char(s, '/') || scan_time(s, 167, &ret->time_sec);
}

int zone_rule_parse(const char *text, size_t len, struct zone_rule *ret, const char **ret_problem)
{
	struct rule_scan s = {text, text + len};
	struct zone_rule rule = {0};
	int32_t west; /* POSIX counts offsets towards the west */

	*ret_problem = "standard time";
	if (!scan_abbrev(&s, rule.std.abbrev) || !scan_time(&s, 24, &west))
		return -EBADMSG;
	rule.std.offset_sec = -west;
	if (s.p < s.end) {
		*ret_problem = "daylight saving time";
		rule.has_dst = true;
		rule.dst.dst = true;
		if (!scan_abbrev(&s, rule.dst.abbrev))
			return -EBADMSG;
		west -= SEC_PER_HOUR;
		if (s.p < s.end && *s.p != ',' && !scan_time(&s, 24, &west))
			return -EBADMSG;
		rule.dst.offset_sec = -west;
		*ret_problem = "days of change";
		if (!scan_char(&s, ',') || !scan_day(&s, &rule.start) || !scan_char(&s, ',') ||
			!scan_day(&s, &rule.end))
			return -EBADMSG;
	}
	*ret_problem = "text after it";
	if (s.p < s.end)
		return -EBADMSG;
	*ret = rule;
	return 0;
}

/* The wall time of a change in this year, counted as if it were UTC. */
static int64_t rule_day_wall(const struct zone_rule_day *d, int year)
{
	int64_t days = civil_to_days(year, 1, 1);

	if (d->kind == 'J') {
		days += d->day - 1 + (civil_is_leap(year) && d->day >= 60);
	} else if (d->kind == 'N') {
		days += d->day;
	} else {
		int sunday_based, day;

		days = civil_to_days(year, d->month, 1);
		sunday_based = (civil_weekday(days) + 1) % 7;
		day = (d->day - sunday_based + 7) % 7 + 7 * (d->week - 1);
		if (day >= civil_month_days(year, d->month))
			day -= 7;
		days += day;
	}
	return days * SEC_PER_DAY + d->time_sec;
}

static int rule_append(struct zone *z, struct zone_entry e, int64_t from_sec, int64_t after_sec)
{
	e.from_sec = from_sec;
	return from_sec > after_sec ? zone_append(z, &e) : 0;
}

/* One year's two changes in order of time. Where one year's end meets the next year's start
 * ("daylight saving all year"), the start comes later and replaces it. */
static int rule_apply_year(
	const struct zone_rule *rule, struct zone *z, int year, int64_t after_sec)
{
	int64_t start = rule_day_wall(&rule->start, year) - rule->std.offset_sec;
	int64_t end = rule_day_wall(&rule->end, year) - rule->dst.offset_sec;
	int r;

	if (start < end) {
		r = rule_append(z, rule->dst, start, after_sec);
		return r < 0 ? r : rule_append(z, rule->std, end, after_sec);
	}
	r = rule_append(z, rule->std, end, after_sec);
	return r < 0 ? r : rule_append(z, rule->dst, start, after_sec);
}

int zone_rule_apply(const struct zone_rule *rule, struct zone *z, int64_t after_sec)
{
	if (!rule->has_dst)
		return 0;
	/* A year more on both sides: what a rule of 167 hours shifts over the year's end. */
	for (int year = ZONE_FIRST_YEAR - 1; year <= ZONE_LAST_YEAR + 1; year++) {
		int r = rule_apply_year(rule, z, year, after_sec);

		if (r < 0)
			return r;
	}
	return 0;
}
