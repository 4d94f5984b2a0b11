/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

/* When what is set by hand ends. */

uint64_t end_now(void); /* wall time */
/* --for and --until as "for_s" and "until" of a body; neither: nothing. Returns CLI_OK, or the exit
 * code after a message. */
int end_put(struct cli *c, json_t *body, unsigned max_days) _nonnull_;
