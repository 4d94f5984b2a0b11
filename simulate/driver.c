/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/driver.h"

#include <time.h>

#include "common/units.h"
#include "policy/decide.h"
#include "simulate/view.h"

/* Silence for three heartbeats. */
#define STALE_USEC (15 * USEC_PER_SEC)

struct run {
	const struct scenario *sc;
	struct policy_set *set;
	struct world *world;
	struct view *view;
	struct judge *judge;
	struct decide_state *state;
	struct output output;
	struct driver_timing *timing;
	uint64_t now_msec;
	uint64_t decisions;
	uint64_t epochs;        /* of all guests' policies, after the last decision */
	enum host_state host_state;
	/* The host's line as last printed. */
	bool host_told;
	int64_t told_free_bytes;
	uint64_t told_promised_bytes;
	enum host_state told_state;
};

static void run_clear(struct run *r)
{
	output_clear(&r->output);
	decide_state_free(r->state);
	judge_free(r->judge);
	view_free(r->view);
	world_free(r->world);
}

void driver_timing_clear(struct driver_timing *t)
{
	free(t->samples_nsec);
	*t = (struct driver_timing){0};
}

int driver_policies(const struct scenario *sc, struct policy_set **ret, struct diag_list *findings)
{
	_cleanup_free_ struct policy_text *texts = calloc(sc->n_policies + 1, sizeof(*texts));
	char host[64];
	size_t n = 0;

	if (!texts)
		return -ENOMEM;
	if (sc->reserve_bytes != BYTES_UNLIMITED) {
		snprintf(host, sizeof(host), "[Host]\nReserve=%llu\n",
			(unsigned long long)sc->reserve_bytes);
		texts[n++] =
			(struct policy_text){.name = "host", .text = host, .len = strlen(host)};
	}
	for (size_t i = 0; i < sc->n_policies; i++) {
		const struct scenario_policy *p = &sc->policies[i];

		texts[n++] = (struct policy_text){p->name, p->path, p->text, p->len};
	}
	return policy_set_from_texts(texts, n, NULL, ret, findings);
}

static const struct settings *settings_of(void *userdata, size_t guest)
{
	struct run *r = userdata;
	const struct guest_policy *gp =
		decide_state_guest_policy(r->state, &r->world->guests[guest].uuid);

	return gp ? guest_policy_settings(gp) : NULL;
}

static void tell_host(struct run *r)
{
	int64_t free_bytes = world_free_bytes(r->world);
	uint64_t promised = world_promised_bytes(r->world);

	if (r->host_told && free_bytes == r->told_free_bytes &&
		promised == r->told_promised_bytes && r->host_state == r->told_state)
		return;
	r->host_told = true;
	r->told_free_bytes = free_bytes;
	r->told_promised_bytes = promised;
	r->told_state = r->host_state;
	r->output.ops->host(&r->output, r->now_msec, free_bytes, r->host_state, promised);
}

/* What the world did by itself at this tick, in the contract's order: scenario, then balloons. */
static void tell_world(struct run *r)
{
	for (size_t i = 0; i < r->world->n_guests; i++)
		if (r->world->guests[i].oom)
			r->output.ops->event(&r->output, r->now_msec, "oom",
				r->world->guests[i].name, "", "its kernel killed: no memory left");
	for (size_t i = 0; i < r->world->n_guests; i++)
		if (r->world->guests[i].changed)
			r->output.ops->actual(&r->output, r->now_msec, &r->world->guests[i]);
}

static int do_memory(struct run *r, const struct action *a, size_t guest)
{
	const struct view_guest *g = &r->view->guests[guest];
	uint64_t now_usec = r->view->snapshot.now_boot_usec;
	struct judged_command c = {
		.at_msec = r->now_msec,
		.guest = guest,
		.from_bytes = r->world->guests[guest].target_bytes,
		.to_bytes = a->to_bytes,
		.reason = &a->reason,
		.promised_before = world_promised_bytes(r->world),
		.heard = g->report.source != REPORT_NONE &&
			 now_usec - g->report.arrival_usec <= STALE_USEC,
		.known_used_bytes = view_known_used_bytes(r->view, guest),
	};

	world_command(r->world, guest, a->to_bytes, r->now_msec);
	view_watch(r->view, guest, r->now_msec);
	c.promised_after = world_promised_bytes(r->world);
	r->output.ops->command(&r->output, r->now_msec, r->world->guests[guest].name, c.from_bytes,
		c.to_bytes, c.reason);
	return judge_command(r->judge, &c);
}

static void do_cpu(struct run *r, const struct action *a, size_t guest)
{
	struct world_guest *g = &r->world->guests[guest];

	g->cpu_weight = a->cpu_weight;
	g->cpu_quota_permyriad = a->cpu_quota;
	r->output.ops->cpu(&r->output, r->now_msec, g->name, a->cpu_weight, &a->reason);
}

static int do_reservation(struct run *r, const struct action *a)
{
	size_t guest = a->reservation - 1;
	const char *name = r->world->guests[guest].name;
	uint64_t before = world_promised_bytes(r->world);
	bool granted = a->kind == ACTION_GRANT;
	char text[REASON_TEXT_MAX];

	if (granted)
		world_grant(r->world, guest);
	else
		view_drop_reservation(r->view, guest);
	r->output.ops->event(&r->output, r->now_msec, granted ? "reserved" : "refused", name, "",
		reason_format(&a->reason, text));
	return judge_grant(r->judge, r->now_msec, guest, before, world_promised_bytes(r->world));
}

