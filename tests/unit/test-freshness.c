/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/channel/freshness.h"

#include "tests/test.h"

TEST(nothing_is_known_before_a_ping_was_answered)
{
	struct freshness f = {};

	CHECK_U64(freshness_age(&f, USEC_PER_HOUR, 5), 0);
}

TEST(a_queued_line_is_as_old_as_it_waited)
{
	struct freshness f = {};

	/* The guest has been up for 100 s, the host for a day: that says nothing. */
	freshness_anchor(&f, USEC_PER_DAY, 100 * USEC_PER_SEC);
	CHECK_U64(freshness_age(&f, USEC_PER_DAY + 5 * USEC_PER_SEC, 105 * USEC_PER_SEC), 0);
	CHECK(freshness_age(&f, USEC_PER_DAY + 20 * USEC_PER_SEC, 110 * USEC_PER_SEC) >
		9 * USEC_PER_SEC);
	CHECK(freshness_age(&f, USEC_PER_DAY + 20 * USEC_PER_SEC, 120 * USEC_PER_SEC) <
		USEC_PER_SEC);
}

TEST(a_guest_whose_host_booted_later_is_no_trouble)
{
	struct freshness f = {};

	freshness_anchor(&f, USEC_PER_SEC, USEC_PER_DAY);
	CHECK_U64(freshness_age(&f, 6 * USEC_PER_SEC, USEC_PER_DAY + 5 * USEC_PER_SEC), 0);
	CHECK(freshness_age(&f, 60 * USEC_PER_SEC, USEC_PER_DAY + 6 * USEC_PER_SEC) >
		FRESHNESS_LIMIT_USEC);
}

TEST(clocks_that_drift_by_500_ppm_stay_fresh_for_a_month)
{
	struct freshness f = {};

	/* The guest's clock is slow: each heartbeat seems 2.5 ms later than the last. */
	freshness_anchor(&f, 0, 0);
	for (uint64_t n = 1; n <= 30 * USEC_PER_DAY / (5 * USEC_PER_SEC); n++)
		CHECK(freshness_age(&f, n * 5 * USEC_PER_SEC, n * (5 * USEC_PER_SEC - 2500)) <
			USEC_PER_SEC);
	/* And when it is fast. */
	freshness_anchor(&f, 0, 0);
	for (uint64_t n = 1; n <= 30 * USEC_PER_DAY / (5 * USEC_PER_SEC); n++)
		CHECK(freshness_age(&f, n * 5 * USEC_PER_SEC, n * (5 * USEC_PER_SEC + 2500)) <
			USEC_PER_SEC);
}

TEST(a_paused_guest_is_late_until_it_is_anchored_anew)
{
	struct freshness f = {};

	freshness_anchor(&f, 0, 0);
	CHECK(freshness_age(&f, 70 * USEC_PER_SEC, 10 * USEC_PER_SEC) > FRESHNESS_LIMIT_USEC);
	CHECK(freshness_age(&f, 75 * USEC_PER_SEC, 15 * USEC_PER_SEC) > FRESHNESS_LIMIT_USEC);
	freshness_anchor(&f, 76 * USEC_PER_SEC, 16 * USEC_PER_SEC);
	CHECK_U64(freshness_age(&f, 80 * USEC_PER_SEC, 20 * USEC_PER_SEC), 0);
}

TEST_MAIN()
