/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/* Opens a trigger on memory stall: poll its descriptor for POLLPRI. Whoever lacks
 * CAP_SYS_RESOURCE may have windows of multiples of 2 s only (6.1 and what was ported back;
 * -EPERM before): then it takes the next one. Returns the descriptor, or -errno: no PSI, no
 * permission, not a real /proc. */
int psi_open(
	const char *proc_dir, uint64_t stall_usec, uint64_t window_usec) _nonnull_ _must_check_;

/* "some STALL WINDOW" as the kernel wants it, with its NUL; returns the length with the NUL. buf
 * holds 64. */
size_t psi_format(uint64_t stall_usec, uint64_t window_usec, char *buf) _nonnull_;
