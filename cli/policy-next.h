/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/get.h"

/* When the policies change next by their schedules, and which: "60-night opens at 20:00:00". of:
 * the object that has next_change and next_changes. now: as for show_time(). NULL: never. */
#define NEXT_TEXT_MAX 600
const char *policy_next_text(
	const json_t *of, uint64_t now_real_usec, char buf[static NEXT_TEXT_MAX]) _nonnull_args_(3);
