/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/divide.h"

#include "common/units.h"

/* Lambda is in bytes per weight, with so many fractional bits. Weights carry WEIGHT_BITS of their
 * own for the idle tax. */
#define LAMBDA_BITS 16
#define WEIGHT_BITS 8

typedef unsigned __int128 uint128; /* a built-in type has no other way to a name without blanks */

/* How much of what is handed out at this level is idle: what is used, and what is wanted, is
 * not. */
static uint64_t idle_at(const struct division_guest *g, int level)
{
	return level == LEVEL_FLOOR  ? g->floor_idle_permyriad
	       : level >= LEVEL_KEEP ? g->idle_permyriad
				     : 0;
}

/* Weight after the idle tax: w / (f + k (1 - f)) with k = 1 / (1 - tax), f the share of pages in
 * use. */
static uint64_t weight_taxed(const struct division_guest *g, int level)
{
	uint64_t w = g->weight << WEIGHT_BITS, idle = idle_at(g, level), k, divisor;

	if (!idle)
		return w;
	k = PERMYRIAD * PERMYRIAD / (PERMYRIAD - MIN(g->idle_tax, UINT64_C(9900)));
	divisor = PERMYRIAD - idle + mul_div(k, idle, PERMYRIAD);
	return MAX(w * PERMYRIAD / divisor, UINT64_C(1));
}

static uint64_t share_at(uint64_t lambda, uint64_t weight, uint64_t lo, uint64_t hi)
{
	uint128 x = (uint128)lambda * weight >> (LAMBDA_BITS + WEIGHT_BITS);

	return x <= lo			    ? lo
	       : x >= hi		    ? hi
	       : mib_down((uint64_t)x) < lo ? lo
					    : mib_down((uint64_t)x);
}

static uint64_t level_of(const struct division_guest *g, int level)
{
	return level < 0 ? 0 : g->level[level];
}

/* What the search for lambda looks at again and again: packed, so that thousands stay in the
 * cache. */
struct part {
	uint64_t weight, lo, hi;
};

static uint64_t sum_at(const struct part *parts, size_t n, uint64_t lambda, uint64_t stop_bytes)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n && sum <= stop_bytes; i++)
		sum = add_sat(sum, share_at(lambda, parts[i].weight, parts[i].lo, parts[i].hi));
	return sum;
}

/* The largest lambda at which the shares still fit, by bisection: monotone, no rounding can make it
 * oscillate. */
static uint64_t lambda_find(const struct part *parts, size_t n, uint64_t budget_bytes)
{
	uint64_t lo = 0, hi = 0;

	for (size_t i = 0; i < n; i++)
		hi = MAX(hi, mul_div(parts[i].hi + MIB, UINT64_C(1) << (LAMBDA_BITS + WEIGHT_BITS),
				     parts[i].weight));
	while (lo < hi) {
		uint64_t mid = lo + (hi - lo + 1) / 2;

		if (sum_at(parts, n, mid, budget_bytes) <= budget_bytes)
			lo = mid;
		else
			hi = mid - 1;
	}
	return lo;
}

static void divide_level(struct division_guest *guests, size_t n, int level, uint64_t budget_bytes)
{
	_cleanup_free_ struct part *parts = calloc(n + 1, sizeof(*parts));
	uint64_t lambda;

	for (size_t i = 0; i < n; i++) {
		struct division_guest *g = &guests[i];

		/* Without memory nothing above the level before is handed out: safe, and asked
		 * again. */
		g->share_bytes = level_of(g, level - 1);
		if (parts)
			parts[i] = (struct part){weight_taxed(g, level),
				g->share_bytes, g->level[level]};
	}
	if (!parts)
		return;
	lambda = lambda_find(parts, n, budget_bytes);
	for (size_t i = 0; i < n; i++)
		guests[i].share_bytes =
			share_at(lambda, parts[i].weight, parts[i].lo, parts[i].hi);
}

static void levels_sum(const struct division_guest *guests, size_t n, uint64_t *sums)
{
	memset(sums, 0, LEVEL_MAX * sizeof(*sums));
	for (size_t i = 0; i < n; i++)
		for (int l = 0; l < LEVEL_MAX; l++)
			sums[l] = add_sat(sums[l], guests[i].level[l]);
}

enum level divide(struct division_guest *guests, size_t n, uint64_t budget_bytes,
	uint64_t slack_bytes)
{
	uint64_t sums[LEVEL_MAX];
	int level = LEVEL_SAFE;

	levels_sum(guests, n, sums);
	while (level < LEVEL_MAX && sums[level] <= budget_bytes)
		level++;
	if (level == LEVEL_SAFE || level == LEVEL_MAX) {
		for (size_t i = 0; i < n; i++)
			guests[i].share_bytes = level_of(&guests[i], level ? LEVEL_MAX - 1 : 0);
		return (enum level)level;
	}
	if (level == LEVEL_KEEP)
		budget_bytes = MAX(sums[level - 1], sub_sat(budget_bytes, slack_bytes));
	divide_level(guests, n, level, budget_bytes);
	return (enum level)level;
}

uint64_t divide_grants(const uint64_t *ask, const uint64_t *weight, size_t n, uint64_t free_bytes,
	uint64_t *give)
{
	_cleanup_free_ struct part *parts = calloc(n + 1, sizeof(*parts));
	uint64_t asked = 0, given = 0, lambda;

	for (size_t i = 0; i < n; i++) {
		asked = add_sat(asked, ask[i]);
		give[i] = 0;
		if (parts)
			parts[i] = (struct part){weight[i] << WEIGHT_BITS, 0, ask[i]};
	}
	if (!parts) /* nothing is given, and it is asked again */
		return 0;
	lambda = asked <= free_bytes ? 0 : lambda_find(parts, n, free_bytes);
	for (size_t i = 0; i < n; i++) {
		give[i] = asked <= free_bytes ? ask[i]
					      : share_at(lambda, parts[i].weight, 0, ask[i]);
		given += give[i];
	}
	return given;
}
