/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/hv/hv-priv.h"

#include "daemon/host/cgroup.h"

/* The calls themselves, on a worker's thread and connection, without the lock. */

/* libvirt's default period of cpu.cfs_quota_us and cpu.max; its smallest quota is 1 ms. */
#define CPU_PERIOD_USEC    UINT64_C(100000)
#define CPU_QUOTA_MIN_USEC UINT64_C(1000)

virConnectPtr hv_open(struct hv *hv, char *text, size_t size)
{
	virConnectPtr conn = virConnectOpen(hv->uri);

	if (!conn)
		hv_error(NULL, text, size);
	return conn;
}

static int error_of_code(virErrorPtr e)
{
	switch (e->code) {
	case VIR_ERR_NO_DOMAIN:
		return -ENOENT;
	case VIR_ERR_OPERATION_TIMEOUT:
	case VIR_ERR_RESOURCE_BUSY:
		return -EBUSY;
	case VIR_ERR_NO_SUPPORT:
	case VIR_ERR_OPERATION_UNSUPPORTED:
	case VIR_ERR_ARGUMENT_UNSUPPORTED:
	case VIR_ERR_CONFIG_UNSUPPORTED:
		return -EOPNOTSUPP;
	case VIR_ERR_AUTH_FAILED:
	case VIR_ERR_AUTH_CANCELLED:
	case VIR_ERR_AUTH_UNAVAILABLE:
	case VIR_ERR_ACCESS_DENIED:
	case VIR_ERR_OPERATION_DENIED:
		return -EACCES;
	case VIR_ERR_INVALID_ARG:
		return -EINVAL;
	case VIR_ERR_NO_MEMORY:
		return -ENOMEM;
	case VIR_ERR_NO_CONNECT:
	case VIR_ERR_INVALID_CONN:
		return -ENOTCONN;
	default:
		return -EIO;
	}
}

int hv_error(virConnectPtr conn, char *text, size_t size)
{
	virErrorPtr e = virGetLastError();
	int r = e ? error_of_code(e) : -EIO;

	snprintf(text, size, "%s", e && e->message ? e->message : "unknown error of libvirt");
	if (conn && virConnectIsAlive(conn) == 0)
		r = -ENOTCONN;
	return r;
}

/* As hv_error(), and a guest that ended a moment ago is "gone", not an "invalid operation". */
static int answer_error(struct exec *x, virDomainPtr dom, struct sched_answer *a)
{
	virErrorPtr e = virGetLastError();
	bool invalid = e && e->code == VIR_ERR_OPERATION_INVALID;

	a->error = hv_error(x->conn, a->text, sizeof(a->text));
	if (invalid && dom && virDomainIsActive(dom) == 0)
		a->error = -ENOENT;
	return a->error;
}

static inline void domain_freep(virDomainPtr *dom)
{
	if (*dom)
		virDomainFree(*dom);
}
#define _cleanup_domain_ _cleanup_(domain_freep)

/* --- Jobs --- */

static bool job_runs(int type)
{
	return type == VIR_DOMAIN_JOB_BOUNDED || type == VIR_DOMAIN_JOB_UNBOUNDED;
}

/*
 * Is a job on it? A migration that comes in refuses the question ("available only on the source host"), which is an answer. Takes a
 * job of the kind that runs beside all others, so a guest that hangs hangs here already.
 */
static int read_job(struct exec *x, virDomainPtr dom, struct sched_answer *a)
{
	virDomainJobInfo info;

	hv_count(x->hv, HV_CALL_JOB_INFO);
	if (virDomainGetJobInfo(dom, &info) == 0) {
		a->job.running = job_runs(info.type);
		a->job.elapsed_usec = info.timeElapsed * USEC_PER_MSEC;
		return 0;
	}
	if (answer_error(x, dom, a) == -EOPNOTSUPP) {
		a->job.running = virGetLastErrorCode() == VIR_ERR_OPERATION_UNSUPPORTED;
		a->error = 0;
		a->text[0] = '\0';
	}
	return a->error;
}

