/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/uuid.h"
#include "simulate/scenario.h"

/*
 * The simulated host as it really is: guests, what they need and have, balloons, resident sizes,
 * CPUs. It moves in ticks of 100 ms and knows nothing of who watches it. MODEL.md says why each
 * rule is as it is. Integers only.
 */

/* Counters that a guest's kernel would keep; they only grow while it is not booted anew. */
struct guest_counters {
	/* in tenths of a microsecond: permyriad of a second times milliseconds */
	uint64_t psi_mem_some;
	uint64_t psi_io_some;
	uint64_t psi_cpu_some;
	uint64_t refaults_file; /* in thousandths of a page */
	uint64_t refaults_anon;
	uint64_t oom_kills;
};
/* How fast they grow from this tick to the next. */
struct guest_rates {
	uint64_t stall_permyriad;
	uint64_t io_stall_permyriad;
	uint64_t cpu_stall_permyriad;
	uint64_t refaults_file_per_s;
	uint64_t refaults_anon_per_s;
};

enum guest_life {
	LIFE_WAITING, /* before start_s */
	LIFE_ASKED,   /* a reservation stands */
	LIFE_RUNNING,
	LIFE_STOPPED,
};

struct world_guest {
	const char *name;
	const struct guest_spec *spec;
	struct uuid uuid;
	enum guest_life life;
	bool granted;           /* its reservation was */
	uint64_t asked_msec;
	uint64_t started_msec;  /* 0: running for long */
	uint64_t incarnation;   /* starts and resets */
	/* until then its kernel boots: no demand, no balloon driver, no agent */
	uint64_t booted_msec;

	uint64_t actual_bytes;
	/* what the balloon device says: the old size while a reset guest boots */
	uint64_t figure_bytes;
	uint64_t target_bytes;
	uint64_t move_msec;     /* since when the balloon has moved */
	bool took_back;         /* grew by itself, and stays until the next command */
	uint64_t soft_limit_bytes; /* of resident memory; BYTES_UNLIMITED: none */
	uint64_t resident_bytes; /* on the host, QEMU's own not counted */

	uint64_t demand_bytes;  /* now: of the scenario, less what an OOM kill or a boot took */
	uint64_t anon_need_bytes; /* of it */
	uint64_t anon_bytes;    /* allocated: in memory and in swap */
	uint64_t swapped_bytes;
	uint64_t cache_bytes;   /* in use */
	uint64_t missing_bytes; /* cache and anonymous memory that is needed and not there */
	uint64_t oom_until_msec; /* its anonymous demand is gone until then; 0: none */
	struct guest_rates rates;
	struct guest_counters counters; /* at the present tick */

	uint64_t cpu_weight;     /* 100 = default */
	uint64_t cpu_quota_permyriad; /* of one CPU; 0: none */
	uint64_t cpu_want_permyriad, cpu_got_permyriad; /* of one CPU */
	uint64_t vcpu_time_usec, vcpu_delay_usec;

	/* What this tick brought. */
	bool changed;   /* actual or demand: to be told */
	bool asked, started, stopped, reset, oom, grew_itself;
};

struct world {
	const struct scenario *scenario;
	struct world_guest *guests; /* as scenario->guests */
	size_t n_guests;
	uint64_t now_msec;
	uint64_t other_bytes;
	/* Counts what excuses a command that goes back: a step of any demand or of other, a start,
	 * a stop, a take-back. */
	uint64_t changes;
	uint64_t moved_bytes; /* sum of what all balloons moved */
};

/* scenario must outlive it. At time 0: guests that run from the start are settled. NULL without
 * memory. */
struct world *world_new(const struct scenario *scenario) _nonnull_ _must_check_;
struct world *world_free(struct world *w); /* takes NULL, returns NULL */
DEFINE_CLEANUP(struct world *, world_free)
#define _cleanup_world_ _cleanup_(world_freep)

/* Goes on to the next tick: the scenario first, then balloons, then what the guests make of it. */
void world_tick(struct world *w) _nonnull_;

/* What the daemon does to it, between ticks; the balloon moves from the next tick on. */
void world_command(
	struct world *w, size_t guest, uint64_t target_bytes, uint64_t now_msec) _nonnull_;
void world_grant(struct world *w, size_t guest) _nonnull_;
void world_soft_limit(struct world *w, size_t guest, uint64_t bytes) _nonnull_;

/* Guest memory beside the kernel's own, in use and available, as of the last tick. */
uint64_t guest_ram_bytes(const struct world_guest *g) _nonnull_ _pure_;
uint64_t guest_used_bytes(const struct world_guest *g) _nonnull_ _pure_;
uint64_t guest_available_bytes(const struct world_guest *g) _nonnull_ _pure_;
/* Demand with overhead: the actual size at which nothing is missing. */
uint64_t guest_need_bytes(const struct world_guest *g) _nonnull_ _pure_;
/* Its counters at a time between the last tick and the next. */
struct guest_counters guest_counters_at(const struct world *w, const struct world_guest *g,
	uint64_t now_msec) _nonnull_ _pure_;

/* The same, so long before time 0: of a guest that has run for long with these rates; at most 10
 * s. */
struct guest_counters guest_counters_ago(
	const struct world_guest *g, uint64_t msec) _nonnull_ _pure_;

/* memory - other - all actual - all QEMU: what the contract calls free. May be negative. */
int64_t world_free_bytes(const struct world *w) _nonnull_ _pure_;
/* What the host's kernel sees as available: by resident sizes. */
uint64_t world_available_bytes(const struct world *w) _nonnull_ _pure_;
/* Sum of max(actual, target), QEMU and granted reservations. */
uint64_t world_promised_bytes(const struct world *w) _nonnull_ _pure_;

/* Bytes a second at which this guest's balloon inflates or deflates; 0: at once. */
uint64_t guest_balloon_speed(const struct world *w, const struct world_guest *g, bool inflate)
	_nonnull_ _pure_;
