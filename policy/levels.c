/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/units.h"
#include "policy/decision.h"

/* Wants within 10 % of what a guest has move nothing (right at +-3 % of noise), unless it is
 * pressed or below its floor. */
#define BAND_PARTS 10
/* A guest that is counted down by its credit to this is shrunk like any other. */
#define CREDIT_PRESSED_PERMYRIAD 5000

/* A silent guest that has filled all but so much of what it has, and as much more than at its last
 * word, is short: it is given room, and again after 10 s, doubling up to twenty minutes. */
#define STALE_FILLED_PARTS 32
#define STALE_PAUSE_USEC   (10 * USEC_PER_SEC)
#define STALE_PAUSES_MAX   7

static void level_raise(struct division_guest *g, enum level from, uint64_t bytes)
{
	for (int l = from; l < LEVEL_MAX; l++)
		g->level[l] = MAX(g->level[l], bytes);
}

static bool in_grace(const struct work *w, uint64_t now)
{
	return w->s->started_usec && sub_sat(now, w->s->started_usec) < w->set->mem_boot_grace_usec;
}

/* The most it may have: policy Max, but what a guest without a net has is not taken from it where
 * that would kill it. A bound of what it uses follows that in steps only, or the noise of reports
 * would be commands. */
static uint64_t bound_max(const struct work *w)
{
	uint64_t most = mib_down(w->s->max_bytes), max = MIN(most, mib_down(w->set->mem_max_bytes));
	uint64_t safe = MIN(mib_up(w->sizes.least_bytes), most), have = MIN(w->target_bytes, most);

	if (safe > max && have > max)
		max = have <= safe || have - safe < MAX(MOVE_MIN_BYTES, safe / BAND_PARTS) ? have
											   : safe;
	return max;
}

static uint64_t want_banded(const struct work *w, uint64_t floor_bytes)
{
	uint64_t want = mib_up(w->sizes.want_bytes), have = w->target_bytes;

	if (!w->p->pressed && have >= floor_bytes && want > have &&
		want - have <= have / BAND_PARTS)
		return have;
	return want;
}

static uint64_t boost_banded(const struct work *w)
{
	uint64_t boost = mib_up(w->sizes.boost_bytes), have = w->target_bytes;

	return !w->p->pressed && boost > have ? 0 : boost;
}

/* Filled all it has since its last word, or since it was given room: only the host can tell, and
 * page caches fill what there is, so that the pauses grow. */
static bool filled_silently(const struct decision *d, const struct work *w)
{
	uint64_t was =
		w->g->stale_rooms ? w->g->stale_resident_bytes : w->g->demand.heard_resident_bytes;
	uint64_t is = guest_resident(w->s), least = w->target_bytes / STALE_FILLED_PARTS;

	if (!was || is < was + least || is + least < w->target_bytes)
		return false;
	return !w->g->stale_rooms || d->now - w->g->stale_room_usec >=
		STALE_PAUSE_USEC << MIN(w->g->stale_rooms - 1, (unsigned)STALE_PAUSES_MAX);
}

bool levels_stale_room(const struct decision *d, const struct work *w)
{
	if (!w->p->stale || w->s->shut_out_usec)
		return false;
	return w->g->demand.pressed && !w->g->stale_room_given ? true : filled_silently(d, w);
}

/* A quarter of what it has, from what nobody wants. Of a liar's pressure, as much as it counts. */
static uint64_t stale_room(const struct decision *d, const struct work *w)
{
	return levels_stale_room(d, w) ? mib_down(w->target_bytes +
						  mul_div(w->target_bytes / 4,
							  w->g->demand.credit_permyriad, PERMYRIAD))
				       : 0;
}

static void keep_level(const struct decision *d, struct work *w, uint64_t max)
{
	uint64_t soft = w->div->level[LEVEL_RECENT], have = MIN(w->target_bytes, max);

	if (w->set->mem_surplus == SURPLUS_RELEASE && !w->p->pressed &&
		have > soft + soft / BAND_PARTS)
		have = soft;
	level_raise(w->div, LEVEL_KEEP, have);
	if (w->set->mem_surplus == SURPLUS_GROW && d->state->host_state == HOST_AMPLE)
		level_raise(w->div, LEVEL_GROW, max);
}

