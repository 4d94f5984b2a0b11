/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/world.h"

#include "common/units.h"
#include "simulate/world-parts.h"

/* The contract: a guest that was asked for runs after that long at the latest. */
#define START_MSEC_MAX UINT64_C(60000)
/* FACTS: a guest boots in 3-7 s on a quiet machine. */
#define BOOT_MSEC UINT64_C(7000)
/* 10 s of counting lie before time 0. */
#define SETTLED_TICKS 100

/* The highest that it used, and the host has not got back yet. A breaker uses what it needs,
 * whatever its balloon says. */
static void guest_touch(struct world_guest *g)
{
	bool breaker = g->spec->balloon == BALLOON_BREAKER;
	uint64_t touched = breaker ? MIN(guest_need_bytes(g), g->spec->max_bytes)
				   : guest_used_bytes(g) + g->spec->overhead_bytes;

	if (touched > g->resident_bytes)
		g->resident_bytes = MIN(touched, MAX(g->resident_bytes, g->soft_limit_bytes));
	if (!breaker)
		g->resident_bytes = MIN(g->resident_bytes, g->actual_bytes);
}

static void guest_run(struct world_guest *g)
{
	g->life = LIFE_RUNNING;
	g->incarnation++;
	g->actual_bytes = g->figure_bytes = g->target_bytes = g->spec->current_bytes;
	g->changed = true;
}

static void guest_start(struct world *w, struct world_guest *g)
{
	guest_run(g);
	g->started = true;
	g->started_msec = w->now_msec;
	w->changes++;
}

static void guest_stop(struct world *w, struct world_guest *g)
{
	bool ran = g->life == LIFE_RUNNING, asked = g->life == LIFE_ASKED;

	g->life = LIFE_STOPPED;
	g->granted = false;
	g->changed = ran;
	g->stopped = ran || asked; /* who only waited for room waits no more */
	g->actual_bytes = g->figure_bytes = g->target_bytes = g->resident_bytes = 0;
	g->demand_bytes = g->anon_need_bytes = g->anon_bytes = g->swapped_bytes = 0;
	g->cache_bytes = g->missing_bytes = 0;
	g->cpu_want_permyriad = g->cpu_got_permyriad = 0;
	memset(&g->rates, 0, sizeof(g->rates));
	w->changes++;
}

/* A new kernel has all of max until its balloon driver is there; the device keeps its old
 * figure. */
static void guest_reset(struct world *w, struct world_guest *g)
{
	g->reset = g->changed = true;
	g->incarnation++;
	g->started_msec = w->now_msec;
	g->booted_msec = w->now_msec + BOOT_MSEC;
	w->moved_bytes += g->spec->max_bytes - g->actual_bytes;
	g->actual_bytes = g->spec->max_bytes;
	g->anon_bytes = g->swapped_bytes = 0;
	g->oom_until_msec = 0;
	g->took_back = false;
	g->move_msec = g->booted_msec;
	memset(&g->counters, 0, sizeof(g->counters));
	w->changes++;
}

static void guest_live(struct world *w, struct world_guest *g)
{
	const struct guest_spec *spec = g->spec;

	if (g->life != LIFE_STOPPED && w->now_msec >= spec->stop_msec) {
		guest_stop(w, g);
	} else if (g->life == LIFE_WAITING && w->now_msec >= spec->start_msec) {
		g->life = LIFE_ASKED;
		g->asked = true;
		g->asked_msec = w->now_msec;
		w->changes++;
	} else if (g->life == LIFE_ASKED &&
		(g->granted || w->now_msec - g->asked_msec >= START_MSEC_MAX)) {
		guest_start(w, g);
	} else if (g->life == LIFE_RUNNING && w->now_msec >= spec->reset_msec && !g->booted_msec) {
		guest_reset(w, g);
	}
}

static void apply_scenario(struct world *w)
{
	uint64_t other = steps_at(&w->scenario->other, w->now_msec);

	if (other != w->other_bytes)
		w->changes++;
	w->other_bytes = other;
	for (size_t i = 0; i < w->n_guests; i++) {
		struct world_guest *g = &w->guests[i];

		guest_live(w, g);
		if (g->life != LIFE_RUNNING)
			continue;
		guest_set_demand(w, g);
		g->cpu_want_permyriad = steps_at(&g->spec->cpu_demand, w->now_msec);
		if (w->now_msec < g->booted_msec)
			g->cpu_want_permyriad = 0;
	}
}

