/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"
#include "common/conf.h"
#include "policy/effective.h"

/* Who a guest is, for the [Match] of policies that are tried on it: by the daemon where it answers
 * and knows the guest, else by what was given and by what the daemon would go by. */
struct policy_guest {
	const char *label;	   /* as it was named */
	struct guest_identity id;  /* points into this very object */
	unsigned unknown_keys;	   /* of id, as in struct what_if */
	bool stranger;		   /* the daemon answers and knows no such guest */
	json_t *known;		   /* owned: the daemon's word, or NULL */
	const char *tags[CLI_VALUES_MAX + 1];
	char host[256];
};
void policy_guest_clear(struct policy_guest *g); /* takes NULL */
#define _cleanup_policy_guest_ _cleanup_(policy_guest_clear)

/* word: a name or UUID, which must outlive *ret. --tag and --uuid stand above what the daemon says.
 * Returns CLI_OK, or the exit code after a message. */
int policy_guest_find(struct cli *c, const struct conf *conf, const char *word,
	struct policy_guest *ret) _nonnull_;
/* The same of one that the daemon spoke of: an object of GET /v1/guests. */
void policy_guest_take(const struct conf *conf, json_t *said, struct policy_guest *ret) _nonnull_;
