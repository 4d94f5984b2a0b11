/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"
#include "daemon/hv/hv-guest.h"
#include "daemon/hv/hv-call.h"

/*
 * The hypervisor's face, and the only way to libvirt. One struct hv a process. Nothing here blocks:
 * calls are queued with hv_submit(), run by bounded worker threads, and their results and libvirt's
 * events wait behind hv_fd() until hv_dispatch() hands them to the callbacks in the caller's (main
 * loop's) thread, in the order in which they happened.
 *
 * A call that misses its deadline ends with -ETIMEDOUT and its guest is in quarantine: no call is
 * accepted for it (-EBUSY) until the late call has come back and the guest was read again in time;
 * guest_recovered() then says what is so. The effect of a setMemory that timed out is unknown until
 * then: the guest is to be charged at the larger of its old and new size.
 */
struct hv;

/* When libvirt goes away, and why it does not come back at once. */
struct hv_down {
	const char *reason;  /* libvirt's words */
	bool lost;	     /* true: it was connected; false: one more attempt failed */
	uint64_t retry_usec; /* the next attempt is this far away: 0.1 s doubling to 10 s, for ever
			      */
};

/* What is known of a guest that is in quarantine. */
struct hv_overdue {
	struct uuid guest;
	enum hv_call call; /* the one that is overdue */
	uint64_t bytes;	   /* SET_MEMORY: the size that may yet take effect; else 0 */
	unsigned overdue;  /* calls that are overdue now on the whole host */
	const char *why;   /* a sentence's worth, for the journal */
};

/* Why a guest is no longer there. */
enum hv_gone {
	HV_GONE_SHUTDOWN,  /* by its own will */
	HV_GONE_DESTROYED, /* somebody pulled its plug */
	HV_GONE_CRASHED,
	HV_GONE_MIGRATED, /* it runs elsewhere now */
	HV_GONE_SAVED,
	HV_GONE_FAILED,
	HV_GONE_UNSEEN, /* it was not there any more when we looked after a reconnect */
	HV_GONE_MAX,
	HV_GONE_INVALID = -1,
};
DECLARE_STRTAB(hv_gone, enum hv_gone)

/*
 * Callbacks, all required, all called from hv_dispatch() only. Pointers in arguments are valid
 * during the call; a guest may be kept with hv_guest_ref(). A callback may call hv_submit(), never
 * hv_stop(), hv_free() or hv_dispatch().
 */
struct hv_ops {
	/* Connected for the generation'th time (counts from 1) to a libvirt of this version
	 * ("9.0.0"; the daemon's where it is another one than our library's; "" when it does not
	 * say). Guests follow: those that are new or another incarnation appear, changed ones
	 * change, vanished ones go; then synced(). */
	void (*connected)(void *data, uint64_t generation, const char *version);
	void (*synced)(void *data, uint64_t generation);
	/* All calls under way end with -ENOTCONN before this. Guests stay as they were: they run on
	 * without libvirt. */
	void (*disconnected)(void *data, const struct hv_down *down);

	/* A guest runs (or is paused) that was not known: started, restored, migrated in, or there
	 * at connect. */
	void (*guest_appeared)(void *data, const struct hv_guest *g);
	/* Something in it differs from what was told last; what is a mask of HV_CHANGED_*. */
	void (*guest_changed)(void *data, const struct hv_guest *g, unsigned what);
	void (*guest_gone)(void *data, const struct uuid *guest, enum hv_gone why);
	/* Its virtual machine was reset (a reboot from inside, or `virsh reset`): the balloon
	 * device keeps its old figure. */
	void (*guest_reset)(void *data, const struct uuid *guest);

	/* BALLOON_CHANGE: at most once a second a guest, so up to 1 s late. Read the balloon for
	 * the truth. */
	void (*balloon_changed)(void *data, const struct uuid *guest, uint64_t actual_bytes);
	/* A libvirt job (migration, dump, save) was noticed or has ended. There is no event for its
	 * start: it is noticed by a migration's iteration, by -EBUSY of a SET_MEMORY (which asks
	 * first), or by JOB_INFO. */
	void (*job_started)(void *data, const struct uuid *guest);
	void (*job_ended)(void *data, const struct uuid *guest, bool completed);

	/* Told once when a call on it misses the deadline. Its call_done() with -ETIMEDOUT comes
	 * right after. */
	void (*guest_quarantined)(void *data, const struct hv_overdue *o);
	/* It answers again; balloon is freshly read. Send the wanted target again if it is another
	 * one. */
	void (*guest_recovered)(
		void *data, const struct uuid *guest, const struct hv_balloon *balloon);

	/* Something for the journal that has no other callback: a definition that cannot be read, a
	 * missing event, and the like. guest is NULL where it is about none. */
	void (*trouble)(void *data, const struct uuid *guest, const char *text);

	/* Every accepted call ends here exactly once (hv_stop() ends them with -ECANCELED). */
	void (*call_done)(void *data, const struct hv_result *r);
};

