/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/units.h"
#include "policy/decision.h"

/* A change has to be worth a command: 2 % of the guest for a pressed one, 10 % for others, and never less than this. */
#define MOVE_MIN_BYTES      (8 * MIB)
#define PRESSED_PARTS       50
#define CALM_PARTS          10
/* A part of what was asked is given when it is an eighth of it, within these bounds; the rest follows when it is free. */
#define PART_MIN_BYTES      (32 * MIB)
#define PART_MAX_BYTES      (128 * MIB)
/* Where surplus is taken, 1 % of the budget more is taken, so that the next small need moves nothing. */
#define SLACK_PARTS         100

/* What one guest asks for now: 0 when its share is not worth a command. */
static uint64_t growth_asked(const struct work *w)
{
	uint64_t have = w->target_bytes, more = sub_sat(w->div->share_bytes, have);
	uint64_t parts = w->p->pressed ? PRESSED_PARTS : CALM_PARTS;

	if (have < w->p->min_bytes)
		return more;
	if (have < w->div->level[LEVEL_FLOOR])
		return more >= MOVE_MIN_BYTES ? more : 0;
	return more >= MAX(have / parts, MOVE_MIN_BYTES) ? more : 0;
}

static bool must_shrink(const struct work *w)
{
	uint64_t max = w->p->max_bytes;

	if (w->target_bytes > max)
		return true;
	return w->set->mem_surplus == SURPLUS_RELEASE &&
	       w->target_bytes > w->div->level[LEVEL_GROW];
}

static struct reason shrink_reason(const struct decision *d, const struct work *w, uint64_t deficit,
	uint64_t growth)
{
	struct reason r = {.arg = {deficit, w->p->used_bytes}};

	if (w->target_bytes > w->p->max_bytes) {
		r.code = REASON_MAX_POLICY;
		r.arg[0] = w->p->max_bytes;
	} else if (must_shrink(w)) {
		r.code = REASON_RELEASE;
	} else if (d->pending_bytes) {
		r.code = REASON_RESERVE;
		r.arg[0] = d->pending_bytes;
	} else if (w->g->demand.not_credible) {
		r.code = REASON_NOT_CREDIBLE;
	} else {
		r.code = growth ? REASON_LEND : REASON_HOST;
	}
	return r;
}

static struct reason growth_reason(const struct decision *d, const struct work *w)
{
	const struct demand *dm = &w->g->demand;
	struct reason r = {.arg = {w->p->used_bytes, w->div->share_bytes}};

