/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/channel/hub.h"
#include "daemon/channel/line.h"

/*
 * The host's end of one guest's agent channel: a client of QEMU's UNIX socket. It connects,
 * reconnects for ever with back-off, reads round robin with the other channels (at most 4 KiB a
 * wake-up), keeps the guest within its byte bucket, drops what is old or wrong, and calls back with
 * what is left. Everything here runs in the main loop, in the hub given, and never blocks. In the
 * steady path (a report comes, it is handed on) nothing is allocated.
 *
 * Whether a guest is stale is not judged here: that is decide()'s, by the arrival of its last
 * report.
 */
struct channel;

enum channel_state {
	CHANNEL_CONNECTING, /* no connection; tried again with back-off */
	CHANNEL_WAITING,    /* connected to QEMU, but no agent has answered on this connection */
	CHANNEL_LIVE,       /* the agent answers */
	CHANNEL_THROTTLED,  /* over its bucket: read once a second, only the newest line counts */
	CHANNEL_CLOSED,     /* shut out for a while after a flood or garbage */
	CHANNEL_STATE_MAX,
	CHANNEL_STATE_INVALID = -1,
};
DECLARE_STRTAB(channel_state, enum channel_state)

enum channel_event_kind {
	/* An agent answers: the first hello or report of a connection. */
	CHANNEL_EVENT_UP,
	/* The connection is gone after it was up: QEMU ended, the channel was unplugged. */
	CHANNEL_EVENT_DOWN,
	/* The socket cannot be used. Told once until it can. detail: path and error. */
	CHANNEL_EVENT_UNREACHABLE,
	/* Connected for 10 s and no agent answers: none is installed, or another reader has it. */
	CHANNEL_EVENT_UNANSWERED,
	/* A line was refused. Told for the first of a minute. detail: why. */
	CHANNEL_EVENT_BAD_LINE,
	/* Over its bucket. Told for the first time in a minute. */
	CHANNEL_EVENT_THROTTLED,
	/* Shut out. detail: why and for how long. */
	CHANNEL_EVENT_CLOSED,
	/* That time is over: it is tried again. */
	CHANNEL_EVENT_REOPENED,
	CHANNEL_EVENT_KIND_MAX,
	CHANNEL_EVENT_KIND_INVALID = -1,
};
DECLARE_STRTAB(channel_event_kind, enum channel_event_kind)

/*
 * All entries are required. They are called from the event loop, never from inside a channel_*()
 * call that the user makes (so channel_free() may be called from any of them). What is pointed to
 * is valid during the call only.
 */
struct channel_ops {
	/* A fresh, credible report: arrival_usec is CLOCK_BOOTTIME just after the read returned.
	 * Its boot_id differs from the last one's when the guest was booted anew meanwhile. */
	void (*on_report)(void *userdata, const struct guest_report *report);
	/* On connect, when the agent starts, and when it was asked. */
	void (*on_hello)(void *userdata, const struct agent_hello *hello);
	/* The whole list (at most FILESYSTEMS_MAX), when it changed and after each hello. */
	void (*on_filesystems)(void *userdata, const struct guest_filesystem *fs, size_t n);
	/* Something for the event list and the journal. detail is one printable line for people. */
	void (*on_event)(void *userdata, enum channel_event_kind kind, const char *detail);
};

/* What an agent is told to do; it is sent on every connect and when it changes. */
struct agent_config {
	uint64_t heartbeat_usec;  /* 1 s to 1 h */
	uint32_t available_pct;   /* report when available moved by this much of total: 1 to 50 */
	uint64_t psi_stall_usec;  /* stall within the window that fires the trigger: up to it */
	uint64_t psi_window_usec; /* 500 ms to 10 s; an unprivileged agent takes 2 s */
};
#define AGENT_CONFIG_DEFAULT                                                          \
	{                                                                             \
		.heartbeat_usec = 5 * USEC_PER_SEC, .available_pct = 3,               \
		.psi_stall_usec = 50 * USEC_PER_MSEC, .psi_window_usec = USEC_PER_SEC \
	}

/* Counted since channel_new(), for the API and metrics. */
struct channel_counters {
	uint64_t bytes;       /* read */
	uint64_t reports;     /* handed on */
	uint64_t stale_lines; /* whole lines dropped: a newer one was there */
	uint64_t bad_lines;
	uint64_t connects;
	uint64_t throttles;
	uint64_t closures;
};

/* Makes a channel for the UNIX socket at path and begins to connect from the loop. Copies path; ops
 * userdata and the hub must outlive it. Returns 0, -ENAMETOOLONG (path does
 * not fit a sockaddr_un), -ENOMEM, or what sd-event returns. */
int channel_new(struct hub *hub, const char *path, const struct channel_ops *ops, void *userdata,
	struct channel **ret) _nonnull_args_(1, 2, 3, 5) _must_check_;

/* Closes the connection and frees everything. Takes NULL; allowed from within a callback. Returns
 * NULL. */
struct channel *channel_free(struct channel *c);
DEFINE_CLEANUP(struct channel *, channel_free)
#define _cleanup_channel_ _cleanup_(channel_freep)

/* The guest has another socket now (a restart changes the path in the live XML): drops the old
 * connection, and the baseline like channel_reset(). The same path: only channel_retry(). Returns
 * 0, -ENAMETOOLONG or -ENOMEM. */
int channel_set_path(struct channel *c, const char *path) _nonnull_ _must_check_;

/* The guest was started, reset, restored or reverted: its sequence and counters may begin anew,
 * nothing held back counts. A time for which it is shut out goes on. */
void channel_reset(struct channel *c) _nonnull_;

/* Tries to connect now instead of at the end of the back-off (a device or life-cycle event said
 * that it may work). A shut-out channel stays so. */
void channel_retry(struct channel *c) _nonnull_;

/* Changes what the agent is told; sent now when connected, and on each connect. Returns 0 or
 * -EINVAL (out of the ranges above). */
int channel_configure(struct channel *c, const struct agent_config *config) _nonnull_ _must_check_;

/* To be called from within on_report(): the report was well formed but cannot be true, and
 * counts as a refused line. May call on_event() before it returns; reason is a constant text for
 * people. */
void channel_refuse(struct channel *c, const char *reason) _nonnull_;

/* Asks for a report at once; the answer comes as on_report with REPORT_WHY_REQUEST. Returns 0,
 * -ENOTCONN, or -ENOBUFS (the guest does not read: dropped). */
int channel_ping(struct channel *c) _nonnull_ _must_check_;

enum channel_state channel_state(const struct channel *c) _nonnull_;
const char *channel_path(const struct channel *c) _nonnull_;
const struct channel_counters *channel_counters(const struct channel *c) _nonnull_;
/* Of all channels that this process ever had. */
const struct channel_counters *channel_counters_all(void) _const_;
/* What the agent of this connection told, or NULL before. */
const struct agent_hello *channel_hello(const struct channel *c) _nonnull_;
/* CLOCK_BOOTTIME until which it is shut out; 0 when it is not. */
uint64_t channel_closed_until(const struct channel *c) _nonnull_;
