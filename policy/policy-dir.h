/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/policy-set.h"

/*
 * Private to policy/: which files make up the policies, by systemd's rules. Of files with one name
 * the one in the highest layer counts, for policies as for drop-ins; order is by name over all
 * layers.
 */

struct policy_entry {
	char *policy; /* "60-night.policy" */
	char *dropin; /* "10-more.conf"; NULL: the policy's own file */
	char *path;
	size_t layer;
	/* of a change: instead of what the file has, if there is one. Borrowed; NULL: read it */
	const char *text;
	size_t len;
	bool unlisted; /* its directory cannot be read now: known from before only */
};
/* Sorted: a policy's own file, if there is one, stands before its drop-ins. */
struct policy_listing {
	struct policy_entry *entries;
	size_t n;
	size_t allocated;
	size_t layers_read; /* directories that are there and could be read */
	size_t layers_bad;  /* ... could not */
	int error;	    /* -errno of the first of those */
};
void policy_listing_clear(struct policy_listing *l);
#define _cleanup_policy_listing_ _cleanup_(policy_listing_clear)

/* Lists dirs->dirs, with its change. A directory that is not there is empty; one that cannot be
 * read takes from known (may be NULL) what it had there, and adds a finding. Returns 0 or
 * -ENOMEM. */
int policy_listing_read(const struct policy_dirs *dirs, const struct policy_set *known,
	struct policy_listing *ret, struct diag_list *findings)
	_nonnull_args_(1, 3, 4) _must_check_;
