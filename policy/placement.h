/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * On which hosts guests should run: how even a cluster is, and which moves make it more so or empty
 * a host. Pure, integer, and the same on every host that asks.
 *
 * The score is ganeti-htools' for shared storage (hbal(1), "ALGORITHM"): the standard deviation of
 * free memory over memory, and that of virtual CPUs over CPUs, of all hosts that take guests,
 * added up. 0 is even. It is counted in parts of PLACEMENT_ONE.
 */
#define PLACEMENT_ONE (INT64_C(1) << 30)

#define PLACEMENT_HOSTS_MAX 4096

struct placement_host {
	const char *name;      /* borrowed */
	uint64_t memory_bytes; /* what free memory is a share of; not 0, at most 64 TiB */
	uint64_t room_bytes;   /* what its guests may have in all */
	uint32_t cpus;         /* not 0 */
	uint32_t vcpus_own;    /* so many virtual CPUs' worth it takes itself */
	uint32_t vcpus_max;    /* its guests' and its own; 0: no limit */
	uint32_t group;        /* guests travel only within theirs */
	bool accepts;          /* takes guests: it is there, and not cordoned */
	bool leaves;           /* its guests are to go, however even that is; takes none */
};

struct placement_guest {
	const char *name; /* borrowed */
	size_t host;      /* where it runs: an index */
	uint64_t bytes;   /* memory that it takes where it is */
	uint32_t vcpus;
	bool fixed; /* cannot travel */
};

/* Neither is kept. */
struct placement_question {
	const struct placement_host *hosts;
	size_t n_hosts;
	const struct placement_guest *guests;
	size_t n_guests;
	/* only empty the hosts that are to be left: who runs elsewhere moves to make room, if it
	 * must, and for nothing else */
	bool only_leave;
};

struct placement_move {
	size_t guest, from, to;
	uint64_t score; /* after it */
};

struct placement_plan {
	uint64_t score_before, score_after;
	/* In an order in which each has the room that it needs when its turn comes. A guest that is
	 * moved out of another's way may be moved twice. */
	struct placement_move *moves;
	size_t n_moves;
	size_t *left; /* guests that are to leave their host, and have nowhere to go */
	size_t n_left;
};

/*
 * Looks for moves: first for those who must leave, the largest first, moving others out of the way
 * where nothing else helps; then, each time, for the one that makes the cluster most even, until
 * one more is not worth it (as hbal: at a score below 0.1 it has to gain 0.01); then for other
 * moves, no more of them, that come to a better score. Returns 0, -ENOMEM, or -EINVAL for a
 * question that cannot be (a guest on no host, a host without memory or CPUs, or one that takes
 * guests and is to be left; too many hosts).
 */
int placement_find(const struct placement_question *q, struct placement_plan **ret) _nonnull_
	_must_check_;
struct placement_plan *placement_plan_free(struct placement_plan *p); /* takes NULL, returns NULL */
DEFINE_CLEANUP(struct placement_plan *, placement_plan_free)
#define _cleanup_placement_plan_ _cleanup_(placement_plan_freep)
