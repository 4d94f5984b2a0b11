/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

/* What is counted, for who looks at it from outside: gathered when a view is made, so that nobody
 * pays for it while nobody asks. */

static void count_calls(struct manager *m)
{
	struct counters *c = &m->counters;
	struct hv_counters hv;

	hv_counters(m->hv, &hv);
	c->n_calls = MIN((size_t)HV_CALL_MAX, (size_t)COUNTED_CALLS_MAX);
	for (size_t i = 0; i < c->n_calls; i++) {
		c->calls[i].name = hv_call_to_string((enum hv_call)i);
		c->calls[i].mutates = hv_call_mutates((enum hv_call)i);
		c->calls[i].made = hv.calls[i];
	}
	c->libvirt_connected = m->connected;
	c->libvirt_events = hv.events;
	c->libvirt_timeouts = hv.timeouts;
	c->libvirt_reconnects = hv.reconnects;
	c->libvirt_replaced = hv.replaced;
	c->libvirt_overdue = hv.overdue;
	c->libvirt_quarantined = hv.quarantined;
	c->libvirt_threads = hv.threads;
}

static void count_agents(struct counters *c)
{
	const struct channel_counters *all = channel_counters_all();

	c->agent_bytes = all->bytes;
	c->agent_reports = all->reports;
	c->agent_stale = all->stale_lines;
	c->agent_bad = all->bad_lines;
	c->agent_connects = all->connects;
	c->agent_throttles = all->throttles;
	c->agent_closures = all->closures;
}

static void count_writes(struct manager *m)
{
	struct counters *c = &m->counters;
	struct store_counters rows = {0};

	if (m->store)
		store_counters(m->store, &rows);
	c->store_there = m->store;
	c->store_commits = rows.commits;
	c->store_rows = rows.written;
	c->store_lost = rows.lost;
	c->store_failures = rows.failures;
	c->store_waiting = rows.waiting;
	c->store_bytes = rows.bytes;
	c->store_max_bytes = rows.max_bytes;
	c->store_oldest_sec = rows.oldest_sec;
	c->journal_dropped = journal_dropped();
}

const struct counters *count_all(struct manager *m)
{
	m->counters.decisions = m->decisions;
	m->counters.turn = *hub_turns(m->hub);
	if (m->api)
		m->counters.wait = *api_wait(m->api);
	count_calls(m);
	count_agents(&m->counters);
	count_writes(m);
	m->counters.operations_running = operations_running(m);
	return &m->counters;
}

void count_result(struct manager *m, const struct hv_result *r)
{
	_Static_assert((int)HV_CALL_MAX <= COUNTED_CALLS_MAX, "a kind of call has no place");
	m->counters.calls[r->call].results[call_result_of(r->error)]++;
}
