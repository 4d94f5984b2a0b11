/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is set in a guest's control groups: CPU weight and quota; a soft limit where it keeps more
 * than it is charged. */
#include "common/units.h"
#include "policy/decision.h"

void moves_cgroup_look(struct decision *d, struct work *w)
{
	const struct cpu_state *c = &w->g->cpu;

	w->p->cpu_weight = w->s->cpu_weight;
	w->p->cpu_quota = w->s->cpu_quota;
	w->p->vcpu_delay_permyriad = c->delay_permyriad;
	if (cpu_contends(c))
		contest_add(&d->contest, w->s->cpus, cpu_base_weight(c, w->s, w->set),
			c->busy_permyriad);
	w->regulated = !cpu_at_rest(c, w->s, w->set) || w->g->breaker || w->s->soft_limited;
}

static void cpu_set(struct decision *d, struct work *w)
{
	uint64_t entitled = contest_entitlement(&d->contest, w->s->cpus,
		cpu_base_weight(&w->g->cpu, w->s, w->set), w->s->vcpus);
	uint64_t weight, quota;
	struct reason r;
	struct action *a;
	bool set = cpu_decide(&w->g->cpu, w->s, w->set, entitled, d->now, &weight, &quota, &r);

	w->p->cpu_weight = weight;
	w->p->cpu_quota = quota;
	if (w->s->cpu_refused_until_usec > d->now)
		decision_wake(d, w->s->cpu_refused_until_usec);
	if (w->g->cpu.boost > 1)
		decision_wake(d, d->now + USEC_PER_SEC);
	a = set ? decision_action(d, ACTION_CPU, w) : NULL;
	if (!a)
		return;
	a->cpu_weight = weight;
	a->cpu_quota = quota;
	a->reason = r;
}

/* The snapshot says whether the last one was carried out: one that was not is asked for again after
 * this. */
#define SOFT_AGAIN_USEC (10 * USEC_PER_SEC)

/* A breaker is held by a soft limit where policy says so: never a hard one, which would kill it for
 * our mistake. */
static void soft_limit_set(struct decision *d, struct work *w)
{
	bool limit = w->g->breaker && w->set->mem_enforce == ENFORCE_HIGH;
	uint64_t allowed = MAX(w->target_bytes, w->s->actual_bytes);
	struct action *a;

	if (!d->snap->enforce || limit == w->s->soft_limited)
		return;
	if (w->g->soft_asked_usec && w->g->soft_asked == limit &&
		d->now - w->g->soft_asked_usec < SOFT_AGAIN_USEC) {
		decision_wake(d, w->g->soft_asked_usec + SOFT_AGAIN_USEC);
		return;
	}
	a = decision_action(d, ACTION_SOFT_LIMIT, w);
	if (!a)
		return;
	w->g->soft_asked = limit;
	w->g->soft_asked_usec = d->now;
	a->reason = (struct reason){
		.code = REASON_BREAKER, .arg = {guest_resident(w->s), allowed}};
	a->to_bytes = limit ? mib_up(allowed + w->s->qemu_bytes + BREAKER_BYTES) : BYTES_UNLIMITED;
}

void moves_cgroups(struct decision *d)
{
	for (size_t i = 0; i < d->snap->n_guests; i++) {
		struct work *w = &d->work[i];

		if (!w->regulated)
			continue;
		cpu_set(d, w);
		soft_limit_set(d, w);
	}
}
