/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <uthash.h>

#include "policy/balloon.h"
#include "policy/cpu.h"
#include "policy/decide.h"
#include "policy/demand.h"

/* Private to decide(): what it carries from one decision to the next. Plain data but for guest_policy, so a copy is a memcpy. */
struct guest_state {
	struct uuid uuid;
	uint64_t seen;        /* number of the last decision that saw it */
	uint64_t incarnation;
	uint64_t policy_epoch;
	struct guest_policy *policy;
	struct demand demand;
	struct balloon balloon;
	struct cpu_state cpu;
	uint64_t breaker_since_usec; /* resident beyond its charge since; 0: not */
	bool breaker;
	bool soft_limited;
	bool stale;
	bool stale_room_given;
	UT_hash_handle hh;
};

struct decide_state {
	struct guest_state *guests; /* uthash, by UUID */
	uint64_t decisions;
	struct policy_windows *windows;
	enum host_state host_state;
	uint64_t other_bytes;       /* the host's own use that the budget counts with */
	uint64_t other_high_usec;   /* when its use was last as high as that */
	uint64_t psi_usec;          /* BOOTTIME of the sample below */
	uint64_t psi_mem, psi_cpu, psi_io;
	uint64_t psi_mem_permyriad, psi_cpu_permyriad, psi_io_permyriad;
};

/* Finds or makes. NULL without memory. */
struct guest_state *decide_state_guest(struct decide_state *s, const struct uuid *u) _nonnull_;
struct guest_state *decide_state_find(const struct decide_state *s, const struct uuid *u) _nonnull_;
/* Drops the guests that the last decision did not see. */
void decide_state_forget_unseen(struct decide_state *s) _nonnull_;
