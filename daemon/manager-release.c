/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

#include "common/units.h"
#include "daemon/release-plan.h"

/* Letting go: each guest's size when this daemon no longer looks after it. */

static void release_guest_fill(const struct guest *g, struct release_guest *ret)
{
	const struct guest_sample *s = guest_sample(g);
	const struct guest_report *r = &s->report;

	*ret = (struct release_guest){
		.max_bytes = s->max_bytes,
		.have_bytes = MAX(MAX(s->actual_bytes, s->target_bytes), s->inflight_bytes),
		.settled_bytes = MIN(s->target_bytes, s->max_bytes),
		/* Whether or not deflate-on-oom hides the balloon from its total: what is not available is used. */
		.used_bytes = r->source == REPORT_NONE ? 0 : sub_sat(s->actual_bytes, r->available_bytes),
		.original_bytes = g->original.bytes,
		.fixed = s->fixed != FIXED_NOT || !s->running || s->quarantined || s->job_running ||
			 !s->balloon_answered,
	};
}

static uint64_t free_bytes(const struct manager *m)
{
	const struct plan *p = m->plan;

	return p ? sub_sat(p->budget_bytes, add_sat(p->charged_bytes, p->reserved_bytes)) : 0;
}

static void release(struct manager *m, enum release_goal goal)
{
	_cleanup_free_ struct release_guest *all = calloc(m->n_guests + 1, sizeof(*all));
	struct reason reason = {.code = REASON_RESTORE};

	if (!all || !manager_may_act(m))
		return;
	for (size_t i = 0; i < m->n_guests; i++)
		release_guest_fill(m->guests[i], &all[i]);
	release_plan(all, m->n_guests, free_bytes(m), goal);
	for (size_t i = 0; i < m->n_guests; i++) {
		reason.arg[0] = all[i].to_bytes;
		if (all[i].to_bytes != all[i].settled_bytes)
			(void)!act_set_memory(m->guests[i], all[i].to_bytes, &reason);
	}
}

void release_to_used(struct manager *m)
{
	release(m, RELEASE_TO_USED);
}

void release_originals(struct manager *m)
{
	struct reason reason = {.code = REASON_RESTORE};

	release(m, RELEASE_TO_ORIGINAL);
	for (size_t i = 0; i < m->n_guests && manager_may_act(m); i++) {
		struct guest *g = m->guests[i];
		struct guest_sample *s = guest_sample(g);

		if (g->original.cpu_weight && s->cpu_weight && s->cpu_weight != g->original.cpu_weight)
			(void)!act_set_cpu(g, g->original.cpu_weight, g->original.cpu_quota, &reason);
		if (g->soft_limited)
			act_soft_limit(g, BYTES_UNLIMITED);
		balloon_period_back(g);
	}
}
