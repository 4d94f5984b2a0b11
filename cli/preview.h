/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

/* Of --dry-run: what would be decided if what body says were so (POST /v1/plan/preview), guest by
 * guest. body is taken. Where the daemon cannot say, that is noted; it is no failure. */
void preview_print(struct cli *c, json_t *body) _nonnull_args_(1);
