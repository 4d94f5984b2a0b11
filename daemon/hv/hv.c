/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/hv/hv.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>

#include <libxml/parser.h>

#include "daemon/hv/hv-priv.h"

#define DEADLINE_USEC (2500 * USEC_PER_MSEC)
#define WORKERS 3
#define WORKERS_MAX 4 /* with the overdue ones 12 of libvirtd's 20 */
/* Calls are short and their stacks small; libvirt and libxml2 were seen to need less than 100
 * KiB. */
#define STACK_BYTES (512 * KIB)

uint64_t hv_now_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

/* --- Life --- */

static void hv_destroy(struct hv *hv)
{
	if (hv->out_tail)
		hv_out_free(hv);
	hv_guests_free(hv);
	if (hv->efd >= 0)
		close(hv->efd);
	pthread_cond_destroy(&hv->work);
	pthread_cond_destroy(&hv->control);
	pthread_cond_destroy(&hv->ended);
	pthread_mutex_destroy(&hv->lock);
	pthread_mutex_destroy(&hv->scan_lock);
	free(hv->scan);
	free(hv->listed);
	free(hv->uri);
	free(hv->channel_name);
	free(hv->proc_root);
	free(hv);
}

void hv_unref_unlock(struct hv *hv)
{
	bool last = --hv->refs == 0;

	hv_unlock(hv);
	if (last)
		hv_destroy(hv);
}

static void init_locks(struct hv *hv)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&hv->lock, NULL);
	pthread_mutex_init(&hv->scan_lock, NULL);
	pthread_cond_init(&hv->work, &attr);
	pthread_cond_init(&hv->control, &attr);
	pthread_cond_init(&hv->ended, &attr);
	pthread_condattr_destroy(&attr);
}

int hv_new(const struct hv_config *config, const struct hv_ops *ops, void *data, struct hv **ret)
{
	unsigned workers = config->workers ? config->workers : WORKERS;
	struct hv *hv;
	int r = 0;

	if (workers > WORKERS_MAX)
		return -EINVAL;
	hv = calloc(1, sizeof(*hv));
	if (!hv)
		return -ENOMEM;
	init_locks(hv);
	xmlInitParser();
	hv->ops = ops;
	hv->data = data;
	hv->refs = 1;
	hv->timer = -1;
	hv->out_tail = &hv->out;
	hv->ignore_process_state = config->ignore_process_state;
	hv->uri = strdup(config->uri ? config->uri : "qemu:///system");
	hv->channel_name =
		strdup(config->channel_name ? config->channel_name : "org.ballast.agent.0");
	hv->proc_root = strdup(config->proc_root ? config->proc_root : "/");
	sched_init(&hv->sched, &hv_sched_out, hv, workers,
		config->deadline_usec ? config->deadline_usec : DEADLINE_USEC);
	hv->efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (hv->efd < 0)
		r = -errno;
	else if (!hv->uri || !hv->channel_name || !hv->proc_root)
		r = -ENOMEM;
	if (r < 0) {
		hv_destroy(hv);
		return r;
	}
	hv->one_connection = strncmp(hv->uri, "test:", strlen("test:")) == 0;
	*ret = hv;
	return 0;
}

/* With all signals blocked: they are for the main loop, whatever that has blocked when it started
 * us. */
int hv_thread(struct hv *hv, const char *name, void *(*run)(void *))
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	r = pthread_attr_init(&attr);
	if (r != 0)
		return -r;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&thread, &attr, run, hv);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (r != 0)
		return -r;
	/* It cannot end before we drop the lock. */
	pthread_setname_np(thread, name);
	hv->refs++;
	hv->n_threads++;
	return 0;
}

void hv_thread_ends(struct hv *hv)
{
	hv->n_threads--;
	pthread_cond_broadcast(&hv->ended);
	hv_loop_poke(hv);
	hv_unref_unlock(hv);
}

int hv_start(struct hv *hv)
{
	int r = -EALREADY;

	hv_lock(hv);
	if (!hv->started) {
		r = hv_loop_start(hv);
		if (r == 0)
			r = hv_thread(hv, "hv-control", hv_control_run);
		hv->started = true;
	}
	hv_unlock(hv);
	return r;
}

