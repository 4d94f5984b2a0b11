/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/diag.h"

struct guest_identity;

/*
 * [Match]: for whom a policy is. Each key has a list of patterns; "!" before one negates it. A key
 * matches when one of its plain patterns does (or it has none) and none of its negated ones; all
 * keys must match. Tag= asks all tags of the guest, Host= the host that it is on (a guest without a
 * host matches no plain pattern of Host=).
 */

/* Patterns of UTF-8 characters, the same in every locale: "*" any number of characters, "?" one,
 * "[a-z]" one of a range, "[!a-z]" one outside it, "\" takes the next as it is. Case counts. A byte
 * that is not UTF-8 is a character of its own. Time is at most the product of both lengths. */
bool glob_match(const char *pattern, const char *text) _nonnull_ _pure_;

enum match_key {
	MATCH_GUEST,
	MATCH_UUID, /* exact, no patterns */
	MATCH_TAG,
	MATCH_HOST,
	MATCH_KEY_MAX,
};

struct match;
struct match *match_new(void) _must_check_;
struct match *match_free(struct match *m); /* takes NULL, returns NULL */
DEFINE_CLEANUP(struct match *, match_free)
#define _cleanup_match_ _cleanup_(match_freep)

/* Adds the patterns in value, separated by blanks. Returns 0, -ENOMEM, or -EINVAL with *d (column
 * from the start of value; d may be NULL); then m may hold some of them. */
int match_add(struct match *m, enum match_key key, const char *value, struct diag *d)
	_nonnull_args_(1, 3) _must_check_;
/* In this order "and" is the smaller of two, "or" the larger. */
enum match_answer {
	MATCH_NO,
	MATCH_UNKNOWN, /* it asks what is not known of the guest */
	MATCH_YES,
};
/* unknown_keys: 1 << enum match_key for each part of *id that is not known; it is not looked at. */
enum match_answer match_judge(const struct match *m, const struct guest_identity *id,
	unsigned unknown_keys) _nonnull_ _pure_;
/* The same of a guest of which all is known. */
bool match_guest(const struct match *m, const struct guest_identity *id) _nonnull_ _pure_;
