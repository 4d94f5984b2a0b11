/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/view.h"

#include "common/units.h"

#define LOOK_MSEC UINT64_C(500)
#define POLL_MSEC UINT64_C(100)
/* A balloon that has not moved for so long is asked with the resident sizes only. */
#define MOVING_MSEC UINT64_C(5000)
/* QEMU tells of a balloon's changes once a second. */
#define BALLOON_CHANGE_MSEC UINT64_C(1000)
/* The start hook's longest wait. */
#define RESERVATION_MSEC UINT64_C(60000)

static uint64_t boot_usec(uint64_t msec)
{
	return BOOT_BASE_USEC + msec * USEC_PER_MSEC;
}

static const struct world_guest *truth(const struct view *v, size_t guest)
{
	return &v->world->guests[guest];
}

static bool is_moving(const struct view *v, size_t i, uint64_t now_msec)
{
	const struct view_guest *g = &v->guests[i];

	return g->present && g->actual_bytes != truth(v, i)->target_bytes &&
	       now_msec <= g->moving_until_msec;
}

/* Asks the balloon. True when its figure is another one than known. */
static bool read_actual(struct view *v, size_t i, uint64_t now_msec)
{
	struct view_guest *g = &v->guests[i];
	uint64_t figure = truth(v, i)->figure_bytes;
	bool moved = figure != g->actual_bytes;

	g->actual_bytes = figure;
	g->actual_msec = now_msec;
	if (moved)
		g->moving_until_msec = now_msec + MOVING_MSEC;
	return moved;
}

static void arm_poll(struct view *v, uint64_t now_msec)
{
	if (v->poll_msec == MSEC_NEVER)
		v->poll_msec = now_msec + POLL_MSEC;
}

void view_watch(struct view *v, size_t guest, uint64_t now_msec)
{
	v->guests[guest].moving_until_msec = now_msec + MOVING_MSEC;
	arm_poll(v, now_msec);
}

void view_drop_reservation(struct view *v, size_t guest)
{
	v->guests[guest].reserved = false;
}

static bool poll_balloons(struct view *v, uint64_t now_msec)
{
	bool moved = false, moving = false;

	for (size_t i = 0; i < v->world->n_guests; i++) {
		if (!is_moving(v, i, now_msec))
			continue;
		moved |= read_actual(v, i, now_msec);
		moving |= is_moving(v, i, now_msec);
	}
	v->poll_msec = moving ? now_msec + POLL_MSEC : MSEC_NEVER;
	return moved;
}

static void read_processes(struct view *v, uint64_t now_msec)
{
	v->processes_msec = now_msec;
	for (size_t i = 0; i < v->world->n_guests; i++) {
		v->guests[i].resident_bytes = truth(v, i)->resident_bytes;
		v->guests[i].vcpu_time_usec = truth(v, i)->vcpu_time_usec;
		v->guests[i].vcpu_delay_usec = truth(v, i)->vcpu_delay_usec;
	}
}

/* True when the host's figures moved. */
static bool look(struct view *v, uint64_t now_msec)
{
	uint64_t available = world_available_bytes(v->world), other = v->world->other_bytes;
	bool moved = available != v->available_bytes || other != v->other_bytes;

	v->look_msec = now_msec + LOOK_MSEC;
	v->sample_msec = now_msec;
	v->available_bytes = available;
	v->other_bytes = other;
	if (v->read_resident) {
		read_processes(v, now_msec);
		for (size_t i = 0; i < v->world->n_guests; i++)
			if (v->guests[i].present &&
				v->guests[i].actual_bytes != truth(v, i)->target_bytes)
				moved |= read_actual(v, i, now_msec);
	}
	v->read_resident = !v->read_resident;
	return moved;
}

