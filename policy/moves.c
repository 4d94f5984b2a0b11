/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/units.h"
#include "policy/decision.h"

/* A change has to be worth a command: 2 % of the guest for a pressed one, 10 % for others. */
#define PRESSED_PARTS  50
#define CALM_PARTS     10
/* One that lends of its page cache and misses it, while others are short as well: when it is worth
 * that much. */
#define LENT_PARTS     6
/* A part of what was asked is given when it is an eighth of it, within these bounds; the rest
 * follows when it is free. One that is short does not wait while another, with more weight, takes
 * most of it: what is worth a command is worth giving. */
#define PART_MIN_BYTES (32 * MIB)
#define PART_MAX_BYTES (128 * MIB)
/* Where surplus is taken, 1 % of the budget more is taken, so that the next small need moves
 * nothing. */
#define SLACK_PARTS    100

/* What one guest asks for now: 0 when its share is not worth a command. */
static uint64_t growth_asked(const struct decision *d, const struct work *w)
{
	uint64_t have = w->target_bytes, more = sub_sat(w->div->share_bytes, have);
	uint64_t parts = w->p->pressed ? PRESSED_PARTS : CALM_PARTS;

	if (have < w->p->min_bytes && d->exhausted > LEVEL_FLOOR)
		return more;
	if (have < w->div->level[LEVEL_FLOOR])
		return more >= MOVE_MIN_BYTES ? more : 0;
	if (moves_still_lends(d, w))
		parts = LENT_PARTS;
	return more >= MAX(have / parts, MOVE_MIN_BYTES) ? more : 0;
}

int moves_command(
	struct decision *d, struct work *w, uint64_t to_bytes, const struct reason *reason)
{
	struct action *a;

	w->p->standing = *reason;
	if (to_bytes == w->g->balloon.target_bytes)
		return 0;
	a = decision_action(d, ACTION_MEMORY, w);
	if (!a)
		return -ENOMEM;
	a->from_bytes = w->g->balloon.target_bytes;
	a->to_bytes = to_bytes;
	a->reason = *reason;
	w->p->target_bytes = to_bytes;
	w->commanded = true;
	if (d->snap->enforce)
		balloon_commanded(&w->g->balloon, w->s, to_bytes, d->now);
	return 0;
}

/* A balloon that stopped short, or grew by itself, stands at what it reached, rounded up: down
 * would squeeze it again. */
void moves_stand_where_reached(struct decision *d, struct work *w)
{
	uint64_t rounded;

	if (w->verdict != BALLOON_TOOK_BACK && w->verdict != BALLOON_SHORT)
		return;
	d->corrections = true;
	/* What it took back by itself can be rounded down; a balloon without a page left cannot. */
	w->target_bytes = w->verdict == BALLOON_TOOK_BACK
				  ? mib_down(w->s->actual_bytes)
				  : MIN(mib_up(w->s->actual_bytes), mib_down(w->s->max_bytes));
	rounded = sub_sat(w->target_bytes, w->charge_bytes);
	w->charge_bytes += rounded;
	d->plan->charged_bytes += rounded;
}

/* Those of them that the division did not tell otherwise are told so. */
static int corrections(struct decision *d)
{
	for (size_t i = 0; d->corrections && i < d->snap->n_guests; i++) {
		struct work *w = &d->work[i];
		struct reason r = {.code = REASON_OUT_OF_PUFF, .arg = {w->s->actual_bytes}};
		int e;

		if (w->verdict == BALLOON_TOOK_BACK)
			r.code = REASON_TOOK_BACK;
		else if (w->verdict != BALLOON_SHORT)
			continue;
		if (w->s->quarantined || w->s->job_running || !w->s->running ||
			!w->s->balloon_answered || w->p->refused || w->commanded)
			continue;
		e = moves_command(d, w, w->target_bytes, &r);
		if (e < 0)
			return e;
	}
	return 0;
}

/* What its floor lacks. */
static uint64_t below_floor(const struct work *w)
{
	return sub_sat(w->div->level[LEVEL_FLOOR], w->target_bytes);
}

static bool urgent(const struct work *w)
{
	return w->p->pressed || below_floor(w);
}

/* Told when it begins, and again only after its floor has fitted. */
static void floor_cut_tell(struct decision *d, const struct work *w)
{
	uint64_t floor = w->div->level[LEVEL_FLOOR];
	bool cut = d->exhausted <= LEVEL_FLOOR && w->div->share_bytes < floor;

	if (d->exhausted > LEVEL_FLOOR) /* its own floor falls with what it uses */
		w->g->floor_cut = false;
	if (!cut || w->g->floor_cut || w->target_bytes <= w->div->share_bytes)
		return;
	w->g->floor_cut = true;
	decision_event_sizes(d, EVENT_FLOOR_CUT, w, w->div->share_bytes, floor);
}

