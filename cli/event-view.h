/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

/* One event on one line: time, kind, guest, what happened and why. now: for leaving today's date
 * away. */
void event_print(
	const struct cli *c, FILE *f, const json_t *event, uint64_t now_real_usec) _nonnull_;
