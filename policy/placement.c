/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/placement.h"

#include "policy/placement-search.h"

/* hbal's defaults (hbal(1), --min-gain and --min-gain-limit): a cluster whose score is below a
 * tenth is even enough for a move to have to gain a hundredth. */
#define EVEN_ENOUGH ((uint64_t)PLACEMENT_ONE / 10)
#define GAIN_MIN    ((uint64_t)PLACEMENT_ONE / 100)
/* And where it is not even: what changes less is rounding. */
#define GAIN_ANY ((uint64_t)PLACEMENT_ONE / 1000000)

/* Rounds of looking for better moves, no more of them. Each ends with a lower score; three were
 * enough in all clusters of bench/plan, more are bounded in time only. */
#define REFINE_ROUNDS 8

static bool worth_it(uint64_t before, uint64_t after)
{
	uint64_t gain = before > after ? before - after : 0;

	return gain >= (before <= EVEN_ENOUGH ? GAIN_MIN : GAIN_ANY);
}

/* Steepest descent: the best move, as long as there is one that is worth it. A move is worth it at
 * most so often: each lowers the score by GAIN_ANY at least. */
static int even_out(struct board *b)
{
	struct candidate c;

	while (best_move(b, NULL, NULL, &c) && worth_it(board_score(b), c.score)) {
		int r = board_move(b, c.guest, c.host);

		if (r < 0)
			return r;
	}
	return 0;
}

static bool moved(const struct board *b, size_t guest)
{
	return b->at[guest] != b->q->guests[guest].host;
}

static bool has_not_moved(const struct board *b, size_t guest, const void *userdata _unused_)
{
	return !moved(b, guest);
}

/* It had to go, whatever that does to the score. */
static bool had_to(const struct board *b, size_t guest)
{
	return b->q->hosts[b->q->guests[guest].host].leaves;
}

/* Puts it back and moves whoever is best instead: itself to another host, or (where anybody may be
 * moved) somebody else. True if that came to a lower score; else all is as before. */
static bool refine_one(struct board *b, size_t guest)
{
	size_t to = b->at[guest], home = b->q->guests[guest].host;
	uint64_t before = board_score(b);
	struct candidate c;

	if (b->q->only_leave || had_to(b, guest)) {
		if (best_host(b, guest, &c) && c.score < before) {
			board_put(b, guest, c.host);
			return true;
		}
		return false;
	}
	if (!board_fits(b, guest, home))
		return false;
	board_put(b, guest, home);
	if (best_move(b, has_not_moved, NULL, &c) && c.score < before) {
		board_put(b, c.guest, c.host);
		return true;
	}
	board_put(b, guest, to);
	return false;
}

/* Two that moved, each to where the other went. */
static bool refine_pair(struct board *b, size_t one, size_t other)
{
	size_t to = b->at[one], other_to = b->at[other];
	uint64_t before = board_score(b);

	if (to == other_to || b->q->guests[one].host == other_to ||
		b->q->guests[other].host == to)
		return false;
	board_put(b, one, b->q->guests[one].host);
	if (board_fits(b, other, to)) {
		board_put(b, other, to);
		if (board_fits(b, one, other_to)) {
			board_put(b, one, other_to);
			if (board_score(b) < before)
				return true;
		}
		board_put(b, other, other_to);
	}
	board_put(b, one, to);
	return false;
}

/* The same number of moves, or fewer, to a lower score. */
static void refine(struct board *b)
{
	bool better = true;

	for (int round = 0; better && round < REFINE_ROUNDS; round++) {
		better = false;
		for (size_t g = 0; g < b->q->n_guests; g++) {
			if (moved(b, g) && refine_one(b, g))
				better = true;
			for (size_t h = 0; h < g && moved(b, g); h++)
				if (moved(b, h) && refine_pair(b, g, h))
					better = true;
		}
	}
}

/* Leaves out moves without which the score is no higher than `score`. */
static void leave_out(struct board *b, uint64_t score)
{
	for (;;) {
		struct candidate best = {.score = UINT64_MAX};

		for (size_t g = 0; g < b->q->n_guests; g++) {
			size_t home = b->q->guests[g].host;
			uint64_t without;

			if (!moved(b, g) || had_to(b, g) || !board_fits(b, g, home))
				continue;
			without = board_score_with(b, g, home);
			if (without < best.score)
				best = (struct candidate){g, home, without};
		}
		if (best.score > score)
			return;
		board_put(b, best.guest, best.host);
	}
}

/* Makes on b, on which nobody has moved, the moves that lead to where everybody is on `goal`: each
 * time the one that is best for the score, of those that fit. Returns 1, 0 if they stand in each
 * other's way, or -ENOMEM. */
static int order(struct board *b, const struct board *goal)
{
	for (;;) {
		struct candidate best = {.score = UINT64_MAX};
		bool done = true;
		int r;

		for (size_t g = 0; g < b->q->n_guests; g++) {
			uint64_t score;

			if (b->at[g] == goal->at[g])
				continue;
			done = false;
			if (!board_fits(b, g, goal->at[g]))
				continue;
			score = board_score_with(b, g, goal->at[g]);
			if (score < best.score)
				best = (struct candidate){g, goal->at[g], score};
		}
		if (done)
			return 1;
		if (best.score == UINT64_MAX)
			return 0;
		r = board_move(b, best.guest, best.host);
		if (r < 0)
			return r;
	}
}

/* *b with the moves that steepest descent found: replaced where better ones are found. */
static int improve(struct board **b)
{
	_cleanup_board_ struct board *goal = board_copy(*b), *ordered = NULL;
	int r;

	if (!goal)
		return -ENOMEM;
	refine(goal);
	leave_out(goal, board_score(*b));
	r = board_new((*b)->q, &ordered);
	if (r < 0)
		return r;
	r = order(ordered, goal);
	if (r <= 0)
		return r;
	board_free(*b);
	*b = TAKE_PTR(ordered);
	return 0;
}

struct placement_plan *placement_plan_free(struct placement_plan *p)
{
	if (!p)
		return NULL;
	free(p->moves);
	free(p->left);
	free(p);
	return NULL;
}

static int plan_make(
	struct board *b, uint64_t before, const bool *left, struct placement_plan **ret)
{
	_cleanup_placement_plan_ struct placement_plan *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->left = calloc(b->q->n_guests + 1, sizeof(*p->left));
	if (!p->left)
		return -ENOMEM;
	for (size_t g = 0; g < b->q->n_guests; g++)
		if (left[g])
			p->left[p->n_left++] = g;
	p->score_before = before;
	p->score_after = board_score(b);
	p->moves = TAKE_PTR(b->moves);
	p->n_moves = b->n_moves;
	*ret = TAKE_PTR(p);
	return 0;
}

int placement_find(const struct placement_question *q, struct placement_plan **ret)
{
	_cleanup_board_ struct board *b = NULL;
	_cleanup_free_ bool *left = calloc(q->n_guests + 1, sizeof(*left));
	uint64_t before;
	int r;

	if (!left)
		return -ENOMEM;
	r = board_new(q, &b);
	if (r < 0)
		return r;
	before = board_score(b);
	r = empty_hosts(&b, left);
	if (r < 0)
		return r;
	if (!q->only_leave)
		r = even_out(b);
	if (r >= 0)
		r = improve(&b);
	if (r < 0)
		return r;
	/* Who had nowhere to go may have now. */
	memset(left, 0, q->n_guests * sizeof(*left));
	r = empty_hosts(&b, left);
	if (r < 0)
		return r;
	return plan_make(b, before, left, ret);
}
