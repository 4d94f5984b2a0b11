/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "common/macros.h"

/* Control groups, both versions. A hybrid host has each controller in one of them. */
enum cgroup_controller {
	CGROUP_CPU,
	CGROUP_MEMORY,
};

/* 1 or 2: which version has this controller here (/proc/self/cgroup names the v1 ones); -ENOENT:
 * neither. */
int cgroup_version(const char *root, enum cgroup_controller c) _nonnull_ _must_check_;

/*
 * Weight (1..10000, default 100) as libvirt's cpu_shares and back. v1: max(2, weight * 1024 / 100),
 * its default is 1024; v2: the weight itself, which libvirt writes to cpu.weight 1:1 (default 100,
 * refuses more than 10000 and less than 2).
 */
uint64_t cgroup_shares_from_weight(int version, uint64_t weight) _const_;
uint64_t cgroup_weight_from_shares(int version, uint64_t shares) _const_;

/* The directory of a process's cgroup for a controller, with root, as a new string. Returns 0,
 * -ESRCH, -ENOENT or -errno. */
int cgroup_of_pid(const char *root, pid_t pid, enum cgroup_controller c,
	char **ret_dir) _nonnull_ _must_check_;
/* The directory of "/PATH" below the controller's mount, as a new string. */
int cgroup_dir(const char *root, const char *path, enum cgroup_controller c,
	char **ret_dir) _nonnull_ _must_check_;
/* The same in the version 2 hierarchy, which alone has pressure files, whatever controllers it
 * has. */
int cgroup_pressure_dir(const char *root, const char *path, char **ret_dir) _nonnull_ _must_check_;

/*
 * memory.high (v2) or memory.soft_limit_in_bytes (v1) of a directory; BYTES_UNLIMITED lifts it.
 * Needs the right to write there, which ballastd's user has not: it goes through libvirt
 * (HV_CALL_SET_SOFT_LIMIT) instead. Returns 0 or -errno.
 */
int cgroup_set_soft_limit(const char *dir, uint64_t bytes) _nonnull_ _must_check_;
