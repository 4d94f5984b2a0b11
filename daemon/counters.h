/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/histogram.h"
#include "common/strtab.h"
#include "daemon/eventlog.h"

/*
 * What the daemon counts since it started, as a part of the view: plain numbers, kept by the main
 * loop and copied with everything else. What the HTTP thread counts (http-stats.h) is not here.
 */

/* How a call of libvirt's ended. */
enum call_result {
	CALL_OK,
	CALL_TIMEOUT,	   /* missed its deadline: the guest is in quarantine */
	CALL_BUSY,	   /* a libvirt job runs on the guest */
	CALL_GONE,	   /* the guest is not there any more */
	CALL_DISCONNECTED, /* libvirt went away meanwhile */
	CALL_WITHDRAWN,	   /* a newer one took its place, or it was taken back */
	CALL_UNSUPPORTED,
	CALL_DENIED,
	CALL_FAILED, /* anything else that libvirt says */
	CALL_RESULT_MAX,
	CALL_RESULT_INVALID = -1,
};
DECLARE_STRTAB(call_result, enum call_result)
/* From an hv_result's error. */
enum call_result call_result_of(int error) _const_;

/* Of an operation (manager-operation.c). */
enum operation_state {
	OPERATION_RUNNING,
	OPERATION_DONE,
	OPERATION_FAILED,
	OPERATION_CANCELLED,
	OPERATION_MAX,
	OPERATION_INVALID = -1,
};
DECLARE_STRTAB(operation_state, enum operation_state)

/* One kind of call. */
struct counted_call {
	const char *name;			   /* "set-memory"; a constant */
	bool mutates;				   /* it changes something about a guest */
	/* asked of libvirt, what its adapter asks for itself included */
	uint64_t made;
	uint64_t results[CALL_RESULT_MAX]; /* of those that the manager asked for, how they ended */
};
#define COUNTED_CALLS_MAX 16

struct counters {
	uint64_t decisions;
	struct histogram decide; /* how long each took */
	struct histogram turn;	 /* of the main loop: from being woken until it waits again */
	/* what the HTTP thread handed to the main loop: until that took it */
	struct histogram wait;

	bool libvirt_connected;
	struct counted_call calls[COUNTED_CALLS_MAX];
	size_t n_calls;
	uint64_t libvirt_events, libvirt_timeouts, libvirt_reconnects, libvirt_replaced;
	unsigned libvirt_overdue, libvirt_quarantined, libvirt_threads; /* now */

	/* Lines of agents, of guests that are gone too. */
	uint64_t agent_bytes, agent_reports, agent_stale, agent_bad, agent_connects,
		agent_throttles, agent_closures;

	/* all that happened, told or not */
	uint64_t daemon_events[DAEMON_EVENT_MAX], plan_events[EVENT_KIND_MAX];
	uint64_t events_untold; /* of those, in the list as a number only */

	bool store_there; /* false: a dry run; the next eight mean nothing */
	uint64_t store_commits, store_rows, store_lost, store_failures;
	unsigned store_waiting; /* now */
	/* the state file, what it may become (0: no bound), and its oldest sample (0: none) */
	uint64_t store_bytes, store_max_bytes, store_oldest_sec;
	unsigned operations_running;	     /* now */
	uint64_t operations[OPERATION_MAX];  /* that ended, by state */
	uint64_t journal_dropped; /* lines that nobody read in time */
};
