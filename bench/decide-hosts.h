/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/decide.h"

/*
 * Hosts of any size for bench/decide: plausible guests that report anew before each decision and
 * obey its commands at once, so that every decision has all the work that a host of that kind can
 * give it. Everything follows from the seed.
 */
enum host_mix {
	MIX_CALM,    /* everybody has what it wants; a fifth of the memory is free */
	MIX_PRESSED, /* one guest in fifty stalls, nothing is free: others lend */
	MIX_CRYING,  /* all stall at once */
	MIX_OVER,    /* what is used does not fit into the host */
	/* as pressed, and each guest has three overrides above twenty policies with conditions */
	MIX_BY_HAND,
	MIX_MAX,
	MIX_INVALID = -1,
};
DECLARE_STRTAB(host_mix, enum host_mix)

struct host;

/* NULL without memory. */
struct host *host_new(enum host_mix mix, size_t n_guests, uint64_t seed) _must_check_;
struct host *host_free(struct host *h); /* takes NULL, returns NULL */
DEFINE_CLEANUP(struct host *, host_free)
#define _cleanup_host_ _cleanup_(host_freep)

const struct snapshot *host_snapshot(const struct host *h) _nonnull_;
const struct policy_set *host_policies(const struct host *h) _nonnull_;
/* Obeys the plan; 100 ms pass; each guest reports. */
void host_step(struct host *h, const struct plan *plan) _nonnull_;
