/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/hv/hv-exec.h"

/* Sizes, balloons and their statistics. */

void exec_set_memory(struct exec *x, virDomainPtr dom, struct sched_task *t)
{
	struct sched_answer *a = &t->answer;

	/* With a job on the guest it would wait 30 s and fail. */
	if (exec_read_job(x, dom, a) < 0)
		return;
	if (a->job.running) {
		a->error = -EBUSY;
		snprintf(a->text, sizeof(a->text), "a job runs on the guest");
		return;
	}
	if (!hv_may_change(x->hv, t))
		return;
	hv_count(x->hv, HV_CALL_SET_MEMORY);
	if (virDomainSetMemoryFlags(
		    dom, (unsigned long)(t->req.bytes / KIB), VIR_DOMAIN_AFFECT_LIVE) < 0)
		exec_error(x, dom, a);
}

/* Where a statistic goes, by libvirt's number (memoryStats) and name (bulk). */
static const struct {
	int tag;
	const char *name;
	uint32_t has;
	size_t offset;
	uint64_t unit;
} balloon_fields[] = {
#define FIELD(tag, name, has, member, unit)                         \
	{                                                           \
		VIR_DOMAIN_MEMORY_STAT_##tag, "balloon." name, has, \
			offsetof(struct hv_balloon, member), unit   \
	}
	FIELD(ACTUAL_BALLOON, "current", HV_HAS_ACTUAL, actual_bytes, KIB),
	FIELD(AVAILABLE, "available", HV_HAS_TOTAL, total_bytes, KIB),
	FIELD(USABLE, "usable", HV_HAS_AVAILABLE, available_bytes, KIB),
	FIELD(UNUSED, "unused", HV_HAS_FREE, free_bytes, KIB),
	FIELD(DISK_CACHES, "disk_caches", HV_HAS_CACHES, caches_bytes, KIB),
	FIELD(SWAP_IN, "swap_in", HV_HAS_SWAP_IN, swap_in_bytes, KIB),
	FIELD(SWAP_OUT, "swap_out", HV_HAS_SWAP_OUT, swap_out_bytes, KIB),
	FIELD(MAJOR_FAULT, "major_fault", HV_HAS_MAJOR_FAULTS, major_faults, 1),
	FIELD(RSS, "rss", HV_HAS_RESIDENT, resident_bytes, KIB),
	FIELD(LAST_UPDATE, "last-update", HV_HAS_LAST_UPDATE, last_update_sec, 1),
#undef FIELD
};

static void balloon_set(struct hv_balloon *b, size_t field, uint64_t value)
{
	uint64_t *to = (uint64_t *)((char *)b + balloon_fields[field].offset);
	uint64_t unit = balloon_fields[field].unit;

	*to = value > UINT64_MAX / unit ? UINT64_MAX : value * unit;
	b->has |= balloon_fields[field].has;
}

void exec_read_balloon(struct exec *x, virDomainPtr dom, struct sched_task *t)
{
	virDomainMemoryStatStruct stats[VIR_DOMAIN_MEMORY_STAT_NR];
	struct hv_balloon *b;
	int n;

	hv_count(x->hv, HV_CALL_READ_BALLOON);
	n = virDomainMemoryStats(dom, stats, ARRAY_SIZE(stats), 0);
	if (n < 0) {
		exec_error(x, dom, &t->answer);
		return;
	}
	b = calloc(1, sizeof(*b));
	if (!b) {
		t->answer.error = -ENOMEM;
		return;
	}
	b->guest = t->req.guest;
	for (int i = 0; i < n; i++)
		for (size_t f = 0; f < ARRAY_SIZE(balloon_fields); f++)
			if (stats[i].tag == balloon_fields[f].tag)
				balloon_set(b, f, stats[i].val);
	t->answer.balloons = b;
	t->answer.n_balloons = 1;
}

static void bulk_record(struct hv_balloon *b, virDomainStatsRecordPtr record)
{
	virDomainGetUUID(record->dom, b->guest.bytes);
	for (size_t f = 0; f < ARRAY_SIZE(balloon_fields); f++) {
		unsigned long long v;

		if (virTypedParamsGetULLong(
			    record->params, record->nparams, balloon_fields[f].name, &v) == 1)
			balloon_set(b, f, v);
	}
}

void exec_read_balloons(struct exec *x, struct sched_task *t)
{
	struct sched_answer *a = &t->answer;
	virDomainPtr doms[HV_BULK_MAX + 1] = {NULL};
	virDomainStatsRecordPtr *records = NULL;
	int n = 0;

	for (size_t i = 0; i < t->req.n_guests; i++) {
		doms[n] = virDomainLookupByUUID(x->conn, t->guests[i].bytes);
		n += doms[n] != NULL;
	}
	if (n > 0) {
		hv_count(x->hv, HV_CALL_READ_BALLOONS);
		n = virDomainListGetStats(doms, VIR_DOMAIN_STATS_BALLOON, &records,
			VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);
	}
	if (n < 0)
		exec_error(x, NULL, a);
	a->balloons = n > 0 ? calloc((size_t)n, sizeof(*a->balloons)) : NULL;
	for (int i = 0; i < n && a->balloons; i++)
		bulk_record(&a->balloons[a->n_balloons++], records[i]);
	if (n > 0 && !a->balloons)
		a->error = -ENOMEM;
	if (records)
		virDomainStatsRecordListFree(records);
	for (virDomainPtr *d = doms; *d; d++)
		virDomainFree(*d);
}

void exec_set_stats_period(struct exec *x, virDomainPtr dom, struct sched_task *t)
{
	if (!hv_may_change(x->hv, t))
		return;
	hv_count(x->hv, HV_CALL_SET_STATS_PERIOD);
	if (virDomainSetMemoryStatsPeriod(dom, (int)t->req.period_sec, VIR_DOMAIN_AFFECT_LIVE) < 0)
		exec_error(x, dom, &t->answer);
}

void exec_set_soft_limit(struct exec *x, virDomainPtr dom, struct sched_task *t)
{
	virTypedParameterPtr params = NULL;
	unsigned long long kib = VIR_DOMAIN_MEMORY_PARAM_UNLIMITED;
	int n = 0, max = 0;

	if (!hv_may_change(x->hv, t))
		return;
	if (t->req.bytes != BYTES_UNLIMITED)
		kib = MIN(t->req.bytes / KIB, (uint64_t)VIR_DOMAIN_MEMORY_PARAM_UNLIMITED);
	hv_count(x->hv, HV_CALL_SET_SOFT_LIMIT);
	if (virTypedParamsAddULLong(&params, &n, &max, VIR_DOMAIN_MEMORY_SOFT_LIMIT, kib) < 0 ||
		virDomainSetMemoryParameters(dom, params, n, VIR_DOMAIN_AFFECT_LIVE) < 0)
		exec_error(x, dom, &t->answer);
	virTypedParamsFree(params, n);
}
