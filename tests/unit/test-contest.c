/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/contest.h"

#include "common/units.h"
#include "tests/test.h"

static struct cpu_map cpus(unsigned first, unsigned n)
{
	struct cpu_map map = {0};

	for (unsigned i = first; i < first + n; i++)
		map.word[i / 64] |= UINT64_C(1) << i % 64;
	return map;
}

TEST(guests_that_run_anywhere_divide_what_guests_get)
{
	struct contest c;

	contest_init(&c, 4);
	contest_add(&c, NULL, 100, 10000);
	contest_add(&c, NULL, 300, 10000);
	/* Half of the four CPUs went to others than guests: that is no reason to be raised. */
	CHECK_U64(contest_entitlement(&c, NULL, 100, 4), 5000);
	CHECK_U64(contest_entitlement(&c, NULL, 300, 4), 15000);
}

TEST(nobody_is_entitled_to_more_than_its_vcpus)
{
	struct contest c;

	contest_init(&c, 4);
	CHECK_U64(contest_entitlement(&c, NULL, 100, 2), 20000);
	contest_add(&c, NULL, 400, 30000);
	CHECK_U64(contest_entitlement(&c, NULL, 400, 2), 20000);
}

TEST(two_on_one_core_divide_that_core)
{
	struct contest c;
	struct cpu_map core = cpus(1, 1), others = cpus(2, 6);

	contest_init(&c, 8);
	contest_add(&c, &core, 100, 2000);
	contest_add(&c, &core, 400, 8000);
	contest_add(&c, &others, 1000, 60000);
	CHECK_U64(contest_entitlement(&c, &core, 100, 1), 2000);
	CHECK_U64(contest_entitlement(&c, &core, 400, 1), 8000);
	CHECK_U64(contest_entitlement(&c, &others, 1000, 6), 60000);
}

TEST(one_that_runs_anywhere_is_on_a_core_with_its_part)
{
	struct contest c;
	struct cpu_map core = cpus(0, 1);

	contest_init(&c, 2);
	contest_add(&c, &core, 100, 6000);
	contest_add(&c, NULL, 100, 7000);
	contest_add(&c, NULL, 100, 7000);
	/* 6000 + 14000 / 2 is more than the core has; the weights there are 100 and twice 50. */
	CHECK_U64(contest_entitlement(&c, &core, 100, 1), 5000);
	CHECK_U64(contest_entitlement(&c, NULL, 100, 1), 6666);
}

TEST(a_pinned_guest_is_spread_over_its_cpus)
{
	struct contest c;
	struct cpu_map wide = cpus(60, 8), narrow = cpus(66, 2);

	contest_init(&c, 128);
	contest_add(&c, &wide, 800, 80000);
	contest_add(&c, &narrow, 100, 10000);
	/* On the two CPUs of the narrow one: a quarter of the wide one's weight beside its own. */
	CHECK_U64(contest_entitlement(&c, &narrow, 100, 2), 20000 * 100 / 300);
}

TEST(the_last_cpu_of_a_map_counts)
{
	struct contest c;
	struct cpu_map last = cpus(CPU_MAP_MAX - 1, 1);

	contest_init(&c, CPU_MAP_MAX);
	contest_add(&c, &last, 100, 5000);
	contest_add(&c, &last, 100, 5000);
	CHECK_U64(contest_entitlement(&c, &last, 100, 1), 5000);
}

TEST_MAIN()
