/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/json.h"
#include "daemon/view.h"

/*
 * What other policies would mean for the guests that there are: whom one of them is for, and which
 * effective settings would be others. By what-if (policy/what-if.h), with what is known of host and
 * guests. Pure; for a thread that may take its time (a thousand guests and ten policies: tens of
 * milliseconds).
 */
#define POLICY_TRIAL_CHANGES_MAX 4000 /* in one answer */

/* Members "at", "guests", "matches", "changes", "conditions_unknown", "truncated" into an open
 * object. k NULL, or without a snapshot: no guests. at_real_usec 0: the snapshot's time. Returns 0
 * or -ENOMEM. */
int policy_trial(const struct view_input *k, const struct policy_set *old,
	const struct policy_set *new, const char *name, uint64_t at_real_usec, struct json_out *o)
	_nonnull_args_(2, 3, 4, 6) _must_check_;
