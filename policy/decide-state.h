/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <uthash.h>

#include "policy/balloon.h"
#include "policy/cpu.h"
#include "policy/decide.h"
#include "policy/demand.h"

/* Private to decide(): what it carries from one decision to the next. Plain data but for
 * guest_policy, so a copy is a memcpy. */
struct guest_state {
	/* What the first look at it needs lies together: with thousands of guests the memory is the
	 * slowest part. */
	struct uuid uuid;
	uint64_t seen;        /* number of the last decision that saw it */
	uint64_t incarnation;
	struct balloon balloon;
	uint64_t breaker_since_usec; /* resident beyond its charge since; 0: not */
	bool breaker;
	bool soft_asked;           /* the soft limit's last action: set, or lift */
	uint64_t soft_asked_usec;    /* BOOTTIME of it; 0: none yet */
	bool stale;
	bool stale_room_given;
	unsigned stale_rooms;        /* since it fell silent, for all that it filled */
	uint64_t stale_room_usec;    /* the last one; 0: none */
	uint64_t stale_resident_bytes; /* what it held then */
	uint64_t floor_idle_permyriad; /* as the division counts it */
	bool floor_cut; /* its floor does not fit, and that was told */
	size_t overrides_begin;      /* its first one's place in override_order, most likely */
	uint64_t asked_usec;         /* for a word of now, before its cache is cut; 0: never */
	uint64_t lent_usec;          /* its page cache was cut for others then; 0: never */
	uint64_t lent_used_bytes;    /* and so much it used */
	uint64_t policy_list;         /* of the last decision; 0: there was none */
	struct guest_policy *policy;
	struct cpu_state cpu;
	struct demand demand;
	UT_hash_handle hh;
};

struct work;
struct division_guest;

struct decide_state {
	struct guest_state *guests; /* uthash, by UUID */
	uint64_t decisions;
	struct policy_windows *windows;
	enum host_state host_state;
	uint64_t other_bytes;       /* the host's own use that the budget counts with */
	/* when it last rose by more than a hundredth of memory; 0: never */
	uint64_t other_rose_usec;
	uint64_t other_high_usec;   /* when its use was last as high as that */
	uint64_t psi_usec;          /* BOOTTIME of the sample below */
	uint64_t psi_mem, psi_cpu, psi_io;
	uint64_t psi_mem_permyriad, psi_cpu_permyriad, psi_io_permyriad;

	/* What makes the next decision fast and says nothing: a clone goes without. */
	struct guest_state **order; /* as the last snapshot had them */
	size_t n_order;
	size_t *override_order;     /* the last snapshot's overrides, sorted by guest */
	size_t n_override_order;
	struct work *work;          /* for the next decision to work in */
	struct division_guest *divs;
	size_t n_room;              /* guests that order, work and divs have room for */
};

/* Counts a decision over n guests and gives it zeroed room to work in, which the state keeps. */
int decide_state_begin(struct decide_state *s, size_t n, struct work **ret_work,
	struct division_guest **ret_divs) _nonnull_ _must_check_;
/* Finds or makes the guest that is the index-th of the snapshot. NULL without memory. */
struct guest_state *decide_state_guest(struct decide_state *s, const struct uuid *u, size_t index)
	_nonnull_;
struct guest_state *decide_state_find(const struct decide_state *s, const struct uuid *u) _nonnull_;
/* Drops the guests that the last decision, which saw n_seen, did not see. */
void decide_state_forget_unseen(struct decide_state *s, size_t n_seen) _nonnull_;
