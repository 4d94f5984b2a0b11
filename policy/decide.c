/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/decide.h"

#include "common/units.h"
#include "policy/decision.h"

/* A guest resident beyond its charge by more than this for that long is a breaker. */
#define BREAKER_BYTES (64 * MIB)
#define BREAKER_USEC  (2 * USEC_PER_SEC)
/* Asked again at the latest after this: at rest, and while something moves or somebody is pressed. */
#define WAKE_REST_USEC (5 * USEC_PER_SEC)
#define WAKE_BUSY_USEC USEC_PER_SEC
/* Whatever is asked for the past or at once: a decision cannot keep the daemon busy by itself. */
#define WAKE_MIN_USEC  (10 * USEC_PER_MSEC)

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

static void event_sizes(struct decision *d, enum event_kind kind, const struct work *w, uint64_t a,
	uint64_t b)
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

/* Guest memory that its QEMU holds on the host. */
static uint64_t guest_resident(const struct guest_sample *s)
{
	return sub_sat(s->resident_bytes, s->qemu_bytes);
}

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
	decision_event(d, EVENT_REBOOT, w);
}

static void breaker_check(struct decision *d, struct work *w)
{
	uint64_t allowed = MAX(MAX(w->target_bytes, w->s->actual_bytes), w->s->inflight_bytes);
	bool beyond = guest_resident(w->s) > add_sat(allowed, BREAKER_BYTES);

	if (!beyond) {
		w->g->breaker_since_usec = 0;
		if (w->g->breaker)
			event_sizes(d, EVENT_BREAKER_GONE, w, guest_resident(w->s), 0);
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
	event_sizes(d, EVENT_BREAKER, w, guest_resident(w->s), allowed);
}

/*
 * What a guest may take at worst. Actual is only its driver's claim: what its QEMU holds counts too, and a command on its way in either order.
 * A driver that has not spoken yet, and one that lies, may take all there is.
 */
static void charge(struct work *w)
{
	const struct guest_sample *s = w->s;
	uint64_t held = MAX(MAX(w->target_bytes, s->actual_bytes),
		MAX(s->inflight_bytes, guest_resident(s)));

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
		event_sizes(d, EVENT_STUCK, w, w->s->actual_bytes, b->target_bytes);
		w->verdict = b->reached ? BALLOON_FINE : BALLOON_SHORT;
		break;
	case BALLOON_UNSTUCK:
		event_sizes(d, EVENT_UNSTUCK, w, w->s->actual_bytes, 0);
		break;
	case BALLOON_TOOK_BACK:
		event_sizes(d, EVENT_TOOK_BACK, w, w->s->actual_bytes, b->target_bytes);
		break;
	case BALLOON_FINE:
	case BALLOON_SHORT:
		break;
	}
	w->target_bytes = b->target_bytes;
	w->p->target_bytes = b->target_bytes;
	decision_wake(d, balloon_wake(b, d->now));
}

/* First look at one guest: what it has and may take. */
static int guest_look(struct decision *d, size_t i)
{
	struct work *w = &d->work[i];
	uint64_t known = d->state->decisions;
	bool first;

	w->s = &d->snap->guests[i];
	w->p = &d->plan->guests[i];
	w->g = decide_state_guest(d->state, &w->s->id.uuid);
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
	cpu_observe(&w->g->cpu, w->s);
	w->out = w->s->fixed != FIXED_NOT || !w->s->running || w->s->quarantined ||
		 w->s->job_running || !w->s->balloon_answered || w->g->breaker ||
		 balloon_resting(&w->g->balloon, d->now);
	w->p->left_out = w->out;
	return 0;
}