static void exec_job(struct exec *x, virDomainPtr dom, struct sched_answer *a)
{
	virTypedParameterPtr params = NULL;
	int type = VIR_DOMAIN_JOB_NONE, n = 0, operation = 0;

	if (read_job(x, dom, a) < 0 || !a->job.running)
		return;
	if (virDomainGetJobStats(dom, &type, &params, &n, 0) < 0)
		return; /* it ended, or comes in: then it is not on its way out */
	if (virTypedParamsGetInt(params, n, VIR_DOMAIN_JOB_OPERATION, &operation) == 1)
		a->job.migration_out = operation == VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT;
	virTypedParamsFree(params, n);
}

/* --- Memory --- */

static void exec_set_memory(struct exec *x, virDomainPtr dom, struct sched_task *t)
{
	struct sched_answer *a = &t->answer;

	/* With a job on the guest it would wait 30 s and fail. */
	if (read_job(x, dom, a) < 0)
		return;
	if (a->job.running) {
		a->error = -EBUSY;
		snprintf(a->text, sizeof(a->text), "a job runs on the guest");
		return;
	}
	hv_count(x->hv, HV_CALL_SET_MEMORY);
	if (virDomainSetMemoryFlags(dom, (unsigned long)(t->req.bytes / KIB),
		    VIR_DOMAIN_AFFECT_LIVE) < 0)
		answer_error(x, dom, a);
}

