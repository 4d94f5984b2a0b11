/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"
#include "policy/snapshot.h"

/*
 * What the host itself says, from /proc and /sys: files are opened once and read again with pread,
 * nothing is allocated while reading. Not thread-safe: one thread reads one struct host.
 */
struct host;

#define HOST_NODES_MAX 64 /* NUMA nodes beyond that are left out */

struct host_node {
	uint32_t id;
	uint64_t total_bytes;
	uint64_t free_bytes;
};

/* Memory and pressure. Cumulative counters count from the host's boot. */
struct host_reading {
	uint64_t total_bytes;	  /* MemTotal, or the cgroup's limit where that is smaller */
	uint64_t available_bytes; /* MemAvailable, or what the cgroup can still have */
	uint64_t free_bytes;	  /* MemFree */
	uint64_t used_bytes;	  /* total - available */
	uint64_t swap_total_bytes;
	uint64_t swap_free_bytes;

	bool has_psi;
	uint64_t psi_mem_some_usec;
	uint64_t psi_mem_full_usec;
	uint64_t psi_cpu_some_usec;
	uint64_t psi_io_some_usec;
	uint64_t psi_io_full_usec;

	uint32_t cpus; /* online */
};

/* What CPUs and nodes do: always the whole host's. */
struct host_load {
	bool has_cpu;
	/* cumulative, all CPUs: all but idle, waiting for a disk, and stolen */
	uint64_t cpu_busy_usec;
	uint64_t cpu_steal_usec; /* cumulative: taken by a hypervisor below this host */
	uint64_t cpu_total_usec;
	struct host_node nodes[HOST_NODES_MAX];
	size_t n_nodes;
};

/*
 * root: where proc/ and sys/ are found ("/"; tests bring a fabricated tree). memory_from: NULL or
 * "host"; or "cgroup:PATH" (PATH below the cgroup mount, "/lab/hostA"): total, available and
 * pressure are then of that cgroup. Returns 0; -EINVAL for a memory_from of another form; -ENOENT
 * (and -errno) when /proc/meminfo or the cgroup cannot be read. What else is missing (no PSI, no
 * NUMA) is just not there in the reading.
 */
int host_new(const char *root, const char *memory_from, struct host **ret)
	_nonnull_args_(1, 3) _must_check_;
struct host *host_free(struct host *h); /* takes NULL, returns NULL */
DEFINE_CLEANUP(struct host *, host_free)
#define _cleanup_host_ _cleanup_(host_freep)

/* Memory and swap: one file (with a cgroup four), 30 us. Leaves all else in *ret as it is. Returns
 * 0, or -errno when it could not be read; *ret is then untouched. */
int host_read_memory(struct host *h, struct host_reading *ret) _nonnull_ _must_check_;
/* Pressure and the number of CPUs: 55 us. */
void host_read_pressure(struct host *h, struct host_reading *ret) _nonnull_;
/* CPUs and nodes; what cannot be read is not there. 11 us with 2 CPUs and one node; more with more,
 * since the kernel adds up each interrupt of each CPU for /proc/stat, whatever is read of it. */
void host_read_load(struct host *h, struct host_load *ret) _nonnull_;
/* Busy and stolen parts of all CPUs' time between two looks. False where that is not known: no time
 * has passed, or a counter was not there. */
bool host_cpu_share(const struct host_load *from, const struct host_load *to,
	uint64_t *ret_busy_permyriad, uint64_t *ret_steal_permyriad) _nonnull_ _must_check_;

/* Copies what decide() sees. name, other_bytes and sample_usec (which is pressure's) are the
 * caller's. */
void host_reading_to_sample(const struct host_reading *r, struct host_sample *ret) _nonnull_;

/*
 * What the host itself uses, neither guests nor QEMU's own memory: MemTotal - MemAvailable - sum of
 * the resident sizes of all QEMUs, never below 0. MemAvailable is the kernel's estimate of what can
 * be had without swapping (Documentation/filesystems/proc.rst), so page cache that can go does not
 * count as used; QEMU's resident size counts shared pages (its program text, vhost rings) in each,
 * so the result errs a few MiB a guest to the low side. With MemoryFrom=cgroup:PATH the same holds
 * within the cgroup.
 */
uint64_t host_other_bytes(
	uint64_t total_bytes, uint64_t available_bytes, uint64_t resident_sum_bytes) _const_;

/*
 * One look's estimate of a QEMU's own memory beside its guest's: resident - min(resident, actual).
 * A guest that has not touched all of its memory hides QEMU's own in the difference, so this is a
 * lower bound: the largest of many looks, slowly forgotten, is the estimate (the manager's
 * business).
 */
uint64_t host_qemu_bytes(uint64_t resident_bytes, uint64_t actual_bytes) _const_;
