/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/effective.h"
#include "policy/match.h"
#include "policy/timezone.h"

/*
 * What would hold for a guest that need not exist, at a time that need not be now (`policy test`,
 * `policy explain`), and how two such answers differ (`policy diff`). Pure and offline; the merge
 * is the daemon's own.
 */

/* How a policy stands to a guest at one moment. */
enum policy_verdict {
	POLICY_ACTIVE,
	POLICY_NO_MATCH,	  /* it is not for this guest */
	POLICY_CLOSED,		  /* outside its schedule */
	POLICY_CONDITION_FALSE,	  /* its condition does not hold */
	POLICY_CONDITION_UNKNOWN, /* its condition asks what is not known */
	POLICY_MATCH_UNKNOWN,	  /* its [Match] does */
	POLICY_VERDICT_MAX,
	POLICY_VERDICT_INVALID = -1,
};
DECLARE_STRTAB(policy_verdict, enum policy_verdict)

struct what_if {
	struct guest_identity id; /* a uuid of zeros is none */
	/* 1 << enum match_key: this part of id is not known; else name must be given */
	unsigned unknown_keys;
	uint64_t now_real_usec;
	const struct facts *facts;	  /* NULL: nothing is known */
	bool conditions_hold;		  /* take every condition as true, facts aside */
	const struct override *overrides; /* all are taken as holding */
	size_t n_overrides;
};

/* The answer: the policies' verdicts and the merge. Conditions that hold are taken to have held for
 * LastingSec. Keeps a reference to its set. */
struct what_if_answer;
/* Returns 0, -ENOMEM, or -EINVAL with *d for an override that cannot be. */
int what_if(const struct policy_set *set, const struct what_if *question,
	struct what_if_answer **ret, struct diag *d) _nonnull_args_(1, 2, 3) _must_check_;
struct what_if_answer *what_if_answer_free(struct what_if_answer *a); /* takes NULL, returns NULL */
DEFINE_CLEANUP(struct what_if_answer *, what_if_answer_free)
#define _cleanup_what_if_answer_ _cleanup_(what_if_answer_freep)

const struct settings *what_if_settings(const struct what_if_answer *a) _nonnull_ _pure_;
/* As guest_policy_visit(). */
int what_if_visit(const struct what_if_answer *a, setting_visitor fn, void *userdata)
	_nonnull_args_(1, 2);
/* As guest_policy_min_cut(). */
bool what_if_min_cut(const struct what_if_answer *a, uint64_t *ret_asked_bytes) _nonnull_;
/* Of policy i of the set. */
enum policy_verdict what_if_verdict(const struct what_if_answer *a, size_t i) _nonnull_ _pure_;
/* Wall time of the next window, of policies for this guest, that opens or closes; USEC_INFINITY:
 * never. */
uint64_t what_if_next_change(const struct what_if_answer *a) _nonnull_ _pure_;

/* "Mon 22:00", "2026-12-24 18:00": the first such moment from now_real_usec on, or where there is
 * none, the last one before; "now". In the local zone unless the text names one. Returns 0, or what
 * calendar_parse() returns with *d. */
int what_if_time(const char *text, uint64_t now_real_usec, const struct zone_source *zones,
	uint64_t *ret_real_usec, struct diag *d) _nonnull_args_(1, 4) _must_check_;
