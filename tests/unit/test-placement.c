/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/placement.h"

#include "tests/test.h"

#define HOST(n) {n, 10 * GIB, 10 * GIB, 10, .accepts = true}

static struct placement_plan *find(const struct placement_question *q)
{
	struct placement_plan *p = NULL;

	return placement_find(q, &p) == 0 ? p : NULL;
}

TEST(an_even_cluster_is_left_alone)
{
	static const struct placement_host hosts[] = {HOST("h1"), HOST("h2")};
	static const struct placement_guest guests[] = {{"a", 0, GIB, 1, false}, {"b", 1, GIB, 1, false}};
	_cleanup_placement_plan_ struct placement_plan *p =
		find(&(struct placement_question){hosts, 2, guests, 2, false});

	CHECK(p);
	CHECK_U64(p->n_moves, 0);
	CHECK_U64(p->score_after, 0);
}

TEST(a_guest_goes_where_it_makes_hosts_even)
{
	static const struct placement_host hosts[] = {HOST("h1"), HOST("h2")};
	static const struct placement_guest guests[] = {{"a", 0, 3 * GIB, 3, false},
		{"b", 0, 2 * GIB, 2, false}, {"c", 0, GIB, 1, false}};
	_cleanup_placement_plan_ struct placement_plan *p =
		find(&(struct placement_question){hosts, 2, guests, 3, false});

	CHECK(p);
	CHECK_U64(p->n_moves, 1);
	CHECK_U64(p->moves[0].guest, 0);
	CHECK_U64(p->moves[0].to, 1);
	CHECK_U64(p->score_after, 0);
	CHECK_U64(p->moves[0].score, p->score_after);
}

TEST(a_move_that_gains_next_to_nothing_is_not_made)
{
	static const struct placement_host hosts[] = {HOST("h1"), HOST("h2")};
	static const struct placement_guest guests[] = {{"a", 0, 2 * GIB, 2, false},
		{"b", 1, 2 * GIB, 2, false}, {"small", 0, 64 * MIB, 0, false},
		{"as small", 0, 64 * MIB, 0, false}};
	_cleanup_placement_plan_ struct placement_plan *p =
		find(&(struct placement_question){hosts, 2, guests, 4, false});

	CHECK(p);
	CHECK(p->score_before > 0);
	CHECK_U64(p->n_moves, 0);
}

TEST(who_cannot_travel_stays)
{
	static const struct placement_host hosts[] = {HOST("h1"), HOST("h2")};
	static const struct placement_guest guests[] = {{"a", 0, 3 * GIB, 3, true},
		{"b", 0, 3 * GIB, 3, false}};
	_cleanup_placement_plan_ struct placement_plan *p =
		find(&(struct placement_question){hosts, 2, guests, 2, false});

	CHECK(p);
	CHECK_U64(p->n_moves, 1);
	CHECK_U64(p->moves[0].guest, 1);
}

static const struct placement_host leaving[] = {
	{"old", 10 * GIB, 10 * GIB, 10, .leaves = true}, HOST("h1"), HOST("h2"), HOST("h3")};

TEST(a_host_is_emptied_and_nobody_else_is_touched)
{
	static const struct placement_guest guests[] = {{"a", 0, 3 * GIB, 1, false},
		{"b", 0, 2 * GIB, 1, false}, {"c", 1, 5 * GIB, 1, false},
		{"d", 1, 4 * GIB, 4, false}};
	_cleanup_placement_plan_ struct placement_plan *p =
		find(&(struct placement_question){leaving, 4, guests, 4, true});

	CHECK(p);
	CHECK_U64(p->n_left, 0);
	CHECK_U64(p->n_moves, 2);
	for (size_t i = 0; i < 2; i++) {
		CHECK_U64(p->moves[i].from, 0);
		CHECK(p->moves[i].to > 1);
	}
}

/* 8 GiB fit nowhere: 6 GiB are free on each. Somebody has to step aside. */
TEST(others_step_aside_for_who_must_leave)
{
	static const struct placement_guest guests[] = {{"large", 0, 8 * GIB, 1, false},
		{"a", 1, 4 * GIB, 1, false}, {"b", 2, 4 * GIB, 1, false},
		{"c", 3, 4 * GIB, 1, false}};
	_cleanup_placement_plan_ struct placement_plan *p =
		find(&(struct placement_question){leaving, 4, guests, 4, true});

	CHECK(p);
	CHECK_U64(p->n_left, 0);
	CHECK_U64(p->n_moves, 2);
	CHECK(p->moves[0].guest != 0);
	CHECK_U64(p->moves[1].guest, 0);
	CHECK_U64(p->moves[0].from, p->moves[1].to);
}

TEST(who_has_nowhere_to_go_is_named)
{
	static const struct placement_guest guests[] = {{"huge", 0, 11 * GIB, 1, false},
		{"pinned", 0, GIB, 1, true}, {"a", 0, GIB, 1, false}};
	_cleanup_placement_plan_ struct placement_plan *p =
		find(&(struct placement_question){leaving, 4, guests, 3, true});

	CHECK(p);
	CHECK_U64(p->n_left, 2);
	CHECK_U64(p->left[0], 0);
	CHECK_U64(p->left[1], 1);
	CHECK_U64(p->n_moves, 1);
}

TEST(no_hosts_and_no_guests_are_no_moves)
{
	static const struct placement_host none[1];
	static const struct placement_guest nobody[1];
	_cleanup_placement_plan_ struct placement_plan *p =
		find(&(struct placement_question){none, 0, nobody, 0, false});

	CHECK(p);
	CHECK_U64(p->n_moves, 0);
	CHECK_U64(p->score_before, 0);
}

TEST_MAIN()
