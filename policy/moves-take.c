/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who gives, and how much at once. */
#include "common/units.h"
#include "policy/decision.h"

/* A page cache that may be in use is taken by a sixteenth at a time for what others would like, and
 * then it is listened for a second. What somebody's floor lacks is taken at once: a policy's Min is
 * a promise, and a guest without a net may die of waiting. */
#define FRESH_USEC       USEC_PER_SEC
#define HEAR_USEC        (USEC_PER_SEC / 2)
#define FORGET_USEC      (2 * USEC_PER_SEC)
#define CACHE_PARTS      16
#define CACHE_PAUSE_USEC USEC_PER_SEC
/* Who lent of its page cache counts as a lender until its programs use so much more than then. */
#define LENT_USED_PARTS  16
/* What is less than noise makes of its want is not taken for others. */
#define TRIFLE_PARTS     200

bool moves_still_lends(const struct decision *d, const struct work *w)
{
	const struct guest_state *g = w->g;

	return g->lent_usec && d->exhausted <= LEVEL_SOFT &&
	       g->demand.average_bytes <= g->lent_used_bytes + g->lent_used_bytes / LENT_USED_PARTS;
}

bool moves_must_shrink(const struct work *w)
{
	uint64_t max = w->p->max_bytes;

	if (w->target_bytes > max)
		return true;
	return w->set->mem_surplus == SURPLUS_RELEASE &&
	       w->target_bytes > w->div->level[LEVEL_GROW];
}

/* How one round of taking is done. */
struct taking {
	uint64_t deficit;
	uint64_t promised; /* as much of it as floors lack */
	uint64_t takeable;
	bool exactly; /* the host is over its budget, or room is being made: trifles count */
	bool gently; /* page caches a little at a time, and no trifles */
	/* too little from each of many: a little more from each, and for a floor any trifle */
	bool lifted;
};

/* Nobody knows which part of its page cache is in use before it is missed. */
static uint64_t take_of_cache(const struct decision *d, const struct work *w, uint64_t take)
{
	uint64_t cache = MIN(w->div->level[LEVEL_SOFT], w->target_bytes), least = cache;

	if (w->target_bytes - take >= cache || w->g->demand.not_credible || !w->g->demand.known)
		return take;
	if (!w->g->lent_usec || d->now - w->g->lent_usec >= CACHE_PAUSE_USEC)
		least = mib_up(cache - cache / CACHE_PARTS);
	return MIN(take, sub_sat(w->target_bytes, least));
}

/* Its part of so much, in proportion to what the division takes from everybody. */
static uint64_t part_of(const struct taking *t, uint64_t excess, uint64_t bytes, uint64_t least)
{
	uint64_t part = excess;

	if (t->takeable > bytes)
		part = MIN(excess, mib_up(mul_div(excess, bytes, t->takeable)));
	return t->lifted && bytes ? MIN(excess, MAX(part, mib_up(least))) : part;
}

/* 0: not worth a command. */
static uint64_t take_of(const struct decision *d, const struct work *w, const struct taking *t)
{
	uint64_t excess = sub_sat(w->target_bytes, w->div->share_bytes), take;
	uint64_t least = t->gently ? MAX(MOVE_MIN_BYTES, w->target_bytes / TRIFLE_PARTS)
				   : MOVE_MIN_BYTES;

	if (moves_must_shrink(w))
		return excess;
	take = part_of(t, excess, t->deficit, least);
	if (t->gently)
		take = MAX(take_of_cache(d, w, take), part_of(t, excess, t->promised, least));
	else if (take == excess && t->exactly)
		return take;
	return take >= least || (t->lifted && t->promised) ? take : 0;
}

/* Its cache would be cut for what others would like, on a word that is not of now: it is asked
 * first, and given half a second to answer. */
static bool is_to_be_heard(const struct decision *d, const struct work *w, uint64_t bytes)
{
	const struct guest_report *r = &w->s->report;

	return w->target_bytes - bytes < w->div->level[LEVEL_SOFT] && r->source == REPORT_AGENT &&
	       w->s->channel_open && !w->p->stale && d->now - r->arrival_usec > FRESH_USEC &&
	       (!w->g->asked_usec || d->now - w->g->asked_usec < HEAR_USEC ||
		       d->now - w->g->asked_usec > FORGET_USEC);
}

static void hear(struct decision *d, struct work *w)
{
	if (!w->g->asked_usec || d->now - w->g->asked_usec > FORGET_USEC)
		w->g->asked_usec = d->now;
	w->p->ask = true;
	decision_wake(d, w->g->asked_usec + HEAR_USEC);
}

/* So much of it now: of one that is to be heard first, what floors lack. */
static uint64_t take_heard(
	struct decision *d, struct work *w, const struct taking *t, uint64_t bytes)
{
	struct taking floors = *t;
	uint64_t promised;

	if (!t->gently || !bytes || moves_must_shrink(w) || !is_to_be_heard(d, w, bytes))
		return bytes;
	floors.deficit = t->promised;
	promised = take_of(d, w, &floors);
	if (promised < bytes)
		hear(d, w);
	return promised;
}

static uint64_t takes_sum(const struct decision *d, const struct taking *t)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < d->snap->n_guests; i++)
		if (!d->work[i].out)
			sum += take_of(d, &d->work[i], t);
	return sum;
}

static int take(struct decision *d, struct work *w, uint64_t bytes, const struct taking *t,
	uint64_t growth)
{
	struct reason r = moves_shrink_reason(d, w, t->deficit, growth);
	uint64_t to = mib_down(w->target_bytes - bytes);

	if (t->gently && to < w->div->level[LEVEL_SOFT]) {
		w->g->lent_usec = d->now;
		w->g->lent_used_bytes = w->g->demand.average_bytes;
		decision_wake(d, d->now + CACHE_PAUSE_USEC);
	}
	return moves_command(d, w, to, &r);
}

/* First what frees: only as much as somebody needs. */
int moves_take(struct decision *d, uint64_t deficit, const struct move_sums *m)
{
	/* The host itself and a guest that starts cannot wait, nor can anybody where floors do not
	 * fit. */
	struct taking t = {.deficit = deficit, .promised = MIN(m->promised, deficit),
		.takeable = m->takeable,
		.exactly = m->targets > d->division_bytes || d->pending_bytes,
		.gently = m->targets <= d->division_bytes && !d->pending_bytes &&
			  d->exhausted > LEVEL_FLOOR};
	int e = 0;

	t.lifted = m->urgent && !takes_sum(d, &t);
	for (size_t i = 0; e >= 0 && i < d->snap->n_guests; i++) {
		struct work *w = &d->work[i];
		uint64_t bytes = w->out ? 0 : take_heard(d, w, &t, take_of(d, w, &t));

		if (bytes)
			e = take(d, w, bytes, &t, m->growth);
	}
	return e;
}
