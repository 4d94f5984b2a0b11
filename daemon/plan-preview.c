/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/plan-preview.h"

#include "common/units.h"

#define STEP_USEC USEC_PER_SEC

void preview_clear(struct preview *p)
{
	p->plan = plan_free(p->plan);
	free(p->reasons);
	p->reasons = NULL;
}

/* Its balloon is there at once; it uses what it used, and what it lacks or gains is free memory.
 * With deflate-on-oom the balloon hides from its total. */
static void obey_memory(struct guest_sample *g, uint64_t to_bytes, uint64_t now_usec)
{
	struct guest_report *r = &g->report;
	uint64_t less = sub_sat(g->actual_bytes, to_bytes),
		 more = sub_sat(to_bytes, g->actual_bytes);

	if (!g->autodeflate)
		r->total_bytes = add_sat(sub_sat(r->total_bytes, less), more);
	r->available_bytes = add_sat(sub_sat(r->available_bytes, less), more);
	r->free_bytes = add_sat(sub_sat(r->free_bytes, less), more);
	if (g->resident_bytes > add_sat(to_bytes, g->qemu_bytes))
		g->resident_bytes = add_sat(to_bytes, g->qemu_bytes);
	g->actual_bytes = g->target_bytes = to_bytes;
	g->inflight_bytes = 0;
	g->actual_usec = now_usec;
}

static void obey(struct snapshot *s, const struct action *a)
{
	struct guest_sample *g = a->guest_index < s->n_guests ? &s->guests[a->guest_index] : NULL;

	if (!g)
		return;
	if (a->kind == ACTION_MEMORY)
		obey_memory(g, a->to_bytes, s->now_boot_usec);
	if (a->kind == ACTION_CPU && a->cpu_weight)
		g->cpu_weight = a->cpu_weight;
	if (a->kind == ACTION_CPU)
		g->cpu_quota = a->cpu_quota;
	if (a->kind == ACTION_SOFT_LIMIT)
		g->soft_limited = a->to_bytes != BYTES_UNLIMITED;
}

/* A second later: who has reported does so again, with the same counters. */
static void pass_time(struct snapshot *s)
{
	s->now_boot_usec += STEP_USEC;
	s->now_real_usec += STEP_USEC;
	s->host.sample_usec += STEP_USEC;
	for (size_t i = 0; i < s->n_guests; i++) {
		struct guest_sample *g = &s->guests[i];

		g->identity_changed = false;
		g->actual_usec = s->now_boot_usec;
		if (g->vcpu_sample_usec)
			g->vcpu_sample_usec += STEP_USEC;
		if (g->report.source == REPORT_NONE)
			continue;
		g->report.arrival_usec += STEP_USEC;
		g->report.guest_usec += STEP_USEC;
		g->report.seq++;
	}
}

static bool carry_out(struct snapshot *s, const struct plan *p, struct reason *reasons)
{
	bool moved = false;

	for (size_t i = 0; i < p->n_actions; i++) {
		const struct action *a = &p->actions[i];

		if (a->kind == ACTION_MEMORY && a->guest_index < s->n_guests) {
			reasons[a->guest_index] = a->reason;
			moved = true;
		}
		if (s->enforce)
			obey(s, a);
	}
	return moved;
}

int preview_run(struct snapshot *snap, const struct policy_set *set, struct decide_state *state,
	struct preview *ret)
{
	_cleanup_preview_ struct preview p = {
		.reasons = calloc(snap->n_guests + 1, sizeof(*p.reasons))};
	/* a plan that is not carried out is the same a second later */
	unsigned max = snap->enforce ? PREVIEW_DECISIONS_MAX : 1;

	if (!p.reasons)
		return -ENOMEM;
	while (p.decisions < max && !p.settled) {
		struct plan *plan = NULL;
		int r = decide(snap, set, state, &plan);

		if (r < 0)
			return r;
		plan_free(p.plan);
		p.plan = plan;
		p.decisions++;
		p.settled = !carry_out(snap, plan, p.reasons);
		pass_time(snap);
	}
	*ret = p;
	p = (struct preview){0};
	return 0;
}
