/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/view.h"

#include "common/units.h"

/* The start hook's longest wait. */
#define RESERVATION_MSEC UINT64_C(60000)
#define LOOK_MSEC        UINT64_C(500)
#define TURN_MSEC        UINT64_C(1000)
#define FALLBACK_MSEC    UINT64_C(5000)

static uint64_t boot_usec(uint64_t msec)
{
	return BOOT_BASE_USEC + msec * USEC_PER_MSEC;
}

static const struct world_guest *truth(const struct view *v, size_t guest)
{
	return &v->world->guests[guest];
}

void view_drop_reservation(struct view *v, size_t guest)
{
	v->guests[guest].reserved = false;
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
		.resident_bytes = g->resident_bytes,
		.qemu_bytes = t->spec->qemu_bytes,
		.fixed = t->spec->balloon == BALLOON_MISSING ? FIXED_NO_BALLOON : FIXED_NOT,
		.balloon_answered = g->answered,
		.autodeflate = t->spec->balloon == BALLOON_BACK,
		.channel_open = agent_model_is_connected(&g->agent, now_msec),
		.report = g->report,
		.vcpus = (uint32_t)t->spec->vcpus,
		.cpu_weight = t->cpu_weight,
		.cpu_quota = t->cpu_quota_permyriad,
		.soft_limited = t->soft_limit_bytes != BYTES_UNLIMITED,
		.vcpu_time_usec = g->vcpu_time_usec,
		.vcpu_delay_usec = g->vcpu_delay_usec,
		.vcpu_sample_usec = boot_usec(g->vcpu_msec),
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

/* A guest that ran before the daemon looked is known by its last word. */
static void guest_begin(struct view *v, size_t i)
{
	struct view_guest *g = &v->guests[i];
	uint64_t age_msec;
	struct rng turn;

	agent_model_init(&g->agent, v->world, i, v->seed, &g->report, &age_msec);
	if (g->report.source != REPORT_NONE)
		g->report.arrival_usec = BOOT_BASE_USEC - age_msec * USEC_PER_MSEC;
	g->fallback_msec = FALLBACK_MSEC - age_msec;
	g->present = truth(v, i)->life == LIFE_RUNNING;
	g->identity_changed = true;
	g->answered = g->present && truth(v, i)->spec->balloon != BALLOON_MISSING;
	g->actual_bytes = truth(v, i)->figure_bytes;
	rng_init(&turn, v->seed, RNG_HOST_LOOK, i + 1);
	g->resident_msec = rng_below(&turn, TURN_MSEC);
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
	view_run(v, 0);
	/* The daemon's timers have no relation to the scenario's times. */
	rng_init(&phase, seed, RNG_HOST_LOOK, 0);
	v->look_msec = 1 + rng_below(&phase, LOOK_MSEC);
	v->decide_msec = 0;
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
