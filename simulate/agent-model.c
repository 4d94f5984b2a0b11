/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/agent-model.h"

#include "common/units.h"

#define HEARTBEAT_MSEC  UINT64_C(5000)
#define TRANSPORT_MSEC  UINT64_C(1)
#define ASK_MSEC       900 /* daemon/manager-agent.c: ASK_USEC */
/* The agent: a report when available moved by this much of total ... */
#define THRESHOLD_PERMYRIAD UINT64_C(300)
/* ... or, when less than that is left, fell by a quarter. */
#define LOW_PERMYRIAD UINT64_C(600)
/* The trigger: 50 ms of stall within 1 s, in the counter's tenths of a microsecond; once a
 * window. */
#define TRIGGER_STALL  UINT64_C(500000)
#define TRIGGER_MSEC   UINT64_C(1000)
/* The fastest filler of the agent's look. */
#define FILLER_BYTES_PER_MSEC (6 * GIB / 1000)
#define LOOK_MSEC_MIN  UINT64_C(100)
#define LOOK_MSEC_MAX  UINT64_C(1000)
#define FLOOD_MSEC     UINT64_C(5)
/* A report as docs/agent-protocol.md has it. */
#define LINE_BYTES     UINT64_C(430)
#define LIE_STALL_PERMYRIAD UINT64_C(9000)
/* A guest that has run for long at time 0 has run for that long. */
#define UPTIME_MSEC    UINT64_C(3600000)

/* What `agent` says holds from agent_from_s on. Before, a push guest has no agent yet; any other
 * had a good one. */
static enum agent_mode mode_at(const struct world_guest *g, uint64_t now_msec)
{
	if (now_msec >= g->spec->agent_from_msec)
		return g->spec->agent;
	return g->spec->agent == AGENT_PUSH ? AGENT_NONE : AGENT_PUSH;
}

static bool mode_speaks(enum agent_mode m)
{
	return m == AGENT_PUSH || m == AGENT_LIAR || m == AGENT_FLOOD;
}

static bool is_up(const struct world_guest *g, uint64_t now_msec)
{
	return g->life == LIFE_RUNNING && now_msec >= g->booted_msec;
}

/* With deflate-on-oom the balloon's pages count as used, and MemTotal stays at the maximum. */
static uint64_t mem_total(const struct world_guest *g)
{
	return g->spec->balloon == BALLOON_BACK ? g->spec->max_bytes - g->spec->overhead_bytes
						: guest_ram_bytes(g);
}

static void add_noise(struct agent_model *a, struct guest_report *r)
{
	uint64_t *const sizes[] = {&r->total_bytes, &r->available_bytes, &r->free_bytes,
		&r->anon_bytes, &r->file_bytes, &r->dirty_bytes, &r->swap_total_bytes,
		&r->swap_free_bytes};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		*sizes[i] = rng_noise(&a->noise, *sizes[i], a->noise_permyriad);
	/* What no kernel says is no report: the host would refuse the line. */
	for (size_t i = 1; i < 6; i++)
		*sizes[i] = MIN(*sizes[i], r->total_bytes);
	r->swap_free_bytes = MIN(r->swap_free_bytes, r->swap_total_bytes);
}

static void fill_sizes(struct agent_model *a, struct guest_report *r)
{
	const struct world_guest *g = a->guest;

	r->total_bytes = mem_total(g);
	r->available_bytes = guest_available_bytes(g);
	r->free_bytes = sub_sat(guest_ram_bytes(g), guest_used_bytes(g));
	r->page_bytes = 4096;
}

