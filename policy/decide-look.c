/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first look at each guest: what it has, whether it moves, what it may take at worst. */
#include "common/units.h"
#include "policy/decision.h"

/* A guest resident beyond its charge for that long is a breaker. */
#define BREAKER_USEC (2 * USEC_PER_SEC)

static void incarnation_check(struct decision *d, struct work *w, bool first)
{
	if (w->s->incarnation == w->g->incarnation)
		return;
	w->g->incarnation = w->s->incarnation;
	if (first)
		return;
	demand_reset(&w->g->demand);
	memset(&w->g->balloon, 0, sizeof(w->g->balloon));
	w->g->breaker_since_usec = 0;
	w->g->lent_usec = 0;
	decision_event(d, EVENT_REBOOT, w);
}

static void breaker_check(struct decision *d, struct work *w)
{
	uint64_t sent = MAX(w->s->inflight_bytes, w->g->balloon.before_bytes);
	uint64_t allowed = MAX(MAX(w->target_bytes, w->s->actual_bytes), sent);
	bool beyond = guest_resident(w->s) > add_sat(allowed, BREAKER_BYTES);

	if (!beyond) {
		w->g->breaker_since_usec = 0;
		if (w->g->breaker)
			decision_event_sizes(d, EVENT_BREAKER_GONE, w, guest_resident(w->s), 0);
		w->g->breaker = false;
		return;
	}
	if (!w->g->breaker_since_usec)
		w->g->breaker_since_usec = d->now;
	if (w->g->breaker)
		return;
	if (d->now - w->g->breaker_since_usec < BREAKER_USEC) {
		decision_wake(d, w->g->breaker_since_usec + BREAKER_USEC);
		return;
	}
	w->g->breaker = true;
	decision_event_sizes(d, EVENT_BREAKER, w, guest_resident(w->s), allowed);
}

/*
 * What a guest may take at worst. Actual is only its driver's claim: what its QEMU holds counts
 * too, and a command on its way in either order. A driver that has not spoken yet, and one that
 * lies, may take all there is.
 */
static void charge(struct work *w)
{
	const struct guest_sample *s = w->s;
	uint64_t held = MAX(MAX(w->target_bytes, s->actual_bytes),
		MAX(MAX(s->inflight_bytes, w->g->balloon.before_bytes), guest_resident(s)));

	w->held_bytes = held;
	w->charge_bytes = held;
	if (s->fixed != FIXED_NOT)
		w->held_bytes = w->charge_bytes = MAX(held, s->max_bytes);
	else if (!s->balloon_answered || w->g->breaker)
		w->charge_bytes = MAX(held, s->max_bytes);
	w->p->charge_bytes = w->charge_bytes;
}

static void balloon_check(struct decision *d, struct work *w)
{
	struct balloon *b = &w->g->balloon;

	w->verdict = balloon_observe(b, w->s, d->now);
	switch (w->verdict) {
	case BALLOON_STUCK:
		decision_event_sizes(d, EVENT_STUCK, w, w->s->actual_bytes, b->asked_bytes);
		w->verdict = b->reached ? BALLOON_FINE : BALLOON_SHORT;
		break;
	case BALLOON_UNSTUCK:
		decision_event_sizes(d, EVENT_UNSTUCK, w, w->s->actual_bytes, 0);
		break;
	case BALLOON_TOOK_BACK:
		decision_event_sizes(d, EVENT_TOOK_BACK, w, w->s->actual_bytes, b->target_bytes);
		break;
	case BALLOON_FINE:
	case BALLOON_SHORT:
		break;
	}
	w->target_bytes = b->target_bytes;
	w->p->target_bytes = b->target_bytes;
	decision_wake(d, balloon_wake(b, d->now));
}

/* What was refused is not asked for again at once: most likely it is refused again. */
static bool refused_check(struct decision *d, struct work *w)
{
	w->p->refused = w->s->refused_until_usec > d->now;
	if (w->p->refused)
		decision_wake(d, w->s->refused_until_usec);
	return w->p->refused;
}

int look_guest(struct decision *d, size_t i)
{
	struct work *w = &d->work[i];
	uint64_t known = d->state->decisions;
	bool first, refused;

	w->s = &d->snap->guests[i];
	w->p = &d->plan->guests[i];
	w->g = decide_state_guest(d->state, &w->s->id.uuid, i);
	if (!w->g)
		return -ENOMEM;
	if (w->g->seen == known)
		return -EINVAL; /* twice in one snapshot */
	first = !w->g->seen;
	w->g->seen = known;
	incarnation_check(d, w, first);
	balloon_check(d, w);
	breaker_check(d, w);
	charge(w);
	refused = refused_check(d, w);
	w->out = w->s->fixed != FIXED_NOT || !w->s->running || w->s->quarantined ||
		 w->s->job_running || !w->s->balloon_answered || w->g->breaker ||
		 balloon_resting(&w->g->balloon, d->now) || refused;
	w->p->left_out = w->out;
	return 0;
}
