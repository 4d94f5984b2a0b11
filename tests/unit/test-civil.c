/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/civil.h"

#include "tests/test.h"

TEST(known_days_have_their_numbers)
{
	CHECK_INT(civil_to_days(1970, 1, 1), 0);
	CHECK_INT(civil_to_days(1969, 12, 31), -1);
	CHECK_INT(civil_to_days(2000, 2, 29), 11016);
	CHECK_INT(civil_to_days(2000, 3, 1), 11017);
	CHECK_INT(civil_to_days(2199, 12, 31), 84005);
	CHECK_INT(civil_to_days(1600, 1, 1), -135140);
}

TEST(every_day_of_six_centuries_follows_the_one_before)
{
	struct civil_date was = civil_from_days(civil_to_days(1699, 12, 31)), is;

	for (int64_t days = civil_to_days(1700, 1, 1); days < civil_to_days(2300, 1, 1); days++) {
		is = civil_from_days(days);
		CHECK_INT(civil_to_days(is.year, is.month, is.day), days);
		if (was.day < civil_month_days(was.year, was.month)) {
			was.day++;
		} else {
			was.day = 1;
			was.month = was.month % 12 + 1;
			was.year += was.month == 1;
		}
		CHECK_INT(is.year, was.year);
		CHECK_INT(is.month, was.month);
		CHECK_INT(is.day, was.day);
	}
}

TEST(centuries_are_leap_years_only_by_four_hundreds)
{
	CHECK(civil_is_leap(2000));
	CHECK(civil_is_leap(2024));
	CHECK(!civil_is_leap(2100));
	CHECK(!civil_is_leap(2025));
	CHECK_INT(civil_month_days(2024, 2), 29);
	CHECK_INT(civil_month_days(2100, 2), 28);
	CHECK_INT(civil_month_days(2026, 11), 30);
}

TEST(weekdays_count_from_monday)
{
	CHECK_INT(civil_weekday(0), 3);				  /* Thursday */
	CHECK_INT(civil_weekday(-1), 2);			  /* Wednesday */
	CHECK_INT(civil_weekday(civil_to_days(2026, 11, 22)), 6); /* Sunday */
	CHECK_INT(civil_weekday(civil_to_days(2024, 2, 29)), 3);  /* Thursday */
	CHECK_INT(civil_weekday(civil_to_days(1900, 1, 1)), 0);	  /* Monday */
}

TEST(seconds_before_1970_split_downwards)
{
	int second;

	CHECK_INT(civil_split(-1, &second), -1);
	CHECK_INT(second, SEC_PER_DAY - 1);
	CHECK_INT(civil_split(-SEC_PER_DAY, &second), -1);
	CHECK_INT(second, 0);
	CHECK_INT(civil_split(SEC_PER_DAY + 7, &second), 1);
	CHECK_INT(second, 7);
}

TEST_MAIN()
