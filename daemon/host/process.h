/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "common/macros.h"
#include "policy/snapshot.h"

/*
 * A QEMU seen from the host: its resident size and how long its vCPU threads ran and waited for a
 * CPU. Read without asking QEMU or libvirt anything, so it works on a guest that hangs. Its files
 * stay open: an open /proc/PID file stays bound to its process, never to a later one of the same
 * number. Needs 1 + vCPUs descriptors a guest.
 */
struct process;

/*
 * root as in host_new(). start_ticks: field 22 of /proc/PID/stat as it was when the pid was found;
 * 0: whatever it is now. tids may be empty. Returns 0, -ESRCH when the process is gone or is
 * another one by now, or -errno.
 */
int process_open(const char *root, pid_t pid, uint64_t start_ticks, const pid_t *tids,
	size_t n_tids, struct process **ret) _nonnull_args_(1, 6) _must_check_;
struct process *process_close(struct process *p); /* takes NULL, returns NULL */
DEFINE_CLEANUP(struct process *, process_close)
#define _cleanup_process_ _cleanup_(process_closep)

struct process_reading {
	uint64_t resident_bytes;  /* RSS, shared pages included */
	uint64_t vcpu_time_usec;  /* cumulative, all vCPU threads */
	uint64_t vcpu_delay_usec; /* cumulative, waiting on a run queue;
				     /proc/PID/task/TID/schedstat */
	bool has_vcpu; /* the two above are known (kernel with schedstats, threads found) */
	struct cpu_map cpus; /* where its vCPUs may run, together: sched_getaffinity(2) */
	uint32_t n_cpus;     /* so many are in it; 0: not known */
};
/* Returns 0, -ESRCH when it has ended, or -errno. *ret untouched on failure. The resident size
 * alone, or the vCPUs as well; a read is about 2 us a file. */
int process_read(
	struct process *p, bool with_vcpus, struct process_reading *ret) _nonnull_ _must_check_;

/* One QEMU found in /proc. */
struct qemu_process {
	struct uuid uuid;
	pid_t pid;
	uint64_t start_ticks;
};
/*
 * Looks through /proc for processes with "-uuid UUID" on their command line, as libvirt starts
 * QEMU. *ret is a new array sorted by UUID (free() it), *ret_n may be 0. Two with one UUID (another
 * libvirtd's) are both in it. Costs about 20 us a process.
 */
int process_find_qemus(
	const char *root, struct qemu_process **ret, size_t *ret_n) _nonnull_ _must_check_;
/*
 * Is this still that process, with its UUID and this word part ("/domain-7-") on its command line,
 * and does it belong to one of these users, by its effective and its real user? A command line is
 * anybody's to choose, and of a set-user-ID program so is all but the real user. All is read of one
 * process. Returns 0, -ESRCH (gone, or another one by now), -ENOENT (another command line), -EPERM
 * (a stranger's: *ret_uid is whose), or -errno.
 */
int process_is_qemu(const char *root, const struct qemu_process *q, const char *part,
	const uid_t *users, size_t n_users, uid_t *ret_uid) _nonnull_ _must_check_;
/* Field 22 of /proc/PID/stat. Returns 0, -ESRCH or -errno. */
int process_start_ticks(const char *root, pid_t pid, uint64_t *ret) _nonnull_ _must_check_;
/* Does the command line contain this word part? */
bool process_cmdline_contains(const char *root, pid_t pid, const char *part) _nonnull_;
/* The decimal number that follows this word part ("tb-size="). Returns 0, -ENOENT where it is not
 * followed by one or the process cannot be read, -ERANGE. *ret untouched on failure. */
int process_cmdline_number(const char *root, pid_t pid, const char *part, uint64_t *ret)
	_nonnull_ _must_check_;

/* The vCPU threads in vCPU order, by their names "CPU 0/KVM" (libvirt starts QEMU with
 * debug-threads=on). *ret is a new array (free() it), NULL and 0 when there are none. Returns 0,
 * -ESRCH or -errno. */
int process_find_vcpus(
	const char *root, pid_t pid, pid_t **ret, size_t *ret_n) _nonnull_ _must_check_;

/* True when the process is stopped by a signal (state T in /proc/PID/stat). False when it is not
 * there. */
bool process_is_stopped(const char *root, pid_t pid) _nonnull_;
