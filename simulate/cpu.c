/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's CPUs, divided as its scheduler would: by weight, nobody gets more than it wants. */
#include "simulate/world-parts.h"

#include "common/units.h"

/* What a guest could use: its tasks, its vCPUs, its quota; in permyriad of one CPU. */
static uint64_t cap_permyriad(const struct world_guest *g)
{
	uint64_t cap = MIN(g->cpu_want_permyriad, g->spec->vcpus * PERMYRIAD);

	return g->cpu_quota_permyriad ? MIN(cap, g->cpu_quota_permyriad) : cap;
}

static bool is_served(const struct world_guest *g)
{
	return g->life != LIFE_RUNNING || g->cpu_got_permyriad == cap_permyriad(g);
}

/* Serves all whose whole want is within their share of what is left; true when there was one. */
static bool serve_modest(struct world *w, uint64_t *left)
{
	uint64_t weights = 0, shared = *left;
	bool any = false;

	for (size_t i = 0; i < w->n_guests; i++)
		if (!is_served(&w->guests[i]))
			weights += w->guests[i].cpu_weight;
	for (size_t i = 0; i < w->n_guests; i++) {
		struct world_guest *g = &w->guests[i];
		uint64_t cap = cap_permyriad(g);

		if (is_served(g) || cap > mul_div(shared, g->cpu_weight, weights))
			continue;
		g->cpu_got_permyriad = cap;
		*left -= cap;
		any = true;
	}
	return any;
}

/* The others share what is left by weight. */
static void serve_rest(struct world *w, uint64_t left)
{
	uint64_t weights = 0;

	for (size_t i = 0; i < w->n_guests; i++)
		if (!is_served(&w->guests[i]))
			weights += w->guests[i].cpu_weight;
	for (size_t i = 0; i < w->n_guests; i++) {
		struct world_guest *g = &w->guests[i];

		if (!is_served(g))
			g->cpu_got_permyriad = mul_div(left, g->cpu_weight, weights);
	}
}

void world_divide_cpus(struct world *w)
{
	uint64_t left = w->scenario->cpus * PERMYRIAD;

	for (size_t i = 0; i < w->n_guests; i++)
		w->guests[i].cpu_got_permyriad = 0;
	while (serve_modest(w, &left))
		continue;
	serve_rest(w, left);
	for (size_t i = 0; i < w->n_guests; i++) {
		struct world_guest *g = &w->guests[i];
		uint64_t usec = MSEC_PER_TICK * USEC_PER_MSEC;

		if (g->life != LIFE_RUNNING)
			continue;
		g->vcpu_time_usec += mul_div(g->cpu_got_permyriad, usec, PERMYRIAD);
		g->vcpu_delay_usec +=
			mul_div(cap_permyriad(g) - g->cpu_got_permyriad, usec, PERMYRIAD);
	}
}
