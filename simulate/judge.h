/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/reason.h"
#include "policy/settings.h"
#include "simulate/world.h"

/*
 * Watches the world and the commands and says in the end what was good and what was not, by the
 * rules of the contract: flips, violations, expectations, sums. It sees the truth, not the daemon's
 * view of it.
 */
enum rule {
	RULE_PROMISE, /* more promised than the host has, by a command or for too long */
	RULE_FLOOR,   /* below policy Min although all floors fit */
	RULE_ABOVE_MAX, /* above policy Max or the guest's own: "max" */
	RULE_USED,    /* shrunk below what it uses without need */
	RULE_PRESSED, /* a pressed guest shrunk while an unpressed one has slack */
	RULE_STALE,   /* a guest that is not heard shrunk below what it last used and headroom */
	RULE_OOM,     /* a guest's kernel killed */
	RULE_MAX,
	RULE_INVALID = -1,
};
DECLARE_STRTAB(rule, enum rule)

struct violation {
	uint64_t at_msec;
	enum rule rule;
	const char *guest; /* of the scenario; "" : the host */
	uint64_t bytes;    /* by how much */
};

/* How an expectation stands. */
struct verdict {
	bool met;
	uint64_t count;     /* flips or commands so far */
	/* a guest each (one for the host): since when it has held; MSEC_NEVER: it does not */
	uint64_t *since_msec;
	uint64_t *met_msec; /* when it came true for good; MSEC_NEVER: not yet */
	uint64_t lowest;    /* NEVER_BELOW: the lowest that was seen */
};

/* A memory command and what was known when it was given. */
struct judged_command {
	uint64_t at_msec;
	size_t guest;
	uint64_t from_bytes, to_bytes;
	const struct reason *reason;
	uint64_t promised_before, promised_after;
	bool heard;                /* its agent or its statistics said something in the last 15 s */
	uint64_t known_used_bytes; /* by its last word, overhead included; 0: never heard */
};

struct judge;

/* w must outlive it. settings_of(userdata, guest) gives a guest's effective settings at the time of
 * a call. NULL without memory. */
struct judge *judge_new(const struct world *w,
	const struct settings *(*settings_of)(void *userdata, size_t guest), void *userdata)
	_nonnull_args_(1, 2) _must_check_;
struct judge *judge_free(struct judge *j); /* takes NULL, returns NULL */
DEFINE_CLEANUP(struct judge *, judge_free)
#define _cleanup_judge_ _cleanup_(judge_freep)

/* What is kept free where the scenario does not say: as decide() has it. */
void judge_set_reserve(struct judge *j, uint64_t bytes) _nonnull_;
/* At 0 and after each tick, before the daemon acts. */
int judge_tick(struct judge *j) _nonnull_ _must_check_;
/* A command was given: the world has its new target. */
int judge_command(struct judge *j, const struct judged_command *c) _nonnull_ _must_check_;
/* A reservation was granted. */
int judge_grant(struct judge *j, uint64_t at_msec, size_t guest, uint64_t promised_before,
	uint64_t promised_after) _nonnull_ _must_check_;
/* The end of the scenario: closes what is open. */
void judge_end(struct judge *j) _nonnull_;

uint64_t judge_commands(const struct judge *j) _nonnull_ _pure_;
uint64_t judge_flips(const struct judge *j) _nonnull_ _pure_;
uint64_t judge_short_byte_s(const struct judge *j) _nonnull_ _pure_;
const struct violation *judge_violations(const struct judge *j, size_t *ret_n) _nonnull_;
const struct verdict *judge_verdict(const struct judge *j, size_t expect) _nonnull_ _pure_;
/* Everything met, nobody killed, no promise broken: what the exit code says. */
bool judge_passed(const struct judge *j) _nonnull_ _pure_;
