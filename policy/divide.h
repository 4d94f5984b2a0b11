/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * Weighted max-min division of a budget over levels. Each guest has a rising row of sizes; a level
 * is handed out in full to everybody before the next one is begun, and the level at which the
 * budget runs out is divided by weight: share = clamp(lambda * weight, level - 1, level), with one
 * lambda for all. So whoever has the most memory per weight gives first, and nobody who is content
 * with less pays for somebody's greed (max-min fairness; Bertsekas and Gallager, Data
 * Networks, 6.5.2).
 */
enum level {
	/* not even a critical host takes this: a guest without a net would die of it */
	LEVEL_SAFE,
	LEVEL_USED,  /* what it uses and a little */
	LEVEL_FLOOR, /* policy Min as well */
	/* a pressed guest has what it wants, and keeps what it has, before anybody else gets more
	   than its floor */
	LEVEL_PRESSED,
	LEVEL_WANT,   /* used + headroom; more than the size at which it was seen short */
	LEVEL_SOFT,   /* its page cache too */
	LEVEL_ASK,    /* what a pressed one asks beyond what is proved */
	LEVEL_RECENT, /* what it used of late */
	/* what it has now: surplus is left alone until somebody needs it; a stalled one's full
	   release */
	LEVEL_KEEP,
	LEVEL_GROW, /* policy Surplus=grow */
	LEVEL_MAX,
};

struct division_guest {
	uint64_t level[LEVEL_MAX]; /* bytes, multiples of 1 MiB, not falling */
	uint64_t weight;           /* 1..10000 */
	uint64_t idle_permyriad;   /* how much of it is idle, for the idle tax */
	uint64_t floor_idle_permyriad; /* how much of its floor is policy Min beyond its use */
	uint64_t idle_tax;         /* permyriad, 0..9900 */
	uint64_t share_bytes;      /* out */
};

/*
 * Fills share_bytes of all. Where surplus has to be taken (LEVEL_KEEP runs out), slack_bytes more
 * than needed are taken if they are there, so that the next small need moves nothing. From
 * LEVEL_KEEP upwards, and where even the floors do not fit, weights are taxed for idle pages
 * (Waldspurger, OSDI 2002, section 5). Returns the level that ran out, or LEVEL_MAX when all fits.
 * The shares sum to at most the budget, unless the level LEVEL_SAFE alone exceeds it: then
 * everybody has exactly that.
 */
enum level divide(struct division_guest *guests, size_t n, uint64_t budget_bytes,
	uint64_t slack_bytes) _nonnull_;

/*
 * Hands out what is free now: guest i asks for ask[i] bytes and gets give[i], by weight, in
 * multiples of 1 MiB. Returns what was given in all, at most free_bytes.
 */
uint64_t divide_grants(const uint64_t *ask, const uint64_t *weight, size_t n, uint64_t free_bytes,
	uint64_t *give) _nonnull_;

static inline uint64_t mib_down(uint64_t bytes)
{
	return bytes & ~(MIB - 1);
}
static inline uint64_t mib_up(uint64_t bytes)
{
	return bytes > UINT64_MAX - MIB ? mib_down(bytes) : mib_down(bytes + MIB - 1);
}
