/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <time.h>

#include "common/macros.h"

/* The clocks of the main loop: durations run on BOOTTIME, schedules on REALTIME (DESIGN section 4).
 * Any thread. */
static inline uint64_t clock_usec(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}
static inline uint64_t clock_boot_usec(void)
{
	return clock_usec(CLOCK_BOOTTIME);
}
static inline uint64_t clock_real_usec(void)
{
	return clock_usec(CLOCK_REALTIME);
}
