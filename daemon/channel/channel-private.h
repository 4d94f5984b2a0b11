/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/un.h>

#include "daemon/channel/bucket.h"
#include "daemon/channel/channel.h"
#include "daemon/channel/freshness.h"
#include "daemon/channel/hub.h"
#include "daemon/channel/intake.h"
#include "daemon/channel/penalty.h"
#include "daemon/sys/clock.h"

/*
 * What the three halves of a channel share: channel.c (life, connection, timer), receive.c (what
 * comes in) and send.c (what goes out). For them and nobody else.
 */

/* One read. The hub serves whoever waits longest, and who reads too often last, so a flood delays
 * others by one such read, some 20 us. */
#define CHANNEL_READ_BYTES 4096
/* Read after connecting without charge, and at most in one look at a throttled channel: QEMU and
 * the port keep 355 kB. */
#define CHANNEL_BACKLOG_BYTES (512 * KIB)
/* A throttled channel is left alone for so long between two looks. */
#define CHANNEL_THROTTLE_USEC USEC_PER_SEC
/* From when on a connection without an answer is told. */
#define CHANNEL_UNANSWERED_USEC (10 * USEC_PER_SEC)
/* Back-off of connecting, and of asking an agent that does not answer. */
#define CHANNEL_RETRY_MIN_USEC (250 * USEC_PER_MSEC)
#define CHANNEL_RETRY_MAX_USEC (30 * USEC_PER_SEC)
#define CHANNEL_PING_MIN_USEC USEC_PER_SEC
#define CHANNEL_PING_MAX_USEC USEC_PER_MIN
#define CHANNEL_HELLO_AGAIN_USEC USEC_PER_MIN
/* A socket that is missing while its QEMU starts is nothing to tell; one that stays away is. */
#define CHANNEL_RETRIES_UNTOLD 3
/* The longest line that is sent, and what a guest that does not read can make us keep. */
#define CHANNEL_SEND_BYTES 256

struct channel {
	const struct channel_ops *ops;
	void *userdata;
	struct hub *hub;
	struct hub_member member; /* hub NULL: not connected */
	sd_event_source *timer;   /* one for all that is waited for; off in the steady state */
	int fd;
	struct sockaddr_un address;

	enum channel_state state;
	/* Grows with every close: who called back sees by it that the ground was moved under it. */
	unsigned generation;
	unsigned depth; /* of callbacks; freed by the outermost when doomed */
	bool doomed;

	/* Points in time, CLOCK_BOOTTIME; USEC_INFINITY: not waited for. */
	uint64_t retry_usec;
	uint64_t throttle_usec;
	uint64_t ping_usec;
	uint64_t armed_usec; /* what the timer is set to */
	uint64_t retry_delay_usec;
	uint64_t ping_delay_usec;
	uint64_t connected_usec;
	unsigned retries;
	int told_errno; /* of the last CHANNEL_EVENT_UNREACHABLE */
	bool told_unanswered;
	bool up; /* CHANNEL_EVENT_UP was told for this connection */
	uint64_t told_bad_usec, told_throttled_usec; /* 0: never */

	/* Out. What could not be sent yet: the rest of a line, then what is wanted. */
	struct agent_config config;
	bool want_resync, want_config, want_ping, want_hello;
	bool polling_out;    /* for the socket to be writable */
	uint64_t asked_usec; /* when the last ping for that was sent */
	uint64_t ping_id;    /* newest */
	uint64_t sync_id;    /* the oldest whose answer proves that a line is fresh */
	size_t sending;
	char send[CHANNEL_SEND_BYTES];

	/* In. */
	bool synced; /* a ping was answered: lines are judged by their age. Else they are held back
	              */
	bool draining;          /* a look at a throttled channel: only the newest line counts */
	uint64_t backlog_bytes; /* uncharged ones after connecting, or read in this look */
	struct bucket bucket;
	struct penalty penalty;
	struct freshness freshness;
	bool has_last, has_held, has_hello;
	bool held_answers; /* the held line answers a ping */
	bool hello_untold;
	uint64_t hello_asked_usec; /* when one that did not come was asked for again */
	struct guest_report last; /* the last line that was in order, handed on or not */
	struct guest_report held; /* the newest that was not handed on */
	struct agent_hello hello;
	struct channel_counters counters;
	struct intake intake;
};

/* Counts in the channel and in the sum of all. */
extern struct channel_counters channel_sum;
#define channel_count(c, what, n)                    \
	do {                                         \
		(c)->counters.what += (uint64_t)(n); \
		channel_sum.what += (uint64_t)(n);   \
	} while (0)

/* Sets the timer to the earliest of what is waited for. */
void channel_arm(struct channel *c) _nonnull_;
/* Closes the connection; what comes next is the caller's. */
void channel_disconnect(struct channel *c) _nonnull_;
/* The connection is lost: tells it and connects again. */
void channel_lost(struct channel *c, const char *why) _nonnull_;
/* Shuts the guest out for a while. */
void channel_shut_out(struct channel *c, uint64_t now_usec, const char *why) _nonnull_;
/* Calls back; c may be gone or changed when it returns: see enter and leave. */
void channel_tell(struct channel *c, enum channel_event_kind kind, const char *fmt, ...)
	_printf_(3, 4);
/* Around everything that calls back. leave returns NULL when c was freed meanwhile. */
void channel_enter(struct channel *c) _nonnull_;
struct channel *channel_leave(struct channel *c) _nonnull_;

static inline bool channel_connected(const struct channel *c)
{
	return c->member.hub;
}

/* receive.c: reads once and hands on. Returns whether there is more, and it should not wait: lines
 * become old. */
bool channel_receive(struct channel *c) _nonnull_;
/* receive.c: the throttled channel may be looked at again. */
void channel_look(struct channel *c) _nonnull_;

/* send.c: sends what is wanted as far as the socket takes it. -EAGAIN: the rest goes when it is
 * writable. */
int channel_flush(struct channel *c) _nonnull_;
/* send.c: holds back all lines until a new ping is answered. */
void channel_sync(struct channel *c, uint64_t now_usec) _nonnull_;
/* send.c: the last ping was not answered: the next one, and a longer wait. */
void channel_sync_again(struct channel *c, uint64_t now_usec) _nonnull_;
/* send.c: asks for a hello and all file systems. */
void channel_ask_hello(struct channel *c) _nonnull_;
