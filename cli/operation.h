/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/client.h"

/*
 * A command that goes on without its asker. Waits until it has ended, --timeout is over, or Ctrl-C
 * comes; the last two end the waiting alone, and that is said. answer has the operation; then it
 * has what the command would have been answered with. Returns CLI_OK, or the exit code after a
 * message.
 */
int operation_wait(struct cli *c, struct client_answer *answer) _nonnull_ _must_check_;
