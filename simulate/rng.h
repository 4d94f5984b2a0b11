/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * The simulator's own dice: SplitMix64 (Steele, Lea, Flood 2014), integers only, the same numbers
 * on every machine. Each user has a stream of its own, so that one guest's noise does not depend on
 * what another did.
 */
struct rng {
	uint64_t state;
};

/* What a stream is for. Part of a scenario's meaning: a new purpose goes to the end. */
enum rng_purpose {
	RNG_HOST_LOOK,
	RNG_HEARTBEAT,
	RNG_LOOK,
	RNG_NOISE,
};

/* Begins the stream of this purpose for the index-th guest (0 for the host's). */
void rng_init(struct rng *r, uint64_t seed, enum rng_purpose purpose, uint64_t index) _nonnull_;
uint64_t rng_next(struct rng *r) _nonnull_;
/* 0 .. n-1, n > 0. */
uint64_t rng_below(struct rng *r, uint64_t n) _nonnull_;
/* value, off by up to plus or minus this ratio, uniformly; a ratio of 0 draws nothing. */
uint64_t rng_noise(struct rng *r, uint64_t value, uint64_t permyriad) _nonnull_;
