/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * Gives up, for good, what root may do and this process no longer needs. What stays, where it was
 * there: CAP_SYS_RESOURCE, for a stall trigger with a window below 2 s after each new
 * configuration; CAP_PERFMON, for counters of CPUs that are plugged in; CAP_IPC_LOCK, by which our
 * pages are locked: what is mapped later counts against RLIMIT_MEMLOCK without it, 64 KiB before
 * Linux 5.16. CAP_SYS_ADMIN, which opens the counters where kernel.perf_event_paranoid is 3, and
 * CAP_DAC_OVERRIDE, which opens the stall trigger where its file is read-only (5.10), go: they
 * stand for far too much else. Returns 0, or -errno: then only that nothing comes back by exec is
 * certain.
 */
int rights_drop(void) _must_check_;
