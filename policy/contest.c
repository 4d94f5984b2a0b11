/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/contest.h"

#include "common/units.h"

/* Parts of a weight and of a run time are kept with so many fractional bits. */
#define PART_BITS 16

static bool map_has(const struct cpu_map *map, size_t cpu)
{
	return map->word[cpu / 64] >> cpu % 64 & 1;
}

static uint64_t map_count(const struct cpu_map *map)
{
	uint64_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(map->word); i++)
		n += (uint64_t)__builtin_popcountll(map->word[i]);
	return n;
}

void contest_init(struct contest *c, uint32_t host_cpus)
{
	memset(c, 0, sizeof(*c));
	c->cpus = MAX(host_cpus, 1U);
}

void contest_add(
	struct contest *c, const struct cpu_map *map, uint64_t weight, uint64_t busy_permyriad)
{
	uint64_t n = map ? map_count(map) : 0;

	weight <<= PART_BITS;
	busy_permyriad <<= PART_BITS;
	if (n == 0) {
		c->weight += weight;
		c->busy += busy_permyriad;
		return;
	}
	c->pinned_weight += weight;
	c->pinned_busy += busy_permyriad;
	for (size_t i = 0; i < CPU_MAP_MAX; i++)
		if (map_has(map, i)) {
			c->cpu_weight[i] += weight / n;
			c->cpu_busy[i] += busy_permyriad / n;
		}
}

uint64_t contest_entitlement(const struct contest *c, const struct cpu_map *map, uint64_t weight,
	uint32_t vcpus)
{
	uint64_t n = map ? map_count(map) : 0, cpus = n ? n : c->cpus;
	uint64_t all_weight = c->weight + c->pinned_weight, all_busy = c->busy + c->pinned_busy;
	uint64_t most = MIN(cpus, (uint64_t)vcpus) * PERMYRIAD;

	if (n) {
		all_weight = mul_div(c->weight, n, MAX(n, (uint64_t)c->cpus));
		all_busy = mul_div(c->busy, n, MAX(n, (uint64_t)c->cpus));
	}
	for (size_t i = 0; n && i < CPU_MAP_MAX; i++)
		if (map_has(map, i)) {
			all_weight += c->cpu_weight[i];
			all_busy += c->cpu_busy[i];
		}
	if (!all_weight)
		return most;
	return MIN(mul_div(MIN(all_busy >> PART_BITS, cpus * PERMYRIAD), weight << PART_BITS,
			   all_weight),
		most);
}
