/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/metric.h"
#include "daemon/api/serve.h"

/* What each guest is: the same figures as in serve-guest.c. */

#define UNKNOWN UINT64_MAX

static void memory_values(const struct view_input *k, const struct guest_sample *g,
	const struct plan_guest *p, uint64_t *v)
{
	/* a plan's target is commanded only where plans are carried out */
	bool commanded = p && k->mode == MODE_ENFORCE;

	v[METRIC_GUEST_MEMORY_ACTUAL] = g->actual_bytes;
	v[METRIC_GUEST_MEMORY_TARGET] = commanded ? p->target_bytes : g->target_bytes;
	v[METRIC_GUEST_MEMORY_MAX] = g->max_bytes;
	v[METRIC_GUEST_MEMORY_RESIDENT] = g->resident_bytes ? g->resident_bytes : UNKNOWN;
	v[METRIC_GUEST_MEMORY_QEMU] = g->qemu_bytes;
	if (!p)
		return;
	v[METRIC_GUEST_MEMORY_USED] = p->known ? p->used_bytes : UNKNOWN;
	v[METRIC_GUEST_MEMORY_WANT] = p->want_bytes;
	v[METRIC_GUEST_MEMORY_FLOOR] = p->floor_bytes;
	v[METRIC_GUEST_MEMORY_MIN] = p->min_bytes;
	v[METRIC_GUEST_MEMORY_LIMIT] = MIN(p->max_bytes, g->max_bytes);
	v[METRIC_GUEST_MEMORY_SHARE] = p->share_bytes;
	v[METRIC_GUEST_MEMORY_CHARGE] = p->charge_bytes;
	v[METRIC_GUEST_MEMORY_STALL] = p->stall_permyriad;
}

static void report_values(const struct snapshot *s, const struct guest_report *r, uint64_t *v)
{
	if (r->source == REPORT_NONE)
		return;
	v[METRIC_GUEST_REPORT_TIME] = snapshot_real_usec(s, r->arrival_usec);
	v[METRIC_GUEST_MEMORY_AVAILABLE] = r->available_bytes;
	if (r->has_swap) {
		v[METRIC_GUEST_SWAP_TOTAL] = r->swap_total_bytes;
		v[METRIC_GUEST_SWAP_FREE] = r->swap_free_bytes;
	}
	if (r->has_counters) {
		v[METRIC_GUEST_REFAULTS] = r->refaults_file + r->refaults_anon;
		v[METRIC_GUEST_MAJOR_FAULTS] = r->major_faults;
		v[METRIC_GUEST_OOM_KILLS] = r->oom_kills;
	}
	if (r->has_psi) {
		v[METRIC_GUEST_PRESSURE_MEMORY_WAITING] = r->psi_mem_some_usec;
		v[METRIC_GUEST_PRESSURE_MEMORY_STALLED] = r->psi_mem_full_usec;
		v[METRIC_GUEST_PRESSURE_CPU_WAITING] = r->psi_cpu_some_usec;
		v[METRIC_GUEST_PRESSURE_IO_WAITING] = r->psi_io_some_usec;
		v[METRIC_GUEST_PRESSURE_IO_STALLED] = r->psi_io_full_usec;
	}
}

static void cpu_values(const struct guest_sample *g, const struct plan_guest *p, uint64_t *v)
{
	uint64_t weight = p ? p->cpu_weight : g->cpu_weight;

	v[METRIC_GUEST_VCPUS] = g->vcpus;
	v[METRIC_GUEST_CPU_WEIGHT] = weight ? weight : UNKNOWN;
	v[METRIC_GUEST_CPU_QUOTA] = p ? p->cpu_quota : g->cpu_quota;
	if (!v[METRIC_GUEST_CPU_QUOTA])
		v[METRIC_GUEST_CPU_QUOTA] = UNKNOWN;
	if (g->vcpu_sample_usec) {
		v[METRIC_GUEST_VCPU_TIME] = g->vcpu_time_usec;
		v[METRIC_GUEST_VCPU_DELAY] = g->vcpu_delay_usec;
	}
}

void metric_guest_values(
	const struct view_input *k, size_t index, uint64_t values[static METRIC_GUEST_SINGLE_END])
{
	const struct guest_sample *g = &k->snapshot->guests[index];
	const struct view_guest *extra = k->guests ? &k->guests[index] : NULL;
	const struct plan_guest *p = plan_guest(k, index);

	for (int i = 0; i < METRIC_GUEST_SINGLE_END; i++)
		values[i] = UNKNOWN;
	values[METRIC_GUEST_RUNNING] = g->running;
	if (g->started_usec)
		values[METRIC_GUEST_START_TIME] = snapshot_real_usec(k->snapshot, g->started_usec);
	memory_values(k, g, p, values);
	report_values(k->snapshot, &g->report, values);
	cpu_values(g, p, values);
	values[METRIC_GUEST_AGENT_CONNECTED] = g->channel_open;
	values[METRIC_GUEST_AGENT_SHUT_OUT] = g->shut_out_usec > k->snapshot->now_boot_usec;
	if (extra && extra->changed_real_usec)
		values[METRIC_GUEST_CHANGE_TIME] = extra->changed_real_usec;
}
