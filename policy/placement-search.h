/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/placement-board.h"

/* Private to placement*.c: the best single move, and room for those who must leave. */

struct candidate {
	size_t guest, host;
	uint64_t score; /* after it */
};

/* Which guests may move: by guest, as long as the question's. NULL: all that are not fixed. */
typedef bool (*move_filter)(const struct board *b, size_t guest, const void *userdata);

/* The move that comes to the lowest score, if that is below the score now. False: there is none. */
bool best_move(struct board *b, move_filter filter, const void *userdata, struct candidate *ret)
	_nonnull_args_(1, 4) _must_check_;
/* The same of one guest: where it would be best, even if the score rises. */
bool best_host(struct board *b, size_t guest, struct candidate *ret) _nonnull_ _must_check_;

/* Moves everybody off the hosts that are to be left; marks who cannot in left[]. Returns 0 or
 * -ENOMEM; on failure *b is half-way. */
int empty_hosts(struct board **b, bool *left) _nonnull_ _must_check_;
