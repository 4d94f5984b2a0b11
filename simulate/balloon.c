/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The balloon: from the target to the actual size, as its kind has it. */
#include "simulate/world-parts.h"

#include "common/units.h"

/* The contract: a slow balloon where the others are instant. */
#define SLOW_BYTES_PER_S (64 * MIB)

uint64_t guest_balloon_speed(const struct world *w, const struct world_guest *g, bool inflate)
{
	uint64_t speed = inflate ? w->scenario->inflate_bytes_per_s
				 : w->scenario->deflate_bytes_per_s;

	if (g->spec->balloon != BALLOON_SLOW)
		return speed;
	return speed ? MAX(speed / 10, UINT64_C(1)) : SLOW_BYTES_PER_S;
}

/* How far it gets within this tick, of which a command that came in the middle has a part only. */
static uint64_t step_bytes(const struct world *w, const struct world_guest *g, bool inflate)
{
	uint64_t speed = guest_balloon_speed(w, g, inflate);
	uint64_t msec = MIN(MSEC_PER_TICK, w->now_msec - g->move_msec);

	return speed ? mul_div(speed, msec, 1000) : UINT64_MAX;
}

/* "Out of puff": neither the kernel's own nor anonymous memory that swap has no room for can be
 * had. */
static uint64_t stop_bytes(const struct world_guest *g)
{
	uint64_t overhead = g->spec->overhead_bytes;

	return MAX(overhead, sub_sat(overhead + g->anon_bytes, g->spec->swap_bytes));
}

static uint64_t inflated(const struct world *w, const struct world_guest *g)
{
	uint64_t to = MAX(g->target_bytes, sub_sat(g->actual_bytes, step_bytes(w, g, true)));

	return MIN(g->actual_bytes, MAX(to, stop_bytes(g)));
}

static uint64_t deflated(const struct world *w, const struct world_guest *g, uint64_t to)
{
	return MIN(to, add_sat(g->actual_bytes, step_bytes(w, g, false)));
}

static uint64_t moved_to(const struct world *w, struct world_guest *g)
{
	uint64_t need = MIN(guest_need_bytes(g), g->spec->max_bytes);

	if (g->target_bytes > g->actual_bytes)
		return deflated(w, g, g->target_bytes);
	if (g->spec->balloon == BALLOON_BACK && need > g->actual_bytes) {
		g->grew_itself = g->took_back = true;
		return deflated(w, g, need);
	}
	return g->took_back ? g->actual_bytes : inflated(w, g);
}

void balloon_move(struct world *w, struct world_guest *g)
{
	uint64_t to;

	if (g->spec->balloon == BALLOON_MISSING || g->spec->balloon == BALLOON_STUCK ||
		w->now_msec < g->booted_msec)
		return;
	to = moved_to(w, g);
	if (to != g->actual_bytes) {
		g->changed = true;
		w->moved_bytes +=
			to > g->actual_bytes ? to - g->actual_bytes : g->actual_bytes - to;
		w->changes += g->grew_itself;
	}
	g->actual_bytes = g->figure_bytes = to;
}

void world_command(struct world *w, size_t guest, uint64_t target_bytes, uint64_t now_msec)
{
	struct world_guest *g = &w->guests[guest];

	/* One that moves already moves on; one at rest begins now. */
	if (g->actual_bytes == g->target_bytes || g->took_back)
		g->move_msec = now_msec;
	g->target_bytes = target_bytes;
	g->took_back = false;
}