/* What follows from each one's share. */
static void shares_take(struct decision *d, struct move_sums *m)
{
	memset(m, 0, sizeof(*m));
	for (size_t i = 0; i < d->snap->n_guests; i++) {
		struct work *w = &d->work[i];

		if (w->out) {
			w->p->share_bytes = w->held_bytes;
			continue;
		}
		w->p->share_bytes = w->div->share_bytes;
		floor_cut_tell(d, w);
		w->growth_bytes = growth_asked(d, w);
		m->growth = add_sat(m->growth, w->growth_bytes);
		m->promised = add_sat(m->promised, MIN(w->growth_bytes, below_floor(w)));
		m->n_growing += w->growth_bytes > 0;
		m->urgent |= w->growth_bytes && urgent(w);
		m->targets = add_sat(m->targets, w->target_bytes);
		m->takeable = add_sat(m->takeable, sub_sat(w->target_bytes, w->div->share_bytes));
		m->must |= moves_must_shrink(w);
	}
}

/* What it gets of what it asks: a small part is not worth a command, unless a floor is reached by
 * it. */
static int grant(struct decision *d, struct work *w)
{
	uint64_t want = w->growth_bytes, got = mib_down(w->granted_bytes), lacks = below_floor(w);
	uint64_t small = MAX(w->target_bytes / PRESSED_PARTS, MOVE_MIN_BYTES);
	uint64_t least = CLAMP(want / 8, PART_MIN_BYTES, PART_MAX_BYTES);
	struct reason r;
	int e;

	/* Others may have no more to give: most of a floor is better than none of it. */
	if (w->p->pressed || lacks)
		least = w->p->pressed ? small : MIN(least, small);
	if (!got || (got < want && got < least && (!lacks || got < lacks)))
		return 0;
	r = moves_growth_reason(d, w);
	/* Its rooms are counted, and each makes it wait for the next: it comes whole, when others
	 * have made it. */
	if (r.code == REASON_STALE_ROOM && got < want && !lacks)
		return 0;
	e = moves_command(d, w, mib_down(w->target_bytes + got), &r);
	if (e < 0)
		return e;
	if (r.code == REASON_STALE_ROOM) {
		w->g->stale_room_given = true;
		w->g->stale_rooms++;
		w->g->stale_room_usec = d->now;
		w->g->stale_resident_bytes = guest_resident(w->s);
	}
	if (d->snap->enforce)
		demand_granted(&w->g->demand, w->s, got, d->now);
	return 0;
}

/* Who is served first of what is free at this instant: floors, then the pressed, then the
 * others. */
enum grant_rank {
	GRANT_FLOOR,
	GRANT_PRESSED,
	GRANT_OTHERS,
	GRANT_RANK_MAX,
};

static uint64_t asks_as(const struct work *w, enum grant_rank rank)
{
	if (rank == GRANT_FLOOR)
		return MIN(w->growth_bytes, below_floor(w));
	return w->p->pressed == (rank == GRANT_PRESSED) ? w->growth_bytes - w->granted_bytes : 0;
}

/* The guests that grow, and room to divide among them. */
struct growing {
	struct work **who;
	uint64_t *ask, *weight, *give;
	size_t n;
};

static void growing_rank(struct growing *all, enum grant_rank rank, uint64_t *free_bytes)
{
	for (size_t k = 0; k < all->n; k++) {
		all->ask[k] = asks_as(all->who[k], rank);
		all->weight[k] = all->who[k]->set->mem_weight;
	}
	*free_bytes = sub_sat(*free_bytes,
		divide_grants(all->ask, all->weight, all->n, *free_bytes, all->give));
	for (size_t k = 0; k < all->n; k++)
		all->who[k]->granted_bytes += all->give[k];
}

/* Then what is granted; those who cannot wait are told first. */
static int grants(struct decision *d, const struct move_sums *m, uint64_t free_bytes)
{
	_cleanup_free_ struct work **who = calloc(m->n_growing + 1, sizeof(struct work *));
	_cleanup_free_ uint64_t *sizes = calloc(3 * m->n_growing + 1, sizeof(*sizes));
	struct growing all = {.who = who, .ask = sizes, .weight = sizes + m->n_growing,
		.give = sizes + 2 * m->n_growing};
	int e = 0;

	if (!who || !sizes)
		return -ENOMEM;
	for (size_t i = 0; m->n_growing && i < d->snap->n_guests; i++)
		if (d->work[i].growth_bytes)
			who[all.n++] = &d->work[i];
	for (int rank = 0; all.n && rank < GRANT_RANK_MAX; rank++)
		growing_rank(&all, rank, &free_bytes);
	for (size_t k = 0; e >= 0 && k < 2 * all.n; k++)
		if (urgent(who[k % all.n]) == (k < all.n))
			e = grant(d, who[k % all.n]);
	return e;
}

int moves_memory(struct decision *d)
{
	struct move_sums m;
	uint64_t deficit, divided = budget_beyond_doubt(d);
	int e = 0;

	d->exhausted = divide(d->divs, d->n_divs, divided, d->division_bytes / SLACK_PARTS);
	shares_take(d, &m);
	deficit = sub_sat(add_sat(m.targets, m.growth), divided);
	m.promised = sub_sat(add_sat(m.targets, m.promised), divided);
	if (deficit && d->exhausted == LEVEL_KEEP)
		deficit = add_sat(deficit, d->division_bytes / SLACK_PARTS);
	if (deficit || m.must)
		e = moves_take(d, deficit, &m);
	if (e < 0)
		return e;
	e = grants(d, &m,
		sub_sat(d->plan->budget_bytes,
			add_sat(d->plan->charged_bytes,
				add_sat(d->plan->reserved_bytes, d->pending_bytes))));
	return e < 0 ? e : corrections(d);
}