static void row_build(const struct decision *d, struct work *w)
{
	struct division_guest *g = w->div;
	uint64_t max = bound_max(w), min = MIN(mib_up(w->set->mem_min_bytes), max), want;
	const struct balloon *b = &w->g->balloon;

	g->weight = w->set->mem_weight;
	g->idle_tax = w->set->mem_idle_tax;
	level_raise(g, LEVEL_SAFE, mib_up(w->sizes.safe_bytes));
	level_raise(g, LEVEL_USED, MIN(mib_up(w->sizes.used_bytes), w->target_bytes));
	if (in_grace(w, d->now))
		level_raise(g, LEVEL_USED, w->target_bytes);
	level_raise(g, LEVEL_FLOOR, min);
	want = want_banded(w, g->level[LEVEL_FLOOR]);
	/* All that is proved at one level: among those who are short, or would be with less, weight
	 * decides, not who came first. Of one that is short what it has is not proved to be too
	 * much. */
	if (w->p->pressed)
		level_raise(g, LEVEL_PRESSED, MAX(want, w->target_bytes));
	else if (w->p->proved)
		level_raise(g, LEVEL_PRESSED, want);
	level_raise(g, LEVEL_WANT, want);
	/* Its cache is worth keeping before others' surplus, but growing for it needs a sign of
	 * need. */
	level_raise(g, LEVEL_SOFT, MIN(mib_up(w->sizes.soft_bytes), w->target_bytes));
	level_raise(g, LEVEL_ASK, boost_banded(w));
	level_raise(g, LEVEL_RECENT,
		MAX(MIN(mib_up(w->sizes.recent_bytes), w->target_bytes), stale_room(d, w)));
	for (int l = 0; l < LEVEL_MAX; l++)
		g->level[l] = MIN(g->level[l], max);
	keep_level(d, w, max);
	/* Where the balloon stopped it cannot be asked for less until its pause is over. */
	if (b->floor_bytes && (d->now < b->retry_usec || w->verdict == BALLOON_SHORT))
		level_raise(g, LEVEL_SAFE, MIN(mib_up(b->floor_bytes), w->target_bytes));
	w->p->floor_bytes = g->level[LEVEL_FLOOR];
	w->p->want_bytes = g->level[LEVEL_WANT];
	w->p->min_bytes = min;
	w->p->max_bytes = max;
	g->idle_permyriad = w->target_bytes
				    ? mul_div(sub_sat(w->target_bytes, g->level[LEVEL_RECENT]),
					      PERMYRIAD, w->target_bytes)
				    : 0;
}

/* How much of its floor it does not use. Followed in steps: where floors do not fit the noise of
 * reports would move memory to and fro. */
static void floor_idle_update(struct work *w)
{
	uint64_t floor = w->div->level[LEVEL_FLOOR];
	uint64_t idle = floor ? mul_div(floor - w->div->level[LEVEL_USED], PERMYRIAD, floor) : 0;
	uint64_t was = w->g->floor_idle_permyriad;

	if (MAX(idle, was) - MIN(idle, was) > PERMYRIAD / BAND_PARTS)
		w->g->floor_idle_permyriad = idle;
	w->div->floor_idle_permyriad = w->g->floor_idle_permyriad;
}

void levels_guest(struct decision *d, struct work *w)
{
	w->p->pressed = w->g->demand.pressed && !w->p->stale &&
			w->g->demand.credit_permyriad >= CREDIT_PRESSED_PERMYRIAD;
	demand_sizes(&w->g->demand, w->s, w->set, w->p->stale, d->now, &w->sizes);
	w->p->proved = w->sizes.proved && w->g->demand.credit_permyriad >= CREDIT_PRESSED_PERMYRIAD;
	w->p->used_bytes = w->g->demand.known ? w->g->demand.used_bytes : 0;
	w->p->want_bytes = w->sizes.want_bytes;
	w->p->headroom_bytes = w->sizes.headroom_bytes;
	w->p->no_net_bytes = w->sizes.no_net ? w->sizes.safe_bytes : 0;
	w->p->floor_bytes = w->held_bytes;
	w->p->max_bytes = w->s->max_bytes;
	if (w->out)
		return;
	w->p->in_grace = in_grace(w, d->now);
	if (w->p->in_grace)
		decision_wake(d, w->s->started_usec + w->set->mem_boot_grace_usec);
	d->n_releases += w->sizes.full_release;
	w->div = &d->divs[d->n_divs++];
	row_build(d, w);
	floor_idle_update(w);
}

/* A stalled guest is released at once, but not everything goes to the first who cries: half of what
 * nobody wants. */
void levels_release(struct decision *d)
{
	uint64_t asks = 0, half;

	if (!d->n_releases || d->state->host_state >= HOST_SHORT)
		return;
	for (size_t i = 0; i < d->n_divs; i++)
		asks = add_sat(asks, d->divs[i].level[LEVEL_ASK]);
	half = mib_down(sub_sat(d->division_bytes, asks) / 2);
	for (size_t i = 0; i < d->snap->n_guests; i++) {
		struct work *w = &d->work[i];

		if (w->out || !w->sizes.full_release)
			continue;
		level_raise(w->div, LEVEL_KEEP,
			MIN(w->p->max_bytes, w->div->level[LEVEL_ASK] + half));
	}
}
