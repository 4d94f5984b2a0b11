/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/units.h"
#include "policy/decision.h"

/* Room is made for so many at once; the others wait for their turn, in the order they asked. */
#define RESERVE_AT_ONCE 4

static uint64_t room_of(const struct reservation *r)
{
	return add_sat(r->bytes, r->qemu_bytes);
}

/* The oldest reservation that is not granted and not before *after; ids break ties, so that order
 * in the list does not matter. */
static const struct reservation *next_pending(const struct snapshot *s,
	const struct reservation *after)
{
	const struct reservation *best = NULL;

	for (size_t i = 0; i < s->n_reservations; i++) {
		const struct reservation *r = &s->reservations[i];

		if (r->granted)
			continue;
		if (after && (r->asked_usec < after->asked_usec ||
				     (r->asked_usec == after->asked_usec && r->id <= after->id)))
			continue;
		if (!best || r->asked_usec < best->asked_usec ||
			(r->asked_usec == best->asked_usec && r->id < best->id))
			best = r;
	}
	return best;
}

/* What the guests cannot be squeezed below, and what is out of the division anyway. */
static uint64_t unsqueezable(const struct decision *d)
{
	uint64_t sum = d->out_bytes;

	for (size_t i = 0; i < d->n_divs; i++)
		sum = add_sat(sum, d->divs[i].level[LEVEL_FLOOR]);
	return sum;
}

void reserve_plan(struct decision *d)
{
	uint64_t firm = d->snap->n_reservations ? unsqueezable(d) : 0;
	const struct reservation *r = NULL;
	int considered = 0;

	for (size_t i = 0; i < d->snap->n_reservations; i++)
		if (d->snap->reservations[i].granted)
			d->plan->reserved_bytes = add_sat(d->plan->reserved_bytes,
				room_of(&d->snap->reservations[i]));
	if (policy_set_host(d->set)->start_policy == START_WAIT)
		while (considered < RESERVE_AT_ONCE && (r = next_pending(d->snap, r))) {
			uint64_t room = room_of(r);

			considered++;
			/* No squeezing for what cannot fit anyway. */
			if (add_sat(firm,
				    add_sat(d->plan->reserved_bytes, d->pending_bytes + room)) <=
				d->plan->budget_bytes)
				d->pending_bytes += room;
		}
}

static void answer(struct decision *d, const struct reservation *r, bool grant, uint64_t free_bytes)
{
	struct action *a = decision_action(d, grant ? ACTION_GRANT : ACTION_REFUSE, NULL);

	if (!a)
		return;
	a->guest = r->guest;
	a->reservation = r->id;
	a->reason.code = grant ? REASON_ROOM : REASON_NO_ROOM;
	a->reason.arg[0] = room_of(r);
	a->reason.arg[1] = free_bytes;
}

/* Grants in the order asked, from what is free at this instant; nobody overtakes, or a large guest
 * would wait for ever. */
void reserve_answer(struct decision *d)
{
	enum start_policy policy = policy_set_host(d->set)->start_policy;
	const struct reservation *r = NULL;
	bool blocked = false;

	while ((r = next_pending(d->snap, r))) {
		uint64_t free_bytes = sub_sat(d->plan->budget_bytes,
			add_sat(d->plan->charged_bytes, d->plan->reserved_bytes));

		if (policy == START_IGNORE || (!blocked && room_of(r) <= free_bytes)) {
			d->plan->reserved_bytes = add_sat(d->plan->reserved_bytes, room_of(r));
			d->pending_bytes = sub_sat(d->pending_bytes, room_of(r));
			answer(d, r, true, free_bytes);
		} else if (policy == START_REFUSE || d->now >= r->deadline_usec) {
			answer(d, r, false, free_bytes);
		} else {
			blocked = true;
			decision_wake(d, MIN(r->deadline_usec, d->now + USEC_PER_SEC / 4));
		}
	}
}
