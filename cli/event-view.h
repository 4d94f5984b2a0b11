/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

/* What stands between an event's time and what happened, and whether a text that is longer than the
 * line is wrapped or cut. */
enum event_view {
	EVENT_VIEW_KIND = 1,
	EVENT_VIEW_GUEST = 2,
	EVENT_VIEW_WRAP = 4,
};
/* A sentence of the daemon's with the times in it (RFC 3339, UTC) as people here read them. */
void event_local_times(const char *text, uint64_t now_real_usec, char *buf, size_t size) _nonnull_;
/* One event after indent blanks. now: for leaving today's date away; 0: it never is. */
void event_print(const struct cli *c, FILE *f, const json_t *event, uint64_t now_real_usec,
	unsigned indent, unsigned view) _nonnull_;
