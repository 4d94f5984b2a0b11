/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"
#include "policy/policy-set.h"

/*
 * Directories of PolicyPath= that this user may not look into: the one in ballastd's state
 * directory is for that user and root alone. What is in force there the daemon is asked for, if it
 * runs here and answers; else it is said that it was not looked at.
 */
struct policy_hidden {
	struct policy_given *given; /* n of them, for struct policy_dirs */
	size_t n;
	json_t *kept; /* owned: the answers that these borrow from */
};
void policy_hidden_clear(struct policy_hidden *h) _nonnull_;
#define _cleanup_policy_hidden_ _cleanup_(policy_hidden_clear)

/* dirs: NULL-terminated. What ballastd says is bad there goes to findings. What nobody tells is
 * named in c->unread, and in a note, once. Returns CLI_OK, or the exit code after a message. */
int policy_hidden_read(struct cli *c, const char *const *dirs, struct policy_hidden *ret,
	struct diag_list *findings) _nonnull_ _must_check_;
