/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * How old a line is, though the clocks of guest and host have nothing in common: the host remembers
 * the least difference between its own arrival time and the guest's monotonic time. A line that
 * comes later than that difference says was queued on the way (QEMU and the port keep some 355 kB:
 * up to 50 minutes of lines). The answer to a ping sets the difference anew, for a guest that was
 * paused or reset seems late for ever. Pure: times are passed in.
 */
struct freshness {
	bool anchored;
	int64_t least_usec;    /* arrival - guest, of the least delayed line */
	uint64_t updated_usec; /* arrival of the last line that was judged */
};

/* A line that was queued for longer than this is not news. A line takes 0.3-1.0 ms; two seconds
 * leave room for a machine that is badly overloaded, and a false alarm costs only a ping. */
#define FRESHNESS_LIMIT_USEC (2 * USEC_PER_SEC)

/* A line is known to have just been written (it answers a ping). */
void freshness_anchor(struct freshness *f, uint64_t arrival_usec, uint64_t guest_usec) _nonnull_;

/* How long a line was queued; 0 when nothing is known. Lets the anchor drift by 1000 ppm, twice
 * what NTP may slew. */
uint64_t freshness_age(struct freshness *f, uint64_t arrival_usec, uint64_t guest_usec) _nonnull_;
