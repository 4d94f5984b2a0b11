/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/api/http-stats.h"
#include "daemon/view.h"

/*
 * /metrics: what is known, in the text format of Prometheus (version 0.0.4) or in OpenMetrics 1.0.
 * Every metric is declared once, in metric-table.c; ballast-metrics(7) lists the same ones
 * (tests/unit/test-metrics compares). To add one: a name here in the part it belongs to, a row in
 * the table, its value in metric-guest.c, metric-host.c or metric-daemon.c, an entry in the page.
 *
 * No text that a guest chooses becomes a label (what its agent calls its system): each new one
 * would be a new series for ever. Names of guests are the administrator's.
 */
enum metric {
	/* One value for each guest. Labels domain, uuid. */
	METRIC_GUEST_RUNNING,
	METRIC_GUEST_START_TIME,
	METRIC_GUEST_MEMORY_ACTUAL,
	METRIC_GUEST_MEMORY_TARGET,
	METRIC_GUEST_MEMORY_MAX,
	METRIC_GUEST_MEMORY_RESIDENT,
	METRIC_GUEST_MEMORY_QEMU,
	METRIC_GUEST_MEMORY_USED,
	METRIC_GUEST_MEMORY_WANT,
	METRIC_GUEST_MEMORY_FLOOR,
	METRIC_GUEST_MEMORY_MIN,
	METRIC_GUEST_MEMORY_LIMIT,
	METRIC_GUEST_MEMORY_SHARE,
	METRIC_GUEST_MEMORY_CHARGE,
	METRIC_GUEST_MEMORY_AVAILABLE,
	METRIC_GUEST_MEMORY_STALL,
	METRIC_GUEST_SWAP_TOTAL,
	METRIC_GUEST_SWAP_FREE,
	METRIC_GUEST_REFAULTS,
	METRIC_GUEST_MAJOR_FAULTS,
	METRIC_GUEST_OOM_KILLS,
	METRIC_GUEST_PRESSURE_MEMORY_WAITING,
	METRIC_GUEST_PRESSURE_MEMORY_STALLED,
	METRIC_GUEST_PRESSURE_CPU_WAITING,
	METRIC_GUEST_PRESSURE_IO_WAITING,
	METRIC_GUEST_PRESSURE_IO_STALLED,
	METRIC_GUEST_VCPUS,
	METRIC_GUEST_CPU_WEIGHT,
	METRIC_GUEST_CPU_QUOTA,
	METRIC_GUEST_VCPU_TIME,
	METRIC_GUEST_VCPU_DELAY,
	METRIC_GUEST_AGENT_CONNECTED,
	METRIC_GUEST_AGENT_SHUT_OUT,
	METRIC_GUEST_REPORT_TIME,
	METRIC_GUEST_CHANGE_TIME,
	METRIC_GUEST_SINGLE_END,

	/* More than one for each guest. */
	METRIC_GUEST_INFO = METRIC_GUEST_SINGLE_END,
	METRIC_GUEST_CONDITION,

	/* One value, without labels. */
	METRIC_SINGLE_BEGIN,
	METRIC_HOST_MEMORY_TOTAL = METRIC_SINGLE_BEGIN,
	METRIC_HOST_MEMORY_AVAILABLE,
	METRIC_HOST_MEMORY_MANAGED,
	METRIC_HOST_MEMORY_RESERVE,
	METRIC_HOST_MEMORY_OTHER,
	METRIC_HOST_MEMORY_OVERHEAD,
	METRIC_HOST_MEMORY_BUDGET,
	METRIC_HOST_MEMORY_CHARGED,
	METRIC_HOST_MEMORY_RESERVED,
	METRIC_HOST_MEMORY_FREE,
	METRIC_HOST_SWAP_TOTAL,
	METRIC_HOST_SWAP_FREE,
	METRIC_HOST_CPUS,
	METRIC_HOST_CPU_BUSY,
	METRIC_HOST_CPU_STEAL,
	METRIC_HOST_PRESSURE_MEMORY_WAITING,
	METRIC_HOST_PRESSURE_MEMORY_STALLED,
	METRIC_HOST_PRESSURE_CPU_WAITING,
	METRIC_HOST_PRESSURE_IO_WAITING,
	METRIC_GUESTS,
	METRIC_GUESTS_RUNNING,
	METRIC_POLICIES,
	METRIC_POLICIES_OPEN,
	METRIC_POLICIES_STALE,
	METRIC_POLICIES_NEXT_CHANGE,
	METRIC_OVERRIDES,
	METRIC_RESERVATIONS,
	METRIC_PROBLEMS,
	METRIC_READY,
	METRIC_PAUSED,
	METRIC_PAUSED_UNTIL,
	METRIC_VIEW_AGE,
	METRIC_DECISIONS,
	METRIC_EVENTS_UNTOLD,
	METRIC_LIBVIRT_CONNECTED,
	METRIC_LIBVIRT_EVENTS,
	METRIC_LIBVIRT_TIMEOUTS,
	METRIC_LIBVIRT_RECONNECTS,
	METRIC_LIBVIRT_REPLACED,
	METRIC_LIBVIRT_OVERDUE,
	METRIC_LIBVIRT_QUARANTINED,
	METRIC_LIBVIRT_THREADS,
	METRIC_AGENT_BYTES,
	METRIC_AGENT_REPORTS,
	METRIC_AGENT_STALE,
	METRIC_AGENT_BAD,
	METRIC_AGENT_CONNECTS,
	METRIC_AGENT_THROTTLES,
	METRIC_AGENT_CLOSURES,
	METRIC_STORE_COMMITS,
	METRIC_STORE_ROWS,
	METRIC_STORE_LOST,
	METRIC_STORE_FAILURES,
	METRIC_STORE_WAITING,
	METRIC_STORE_SIZE,
	METRIC_STORE_LIMIT,
	METRIC_STORE_OLDEST,
	METRIC_OPERATIONS_RUNNING,
	METRIC_JOURNAL_DROPPED,
	METRIC_HTTP_CONNECTIONS,
	METRIC_HTTP_STREAMS,
	METRIC_HTTP_ACCEPTED,
	METRIC_HTTP_REFUSED,
	METRIC_HTTP_WAITING,
	METRIC_HTTP_RESPONSE_BYTES,
	METRIC_PROCESS_CPU,
	METRIC_PROCESS_RESIDENT,
	METRIC_PROCESS_START_TIME,
	METRIC_SINGLE_END,

