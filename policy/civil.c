/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/civil.h"

/* 400 Gregorian years. */
#define DAYS_PER_ERA 146097
/* From 0000-03-01 to 1970-01-01. */
#define DAYS_TO_EPOCH 719468

bool civil_is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int civil_month_days(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && civil_is_leap(year) ? 29 : days[month - 1];
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Years begin in March here, so that the leap day is the last one of its year and the lengths of
 * the months before it follow the line (153 m + 2) / 5. */
int64_t civil_to_days(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = floor_div(y, 400), of_era = y - era * 400;
	int64_t of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;

	return era * DAYS_PER_ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
	       DAYS_TO_EPOCH;
}

struct civil_date civil_from_days(int64_t days)
{
	int64_t z = days + DAYS_TO_EPOCH, era = floor_div(z, DAYS_PER_ERA);
	int64_t of_era = z - era * DAYS_PER_ERA;
	/* 1460, 36524, 146096: the last days of 4, 100 and 400 years, which make no new year. */
	int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
	int64_t march = (5 * of_year + 2) / 153; /* months since March */
	int month = (int)(march < 10 ? march + 3 : march - 9);

	return (struct civil_date){
		.year = (int)(y + era * 400 + (month <= 2)),
		.month = month,
		.day = (int)(of_year - (153 * march + 2) / 5 + 1),
	};
}

int civil_weekday(int64_t days)
{
	/* 1970-01-01 was a Thursday. */
	int64_t w = (days + 3) % 7;

	return (int)(w < 0 ? w + 7 : w);
}

int64_t civil_split(int64_t sec, int *ret_second)
{
	int64_t days = floor_div(sec, SEC_PER_DAY);

	*ret_second = (int)(sec - days * SEC_PER_DAY);
	return days;
}