static void guest_begin_tick(struct world *w, struct world_guest *g)
{
	g->changed = g->asked = g->started = g->stopped = g->reset = false;
	g->oom = g->grew_itself = false;
	if (g->life != LIFE_RUNNING)
		return;
	guest_count(g);
	guest_grow(w, g);
}

void world_tick(struct world *w)
{
	w->now_msec += MSEC_PER_TICK;
	for (size_t i = 0; i < w->n_guests; i++)
		guest_begin_tick(w, &w->guests[i]);
	apply_scenario(w);
	for (size_t i = 0; i < w->n_guests; i++) {
		struct world_guest *g = &w->guests[i];

		if (g->life != LIFE_RUNNING)
			continue;
		balloon_move(w, g);
		guest_compose(g);
		guest_touch(g);
	}
	world_divide_cpus(w);
}

/* Running for long at time 0: no ramp, all that fits is there. */
static void guest_settle(struct world *w, struct world_guest *g)
{
	guest_run(g);
	guest_set_demand(w, g);
	g->anon_bytes = MIN(g->anon_need_bytes, guest_ram_bytes(g) + g->spec->swap_bytes);
	guest_compose(g);
	guest_touch(g);
	/* Its counters have a past, which its last report before time 0 tells of. */
	for (int i = 0; i < SETTLED_TICKS; i++)
		guest_count(g);
}

/* "ba11a570-0000-4000-8000-" and the guest's number from 1: the same on every machine. */
static struct uuid guest_uuid(size_t index)
{
	struct uuid u = {{0xba, 0x11, 0xa5, 0x70, 0, 0, 0x40, 0, 0x80, 0}};

	for (int i = 0; i < 6; i++)
		u.bytes[15 - i] = (uint8_t)((index + 1) >> (8 * i));
	return u;
}

struct world *world_new(const struct scenario *scenario)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->scenario = scenario;
	w->n_guests = scenario->n_guests;
	w->guests = calloc(w->n_guests + 1, sizeof(*w->guests));
	if (!w->guests)
		return world_free(w);
	w->other_bytes = steps_at(&scenario->other, 0);
	for (size_t i = 0; i < w->n_guests; i++) {
		struct world_guest *g = &w->guests[i];

		g->name = scenario->guests[i].name;
		g->spec = scenario->guests[i].spec;
		g->uuid = guest_uuid(i);
		g->soft_limit_bytes = BYTES_UNLIMITED;
		g->cpu_weight = 100;
		g->cpu_want_permyriad = steps_at(&g->spec->cpu_demand, 0);
		if (g->spec->start_msec == 0)
			guest_settle(w, g);
		else
			g->cpu_want_permyriad = 0;
	}
	world_divide_cpus(w);
	w->changes = 0;
	return w;
}

struct world *world_free(struct world *w)
{
	if (w)
		free(w->guests);
	free(w);
	return NULL;
}

void world_grant(struct world *w, size_t guest)
{
	w->guests[guest].granted = true;
}

void world_soft_limit(struct world *w, size_t guest, uint64_t bytes)
{
	w->guests[guest].soft_limit_bytes = bytes;
}

int64_t world_free_bytes(const struct world *w)
{
	int64_t bytes = (int64_t)w->scenario->memory_bytes - (int64_t)w->other_bytes;

	for (size_t i = 0; i < w->n_guests; i++) {
		const struct world_guest *g = &w->guests[i];

		if (g->life == LIFE_RUNNING)
			bytes -= (int64_t)(g->actual_bytes + g->spec->qemu_bytes);
	}
	return bytes;
}

uint64_t world_available_bytes(const struct world *w)
{
	uint64_t used = w->other_bytes;

	for (size_t i = 0; i < w->n_guests; i++) {
		const struct world_guest *g = &w->guests[i];

		if (g->life == LIFE_RUNNING)
			used += g->resident_bytes + g->spec->qemu_bytes;
	}
	return sub_sat(w->scenario->memory_bytes, used);
}

uint64_t world_promised_bytes(const struct world *w)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < w->n_guests; i++) {
		const struct world_guest *g = &w->guests[i];

		if (g->life == LIFE_RUNNING)
			sum += MAX(g->actual_bytes, g->target_bytes) + g->spec->qemu_bytes;
		else if (g->life == LIFE_ASKED && g->granted)
			sum += g->spec->current_bytes + g->spec->qemu_bytes;
	}
	return sum;
}
