/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/hv/hv-priv.h"

#include <stdio.h>
#include <time.h>

/* Workers: each takes a call, makes it on a connection of its own, hands it back. As many as there
 * is work for, within bounds. */

struct worker {
	struct hv *hv;
	struct exec exec;
	uint64_t generation; /* the connection is of this one */
};

static void worker_close(struct worker *w)
{
	if (w->exec.conn)
		virConnectClose(w->exec.conn);
	w->exec.conn = NULL;
}

/* With a connection of the present generation, or NULL and the reason. shared: the one and only,
 * referenced, or NULL. */
static bool worker_connect(
	struct worker *w, uint64_t generation, virConnectPtr shared, char *text, size_t size)
{
	const char *type;

	if (w->exec.conn && (w->generation != generation || virConnectIsAlive(w->exec.conn) == 0))
		worker_close(w);
	if (w->exec.conn) {
		if (shared)
			virConnectClose(shared);
		return true;
	}
	if (shared) {
		w->exec.conn = shared;
	} else {
		hv_count(w->hv, HV_CALL_OPEN);
		w->exec.conn = hv_open(w->hv, text, size);
	}
	if (!w->exec.conn)
		return false;
	type = virConnectGetType(w->exec.conn);
	w->exec.is_qemu = type && streq(type, "QEMU");
	w->generation = generation;
	return true;
}

/* What a stopped process would do with a call: hold it until it is continued, if ever. */
static bool worker_sees_stopped(struct worker *w, const struct sched_task *t, pid_t pid)
{
	return pid > 0 && t->req.call != HV_CALL_GET_XML && !w->hv->ignore_process_state &&
	       process_is_stopped(w->hv->proc_root, pid);
}

/* No connection, and nothing was asked of the guest. Where libvirt is away the control thread sees
 * that too, and tells all. Where it lets only us not in (polkit does not answer, too many clients),
 * a command has failed, and its owner pauses; what was to be read still is not, and says nothing of
 * its guest. */
static void worker_refused(const struct sched_task *t, struct sched_answer *a)
{
	char text[sizeof(a->text)];

	a->error = -ENOTCONN;
	if (!hv_call_mutates(t->req.call))
		return;
	memcpy(text, a->text, sizeof(text));
	snprintf(a->text, sizeof(a->text), "libvirt lets no further connection in: %.150s", text);
	a->error = -EIO;
}

static void worker_make(
	struct worker *w, struct sched_task *t, uint64_t generation, virConnectPtr shared)
{
	struct sched_answer *a = &t->answer;

	if (!worker_connect(w, generation, shared, a->text, sizeof(a->text))) {
		worker_refused(t, a);
		return;
	}
	hv_exec(&w->exec, t);
	/* Only this connection broke (libvirtd ended it, say): every call can be made twice. */
	if (a->error == -ENOTCONN && !w->hv->one_connection) {
		worker_close(w);
		free(a->balloons);
		*a = (struct sched_answer){.error = -ENOTCONN};
		if (worker_connect(w, generation, NULL, a->text, sizeof(a->text)))
			hv_exec(&w->exec, t);
		else if (!t->changing)
			worker_refused(t, a);
		/* One that changes was made once already, and may have been carried out. */
		if (a->error < 0 && a->error != -ENOENT && t->changing)
			a->error = -ENOTCONN;
	}
}

/* Waits for work; NULL: this worker is to end. Locked. */
static struct sched_task *worker_wait(struct worker *w)
{
	struct hv *hv = w->hv;
	struct timespec until;
	bool over = false;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += HV_WORKER_IDLE_SEC;
	for (;;) {
		struct sched_task *t;

		if (hv->stopping)
			return NULL;
		if (hv->sched.n_under_way < sched_concurrency(&hv->sched)) {
			t = sched_take(&hv->sched, hv_now_usec());
			if (t)
				return t;
		}
		/* Substitutes go when those they stood in for are back. */
		if (hv->n_workers > sched_concurrency(&hv->sched) && hv->n_idle > 0)
			return NULL;
		if (over && hv->n_workers > hv->sched.n_substituted + 1)
			return NULL;
		if (over)
			until.tv_sec += HV_WORKER_IDLE_SEC;
		hv->n_idle++;
		/* What came in the moment in which the time was over is looked for once more. */
		over = pthread_cond_timedwait(&hv->work, &hv->lock, &until) == ETIMEDOUT;
		hv->n_idle--;
	}
}

static pid_t task_pid(struct hv *hv, const struct sched_task *t)
{
	struct known *k = t->req.call == HV_CALL_READ_BALLOONS ? NULL : hv_known(hv, &t->req.guest);

	return k && k->guest ? k->guest->pid : 0;
}

/* A definition that came too late is not told any more; it is read again when the guest answers. */
static void drop_late(struct sched_task *t)
{
	if (!t->told)
		return;
	hv_guest_unref(t->answer.guest);
	t->answer.guest = NULL;
}

static void worker_step(struct worker *w, struct sched_task *t)
{
	struct hv *hv = w->hv;
	uint64_t generation = hv->generation;
	virConnectPtr shared = hv->shared;
	pid_t pid = task_pid(hv, t);

	if (shared)
		virConnectRef(shared);
	hv_pump(hv); /* the deadline, and whoever else has work */
	hv_unlock(hv);
	if (worker_sees_stopped(w, t, pid)) {
		t->answer.stopped = true;
		t->answer.error = -ETIMEDOUT;
		if (shared)
			virConnectClose(shared);
	} else {
		worker_make(w, t, generation, shared);
	}
	hv_lock(hv);
	hv->replaced += t->substituted;
	drop_late(t);
	sched_return(&hv->sched, t, hv_now_usec());
	hv_pump(hv);
}

void *hv_worker_run(void *data)
{
	struct worker w = {.hv = data, .exec = {.hv = data}};
	struct hv *hv = data;
	struct sched_task *t;

	hv_lock(hv);
	while ((t = worker_wait(&w)))
		worker_step(&w, t);
	hv->n_workers--;
	hv_unlock(hv);
	worker_close(&w);
	hv_lock(hv);
	hv_thread_ends(hv);
	return NULL;
}