/* A line of an agent: everything, with the counters as given. */
static struct guest_report agent_report(struct agent_model *a, enum report_why why,
	const struct guest_counters *c, uint64_t up_msec)
{
	const struct world_guest *g = a->guest;
	struct guest_report r = {
		.source = REPORT_AGENT,
		.why = why,
		.guest_usec = up_msec * USEC_PER_MSEC,
		.seq = MAX(a->seq + 1, up_msec),
		.boot_id = (g->incarnation << 32) + (uint64_t)g->uuid.bytes[15] +
			   ((uint64_t)g->uuid.bytes[14] << 8) + 1,
		.anon_bytes = g->anon_bytes - g->swapped_bytes,
		.file_bytes = g->cache_bytes,
		.has_swap = true,
		.swap_total_bytes = g->spec->swap_bytes,
		.swap_free_bytes = sub_sat(g->spec->swap_bytes, g->swapped_bytes),
		.has_counters = true,
		.major_faults = (c->refaults_file + c->refaults_anon) / 1000,
		.refaults_file = c->refaults_file / 1000,
		.refaults_anon = c->refaults_anon / 1000,
		.oom_kills = c->oom_kills,
		.running_tasks = (uint32_t)((g->cpu_want_permyriad + PERMYRIAD - 1) / PERMYRIAD),
		.has_psi = true,
		.psi_mem_some_usec = c->psi_mem_some / 10,
		.psi_mem_full_usec = c->psi_mem_some / 20,
		.psi_cpu_some_usec = c->psi_cpu_some / 10,
		.psi_io_some_usec = c->psi_io_some / 10,
		.psi_io_full_usec = c->psi_io_some / 20,
	};

	fill_sizes(a, &r);
	a->seq = r.seq;
	return r;
}

static uint64_t up_msec_at(const struct world_guest *g, uint64_t now_msec)
{
	if (g->booted_msec)
		return now_msec - g->booted_msec + 1;
	return g->started_msec ? now_msec - g->started_msec + 1 : now_msec + UPTIME_MSEC;
}

/* The liar: all of max is in use, nothing is available, and it stalls without end. */
static void lie(const struct agent_model *a, struct guest_report *r, uint64_t now_msec)
{
	r->total_bytes = r->anon_bytes =
		a->guest->spec->max_bytes - a->guest->spec->overhead_bytes;
	r->available_bytes = r->free_bytes = r->file_bytes = 0;
	r->psi_mem_some_usec += (now_msec - a->lied_since_msec) * LIE_STALL_PERMYRIAD / 10;
	r->psi_mem_full_usec = r->psi_mem_some_usec / 2;
}

static uint64_t look_after(const struct world_guest *g)
{
	return CLAMP(guest_available_bytes(g) / FILLER_BYTES_PER_MSEC / 2, LOOK_MSEC_MIN,
		LOOK_MSEC_MAX);
}

/* Writes a line; it is at the host after the transport. */
static void send(
	struct agent_model *a, const struct world *w, enum report_why why, uint64_t now_msec)
{
	struct guest_counters c = guest_counters_at(w, a->guest, now_msec);

	a->line = agent_report(a, why, &c, up_msec_at(a->guest, now_msec));
	if (a->lied_since_msec != MSEC_NEVER)
		lie(a, &a->line, now_msec);
	add_noise(a, &a->line);
	a->told_available_bytes = guest_available_bytes(a->guest);
	a->heartbeat_msec = now_msec + HEARTBEAT_MSEC;
	a->arrival_msec = now_msec + TRANSPORT_MSEC;
}

void agent_model_ask(struct agent_model *a, const struct world *w, uint64_t now_msec)
{
	if (!a->speaks || a->arrival_msec != MSEC_NEVER ||
		(a->asked_msec && now_msec < a->asked_msec + ASK_MSEC) ||
		a->line_msec != MSEC_NEVER) /* a flood has no time for it */
		return;
	a->asked_msec = now_msec;
	send(a, w, REPORT_WHY_REQUEST, now_msec);
	a->arrival_msec += TRANSPORT_MSEC; /* there and back */
}

bool agent_model_statistics(struct agent_model *a, uint64_t now_msec, struct guest_report *ret)
{
	const struct guest_spec *spec = a->guest->spec;

	if (!is_up(a->guest, now_msec) || spec->balloon == BALLOON_MISSING ||
		mode_at(a->guest, now_msec) == AGENT_SILENT)
		return false;
	*ret = (struct guest_report){.source = REPORT_BALLOON, .why = REPORT_WHY_HEARTBEAT};
	fill_sizes(a, ret);
	add_noise(a, ret);
	return true;
}