/* Starts, stops and resets, as libvirt's events say at once. */
static bool follow_life(struct view *v, size_t i)
{
	const struct world_guest *t = truth(v, i);
	struct view_guest *g = &v->guests[i];

	if (t->asked)
		g->reserved = true;
	if (t->started || t->stopped) {
		g->reserved = false;
		g->present = t->started;
		g->identity_changed = t->started;
		g->resident_bytes = t->resident_bytes;
		(void)read_actual(v, i, v->world->now_msec);
	}
	if (t->started || t->stopped || t->reset)
		g->report = (struct guest_report){.source = REPORT_NONE};
	if (t->booted_msec && t->booted_msec == v->world->now_msec)
		return true;
	return t->asked || t->started || t->stopped || t->reset;
}

/* A change that nobody asked for comes as an event. */
static bool follow_balloon(struct view *v, size_t i)
{
	struct view_guest *g = &v->guests[i];
	uint64_t now_msec = v->world->now_msec;

	if (!g->present || g->actual_bytes == truth(v, i)->figure_bytes ||
		now_msec - g->told_msec < BALLOON_CHANGE_MSEC)
		return false;
	g->told_msec = now_msec;
	arm_poll(v, now_msec);
	return read_actual(v, i, now_msec);
}

bool view_tick(struct view *v)
{
	bool decide = false;

	for (size_t i = 0; i < v->world->n_guests; i++) {
		agent_model_tick(&v->guests[i].agent, v->world);
		decide |= follow_life(v, i);
		decide |= follow_balloon(v, i);
	}
	return decide;
}

bool view_run(struct view *v, uint64_t now_msec)
{
	bool decide = false;

	for (size_t i = 0; i < v->world->n_guests; i++) {
		struct view_guest *g = &v->guests[i];

		if (agent_model_receive(&g->agent, now_msec, &g->report)) {
			g->report.arrival_usec = boot_usec(now_msec);
			decide |= g->report.why != REPORT_WHY_HEARTBEAT;
		}
		agent_model_run(&g->agent, v->world, now_msec);
		decide |= g->agent.shut;
	}
	if (now_msec >= v->look_msec)
		decide |= look(v, now_msec);
	if (now_msec >= v->poll_msec)
		decide |= poll_balloons(v, now_msec);
	return decide;
}

uint64_t view_next(const struct view *v)
{
	uint64_t next = MIN(v->look_msec, v->poll_msec);

	for (size_t i = 0; i < v->world->n_guests; i++)
		next = MIN(next, agent_model_next(&v->guests[i].agent));
	return next;
}

uint64_t view_known_used_bytes(const struct view *v, size_t guest)
{
	const struct view_guest *g = &v->guests[guest];
	const struct guest_spec *spec = truth(v, guest)->spec;
	uint64_t used = sub_sat(g->report.total_bytes, g->report.available_bytes);

	if (g->report.source == REPORT_NONE)
		return 0;
	if (spec->balloon == BALLOON_BACK)
		used = sub_sat(used, sub_sat(spec->max_bytes, g->actual_bytes));
	return used + spec->overhead_bytes;
}

static struct guest_sample sample_guest(struct view *v, size_t i, uint64_t now_msec)
{
	const struct world_guest *t = truth(v, i);
	struct view_guest *g = &v->guests[i];
	struct guest_sample s = {
		.id = {.uuid = t->uuid,
			.name = t->name,
			.tags = (const char *const *)t->spec->tags,
			.host = "simulated"},
		.identity_changed = g->identity_changed,
		.started_usec = t->started_msec ? boot_usec(t->started_msec) : 0,
		.incarnation = t->incarnation,
		.running = true,
		.max_bytes = t->spec->max_bytes,
		.actual_bytes = g->actual_bytes,
		.actual_usec = boot_usec(g->actual_msec),
		.target_bytes = t->target_bytes,
		.resident_bytes = g->resident_bytes + t->spec->qemu_bytes,
		.qemu_bytes = t->spec->qemu_bytes,
		.fixed = t->spec->balloon == BALLOON_MISSING ? FIXED_NO_BALLOON : FIXED_NOT,
		.balloon_answered = t->spec->balloon != BALLOON_MISSING &&
				    now_msec >= t->booted_msec,
		.autodeflate = t->spec->balloon == BALLOON_BACK,
		.channel_open = agent_model_is_connected(&g->agent, now_msec),
		.report = g->report,
		.vcpus = (uint32_t)t->spec->vcpus,
		.cpu_weight = t->cpu_weight,
		.cpu_quota = t->cpu_quota_permyriad,
		.vcpu_time_usec = g->vcpu_time_usec,
		.vcpu_delay_usec = g->vcpu_delay_usec,
		.vcpu_sample_usec = boot_usec(v->processes_msec),
	};