static int do_action(struct run *r, const struct action *a)
{
	char text[REASON_TEXT_MAX];
	size_t guest;

	if (a->kind == ACTION_GRANT || a->kind == ACTION_REFUSE)
		return do_reservation(r, a);
	guest = r->view->guest_of[a->guest_index];
	if (a->kind == ACTION_MEMORY)
		return do_memory(r, a, guest);
	if (a->kind == ACTION_CPU) {
		do_cpu(r, a, guest);
		return 0;
	}
	world_soft_limit(r->world, guest, a->to_bytes);
	r->output.ops->event(&r->output, r->now_msec, "soft-limit", r->world->guests[guest].name,
		"", reason_format(&a->reason, text));
	return 0;
}

static void tell_event(struct run *r, const struct plan_event *e)
{
	char text[REASON_TEXT_MAX];
	const char *guest = NULL;

	if (e->of_guest && e->guest_index < r->view->snapshot.n_guests)
		guest = r->world->guests[r->view->guest_of[e->guest_index]].name;
	r->output.ops->event(&r->output, r->now_msec, event_kind_to_string(e->kind), guest,
		e->detail, event_format(e, text));
}

/* Another set of active policies excuses a command that goes back. */
static void watch_policies(struct run *r)
{
	uint64_t epochs = 0;

	for (size_t i = 0; i < r->world->n_guests; i++) {
		const struct guest_policy *gp =
			decide_state_guest_policy(r->state, &r->world->guests[i].uuid);

		/* A guest that came or went has counted as a change already. */
		if (gp && r->world->guests[i].life == LIFE_RUNNING)
			epochs += guest_policy_epoch(gp) * (2 * i + 1);
	}
	if (epochs != r->epochs && r->decisions > 1)
		r->world->changes++;
	r->epochs = epochs;
}

static int take_time(
	struct driver_timing *t, const struct timespec *from, const struct timespec *to)
{
	if (t->n == t->allocated) {
		size_t n = MAX((size_t)1024, 2 * t->allocated);
		uint64_t *grown = reallocarray(t->samples_nsec, n, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		t->samples_nsec = grown;
		t->allocated = n;
	}
	t->samples_nsec[t->n++] = (uint64_t)((to->tv_sec - from->tv_sec) * 1000000000LL +
					     (to->tv_nsec - from->tv_nsec));
	return 0;
}

static int ask(struct run *r, struct plan **ret_plan)
{
	const struct snapshot *snap = view_snapshot(r->view, r->now_msec);
	struct timespec from, to;
	int err;

	if (r->timing)
		clock_gettime(CLOCK_MONOTONIC, &from);
	err = decide(snap, r->set, r->state, ret_plan);
	if (r->timing) {
		clock_gettime(CLOCK_MONOTONIC, &to);
		if (err >= 0)
			err = take_time(r->timing, &from, &to);
	}
	return err;
}

static int run_decision(struct run *r)
{
	_cleanup_plan_ struct plan *plan = NULL;
	int err = ask(r, &plan);

	if (err < 0)
		return err;
	r->decisions++;
	r->host_state = plan->host_state;
	judge_set_reserve(r->judge, plan->reserve_bytes);
	watch_policies(r);
	/* The first host line says the state that the daemon finds. */
	if (!r->host_told)
		tell_host(r);
	for (size_t i = 0; i < plan->n_events; i++)
		tell_event(r, &plan->events[i]);
	view_decided(r->view, plan, r->now_msec);
	for (size_t i = 0; err >= 0 && i < plan->n_actions; i++)
		err = do_action(r, &plan->actions[i]);
	return err;
}

static int run_tick(struct run *r)
{
	world_tick(r->world);
	view_tick(r->view);
	tell_world(r);
	tell_host(r);
	return judge_tick(r->judge);
}

static void tell_shut_channels(struct run *r)
{
	for (size_t i = 0; i < r->world->n_guests; i++)
		if (r->view->guests[i].agent.shut)
			r->output.ops->event(&r->output, r->now_msec, "channel-shut",
				r->world->guests[i].name, "", "more lines than a guest may send");
}

static int run_instant(struct run *r)
{
	int err = 0;

	if (r->now_msec > 0 && r->now_msec % MSEC_PER_TICK == 0)
		err = run_tick(r);
	if (err < 0)
		return err;
	if (r->now_msec > 0)
		view_run(r->view, r->now_msec);
	tell_shut_channels(r);
	return r->now_msec >= r->view->decide_msec ? run_decision(r) : 0;
}

static uint64_t next_instant(const struct run *r)
{
	uint64_t tick = (r->now_msec / MSEC_PER_TICK + 1) * MSEC_PER_TICK;

	return MAX(MIN(tick, view_next(r->view)), r->now_msec + 1);
}

static int run_all(struct run *r)
{
	int err;

	r->output.ops->begin(&r->output);
	tell_world(r);
	err = judge_tick(r->judge);
	while (err >= 0) {
		err = run_instant(r);
		if (err < 0 || next_instant(r) > r->sc->duration_msec)
			break;
		r->now_msec = next_instant(r);
	}
	if (err < 0)
		return err;
	judge_end(r->judge);
	r->output.ops->summary(&r->output, r->judge, r->decisions);
	return judge_passed(r->judge);
}

int driver_run(const struct scenario *sc, struct policy_set *set,
	int (*make_output)(struct output *o, FILE *file, const struct world *w), FILE *file,
	struct driver_timing *timing)
{
	_cleanup_(run_clear) struct run r = {.sc = sc, .set = set, .timing = timing};
	int err;

	r.world = world_new(sc);
	if (!r.world)
		return -ENOMEM;
	r.view = view_new(r.world, sc->seed);
	r.judge = judge_new(r.world, settings_of, &r);
	r.state = decide_state_new();
	if (!r.view || !r.judge || !r.state)
		return -ENOMEM;
	err = make_output(&r.output, file, r.world);
	return err < 0 ? err : run_all(&r);
}