/* Where a statistic goes, by libvirt's number (memoryStats) and name (bulk). */
static const struct {
	int tag;
	const char *name;
	uint32_t has;
	size_t offset;
	uint64_t unit;
} balloon_fields[] = {
#define FIELD(tag, name, has, member, unit)                                                        \
	{VIR_DOMAIN_MEMORY_STAT_##tag, "balloon." name, has, offsetof(struct hv_balloon, member),  \
		unit}
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

static void exec_read_balloon(struct exec *x, virDomainPtr dom, struct sched_task *t)
{
	virDomainMemoryStatStruct stats[VIR_DOMAIN_MEMORY_STAT_NR];
	struct hv_balloon *b;
	int n;

	hv_count(x->hv, HV_CALL_READ_BALLOON);
	n = virDomainMemoryStats(dom, stats, ARRAY_SIZE(stats), 0);
	if (n < 0) {
		answer_error(x, dom, &t->answer);
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

		if (virTypedParamsGetULLong(record->params, record->nparams,
			    balloon_fields[f].name, &v) == 1)
			balloon_set(b, f, v);
	}
}

static void exec_read_balloons(struct exec *x, struct sched_task *t)
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
		answer_error(x, NULL, a);
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

static void exec_set_stats_period(struct exec *x, virDomainPtr dom, struct sched_task *t)
{
	hv_count(x->hv, HV_CALL_SET_STATS_PERIOD);
	if (virDomainSetMemoryStatsPeriod(dom, (int)t->req.period_sec, VIR_DOMAIN_AFFECT_LIVE) < 0)
		answer_error(x, dom, &t->answer);
}

static void exec_set_soft_limit(struct exec *x, virDomainPtr dom, struct sched_task *t)
{
	virTypedParameterPtr params = NULL;
	unsigned long long kib = VIR_DOMAIN_MEMORY_PARAM_UNLIMITED;
	int n = 0, max = 0;

	if (t->req.bytes != BYTES_UNLIMITED)
		kib = MIN(t->req.bytes / KIB, (uint64_t)VIR_DOMAIN_MEMORY_PARAM_UNLIMITED);
	hv_count(x->hv, HV_CALL_SET_SOFT_LIMIT);
	if (virTypedParamsAddULLong(&params, &n, &max, VIR_DOMAIN_MEMORY_SOFT_LIMIT, kib) < 0 ||
		virDomainSetMemoryParameters(dom, params, n, VIR_DOMAIN_AFFECT_LIVE) < 0)
		answer_error(x, dom, &t->answer);
	virTypedParamsFree(params, n);
}

/* --- CPU --- */

static int add_quota(virTypedParameterPtr *params, int *n, int *max, uint64_t quota_permyriad)
{
	long long usec = -1; /* none */

	if (quota_permyriad > 0)
		usec = (long long)MAX(quota_permyriad * CPU_PERIOD_USEC / PERMYRIAD,
			CPU_QUOTA_MIN_USEC);
	if (virTypedParamsAddULLong(params, n, max, VIR_DOMAIN_SCHEDULER_GLOBAL_PERIOD,
		    CPU_PERIOD_USEC) < 0)
		return -1;
	return virTypedParamsAddLLong(params, n, max, VIR_DOMAIN_SCHEDULER_GLOBAL_QUOTA, usec);
}

static void exec_set_cpu(struct exec *x, virDomainPtr dom, struct sched_task *t)
{
	virTypedParameterPtr params = NULL;
	int n = 0, max = 0, r = 0, version = cgroup_version(x->hv->proc_root, CGROUP_CPU);

	if (t->req.set_weight)
		r = virTypedParamsAddULLong(&params, &n, &max, VIR_DOMAIN_SCHEDULER_CPU_SHARES,
			cgroup_shares_from_weight(version, t->req.cpu_weight));
	if (r == 0 && t->req.set_quota)
		r = add_quota(&params, &n, &max, t->req.cpu_quota_permyriad);
	if (r == 0) {
		hv_count(x->hv, HV_CALL_SET_CPU);
		r = virDomainSetSchedulerParametersFlags(dom, params, n, VIR_DOMAIN_AFFECT_LIVE);
	}
	if (r < 0)
		answer_error(x, dom, &t->answer);
	virTypedParamsFree(params, n);
}

static void exec_get_cpu(struct exec *x, virDomainPtr dom, struct sched_task *t)
{
	/* QEMU's driver has 9; the wire refuses to be asked for more than 16. */
	virTypedParameter params[16];
	int n = ARRAY_SIZE(params), version = cgroup_version(x->hv->proc_root, CGROUP_CPU);
	unsigned long long shares, period = 0;
	long long quota = -1;

	hv_count(x->hv, HV_CALL_GET_CPU);
	memset(params, 0, sizeof(params));
	if (virDomainGetSchedulerParametersFlags(dom, params, &n, VIR_DOMAIN_AFFECT_LIVE) < 0) {
		answer_error(x, dom, &t->answer);
		return;
	}
	if (virTypedParamsGetULLong(params, n, VIR_DOMAIN_SCHEDULER_CPU_SHARES, &shares) == 1)
		t->answer.cpu_weight = cgroup_weight_from_shares(version, shares);
	if (virTypedParamsGetULLong(params, n, VIR_DOMAIN_SCHEDULER_GLOBAL_PERIOD, &period) == 1 &&
		virTypedParamsGetLLong(params, n, VIR_DOMAIN_SCHEDULER_GLOBAL_QUOTA, &quota) == 1 &&
		period > 0 && quota > 0)
		t->answer.cpu_quota_permyriad = (uint64_t)quota * PERMYRIAD / period;
	virTypedParamsClear(params, n);
}

/* --- Definitions --- */

int hv_exec_xml(struct exec *x, virDomainPtr dom, unsigned flags, struct sched_answer *a,
	struct hv_guest **ret)
{
	_cleanup_diag_ struct diag d = {0};
	_cleanup_free_ char *xml = NULL;

	hv_count(x->hv, HV_CALL_GET_XML);
	xml = virDomainGetXMLDesc(dom, flags);
	if (!xml)
		return answer_error(x, dom, a);
	a->error = hv_guest_parse(xml, strlen(xml), x->hv->channel_name, ret, &d);
	if (a->error < 0) {
		_cleanup_free_ char *where = diag_format(&d);

		snprintf(a->text, sizeof(a->text), "definition not understood: %s",
			where ? where : "out of memory");
	}
	return a->error;
}

static int compare_qemu(const void *a, const void *b)
{
	return memcmp(((const struct qemu_process *)a)->uuid.bytes,
		((const struct qemu_process *)b)->uuid.bytes, sizeof(struct uuid));
}

/* In the last look through /proc: a process of that UUID that still is the same one, and this run's. Scan lock held. */
static bool scan_has(struct hv *hv, struct hv_guest *g)
{
	struct qemu_process key = {.uuid = g->uuid};
	struct qemu_process *found, *end = hv->scan + hv->n_scan;
	char part[32];

	found = hv->n_scan ? bsearch(&key, hv->scan, hv->n_scan, sizeof(key), compare_qemu) : NULL;
	if (!found)
		return false;
	while (found > hv->scan && uuid_equal(&found[-1].uuid, &g->uuid))
		found--;
	/* libvirt keeps a run's files in ".../domain-ID-NAME/", which is on the command line. */
	snprintf(part, sizeof(part), "/domain-%d-", g->id);
	for (; found < end && uuid_equal(&found->uuid, &g->uuid); found++) {
		uint64_t ticks;

		if (process_start_ticks(hv->proc_root, found->pid, &ticks) < 0 ||
			ticks != found->start_ticks ||
			!process_cmdline_contains(hv->proc_root, found->pid, part))
			continue;
		g->pid = found->pid;
		g->pid_start_ticks = found->start_ticks;
		return true;
	}
	return false;
}

/* Its QEMU and that one's vCPU threads. Many guests that appear at once share one look through /proc. */
static void find_process(struct hv *hv, struct hv_guest *g)
{
	pthread_mutex_lock(&hv->scan_lock);
	if (!scan_has(hv, g)) {
		struct qemu_process *scan;
		size_t n;

		if (process_find_qemus(hv->proc_root, &scan, &n) == 0) {
			free(hv->scan);
			hv->scan = scan;
			hv->n_scan = n;
			scan_has(hv, g);
		}
	}
	pthread_mutex_unlock(&hv->scan_lock);
	if (g->pid > 0 &&
		process_find_vcpus(hv->proc_root, g->pid, &g->vcpu_tids, &g->n_vcpu_tids) < 0)
		g->n_vcpu_tids = 0;
}

static void exec_get_xml(struct exec *x, virDomainPtr dom, struct sched_task *t)
{
	_cleanup_hv_guest_new_ struct hv_guest *g = NULL;
	struct sched_answer *a = &t->answer;
	int state, reason, autostart = 0;

	if (hv_exec_xml(x, dom, 0, a, &g) < 0)
		return;
	if (g->id < 0) {
		a->error = -ENOENT; /* defined, but it does not run any more */
		return;
	}
	if (virDomainGetState(dom, &state, &reason, 0) < 0) {
		answer_error(x, dom, a);
		return;
	}
	g->running = state == VIR_DOMAIN_RUNNING || state == VIR_DOMAIN_BLOCKED ||
		state == VIR_DOMAIN_SHUTDOWN;
	g->persistent = virDomainIsPersistent(dom) == 1;
	g->autostart = g->persistent && virDomainGetAutostart(dom, &autostart) == 0 && autostart;
	if (x->is_qemu)
		find_process(x->hv, g);
	a->guest = TAKE_PTR(g);
}

void hv_exec(struct exec *x, struct sched_task *t)
{
	_cleanup_domain_ virDomainPtr dom = NULL;

	if (t->req.call == HV_CALL_READ_BALLOONS) {
		exec_read_balloons(x, t);
		return;
	}
	dom = virDomainLookupByUUID(x->conn, t->req.guest.bytes);
	if (!dom) {
		answer_error(x, NULL, &t->answer);
		return;
	}
	switch (t->req.call) {
	case HV_CALL_SET_MEMORY:
		exec_set_memory(x, dom, t);
		break;
	case HV_CALL_READ_BALLOON:
		exec_read_balloon(x, dom, t);
		break;
	case HV_CALL_SET_STATS_PERIOD:
		exec_set_stats_period(x, dom, t);
		break;
	case HV_CALL_SET_CPU:
		exec_set_cpu(x, dom, t);
		break;
	case HV_CALL_GET_CPU:
		exec_get_cpu(x, dom, t);
		break;
	case HV_CALL_SET_SOFT_LIMIT:
		exec_set_soft_limit(x, dom, t);
		break;
	case HV_CALL_ATTACH_CHANNEL:
	case HV_CALL_DETACH_CHANNEL:
		hv_exec_channel(x, dom, t);
		break;
	case HV_CALL_JOB_INFO:
		exec_job(x, dom, &t->answer);
		break;
	case HV_CALL_GET_XML:
		exec_get_xml(x, dom, t);
		break;
	default:
		t->answer.error = -EINVAL;
		break;
	}
}
