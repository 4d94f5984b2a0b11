/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/policy-guest.h"
#include "policy/what-if.h"

/* Policies read from files, without a daemon. */

/* Reads files ("-": standard input) as a set of their own. Every mistake goes to findings with the
 * path as given; one is a name that the daemon ignores. Returns CLI_OK with *ret, or the exit code;
 * the findings are not printed yet, all other messages are. */
int policy_files_read(struct cli *c, char *const *files, int n, struct policy_set **ret,
	struct diag_list *findings) _nonnull_;
/* Reads the directories that the daemon reads (PolicyPath=) or those of --policy-dir, with files (n
 * may be 0) as if they were installed in the highest layer. As above. */
int policy_dirs_read(struct cli *c, const struct conf *conf, char *const *files, int n,
	struct policy_set **ret, struct diag_list *findings) _nonnull_args_(1, 2, 5, 6);
/* Which these are: a new array of strings, or a line behind lead, with those that are not there
 * marked. */
json_t *policy_dirs_json(const struct cli *c, const struct conf *conf) _nonnull_;
void policy_print_dirs(const struct cli *c, const struct conf *conf, const char *lead) _nonnull_;
/* file:line:col: text, one a line, to standard error; kept for the problem object of --json. */
void policy_print_findings(struct cli *c, const struct diag_list *findings) _nonnull_;
/* The same as an array of objects, new; findings may be NULL. */
json_t *policy_findings_json(const struct diag_list *findings);

/* --at, or now. Returns CLI_OK, or the exit code after a message. */
int policy_at(struct cli *c, uint64_t *ret_real_usec) _nonnull_;
/* Answers what would hold for this guest. Returns CLI_OK, or the exit code after a message. */
int policy_ask(struct cli *c, const struct policy_set *set, const struct policy_guest *guest,
	uint64_t at_real_usec, struct what_if_answer **ret) _nonnull_;
