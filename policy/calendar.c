/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/calendar.h"

#include "policy/calendar-fields.h"

struct calendar *calendar_free(struct calendar *c)
{
	if (!c)
		return NULL;
	zone_unref(c->zone);
	free(c);
	return NULL;
}

const struct zone *calendar_zone(const struct calendar *c)
{
	return c->zone;
}

/* The lowest bit at or above from, the highest at or below it; -1: none. */
static int bit_up(uint64_t set, int from)
{
	if (from > 63)
		return -1;
	set &= UINT64_MAX << from;
	return set ? __builtin_ctzll(set) : -1;
}

static int bit_down(uint64_t set, int from)
{
	if (from < 0)
		return -1;
	set &= UINT64_MAX >> (63 - from);
	return set ? 63 - __builtin_clzll(set) : -1;
}

static bool year_named(const struct calendar *c, int year)
{
	unsigned i = (unsigned)(year - CALENDAR_FIRST_YEAR);

	return c->years[i / 64] >> (i % 64) & 1;
}

/* The days of a month that the event names: bit 1..31. */
static uint32_t days_of_month(const struct calendar *c, int year, int month)
{
	int n = civil_month_days(year, month);
	int first = civil_weekday(civil_to_days(year, month, 1));
	uint64_t week = c->weekdays >> first | (uint64_t)c->weekdays << (7 - first);
	uint32_t days = c->days;

	for (int k = bit_up(c->days_from_end, 1); k > 0; k = bit_up(c->days_from_end, k + 1))
		days |= UINT32_C(1) << (n + 1 - k);
	/* Five weeks, shifted to begin with day 1. */
	week &= 0x7f;
	week |= week << 7 | week << 14 | week << 21 | week << 28;
	return days & (uint32_t)(week << 1) & (uint32_t)((UINT64_C(2) << n) - 2);
}

/* The second of the day, as h, m and s choose them; -1 where one of them is. */
static int second_of_day(int h, int m, int s)
{
	return h < 0 || m < 0 || s < 0 ? -1 : h * SEC_PER_HOUR + m * SEC_PER_MIN + s;
}

/* First second of the day at or after this one; -1: none. */
static int second_up(const struct calendar *c, int from)
{
	int h = bit_up(c->hours, from / SEC_PER_HOUR), m, s;

	if (h < 0 || h > from / SEC_PER_HOUR)
		return second_of_day(h, bit_up(c->minutes, 0), bit_up(c->seconds, 0));
	m = bit_up(c->minutes, from / SEC_PER_MIN % 60);
	s = bit_up(c->seconds, m == from / SEC_PER_MIN % 60 ? from % 60 : 0);
	if (m >= 0 && s < 0) {
		m = bit_up(c->minutes, m + 1);
		s = bit_up(c->seconds, 0);
	}
	if (m >= 0)
		return second_of_day(h, m, s);
	return second_of_day(bit_up(c->hours, h + 1), bit_up(c->minutes, 0), bit_up(c->seconds, 0));
}

/* Last second of the day at or before this one; -1: none. */
static int second_down(const struct calendar *c, int from)
{
	int h = bit_down(c->hours, from / SEC_PER_HOUR), m, s;

	if (h < from / SEC_PER_HOUR)
		return second_of_day(h, bit_down(c->minutes, 59), bit_down(c->seconds, 59));
	m = bit_down(c->minutes, from / SEC_PER_MIN % 60);
	s = bit_down(c->seconds, m == from / SEC_PER_MIN % 60 ? from % 60 : 59);
	if (m >= 0 && s < 0) {
		m = bit_down(c->minutes, m - 1);
		s = bit_down(c->seconds, 59);
	}
	if (m >= 0)
		return second_of_day(h, m, s);
	return second_of_day(
		bit_down(c->hours, h - 1), bit_down(c->minutes, 59), bit_down(c->seconds, 59));
}

/* First day that is named at or after this one (days as in civil.h). */
static bool day_up(const struct calendar *c, int64_t from, int64_t *ret)
{
	struct civil_date at = civil_from_days(from);
	int month = at.month, day, found;

	for (int year = at.year; year <= CALENDAR_LAST_YEAR; year++, month = 1) {
		if (!year_named(c, year))
			continue;
		for (; (month = bit_up(c->months, month)) > 0; month++) {
			day = month == at.month && year == at.year ? at.day : 1;
			found = bit_up(days_of_month(c, year, month), day);
			if (found > 0) {
				*ret = civil_to_days(year, month, found);
				return true;
			}
		}
	}
	return false;
}