	if (w->p->stale) {
		r.code = REASON_STALE_ROOM;
		r.arg[0] = sub_sat(d->now, w->s->report.arrival_usec);
	} else if (w->p->pressed && dm->stalled) {
		r.code = REASON_STALL;
		r.arg[0] = dm->stall_permyriad;
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

static int command(struct decision *d, struct work *w, uint64_t to_bytes, const struct reason *reason)
{
	struct action *a;

	w->p->standing = *reason;
	if (to_bytes == w->g->balloon.target_bytes)
		return 0;
	a = decision_action(d, ACTION_MEMORY, w);
	if (!a)
		return -ENOMEM;
	a->from_bytes = w->g->balloon.target_bytes;
	a->to_bytes = to_bytes;
	a->reason = *reason;
	w->p->target_bytes = to_bytes;
	w->commanded = true;
	if (d->snap->enforce)
		balloon_commanded(&w->g->balloon, w->s, to_bytes, d->now);
	return 0;
}

/* A balloon that stopped short, or grew by itself, stands at what it reached, rounded up: down would squeeze it again. */
void moves_stand_where_reached(struct decision *d)
{
	for (size_t i = 0; i < d->snap->n_guests; i++) {
		struct work *w = &d->work[i];

		uint64_t rounded;

		if (w->verdict != BALLOON_TOOK_BACK && w->verdict != BALLOON_SHORT)
			continue;
		/* What it took back by itself can be rounded down; a balloon without a page left cannot. */
		w->target_bytes = w->verdict == BALLOON_TOOK_BACK
					  ? mib_down(w->s->actual_bytes)
					  : MIN(mib_up(w->s->actual_bytes), mib_down(w->s->max_bytes));
		rounded = sub_sat(w->target_bytes, w->charge_bytes);
		w->charge_bytes += rounded;
		d->plan->charged_bytes += rounded;
	}
}

/* Those of them that the division did not tell otherwise are told so. */
static int corrections(struct decision *d)
{
	for (size_t i = 0; i < d->snap->n_guests; i++) {
		struct work *w = &d->work[i];
		struct reason r = {.code = REASON_OUT_OF_PUFF, .arg = {w->s->actual_bytes}};
		int e;

		if (w->verdict == BALLOON_TOOK_BACK)
			r.code = REASON_TOOK_BACK;
		else if (w->verdict != BALLOON_SHORT)
			continue;
		if (w->s->quarantined || w->s->job_running || !w->s->running ||
			!w->s->balloon_answered || w->commanded)
			continue;
		e = command(d, w, w->target_bytes, &r);
		if (e < 0)
			return e;
	}
	return 0;
}

struct move_sums {
	uint64_t growth;   /* asked by those who act */
	uint64_t targets;  /* of all that are divided */
	uint64_t takeable; /* above their shares */
};

static void sums_take(const struct decision *d, struct move_sums *m)
{
	memset(m, 0, sizeof(*m));
	for (size_t i = 0; i < d->snap->n_guests; i++) {
		const struct work *w = &d->work[i];

		if (w->out)
			continue;
		m->targets = add_sat(m->targets, w->target_bytes);
		m->growth = add_sat(m->growth, growth_asked(w));
		m->takeable = add_sat(m->takeable, sub_sat(w->target_bytes, w->div->share_bytes));
	}
}

/* First what frees: only as much as somebody needs, from everybody in proportion to what the division takes from it. */
static int shrinks(struct decision *d, uint64_t deficit, const struct move_sums *m)
{
	for (size_t i = 0; i < d->snap->n_guests; i++) {
		struct work *w = &d->work[i];
		struct reason r;
		uint64_t excess, take;
		int e;

		if (w->out)
			continue;
		excess = sub_sat(w->target_bytes, w->div->share_bytes);
		take = excess;
		if (!must_shrink(w) && m->takeable > deficit)
			take = MIN(excess, mib_up(mul_div(excess, deficit, m->takeable)));
		if (!take || (!must_shrink(w) && take < MOVE_MIN_BYTES && take < excess))
			continue;
		r = shrink_reason(d, w, deficit, m->growth);
		e = command(d, w, mib_down(w->target_bytes - take), &r);
		if (e < 0)
			return e;
	}
	return 0;
}

static bool urgent(const struct work *w)
{
	return w->p->pressed || w->target_bytes < w->div->level[LEVEL_FLOOR];
}

/* Then what is granted, from what is free at this instant: the pressed and those below their floor before the others. */
static int grants(struct decision *d, bool urgents, uint64_t *free_bytes)
{
	size_t n = 0;
	_cleanup_free_ uint64_t *ask = calloc(3 * d->n_divs + 1, sizeof(*ask));
	uint64_t *weight, *give;

	if (!ask)
		return -ENOMEM;
	weight = ask + d->n_divs;
	give = weight + d->n_divs;
	for (size_t i = 0; i < d->snap->n_guests; i++) {
		const struct work *w = &d->work[i];

		if (w->out || urgent(w) != urgents)
			continue;
		ask[n] = growth_asked(w);
		weight[n++] = w->set->mem_weight;
	}
	*free_bytes = sub_sat(*free_bytes, divide_grants(ask, weight, n, *free_bytes, give));
	n = 0;
	for (size_t i = 0; i < d->snap->n_guests; i++) {
		struct work *w = &d->work[i];
		uint64_t want, got;
		struct reason r;
		int e;

		if (w->out || urgent(w) != urgents)
			continue;
		want = ask[n];
		got = mib_down(give[n++]);
		if (!got || (got < want && got < CLAMP(want / 8, PART_MIN_BYTES, PART_MAX_BYTES)))
			continue;
		r = growth_reason(d, w);
		e = command(d, w, mib_down(w->target_bytes + got), &r);
		if (e < 0)
			return e;
		if (w->p->stale)
			w->g->stale_room_given = true;
		if (d->snap->enforce)
			demand_granted(&w->g->demand, w->s, got, d->now);
	}
	return 0;
}

static void shares_tell(struct decision *d)
{
	for (size_t i = 0; i < d->snap->n_guests; i++) {
		struct work *w = &d->work[i];
		uint64_t safe;

		if (w->out) {
			w->p->share_bytes = w->held_bytes;
			continue;
		}
		w->p->share_bytes = w->div->share_bytes;
		safe = w->div->level[LEVEL_FLOOR];
		if (d->exhausted <= LEVEL_FLOOR && w->div->share_bytes < safe &&
			w->target_bytes > w->div->share_bytes) {
			struct plan_event *e = decision_event(d, EVENT_FLOOR_CUT, w);

			if (e) {
				e->arg[0] = w->div->share_bytes;
				e->arg[1] = safe;
			}
		}
	}
}

int moves_memory(struct decision *d)
{
	struct move_sums m;
	uint64_t deficit, free_bytes;
	int e;

	d->exhausted = divide(d->divs, d->n_divs, d->division_bytes, d->division_bytes / SLACK_PARTS);
	shares_tell(d);
	sums_take(d, &m);
	deficit = sub_sat(add_sat(m.targets, m.growth), d->division_bytes);
	if (deficit && d->exhausted == LEVEL_KEEP)
		deficit = add_sat(deficit, d->division_bytes / SLACK_PARTS);
	e = shrinks(d, deficit, &m);
	if (e < 0)
		return e;
	free_bytes = sub_sat(d->plan->budget_bytes,
		add_sat(d->plan->charged_bytes, add_sat(d->plan->reserved_bytes, d->pending_bytes)));
	e = grants(d, true, &free_bytes);
	if (e >= 0)
		e = grants(d, false, &free_bytes);
	return e < 0 ? e : corrections(d);
}

void moves_cpu(struct decision *d)
{
	uint64_t contending = 0;

	for (size_t i = 0; i < d->snap->n_guests; i++)
		if (cpu_contends(&d->work[i].g->cpu))
			contending += d->work[i].set->cpu_weight;
	for (size_t i = 0; i < d->snap->n_guests; i++) {
		struct work *w = &d->work[i];
		uint64_t weight, quota;
		struct reason r;
		struct action *a;
		bool set = cpu_decide(&w->g->cpu, w->s, w->set, contending, d->snap->host.cpus,
			d->now, &weight, &quota, &r);

		w->p->cpu_weight = weight;
		w->p->cpu_quota = quota;
		w->p->vcpu_delay_permyriad = w->g->cpu.delay_permyriad;
		if (w->g->cpu.boost > 1)
			decision_wake(d, d->now + USEC_PER_SEC);
		if (!set)
			continue;
		a = decision_action(d, ACTION_CPU, w);
		if (!a)
			return;
		a->cpu_weight = weight;
		a->cpu_quota = quota;
		a->reason = r;
	}
}
