/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <inttypes.h>
#include <stdio.h>

#include "tests/property/host-model.h"

/* What was found broken, for the one line that a failing case prints. */
extern char invariant_failure[256];

/* Ends the calling check with false and the sentence. */
#define REQUIRE(cond, ...)                                                                         \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			snprintf(invariant_failure, sizeof(invariant_failure), __VA_ARGS__);       \
			return false;                                                              \
		}                                                                                  \
	} while (0)

/* Judges one plan for the model as it stands; state is the one after the decision, for the policies
 * in force. */
bool invariants_hold(const struct model *m, const struct plan *p, const struct decide_state *state);
/* The command to this guest, or NULL. */
const struct action *memory_action(const struct plan *p, size_t guest);
/* What a person needs to see why: one line a guest, MiB. */
void plan_print(const struct model *m, const struct plan *p);
