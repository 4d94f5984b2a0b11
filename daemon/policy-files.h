/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/diag.h"

/*
 * The layer of policies that the API writes: a directory of the daemon's own, beside its state.
 * What is written is there whole and durable, or the file of before is: a new file beside it,
 * fsync, rename, fsync of the directory. These wait for the disk: not for the main loop.
 */
#define POLICY_FILES_MAX 256 /* in the layer */

/* What a layer is called below a state directory. A new string; NULL without memory. */
char *policy_files_dir(const char *state_dir) _nonnull_ _must_check_;
/* Its place in PolicyPath (dirs), or -ENOENT. */
ssize_t policy_files_layer(const char *const *dirs, const char *own) _nonnull_ _pure_;
/* name: as the API checked it. Makes the directory where there is none. Returns 0, -EMFILE when
 * there are POLICY_FILES_MAX others, or -errno; *d names the path. */
int policy_file_write(const char *dir, const char *name, const char *text, size_t len,
	struct diag *d) _nonnull_ _must_check_;
/* Returns 0, -ENOENT, or -errno with *d. */
int policy_file_remove(const char *dir, const char *name, struct diag *d) _nonnull_ _must_check_;
/* Is there a file, or a link, of that name? */
bool policy_file_is_there(const char *dir, const char *name) _nonnull_ _must_check_;
/* The file of that name in the highest of the layers from `from` on; a new string, NULL: there is
 * none. */
char *policy_file_above(
	const char *const *dirs, size_t from, const char *name) _nonnull_ _must_check_;
