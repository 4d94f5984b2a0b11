/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/divide.h"

#include "common/units.h"

/* Lambda is in bytes per weight, with so many fractional bits. Weights carry WEIGHT_BITS of their own for the idle tax. */
#define LAMBDA_BITS 16
#define WEIGHT_BITS 8

typedef unsigned __int128 uint128; /* a built-in type has no other way to a name without blanks */

/* Weight after the idle tax: w / (f + k (1 - f)) with k = 1 / (1 - tax), f the share of pages in use. */
static uint64_t weight_taxed(const struct division_guest *g, bool tax)
{
	uint64_t w = g->weight << WEIGHT_BITS, k, divisor;

	if (!tax)
		return w;
	k = PERMYRIAD * PERMYRIAD / (PERMYRIAD - MIN(g->idle_tax, UINT64_C(9900)));
	divisor = PERMYRIAD - g->idle_permyriad + mul_div(k, g->idle_permyriad, PERMYRIAD);
	return MAX(w * PERMYRIAD / divisor, UINT64_C(1));
}

static uint64_t share_at(uint64_t lambda, uint64_t weight, uint64_t lo, uint64_t hi)
{
	uint128 x = (uint128)lambda * weight >> (LAMBDA_BITS + WEIGHT_BITS);

	return x <= lo ? lo : x >= hi ? hi : mib_down((uint64_t)x) < lo ? lo : mib_down((uint64_t)x);
}

static uint64_t level_of(const struct division_guest *g, int level)
{
	return level < 0 ? 0 : g->level[level];
}

static uint64_t sum_at(const struct division_guest *guests, const uint64_t *weights, size_t n,
	int level, uint64_t lambda, uint64_t stop_bytes)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n && sum <= stop_bytes; i++)
		sum = add_sat(sum, share_at(lambda, weights[i], level_of(&guests[i], level - 1),
					guests[i].level[level]));
	return sum;
}

static uint64_t level_sum(const struct division_guest *guests, size_t n, int level)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum = add_sat(sum, level_of(&guests[i], level));
	return sum;
}

/* The largest lambda at which the shares still fit, by bisection: monotone, no rounding can make it oscillate. */
static void divide_level(struct division_guest *guests, size_t n, int level, uint64_t budget_bytes)
{
	bool tax = level >= LEVEL_KEEP;
	uint64_t weights[64], *w = weights, lo = 0, hi = 0;
	_cleanup_free_ uint64_t *heap = NULL;

	if (n > ARRAY_SIZE(weights)) {
		heap = malloc(n * sizeof(*heap));
		w = heap;
	}
	if (!w) { /* without memory nothing above the level before is handed out: safe, and asked again */
		for (size_t i = 0; i < n; i++)
			guests[i].share_bytes = level_of(&guests[i], level - 1);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		w[i] = weight_taxed(&guests[i], tax);
		hi = MAX(hi, mul_div(guests[i].level[level] + MIB,
				     UINT64_C(1) << (LAMBDA_BITS + WEIGHT_BITS), w[i]));
	}
	while (lo < hi) {
		uint64_t mid = lo + (hi - lo + 1) / 2;

		if (sum_at(guests, w, n, level, mid, budget_bytes) <= budget_bytes)
			lo = mid;
		else
			hi = mid - 1;
	}
	for (size_t i = 0; i < n; i++)
		guests[i].share_bytes = share_at(lo, w[i], level_of(&guests[i], level - 1),
			guests[i].level[level]);
}

enum level divide(struct division_guest *guests, size_t n, uint64_t budget_bytes,
	uint64_t slack_bytes)
{
	for (int level = 0; level < LEVEL_MAX; level++) {
		uint64_t below, target = budget_bytes;

		if (level_sum(guests, n, level) <= budget_bytes)
			continue;
		if (level == LEVEL_SAFE) {
			for (size_t i = 0; i < n; i++)
				guests[i].share_bytes = guests[i].level[LEVEL_SAFE];
			return LEVEL_SAFE;
		}
		below = level_sum(guests, n, level - 1);
		if (level == LEVEL_KEEP)
			target = MAX(below, sub_sat(budget_bytes, slack_bytes));
		divide_level(guests, n, level, target);
		return (enum level)level;
	}
	for (size_t i = 0; i < n; i++)
		guests[i].share_bytes = guests[i].level[LEVEL_MAX - 1];
	return LEVEL_MAX;
}

uint64_t divide_grants(const uint64_t *ask, const uint64_t *weight, size_t n, uint64_t free_bytes,
	uint64_t *give)
{
	uint64_t asked = 0, given = 0, lo = 0, hi = 0;

	for (size_t i = 0; i < n; i++) {
		asked = add_sat(asked, ask[i]);
		hi = MAX(hi, mul_div(ask[i] + MIB, UINT64_C(1) << LAMBDA_BITS, weight[i]));
	}
	if (asked <= free_bytes)
		lo = hi;
	while (lo < hi) {
		uint64_t mid = lo + (hi - lo + 1) / 2, sum = 0;

		for (size_t i = 0; i < n && sum <= free_bytes; i++)
			sum = add_sat(sum, share_at(mid, weight[i] << WEIGHT_BITS, 0, ask[i]));
		if (sum <= free_bytes)
			lo = mid;
		else
			hi = mid - 1;
	}
	for (size_t i = 0; i < n; i++) {
		give[i] = share_at(lo, weight[i] << WEIGHT_BITS, 0, ask[i]);
		given += give[i];
	}
	return given;
}
