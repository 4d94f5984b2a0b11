/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/json.h"

#include <stdio.h>
#include <time.h>

/* 9999-12-31T23:59:59Z: RFC 3339 has four digits for the year. */
#define LAST_SEC INT64_C(253402300799)

char *json_time_format(uint64_t real_usec, char buf[static JSON_TIME_MAX])
{
	uint64_t sec = MIN(real_usec / USEC_PER_SEC, (uint64_t)LAST_SEC);
	time_t t = (time_t)sec;
	struct tm tm;
	char date[24];

	gmtime_r(&t, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf, JSON_TIME_MAX, "%s.%03uZ", date,
		(unsigned)(real_usec % USEC_PER_SEC / USEC_PER_MSEC));
	return buf;
}

/* Exactly n digits at *s, which moves behind them. Returns the number or -1. */
static int digits(const char **s, int n)
{
	int v = 0;

	for (; n; n--, (*s)++) {
		if (**s < '0' || **s > '9')
			return -1;
		v = v * 10 + (**s - '0');
	}
	return v;
}

static bool skip(const char **s, const char *set)
{
	if (!**s || !strchr(set, **s))
		return false;
	(*s)++;
	return true;
}

/* "2026-11-22T08:00:00" */
static int parse_date(const char **s, struct tm *tm)
{
	*tm = (struct tm){0};
	if ((tm->tm_year = digits(s, 4)) < 1970 || !skip(s, "-") ||
		(tm->tm_mon = digits(s, 2)) < 1 || !skip(s, "-") ||
		(tm->tm_mday = digits(s, 2)) < 1 || !skip(s, "Tt ") ||
		(tm->tm_hour = digits(s, 2)) < 0 || !skip(s, ":") ||
		(tm->tm_min = digits(s, 2)) < 0 || !skip(s, ":") || (tm->tm_sec = digits(s, 2)) < 0)
		return -EINVAL;
	if (tm->tm_mon > 12 || tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 59)
		return -EINVAL;
	tm->tm_year -= 1900;
	tm->tm_mon -= 1;
	return 0;
}

/* ".25": up to microseconds count, finer digits are dropped. */
static int parse_fraction(const char **s, uint64_t *ret_usec)
{
	uint64_t unit = USEC_PER_SEC / 10;

	*ret_usec = 0;
	if (!skip(s, "."))
		return 0;
	if (**s < '0' || **s > '9')
		return -EINVAL;
	for (; **s >= '0' && **s <= '9'; (*s)++, unit /= 10)
		*ret_usec += (uint64_t)(**s - '0') * unit;
	return 0;
}

/* "Z" or "+01:00" to seconds east of UTC. */
static int parse_offset(const char **s, int *ret_sec)
{
	int sign = **s == '-' ? -1 : 1, hours, minutes;

	*ret_sec = 0;
	if (skip(s, "Zz"))
		return 0;
	if (!skip(s, "+-") || (hours = digits(s, 2)) < 0 || hours > 23 || !skip(s, ":") ||
		(minutes = digits(s, 2)) < 0 || minutes > 59)
		return -EINVAL;
	*ret_sec = sign * (hours * 3600 + minutes * 60);
	return 0;
}

int json_time_parse(const char *s, uint64_t *ret_real_usec)
{
	uint64_t fraction;
	struct tm tm, normal;
	int offset, day;
	int64_t sec;
	time_t t;

	if (parse_date(&s, &tm) < 0 || parse_fraction(&s, &fraction) < 0 ||
		parse_offset(&s, &offset) < 0 || *s)
		return -EINVAL;
	day = tm.tm_mday;
	t = timegm(&tm);
	gmtime_r(&t, &normal);
	if (normal.tm_mday != day) /* the 31st of a month of 30 days */
		return -EINVAL;
	sec = (int64_t)t - offset;
	if (sec < 0 || sec > LAST_SEC)
		return -EINVAL;
	*ret_real_usec = (uint64_t)sec * USEC_PER_SEC + fraction;
	return 0;
}
