/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What comes in by itself or is looked at, and what of it asks for a decision. */
#include "simulate/view.h"

#include "common/units.h"

#define LOOK_MSEC           UINT64_C(500)
#define RESIDENT_BUSY_MSEC  UINT64_C(1000)
#define RESIDENT_REST_MSEC  UINT64_C(5000)
#define POLL_MSEC           UINT64_C(100)
/* A size or a figure that moved may not be the only one. */
#define GATHER_MSEC         UINT64_C(20)
/* A balloon within this of its target has arrived. */
#define ARRIVED_BYTES       (2 * MIB)
/* QEMU tells of a balloon's changes once a second. */
#define BALLOON_CHANGE_MSEC UINT64_C(1000)
#define FALLBACK_MSEC       UINT64_C(5000)
/* Three heartbeats of silence: statistics are read. After a minute they stand for the agent's
 * word. */
#define SILENCE_MSEC         UINT64_C(15000)
#define SILENCE_DECIDES_MSEC UINT64_C(60000)
/* A move of available memory that is worth a decision and a look at all processes. */
#define MOVED_PARTS         200
#define MOVED_MIN_BYTES     (32 * MIB)

static const struct world_guest *truth(const struct view *v, size_t guest)
{
	return &v->world->guests[guest];
}

static void decide_within(struct view *v, uint64_t now_msec, uint64_t msec)
{
	v->decide_msec = MIN(v->decide_msec, now_msec + msec);
}

static bool is_moving(const struct view *v, size_t i)
{
	const struct view_guest *g = &v->guests[i];

	return g->present && g->commanded && !g->stuck &&
	       truth(v, i)->spec->balloon != BALLOON_MISSING &&
	       distance(g->actual_bytes, truth(v, i)->target_bytes) > ARRIVED_BYTES;
}

static void read_actual(struct view *v, size_t i, uint64_t now_msec)
{
	struct view_guest *g = &v->guests[i];
	uint64_t figure = truth(v, i)->figure_bytes;

	bool grew = figure > g->actual_bytes;

	if (figure != g->actual_bytes) {
		g->answered = true; /* only the driver writes this figure */
		decide_within(v, now_msec, GATHER_MSEC);
	}
	g->actual_bytes = figure;
	g->actual_msec = now_msec;
	if (grew && g->pressed && !is_moving(v, i)) /* does it suffice? */
		agent_model_ask(&g->agent, v->world, now_msec);
}

static void poll_soon(struct view *v, uint64_t now_msec)
{
	v->poll_msec = MIN(v->poll_msec, now_msec + POLL_MSEC / 2);
}

void view_watch(struct view *v, size_t guest, uint64_t now_msec)
{
	v->guests[guest].commanded = true;
	poll_soon(v, now_msec);
}

static void poll_balloons(struct view *v, uint64_t now_msec)
{
	bool moving = false;

	for (size_t i = 0; i < v->world->n_guests; i++) {
		if (!is_moving(v, i))
			continue;
		moving = true;
		read_actual(v, i, now_msec);
	}
	v->poll_msec = moving ? now_msec + POLL_MSEC : MSEC_NEVER;
}

static void read_process(struct view *v, size_t i, uint64_t now_msec)
{
	struct view_guest *g = &v->guests[i];
	const struct world_guest *t = truth(v, i);

	g->resident_bytes = t->resident_bytes + t->spec->qemu_bytes;
	g->vcpu_time_usec = t->vcpu_time_usec;
	g->vcpu_delay_usec = t->vcpu_delay_usec;
	g->vcpu_msec = now_msec;
}

/* Statistics for a guest whose agent does not speak. */
static void fall_back(struct view *v, size_t i, uint64_t now_msec)
{
	struct view_guest *g = &v->guests[i];
	uint64_t now_usec = BOOT_BASE_USEC + now_msec * USEC_PER_MSEC;
	uint64_t silence_msec = (now_usec - g->report.arrival_usec) / USEC_PER_MSEC;
	bool agent = g->report.source == REPORT_AGENT;

	if (agent && silence_msec < SILENCE_MSEC) {
		g->fallback_msec = 0;
		return;
	}
	if (now_msec < g->fallback_msec ||
		!agent_model_statistics(&g->agent, now_msec, &g->statistics))
		return;
	g->fallback_msec = now_msec + FALLBACK_MSEC;
	g->statistics.arrival_usec = g->statistics.guest_usec = now_usec;
	g->answered = true;
	if (!agent || silence_msec >= SILENCE_DECIDES_MSEC)
		g->report = g->statistics;
}

static bool is_busy(const struct view *v)
{
	bool reserved = false;

	for (size_t i = 0; i < v->world->n_guests; i++)
		reserved |= v->guests[i].reserved;
	return !v->settled || reserved || v->poll_msec != MSEC_NEVER;
}

/* Those whose turn it is, or all. True when there was one. */
static bool look_at_processes(struct view *v, uint64_t now_msec, bool all)
{
	uint64_t step = is_busy(v) ? RESIDENT_BUSY_MSEC : RESIDENT_REST_MSEC;
	bool any = false;

	for (size_t i = 0; i < v->world->n_guests; i++) {
		struct view_guest *g = &v->guests[i];

		g->resident_msec = MIN(g->resident_msec, now_msec + step);
		if (!g->present || (!all && now_msec < g->resident_msec))
			continue;
		read_process(v, i, now_msec);
		g->resident_msec = now_msec + step;
		any = true;
	}
	return any;
}

static bool has_moved(const struct view *v, uint64_t than)
{
	uint64_t total = v->world->scenario->memory_bytes;

	return distance(v->available_bytes, than) >= MAX(total / MOVED_PARTS, MOVED_MIN_BYTES);
}

