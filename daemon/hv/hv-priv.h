/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "daemon/host/process.h"
#include "daemon/hv/hv-guest-priv.h"
#include "daemon/hv/hv-sched.h"

/*
 * Inside hv/. Threads: the owner's (main loop), the libvirt thread (event loop and all deadlines),
 * the control thread (connects, lists), workers (calls on guests). Each worker has a connection of
 * its own: a call that hangs can hold up nobody else's, and libvirtd's limit of five requests a
 * connection is never met. (DESIGN.md has one shared connection for healthy guests and one for
 * suspects, replaced after three overdue calls; one a worker keeps the same promise with less to go
 * wrong.) One lock guards everything in struct hv that is not said to be otherwise; no libvirt call
 * but virEvent*() is made under it.
 */

/* libvirtd probes each connection after 5 s of silence (its keepalive_interval), so that ours are
 * sent only when it does not: a frozen libvirtd is found within 20 s, at no cost while it lives. */
#define HV_KEEPALIVE_SEC    10
#define HV_KEEPALIVE_COUNT  1
#define HV_BACKOFF_MIN_USEC (100 * USEC_PER_MSEC)
#define HV_BACKOFF_MAX_USEC (10 * USEC_PER_SEC)
/* Connecting and listing take this long before they are said to hang. */
#define HV_CONTROL_USEC (10 * USEC_PER_SEC)
/* Everything is listed and read again, should an event ever have been lost. */
#define HV_RESYNC_USEC (10 * USEC_PER_MIN)
/* libvirt tells of no job's start and not of every job's end: a known one is looked at this
 * often. */
#define HV_JOB_POLL_USEC (2 * USEC_PER_SEC)
/* A worker beyond the first ends, and closes its connection, after so long without work. libvirtd's
 * probes of it cost 22 us of CPU a second; to open another one takes 4.7 ms and, polkitd's and the
 * bus's with it, 2.9 ms of CPU (BENCHMARKS.md). The last one stays: an open may be refused, or
 * hang, just when memory is needed. */
#define HV_WORKER_IDLE_SEC 60

/* A running guest as libvirt's thread knows it: what hangs on sched_guest.owner. */
struct known {
	struct sched_guest *sg;
	int id; /* libvirt's; -1: not known */
	uint64_t lists; /* hv.lists when it became known, or an event last said that it runs */
	const struct hv_guest *guest; /* told last; NULL: not yet, it is being read */
	bool syncing;	/* counts in hv.sync_pending */
	bool job;	/* a job was told to have started */
	bool stranger_told; /* another user's process that claims to be its QEMU */
};

enum item_kind {
	ITEM_CONNECTED,
	ITEM_SYNCED,
	ITEM_DISCONNECTED,
	ITEM_APPEARED,
	ITEM_CHANGED,
	ITEM_GONE,
	ITEM_RESET,
	ITEM_BALLOON,
	ITEM_JOB_STARTED,
	ITEM_JOB_ENDED,
	ITEM_QUARANTINED,
	ITEM_RECOVERED,
	ITEM_TROUBLE,
	ITEM_DONE,
};

/* What waits for hv_dispatch(). One fat kind: a few a second at most. */
struct item {
	enum item_kind kind;
	struct item *next;
	struct uuid uuid;
	const struct hv_guest *guest; /* APPEARED, CHANGED: a reference */
	uint64_t number; /* generation, bytes, retry_usec, mask, enum hv_gone, completed */
	bool lost;
	char *text; /* owned */
	struct hv_overdue overdue;
	struct hv_result result;     /* balloons and text point to the two beside it */
	struct hv_balloon *balloons; /* owned; RECOVERED: one */
};

struct hv {
	pthread_mutex_t lock;
	pthread_cond_t work;	/* workers: something may run */
	pthread_cond_t control; /* control: closed, resync or stop */
	pthread_cond_t ended;	/* hv_stop(): a thread ended */

	/* Set at creation, read by all. */
	const struct hv_ops *ops;
	void *data;
	char *uri;
	char *channel_name;
	char *proc_root;
	bool one_connection; /* test driver: a connection is a world of its own */
	bool ignore_process_state;
	int efd;

	struct sched sched;
	struct item *out, **out_tail;
	unsigned refs; /* the owner and each thread */

	bool started, stopping, abandoned;
	unsigned n_threads, n_workers, n_idle;

	uint64_t generation;
	bool connected; /* told so; guests may be asked */
	bool closed;	/* libvirt said the control connection is gone */
	bool resync;	/* list again at once */
	char close_reason[128];
	virConnectPtr shared; /* one_connection: the control thread's, valid while connected */
	uint64_t control_since_usec; /* the control thread is in a call that can hang since; 0: it
					is not */
	bool control_told;	     /* ... and that was told */
	unsigned sync_pending;
	uint64_t lists; /* asked for so far */
	/* all that libvirt knew when it was asked last, running or not; sorted */
	struct uuid *listed;
	size_t n_listed;
	unsigned n_jobs;
	uint64_t job_poll_usec;

	int timer;	     /* libvirt's; -1: none */
	uint64_t armed_usec; /* when it goes off; USEC_INFINITY: it does not */

