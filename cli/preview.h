/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/client.h"

/* A trial (POST /v1/plan/preview, /v1/policies/validate), of which the daemon makes so many a
 * second for all clients together: one that comes too soon is asked for once more. As
 * client_ask(). */
int preview_ask(struct cli *c, const struct client_ask *trial,
	struct client_answer *ret) _nonnull_ _must_check_;

/* Of --dry-run: what would be decided if what body says were so (POST /v1/plan/preview), guest by
 * guest. body is taken. Where the daemon cannot say, that is noted; it is no failure. */
void preview_print(struct cli *c, json_t *body) _nonnull_args_(1);
