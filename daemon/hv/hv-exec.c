/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/hv/hv-exec.h"

/* The calls themselves, on a worker's thread and connection, without the lock. */

virConnectPtr hv_open(struct hv *hv, char *text, size_t size)
{
	virConnectPtr conn = virConnectOpen(hv->uri);

	if (!conn)
		hv_error(NULL, text, size);
	return conn;
}

bool hv_may_change(struct hv *hv, struct sched_task *t)
{
	bool may;

	hv_lock(hv);
	may = sched_may_change(t);
	hv_unlock(hv);
	return may;
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

int exec_error(struct exec *x, virDomainPtr dom, struct sched_answer *a)
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

int exec_read_job(struct exec *x, virDomainPtr dom, struct sched_answer *a)
{
	virDomainJobInfo info;

	hv_count(x->hv, HV_CALL_JOB_INFO);
	if (virDomainGetJobInfo(dom, &info) == 0) {
		a->job.running = job_runs(info.type);
		a->job.elapsed_usec = info.timeElapsed * USEC_PER_MSEC;
		return 0;
	}
	if (exec_error(x, dom, a) == -EOPNOTSUPP) {
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

	if (exec_read_job(x, dom, a) < 0 || !a->job.running)
		return;
	if (virDomainGetJobStats(dom, &type, &params, &n, 0) < 0)
		return; /* it ended, or comes in: then it is not on its way out */
	if (virTypedParamsGetInt(params, n, VIR_DOMAIN_JOB_OPERATION, &operation) == 1)
		a->job.migration_out = operation == VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT;
	virTypedParamsFree(params, n);
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
		exec_error(x, NULL, &t->answer);
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
		exec_channel(x, dom, t);
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
