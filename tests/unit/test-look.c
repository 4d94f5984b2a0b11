/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/host/look.h"

#include "tests/test.h"

#define TICK LOOK_TICK_MIN_USEC

/* The host takes so much at 100.2 s, and nothing else happens: how long until all is looked at
 * again. */
static uint64_t delay_usec(uint64_t taken_bytes, size_t n_guests, bool busy)
{
	uint64_t total = 64 * GIB, available = 20 * GIB,
		 from = 100 * USEC_PER_SEC + 200 * USEC_PER_MSEC;
	struct look last = {.usec = USEC_PER_SEC, .available_bytes = available};

	for (uint64_t now = USEC_PER_SEC; now < 1000 * USEC_PER_SEC; now += TICK) {
		uint64_t here = now >= from ? available - taken_bytes : available;

		if (!look_due(&last, now, here, look_worth_bytes(total, n_guests), busy))
			continue;
		if (now >= from)
			return now - from;
		last = (struct look){now, here};
	}
	return USEC_INFINITY;
}

TEST(whatever_the_host_takes_is_known_within_five_seconds_at_rest)
{
	for (uint64_t taken = 1; taken < GIB; taken *= 2)
		for (size_t n = 0; n <= 1000; n = 2 * n + 1)
			CHECK(delay_usec(taken, n, false) <= LOOK_REST_USEC);
}

TEST(and_within_one_while_anything_moves)
{
	for (uint64_t taken = 1; taken < GIB; taken *= 2)
		CHECK(delay_usec(taken, 1000, true) <= LOOK_BUSY_USEC);
}

TEST(much_is_known_at_the_next_tick)
{
	CHECK(delay_usec(64 * GIB / 200, 1000, false) <= TICK);
	CHECK(delay_usec(8 * MIB, 1, false) <= TICK);
	CHECK(delay_usec(100 * MIB, 100, false) <= TICK);
	CHECK(delay_usec(7 * MIB, 1, false) > TICK);
	CHECK(delay_usec(99 * MIB, 100, false) > TICK);
}

TEST(more_guests_are_looked_at_for_more_and_never_only_for_more_than_half_a_percent)
{
	CHECK_U64(look_worth_bytes(64 * GIB, 0), LOOK_MIN_BYTES);
	CHECK_U64(look_worth_bytes(64 * GIB, 20), 20 * MIB);
	CHECK_U64(look_worth_bytes(64 * GIB, 100000), 64 * GIB / 200);
	CHECK_U64(look_worth_bytes(GIB, 100000), 32 * MIB);
	CHECK_U64(look_worth_bytes(0, 0), LOOK_MIN_BYTES);
}

TEST(a_rise_counts_as_a_fall_does)
{
	struct look last = {.usec = 1, .available_bytes = GIB};

	CHECK(look_due(&last, 2, GIB + 8 * MIB, 8 * MIB, false));
	CHECK(look_due(&last, 2, GIB - 8 * MIB, 8 * MIB, false));
	CHECK(!look_due(&last, 2, GIB - 8 * MIB + 1, 8 * MIB, false));
}

TEST(half_of_what_is_available_cannot_be_filled_unseen_at_rest)
{
	for (uint64_t available = 0; available <= 1024 * GIB; available += GIB / 4) {
		uint64_t tick = look_tick_usec(available, false),
			 filled = tick * (LOOK_FILL_BYTES_PER_SEC / KIB) / USEC_PER_SEC * KIB;

		CHECK(tick >= LOOK_TICK_MIN_USEC && tick <= LOOK_TICK_MAX_USEC);
		CHECK(tick == LOOK_TICK_MIN_USEC || filled <= available / 2);
	}
	CHECK_U64(look_tick_usec(8 * GIB, false), 2 * USEC_PER_SEC / 3);
	CHECK_U64(look_tick_usec(64 * GIB, false), LOOK_TICK_MAX_USEC);
}

TEST(what_moves_is_looked_at_as_often_as_is_ever_useful)
{
	for (uint64_t available = 0; available <= 1024 * GIB; available += GIB / 4)
		CHECK_U64(look_tick_usec(available, true), LOOK_TICK_MIN_USEC);
}

TEST(before_the_first_look_one_is_due)
{
	struct look never = {0};

	CHECK(look_due(&never, 0, 0, 8 * MIB, false));
	CHECK(look_due(&never, 1, 0, 8 * MIB, false));
}

TEST_MAIN()