static void fall_silent(struct agent_model *a)
{
	a->speaks = false;
	a->heartbeat_msec = a->look_msec = a->line_msec = a->arrival_msec = MSEC_NEVER;
}

/* Stall as the agent's kernel (or the liar) counts it, in tenths of a microsecond. */
static uint64_t stall_total(const struct agent_model *a, uint64_t now_msec)
{
	uint64_t total = a->guest->counters.psi_mem_some;

	if (a->lied_since_msec != MSEC_NEVER)
		total += (now_msec - a->lied_since_msec) * LIE_STALL_PERMYRIAD;
	return total;
}

/* What was before is no stall of the trigger's first window. */
static void forget_stall(struct agent_model *a, uint64_t now_msec)
{
	for (size_t i = 0; i < ARRAY_SIZE(a->stall_history); i++)
		a->stall_history[i] = stall_total(a, now_msec);
}

/* When its flood begins, for an agent that is there now. */
static uint64_t first_flood(const struct world_guest *g, uint64_t now_msec)
{
	return g->spec->agent == AGENT_FLOOD ? MAX(now_msec, g->spec->agent_from_msec) : MSEC_NEVER;
}

/* An agent that starts says hello and reports at once. */
static void begin_agent(struct agent_model *a, const struct world *w, uint64_t now_msec)
{
	a->speaks = true;
	a->fired_msec = 0;
	a->line_msec = first_flood(a->guest, now_msec);
	a->look_msec = now_msec + look_after(a->guest);
	forget_stall(a, now_msec);
	send(a, w, REPORT_WHY_REQUEST, now_msec);
}

void agent_model_init(struct agent_model *a, const struct world *w, size_t guest, uint64_t seed,
	struct guest_report *ret_last, uint64_t *ret_age_msec)
{
	const struct world_guest *g = &w->guests[guest];
	struct guest_counters then;
	struct rng phase;
	uint64_t age;

	*a = (struct agent_model){
		.guest = g,
		.noise_permyriad = w->scenario->noise_permyriad,
		.lied_since_msec = mode_at(g, 0) == AGENT_LIAR ? 0 : MSEC_NEVER,
	};
	rng_init(&a->noise, seed, RNG_NOISE, guest);
	rng_init(&phase, seed, RNG_HEARTBEAT, guest);
	age = rng_below(&phase, HEARTBEAT_MSEC);
	channel_model_init(&a->channel, 0);
	fall_silent(a);
	*ret_last = (struct guest_report){.source = REPORT_NONE};
	*ret_age_msec = age;
	if (g->life != LIFE_RUNNING)
		return;
	if (mode_speaks(mode_at(g, 0))) {
		a->speaks = true;
		a->line_msec = first_flood(g, 0);
		a->told_available_bytes = guest_available_bytes(g);
		a->heartbeat_msec = HEARTBEAT_MSEC - age;
		rng_init(&phase, seed, RNG_LOOK, guest);
		a->look_msec = 1 + rng_below(&phase, look_after(g));
		forget_stall(a, 0);
		then = guest_counters_ago(g, age);
		*ret_last = agent_report(a, REPORT_WHY_HEARTBEAT, &then, UPTIME_MSEC - age);
		if (mode_at(g, 0) == AGENT_LIAR)
			lie(a, ret_last, 0);
		add_noise(a, ret_last);
	} else if (mode_at(g, 0) == AGENT_NONE) {
		(void)agent_model_statistics(a, 0, ret_last);
	}
}

/* The kernel's trigger on stall, looked at each tick: a tenth of its window, as in the kernel. */
static bool trigger_fires(struct agent_model *a, const struct world *w)
{
	uint64_t now = w->now_msec, slot = now / MSEC_PER_TICK % ARRAY_SIZE(a->stall_history);
	uint64_t total = stall_total(a, now), before = a->stall_history[slot];

	a->stall_history[slot] = total;
	if (total - before < TRIGGER_STALL ||
		(a->fired_msec && now - a->fired_msec < TRIGGER_MSEC))
		return false;
	a->fired_msec = now;
	return true;
}

