/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "common/histogram.h"

/*
 * The main loop with many sockets in it that mostly say nothing of interest. It is an sd-event loop
 * and, beside it, one epoll set of members that are served without going through sd-event, with its
 * two epoll_wait(2) a wake-up, its queues and timers: an agent's heartbeat cost 53 us with it,
 * 31-44 us without (waking up and reading alone: 24 us; bench/cost, 100 guests). Three things are
 * saved:
 *
 * - What a member does concerns sd-event only when somebody says so (hub_news()), or when something
 * of the loop's own is due that was left to come along with a member (hub_along()).
 * - Where members wake the loop more than 80 times a second altogether (400 agents' heartbeats),
 * they are looked at together, some eight of them: a wake-up costs several times what a read does
 * (15-25 us and 5). With fewer, each is served at once.
 * - A member that is read more than ten times a second for long is looked at once in 20 ms, behind
 * the others: it can neither wake the loop all the time nor hold the others up.
 *
 * Everything runs in the thread that turns the loop. Members are served round robin.
 */
struct hub;

/* Between two looks at those that are read too often; and at a crowd, at least and at most: then
 * half of what is urgent waits less than 18 ms however many guests there are. */
#define HUB_PAUSE_USEC     (20 * USEC_PER_MSEC)
#define HUB_PAUSE_MAX_USEC (36 * USEC_PER_MSEC)
/* How many are to be served together. */
#define HUB_TOGETHER       8
/* Time between two reads, of all members, from which on they are looked at together: below the
 * pause, else it would save nothing. */
#define HUB_CROWD_USEC     (12500)
/* What a member is entitled to: a read in so long (an agent's look takes no less), and so many at
 * once. */
#define HUB_READ_USEC      (100 * USEC_PER_MSEC)
#define HUB_READ_BURST     8

/* A socket in the hub: embed it, zeroed. */
struct hub_member {
	struct hub *hub; /* NULL: it is in none */
	/* Returns whether it should be called again soon: it has more, and needs it. It may remove
	 * any member, itself too. */
	bool (*ready)(struct hub_member *member, uint32_t revents);
	int fd;
	uint32_t events;
	bool slow;
	uint64_t paid_usec; /* its reads are paid for until then */
};

/* Takes a reference of the loop, which must not be turned by anybody else from now on. Returns 0 or
 * -errno. */
int hub_new(sd_event *loop, struct hub **ret) _nonnull_ _must_check_;
/* All members must have left. Takes NULL, returns NULL. */
struct hub *hub_free(struct hub *hub);
DEFINE_CLEANUP(struct hub *, hub_free)
sd_event *hub_event(const struct hub *hub) _nonnull_;

/* The descriptor stays the member's. events as in epoll_event; 0: leave it alone (it may be changed
 * later). Returns 0 or -errno. */
int hub_add(
	struct hub *hub, struct hub_member *member, int fd, uint32_t events) _nonnull_ _must_check_;
int hub_watch(struct hub_member *member, uint32_t events) _nonnull_;
/* Before the descriptor is closed. One that is in none is left as it is. */
void hub_remove(struct hub_member *member) _nonnull_;

/* To be called when a source of the sd-event loop was changed (enabled, set to a time) outside of
 * sd-event's own callbacks. */
void hub_news(struct hub *hub) _nonnull_;
/* From this time on (CLOCK_BOOTTIME) a source of the loop is due that may be late: it is dispatched
 * after the next member, which spares it a wake-up of its own if there is one before its timer
 * fires. Forgotten once done. */
void hub_along(struct hub *hub, uint64_t boot_usec) _nonnull_;

/* How long the turns of the loop took: each from being woken until it waited again, whoever was
 * served. In that time nobody else is. */
const struct histogram *hub_turns(const struct hub *hub) _nonnull_ _const_;

/* For how long a crowd is left alone after it was served, when its members come so far apart. 0: it
 * is none. */
uint64_t hub_pause_usec(uint64_t gap_usec) _const_;

/* Like sd_event_run(): waits at most so long for something to do, serves members and dispatches at
 * most one source. Returns a number > 0 when anything was done, 0, or -errno. */
int hub_turn(struct hub *hub, uint64_t timeout_usec) _nonnull_;
/* Like sd_event_loop(): until sd_event_exit(), whose code it returns. */
int hub_loop(struct hub *hub) _nonnull_;