struct hv_config {
	const char *uri; /* NULL: "qemu:///system". test:///default and test:///FILE work too (one
			    connection for all) */
	uint64_t deadline_usec; /* of a call; 0: 2.5 s */
	unsigned workers; /* calls at once on healthy guests; 0: 3. At most 4: libvirtd serves 5 a
			     connection */
	const char *proc_root;	  /* where /proc is found: NULL: "/" (tests: a fabricated tree) */
	const char *channel_name; /* NULL: "org.ballast.agent.0" */
	/* Ask libvirt even where /proc says that a guest's QEMU is stopped (state T). Without, such
	 * a guest is put into quarantine with nothing left hanging. For tests of what hangs. */
	bool ignore_process_state;
};

/* Returns 0 or -ENOMEM, -EINVAL (workers out of range), -errno of eventfd(2). Copies config and
 * ops. Starts nothing. */
int hv_new(const struct hv_config *config, const struct hv_ops *ops, void *data, struct hv **ret)
	_nonnull_args_(1, 2, 4) _must_check_;
/* Starts the threads and the first attempt to connect. Returns 0 or -errno. Once in an hv's
 * life. */
int hv_start(struct hv *hv) _nonnull_ _must_check_;
/* Ends it: nothing new is accepted, idle threads end, connections close. Waits at most timeout_usec
 * for calls under way; a thread that libvirt still holds is left behind (detached, with the memory
 * that it needs) and ends with the process. Results of calls that did not finish are delivered by a
 * last hv_dispatch(). */
void hv_stop(struct hv *hv, uint64_t timeout_usec) _nonnull_;
/* Takes NULL, returns NULL. Stops first, without waiting, where hv_stop() was not called. */
struct hv *hv_free(struct hv *hv);
DEFINE_CLEANUP(struct hv *, hv_free)
#define _cleanup_hv_ _cleanup_(hv_freep)

/* Readable (EPOLLIN) when something waits. Owned by hv. */
int hv_fd(const struct hv *hv) _nonnull_ _pure_;
/* Delivers what waits, at most max items (0: all that are there now), so that a flood cannot hold
 * the main loop. Returns how many; the fd stays readable while more wait. */
int hv_dispatch(struct hv *hv, unsigned max) _nonnull_;

/*
 * Queues a call. Copies everything in req. Calls on one guest run one after the other in the order
 * given, on different guests at once; a SET_MEMORY or SET_CPU that still waits when a newer one of
 * its kind comes for the same guest ends with -ECANCELED (the newer one counts). Returns 0 and an
 * id (> 0, never reused), or -ENOTCONN (libvirt is away), -ENOENT (no such guest runs), -EBUSY
 * (quarantine), -EINVAL, -ENOBUFS (more than 64 calls wait for this guest, or HV_QUEUE_MAX in all),
 * -ENOMEM. Observe mode is the caller's business: it submits nothing for which hv_call_mutates()
 * holds.
 */
int hv_submit(struct hv *hv, const struct hv_request *req, uint64_t *ret_id)
	_nonnull_args_(1, 2) _must_check_;
#define HV_QUEUE_MAX 8192

/*
 * Takes back all calls that change a guest and were not handed to libvirt yet: each ends with
 * -ECANCELED, in order, before this returns (hv_dispatch() tells), and none of them goes out. Those
 * that libvirt has go on: returns how many, not counting those that are overdue; they are calls up
 * to *ret_until_id, for hv_changing(). For who must be able to say "from now on nothing is
 * touched".
 */
unsigned hv_withdraw(struct hv *hv, uint64_t *ret_until_id) _nonnull_;
/* How many calls up to this id libvirt has still that change a guest, not counting those that are
 * overdue. The end of each is told by call_done(), or by disconnected(). */
unsigned hv_changing(struct hv *hv, uint64_t until_id) _nonnull_;

/* Does libvirt say that it runs? Its definition may not have been read yet, or cannot be: then it
 * never appeared. */
bool hv_runs(struct hv *hv, const struct uuid *guest) _nonnull_;
/* Did libvirt know it at all, running or not, when it was asked last: at the connect, and every ten
 * minutes? */
bool hv_listed(struct hv *hv, const struct uuid *guest) _nonnull_;

/* How often libvirt was asked, by kind, since hv_new(): those submitted and those that hv makes for
 * itself. Thread-safe. */
struct hv_counters {
	uint64_t calls[HV_CALL_MAX];
	uint64_t mutating; /* sum over the kinds that change a guest */
	uint64_t events;   /* received from libvirt */
	uint64_t timeouts; /* calls that missed their deadline */
	uint64_t reconnects;
	uint64_t replaced;    /* connections left behind with a call that hung, and replaced */
	unsigned overdue;     /* now */
	unsigned quarantined; /* now */
	unsigned threads;     /* now */
};
void hv_counters(struct hv *hv, struct hv_counters *ret) _nonnull_;
