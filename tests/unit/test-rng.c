/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/rng.h"

#include "tests/test.h"

/* The published first outputs of SplitMix64 from state 1234567: the same on every machine or no
 * scenario is. */
TEST(numbers_are_those_of_splitmix64)
{
	struct rng r = {.state = 1234567};

	CHECK_U64(rng_next(&r), UINT64_C(6457827717110365317));
	CHECK_U64(rng_next(&r), UINT64_C(3203168211198807973));
	CHECK_U64(rng_next(&r), UINT64_C(9817491932198370423));
}

TEST(streams_differ_by_seed_purpose_and_guest)
{
	struct rng a, b, c, d;

	rng_init(&a, 1, RNG_NOISE, 1);
	rng_init(&b, 2, RNG_NOISE, 1);
	rng_init(&c, 1, RNG_LOOK, 1);
	rng_init(&d, 1, RNG_NOISE, 2);
	CHECK(a.state != b.state && a.state != c.state && a.state != d.state);
	rng_init(&b, 1, RNG_NOISE, 1);
	CHECK_U64(b.state, a.state);
}

TEST(below_stays_below_and_reaches_all)
{
	struct rng r = {.state = 7};
	unsigned seen = 0;

	for (int i = 0; i < 1000; i++) {
		uint64_t v = rng_below(&r, 5);

		CHECK(v < 5);
		seen |= 1u << v;
	}
	CHECK_INT(seen, 31);
	CHECK_U64(rng_below(&r, 1), 0);
}

TEST(noise_is_within_its_ratio_on_both_sides)
{
	struct rng r = {.state = 7};
	uint64_t low = UINT64_MAX, high = 0, before = r.state;

	CHECK_U64(rng_noise(&r, 1000, 0), 1000);
	CHECK_U64(r.state, before);
	for (int i = 0; i < 10000; i++) {
		uint64_t v = rng_noise(&r, 1000000, 300);

		low = MIN(low, v);
		high = MAX(high, v);
	}
	CHECK(low >= 970000 && low < 971000);
	CHECK(high <= 1030000 && high > 1029000);
}

TEST_MAIN()
