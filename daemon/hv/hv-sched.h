/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <uthash.h>

#include "daemon/hv/hv.h"

/*
 * Which call runs when, and what is thought of a guest on which one hangs. Pure: no libvirt, no
 * thread, no clock; time comes in, everything that the outside must learn goes out through struct
 * sched_out. The owner holds one lock around all of it.
 *
 * Life of a guest's trust:
 *
 *   TRUSTED --a call misses its deadline--> QUARANTINED --it came back; re-read in time--> TRUSTED
 *      |                                        ^
 *      `--a bulk call with it hangs--> DOUBTED -'--re-read in time--> TRUSTED (nobody was told)
 *
 * A worker whose call takes longer than `slow` does not count as a worker any more, so that another
 * takes its place, for at most OVERDUE_MAX calls; so ten guests that hang at once delay the others
 * by tenths of a second, not by deadlines.
 */

/* At most so many hanging calls have a substitute worker, and no suspect is re-read while there are
 * so many. With the workers (at most 4) libvirtd keeps 8 of its 20 (max_workers) for everybody
 * else. */
#define SCHED_OVERDUE_MAX 8
/* Slowest of 60 calls on a loaded machine: 45 ms. */
#define SCHED_SLOW_USEC (300 * USEC_PER_MSEC)
#define SCHED_GUEST_QUEUE_MAX 64
#define SCHED_RETRY_MIN_USEC (1 * USEC_PER_SEC)
#define SCHED_RETRY_MAX_USEC (10 * USEC_PER_SEC)

enum sched_trust {
	SCHED_TRUSTED,
	SCHED_DOUBTED,
	SCHED_QUARANTINED,
	SCHED_TRUST_MAX,
	SCHED_TRUST_INVALID = -1,
};
DECLARE_STRTAB(sched_trust, enum sched_trust)

/* What a call brought home. Written by the worker while the call is its own. */
struct sched_answer {
	int error;
	char text[256]; /* libvirt's words, cut */
	bool stopped;	/* the process was seen standing still and libvirt was not asked */
	struct hv_balloon *balloons; /* owned */
	size_t n_balloons;
	uint64_t cpu_weight;
	uint64_t cpu_quota_permyriad;
	struct hv_cpu cpu;
	struct hv_job job;
	bool plugged;
	bool at_next_start;
	void *guest; /* GET_XML: what the owner made of it */
};

/* One call. Owned by the scheduler but while it is under way: then req, guests and answer are the
 * worker's. */
struct sched_task {
	struct hv_request req;
	struct uuid guests[HV_BULK_MAX]; /* req.guests points here */
	struct sched_answer answer;
	uint64_t id;	       /* 0: hv's own call (re-read, definition, job) */
	uint64_t started_usec; /* 0: still waits */
	bool slow;	       /* longer under way than SCHED_SLOW_USEC */
	bool substituted;      /* another worker took the place of this one's */
	bool overdue;	       /* missed its deadline */
	bool told;	       /* its end was told */
	bool lost;	       /* libvirt went away under it */
	bool changing;	       /* it mutates, and has been handed to libvirt */
	bool withdrawn;	       /* it must not be any more */
	struct sched_task
		*next; /* in its guest's queue, the bulk queue, or the list of those under way */
};

struct sched_queue {
	struct sched_task *head, **tail;
};

struct sched_guest {
	struct uuid uuid;
	void *owner; /* the outside's own */
	enum sched_trust trust;
	bool probing;	     /* a re-read waits or is under way */
	uint64_t retry_usec; /* DOUBTED, QUARANTINED: not re-read before */
	uint64_t retry_pause_usec;
	struct sched_task *running; /* the call that is under way for it */
	struct sched_queue queue;   /* hv's own first */
	unsigned n_queued;
	bool ready; /* in the ready list */
	struct sched_guest *ready_next;
	UT_hash_handle hh;
};

/* What goes out. All required. Called with the owner's lock held; they queue, they do not call
 * back. */
