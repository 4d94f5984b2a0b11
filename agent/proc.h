/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/figures.h"

/*
 * Reads /proc. The files stay open: a look is one pread() of meminfo. Keys that a kernel lacks
 * count 0; a file that cannot be read leaves its group of figures out, or as they were when it
 * could be.
 */
enum proc_file {
	PROC_MEMINFO,
	PROC_VMSTAT,
	PROC_STAT,
	PROC_LOADAVG,
	PROC_PSI_MEMORY,
	PROC_PSI_CPU,
	PROC_PSI_IO,
	PROC_FILE_MAX,
};

struct proc {
	const char *dir;        /* usually "/proc" */
	int fds[PROC_FILE_MAX]; /* -1: not there */
};

/* Opens what is there; may be called again to find what was not. */
void proc_open(struct proc *p, const char *dir) _nonnull_;
void proc_close(struct proc *p) _nonnull_;

/* A look: the time and the figures of meminfo, and the counters where asked for. Returns 0, or
 * -errno when meminfo cannot be read or lacks what is needed; then *f is as it was. */
int proc_look(const struct proc *p, bool counters, struct figures *f) _nonnull_ _must_check_;
/* Everything a report holds. Returns as above. */
int proc_read(const struct proc *p, struct figures *f) _nonnull_ _must_check_;

/* The first 64 bits of the boot id, never 0; where the kernel does not tell it, the time of
 * boot. */
uint64_t proc_boot_id(const char *dir) _nonnull_;

uint64_t mono_usec(void);

/* Opens DIR/NAME for reading, close-on-exec. Returns the descriptor or -errno. */
int open_in(const char *dir, const char *name, int flags) _nonnull_ _must_check_;
/* Reads the beginning of a file into buf, NUL-terminated. Returns its length or -errno. */
ssize_t read_text(int fd, char *buf, size_t size) _nonnull_ _must_check_;
