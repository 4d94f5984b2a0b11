/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/decide.h"

#include "common/units.h"
#include "policy/decision.h"

/* Asked again at the latest after this: at rest, and while something moves or somebody is
 * pressed. */
#define WAKE_REST_USEC (5 * USEC_PER_SEC)
#define WAKE_BUSY_USEC USEC_PER_SEC

static int policies_update(struct decision *d)
{
	uint64_t change;
	int r = policy_windows_update(d->state->windows, d->set, d->snap->now_real_usec);

	if (r < 0)
		return r;
	change = policy_windows_next_change(d->state->windows);
	if (change != USEC_INFINITY)
		decision_wake(d, add_sat(d->now, sub_sat(change, d->snap->now_real_usec)));
	return overrides_sort(d);
}

static int guests_look(struct decision *d)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < d->snap->n_guests; i++)
		r = look_guest(d, i);
	if (r >= 0)
		decide_state_forget_unseen(d->state, d->snap->n_guests);
	return r;
}

/* A guest is judged and its sizes are worked out in one go: its state is in the cache then. */
static int guests_judge(struct decision *d)
{
	int r = policies_update(d);

	for (size_t i = 0; r >= 0 && i < d->snap->n_guests; i++) {
		struct work *w = &d->work[i];

		r = judge_guest(d, w);
		if (r < 0)
			break;
		moves_stand_where_reached(d, w);
		levels_guest(d, w);
		moves_cgroup_look(d, w);
		d->restless |= balloon_moving(&w->g->balloon) || w->p->pressed ||
			       w->g->breaker_since_usec;
	}
	return r;
}

static int decision_make(struct decision *d)
{
	int r;

	contest_init(&d->contest, d->snap->host.cpus);
	r = guests_look(d);
	if (r < 0)
		return r;
	budget_host(d);
	r = guests_judge(d);
	if (r < 0)
		return r;
	budget_total(d);
	levels_release(d);
	reserve_plan(d);
	reserve_answer(d);
	budget_total(d);
	budget_state(d);
	r = moves_memory(d);
	if (r < 0)
		return r;
	moves_cgroups(d);
	d->plan->settled = !d->restless && !d->plan->n_actions && !d->snap->n_reservations;
	return d->failed ? -ENOMEM : 0;
}

int decide(const struct snapshot *snap, const struct policy_set *set, struct decide_state *state,
	struct plan **ret_plan)
{
	_cleanup_plan_ struct plan *plan = calloc(1, sizeof(*plan));
	struct decision d = {.snap = snap, .set = set, .state = state, .plan = plan,
		.now = snap->now_boot_usec, .wake = USEC_INFINITY};
	int r;

	if (!plan)
		return -ENOMEM;
	plan->guests = calloc(snap->n_guests + 1, sizeof(*plan->guests));
	if (!plan->guests)
		return -ENOMEM;
	plan->n_guests = snap->n_guests;
	r = decide_state_begin(state, snap->n_guests, &d.work, &d.divs);
	if (r < 0)
		return r;
	r = decision_make(&d);
	free(d.overrides);
	if (r < 0)
		return r;
	decision_wake(&d, d.now + (plan->settled ? WAKE_REST_USEC : WAKE_BUSY_USEC));
	plan->wake_boot_usec = d.wake;
	*ret_plan = TAKE_PTR(plan);
	return 0;
}
