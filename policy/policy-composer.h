/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/ini.h"
#include "policy/policy-file.h"

/*
 * Private to policy-file.c, policy-read.c and policy-compose.c: a policy while it is made of its
 * files. Each line is read and checked by itself; then what can only be said of the whole is.
 */
struct composer {
	struct policy *policy;
	const struct policy_source *source; /* the one being read */
	const struct zone_source *zones;
	struct diag_list *findings;
	struct policy_raw raw;
	/* Where a section begins for the first time: for what it lacks. */
	struct raw_value schedule_section;
	struct raw_value host_section;
	bool section_unknown; /* the one being read: said once, its keys are passed over */
	/* Something in that section was not understood: what it seems to lack may be just that. */
	bool schedule_bad, when_bad;
};

/* An ini_parse_all() callback whose userdata is the composer: checks one line and keeps what it
 * says. */
int composer_read(const struct ini_entry *e, void *composer, struct diag *d) _nonnull_;
/* Match, schedule, condition, and what contradicts each other. Each mistake by itself is added to
 * the findings and sets *bad, whatever else was found. Returns 0 or -ENOMEM. */
int composer_finish(struct composer *c, bool *bad) _nonnull_ _must_check_;
/* Frees what was read; the policy is the caller's. */
void composer_clear(struct composer *c) _nonnull_;
