/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * How much a guest may send: 8 KiB/s with a burst of 64 KiB. An honest agent stays far below it: a
 * report is some 430 bytes, and there are at most ten a second (one a look). Pure: time is passed
 * in.
 */
#define BUCKET_BYTES_PER_SEC (8 * KIB)
#define BUCKET_BURST_BYTES (64 * KIB)

struct bucket {
	uint64_t tokens_bytes;
	uint64_t filled_usec; /* up to when the refill is in tokens_bytes */
};

/* Full, at this time (any clock that does not run backwards). */
void bucket_init(struct bucket *b, uint64_t now_usec) _nonnull_;

/* Takes so many bytes out, at most what is there. True: they were within the budget. */
bool bucket_take(struct bucket *b, uint64_t now_usec, uint64_t bytes) _nonnull_;
