/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/channel/bucket.h"

#include "tests/test.h"

TEST(burst_is_full_at_the_start_and_then_over)
{
	struct bucket b;

	bucket_init(&b, 5 * USEC_PER_SEC);
	CHECK(bucket_take(&b, 5 * USEC_PER_SEC, 40 * KIB));
	CHECK(bucket_take(&b, 5 * USEC_PER_SEC, 24 * KIB));
	CHECK(!bucket_take(&b, 5 * USEC_PER_SEC, 1));
}

TEST(refill_is_eight_kib_a_second)
{
	struct bucket b;

	bucket_init(&b, 0);
	CHECK(bucket_take(&b, 0, 64 * KIB));
	CHECK(!bucket_take(&b, USEC_PER_SEC, 8 * KIB + 1));
	CHECK_U64(b.tokens_bytes, 0);
	CHECK(bucket_take(&b, 2 * USEC_PER_SEC, 8 * KIB));
}

TEST(never_more_than_the_burst_however_long_it_was_quiet)
{
	struct bucket b;

	bucket_init(&b, 0);
	CHECK(bucket_take(&b, USEC_PER_DAY * 365, 64 * KIB));
	CHECK(!bucket_take(&b, USEC_PER_DAY * 365, 1));
	bucket_init(&b, 0);
	CHECK(!bucket_take(&b, UINT64_MAX - 1, 64 * KIB + 1));
}

TEST(many_small_refills_add_up_to_the_rate)
{
	struct bucket b;
	uint64_t got_bytes = 0;

	bucket_init(&b, 0);
	CHECK(bucket_take(&b, 0, 64 * KIB));
	/* Every 100 us less than a byte comes in. */
	for (uint64_t now_usec = 100; now_usec <= 10 * USEC_PER_SEC; now_usec += 100)
		got_bytes += bucket_take(&b, now_usec, 1);
	CHECK(got_bytes >= 79 * KIB && got_bytes <= 80 * KIB);
}

TEST(time_that_stands_still_or_runs_back_fills_nothing)
{
	struct bucket b;

	bucket_init(&b, USEC_PER_SEC);
	CHECK(bucket_take(&b, USEC_PER_SEC, 64 * KIB));
	CHECK(!bucket_take(&b, 0, 1));
	CHECK(!bucket_take(&b, USEC_PER_SEC, 1));
}

TEST_MAIN()
