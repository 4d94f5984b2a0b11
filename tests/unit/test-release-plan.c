/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/release-plan.h"

#include "tests/test.h"

static struct release_guest guest(uint64_t max, uint64_t have, uint64_t used, uint64_t original)
{
	return (struct release_guest){
		.max_bytes = max * MIB,
		.have_bytes = have * MIB,
		.settled_bytes = have * MIB,
		.used_bytes = used * MIB,
		.original_bytes = original * MIB,
	};
}

TEST(need_is_used_and_room_within_the_maximum)
{
	CHECK_U64(release_need(100 * MIB, 512 * MIB), 228 * MIB); /* a quarter of its maximum */
	CHECK_U64(release_need(1024 * MIB, 8192 * MIB), 1536 * MIB); /* 512 MiB */
	CHECK_U64(release_need(5000 * MIB, 8192 * MIB), 6000 * MIB); /* a fifth */
	CHECK_U64(release_need(500 * MIB, 512 * MIB), 512 * MIB);
}

TEST(with_room_everybody_has_what_it_had_before)
{
	struct release_guest g[] = {
		guest(1024, 300, 100, 1024), guest(1024, 512, 200, 512), guest(2048, 512, 0, 0)};

	release_plan(g, 3, 10 * GIB, RELEASE_TO_ORIGINAL);
	CHECK_U64(g[0].to_bytes, 1024 * MIB);
	CHECK_U64(g[1].to_bytes, 512 * MIB);
	CHECK_U64(g[2].to_bytes, 512 * MIB); /* not known: left as it is */
}

TEST(what_is_used_comes_before_what_was_had)
{
	/* The second has 50 MiB of room left and needs 178 more; the first is fine and was larger
	 * once. */
	struct release_guest g[] = {guest(4096, 1024, 200, 4096), guest(512, 200, 150, 512)};

	release_plan(g, 2, 100 * MIB, RELEASE_TO_ORIGINAL);
	CHECK(g[1].to_bytes >= 278 * MIB);
	CHECK(g[0].to_bytes >= 1024 * MIB);
	CHECK(g[0].to_bytes + g[1].to_bytes <= (1024 + 200 + 100 + 1) * MIB);
}

TEST(where_floors_do_not_fit_each_gets_the_same_part)
{
	struct release_guest g[] = {guest(1024, 200, 200, 1024), guest(1024, 200, 200, 1024)};

	release_plan(g, 2, 100 * MIB, RELEASE_TO_ORIGINAL);
	CHECK_U64(g[0].to_bytes, 250 * MIB);
	CHECK_U64(g[1].to_bytes, 250 * MIB);
}

TEST(never_more_than_is_free_is_given_out)
{
	/* A fixed sequence of odd figures; whatever they are, the sum of what is promised may not
	 * grow by more than what is free. */
	uint64_t x = 12345;

	for (int round = 0; round < 2000; round++) {
		struct release_guest g[7];
		uint64_t before = 0, after = 0, budget;

		for (size_t i = 0; i < ARRAY_SIZE(g); i++) {
			uint64_t max, have;

			x = x * 6364136223846793005u + 1442695040888963407u;
			max = 64 + (x >> 40) % 4096;
			have = 32 + (x >> 20) % max;
			g[i] = guest(max, MIN(have, max), (x >> 8) % 3 ? (x >> 33) % max : 0,
				(x >> 5) % 3 ? (x >> 30) % max : 0);
			g[i].fixed = (x >> 50) % 9 == 0;
			g[i].settled_bytes =
				g[i].have_bytes - (x >> 45) % (g[i].have_bytes / MIB) * MIB;
			before += g[i].have_bytes;
		}
		budget = (x >> 22) % 3000 * MIB;
		release_plan(g, ARRAY_SIZE(g), budget,
			round % 2 ? RELEASE_TO_USED : RELEASE_TO_ORIGINAL);
		for (size_t i = 0; i < ARRAY_SIZE(g); i++) {
			after += MAX(g[i].to_bytes, g[i].have_bytes);
			CHECK(g[i].to_bytes <= MAX(g[i].max_bytes, g[i].settled_bytes));
			CHECK(!g[i].fixed || g[i].to_bytes == g[i].settled_bytes);
			CHECK(!g[i].used_bytes || g[i].to_bytes == g[i].settled_bytes ||
				g[i].to_bytes >= MIN(g[i].settled_bytes, g[i].used_bytes));
		}
		CHECK(after <= before + budget);
	}
}

TEST(to_used_leaves_alone_who_has_enough)
{
	struct release_guest g[] = {guest(1024, 800, 100, 1024), guest(1024, 200, 190, 1024)};

	release_plan(g, 2, GIB, RELEASE_TO_USED);
	CHECK_U64(g[0].to_bytes, 800 * MIB);
	CHECK_U64(g[1].to_bytes, 446 * MIB);
}

