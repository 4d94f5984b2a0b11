/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/channel/penalty.h"

#include "tests/test.h"

TEST(ten_bad_lines_within_a_minute_are_too_many)
{
	struct penalty p = {};

	for (uint64_t i = 0; i < 9; i++)
		CHECK(!penalty_bad_line(&p, USEC_PER_HOUR + i * USEC_PER_SEC));
	CHECK(penalty_bad_line(&p, USEC_PER_HOUR + 59 * USEC_PER_SEC));
}

TEST(nine_a_minute_are_borne_for_ever)
{
	struct penalty p = {};

	for (uint64_t i = 0; i < 1000; i++)
		CHECK(!penalty_bad_line(&p, i * USEC_PER_MIN / 9 + i));
}

TEST(five_seconds_over_the_bucket_are_too_long)
{
	struct penalty p = {};

	CHECK(!penalty_over(&p, 10 * USEC_PER_SEC));
	CHECK(!penalty_over(&p, 14 * USEC_PER_SEC));
	CHECK(penalty_over(&p, 15 * USEC_PER_SEC));
}

TEST(being_within_once_begins_anew)
{
	struct penalty p = {};

	CHECK(!penalty_over(&p, 10 * USEC_PER_SEC));
	penalty_within(&p);
	CHECK(!penalty_over(&p, 16 * USEC_PER_SEC));
	CHECK(!penalty_over(&p, 20 * USEC_PER_SEC));
	CHECK(penalty_over(&p, 21 * USEC_PER_SEC));
}

TEST(each_time_is_twice_as_long_up_to_an_hour)
{
	static const uint64_t want_min[] = {1, 2, 4, 8, 16, 32, 60, 60};
	struct penalty p = {};
	uint64_t now_usec = USEC_PER_HOUR;

	for (size_t i = 0; i < ARRAY_SIZE(want_min); i++) {
		CHECK_U64(penalty_begin(&p, now_usec), want_min[i] * USEC_PER_MIN);
		CHECK_U64(p.until_usec, now_usec + want_min[i] * USEC_PER_MIN);
		now_usec = p.until_usec + USEC_PER_SEC;
	}
}

TEST(an_hour_of_good_manners_is_forgiving)
{
	struct penalty p = {};

	CHECK_U64(penalty_begin(&p, 0), USEC_PER_MIN);
	CHECK_U64(penalty_begin(&p, 2 * USEC_PER_MIN), 2 * USEC_PER_MIN);
	CHECK_U64(penalty_begin(&p, 4 * USEC_PER_MIN + USEC_PER_HOUR - 1), 4 * USEC_PER_MIN);
	CHECK_U64(penalty_begin(&p, 8 * USEC_PER_MIN + 2 * USEC_PER_HOUR), USEC_PER_MIN);
}

TEST(a_penalty_wipes_what_led_to_it)
{
	struct penalty p = {};

	for (int i = 0; i < 10; i++)
		(void)penalty_bad_line(&p, USEC_PER_SEC);
	(void)penalty_over(&p, USEC_PER_SEC);
	(void)penalty_begin(&p, 2 * USEC_PER_SEC);
	CHECK(!penalty_bad_line(&p, 3 * USEC_PER_SEC));
	CHECK(!penalty_over(&p, 62 * USEC_PER_SEC));
}

TEST_MAIN()
