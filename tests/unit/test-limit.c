/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/limit.h"

#include "tests/test.h"

static const struct limit_rate rate = {.per_sec = 10 * 1000, .burst = 5},
			       slow = {.per_sec = 167, .burst = 2};

TEST(a_burst_passes_and_then_one_at_a_time)
{
	static struct limit_table t;
	uint64_t now = 1000 * USEC_PER_SEC;

	for (int i = 0; i < 5; i++)
		CHECK_U64(limit_take(&t, "a", &rate, now), 0);
	CHECK_U64(limit_take(&t, "a", &rate, now), 100000);
	/* a thousandth is what is counted in */
	CHECK_U64(limit_take(&t, "a", &rate, now + 99999), 100);
	CHECK_U64(limit_take(&t, "a", &rate, now + 100000), 0);
	CHECK(limit_take(&t, "a", &rate, now + 100000));
	/* Another client's is his own. */
	CHECK_U64(limit_take(&t, "b", &rate, now), 0);
}

TEST(a_rate_below_one_a_second_holds)
{
	static struct limit_table t;
	uint64_t now = USEC_PER_SEC, wait;
	int taken = 0;

	for (int s = 0; s < 600; s++)
		taken += !limit_take(&t, "x", &slow, now + (uint64_t)s * USEC_PER_SEC);
	CHECK(taken >= 100 && taken <= 103); /* 2 at once, and 100 in ten minutes */
	wait = limit_take(&t, "y", &slow, now) + limit_take(&t, "y", &slow, now);
	CHECK_U64(wait, 0);
	wait = limit_take(&t, "y", &slow, now);
	CHECK(wait > 5 * USEC_PER_SEC && wait <= 6 * USEC_PER_SEC);
}

TEST(many_small_steps_refill_as_one_large)
{
	static struct limit_table t;
	uint64_t now = USEC_PER_SEC;
	int taken = 0;

	/* Every 7 microseconds for two seconds: no refill is lost to rounding. */
	for (uint64_t u = 0; u < 2 * USEC_PER_SEC; u += 7)
		taken += !limit_take(&t, "a", &rate, now + u);
	CHECK_INT(taken, 5 + 19);
}

TEST(a_flood_of_new_clients_costs_no_memory_and_no_more_than_a_fresh_start)
{
	static struct limit_table t;
	char key[32];

	while (!limit_take(&t, "victim", &rate, 1))
		;
	for (int i = 0; i < 100000; i++) {
		snprintf(key, sizeof(key), "192.0.2.%d", i);
		CHECK_U64(limit_take(&t, key, &rate, 2 + (uint64_t)i), 0);
	}
	CHECK_U64(limit_take(&t, "victim", &rate, 100003), 0);
}

TEST(a_day_without_a_word_is_a_full_bucket_and_no_overflow)
{
	static struct limit_table t;

	CHECK_U64(limit_take(&t, "a", &rate, 1), 0);
	for (int i = 0; i < 5; i++)
		CHECK_U64(limit_take(&t, "a", &rate, UINT64_MAX / 2), 0);
	CHECK(limit_take(&t, "a", &rate, UINT64_MAX / 2));
}

TEST_MAIN()