/* Last day that is named at or before this one. */
static bool day_down(const struct calendar *c, int64_t from, int64_t *ret)
{
	struct civil_date at = civil_from_days(from);
	int month = at.month, day, found;

	for (int year = at.year; year >= CALENDAR_FIRST_YEAR; year--, month = 12) {
		if (!year_named(c, year))
			continue;
		for (; (month = bit_down(c->months, month)) > 0; month--) {
			day = month == at.month && year == at.year ? at.day : 31;
			found = bit_down(days_of_month(c, year, month), day);
			if (found > 0) {
				*ret = civil_to_days(year, month, found);
				return true;
			}
		}
	}
	return false;
}

static int64_t first_wall_sec(void)
{
	return civil_to_days(CALENDAR_FIRST_YEAR, 1, 1) * SEC_PER_DAY;
}

static int64_t last_wall_sec(void)
{
	return civil_to_days(CALENDAR_LAST_YEAR + 1, 1, 1) * SEC_PER_DAY - 1;
}

int calendar_next_wall(const struct calendar *c, int64_t after_wall_sec, int64_t *ret_wall_sec)
{
	int64_t day, found;
	int second;

	if (after_wall_sec >= last_wall_sec())
		return -ENOENT;
	day = civil_split(MAX(after_wall_sec + 1, first_wall_sec()), &second);
	if (!day_up(c, day, &found))
		return -ENOENT;
	second = second_up(c, found == day ? second : 0);
	if (second < 0) {
		if (!day_up(c, day + 1, &found))
			return -ENOENT;
		second = second_up(c, 0);
	}
	*ret_wall_sec = found * SEC_PER_DAY + second;
	return 0;
}

int calendar_prev_wall(const struct calendar *c, int64_t at_wall_sec, int64_t *ret_wall_sec)
{
	int64_t day, found;
	int second;

	if (at_wall_sec < first_wall_sec())
		return -ENOENT;
	day = civil_split(MIN(at_wall_sec, last_wall_sec()), &second);
	if (!day_down(c, day, &found))
		return -ENOENT;
	second = second_down(c, found == day ? second : SEC_PER_DAY - 1);
	if (second < 0) {
		if (!day_down(c, day - 1, &found))
			return -ENOENT;
		second = second_down(c, SEC_PER_DAY - 1);
	}
	*ret_wall_sec = found * SEC_PER_DAY + second;
	return 0;
}

bool calendar_matches_wall(const struct calendar *c, int64_t wall_sec)
{
	struct civil_date at;
	int64_t day;
	int second;

	if (wall_sec < first_wall_sec() || wall_sec > last_wall_sec())
		return false;
	day = civil_split(wall_sec, &second);
	at = civil_from_days(day);
	return year_named(c, at.year) && c->months >> at.month & 1 &&
	       days_of_month(c, at.year, at.month) >> at.day & 1 &&
	       c->hours >> (second / SEC_PER_HOUR) & 1 &&
	       c->minutes >> (second / SEC_PER_MIN % 60) & 1 && c->seconds >> (second % 60) & 1;
}

int calendar_next(const struct calendar *c, const struct zone *z, uint64_t after_real_usec,
	uint64_t *ret_real_usec)
{
	int64_t wall_sec;
	int r;

	if (c->zone)
		z = c->zone;
	r = calendar_next_wall(
		c, zone_high(z, (int64_t)(after_real_usec / USEC_PER_SEC)), &wall_sec);
	if (r < 0)
		return r;
	/* Later than after_real_usec, hence not negative: that is what zone_high() and zone_reach()
	 * promise. */
	*ret_real_usec = (uint64_t)zone_reach(z, wall_sec) * USEC_PER_SEC;
	return 0;
}

int calendar_prev(const struct calendar *c, const struct zone *z, uint64_t at_real_usec,
	uint64_t *ret_real_usec)
{
	int64_t wall_sec, real_sec;
	int r;

	if (c->zone)
		z = c->zone;
	r = calendar_prev_wall(c, zone_high(z, (int64_t)(at_real_usec / USEC_PER_SEC)), &wall_sec);
	if (r < 0)
		return r;
	real_sec = zone_reach(z, wall_sec);
	if (real_sec < 0)
		return -ENOENT;
	*ret_real_usec = (uint64_t)real_sec * USEC_PER_SEC;
	return 0;
}