	g->identity_changed = false;
	return s;
}

static struct reservation reserve(const struct view *v, size_t i)
{
	const struct world_guest *t = truth(v, i);

	return (struct reservation){
		.id = i + 1,
		.guest = t->uuid,
		.guest_name = t->name,
		.bytes = t->spec->current_bytes,
		.qemu_bytes = t->spec->qemu_bytes,
		.asked_usec = boot_usec(t->asked_msec),
		.deadline_usec = boot_usec(t->asked_msec + RESERVATION_MSEC),
		.granted = t->granted,
	};
}

const struct snapshot *view_snapshot(struct view *v, uint64_t now_msec)
{
	const struct scenario *sc = v->world->scenario;
	struct snapshot *s = &v->snapshot;

	*s = (struct snapshot){
		.now_boot_usec = boot_usec(now_msec),
		.now_real_usec = sc->start_real_usec + now_msec * USEC_PER_MSEC,
		.enforce = true,
		.host = {.name = "simulated",
			.memory_bytes = sc->memory_bytes,
			.available_bytes = v->available_bytes,
			.other_bytes = v->other_bytes,
			.cpus = (uint32_t)sc->cpus,
			.sample_usec = boot_usec(v->sample_msec)},
		.guests = v->samples,
		.reservations = v->reservations,
	};
	for (size_t i = 0; i < v->world->n_guests; i++) {
		if (v->guests[i].present) {
			v->guest_of[s->n_guests] = i;
			v->samples[s->n_guests++] = sample_guest(v, i, now_msec);
		}
		if (v->guests[i].reserved)
			v->reservations[s->n_reservations++] = reserve(v, i);
	}
	return s;
}

static void guest_begin(struct view *v, size_t i)
{
	struct view_guest *g = &v->guests[i];
	uint64_t age_msec;

	agent_model_init(&g->agent, v->world, i, v->seed, &g->report, &age_msec);
	if (g->report.source != REPORT_NONE)
		g->report.arrival_usec = BOOT_BASE_USEC - age_msec * USEC_PER_MSEC;
	g->present = truth(v, i)->life == LIFE_RUNNING;
	g->identity_changed = true;
	(void)read_actual(v, i, 0);
}

struct view *view_new(struct world *world, uint64_t seed)
{
	struct view *v = calloc(1, sizeof(*v));
	struct rng phase;

	if (!v)
		return NULL;
	v->world = world;
	v->seed = seed;
	v->guests = calloc(world->n_guests + 1, sizeof(*v->guests));
	v->samples = calloc(world->n_guests + 1, sizeof(*v->samples));
	v->reservations = calloc(world->n_guests + 1, sizeof(*v->reservations));
	v->guest_of = calloc(world->n_guests + 1, sizeof(*v->guest_of));
	if (!v->guests || !v->samples || !v->reservations || !v->guest_of)
		return view_free(v);
	for (size_t i = 0; i < world->n_guests; i++)
		guest_begin(v, i);
	v->poll_msec = MSEC_NEVER;
	v->read_resident = true;
	(void)look(v, 0);
	/* The daemon's timers have no relation to the scenario's times. */
	rng_init(&phase, seed, RNG_HOST_LOOK, 0);
	v->look_msec = 1 + rng_below(&phase, LOOK_MSEC);
	return v;
}

struct view *view_free(struct view *v)
{
	if (!v)
		return NULL;
	free(v->guests);
	free(v->samples);
	free(v->reservations);
	free(v->guest_of);
	free(v);
	return NULL;
}
