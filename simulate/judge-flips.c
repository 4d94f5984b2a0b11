/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/judge-parts.h"

#define CORRECTION_MSEC UINT64_C(60000)

/* The one correction downwards that a release under stall may have. */
static bool is_correction(struct judged_guest *g, uint64_t at_msec)
{
	if (g->stall_msec == MSEC_NEVER || at_msec - g->stall_msec > CORRECTION_MSEC)
		return false;
	g->stall_msec = MSEC_NEVER;
	return true;
}

/*
 * A command that goes the other way than this guest's last one although nothing in the world
 * changed since. Where the contract leaves room the stricter reading holds: a guest's first command
 * is no flip itself but has a direction; one that only follows the actual size leaves the direction
 * as it was.
 */
bool judge_is_flip(struct judge *j, const struct judged_command *c)
{
	struct judged_guest *g = &j->guests[c->guest];
	uint64_t actual = j->world->guests[c->guest].actual_bytes;
	int direction = (c->to_bytes > c->from_bytes) - (c->to_bytes < c->from_bytes);
	bool reversed, flip;

	if (direction == 0 || (c->to_bytes <= actual + MIB && actual <= c->to_bytes + MIB))
		return false;
	reversed = g->direction != 0 && direction != g->direction;
	flip = reversed && g->changes == j->world->changes &&
	       !(direction < 0 && is_correction(g, c->at_msec));
	if (direction > 0 && c->reason->code == REASON_STALL)
		g->stall_msec = c->at_msec;
	g->direction = direction;
	g->changes = j->world->changes;
	return flip;
}