	/* With labels of their own, and histograms. */
	METRIC_HOST_STATE = METRIC_SINGLE_END,
	METRIC_HOST_NODE_MEMORY_TOTAL,
	METRIC_HOST_NODE_MEMORY_FREE,
	METRIC_POLICY_OPEN,
	METRIC_POLICY_GUESTS,
	METRIC_PROBLEM,
	METRIC_MODE,
	METRIC_EVENTS,
	METRIC_COMMANDS,
	METRIC_LIBVIRT_CALLS,
	METRIC_LIBVIRT_CALL_ERRORS,
	METRIC_DECIDE_TIME,
	METRIC_LOOP_TURN,
	METRIC_LOOP_WAIT,
	METRIC_HTTP_REQUESTS,
	METRIC_HTTP_TIME,
	METRIC_HTTP_PROBLEMS,
	METRIC_OPERATIONS,
	METRIC_BUILD_INFO,
	METRIC_MAX,
};

enum metric_type {
	METRIC_GAUGE,
	METRIC_COUNTER, /* the name ends in _total */
	METRIC_HISTOGRAM,
};
/* What a value is, and so how it is written. The name says the base unit. */
enum metric_unit {
	METRIC_NUMBER,
	METRIC_USEC,	  /* written as seconds */
	METRIC_PERMYRIAD, /* written as a ratio: 1 is the whole */
};
struct metric_row {
	const char *name;
	enum metric_type type;
	enum metric_unit unit;
	const char *labels; /* "domain, uuid"; "" if none */
	const char *help;   /* one line */
};
extern const struct metric_row metric_table[METRIC_MAX];

/* All that the answer is made of. */
struct metric_input {
	const struct view_input *known;
	const struct http_stats *http;
	uint64_t view_age_usec; /* how old `known` is */
	bool openmetrics;
};

/* Writes the whole answer; it is handed over as text in *o (failed: no memory). */
void serve_metrics(const struct metric_input *in, struct json_out *o) _nonnull_;
#define METRIC_CONTENT_TYPE_TEXT "text/plain; version=0.0.4; charset=utf-8"
#define METRIC_OPENMETRICS "application/openmetrics-text"
#define METRIC_CONTENT_TYPE_OPENMETRICS METRIC_OPENMETRICS "; version=1.0.0; charset=utf-8"

/* ---- between metric*.c ---- */

/* UINT64_MAX: not known, no sample. */
void metric_guest_values(const struct view_input *k, size_t index,
	uint64_t values[static METRIC_GUEST_SINGLE_END]) _nonnull_;
/* Values of METRIC_SINGLE_BEGIN and on, by their number. */
void metric_host_values(
	const struct view_input *k, uint64_t values[static METRIC_SINGLE_END]) _nonnull_;
void metric_daemon_values(
	const struct metric_input *in, uint64_t values[static METRIC_SINGLE_END]) _nonnull_;

struct metric_text;
void metric_write_host(const struct metric_input *in, struct metric_text *t) _nonnull_;
void metric_write_daemon(const struct metric_input *in, struct metric_text *t) _nonnull_;
