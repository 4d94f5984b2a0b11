/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/decide-hosts.h"
#include "common/units.h"
#include "tests/small-host.h"

/* Guest 0 wants two more GiB at once; the others' memory beyond their use is page cache, and all of it is given out. */
static void begin_among_caches(struct small_host *h)
{
	small_begin(h, 3, 6 * GIB, "[Host]\nReserve=0\n");
	for (size_t i = 1; i < 3; i++)
		small_report(h, i, GIB, GIB);
	small_decide(h);
	small_pass(h, 5 * USEC_PER_SEC);
	small_report(h, 0, 2 * GIB, 0);
	h->guests[0].report.psi_mem_some_usec += USEC_PER_SEC;
	h->guests[0].report.why = REPORT_WHY_PRESSURE;
	for (size_t i = 1; i < 3; i++)
		small_report(h, i, GIB, GIB);
}

TEST(a_page_cache_is_taken_a_sixteenth_at_a_time)
{
	_cleanup_small_host_ struct small_host h;
	uint64_t had[3];

	begin_among_caches(&h);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 1; i < 3; i++)
			had[i] = h.guests[i].target_bytes;
		small_decide(&h);
		for (size_t i = 1; i < 3; i++) {
			CHECK(h.guests[i].target_bytes < had[i]);
			CHECK(h.guests[i].target_bytes + MIB >= had[i] - had[i] / 16);
		}
		/* And then it is listened. */
		small_pass(&h, USEC_PER_SEC / 2);
		for (size_t i = 1; i < 3; i++)
			had[i] = h.guests[i].target_bytes;
		small_decide(&h);
		for (size_t i = 1; i < 3; i++)
			CHECK_U64(h.guests[i].target_bytes, had[i]);
		small_pass(&h, USEC_PER_SEC / 2);
	}
}

TEST(but_at_once_where_the_host_itself_is_over_its_budget)
{
	_cleanup_small_host_ struct small_host h;
	uint64_t sum = 0;

	begin_among_caches(&h);
	h.snap.host.other_bytes = GIB;
	small_decide(&h);
	for (size_t i = 0; i < 3; i++)
		sum += h.guests[i].target_bytes;
	CHECK(sum <= 5 * GIB);
}

TEST(a_lender_that_misses_its_cache_does_not_take_it_back_from_one_that_is_short_too)
{
	_cleanup_small_host_ struct small_host h;
	uint64_t lent;

	begin_among_caches(&h);
	small_decide(&h);
	lent = h.guests[1].target_bytes;
	CHECK(lent < 2 * GIB);
	for (int i = 0; i < 5; i++) {
		small_pass(&h, USEC_PER_SEC);
		small_report(&h, 0, h.guests[0].actual_bytes, 0);
		h.guests[0].report.psi_mem_some_usec += USEC_PER_SEC / 2;
		h.guests[0].report.why = REPORT_WHY_PRESSURE;
		small_report(&h, 1, GIB, GIB - 128 * MIB);
		h.guests[1].report.refaults_file += 5000;
		small_report(&h, 2, GIB, h.guests[2].actual_bytes - GIB);
		small_decide(&h);
		CHECK(h.guests[1].target_bytes <= lent);
	}
	/* When the other one has enough it does. */
	small_pass(&h, 2 * USEC_PER_SEC);
	small_report(&h, 0, 512 * MIB, 0);
	h.guests[0].report.why = REPORT_WHY_HEARTBEAT;
	h.snap.host.memory_bytes += GIB;
	h.guests[1].report.refaults_file += 20000;
	small_report(&h, 1, GIB, GIB - 128 * MIB);
	small_report(&h, 2, GIB, h.guests[2].actual_bytes - GIB);
	small_decide(&h);
	CHECK(h.guests[1].target_bytes > lent);
}

TEST(nothing_is_taken_for_a_trifle)
{
	_cleanup_small_host_ struct small_host h;

	small_begin(&h, 2, 4 * GIB, "[Host]\nReserve=0\n");
	small_decide(&h);
	for (int i = 0; i < 20; i++) {
		small_pass(&h, USEC_PER_SEC);
		for (size_t k = 0; k < 2; k++)
			small_report(&h, k, (1600 + (i * 7 + k * 11) % 20) * MIB, 0);
		CHECK_INT(small_decide(&h)->n_actions, 0);
	}
}

/* From each of very many the part that one needs is less than any command is worth. */
TEST(one_among_thousands_gets_what_it_needs)
{
	_cleanup_host_ struct host *h = host_new(MIX_PRESSED, 3000, 7);
	_cleanup_(decide_state_freep) struct decide_state *state = decide_state_new();
	uint64_t before, now = 0;

	CHECK(h && state);
	before = host_snapshot(h)->guests[0].actual_bytes;
	for (int i = 0; i < 20; i++) {
		_cleanup_plan_ struct plan *plan = NULL;

		CHECK_INT(decide(host_snapshot(h), host_policies(h), state, &plan), 0);
		host_step(h, plan);
	}
	now = host_snapshot(h)->guests[0].actual_bytes;
	CHECK(now > before + before / 4 || now == host_snapshot(h)->guests[0].max_bytes);
}

TEST_MAIN()
