/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/placement-search.h"

/* So many of the moves that look best to the first order are looked at exactly. */
#define SHORTLIST 16

struct shortlist {
	struct {
		int128 estimate;
		size_t guest, host;
	} moves[SHORTLIST];
	size_t n;
	int128 worst; /* of those in it, once it is full */
};

/* In the order of estimates; among equals whoever came first. */
static void shortlist_add(struct shortlist *s, int128 estimate, size_t guest, size_t host)
{
	size_t i = s->n < SHORTLIST ? s->n++ : SHORTLIST - 1;

	for (; i && s->moves[i - 1].estimate > estimate; i--)
		s->moves[i] = s->moves[i - 1];
	s->moves[i].estimate = estimate;
	s->moves[i].guest = guest;
	s->moves[i].host = host;
	s->worst = s->moves[s->n - 1].estimate;
}

static void shortlist_fill(
	const struct board *b, struct shortlist *s, move_filter filter, const void *userdata)
{
	struct board_slope slope = board_slope(b);

	for (size_t g = 0; g < b->q->n_guests; g++) {
		if (b->q->guests[g].fixed || (filter && !filter(b, g, userdata)))
			continue;
		for (size_t h = 0; h < b->q->n_hosts; h++) {
			int128 estimate;

			if (h == b->at[g] || !board_fits(b, g, h))
				continue;
			estimate = board_estimate(b, &slope, g, h);
			if (s->n < SHORTLIST || estimate < s->worst)
				shortlist_add(s, estimate, g, h);
		}
	}
}

bool best_move(struct board *b, move_filter filter, const void *userdata, struct candidate *ret)
{
	struct candidate best = {.score = board_score(b)};
	struct shortlist s = {0};
	bool found = false;

	shortlist_fill(b, &s, filter, userdata);
	for (size_t i = 0; i < s.n; i++) {
		uint64_t score = board_score_with(b, s.moves[i].guest, s.moves[i].host);

		if (score >= best.score)
			continue;
		best = (struct candidate){s.moves[i].guest, s.moves[i].host, score};
		found = true;
	}
	if (found)
		*ret = best;
	return found;
}

bool best_host(struct board *b, size_t guest, struct candidate *ret)
{
	struct candidate best = {.score = UINT64_MAX};

	for (size_t h = 0; h < b->q->n_hosts; h++) {
		uint64_t score;

		if (h == b->at[guest] || !board_fits(b, guest, h))
			continue;
		score = board_score_with(b, guest, h);
		if (score < best.score)
			best = (struct candidate){guest, h, score};
	}
	if (best.score == UINT64_MAX)
		return false;
	*ret = best;
	return true;
}

/* Whom to move off a host that lacks so much: the smallest whose going is enough; else the
 * largest. Only who has somewhere to go, which is put into *ret. */
static bool choose_who_goes(
	struct board *b, size_t host, uint64_t bytes, uint64_t vcpus, struct candidate *ret)
{
	uint64_t best_bytes = 0;
	bool found = false, enough = false;

	for (size_t g = 0; g < b->q->n_guests; g++) {
		const struct placement_guest *guest = &b->q->guests[g];
		bool does = guest->bytes >= bytes && guest->vcpus >= vcpus;
		struct candidate c;

		if (b->at[g] != host || guest->fixed || (!guest->bytes && !guest->vcpus))
			continue;
		if (found && (enough ? !does || guest->bytes >= best_bytes
				     : !does && guest->bytes <= best_bytes))
			continue;
		if (!best_host(b, g, &c))
			continue;
		*ret = c;
		best_bytes = guest->bytes;
		enough = does;
		found = true;
	}
	return found;
}

/* Makes a host fit for a guest by moving others off it. Returns 1 when it is, 0 when it cannot be
 * made so, or -ENOMEM. */
static int make_room(struct board *b, size_t guest, size_t host)
{
	const struct placement_guest *g = &b->q->guests[guest];
	const struct placement_host *h = &b->q->hosts[host];

	if (!h->accepts || h->group != b->q->hosts[g->host].group || g->bytes > h->room_bytes ||
		(h->vcpus_max && g->vcpus + h->vcpus_own > h->vcpus_max))
		return 0;
	while (!board_fits(b, guest, host)) {
		uint64_t free_bytes = h->room_bytes - MIN(h->room_bytes, b->used_bytes[host]);
		uint64_t vcpus = h->vcpus_max ? h->vcpus_max - MIN(h->vcpus_max, b->vcpus[host])
					      : g->vcpus;
		struct candidate c;
		int r;

		if (!choose_who_goes(b, host, g->bytes - MIN(g->bytes, free_bytes),
			    g->vcpus - MIN(g->vcpus, vcpus), &c))
			return 0;
		r = board_move(b, c.guest, c.host);
		if (r < 0)
			return r;
	}
	return 1;
}

/* Tries each host; the one that takes the fewest moves, then the lowest score, is taken. */
static int squeeze_in(struct board **b, size_t guest)
{
	_cleanup_board_ struct board *best = NULL;

	for (size_t h = 0; h < (*b)->q->n_hosts; h++) {
		_cleanup_board_ struct board *try = board_copy(*b);
		int r;

		if (!try)
			return -ENOMEM;
		r = make_room(try, guest, h);
		if (r > 0)
			r = board_move(try, guest, h);
		else if (r == 0)
			continue;
		if (r < 0)
			return r;
		if (best && (try->n_moves > best->n_moves ||
				    (try->n_moves == best->n_moves &&
					    board_score(try) >= board_score(best))))
			continue;
		board_free(best);
		best = TAKE_PTR(try);
	}
	if (!best)
		return 0;
	board_free(*b);
	*b = TAKE_PTR(best);
	return 1;
}

/* The largest of those who still have to go, and were not tried yet. */
static bool next_to_leave(const struct board *b, const bool *left, size_t *ret)
{
	bool found = false;

	for (size_t g = 0; g < b->q->n_guests; g++)
		if (b->q->hosts[b->at[g]].leaves && !left[g] &&
			(!found || b->q->guests[g].bytes > b->q->guests[*ret].bytes)) {
			*ret = g;
			found = true;
		}
	return found;
}

int empty_hosts(struct board **b, bool *left)
{
	size_t g = 0;

	while (next_to_leave(*b, left, &g)) {
		struct candidate c;
		int r;

		if ((*b)->q->guests[g].fixed)
			r = 0;
		else if (best_host(*b, g, &c))
			r = board_move(*b, g, c.host) ?: 1;
		else
			r = squeeze_in(b, g);
		if (r < 0)
			return r;
		left[g] = r == 0;
	}
	return 0;
}
