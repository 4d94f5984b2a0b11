/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

/* Parts options and words, in any order; "--" ends the options. Fills c->values and c->args.
 * Returns CLI_OK, or the exit code after a message. The values point into argv. */
int options_parse(struct cli *c, int argc, char **argv) _nonnull_;
/* Refuses what c->command does not take. */
int options_check(struct cli *c) _nonnull_;
/* Does every command take it? */
bool option_is_common(enum cli_option o) _const_;
/* Is it one of this command's own? */
bool option_is_own(const struct cli_command *cmd, enum cli_option o) _nonnull_ _pure_;
void options_free(struct cli *c) _nonnull_;
