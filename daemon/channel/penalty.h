/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * When a guest that floods or talks garbage is shut out, and for how long. Pure: time is passed in
 * (CLOCK_BOOTTIME).
 */
#define PENALTY_BAD_LINES 10 /* within PENALTY_BAD_WINDOW_USEC */
#define PENALTY_BAD_WINDOW_USEC USEC_PER_MIN
#define PENALTY_OVER_USEC (5 * USEC_PER_SEC) /* so long over the byte bucket */
#define PENALTY_FIRST_USEC USEC_PER_MIN
#define PENALTY_MAX_USEC USEC_PER_HOUR
#define PENALTY_FORGIVEN_USEC \
	USEC_PER_HOUR /* after so long without one, the next is the first again */

struct penalty {
	uint64_t bad_usec[PENALTY_BAD_LINES]; /* a ring of the last ones; 0: none */
	unsigned bad_next;
	uint64_t over_since_usec; /* 0: within the bucket */
	uint64_t last_usec;       /* how long the last one was; 0: none yet, or forgiven */
	uint64_t until_usec;      /* end of the running or last one */
};

/* A line was refused. True: it was one too many. */
bool penalty_bad_line(struct penalty *p, uint64_t now_usec) _nonnull_;
/* The channel is over its bucket. True: it has been for too long. */
bool penalty_over(struct penalty *p, uint64_t now_usec) _nonnull_;
/* The channel is within its bucket. */
void penalty_within(struct penalty *p) _nonnull_;
/* Shuts it out: sets until_usec, forgets what led to it, and returns for how long. */
uint64_t penalty_begin(struct penalty *p, uint64_t now_usec) _nonnull_;