static void look(struct view *v, uint64_t now_msec, bool force)
{
	bool all, any;

	v->sample_msec = now_msec;
	v->available_bytes = world_available_bytes(v->world);
	all = force || has_moved(v, v->available_sampled_bytes);
	any = look_at_processes(v, now_msec, all);
	if (all)
		v->available_sampled_bytes = v->available_bytes;
	/* What the host itself uses is what is neither available nor resident: both of one
	 * instant. */
	if (all || any)
		v->other_bytes = v->world->other_bytes;
	for (size_t i = 0; i < v->world->n_guests; i++)
		if (v->guests[i].present)
			fall_back(v, i, now_msec);
	if (has_moved(v, v->available_decided_bytes))
		decide_within(v, now_msec, GATHER_MSEC);
}

/* Starts, stops and resets, as libvirt's events say at once. */
static void follow_life(struct view *v, size_t i)
{
	const struct world_guest *t = truth(v, i);
	struct view_guest *g = &v->guests[i];
	uint64_t now_msec = v->world->now_msec;

	if (t->asked) {
		g->reserved = true;
		look(v, now_msec, true);
	}
	if (t->started || t->stopped) {
		g->reserved = g->commanded = g->stuck = g->answered = false;
		g->present = t->started;
		g->identity_changed = t->started;
		g->actual_bytes = t->figure_bytes;
		g->actual_msec = now_msec;
		read_process(v, i, now_msec);
	}
	if (t->reset)
		g->answered = false;
	if (t->started || t->stopped || t->reset) {
		g->report = (struct guest_report){.source = REPORT_NONE};
		g->fallback_msec = 0;
	}
	if (t->asked || t->started || t->stopped || t->reset)
		decide_within(v, now_msec, 0);
}

/* A change that nobody asked for comes as an event; one that is waited for is read anyway. */
static void follow_balloon(struct view *v, size_t i)
{
	struct view_guest *g = &v->guests[i];
	uint64_t now_msec = v->world->now_msec;

	if (!g->present || g->actual_bytes == truth(v, i)->figure_bytes ||
		now_msec - g->told_msec < BALLOON_CHANGE_MSEC)
		return;
	g->told_msec = now_msec;
	if (!is_moving(v, i))
		read_actual(v, i, now_msec);
	if (is_moving(v, i))
		poll_soon(v, now_msec);
}

void view_tick(struct view *v)
{
	for (size_t i = 0; i < v->world->n_guests; i++) {
		agent_model_tick(&v->guests[i].agent, v->world);
		follow_life(v, i);
		follow_balloon(v, i);
	}
}

/* At full size there is nothing that a driver could have answered; below it, its kernel sees no
 * more than the balloon leaves. */
static bool has_answered(const struct view *v, size_t i)
{
	const struct view_guest *g = &v->guests[i];
	const struct guest_spec *spec = truth(v, i)->spec;

	return g->answered || g->actual_bytes >= spec->max_bytes ||
	       (spec->balloon != BALLOON_BACK && g->report.total_bytes <= g->actual_bytes);
}

static void hear(struct view *v, size_t i, uint64_t now_msec)
{
	struct view_guest *g = &v->guests[i];
	bool first = g->report.source != REPORT_AGENT, answered;

	if (!agent_model_receive(&g->agent, now_msec, &g->report))
		return;
	g->report.arrival_usec = BOOT_BASE_USEC + now_msec * USEC_PER_MSEC;
	answered = has_answered(v, i);
	if (first || answered != g->answered || g->report.why != REPORT_WHY_HEARTBEAT)
		decide_within(v, now_msec, 0);
	g->answered = answered;
}

void view_run(struct view *v, uint64_t now_msec)
{
	for (size_t i = 0; i < v->world->n_guests; i++) {
		hear(v, i, now_msec);
		agent_model_run(&v->guests[i].agent, v->world, now_msec);
	}
	if (now_msec >= v->look_msec) {
		v->look_msec = now_msec + LOOK_MSEC;
		look(v, now_msec, now_msec == 0);
	}
	if (now_msec >= v->poll_msec)
		poll_balloons(v, now_msec);
}

uint64_t view_next(const struct view *v)
{
	uint64_t next = MIN(v->decide_msec, MIN(v->look_msec, v->poll_msec));

	for (size_t i = 0; i < v->world->n_guests; i++)
		next = MIN(next, agent_model_next(&v->guests[i].agent));
	return next;
}

void view_decided(struct view *v, const struct plan *plan, uint64_t now_msec)
{
	uint64_t wake_usec = sub_sat(plan->wake_boot_usec, BOOT_BASE_USEC);

	v->settled = plan->settled;
	v->available_decided_bytes = v->available_bytes;
	for (size_t i = 0; i < plan->n_guests; i++) {
		struct view_guest *g = &v->guests[v->guest_of[i]];

		g->stuck = plan->guests[i].stuck;
		g->pressed = plan->guests[i].pressed;
		if (plan->guests[i].ask)
			agent_model_ask(&g->agent, v->world, now_msec);
		else if (g->pressed && BOOT_BASE_USEC + now_msec * USEC_PER_MSEC >=
					       g->report.arrival_usec + USEC_PER_SEC)
			agent_model_ask(&g->agent, v->world, now_msec);
	}
	/* The timer is a millisecond late at most, and never early. */
	v->decide_msec =
		MAX(now_msec + 1, wake_usec / USEC_PER_MSEC + (wake_usec % USEC_PER_MSEC != 0));
	if (plan->wake_boot_usec == USEC_INFINITY)
		v->decide_msec = MSEC_NEVER;
}
