/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdatomic.h>

#include "policy/condition.h"
#include "policy/match.h"
#include "policy/schedule.h"
#include "policy/setting-table.h"

/*
 * Private to policy/: one policy, composed of its file and its drop-ins. Immutable once composed,
 * reference counted (atomically), so that a set that was read anew can keep the last good version
 * of a file.
 */

/* The text of one file. */
struct policy_source;
/* Copies path and text. NULL without memory. */
struct policy_source *policy_source_new(
	const char *path, const char *text, size_t len) _nonnull_ _must_check_;
struct policy_source *policy_source_ref(struct policy_source *src);   /* takes NULL */
struct policy_source *policy_source_unref(struct policy_source *src); /* takes NULL, returns NULL */
DEFINE_CLEANUP(struct policy_source *, policy_source_unref)
#define _cleanup_policy_source_ _cleanup_(policy_source_unrefp)
const char *policy_source_path(const struct policy_source *src) _nonnull_ _pure_;
const char *policy_source_text(const struct policy_source *src, size_t *ret_len) _nonnull_;

/* A value of [Policy], [Match], [Schedule] or [When] as written, with its place. */
struct raw_value {
	char *text; /* owned */
	const char *file;
	unsigned line;
	unsigned col;
};
/* In the order written; an empty assignment empties it. Where one value is asked for, the last one
 * counts. */
struct raw_list {
	struct raw_value *values;
	size_t n;
};
/* The places of setting_table's rows that are of the policy itself. */
struct policy_raw {
	struct raw_list description;
	struct raw_list match[MATCH_KEY_MAX];
	struct raw_list on_calendar;
	struct raw_list until;
	struct raw_list duration;
	struct raw_list timezone;
	struct raw_list condition;
	struct raw_list lasting;
};

/* What a policy says about one setting. */
struct assignment {
	const struct setting *setting;
	const struct policy *policy; /* NULL: an override */
	const char *file;
	unsigned line;
	unsigned col;
	bool reset; /* an empty assignment: the default, whatever earlier policies say */
	union setting_value value;
};

struct policy {
	atomic_uint refs;
	char *name;
	struct policy_source **sources; /* its file, then its drop-ins in order */
	size_t n_sources;
	char *description;	     /* "" if none */
	char *on_calendar;	     /* as written, joined by "; "; "" if none */
	struct match *match;	     /* NULL: every guest */
	struct schedule *schedule;   /* NULL: always open */
	struct condition *condition; /* NULL: none */
	const char *condition_file;  /* where it stands */
	unsigned condition_line, condition_col;
	uint64_t lasting_usec;
	struct assignment *assignments; /* at most one a setting */
	size_t n_assignments;
};

struct policy *policy_ref(struct policy *p);   /* takes NULL */
struct policy *policy_unref(struct policy *p); /* takes NULL, returns NULL */
DEFINE_CLEANUP(struct policy *, policy_unref)
#define _cleanup_policy_ _cleanup_(policy_unrefp)

/*
 * Composes a policy from its file (the first source) and its drop-ins. Returns 0 and a new
 * reference, -ENOMEM, or -EBADMSG with all mistakes added to findings; bad[i] is set for each
 * source that has a mistake of its own. Where none is set, the sources contradict each other or
 * lack something together.
 */
int policy_compose(const char *name, struct policy_source *const *sources, size_t n,
	const struct zone_source *zones, struct policy **ret, struct diag_list *findings, bool *bad)
	_nonnull_args_(1, 2, 5, 6, 7) _must_check_;
