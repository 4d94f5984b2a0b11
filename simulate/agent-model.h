/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/snapshot.h"
#include "simulate/channel-model.h"
#include "simulate/rng.h"
#include "simulate/world.h"

/*
 * What speaks for a guest: ballast-agent by its own rules (docs/agent-protocol.md: heartbeat, look,
 * threshold, trigger), balloon statistics when they are asked for, or nobody; and what of it
 * reaches the daemon. Sizes in a report are off by the scenario's noise, what the agent compares is
 * not.
 */
struct agent_model {
	const struct world_guest *guest;
	uint64_t noise_permyriad;
	struct rng noise;
	bool speaks;             /* an agent is there, writes lines, and its channel is open */
	uint64_t heartbeat_msec; /* next one, after the last report */
	uint64_t look_msec;
	uint64_t line_msec;      /* next line of a flood */
	uint64_t told_available_bytes;
	uint64_t fired_msec;     /* the trigger, last; 0: never */
	uint64_t stall_history[10]; /* psi_mem_some at the last ten ticks, a ring */
	uint64_t lied_since_msec;
	uint64_t seq;
	uint64_t asked_msec;     /* the daemon's last question; 0: never */
	uint64_t arrival_msec;   /* of the line on its way; MSEC_NEVER: none */
	struct guest_report line;
	struct channel_model channel;
	bool shut; /* the channel was shut now: to be told */
};

/* Of this guest in w, both of which must outlive it. At time 0 the last report of one that ran
 * before is on *ret_last (source REPORT_NONE: nothing was ever heard), as old as the heartbeat's
 * phase says, with arrival_usec in milliseconds before 0. */
void agent_model_init(struct agent_model *a, const struct world *w, size_t guest,
	uint64_t seed, struct guest_report *ret_last, uint64_t *ret_age_msec) _nonnull_;

/* The world has ticked: agents come and go, the trigger fires. */
void agent_model_tick(struct agent_model *a, const struct world *w) _nonnull_;
/* Does what is due at this time (ticks included, after agent_model_tick()). */
void agent_model_run(struct agent_model *a, const struct world *w, uint64_t now_msec) _nonnull_;
/* The daemon asks for a report (a ping): once a second at most, and not beside a line that is on
 * its way. */
void agent_model_ask(struct agent_model *a, const struct world *w, uint64_t now_msec) _nonnull_;
/* When something is due next; MSEC_NEVER: nothing. */
uint64_t agent_model_next(const struct agent_model *a) _nonnull_ _pure_;
/* True when a report reaches the daemon now: *ret is it, without its arrival time. */
bool agent_model_receive(
	struct agent_model *a, uint64_t now_msec, struct guest_report *ret) _nonnull_;
/* Balloon statistics now, as the daemon reads them over libvirt. False: the guest has none. */
bool agent_model_statistics(
	struct agent_model *a, uint64_t now_msec, struct guest_report *ret) _nonnull_;
/* Is an agent connected, as the daemon sees it? */
bool agent_model_is_connected(const struct agent_model *a, uint64_t now_msec) _nonnull_ _pure_;
