/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/divide.h"

#include "tests/test.h"

static struct division_guest guest(
	uint64_t floor_mib, uint64_t want_mib, uint64_t keep_mib, uint64_t weight)
{
	struct division_guest g = {.weight = weight, .idle_tax = 7500};

	for (int l = 0; l < LEVEL_MAX; l++)
		g.level[l] = (l < LEVEL_WANT	      ? floor_mib
				     : l < LEVEL_KEEP ? want_mib
						      : keep_mib) *
			     MIB;
	return g;
}

static uint64_t sum(const struct division_guest *g, size_t n)
{
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += g[i].share_bytes;
	return total;
}

TEST(everybody_keeps_what_it_has_when_all_fits)
{
	struct division_guest g[] = {guest(100, 200, 1000, 100), guest(100, 200, 500, 900)};

	CHECK_INT(divide(g, 2, 1500 * MIB, 0), LEVEL_MAX);
	CHECK_U64(g[0].share_bytes, 1000 * MIB);
	CHECK_U64(g[1].share_bytes, 500 * MIB);
}

TEST(surplus_goes_before_wants_and_the_largest_gives_first)
{
	struct division_guest g[] = {guest(100, 200, 1000, 100), guest(100, 200, 300, 100)};

	CHECK_INT(divide(g, 2, 1000 * MIB, 0), LEVEL_KEEP);
	CHECK_U64(g[0].share_bytes, 700 * MIB);
	CHECK_U64(g[1].share_bytes, 300 * MIB);
}

TEST(wants_are_divided_by_weight_when_they_do_not_fit)
{
	struct division_guest g[] = {guest(0, 1000, 1000, 100), guest(0, 1000, 1000, 300)};

	CHECK_INT(divide(g, 2, 800 * MIB, 0), LEVEL_WANT);
	CHECK_U64(g[0].share_bytes, 200 * MIB);
	CHECK_U64(g[1].share_bytes, 600 * MIB);
}

TEST(weight_divides_all_that_a_guest_has_not_what_is_beyond_its_floor)
{
	struct division_guest g[] = {guest(100, 1000, 1000, 100), guest(100, 1000, 1000, 300)};

	CHECK_INT(divide(g, 2, 800 * MIB, 0), LEVEL_WANT);
	CHECK_U64(g[0].share_bytes, 200 * MIB); /* not 100 + 150 */
	CHECK_U64(g[1].share_bytes, 600 * MIB);
}

TEST(nobody_falls_below_its_floor_for_the_weight_of_another)
{
	struct division_guest g[] = {guest(400, 1000, 1000, 1), guest(100, 1000, 1000, 10000)};

	CHECK_INT(divide(g, 2, 800 * MIB, 0), LEVEL_WANT);
	CHECK_U64(g[0].share_bytes, 400 * MIB);
	CHECK_U64(g[1].share_bytes, 400 * MIB);
}

TEST(idle_pages_weigh_less)
{
	struct division_guest g[] = {guest(100, 100, 1000, 100), guest(100, 100, 1000, 100)};

	g[0].idle_permyriad = PERMYRIAD;
	CHECK_INT(divide(g, 2, 1000 * MIB, 0), LEVEL_KEEP);
	/* A tax of 75 % makes an idle page cost four times a busy one. */
	CHECK_U64(g[0].share_bytes, 200 * MIB);
	CHECK_U64(g[1].share_bytes, 800 * MIB);
}

TEST(where_floors_do_not_fit_an_idle_one_is_cut_before_a_used_one)
{
	struct division_guest g[] = {guest(1000, 1000, 1000, 100), guest(1000, 1000, 1000, 100)};

	g[0].level[LEVEL_SAFE] = g[1].level[LEVEL_SAFE] = 50 * MIB;
	g[0].level[LEVEL_USED] = 900 * MIB;
	g[0].floor_idle_permyriad = 1000;
	g[1].level[LEVEL_USED] = 100 * MIB;
	g[1].floor_idle_permyriad = 9000;
	CHECK_INT(divide(g, 2, 1400 * MIB, 0), LEVEL_FLOOR);
	/* (1 + 3 * 90 %) / (1 + 3 * 10 %) = 2.8 times as much, within its floor */
	CHECK_U64(g[0].share_bytes, 1000 * MIB);
	CHECK_U64(g[1].share_bytes, 400 * MIB);
	/* What is used does not fit: nothing of that is idle. */
	g[0].level[LEVEL_USED] = g[1].level[LEVEL_USED] = 900 * MIB;
	CHECK_INT(divide(g, 2, 1400 * MIB, 0), LEVEL_USED);
	CHECK_U64(g[0].share_bytes, 700 * MIB);
	CHECK_U64(g[1].share_bytes, 700 * MIB);
}

TEST(slack_is_taken_from_surplus_only)
{
	struct division_guest g[] = {guest(100, 200, 1000, 100), guest(100, 200, 1000, 100)};

	CHECK_INT(divide(g, 2, 1000 * MIB, 100 * MIB), LEVEL_KEEP);
	CHECK_U64(sum(g, 2), 900 * MIB);
	CHECK_INT(divide(g, 2, 450 * MIB, 100 * MIB), LEVEL_KEEP);
	CHECK_U64(sum(g, 2), 400 * MIB);
}

TEST(what_would_kill_is_given_even_beyond_the_budget)
{
	struct division_guest g[] = {guest(400, 400, 400, 100), guest(400, 400, 400, 100)};

	CHECK_INT(divide(g, 2, 500 * MIB, 0), LEVEL_SAFE);
	CHECK_U64(g[0].share_bytes, 400 * MIB);
}

TEST(grants_follow_weight_and_never_exceed_what_is_free)
{
	const uint64_t ask[] = {1000 * MIB, 1000 * MIB, 10 * MIB}, weight[] = {100, 300, 100};
	uint64_t give[3];

	CHECK_U64(divide_grants(ask, weight, 3, 410 * MIB, give), 410 * MIB);
	CHECK_U64(give[0], 100 * MIB);
	CHECK_U64(give[1], 300 * MIB);
	CHECK_U64(give[2], 10 * MIB);
	CHECK_U64(divide_grants(ask, weight, 3, 5000 * MIB, give), 2010 * MIB);
	CHECK_U64(divide_grants(ask, weight, 3, 0, give), 0);
}

static uint64_t random_state = 1;

static uint64_t random_below(uint64_t m)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (random_state >> 33) % m;
}

/* Raising one want never lowers its share; the sum is within the budget: many random hosts. */
TEST(random_divisions_keep_their_promises)
{
	for (int round = 0; round < 20000; round++) {
		struct division_guest g[6], h[6];
		uint64_t budget, total_safe = 0;
		size_t n, who;

		n = 1 + random_below(6);
		who = random_below(n);
		for (size_t i = 0; i < n; i++) {
			uint64_t f = random_below(1000), w = f + random_below(1000);

			g[i] = guest(f, w, w + random_below(1000), 1 + random_below(10000));
			g[i].level[LEVEL_SAFE] = 0;
			g[i].idle_permyriad = random_below(10001);
			total_safe += g[i].level[LEVEL_SAFE];
		}
		budget = (random_below(8000)) * MIB;
		divide(g, n, budget, 0);
		CHECK(sum(g, n) <= MAX(budget, total_safe));
		memcpy(h, g, sizeof(h));
		for (int l = LEVEL_WANT; l < LEVEL_MAX; l++)
			h[who].level[l] += 100 * MIB;
		divide(h, n, budget, 0);
		CHECK(h[who].share_bytes + n * MIB >= g[who].share_bytes);
	}
}

TEST_MAIN()
