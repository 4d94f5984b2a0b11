/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * How often each client may do something: token buckets by the client's key, in a table of fixed
 * size, so that clients that come under ever new keys cost no memory. Who has not been heard of for
 * longest gives his place away, which can only give him a full bucket again. Pure: time is passed
 * in.
 */
struct limit_rate {
	/* what is refilled, in thousandths, so that less than one a second can be said */
	uint32_t per_sec;
	uint32_t burst;	    /* a full bucket, whole ones */
};

#define LIMIT_SETS 64
#define LIMIT_WAYS 4
#define LIMIT_KEY_MAX 80
struct limit_bucket {
	char key[LIMIT_KEY_MAX]; /* "": free */
	uint64_t milli;		 /* what is left, in thousandths */
	uint64_t filled_usec;	 /* up to when the refill is in it */
};
struct limit_table {
	struct limit_bucket buckets[LIMIT_SETS][LIMIT_WAYS];
};

/* Takes one out of the key's bucket. Returns 0, or in how many microseconds there is one again
 * (nothing is taken then). */
uint64_t limit_take(struct limit_table *t, const char *key, const struct limit_rate *rate,
	uint64_t now_usec) _nonnull_ _must_check_;
