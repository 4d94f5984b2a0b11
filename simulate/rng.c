/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/rng.h"

#include "common/units.h"

uint64_t rng_next(struct rng *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void rng_init(struct rng *r, uint64_t seed, enum rng_purpose purpose, uint64_t index)
{
	/* Each part goes through the mixer: neighbouring seeds and guests must not look alike. */
	r->state = seed;
	r->state = rng_next(r) + (uint64_t)purpose;
	r->state = rng_next(r) + index;
	r->state = rng_next(r);
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
	/* The high half of a 128 bit product: off from uniform by less than n / 2^64. */
	return (uint64_t)(((unsigned __int128)rng_next(r) * n) >> 64);
}

uint64_t rng_noise(struct rng *r, uint64_t value, uint64_t permyriad)
{
	uint64_t half = mul_div(value, permyriad, PERMYRIAD);

	if (permyriad == 0)
		return value;
	return value - half + rng_below(r, 2 * half + 1);
}