struct sched_out {
	/* The end of a call, hv's own included. answer: what it brought, to be taken from; NULL: it
	 * did not come back (in time). */
	void (*done)(void *data, const struct sched_task *t, int error, const char *text,
		struct sched_answer *answer);
	void (*quarantined)(void *data, const struct hv_overdue *o);
	void (*recovered)(void *data, const struct sched_guest *g, const struct hv_balloon *b);
};

struct sched {
	const struct sched_out *out;
	void *data;
	uint64_t deadline_usec;
	unsigned workers;
	bool connected;
	uint64_t last_id;
	struct sched_guest *guests;		 /* by UUID */
	struct sched_guest *ready, **ready_tail; /* have something to run */
	struct sched_queue bulk;
	bool bulk_running;
	struct sched_task *under_way;
	unsigned n_queued; /* submitted by others, in all queues */
	unsigned n_under_way;
	unsigned n_substituted;
	unsigned n_overdue; /* missed the deadline and still under way */
	unsigned n_probing;
	unsigned n_suspects; /* not TRUSTED */
	unsigned n_quarantined;
	uint64_t timeouts;
};

void sched_init(struct sched *s, const struct sched_out *out, void *data, unsigned workers,
	uint64_t deadline_usec) _nonnull_args_(1, 2);
/* Frees all guests, what waits and what is under way, silently. Nobody may run a call any more. */
void sched_clear(struct sched *s) _nonnull_;

struct sched_guest *sched_find(const struct sched *s, const struct uuid *uuid) _nonnull_ _pure_;
/* Returns NULL without memory. */
struct sched_guest *sched_guest_add(struct sched *s, const struct uuid *uuid, void *owner)
	_nonnull_args_(1, 2) _must_check_;
/* What waits for it ends with -ENOENT; a call under way ends when it returns. Frees g. */
void sched_guest_remove(struct sched *s, struct sched_guest *g) _nonnull_;

/* As hv_submit(). */
int sched_submit(struct sched *s, const struct hv_request *req, uint64_t *ret_id)
	_nonnull_args_(1, 2) _must_check_;
/* hv's own call on a guest, before all that waits. Nothing happens where one of its kind waits
 * already, or while disconnected. 0 or -ENOMEM. */
int sched_submit_own(
	struct sched *s, struct sched_guest *g, enum hv_call call) _nonnull_ _must_check_;

/* The next call, now under way and the worker's until sched_return(); NULL: nothing may run. */
struct sched_task *sched_take(struct sched *s, uint64_t now_usec) _nonnull_ _must_check_;
/* Does something wait that may run now? */
bool sched_has_work(const struct sched *s) _nonnull_ _pure_;
/* How many calls may be under way at once now: the workers, and a substitute for each that is
 * slow. */
unsigned sched_concurrency(const struct sched *s) _nonnull_ _pure_;

/* A worker hands its call back with t->answer filled. Tells its end unless it was told, changes the
 * guest's trust, frees t. */
void sched_return(struct sched *s, struct sched_task *t, uint64_t now_usec) _nonnull_;

/* The worker asks right before it hands a call that mutates to libvirt, each time: false, with the
 * answer filled, where it must not go out any more. */
bool sched_may_change(struct sched_task *t) _nonnull_ _must_check_;
/* As hv_withdraw(). */
unsigned sched_withdraw(struct sched *s, uint64_t *ret_until_id) _nonnull_;
/* As hv_changing(). */
unsigned sched_changing(const struct sched *s, uint64_t until_id) _nonnull_ _pure_;

/* Marks slow and overdue calls and queues the re-reads that are due. Returns when it wants to be
 * called again; USEC_INFINITY: not before another call was taken. */
uint64_t sched_tick(struct sched *s, uint64_t now_usec) _nonnull_;

void sched_connect(struct sched *s) _nonnull_;
/* libvirt is away: what waits or is under way ends with error; a guest with a change under way is
 * doubted. */
void sched_disconnect(struct sched *s, uint64_t now_usec, int error) _nonnull_;