static void stale_check(struct decision *d, struct work *w)
{
	uint64_t silence = sub_sat(d->now, w->s->report.arrival_usec);
	bool heard = w->s->report.source != REPORT_NONE;
	bool stale = heard && silence > REPORT_STALE_USEC;

	if (stale != w->g->stale) {
		event_sizes(d, stale ? EVENT_STALE : EVENT_FRESH, w, silence,
			w->g->demand.used_bytes);
		w->g->stale_room_given = false;
	}
	w->g->stale = w->p->stale = stale;
	if (heard && !stale)
		decision_wake(d, w->s->report.arrival_usec + REPORT_STALE_USEC + 1);
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
		event_sizes(d, dm->not_credible ? EVENT_NOT_CREDIBLE : EVENT_CREDIBLE, w,
			dm->check_granted_bytes, dm->credit_permyriad);
	w->p->known = dm->known;
	w->p->not_credible = dm->not_credible;
	w->p->stall_permyriad = dm->stall_permyriad;
	w->p->refaults_per_sec = dm->refaults_per_sec;
	w->p->stuck = w->g->balloon.stuck;
	w->p->breaker = w->g->breaker;
	w->p->booting = !w->s->balloon_answered;
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
	facts_set(f, FACT_GUEST_SWAP_TOTAL, w->s->report.swap_total_bytes);
	facts_set(f, FACT_GUEST_SWAP_USED,
		sub_sat(w->s->report.swap_total_bytes, w->s->report.swap_free_bytes));
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

static int override_compare(const void *a, const void *b)
{
	return memcmp(((const struct override *)a)->guest.bytes,
		((const struct override *)b)->guest.bytes, sizeof(struct uuid));
}

/* Overrides of one guest, which are neighbours after sorting. */
static size_t overrides_of(const struct decision *d, const struct uuid *u, struct override **ret)
{
	size_t first = 0, end;

	while (first < d->snap->n_overrides && !uuid_equal(&d->overrides[first].guest, u))
		first++;
	for (end = first; end < d->snap->n_overrides && uuid_equal(&d->overrides[end].guest, u);)
		end++;
	*ret = d->overrides + first;
	return end - first;
}

static void policy_event(struct decision *d, struct work *w)
{
	uint64_t epoch = guest_policy_epoch(w->g->policy);
	struct plan_event *e;
	struct policy_info info;

	if (epoch == w->g->policy_epoch)
		return;
	e = w->g->policy_epoch ? decision_event(d, EVENT_POLICY, w) : NULL;
	w->g->policy_epoch = epoch;
	if (!e)
		return;
	for (size_t i = 0; i < policy_set_count(d->set); i++) {
		size_t len = strlen(e->detail);

		if (!guest_policy_active(w->g->policy, i))
			continue;
		policy_set_info(d->set, i, &info);
		if (len + strlen(info.name) + 3 > sizeof(e->detail))
			break;
		if (len)
			strcat(e->detail, ", ");
		strcat(e->detail, info.name);
	}
}

/* Second look: what policies say of it and what it needs. */
static int guest_judge(struct decision *d, struct work *w)
{
	struct override *overrides = NULL;
	size_t n = 0;
	struct facts facts;
	uint64_t wake;
	int r;

	demand_check(d, w);
	stale_check(d, w);
	guest_facts(d, w, &facts);
	if (d->overrides)
		n = overrides_of(d, &w->s->id.uuid, &overrides);
	r = guest_policy_update(w->g->policy, d->set, d->state->windows, &w->s->id,
		w->s->identity_changed, &facts, overrides, n, d->now, d->snap->now_real_usec, &wake);
	if (r < 0)
		return r;
	decision_wake(d, wake);
	policy_event(d, w);
	w->set = guest_policy_settings(w->g->policy);
	r = demand_judge_stall(&w->g->demand, &w->set->mem_max_stall, d->now);
	if (r)
		event_sizes(d, r > 0 ? EVENT_PRESSED : EVENT_RELIEVED, w,
			w->g->demand.stall_permyriad, w->set->mem_max_stall.permyriad);
	return 0;
}

/* A breaker is held by a soft limit where policy says so: never a hard one, which would kill it for our mistake. */
static void soft_limits(struct decision *d)
{
	for (size_t i = 0; i < d->snap->n_guests; i++) {
		struct work *w = &d->work[i];
		bool limit = w->g->breaker && w->set->mem_enforce == ENFORCE_HIGH;
		struct action *a;

		if (!d->snap->enforce || limit == w->g->soft_limited)
			continue;
		a = decision_action(d, ACTION_SOFT_LIMIT, w);
		if (!a)
			return;
		w->g->soft_limited = limit;
		a->reason = (struct reason){.code = REASON_BREAKER,
			.arg = {guest_resident(w->s), MAX(w->target_bytes, w->s->actual_bytes)}};
		a->to_bytes = limit ? mib_up(MAX(w->target_bytes, w->s->actual_bytes) + w->s->qemu_bytes +
					     BREAKER_BYTES)
				    : BYTES_UNLIMITED;
	}
}

static int policies_update(struct decision *d)
{
	uint64_t change;
	int r = policy_windows_update(d->state->windows, d->set, d->snap->now_real_usec);

	if (r < 0)
		return r;
	change = policy_windows_next_change(d->state->windows);
	if (change != USEC_INFINITY)
		decision_wake(d, add_sat(d->now, sub_sat(change, d->snap->now_real_usec)));
	if (!d->snap->n_overrides)
		return 0;
	d->overrides = malloc(d->snap->n_overrides * sizeof(*d->overrides));
	if (!d->overrides)
		return -ENOMEM;
	memcpy(d->overrides, d->snap->overrides, d->snap->n_overrides * sizeof(*d->overrides));
	qsort(d->overrides, d->snap->n_overrides, sizeof(*d->overrides), override_compare);
	return 0;
}

static bool settled(const struct decision *d)
{
	for (size_t i = 0; i < d->snap->n_guests; i++)
		if (balloon_moving(&d->work[i].g->balloon) || d->work[i].p->pressed ||
			d->work[i].g->breaker_since_usec)
			return false;
	return !d->plan->n_actions && !d->snap->n_reservations;
}

static int decision_make(struct decision *d)
{
	int r;

	for (size_t i = 0; i < d->snap->n_guests; i++)
		if ((r = guest_look(d, i)) < 0)
			return r;
	decide_state_forget_unseen(d->state);
	budget_host(d);
	r = policies_update(d);
	for (size_t i = 0; r >= 0 && i < d->snap->n_guests; i++)
		r = guest_judge(d, &d->work[i]);
	if (r < 0)
		return r;
	moves_stand_where_reached(d);
	levels_build(d);
	reserve_plan(d);
	reserve_answer(d);
	budget_total(d);
	budget_state(d);
	r = moves_memory(d);
	if (r < 0)
		return r;
	moves_cpu(d);
	soft_limits(d);
	return d->failed ? -ENOMEM : 0;
}

int decide(const struct snapshot *snap, const struct policy_set *set, struct decide_state *state,
	struct plan **ret_plan)
{
	_cleanup_plan_ struct plan *plan = calloc(1, sizeof(*plan));
	_cleanup_free_ struct work *work = calloc(snap->n_guests + 1, sizeof(*work));
	_cleanup_free_ struct division_guest *divs = calloc(snap->n_guests + 1, sizeof(*divs));
	struct decision d = {.snap = snap, .set = set, .state = state, .plan = plan, .work = work,
		.divs = divs, .now = snap->now_boot_usec, .wake = USEC_INFINITY};
	int r;

	if (!plan || !work || !divs)
		return -ENOMEM;
	plan->guests = calloc(snap->n_guests + 1, sizeof(*plan->guests));
	if (!plan->guests)
		return -ENOMEM;
	plan->n_guests = snap->n_guests;
	state->decisions++;
	r = decision_make(&d);
	free(d.overrides);
	if (r < 0)
		return r;
	plan->settled = settled(&d);
	decision_wake(&d, d.now + (plan->settled ? WAKE_REST_USEC : WAKE_BUSY_USEC));
	plan->wake_boot_usec = d.wake;
	*ret_plan = TAKE_PTR(plan);
	return 0;
}
