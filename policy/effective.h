/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "policy/facts.h"
#include "policy/policy-set.h"
#include "policy/uuid.h"

/*
 * From all policies to what holds for one guest now: who matches, when it is in force, and the
 * merge with the origin of every value. Everything here is a function of its arguments and of state
 * that the caller keeps (and can clone).
 */

/* Which policies' schedules are open. One for a whole decision. */
struct policy_windows;
struct policy_windows *policy_windows_new(void) _must_check_;
struct policy_windows *policy_windows_free(struct policy_windows *w);
struct policy_windows *policy_windows_clone(const struct policy_windows *w) _nonnull_ _must_check_;
/* Judges all schedules at this wall time (microseconds since 1970). Cheap until the next change: it
 * keeps from when to when its answer holds, and judges anew when the set's generation changed or
 * the clock was set outside that range. Returns 1 when any window opened or closed (or the set
 * changed), 0 when not, -ENOMEM. */
int policy_windows_update(struct policy_windows *w, const struct policy_set *set,
	uint64_t now_real_usec) _nonnull_ _must_check_;
/* Wall time at which some window opens or closes next; USEC_INFINITY: never. */
uint64_t policy_windows_next_change(const struct policy_windows *w) _nonnull_ _pure_;
/* The same of policy i alone. */
uint64_t policy_windows_next(const struct policy_windows *w, size_t i) _nonnull_ _pure_;
/* Is policy i's window open (a policy without a schedule: always)? */
bool policy_windows_open(const struct policy_windows *w, size_t i) _nonnull_ _pure_;

/* Who a guest is, for [Match]. */
struct guest_identity {
	struct uuid uuid;
	const char *name;
	const char *const *tags; /* NULL-terminated, or NULL */
	const char *host;        /* name of the host it is on, or NULL */
};

/* A value set by hand (`guest set`): stands above all policies until it expires. */
struct override {
	struct uuid guest;
	const char *section; /* "Memory", "CPU" */
	const char *key;     /* "Min" */
	const char *value;   /* source text, checked when it was accepted */
	const char *by;      /* who asked: "uid 1000 (anna)" */
	const char *reason;  /* may be "" */
	uint64_t until_boot_usec; /* CLOCK_BOOTTIME; USEC_INFINITY: not by this clock */
	uint64_t until_real_usec; /* CLOCK_REALTIME; USEC_INFINITY: not by this clock */
	/* For who keeps them, and who asks for a guest that does not run now. */
	const char *guest_name;   /* its last one; NULL: not known */
	uint64_t seen_real_usec;  /* CLOCK_REALTIME: it ran then */
};
/* Is section/key/value something that can be overridden? 0, -ENOMEM, or -EINVAL with *d (the
 * nearest key, or what is wrong with the value; then its column counts from the value's start). */
int override_check(const char *section, const char *key, const char *value, struct diag *d)
	_nonnull_args_(1, 2, 3) _must_check_;

/* Where a value comes from. Strings live as long as the guest_policy and its set. */
struct origin {
	const char *file; /* path of a policy or drop-in; "override"; NULL: built-in default */
	unsigned line;
	const char *policy; /* policy's name, or NULL */
};

/* One guest's policy state: its matches, how long its conditions have held, and the merge. */
struct guest_policy;
struct guest_policy *guest_policy_new(void) _must_check_;
struct guest_policy *guest_policy_free(struct guest_policy *gp);
struct guest_policy *guest_policy_clone(const struct guest_policy *gp) _nonnull_ _must_check_;
/*
 * Brings it up to date. Matching is done again only for another set (generation) or identity (the
 * caller passes identity_changed); conditions are judged each time; the merge runs only when the
 * active policies or overrides changed. overrides: all of this guest. LastingSec runs on
 * now_boot_usec and survives a reload that leaves a policy's condition as it was. Returns 1 when
 * the effective settings may differ from before, 0 when not, -ENOMEM. *ret_wake_boot_usec: when a
 * LastingSec or an override's expiry would change it with no other change (USEC_INFINITY: never).
 */
int guest_policy_update(struct guest_policy *gp, const struct policy_set *set,
	const struct policy_windows *w, const struct guest_identity *id, bool identity_changed,
	const struct facts *facts, const struct override *overrides, size_t n_overrides,
	uint64_t now_boot_usec, uint64_t now_real_usec, uint64_t *ret_wake_boot_usec)
	_nonnull_args_(1, 2, 3, 4, 6, 11) _must_check_;
/* Valid until the next update. Where policies that contradict each other (or an override) leave Min
 * above Max, Max wins: mem_min_bytes is Max, and a visit shows Min with Max's value and origin. */
const struct settings *guest_policy_settings(const struct guest_policy *gp) _nonnull_ _pure_;
/* True when that happened; *ret_asked_bytes is the Min that was asked for. */
bool guest_policy_min_cut(const struct guest_policy *gp, uint64_t *ret_asked_bytes) _nonnull_;
/* A number that changes whenever the set of active policies (or overrides) of this guest does. */
uint64_t guest_policy_epoch(const struct guest_policy *gp) _nonnull_ _pure_;

/* A number for the list of its active policies, never 0: whatever else changes, it is the same for
 * the same list. */
uint64_t guest_policy_list(const struct guest_policy *gp) _nonnull_ _pure_;

/* Does policy i match / is it active for this guest now? */
bool guest_policy_matches(const struct guest_policy *gp, size_t i) _nonnull_ _pure_;
bool guest_policy_active(const struct guest_policy *gp, size_t i) _nonnull_ _pure_;

/* Every setting with its value as text and its origin, in table order, for `policy show` and the
 * API. fn may stop by returning non-zero, which is returned; -ENOMEM. The origin of a setting that
 * was reset by an empty assignment is that assignment. in_force: false for what this version
 * accepts but does not act on. */
typedef int (*setting_visitor)(const char *section, const char *key, const char *value,
	const struct origin *origin, bool in_force, void *userdata);
int guest_policy_visit(const struct guest_policy *gp, setting_visitor fn, void *userdata)
	_nonnull_args_(1, 2);
/* For tests of documentation: every setting that is known, in_force as above. */
int settings_visit_known(setting_visitor fn, void *userdata) _nonnull_args_(1);
