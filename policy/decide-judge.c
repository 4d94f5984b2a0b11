/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The second look at each guest, when the budget is known: what policies say of it, and what it
 * needs. */
#include <stdio.h>

#include "common/units.h"
#include "policy/decision.h"

/* An agent is silent after three of its heartbeats; balloon statistics come at their own pace. */
static uint64_t silence_limit(const struct decision *d, const struct guest_sample *s)
{
	return s->report.source == REPORT_AGENT && d->snap->heartbeat_usec
		       ? REPORT_STALE_HEARTBEATS * d->snap->heartbeat_usec
		       : REPORT_STALE_USEC;
}

static void stale_check(struct decision *d, struct work *w)
{
	uint64_t limit = silence_limit(d, w->s);
	uint64_t silence = sub_sat(d->now, w->s->report.arrival_usec);
	bool heard = w->s->report.source != REPORT_NONE;
	bool stale = heard && silence > limit;

	if (stale != w->g->stale) {
		decision_event_sizes(d, stale ? EVENT_STALE : EVENT_FRESH, w, silence,
			w->g->demand.used_bytes);
		w->g->stale_room_given = false;
		w->g->stale_rooms = 0;
		w->g->stale_room_usec = 0;
	}
	/* its silence is our doing, for what it did: it earns no room */
	if (stale && w->s->shut_out_usec)
		w->g->stale_room_given = true;
	w->g->stale = w->p->stale = stale;
	if (heard && !stale)
		decision_wake(d, w->s->report.arrival_usec + limit + 1);
}

static void demand_check(struct decision *d, struct work *w)
{
	struct demand *dm = &w->g->demand;
	bool was_not_credible = dm->not_credible;
	struct plan_event *e;

	demand_update(dm, w->s, d->now);
	if (dm->oom_kills && (e = decision_event(d, EVENT_OOM, w)))
		e->arg[0] = dm->oom_kills;
	if (dm->not_credible != was_not_credible)
		decision_event_sizes(d, dm->not_credible ? EVENT_NOT_CREDIBLE : EVENT_CREDIBLE, w,
			dm->check_granted_bytes, dm->credit_permyriad);
	w->p->known = dm->known;
	w->p->net = demand_net(dm, w->s);
	w->p->not_credible = dm->not_credible;
	w->p->stall_permyriad = dm->stall_permyriad;
	w->p->refaults_per_sec = dm->refaults_per_sec;
	w->p->stuck = w->g->balloon.stuck;
	w->p->breaker = w->g->breaker;
	/* Whose memory cannot be moved has no driver to wait for. */
	w->p->booting = !w->s->balloon_answered && w->s->fixed == FIXED_NOT;
	decision_wake(d, demand_wake(dm, d->now));
}

static void guest_facts(const struct decision *d, const struct work *w, struct facts *f)
{
	const struct demand *dm = &w->g->demand;

	*f = d->host_facts;
	facts_set(f, FACT_GUEST_MEM_MAX, w->s->max_bytes);
	facts_set(f, FACT_GUEST_MEM_ACTUAL, w->s->actual_bytes);
	facts_set(f, FACT_GUEST_VCPUS, w->s->vcpus);
	if (w->s->started_usec)
		facts_set(f, FACT_GUEST_AGE, sub_sat(d->now, w->s->started_usec));
	if (w->g->cpu.known)
		facts_set(f, FACT_GUEST_VCPU_DELAY, w->g->cpu.delay_permyriad);
	if (!dm->known || w->g->stale)
		return;
	facts_set(f, FACT_GUEST_MEM_USED, dm->used_bytes);
	facts_set(f, FACT_GUEST_MEM_AVAILABLE, w->s->report.available_bytes);
	if (w->s->report.has_swap) {
		facts_set(f, FACT_GUEST_SWAP_TOTAL, w->s->report.swap_total_bytes);
		facts_set(f, FACT_GUEST_SWAP_USED,
			sub_sat(w->s->report.swap_total_bytes, w->s->report.swap_free_bytes));
	}
	if (!dm->rates_known)
		return;
	facts_set(f, FACT_GUEST_REFAULTS, dm->refaults_per_sec);
	if (!w->s->report.has_psi)
		return;
	facts_set(f, FACT_GUEST_PSI_MEM_SOME, dm->stall_permyriad);
	facts_set(f, FACT_GUEST_PSI_MEM_FULL, dm->stall_full_permyriad);
	facts_set(f, FACT_GUEST_PSI_CPU_SOME, dm->cpu_permyriad);
	facts_set(f, FACT_GUEST_PSI_IO_SOME, dm->io_permyriad);
}

/* The names of the active ones, as many as fit: what is left out is seen to be. */
static void policy_names(
	const struct decision *d, const struct guest_policy *gp, char *buf, size_t size)
{
	static const char more[] = ", ...";
	struct policy_info info;
	size_t len = 0;

	for (size_t i = 0; i < policy_set_count(d->set); i++) {
		if (!guest_policy_active(gp, i))
			continue;
		policy_set_info(d->set, i, &info);
		if (len + strlen(info.name) + 2 + sizeof(more) > size) {
			strcpy(buf + len, len ? more : more + 2);
			return;
		}
		len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? ", " : "", info.name);
	}
	if (!len)
		strcpy(buf, "none");
}

/* What is set by hand, or changes in a policy that is in force, leaves the list as it is. */
static void policy_event(struct decision *d, struct work *w)
{
	uint64_t list = guest_policy_list(w->g->policy);
	struct plan_event *e = NULL;

	if (w->g->policy_list && w->g->policy_list != list)
		e = decision_event(d, EVENT_POLICY, w);
	w->g->policy_list = list;
	if (e)
		policy_names(d, w->g->policy, e->detail, sizeof(e->detail));
}

int judge_guest(struct decision *d, struct work *w)
{
	struct facts facts;
	uint64_t wake;
	int r;

	cpu_observe(&w->g->cpu, w->s);
	demand_check(d, w);
	stale_check(d, w);
	guest_facts(d, w, &facts);
	r = guest_policy_update(w->g->policy, d->set, d->state->windows, &w->s->id,
		w->s->identity_changed, &facts, d->overrides, overrides_of(d, w->g), d->now,
		d->snap->now_real_usec, &wake);
	if (r < 0)
		return r;
	decision_wake(d, wake);
	policy_event(d, w);
	w->set = guest_policy_settings(w->g->policy);
	w->g->demand.max_stall = w->set->mem_max_stall; /* for its next report */
	w->p->stall_on_permyriad = demand_stall_on(&w->set->mem_max_stall);
	r = demand_judge_stall(&w->g->demand, &w->set->mem_max_stall, d->now);
	if (r)
		decision_event_sizes(d, r > 0 ? EVENT_PRESSED : EVENT_RELIEVED, w,
			w->g->demand.stall_permyriad, w->set->mem_max_stall.permyriad);
	return 0;
}
