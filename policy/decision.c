/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/decision.h"

/* Whatever is asked for the past or at once: a decision cannot keep the daemon busy by itself. */
#define WAKE_MIN_USEC (10 * USEC_PER_MSEC)

/* Makes room for one more element of an array that doubles. NULL without memory. */
static void *append(void **array, size_t *n, size_t *allocated, size_t size)
{
	if (*n == *allocated) {
		size_t more = *allocated ? 2 * *allocated : 16;
		void *grown = reallocarray(*array, more, size);

		if (!grown)
			return NULL;
		*array = grown;
		*allocated = more;
	}
	return memset((char *)*array + (*n)++ * size, 0, size);
}

struct action *decision_action(struct decision *d, enum action_kind kind, const struct work *w)
{
	struct action *a = append((void **)&d->plan->actions, &d->plan->n_actions,
		&d->actions_allocated, sizeof(*a));

	if (!a) {
		d->failed = true;
		return NULL;
	}
	a->kind = kind;
	a->guest_index = SIZE_MAX;
	if (w) {
		a->guest_index = (size_t)(w - d->work);
		a->guest = w->s->id.uuid;
	}
	return a;
}

struct plan_event *decision_event(struct decision *d, enum event_kind kind, const struct work *w)
{
	struct plan_event *e = append((void **)&d->plan->events, &d->plan->n_events,
		&d->events_allocated, sizeof(*e));

	if (!e) {
		d->failed = true;
		return NULL;
	}
	e->kind = kind;
	e->guest_index = SIZE_MAX;
	if (w) {
		e->of_guest = true;
		e->guest_index = (size_t)(w - d->work);
		e->guest = w->s->id.uuid;
	}
	return e;
}

void decision_event_sizes(
	struct decision *d, enum event_kind kind, const struct work *w, uint64_t a, uint64_t b)
{
	struct plan_event *e = decision_event(d, kind, w);

	if (!e)
		return;
	e->arg[0] = a;
	e->arg[1] = b;
}

void decision_wake(struct decision *d, uint64_t boot_usec)
{
	d->wake = MIN(d->wake, MAX(boot_usec, d->now + WAKE_MIN_USEC));
}
