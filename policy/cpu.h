/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/plan.h"
#include "policy/snapshot.h"

/*
 * CPU weight and quota of one guest. Weight and quota follow policy; a guest that gets less than
 * its weight entitles it to while its vCPUs wait is raised, at most fourfold, and goes back when
 * the wait is over. Contention is seen on the host only (run-queue delay of the vCPU threads): a
 * starved guest itself sees 2-4 %, its steal may be 0.
 */
struct cpu_state {
	uint64_t sample_usec, time_usec, delay_usec; /* last sample */
	bool known;
	uint64_t busy_permyriad;  /* of one CPU, all vCPUs */
	uint64_t delay_permyriad; /* of one CPU, all vCPUs */
	uint64_t boost;           /* 1, 2 or 4 times */
	uint64_t short_usec;      /* since when it waits and gets too little; 0: it does not */
	uint64_t boost_usec;      /* last step, either way */
	/* so long after it, one that waits on is tried without; doubles */
	uint64_t trial_usec;
	uint64_t base_weight;     /* when the boost was judged */
	uint64_t relieved_usec;   /* since when it does not wait; 0: it does */
	/* we changed weight or quota: they go back when no policy says anything */
	bool managed;
	uint64_t original_weight, original_quota;
};

/* Takes in the sample's cumulative times, once a sample. */
void cpu_observe(struct cpu_state *c, const struct guest_sample *s) _nonnull_;
/* What it weighs before any boost: by policy, or as the administrator set it in the domain. */
uint64_t cpu_base_weight(const struct cpu_state *c, const struct guest_sample *s,
	const struct settings *set) _nonnull_ _pure_;
/*
 * Decides weight and quota. entitled_permyriad is what its weight gives it of what all guests get
 * of the CPUs it may run on (contest_entitlement()). Returns true when they have to be set, with
 * the reason; weight and quota are filled either way (0 weight: not known, left alone).
 */
bool cpu_decide(struct cpu_state *c, const struct guest_sample *s, const struct settings *set,
	uint64_t entitled_permyriad, uint64_t now_usec, uint64_t *ret_weight, uint64_t *ret_quota,
	struct reason *ret_reason) _nonnull_;
/* Can it not be anything but left as it is, whoever contends? */
bool cpu_at_rest(const struct cpu_state *c, const struct guest_sample *s,
	const struct settings *set) _nonnull_ _pure_;
/* Runs or waits enough to count as contending. */
bool cpu_contends(const struct cpu_state *c) _nonnull_ _pure_;
