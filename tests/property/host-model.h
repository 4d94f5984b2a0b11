/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/decide.h"

/*
 * A random host for the property tests of decide(): guests of all kinds, policies, reservations; it
 * moves a random step at a time, guests come, go and change places, hostile where a guest or a host
 * can be. Everything follows from the seed.
 */
#define MODEL_GUESTS_MAX    10
#define MODEL_OVERRIDES_MAX 8

struct model_guest {
	char name[24];
	uint64_t used, file, anon_net; /* truth behind the reports */
	uint64_t refaults, stall_usec, oom;
	uint64_t sent_bytes; /* the largest size it was sent to since its actual was last read */
	bool liar, silent, swapped, stuck, slow, breaker, takes_back;
};

struct model {
	uint64_t rng;
	struct snapshot snap;
	struct guest_sample guests[MODEL_GUESTS_MAX];
	struct model_guest truth[MODEL_GUESTS_MAX];
	size_t n_born;             /* guests that there ever were */
	struct reservation reservations[4];
	struct override overrides[MODEL_OVERRIDES_MAX]; /* of weights; later ones win */
	uint64_t weights[MODEL_OVERRIDES_MAX];          /* what they say */
	char weight_texts[MODEL_OVERRIDES_MAX][24];
	struct policy_set *set;
};

uint64_t model_random(struct model *m, uint64_t below);
/* Makes a host. Returns 0 or -ENOMEM. */
int model_init(struct model *m, uint64_t seed) _must_check_;
void model_clear(struct model *m);
/* Carries out the plan as a real host would, not always at once, and lets some time pass. */
void model_step(struct model *m, const struct plan *plan);
