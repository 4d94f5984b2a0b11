/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "simulate/judge.h"

/* The judge's insides, shared by its files. */
struct judged_guest {
	int direction;             /* of the last command that had one; 0: none yet */
	uint64_t changes;          /* of the world, at that command */
	/* of the last stall release; MSEC_NEVER: none, or corrected already */
	uint64_t stall_msec;
};

struct judge {
	const struct world *world;
	const struct settings *(*settings_of)(void *userdata, size_t guest);
	void *userdata;
	uint64_t reserve_bytes;
	struct judged_guest *guests;
	struct verdict *verdicts;
	struct violation *violations;
	size_t n_violations, allocated;
	uint64_t commands, flips;
	unsigned __int128 short_byte_msec;
	/* The promise while it is exceeded. */
	uint64_t over_msec;        /* since when, or since the last excuse; MSEC_NEVER: it is not */
	uint64_t own_msec;         /* the balloons' own time for what they were told */
	uint64_t last_other_bytes;
	bool late_told;
	uint64_t segment_msec;     /* the last demand step */
	uint64_t last_tick_msec;
};

int judge_violation(struct judge *j, uint64_t at_msec, enum rule rule, const char *guest,
	uint64_t bytes) _nonnull_ _must_check_;
/* memory - reserve - other. */
uint64_t judge_limit_bytes(const struct judge *j) _nonnull_ _pure_;

/* judge-rules.c: what one command breaks. */
int judge_rules(struct judge *j, const struct judged_command *c) _nonnull_ _must_check_;
/* judge-promise.c: the promise at each tick. */
int judge_promise(struct judge *j) _nonnull_ _must_check_;
/* judge-flips.c */
bool judge_is_flip(struct judge *j, const struct judged_command *c) _nonnull_;
/* judge-expect.c */
int judge_expect_begin(struct judge *j) _nonnull_ _must_check_;
void judge_expect_tick(struct judge *j) _nonnull_;
void judge_expect_command(struct judge *j, const struct judged_command *c, bool flip) _nonnull_;
void judge_expect_end(struct judge *j) _nonnull_;
void judge_expect_free(struct judge *j) _nonnull_;
