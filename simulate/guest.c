/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inside a guest: what it needs, what it gets, how it stalls. */
#include "simulate/world-parts.h"

#include "common/units.h"

/* The contract: anonymous memory grows by at most 1 GiB/s. */
#define ANON_GROWTH_PER_TICK (GIB * MSEC_PER_TICK / 1000)
/* The contract: a disk of 50 MB/s brings back this many pages of 4 KiB. */
#define DISK_PAGES_PER_S (UINT64_C(50000000) / 4096)
#define STALL_MAX_PERMYRIAD UINT64_C(9000)
/* FACTS: io pressure is 64 % while the disk is busy with refaults only. */
#define IO_STALL_BUSY_PERMYRIAD UINT64_C(6400)
#define OOM_MSEC UINT64_C(30000)

uint64_t guest_ram_bytes(const struct world_guest *g)
{
	return sub_sat(g->actual_bytes, g->spec->overhead_bytes);
}

uint64_t guest_used_bytes(const struct world_guest *g)
{
	return g->anon_bytes - g->swapped_bytes + g->cache_bytes;
}

uint64_t guest_available_bytes(const struct world_guest *g)
{
	return sub_sat(guest_ram_bytes(g),
		g->anon_bytes - g->swapped_bytes + g->cache_bytes / 10);
}

uint64_t guest_need_bytes(const struct world_guest *g)
{
	return g->demand_bytes + g->spec->overhead_bytes;
}

void guest_set_demand(struct world *w, struct world_guest *g)
{
	uint64_t demand = steps_at(&g->spec->demand, w->now_msec), anon;

	if (g->oom_until_msec <= w->now_msec)
		g->oom_until_msec = 0;
	if (w->now_msec < g->booted_msec)
		demand = 0;
	anon = mul_div(demand, g->spec->anon_permyriad, PERMYRIAD);
	if (g->oom_until_msec) {
		demand -= anon;
		anon = 0;
	}
	if (demand != g->demand_bytes) {
		g->changed = true;
		w->changes++;
	}
	g->demand_bytes = demand;
	g->anon_need_bytes = anon;
	/* What is not needed any more is freed at once, from swap first. */
	g->anon_bytes = MIN(g->anon_bytes, anon);
	g->swapped_bytes = MIN(g->swapped_bytes, sub_sat(g->anon_bytes, guest_ram_bytes(g)));
}

void guest_grow(struct world *w, struct world_guest *g)
{
	uint64_t room = guest_ram_bytes(g) + g->spec->swap_bytes;
	uint64_t to = MIN(g->anon_need_bytes, g->anon_bytes + ANON_GROWTH_PER_TICK);

	if (to <= g->anon_bytes)
		return;
	if (to <= room) {
		g->anon_bytes = to;
		return;
	}
	g->oom = true;
	g->oom_until_msec = w->now_msec + OOM_MSEC;
	g->counters.oom_kills++;
	g->anon_bytes = g->swapped_bytes = 0;
}

/*
 * Cache goes first. A missing page is wanted once a second: that is the access rate that the
 * contract leaves open; a working set that is swept once a second is FACTS section 6's re-reader.
 * The disk is shared by cache and swap.
 */
void guest_compose(struct world_guest *g)
{
	uint64_t ram = guest_ram_bytes(g), in_memory = MIN(g->anon_bytes, ram);
	uint64_t cache_need = g->demand_bytes - g->anon_need_bytes, missing_cache, pages;
	struct guest_rates *rates = &g->rates;

	g->swapped_bytes = g->anon_bytes - in_memory;
	g->cache_bytes = MIN(cache_need, ram - in_memory);
	missing_cache = cache_need - g->cache_bytes;
	g->missing_bytes = missing_cache + g->swapped_bytes;

	rates->refaults_file_per_s = MIN(missing_cache / 4096, DISK_PAGES_PER_S);
	rates->refaults_anon_per_s =
		MIN(g->swapped_bytes / 4096, DISK_PAGES_PER_S - rates->refaults_file_per_s);
	pages = rates->refaults_file_per_s + rates->refaults_anon_per_s;
	rates->io_stall_permyriad = IO_STALL_BUSY_PERMYRIAD * pages / DISK_PAGES_PER_S;
	rates->stall_permyriad = g->missing_bytes == 0
					 ? 0
					 : MIN(STALL_MAX_PERMYRIAD,
						   mul_div(g->missing_bytes, PERMYRIAD,
							   g->demand_bytes));
	rates->cpu_stall_permyriad = 0;
	if (g->cpu_want_permyriad > g->spec->vcpus * PERMYRIAD)
		rates->cpu_stall_permyriad = mul_div(
			g->cpu_want_permyriad - g->spec->vcpus * PERMYRIAD, PERMYRIAD,
			g->cpu_want_permyriad);
}

static void count(struct guest_counters *c, const struct guest_rates *r, uint64_t msec)
{
	c->psi_mem_some += r->stall_permyriad * msec;
	c->psi_io_some += r->io_stall_permyriad * msec;
	c->psi_cpu_some += r->cpu_stall_permyriad * msec;
	c->refaults_file += r->refaults_file_per_s * msec;
	c->refaults_anon += r->refaults_anon_per_s * msec;
}

void guest_count(struct world_guest *g)
{
	count(&g->counters, &g->rates, MSEC_PER_TICK);
}

struct guest_counters guest_counters_at(const struct world *w, const struct world_guest *g,
	uint64_t now_msec)
{
	struct guest_counters c = g->counters;

	count(&c, &g->rates, now_msec - w->now_msec);
	return c;
}

struct guest_counters guest_counters_ago(const struct world_guest *g, uint64_t msec)
{
	struct guest_counters c = g->counters, d = {0};

	count(&d, &g->rates, msec);
	c.psi_mem_some -= d.psi_mem_some;
	c.psi_io_some -= d.psi_io_some;
	c.psi_cpu_some -= d.psi_cpu_some;
	c.refaults_file -= d.refaults_file;
	c.refaults_anon -= d.refaults_anon;
	return c;
}
