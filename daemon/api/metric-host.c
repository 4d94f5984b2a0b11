/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "common/units.h"
#include "daemon/api/metric-text.h"

/* The host and its policies: the same figures as in serve-host.c. */

static void division_values(const struct plan *p, uint64_t *v)
{
	v[METRIC_HOST_MEMORY_MANAGED] = p->memory_bytes;
	v[METRIC_HOST_MEMORY_RESERVE] = p->reserve_bytes;
	v[METRIC_HOST_MEMORY_OTHER] = p->other_bytes;
	v[METRIC_HOST_MEMORY_OVERHEAD] = p->overhead_bytes;
	v[METRIC_HOST_MEMORY_BUDGET] = p->budget_bytes;
	v[METRIC_HOST_MEMORY_CHARGED] = p->charged_bytes;
	v[METRIC_HOST_MEMORY_RESERVED] = p->reserved_bytes;
	v[METRIC_HOST_MEMORY_FREE] =
		sub_sat(p->budget_bytes, add_sat(p->charged_bytes, p->reserved_bytes));
}

static void machine_values(const struct view_input *k, uint64_t *v)
{
	const struct host_sample *h = &k->snapshot->host;

	v[METRIC_HOST_MEMORY_TOTAL] = h->memory_bytes;
	v[METRIC_HOST_MEMORY_AVAILABLE] = h->available_bytes;
	v[METRIC_HOST_SWAP_TOTAL] = h->swap_total_bytes;
	v[METRIC_HOST_SWAP_FREE] = h->swap_free_bytes;
	v[METRIC_HOST_CPUS] = h->cpus;
	if (k->has_cpu) {
		v[METRIC_HOST_CPU_BUSY] = k->cpu_busy_permyriad;
		v[METRIC_HOST_CPU_STEAL] = k->cpu_steal_permyriad;
	}
	if (h->has_psi) {
		v[METRIC_HOST_PRESSURE_MEMORY_WAITING] = h->psi_mem_some_usec;
		v[METRIC_HOST_PRESSURE_MEMORY_STALLED] = h->psi_mem_full_usec;
		v[METRIC_HOST_PRESSURE_CPU_WAITING] = h->psi_cpu_some_usec;
		v[METRIC_HOST_PRESSURE_IO_WAITING] = h->psi_io_some_usec;
	}
}

static void policy_values(const struct view_input *k, uint64_t *v)
{
	size_t n = k->set ? policy_set_count(k->set) : 0;
	uint64_t open = 0, stale = 0;

	for (size_t i = 0; i < n; i++) {
		struct policy_info info;

		policy_set_info(k->set, i, &info);
		stale += info.stale;
		open += k->policies && k->policies[i].open;
	}
	v[METRIC_POLICIES] = n;
	v[METRIC_POLICIES_STALE] = stale;
	if (k->policies)
		v[METRIC_POLICIES_OPEN] = open;
	v[METRIC_POLICIES_NEXT_CHANGE] =
		k->policies_change_real_usec ? k->policies_change_real_usec : UINT64_MAX;
}

void metric_host_values(const struct view_input *k, uint64_t values[static METRIC_SINGLE_END])
{
	uint64_t running = 0;

	for (size_t i = 0; i < k->snapshot->n_guests; i++)
		running += k->snapshot->guests[i].running;
	values[METRIC_GUESTS] = k->snapshot->n_guests;
	values[METRIC_GUESTS_RUNNING] = running;
	machine_values(k, values);
	if (k->plan)
		division_values(k->plan, values);
	policy_values(k, values);
	values[METRIC_OVERRIDES] = k->snapshot->n_overrides;
	values[METRIC_RESERVATIONS] = k->snapshot->n_reservations;
	values[METRIC_PROBLEMS] = k->n_problems;
	values[METRIC_READY] = k->ready;
	values[METRIC_PAUSED] = k->pause.on;
	if (k->pause.on && k->pause.until_real_usec)
		values[METRIC_PAUSED_UNTIL] = k->pause.until_real_usec;
}

static void write_states(const struct view_input *k, struct metric_text *t)
{
	metric_begin(t, METRIC_HOST_STATE);
	for (int i = 0; k->plan && i < HOST_STATE_MAX; i++)
		metric_sample_by(t, METRIC_HOST_STATE, "state",
			host_state_to_string((enum host_state)i), (int)k->plan->host_state == i);
	metric_begin(t, METRIC_MODE);
	for (int i = 0; i < MODE_MAX; i++)
		metric_sample_by(t, METRIC_MODE, "mode", daemon_mode_to_string((enum daemon_mode)i),
			(int)k->mode == i);
}

static void write_nodes(const struct view_input *k, struct metric_text *t)
{
	static const enum metric both[] = {
		METRIC_HOST_NODE_MEMORY_TOTAL, METRIC_HOST_NODE_MEMORY_FREE};

	for (size_t m = 0; m < ARRAY_SIZE(both); m++) {
		metric_begin(t, both[m]);
		for (size_t i = 0; i < k->n_nodes; i++) {
			char node[24];

			snprintf(node, sizeof(node), "%llu", (unsigned long long)k->nodes[i].id);
			metric_sample_by(t, both[m], "node", node,
				m ? k->nodes[i].free_bytes : k->nodes[i].total_bytes);
		}
	}
}

static void write_policies(const struct view_input *k, struct metric_text *t)
{
	static const enum metric both[] = {METRIC_POLICY_OPEN, METRIC_POLICY_GUESTS};
	size_t n = k->set && k->policies ? policy_set_count(k->set) : 0;

	for (size_t m = 0; m < ARRAY_SIZE(both); m++) {
		metric_begin(t, both[m]);
		for (size_t i = 0; i < n; i++) {
			struct policy_info info;

			policy_set_info(k->set, i, &info);
			metric_sample_by(t, both[m], "policy", info.name,
				m ? k->policies[i].active : k->policies[i].open);
		}
	}
}

void metric_write_host(const struct metric_input *in, struct metric_text *t)
{
	const struct view_input *k = in->known;

	write_states(k, t);
	write_nodes(k, t);
	write_policies(k, t);
	metric_begin(t, METRIC_PROBLEM);
	for (size_t i = 0; i < k->n_problems; i++)
		metric_sample_by(t, METRIC_PROBLEM, "code", k->problems[i].code, 1);
}
