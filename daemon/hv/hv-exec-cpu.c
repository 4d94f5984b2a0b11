/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/hv/hv-exec.h"

#include "common/units.h"
#include "daemon/host/cgroup.h"

/* libvirt's default period of cpu.cfs_quota_us and cpu.max; its smallest quota is 1 ms. */
#define CPU_PERIOD_USEC UINT64_C(100000)
#define CPU_QUOTA_MIN_USEC UINT64_C(1000)
/* "No quota" is -1 on control groups v1 and ULLONG_MAX / 1000 on v2 (seen with libvirt 9.0): what
 * no host has CPUs for is none. */
#define CPU_QUOTA_CPUS_MAX 65536

static int add_shares(
	virTypedParameterPtr *params, int *n, int *max, const struct hv_request *req, int version)
{
	uint64_t shares = req->cpu.shares ? req->cpu.shares
					  : cgroup_shares_from_weight(version, req->cpu_weight);

	return virTypedParamsAddULLong(params, n, max, VIR_DOMAIN_SCHEDULER_CPU_SHARES, shares);
}

/* The period is the administrator's, unless the quota would be too small in it. */
static int add_quota(virTypedParameterPtr *params, int *n, int *max, const struct hv_request *req)
{
	uint64_t part = req->cpu_quota_permyriad,
		 period = req->cpu_period_usec ? req->cpu_period_usec : CPU_PERIOD_USEC;
	long long usec = -1; /* none */

	if (req->cpu.period_usec) {
		period = req->cpu.period_usec;
		usec = req->cpu.quota_usec;
	} else if (part > 0) {
		if (mul_div(part, period, PERMYRIAD) < CPU_QUOTA_MIN_USEC)
			period = CPU_PERIOD_USEC;
		usec = (long long)MAX(mul_div(part, period, PERMYRIAD), CPU_QUOTA_MIN_USEC);
	}
	if (virTypedParamsAddULLong(params, n, max, VIR_DOMAIN_SCHEDULER_GLOBAL_PERIOD, period) < 0)
		return -1;
	return virTypedParamsAddLLong(params, n, max, VIR_DOMAIN_SCHEDULER_GLOBAL_QUOTA, usec);
}

void exec_set_cpu(struct exec *x, virDomainPtr dom, struct sched_task *t)
{
	virTypedParameterPtr params = NULL;
	int n = 0, max = 0, r = 0, version = cgroup_version(x->hv->proc_root, CGROUP_CPU);

	if (!hv_may_change(x->hv, t))
		return;
	if (t->req.set_weight)
		r = add_shares(&params, &n, &max, &t->req, version);
	if (r == 0 && t->req.set_quota)
		r = add_quota(&params, &n, &max, &t->req);
	if (r == 0) {
		hv_count(x->hv, HV_CALL_SET_CPU);
		r = virDomainSetSchedulerParametersFlags(dom, params, n, VIR_DOMAIN_AFFECT_LIVE);
	}
	if (r < 0)
		exec_error(x, dom, &t->answer);
	virTypedParamsFree(params, n);
}

void exec_get_cpu(struct exec *x, virDomainPtr dom, struct sched_task *t)
{
	/* QEMU's driver has 9; the wire refuses to be asked for more than 16. */
	virTypedParameter params[16];
	int n = ARRAY_SIZE(params), version = cgroup_version(x->hv->proc_root, CGROUP_CPU);
	unsigned long long shares, period = 0;
	long long quota = -1;

	hv_count(x->hv, HV_CALL_GET_CPU);
	memset(params, 0, sizeof(params));
	if (virDomainGetSchedulerParametersFlags(dom, params, &n, VIR_DOMAIN_AFFECT_LIVE) < 0) {
		exec_error(x, dom, &t->answer);
		return;
	}
	if (virTypedParamsGetULLong(params, n, VIR_DOMAIN_SCHEDULER_CPU_SHARES, &shares) == 1) {
		t->answer.cpu.shares = shares;
		t->answer.cpu_weight = cgroup_weight_from_shares(version, shares);
	}
	if (virTypedParamsGetULLong(params, n, VIR_DOMAIN_SCHEDULER_GLOBAL_PERIOD, &period) == 1 &&
		virTypedParamsGetLLong(params, n, VIR_DOMAIN_SCHEDULER_GLOBAL_QUOTA, &quota) == 1 &&
		period > 0) {
		if (quota <= 0 || (uint64_t)quota / period > CPU_QUOTA_CPUS_MAX)
			quota = -1;
		t->answer.cpu.period_usec = period;
		t->answer.cpu.quota_usec = quota;
		t->answer.cpu_quota_permyriad =
			quota > 0 ? (uint64_t)quota * PERMYRIAD / period : 0;
	}
	virTypedParamsClear(params, n);
}
