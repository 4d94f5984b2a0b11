/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/placement.h"

/* Private to placement*.c: who runs where while moves are tried, and the score of that. A move, its
 * way back and the score cost the same however large the cluster is. */

typedef __int128 int128; /* a built-in type has no other way to a name without blanks */

/* A figure of each host that counts, for its standard deviation. */
struct spread {
	int64_t *of;        /* by host, in parts of PLACEMENT_ONE */
	int128 sum, square; /* of those that count: of them, and of their squares */
};

struct board {
	const struct placement_question *q;
	size_t *at; /* by guest: its host now */
	uint64_t *used_bytes, *vcpus; /* by host */
	struct spread memory, cpu;
	/* by host, for the estimate: what one page, and one virtual CPU, are of its figures */
	struct board_unit {
		int64_t page, vcpu;
	} *units;
	size_t counted; /* hosts that the score is of */
	struct placement_move *moves; /* made so far, in their order */
	size_t n_moves, n_allocated;
};

int board_new(const struct placement_question *q, struct board **ret) _nonnull_ _must_check_;
/* A copy with its own moves. NULL: no memory. */
struct board *board_copy(const struct board *b) _nonnull_ _must_check_;
struct board *board_free(struct board *b); /* takes NULL, returns NULL */
DEFINE_CLEANUP(struct board *, board_free)
#define _cleanup_board_ _cleanup_(board_freep)

/* Where it runs now nothing is asked of the host, elsewhere that it takes guests and has room. */
bool board_fits(const struct board *b, size_t guest, size_t host) _nonnull_ _pure_;
/* Without a look at whether it fits, and not noted as a move. */
void board_put(struct board *b, size_t guest, size_t host) _nonnull_;
/* The same as a move that is noted. Returns 0 or -ENOMEM. */
int board_move(struct board *b, size_t guest, size_t host) _nonnull_ _must_check_;

uint64_t board_score(const struct board *b) _nonnull_ _pure_;
/* What it would be. */
uint64_t board_score_with(struct board *b, size_t guest, size_t host) _nonnull_;

/* How far a move lowers both spreads' squares, each weighed by the other's size: what the score
 * changes by, to the first order and times a constant. For a first choice among many. */
struct board_slope {
	int64_t memory, cpu; /* weights */
};
struct board_slope board_slope(const struct board *b) _nonnull_ _pure_;
int128 board_estimate(const struct board *b, const struct board_slope *s, size_t guest, size_t host)
	_nonnull_ _pure_;
