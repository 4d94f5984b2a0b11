/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

#include "common/units.h"
#include "policy/policy-set.h"

/*
 * When to decide. News that matters (an urgent report, a size that changed, a command) asks for a
 * decision after what is waiting in the loop, so that many reports of one moment are one decision;
 * a heartbeat asks for none. Decisions take a fifth of the main loop at most, however many guests
 * clamour.
 */
#define DECIDE_SHARE 4 /* pause after a decision, in times of what it took */

bool manager_knows(const struct manager *m)
{
	return m->connected && m->synced && !m->settling;
}

bool manager_may_act(const struct manager *m)
{
	return (manager_drives(m) || m->letting_go) && !m->dry_run && manager_knows(m);
}

void snapshot_fill(struct manager *m, struct snapshot *ret)
{
	*ret = (struct snapshot){
		.now_boot_usec = clock_boot_usec(),
		.now_real_usec = clock_real_usec(),
		.heartbeat_usec = m->conf.heartbeat_usec,
		.enforce = manager_may_act(m) && !m->stopping,
		.host = m->host_sample,
		.guests = m->samples,
		.n_guests = m->n_guests,
		.reservations = m->reservations.items,
		.n_reservations = m->reservations.n,
		.overrides = m->overrides.items,
		.n_overrides = m->overrides.n,
	};
}

static void tell_changes(struct manager *m, enum host_state was, bool first)
{
	for (size_t i = 0; i < m->plan->n_events; i++)
		tell_plan_event(m, &m->plan->events[i]);
	if (first || m->plan->n_events || m->plan->n_actions || was != m->plan->host_state)
		tell_status(m);
}

static void take_plan(struct manager *m, struct plan *plan)
{
	plan_free(m->plan);
	m->plan = plan;
	m->plan_fits = true;
	m->decisions++;
	view_store_touch(m->views);
	m->decided_generation = policy_set_generation(m->set);
	m->decided_synced |= m->synced && !m->settling;
	m->available_decided_bytes = m->host_sample.available_bytes;
	m->other_decided_bytes = m->host_sample.other_bytes;
	m->n_stuck = 0;
	for (size_t i = 0; i < plan->n_guests; i++)
		m->n_stuck += plan->guests[i].stuck;
	for (size_t i = 0; i < m->n_guests; i++)
		m->samples[i].identity_changed = false;
}

static void wake_at(struct manager *m, uint64_t boot_usec)
{
	sd_event_source_set_time(m->decide_timer, boot_usec);
	sd_event_source_set_enabled(m->decide_timer, SD_EVENT_ONESHOT);
	hub_news(m->hub);
}

static void decide_once(struct manager *m)
{
	enum host_state was = m->plan ? m->plan->host_state : HOST_AMPLE;
	bool first = !m->plan;
	struct plan *plan = NULL;
	struct snapshot snap;
	int r;

	override_expire(m);
	/* What nobody has looked at since a guest came counts as nothing: its QEMU's own would be
	 * promised to others. */
	if (!m->look.usec)
		sample_host(m, true);
	sample_pressure(m);
	snapshot_fill(m, &snap);
	r = decide(&snap, m->set, m->state, &plan);
	m->decide_end_usec = clock_boot_usec();
	m->decide_cost_usec = m->decide_end_usec - snap.now_boot_usec;
	histogram_add(&m->counters.decide, m->decide_cost_usec);
	if (r < 0) {
		journal_error("cannot decide: %s; tried again in a second", strerror(-r));
		wake_at(m, m->decide_end_usec + USEC_PER_SEC);
		return;
	}
	take_plan(m, plan);
	trace_line(m, "decide %llu %llu %zu", (unsigned long long)snap.now_boot_usec,
		(unsigned long long)m->decide_end_usec, plan->n_actions);
	act_on_plan(m);
	agent_follow_policies(m);
	sample_hasten(m);
	agent_ask_all(m);
	tell_changes(m, was, first);
	wake_at(m, plan->wake_boot_usec);
}

static int on_decide_now(sd_event_source *source, void *userdata)
{
	struct manager *m = userdata;
	uint64_t next = m->decide_end_usec + DECIDE_SHARE * m->decide_cost_usec;

	if (clock_boot_usec() < next)
		decide_within(m, next - clock_boot_usec());
	else
		decide_once(m);
	return 0;
}

static int on_decide_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	decide_once(userdata);
	return 0;
}

void decide_soon(struct manager *m)
{
	if (!m->set || m->stopping)
		return;
	sd_event_source_set_enabled(m->decide_now, SD_EVENT_ONESHOT);
	hub_news(m->hub);
}

void decide_within(struct manager *m, uint64_t usec)
{
	uint64_t at = clock_boot_usec() + usec, set = USEC_INFINITY;
	int enabled = SD_EVENT_OFF;

	if (m->stopping)
		return;
	sd_event_source_get_enabled(m->decide_timer, &enabled);
	if (enabled != SD_EVENT_OFF)
		sd_event_source_get_time(m->decide_timer, &set);
	if (at < set)
		wake_at(m, at);
}

int decide_start(struct manager *m)
{
	int r = sd_event_add_defer(m->loop, &m->decide_now, on_decide_now, m);

	if (r >= 0)
		r = sd_event_source_set_enabled(m->decide_now, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_time(m->loop, &m->decide_timer, CLOCK_BOOTTIME, USEC_INFINITY,
			USEC_PER_MSEC, on_decide_timer, m);
	return r < 0 ? r : sd_event_source_set_enabled(m->decide_timer, SD_EVENT_OFF);
}
