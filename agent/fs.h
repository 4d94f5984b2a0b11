/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/* The file systems of the guest: what is mounted from a block device, at most 8, in the order of
 * mounting. */
#define FS_MAX 8
#define FS_MOUNT_MAX 64 /* with NUL; a longer mount point is cut when it is told */

struct fs {
	char mount[FS_MOUNT_MAX];
	uint64_t size_bytes;
	uint64_t free_bytes; /* as an unprivileged user has it */
};

struct fs_list {
	unsigned n;
	struct fs items[FS_MAX];
};

/* Reads PROC_DIR/self/mounts. Those that cannot be asked are left out. Never hangs on a network:
 * only what stands on a /dev/... and is not served by a process is asked. */
void fs_read(const char *proc_dir, struct fs_list *ret) _nonnull_;

/* Whether they differ by more than 1 % of a size, or in what is mounted. */
bool fs_changed(const struct fs_list *a, const struct fs_list *b) _nonnull_ _pure_;
