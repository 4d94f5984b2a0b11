/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/effective.h"
#include "policy/policy-file.h"

/* Private to policy/: the merge itself. Later wins per setting; an empty assignment is the default,
 * whatever came before. */

struct merged {
	struct settings settings;
	/* Who said it, by setting_guest_index(); NULL: nobody, the default. Borrowed. */
	const struct assignment *from[SETTING_GUEST_MAX];
};

void merged_reset(struct merged *m) _nonnull_;
/* Lays one word over what was said before. Words about the host or the policy itself are passed
 * over. */
void merged_apply(struct merged *m, const struct assignment *a) _nonnull_;
void merged_apply_policy(struct merged *m, const struct policy *p) _nonnull_;
/* After the last word: Min is cut to Max where it is more; whether anybody said what the CPU
 * settings are to be. */
void merged_finish(struct merged *m) _nonnull_;
/* What was asked for as Min, and whether it was cut. */
bool merged_min_cut(const struct merged *m, uint64_t *ret_asked_bytes) _nonnull_;
/* As guest_policy_visit(). Also returns -ENOMEM. */
int merged_visit(const struct merged *m, setting_visitor fn, void *userdata) _nonnull_args_(1, 2);
