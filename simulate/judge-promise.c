/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/judge-parts.h"

#include "common/units.h"

#define BACK_MSEC UINT64_C(5000)

uint64_t judge_limit_bytes(const struct judge *j)
{
	uint64_t kept = add_sat(j->reserve_bytes, j->world->other_bytes);

	return sub_sat(j->world->scenario->memory_bytes, kept);
}

/* What may exceed the promise without any command: the clock of being back begins anew. */
static bool is_excused(struct judge *j)
{
	bool excused = j->world->other_bytes > j->last_other_bytes || j->world->now_msec == 0;

	j->last_other_bytes = j->world->other_bytes;
	for (size_t i = 0; i < j->world->n_guests; i++) {
		const struct world_guest *g = &j->world->guests[i];

		/* One that nobody granted starts all the same after 60 s. */
		excused |= g->grew_itself || g->reset || (g->started && !g->granted);
	}
	return excused;
}

/* The time that the slowest balloon needs for what is left of its order. */
static uint64_t own_msec(const struct judge *j)
{
	uint64_t longest = 0;

	for (size_t i = 0; i < j->world->n_guests; i++) {
		const struct world_guest *g = &j->world->guests[i];
		uint64_t speed = guest_balloon_speed(j->world, g, true);

		if (g->life == LIFE_RUNNING && speed && g->spec->balloon != BALLOON_STUCK)
			longest = MAX(longest, mul_div(sub_sat(g->actual_bytes, g->target_bytes),
						       1000, speed));
	}
	return longest;
}

/* What balloons hold that cannot move and were told to. */
static uint64_t stuck_bytes(const struct judge *j)
{
	uint64_t held = 0;

	for (size_t i = 0; i < j->world->n_guests; i++) {
		const struct world_guest *g = &j->world->guests[i];

		if (g->life == LIFE_RUNNING && g->spec->balloon == BALLOON_STUCK)
			held += sub_sat(g->actual_bytes, g->target_bytes);
	}
	return held;
}

int judge_promise(struct judge *j)
{
	uint64_t now = j->world->now_msec, limit = judge_limit_bytes(j), over;
	bool excused = is_excused(j);

	over = sub_sat(world_promised_bytes(j->world), limit);
	if (over == 0) {
		j->over_msec = MSEC_NEVER;
		return 0;
	}
	if (j->over_msec == MSEC_NEVER || excused) {
		j->over_msec = now;
		j->own_msec = 0;
		j->late_told = false;
	}
	j->own_msec = MAX(j->own_msec, own_msec(j));
	if (j->late_told || now - j->over_msec <= BACK_MSEC + 2 * j->own_msec ||
		over <= stuck_bytes(j))
		return 0;
	j->late_told = true;
	return judge_violation(j, now, RULE_PROMISE, "", over);
}
