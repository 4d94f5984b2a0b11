/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/hv/hv-priv.h"

/*
 * libvirt's thread: runs libvirt's default event loop, which brings events, keep-alive and one
 * timer of ours for everything that is due by time. It never makes a call that asks libvirtd for
 * anything, so it never hangs.
 */

/* How long hv_stop() may have to wait for the loop to notice: it is poked, this is only a net. */
#define LOOP_WAKE_MSEC 1000

static void loop_arm(struct hv *hv, uint64_t at_usec, uint64_t now_usec)
{
	uint64_t msec;

	if (hv->timer < 0 || at_usec >= hv->armed_usec)
		return;
	hv->armed_usec = at_usec;
	msec = at_usec > now_usec ? (at_usec - now_usec + 999) / USEC_PER_MSEC : 0;
	virEventUpdateTimeout(hv->timer, (int)MIN(msec, UINT64_C(3600000)));
}

/* A worker for each call that may run now, as far as they are allowed. Returns when to try
 * again. */
static uint64_t pump_workers(struct hv *hv, uint64_t now_usec)
{
	if (hv->stopping || !sched_has_work(&hv->sched) ||
		hv->sched.n_under_way >= sched_concurrency(&hv->sched))
		return USEC_INFINITY;
	if (hv->n_idle > 0) {
		pthread_cond_signal(&hv->work);
		return USEC_INFINITY;
	}
	/* One just started or woken takes the work that is seen here, and pumps for the rest. */
	if (hv->n_workers > hv->sched.n_under_way)
		return USEC_INFINITY;
	if (hv_thread(hv, "hv-worker", hv_worker_run) < 0)
		return now_usec + HV_BACKOFF_MIN_USEC; /* there may be none that could get to it */
	hv->n_workers++;
	return USEC_INFINITY;
}

/* Calls of the control thread have no guest to blame: it is libvirt itself that does not answer. */
static uint64_t pump_control(struct hv *hv, uint64_t now_usec)
{
	uint64_t due_usec = hv->control_since_usec + HV_CONTROL_USEC;

	if (hv->control_since_usec == 0 || hv->control_told)
		return USEC_INFINITY;
	if (now_usec < due_usec)
		return due_usec;
	hv->control_told = true;
	if (hv->connected) /* looking again: what is known stays, calls have their own deadline */
		hv_push_trouble(hv, NULL, "libvirt does not finish listing its guests");
	else
		hv_push_down(hv, "libvirt accepts the connection but does not answer", false, 0);
	return USEC_INFINITY;
}

static uint64_t pump_jobs(struct hv *hv, uint64_t now_usec)
{
	struct sched_guest *sg, *tmp;

	if (hv->n_jobs == 0 || !hv->connected)
		return USEC_INFINITY;
	if (now_usec < hv->job_poll_usec)
		return hv->job_poll_usec;
	hv->job_poll_usec = now_usec + HV_JOB_POLL_USEC;
	HASH_ITER (hh, hv->sched.guests, sg, tmp) {
		struct known *k = sg->owner;

		if (k && k->job && sg->trust == SCHED_TRUSTED &&
			sched_submit_own(&hv->sched, sg, HV_CALL_JOB_INFO) < 0)
			break; /* without memory: in two seconds again */
	}
	return hv->job_poll_usec;
}

void hv_pump(struct hv *hv)
{
	uint64_t now_usec = hv_now_usec();
	uint64_t next_usec = pump_control(hv, now_usec);

	next_usec = MIN(next_usec, pump_jobs(hv, now_usec));
	next_usec = MIN(next_usec, sched_tick(&hv->sched, now_usec));
	next_usec = MIN(next_usec, pump_workers(hv, now_usec));
	loop_arm(hv, next_usec, now_usec);
}

static void on_timer(int timer, void *data)
{
	struct hv *hv = data;

	hv_lock(hv);
	virEventUpdateTimeout(timer, -1);
	hv->armed_usec = USEC_INFINITY;
	hv_pump(hv);
	hv_unlock(hv);
}

void hv_loop_poke(struct hv *hv)
{
	if (hv->timer >= 0)
		virEventUpdateTimeout(hv->timer, 0);
}

/* Others end first: closing a connection needs the loop. */
static bool loop_goes_on(struct hv *hv, bool *ret_stopping)
{
	bool on;

	hv_lock(hv);
	*ret_stopping = hv->stopping;
	on = !hv->stopping || (hv->n_threads > 1 && !hv->abandoned);
	hv_unlock(hv);
	return on;
}

static void on_wake(int timer, void *data)
{
	(void)timer;
	(void)data;
}

static void *loop_run(void *data)
{
	struct hv *hv = data;
	bool stopping;
	int net = -1;

	while (loop_goes_on(hv, &stopping)) {
		if (stopping && net < 0)
			net = virEventAddTimeout(LOOP_WAKE_MSEC, on_wake, NULL, NULL);
		if (virEventRunDefaultImpl() < 0)
			usleep(USEC_PER_MSEC); /* out of descriptors or memory: no tight loop */
	}
	if (net >= 0)
		virEventRemoveTimeout(net);
	hv_lock(hv);
	virEventRemoveTimeout(hv->timer);
	hv->timer = -1;
	hv_thread_ends(hv);
	return NULL;
}

/* libvirt reports each error on stderr unless somebody listens; ours travel with the result. */
static void on_error(void *data, virErrorPtr error)
{
	(void)data;
	(void)error;
}

static void loop_init(void)
{
	virSetErrorFunc(NULL, on_error);
	virEventRegisterDefaultImpl();
}

int hv_loop_start(struct hv *hv)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int r;

	pthread_once(&once, loop_init);
	hv->armed_usec = USEC_INFINITY;
	hv->timer = virEventAddTimeout(-1, on_timer, hv, NULL);
	if (hv->timer < 0)
		return -ENOMEM;
	r = hv_thread(hv, "hv-libvirt", loop_run);
	if (r < 0) {
		virEventRemoveTimeout(hv->timer);
		hv->timer = -1;
	}
	return r;
}