TEST(a_guest_on_its_way_down_is_stopped_for_nothing)
{
	/* Counted at 800 still, commanded to 200, uses 300: what it needs is within what it is
	 * counted at, and costs nothing. */
	struct release_guest g[] = {guest(1024, 800, 300, 0)};

	g[0].settled_bytes = 200 * MIB;
	release_plan(g, 1, 0, RELEASE_TO_USED);
	CHECK_U64(g[0].to_bytes, 556 * MIB);
}

TEST(as_it_is_stops_who_is_on_its_way_down_and_nobody_else)
{
	struct release_guest g[] = {
		guest(4096, 3000, 0, 4096), /* on its way down */
		guest(4096, 3000, 0, 4096), /* growing */
		guest(4096, 3000, 0, 4096), /* there, but for a page or two */
		guest(4096, 3000, 0, 4096), /* not ours, or cannot be moved */
		guest(4096, 4096, 0, 4096), /* began just now, and its maximum is no whole MiB */
	};

	g[0].settled_bytes = 1300 * MIB;
	g[0].actual_bytes = 2000 * MIB + 4096;
	g[1].actual_bytes = 2000 * MIB;
	g[2].settled_bytes = 1300 * MIB;
	g[2].actual_bytes = 1302 * MIB;
	g[3] = g[0];
	g[3].fixed = true;
	g[4].settled_bytes = 1300 * MIB;
	g[4].actual_bytes = g[4].max_bytes = 4096 * MIB - 4096;
	release_plan(g, 5, 0, RELEASE_AS_IT_IS);
	CHECK_U64(g[0].to_bytes, 2001 * MIB);
	CHECK_U64(g[1].to_bytes, 3000 * MIB);
	CHECK_U64(g[2].to_bytes, 1300 * MIB);
	CHECK_U64(g[3].to_bytes, 1300 * MIB);
	CHECK_U64(g[4].to_bytes, 4096 * MIB - 4096);
}

TEST(what_was_grown_by_ballast_goes_back_as_far_as_it_is_not_used)
{
	struct release_guest g[] = {guest(4096, 3000, 100, 1024), guest(4096, 3000, 2800, 1024)};

	release_plan(g, 2, 0, RELEASE_TO_ORIGINAL);
	CHECK_U64(g[0].to_bytes, 1024 * MIB);
	CHECK_U64(g[1].to_bytes, 3000 * MIB);
}

TEST(what_is_promised_and_not_touched_yet_is_not_free)
{
	/* 8 GiB, nobody else: the first holds 1 of its 3 GiB, the second all of its one.
	 * MemAvailable has the 2 GiB that the first may take at any time. */
	struct release_guest g[] = {guest(4096, 3072, 900, 4096), guest(2048, 1024, 900, 2048)};
	struct release_host h = {
		.total_bytes = 8 * GIB, .memory_bytes = UINT64_MAX, .reserve_bytes = 512 * MIB};

	g[0].resident_bytes = (1024 + 48) * MIB;
	g[1].resident_bytes = (1024 + 48) * MIB;
	h.available_bytes = h.total_bytes - g[0].resident_bytes - g[1].resident_bytes;
	CHECK_U64(release_free(&h, g, 2), (8192 - 512 - 3072 - 1024 - 2 * 48) * MIB);
	g[0].resident_bytes = 0; /* not known: none of it is touched */
	h.available_bytes = h.total_bytes - g[1].resident_bytes;
	CHECK_U64(release_free(&h, g, 2), (8192 - 512 - 3072 - 1024 - 2 * 48) * MIB);
	h.available_bytes = 0; /* all is used by others */
	CHECK_U64(release_free(&h, g, 2), 0);
}

TEST(a_guest_that_holds_more_than_it_was_told_is_counted_at_what_it_holds)
{
	struct release_guest g[] = {guest(4096, 1024, 900, 4096)};
	struct release_host h = {
		.total_bytes = 8 * GIB, .memory_bytes = UINT64_MAX, .available_bytes = 5 * GIB};

	g[0].resident_bytes = 3 * GIB;
	CHECK_U64(release_free(&h, g, 1), 5 * GIB);
}

TEST(the_part_that_guests_are_given_is_what_is_shared_out)
{
	struct release_guest g[] = {guest(4096, 1024, 900, 4096)};
	struct release_host h = {
		.total_bytes = 8 * GIB, .memory_bytes = 2 * GIB, .available_bytes = 7 * GIB};

	/* The host's own GiB is in the six that are not the guests'. */
	CHECK_U64(release_free(&h, g, 1), (2048 - 1024 - 48) * MIB);
	h.cgroup = true;
	CHECK_U64(release_free(&h, g, 1), 0);
	h.cgroup = false;
	h.available_bytes = GIB; /* and here five of its seven */
	CHECK_U64(release_free(&h, g, 1), 0);
}

TEST_MAIN()
