/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/policy-file.h"
#include "policy/policy-set.h"

/* Private to policy/: what is inside a set. Lives as long as the set. */

/* What policy_set_own_text() shows of policy i; takes it. */
void policy_set_own(struct policy_set *set, size_t i, struct policy_source *own) _nonnull_;
const struct policy *policy_set_at(const struct policy_set *set, size_t i) _nonnull_ _pure_;

/* A set of these policies in this order (new references are taken), stale[i] where policy i is a
 * last good version; notes and lost are taken over (both may be NULL). NULL without memory. */
struct policy_set *policy_set_new(struct policy *const *policies, const bool *stale, size_t n,
	struct diag_list *notes, struct diag_list *lost) _must_check_;
