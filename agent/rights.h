/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * Gives up, for good, what root may do and this process no longer needs. What stays, where it was
 * there: CAP_SYS_RESOURCE, for a stall trigger with a window below 2 s after each new configuration,
 * and CAP_PERFMON, for counters of CPUs that are plugged in. CAP_SYS_ADMIN goes: it opens the counters
 * where kernel.perf_event_paranoid is 3, and stands for far too much else.
 * Returns 0, or -errno: then all is as it was.
 */
int rights_drop(void) _must_check_;
