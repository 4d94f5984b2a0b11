/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/plan.h"
#include "policy/snapshot.h"

/*
 * The heart: from what is seen and what is wanted to what is done. Reads no clock, keeps nothing
 * but what is in state, does no I/O, uses integers only: the same snapshot, set and state give the
 * same bytes out on any host.
 */
struct decide_state;

struct decide_state *decide_state_new(void) _must_check_;
struct decide_state *decide_state_free(struct decide_state *s); /* takes NULL, returns NULL */
/* A full copy, for a what-if. NULL without memory. */
struct decide_state *decide_state_clone(const struct decide_state *s) _nonnull_ _must_check_;
DEFINE_CLEANUP(struct decide_state *, decide_state_free)

/*
 * Decides once. state goes in as the last decision left it and comes out as the next one needs it.
 * Time must not run backwards on now_boot_usec; now_real_usec may jump. Call it when a report with
 * a reason other than heartbeat came, when an actual size or a life-cycle changed, when the host
 * was sampled and its figures moved, and at plan->wake_boot_usec. Actions are taken as carried out:
 * if one was not, the next snapshot's target_bytes says so. Returns 0 and a plan that the caller
 * frees; -ENOMEM; -EINVAL for a snapshot that contradicts itself (two guests with one UUID).
 */
int decide(const struct snapshot *snap, const struct policy_set *set, struct decide_state *state,
	struct plan **ret_plan) _nonnull_ _must_check_;

/* [Host] Reserve= of so much memory, or what is kept free where no policy says: 5 %, at least 256
 * MiB, at most 4 GiB. */
uint64_t host_reserve_bytes(const struct host_settings *h, uint64_t memory_bytes) _nonnull_ _pure_;

/* The effective policy of a guest as of the last decision, or NULL. Valid until the next. */
const struct guest_policy *decide_state_guest_policy(const struct decide_state *s,
	const struct uuid *guest) _nonnull_;
const struct policy_windows *decide_state_windows(const struct decide_state *s) _nonnull_;
