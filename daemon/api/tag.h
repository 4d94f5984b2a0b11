/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/api/api.h"

/*
 * What If-Match is held against: a number for what a PUT can change of a thing, as 16 hex digits.
 * The ETag of such an answer is "TAG-BODY": both parts for caches, the first alone for If-Match, so
 * that a figure that moves meanwhile (how many guests a policy is active for) makes nobody's edit
 * stale.
 */
/* Tells contents apart, not adversaries: eight bytes a step, so that a megabyte costs a fraction of
 * a millisecond. */
uint64_t tag_hash(const void *data, size_t len) _pure_;
/* "9f86d081884c7d65". Returns buf. */
char *tag_format(uint64_t tag, char buf[static API_TAG_MAX]);
/* Does a list of entity tags (If-Match) name this one? "*" names any. */
bool tag_matches(const char *header, const char *tag) _nonnull_ _pure_;

/* Of a noun in what is known: for routes. */
struct view_input;
uint64_t tag_mode(const struct view_input *k, size_t index);
uint64_t tag_pause(const struct view_input *k, size_t index);
uint64_t tag_overrides(const struct view_input *k, size_t index);
uint64_t tag_policy(const struct view_input *k, size_t index);
