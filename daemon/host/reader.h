/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "common/macros.h"

/* Reading the kernel's small text files: opened below a root, read whole with pread, taken apart in
 * place. */

/* Opens ROOT/PATH for reading. Returns a descriptor or -errno. */
int reader_open(const char *root, const char *path) _nonnull_ _must_check_;
/* Reads from the start into buf and ends it with NUL; what does not fit is left out. Returns the
 * length or -errno. */
ssize_t reader_read(int fd, char *buf, size_t size) _nonnull_ _must_check_;
/* The same with one call, for files that the kernel writes in one go: what it hands out at once is
 * all there is. Most are (one record of a seq_file: meminfo, pressure, statm, schedstat, all of
 * sysfs and of control groups); vmstat is not. */
ssize_t reader_read_single(int fd, char *buf, size_t size) _nonnull_ _must_check_;
/* Opens, reads whole, and closes. */
ssize_t reader_read_path(
	const char *root, const char *path, char *buf, size_t size) _nonnull_ _must_check_;

/* A number at *s after blanks; *s is moved behind it. False: there is none, or it is too large. */
bool reader_number(const char **s, uint64_t *ret) _nonnull_;

/* One line "name value" or "name: value kB" of a file, and where its value goes. */
struct reader_field {
	const char *name;
	size_t offset; /* of a uint64_t in the caller's struct */
	uint64_t unit; /* the value is multiplied by it */
};
/* Fills what is found of fields (at most 64) into base. Returns a mask of those found, by index. */
uint64_t reader_fields(
	const char *text, const struct reader_field *fields, size_t n, void *base) _nonnull_;
