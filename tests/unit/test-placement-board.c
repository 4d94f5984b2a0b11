/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/placement-board.h"

#include "common/units.h"
#include "tests/test.h"

static const struct placement_host hosts[] = {
	{"h1", 8 * GIB, 8 * GIB, 4, .accepts = true},
	{"h2", 8 * GIB, 8 * GIB, 4, .accepts = true},
	{"h3", 16 * GIB, 12 * GIB, 8, .vcpus_own = 1, .vcpus_max = 4, .accepts = true},
	{"gone", 16 * GIB, 16 * GIB, 8, .leaves = true},
};
static const struct placement_guest guests[] = {
	{"a", 0, 4 * GIB, 2, false},
	{"b", 0, 2 * GIB, 2, false},
	{"c", 3, 8 * GIB, 1, false},
};
static const struct placement_question question = {hosts, 4, guests, 3, false};

/* A move's way back leaves no trace, and the sums are those of a board that was made so. */
TEST(moves_and_their_way_back_keep_the_sums)
{
	_cleanup_board_ struct board *b = NULL, *fresh = NULL;
	struct placement_guest elsewhere[3];
	struct placement_question moved = {hosts, 4, elsewhere, 3, false};
	uint64_t before;

	CHECK_INT(board_new(&question, &b), 0);
	before = board_score(b);
	board_put(b, 0, 1);
	board_put(b, 2, 2);
	memcpy(elsewhere, guests, sizeof(guests));
	elsewhere[0].host = 1;
	elsewhere[2].host = 2;
	CHECK_INT(board_new(&moved, &fresh), 0);
	CHECK_U64(board_score(b), board_score(fresh));
	CHECK(b->memory.square == fresh->memory.square);
	board_put(b, 2, 3);
	board_put(b, 0, 0);
	CHECK_U64(board_score(b), before);
}

/* By hand: free shares 1/4, 1, 3/4 and CPU shares 1, 0, 1/8 of the three that count. */
TEST(the_score_is_the_sum_of_both_standard_deviations)
{
	_cleanup_board_ struct board *b = NULL;
	uint64_t memory = 334797836; /* sqrt(7 / 72), times 2^30 */
	uint64_t cpu = 477684394;    /* sqrt(0.19791667), times 2^30 */

	CHECK_INT(board_new(&question, &b), 0);
	CHECK(distance(board_score(b), memory + cpu) < 4); /* rounding */
	CHECK(board_score_with(b, 0, 1) < board_score(b));
}

TEST(what_does_not_count_does_not_change_the_score)
{
	_cleanup_board_ struct board *b = NULL;
	struct placement_question fewer = {hosts, 4, guests, 2, false};
	_cleanup_board_ struct board *without = NULL;

	CHECK_INT(board_new(&question, &b), 0);
	CHECK_INT(board_new(&fewer, &without), 0);
	CHECK_U64(board_score(b), board_score(without));
}

TEST(a_host_takes_what_it_has_room_for)
{
	_cleanup_board_ struct board *b = NULL;

	CHECK_INT(board_new(&question, &b), 0);
	CHECK(board_fits(b, 2, 1));  /* exactly */
	CHECK(!board_fits(b, 2, 0)); /* 2 GiB are free */
	CHECK(board_fits(b, 0, 2));
	board_put(b, 0, 2);
	CHECK(!board_fits(b, 1, 2)); /* five virtual CPUs, four may be */
	CHECK(!board_fits(b, 0, 3)); /* it is to be left */
	CHECK(board_fits(b, 2, 3));  /* who is there is */
}

TEST(guests_stay_in_their_group)
{
	struct placement_host two[] = {hosts[0], hosts[1]};
	struct placement_question q = {two, 2, guests, 2, false};
	_cleanup_board_ struct board *b = NULL;

	two[1].group = 1;
	CHECK_INT(board_new(&q, &b), 0);
	CHECK(!board_fits(b, 0, 1));
}

/* Of all moves of one step, the one with the lowest estimate is among the best exactly as well. */
TEST(the_estimate_puts_moves_in_about_the_order_of_their_scores)
{
	_cleanup_board_ struct board *b = NULL;
	struct board_slope s;

	CHECK_INT(board_new(&question, &b), 0);
	s = board_slope(b);
	CHECK(board_estimate(b, &s, 0, 1) < 0);
	CHECK(board_estimate(b, &s, 0, 1) < board_estimate(b, &s, 0, 2));
	CHECK(board_score_with(b, 0, 1) < board_score_with(b, 0, 2));
}

TEST(a_copy_has_moves_of_its_own)
{
	_cleanup_board_ struct board *b = NULL, *c = NULL;

	CHECK_INT(board_new(&question, &b), 0);
	CHECK_INT(board_move(b, 0, 1), 0);
	c = board_copy(b);
	CHECK(c);
	CHECK_INT(board_move(c, 1, 1), 0);
	CHECK_U64(b->n_moves, 1);
	CHECK_U64(c->n_moves, 2);
	CHECK_U64(b->at[1], 0);
	CHECK_U64(board_score(b), b->moves[0].score);
}

TEST(questions_that_cannot_be_are_refused)
{
	struct placement_host h = hosts[0];
	struct placement_guest g = guests[0];
	struct placement_question q = {&h, 1, &g, 1, false};
	_cleanup_board_ struct board *b = NULL;

	h.cpus = 0;
	CHECK_INT(board_new(&q, &b), -EINVAL);
	h = hosts[0];
	h.memory_bytes = 0;
	CHECK_INT(board_new(&q, &b), -EINVAL);
	h = hosts[0];
	h.leaves = true;
	CHECK_INT(board_new(&q, &b), -EINVAL);
	h = hosts[0];
	g.host = 1;
	CHECK_INT(board_new(&q, &b), -EINVAL);
}

TEST_MAIN()
