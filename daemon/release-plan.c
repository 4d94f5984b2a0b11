/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/release-plan.h"

#include "common/units.h"

uint64_t release_need(uint64_t used_bytes, uint64_t max_bytes)
{
	uint64_t room = MAX(used_bytes / 5, MIN(512 * MIB, max_bytes / 4));

	return MIN(add_sat(used_bytes, room), max_bytes);
}

/* QEMU's own memory where a single look shows less: 40-100 MiB were seen with KVM. */
#define QEMU_MIN_BYTES (48 * MIB)

uint64_t release_free(const struct release_host *h, const struct release_guest *guests, size_t n)
{
	uint64_t memory = MIN(h->memory_bytes, h->total_bytes);
	uint64_t other = sub_sat(h->total_bytes, h->available_bytes), taken = h->reserve_bytes;

	for (size_t i = 0; i < n; i++) {
		uint64_t resident = guests[i].resident_bytes;
		uint64_t qemu = MAX(sub_sat(resident, guests[i].have_bytes), QEMU_MIN_BYTES);

		other = sub_sat(other, resident);
		taken = add_sat(
			taken, add_sat(qemu, MAX(guests[i].have_bytes, sub_sat(resident, qemu))));
	}
	/* The host's own use is outside of the part that guests are given first. */
	if (!h->cgroup)
		other = sub_sat(other, h->total_bytes - memory);
	return sub_sat(memory, add_sat(taken, other));
}

static uint64_t floor_of(const struct release_guest *g)
{
	if (g->fixed)
		return g->settled_bytes;
	return g->used_bytes ? MAX(release_need(g->used_bytes, g->max_bytes), g->settled_bytes) :
			       g->settled_bytes;
}

static uint64_t goal_of(const struct release_guest *g, enum release_goal goal)
{
	if (g->fixed || goal == RELEASE_TO_USED)
		return floor_of(g);
	return MAX(MIN(g->original_bytes, g->max_bytes), floor_of(g));
}

/* What it takes from the free memory to bring a guest from what it has been given to there. What it
 * is counted at anyway costs nothing. */
static uint64_t cost(const struct release_guest *g, uint64_t to_bytes)
{
	return sub_sat(to_bytes, MAX(g->have_bytes, g->to_bytes));
}

/* Everybody's wish where they fit together, else the same part of each. Returns what is left. */
static uint64_t give(struct release_guest *guests, size_t n, uint64_t free_bytes,
	uint64_t (*wish)(const struct release_guest *g, enum release_goal goal),
	enum release_goal goal)
{
	uint64_t wanted = 0, given = 0;

	for (size_t i = 0; i < n; i++)
		wanted = add_sat(wanted, cost(&guests[i], wish(&guests[i], goal)));
	for (size_t i = 0; i < n; i++) {
		struct release_guest *g = &guests[i];
		uint64_t to = wish(g, goal), price = cost(g, to), part;

		part = wanted <= free_bytes ? price : mul_div(price, free_bytes, wanted);
		/* Within what it is counted at, everything; beyond, its part. */
		to = MIN(to, MAX(g->have_bytes, g->to_bytes) + part);
		if (to > g->to_bytes) {
			given += cost(g, to);
			g->to_bytes = to;
		}
	}
	return sub_sat(free_bytes, given);
}

static uint64_t floor_wish(const struct release_guest *g, enum release_goal goal)
{
	return floor_of(g);
}

/* A balloon within this of its target has arrived: the driver may end a page or a few off. As
 * decide()'s own. */
#define ARRIVED_BYTES (2 * MIB)

/* It is charged what it has: that costs nobody anything, but for what makes a MiB whole. */
static uint64_t stop_of(const struct release_guest *g)
{
	uint64_t whole = add_sat(g->actual_bytes, MIB - 1) / MIB * MIB;

	if (g->fixed || g->actual_bytes <= add_sat(g->settled_bytes, ARRIVED_BYTES))
		return g->settled_bytes;
	return MIN(whole, g->max_bytes);
}

void release_plan(
	struct release_guest *guests, size_t n, uint64_t free_bytes, enum release_goal goal)
{
	if (goal == RELEASE_AS_IT_IS) {
		for (size_t i = 0; i < n; i++)
			guests[i].to_bytes = stop_of(&guests[i]);
		return;
	}
	for (size_t i = 0; i < n; i++)
		guests[i].to_bytes = guests[i].settled_bytes;
	free_bytes = give(guests, n, free_bytes, floor_wish, goal);
	give(guests, n, free_bytes, goal_of, goal);
	for (size_t i = 0; i < n; i++) {
		struct release_guest *g = &guests[i];
		uint64_t original = g->original_bytes;

		/* What it got beyond its original from Ballast goes back, as far as it does not use
		 * it. */
		if (goal == RELEASE_TO_ORIGINAL && original && !g->fixed && g->used_bytes &&
			g->to_bytes > original)
			g->to_bytes = MIN(g->to_bytes,
				MAX(original, release_need(g->used_bytes, g->max_bytes)));
		if (g->to_bytes != g->settled_bytes)
			g->to_bytes = g->to_bytes / MIB * MIB;
	}
}