	atomic_uint_fast64_t calls[HV_CALL_MAX];
	atomic_uint_fast64_t events;
	uint64_t replaced;

	pthread_mutex_t
		scan_lock; /* the last look through /proc; own lock: it takes milliseconds */
	struct qemu_process *scan;
	size_t n_scan;
};

uint64_t hv_now_usec(void); /* CLOCK_MONOTONIC */

static inline void hv_lock(struct hv *hv)
{
	pthread_mutex_lock(&hv->lock);
}
static inline void hv_unlock(struct hv *hv)
{
	pthread_mutex_unlock(&hv->lock);
}
static inline void hv_count(struct hv *hv, enum hv_call c)
{
	atomic_fetch_add_explicit(&hv->calls[c], 1, memory_order_relaxed);
}
/* Drops one reference with the lock held; unlocks, and frees where it was the last. */
void hv_unref_unlock(struct hv *hv) _nonnull_;
/* Starts a detached thread that holds a reference. Locked. 0 or -errno. */
int hv_thread(struct hv *hv, const char *name, void *(*run)(void *)) _nonnull_ _must_check_;
/* A thread's last act. Locked; unlocks. */
void hv_thread_ends(struct hv *hv) _nonnull_;

/* --- hv-out.c: towards the main loop. All locked. --- */
extern const struct sched_out hv_sched_out;
/* A new item at the end of the queue, to be filled before the lock is dropped; NULL without memory:
 * then everything is listed anew, since something was lost. */
struct item *hv_push(struct hv *hv, enum item_kind kind, const struct uuid *uuid) _nonnull_args_(1);
void hv_push_down(struct hv *hv, const char *reason, bool lost, uint64_t retry_usec) _nonnull_;
void hv_push_trouble(struct hv *hv, const struct uuid *uuid, const char *text) _nonnull_args_(1, 3);
void hv_out_free(struct hv *hv) _nonnull_;

/* --- hv-guests.c: who runs. All locked. --- */
struct known *hv_known(struct hv *hv, const struct uuid *uuid) _nonnull_;
/* It runs with that id: new, or another incarnation, or to be read again. syncing: synced() waits
 * for it. */
void hv_guest_runs(struct hv *hv, const struct uuid *uuid, int id, bool syncing) _nonnull_;
void hv_guest_gone(struct hv *hv, struct known *k, enum hv_gone why) _nonnull_;
void hv_guest_refresh(struct hv *hv, struct known *k) _nonnull_;
/* Its definition was read (g, whose reference is taken), or not (error, text). */
void hv_guest_read(struct hv *hv, struct known *k, struct hv_guest *g, int error, const char *text)
	_nonnull_args_(1, 2, 5);
void hv_guest_job(struct hv *hv, struct known *k, bool runs, bool completed) _nonnull_;
/* After the list: the count of those that synced() waits for is complete. */
void hv_sync_check(struct hv *hv) _nonnull_;
void hv_guests_free(struct hv *hv) _nonnull_;
/* What there is, as listed: uuid and id. */
struct listed {
	struct uuid uuid;
	int id; /* -1: defined, does not run */
};
/* A list is about to be asked for. */
void hv_list_begins(struct hv *hv) _nonnull_;
/* That list. It is of some time since then, and not of one instant: of a guest that was heard of
 * since it says nothing. Sorts all. */
void hv_guests_listed(struct hv *hv, struct listed *all, size_t n) _nonnull_args_(1);

/* --- hv-loop.c: libvirt's thread. --- */
int hv_loop_start(struct hv *hv) _nonnull_ _must_check_; /* locked */
/* Looks after everything that waits or is due: deadlines, re-reads, workers. To be called after
 * each change. Locked. */
void hv_pump(struct hv *hv) _nonnull_;
/* Wakes the loop to look at stopping. Locked. */
void hv_loop_poke(struct hv *hv) _nonnull_;

/* --- hv-event.c --- */
#define HV_EVENTS_MAX 8
int hv_events_register(struct hv *hv, virConnectPtr conn, int ids[static HV_EVENTS_MAX]) _nonnull_;
void hv_events_deregister(virConnectPtr conn, const int ids[static HV_EVENTS_MAX]) _nonnull_;

/* --- hv-control.c, hv-worker.c: threads --- */
void *hv_control_run(void *data);
void *hv_worker_run(void *data);

/* --- hv-exec.c: the calls themselves; no lock. --- */
struct exec {
	struct hv *hv;
	virConnectPtr conn;
	bool is_qemu; /* has processes */
};
/* Opens a connection with keep-alive off; NULL with libvirt's words in text. */
virConnectPtr hv_open(struct hv *hv, char *text, size_t size) _nonnull_;
/* libvirt's last error on this thread as -errno; text gets its words. */
int hv_error(virConnectPtr conn, char *text, size_t size) _nonnull_args_(2);
/* The call that mutates is made now: false, with t->answer filled, where it was withdrawn
 * meanwhile. No lock. */
bool hv_may_change(struct hv *hv, struct sched_task *t) _nonnull_ _must_check_;
/* Makes one call and fills t->answer. */
void hv_exec(struct exec *x, struct sched_task *t) _nonnull_;
