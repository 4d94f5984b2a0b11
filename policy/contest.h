/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/snapshot.h"

/*
 * Who competes with whom for which CPUs. A guest that is pinned competes only with those that may
 * run where it may, each with the part of its weight and of its run time that falls there: spread
 * evenly over its own CPUs. What guests get together is what is divided, not what the host has:
 * weights say how guests stand to each other (in machine.slice), what the rest of the host takes
 * comes before that.
 */
struct contest {
	uint32_t cpus; /* of the host */
	uint64_t weight, busy;           /* of those that may run anywhere */
	uint64_t pinned_weight, pinned_busy;
	uint64_t cpu_weight[CPU_MAP_MAX]; /* of pinned ones, their part a CPU */
	uint64_t cpu_busy[CPU_MAP_MAX];
};

/* An empty contest on a host with so many CPUs. */
void contest_init(struct contest *c, uint32_t host_cpus) _nonnull_;
/* Adds a guest that runs or waits: its weight and how much it ran, in permyriad of one CPU. Map
 * NULL: it may run anywhere. */
void contest_add(struct contest *c, const struct cpu_map *map, uint64_t weight,
	uint64_t busy_permyriad) _nonnull_args_(1);
/*
 * What a guest of this weight is entitled to, in permyriad of one CPU: its weight's part of what
 * all guests got where it may run, at most its vCPUs and its CPUs. Without anybody who contends:
 * those.
 */
uint64_t contest_entitlement(const struct contest *c, const struct cpu_map *map, uint64_t weight,
	uint32_t vcpus) _nonnull_args_(1) _pure_;
