/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why a guest is told to shrink or to grow: the one reason that people are told, of those that
 * hold. */
#include "common/units.h"
#include "policy/decision.h"

struct reason moves_shrink_reason(const struct decision *d, const struct work *w, uint64_t deficit,
	uint64_t growth)
{
	/* Of one that was never heard what the host sees of it. */
	struct reason r = {.arg = {deficit, w->p->known ? w->p->used_bytes : guest_resident(w->s)}};

	if (w->target_bytes > w->p->max_bytes) {
		r.code = w->p->max_bytes > w->set->mem_max_bytes ? REASON_MAX_UNSAFE
								 : REASON_MAX_POLICY;
		r.arg[1] = w->set->mem_max_bytes;
		r.arg[0] = w->p->max_bytes;
	} else if (moves_must_shrink(w)) {
		r.code = REASON_RELEASE;
	} else if (d->pending_bytes) {
		r.code = REASON_RESERVE;
		r.arg[0] = d->pending_bytes;
	} else if (w->g->demand.not_credible) {
		r.code = REASON_NOT_CREDIBLE;
	} else if (!growth && d->doubt_bytes) {
		r.code = REASON_DOUBT;
		r.arg[0] = d->doubt_bytes;
	} else {
		r.code = growth ? REASON_LEND : budget_host_rose(d) ? REASON_HOST : REASON_OVER;
	}
	return r;
}

/* What it is given is the room of a silent one: more than it asked for by its last word. */
static bool is_stale_room(const struct decision *d, const struct work *w)
{
	return levels_stale_room(d, w) && w->div->share_bytes > w->div->level[LEVEL_ASK];
}

struct reason moves_growth_reason(const struct decision *d, const struct work *w)
{
	const struct demand *dm = &w->g->demand;
	struct reason r = {.arg = {w->p->used_bytes, w->div->share_bytes}};

	if (is_stale_room(d, w)) {
		r.code = REASON_STALE_ROOM;
		r.arg[0] = sub_sat(d->now, w->s->report.arrival_usec);
	} else if (w->p->pressed && dm->stalled) {
		r.code = REASON_STALL;
		r.arg[0] = dm->stall_worst_permyriad;
	} else if (w->p->pressed && dm->refaults_per_sec) {
		r.code = REASON_REFAULT;
		r.arg[0] = dm->refaults_per_sec;
	} else if (w->p->pressed) {
		r.code = REASON_LOW;
		r.arg[0] = dm->available_bytes;
	} else if (w->target_bytes < w->p->min_bytes) {
		r.code = REASON_MIN;
		r.arg[0] = w->p->min_bytes;
	} else if (w->div->share_bytes > w->div->level[LEVEL_KEEP]) {
		r.code = REASON_SURPLUS;
		r.arg[0] = w->p->max_bytes;
	} else {
		r.code = REASON_NEED;
	}
	return r;
}