void hv_stop(struct hv *hv, uint64_t timeout_usec)
{
	uint64_t until_usec = hv_now_usec() + timeout_usec;
	struct timespec until = {
		.tv_sec = (time_t)(until_usec / USEC_PER_SEC),
		.tv_nsec = (long)(until_usec % USEC_PER_SEC) * 1000,
	};

	hv_lock(hv);
	hv->stopping = true;
	hv->connected = false;
	sched_disconnect(&hv->sched, hv_now_usec(), -ECANCELED);
	pthread_cond_broadcast(&hv->work);
	pthread_cond_broadcast(&hv->control);
	hv_loop_poke(hv);
	while (hv->n_threads > 0)
		if (pthread_cond_timedwait(&hv->ended, &hv->lock, &until) == ETIMEDOUT)
			break;
	/* What libvirt still holds is left to itself; the loop has nothing more to do for it. */
	hv->abandoned = true;
	hv_loop_poke(hv);
	hv_unlock(hv);
}

struct hv *hv_free(struct hv *hv)
{
	if (!hv)
		return NULL;
	if (!hv->abandoned)
		hv_stop(hv, 0);
	hv_lock(hv);
	hv_unref_unlock(hv);
	return NULL;
}

int hv_fd(const struct hv *hv)
{
	return hv->efd;
}

/* --- Calls --- */

static bool request_is_valid(const struct hv_request *req)
{
	switch (req->call) {
	case HV_CALL_SET_MEMORY:
		return req->bytes > 0 && req->bytes % KIB == 0 && req->bytes / KIB <= LONG_MAX;
	case HV_CALL_SET_STATS_PERIOD:
		return req->period_sec <= 3600;
	case HV_CALL_SET_CPU:
		return (req->set_weight || req->set_quota) &&
		       (!req->set_weight || (req->cpu_weight >= 1 && req->cpu_weight <= 10000)) &&
		       req->cpu_quota_permyriad <= UINT64_C(65536) * PERMYRIAD;
	case HV_CALL_READ_BALLOONS:
		return req->n_guests > 0 && req->n_guests <= HV_BULK_MAX && req->guests;
	default:
		return hv_call_is_public(req->call);
	}
}

int hv_submit(struct hv *hv, const struct hv_request *req, uint64_t *ret_id)
{
	struct known *k;
	int r;

	if (!request_is_valid(req))
		return -EINVAL;
	hv_lock(hv);
	k = hv_known(hv, &req->guest);
	if (hv->connected && req->call != HV_CALL_READ_BALLOONS && (!k || !k->guest))
		r = -ENOENT;
	else
		r = sched_submit(&hv->sched, req, ret_id);
	if (r == 0)
		hv_pump(hv);
	hv_unlock(hv);
	return r;
}

unsigned hv_withdraw(struct hv *hv, uint64_t *ret_until_id)
{
	unsigned n;

	hv_lock(hv);
	n = sched_withdraw(&hv->sched, ret_until_id);
	hv_unlock(hv);
	return n;
}

unsigned hv_changing(struct hv *hv, uint64_t until_id)
{
	unsigned n;

	hv_lock(hv);
	n = sched_changing(&hv->sched, until_id);
	hv_unlock(hv);
	return n;
}

void hv_counters(struct hv *hv, struct hv_counters *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (int c = 0; c < HV_CALL_MAX; c++) {
		ret->calls[c] = atomic_load_explicit(&hv->calls[c], memory_order_relaxed);
		if (hv_call_mutates((enum hv_call)c))
			ret->mutating += ret->calls[c];
	}
	ret->events = atomic_load_explicit(&hv->events, memory_order_relaxed);
	hv_lock(hv);
	ret->timeouts = hv->sched.timeouts;
	ret->reconnects = hv->generation > 0 ? hv->generation - 1 : 0;
	ret->replaced = hv->replaced;
	ret->overdue = hv->sched.n_overdue;
	ret->quarantined = hv->sched.n_quarantined;
	ret->threads = hv->n_threads;
	hv_unlock(hv);
}
