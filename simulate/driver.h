/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/policy-set.h"
#include "simulate/judge.h"
#include "simulate/output.h"

/*
 * Runs a scenario: the world ticks, the view learns, decide() is called when the daemon would call
 * it, what it plans is done to the world, judged and printed.
 */
struct driver_timing {
	uint64_t *samples_nsec; /* owned; each decision's time */
	size_t n, allocated;
};
void driver_timing_clear(struct driver_timing *t) _nonnull_;
#define _cleanup_driver_timing_ _cleanup_(driver_timing_clear)

/* The scenario's policies as one set, its host's reserve in front. Returns 0, -ENOMEM, or -EBADMSG
 * with findings. */
int driver_policies(const struct scenario *sc, struct policy_set **ret, struct diag_list *findings)
	_nonnull_ _must_check_;
/* Runs it all. make_output begins the form that is wanted; timing may be NULL. Returns 1: passed,
 * 0: not passed, or -errno. */
int driver_run(const struct scenario *sc, struct policy_set *set,
	int (*make_output)(struct output *o, FILE *file, const struct world *w), FILE *file,
	struct driver_timing *timing) _nonnull_args_(1, 2, 3, 4) _must_check_;