/* Whether the channel is open to the agent: a shut one opens again by itself, and the agent is
 * asked for a report. */
static bool is_heard(const struct agent_model *a, uint64_t now_msec)
{
	return mode_speaks(mode_at(a->guest, now_msec)) &&
	       !channel_model_is_shut(&a->channel, now_msec);
}

void agent_model_tick(struct agent_model *a, const struct world *w)
{
	const struct world_guest *g = a->guest;
	uint64_t now = w->now_msec;
	enum agent_mode mode = mode_at(g, now);
	bool heard = is_heard(a, now);

	if (g->reset || g->stopped)
		fall_silent(a);
	if (!is_up(g, now))
		return;
	if (mode == AGENT_LIAR && a->lied_since_msec == MSEC_NEVER)
		a->lied_since_msec = now;
	if (a->speaks && !heard)
		fall_silent(a);
	if (heard && !a->speaks) {
		fall_silent(a);
		begin_agent(a, w, now);
	} else if (heard && trigger_fires(a, w)) {
		send(a, w, REPORT_WHY_PRESSURE, now);
	}
}

/* The agent's look: has available moved enough since it was told? */
static void look(struct agent_model *a, const struct world *w, uint64_t now_msec)
{
	uint64_t now = guest_available_bytes(a->guest), told = a->told_available_bytes;
	uint64_t total = mem_total(a->guest), moved = now > told ? now - told : told - now;
	bool low = now < mul_div(total, LOW_PERMYRIAD, PERMYRIAD);

	a->look_msec = now_msec + look_after(a->guest);
	if (low && now < told - told / 4)
		send(a, w, REPORT_WHY_PRESSURE, now_msec);
	else if (moved > 0 && moved >= mul_div(total, THRESHOLD_PERMYRIAD, PERMYRIAD))
		send(a, w, REPORT_WHY_AVAILABLE, now_msec);
}

/* One line of a flood, through the bucket. */
static void flood(struct agent_model *a, const struct world *w, uint64_t now_msec)
{
	a->line_msec = now_msec + FLOOD_MSEC;
	switch (channel_model_take(&a->channel, now_msec, LINE_BYTES)) {
	case CHANNEL_READ:
		send(a, w, REPORT_WHY_AVAILABLE, now_msec);
		break;
	case CHANNEL_DROPPED:
		break;
	case CHANNEL_SHUT:
		fall_silent(a);
		a->shut = true;
		break;
	}
	a->look_msec = a->heartbeat_msec = MSEC_NEVER; /* no time for that */
}

void agent_model_run(struct agent_model *a, const struct world *w, uint64_t now_msec)
{
	a->shut = false;
	if (!a->speaks)
		return;
	if (now_msec >= a->line_msec)
		flood(a, w, now_msec);
	if (now_msec >= a->look_msec)
		look(a, w, now_msec);
	if (now_msec >= a->heartbeat_msec)
		send(a, w, REPORT_WHY_HEARTBEAT, now_msec);
}

uint64_t agent_model_next(const struct agent_model *a)
{
	/* What a flood has no use for is at MSEC_NEVER. */
	return MIN(MIN(a->arrival_msec, a->line_msec), MIN(a->look_msec, a->heartbeat_msec));
}

bool agent_model_receive(struct agent_model *a, uint64_t now_msec, struct guest_report *ret)
{
	if (now_msec < a->arrival_msec)
		return false;
	a->arrival_msec = MSEC_NEVER;
	*ret = a->line;
	return true;
}

bool agent_model_is_connected(const struct agent_model *a, uint64_t now_msec)
{
	/* One that fell silent still holds its port open. */
	return a->guest->life == LIFE_RUNNING && mode_at(a->guest, now_msec) != AGENT_NONE &&
	       !channel_model_is_shut(&a->channel, now_msec);
}
