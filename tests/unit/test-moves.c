/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/decide-hosts.h"
#include "common/units.h"
#include "tests/small-host.h"

/* Guest 0 wants two more GiB at once; the others' memory beyond their use is page cache, and all of
 * it is given out. */
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

/* By hand: at least that much for guest i, from now on. */
static void give_min(struct small_host *h, size_t i, struct override *o, const char *size)
{
	*o = (struct override){.guest = h->guests[i].id.uuid, .section = "Memory", .key = "Min",
		.value = size, .by = "uid 0", .reason = "", .until_boot_usec = USEC_INFINITY,
		.until_real_usec = USEC_INFINITY};
	h->snap.overrides = o;
	h->snap.n_overrides = 1;
}

/* They use a little, and cache as much as goes in: so much their QEMU holds. */
static void caches_report(struct small_host *h)
{
	for (size_t i = 1; i < 3; i++)
		small_report(h, i, 512 * MIB, h->guests[i].actual_bytes - 512 * MIB - SMALL_KERNEL);
}

/* Three guests with 2 GiB each of 6: the others' memory beyond their use is page cache, and guest 0
 * is content. */
static void begin_with_caches(struct small_host *h)
{
	small_begin(h, 3, 6 * GIB, "[Host]\nReserve=0\n");
	caches_report(h);
	small_decide(h);
	small_pass(h, 5 * USEC_PER_SEC);
}

TEST(for_a_floor_a_page_cache_is_taken_at_once)
{
	_cleanup_small_host_ struct small_host h;
	struct override o;

	begin_with_caches(&h);
	give_min(&h, 0, &o, "3G");
	small_decide(&h);
	for (size_t i = 1; i < 3; i++)
		CHECK(h.guests[i].target_bytes <= 1536 * MIB);
	caches_report(&h);
	/* The balloons are there: at the next look the guest has what was promised. */
	small_decide(&h);
	CHECK_U64(h.guests[0].target_bytes, 3 * GIB);
	for (size_t i = 1; i < 3; i++)
		CHECK(h.guests[i].target_bytes >= 1536 * MIB - 2 * MIB);
}

/* Guest 0 is promised 2.5 GiB and wants one more beyond that. */
TEST(what_it_wants_beyond_its_floor_comes_as_slowly_as_for_anybody)
{
	_cleanup_small_host_ struct small_host h;
	struct override o;
	uint64_t lent = 0;

	begin_with_caches(&h);
	give_min(&h, 0, &o, "2560M");
	small_report(&h, 0, 2 * GIB, 0);
	h.guests[0].report.psi_mem_some_usec += USEC_PER_SEC;
	h.guests[0].report.why = REPORT_WHY_PRESSURE;
	small_decide(&h);
	for (size_t i = 1; i < 3; i++)
		lent += 2 * GIB - h.guests[i].target_bytes;
	CHECK(lent >= 512 * MIB);
	CHECK(lent <= 512 * MIB + 4 * MIB);
	small_pass(&h, USEC_PER_SEC / 2);
	caches_report(&h);
	small_decide(&h);
	CHECK(h.guests[0].target_bytes >= 2560 * MIB);
	for (size_t i = 1; i < 3; i++)
		CHECK(h.guests[i].target_bytes + 512 * MIB / 2 + 2 * MIB >= 2 * GIB);
}

TEST(what_is_free_goes_to_floors_before_it_goes_to_the_pressed)
{
	_cleanup_small_host_ struct small_host h;
	struct override o;

	begin_with_caches(&h);
	give_min(&h, 0, &o, "2432M");
	h.snap.host.memory_bytes += 384 * MIB;
	small_report(&h, 1, 2 * GIB, 0);
	h.guests[1].report.psi_mem_some_usec += USEC_PER_SEC;
	h.guests[1].report.why = REPORT_WHY_PRESSURE;
	small_decide(&h);
	CHECK_U64(h.guests[0].target_bytes, 2432 * MIB);
}

/* What it lacks is less than a command is worth elsewhere, but a promise is kept to the last
 * MiB. */
TEST(a_floor_is_reached_by_a_small_step_too)
{
	_cleanup_small_host_ struct small_host h;
	struct override o;

	begin_with_caches(&h);
	give_min(&h, 0, &o, "2053M");
	small_decide(&h);
	caches_report(&h);
	small_decide(&h);
	CHECK_U64(h.guests[0].target_bytes, 2053 * MIB);
}

/* Two that can neither grow nor give, and one whose floor lacks more than is free. */
static void reports_beside_full_ones(struct small_host *h)
{
	small_report(h, 0, 180 * MIB, 0);
	for (size_t i = 1; i < 3; i++)
		small_report(h, i, 240 * MIB, 0);
}

TEST(a_part_of_what_a_floor_lacks_comes_when_no_more_is_free)
{
	_cleanup_small_host_ struct small_host h;
	struct override o;

	small_begin(&h, 3, 768 * MIB, "[Host]\nReserve=0\n");
	for (size_t i = 0; i < 3; i++) {
		h.guests[i].max_bytes = i ? 256 * MIB : 512 * MIB;
		h.guests[i].actual_bytes = h.guests[i].target_bytes = 256 * MIB;
	}
	reports_beside_full_ones(&h);
	small_decide(&h);
	small_pass(&h, 5 * USEC_PER_SEC);
	reports_beside_full_ones(&h);
	give_min(&h, 0, &o, "296M");
	h.snap.host.memory_bytes += 28 * MIB;
	small_decide(&h);
	CHECK_U64(h.guests[0].target_bytes, (256 + 28) * MIB);
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

/* The same, and the others have a channel; their last word is so old. */
static void begin_among_unheard(struct small_host *h, uint64_t age_usec)
{
	begin_among_caches(h);
	for (size_t i = 0; i < 3; i++)
		h->guests[i].channel_open = true;
	small_pass(h, age_usec);
	small_report(h, 0, 2 * GIB, 0);
	h->guests[0].report.psi_mem_some_usec += USEC_PER_SEC;
	h->guests[0].report.why = REPORT_WHY_PRESSURE;
}

static void check_asked_and_left(struct small_host *h)
{
	for (size_t i = 1; i < 3; i++) {
		CHECK(h->plan->guests[i].ask);
		CHECK_U64(h->guests[i].target_bytes, 2 * GIB);
	}
	CHECK(!h->plan->guests[0].ask);
}

TEST(a_lender_whose_word_is_not_of_now_is_asked_before_its_cache_is_cut)
{
	_cleanup_small_host_ struct small_host h;

	begin_among_unheard(&h, USEC_PER_SEC);
	small_decide(&h);
	CHECK(!h.plan->guests[1].ask && h.guests[1].target_bytes < 2 * GIB);
	small_clear(&h);

	begin_among_unheard(&h, USEC_PER_SEC + 1);
	small_decide(&h);
	check_asked_and_left(&h);
	CHECK(h.plan->wake_boot_usec <= h.snap.now_boot_usec + USEC_PER_SEC / 2);
	/* One answers, and is cut; of the other one it is waited. */
	small_pass(&h, 20 * USEC_PER_MSEC);
	small_report(&h, 1, GIB, GIB);
	small_decide(&h);
	CHECK(!h.plan->guests[1].ask && h.guests[1].target_bytes < 2 * GIB);
	CHECK(h.plan->guests[2].ask);
	CHECK_U64(h.guests[2].target_bytes, 2 * GIB);
}

TEST(one_that_does_not_answer_is_cut_half_a_second_later)
{
	_cleanup_small_host_ struct small_host h;

	begin_among_unheard(&h, 3 * USEC_PER_SEC);
	small_decide(&h);
	check_asked_and_left(&h);
	small_pass(&h, USEC_PER_SEC / 2 - 1);
	small_decide(&h);
	check_asked_and_left(&h);
	small_pass(&h, 1);
	small_decide(&h);
	for (size_t i = 1; i < 3; i++) {
		CHECK(!h.plan->guests[i].ask);
		CHECK(h.guests[i].target_bytes < 2 * GIB);
	}
}

TEST(and_asked_again_when_two_seconds_have_passed)
{
	_cleanup_small_host_ struct small_host h;
	unsigned asked = 0;

	begin_among_unheard(&h, 3 * USEC_PER_SEC);
	for (int i = 0; i < 60; i++) {
		small_decide(&h);
		asked += h.plan->guests[1].ask;
		for (size_t k = 1; k < 3; k++) /* what its balloon took its QEMU gave back */
			h.guests[k].resident_bytes =
				MIN(h.guests[k].resident_bytes, h.guests[k].actual_bytes);
		small_pass(&h, USEC_PER_SEC / 10);
		if (i % 10 == 9) {
			small_report(&h, 0, h.guests[0].actual_bytes, 0);
			h.guests[0].report.psi_mem_some_usec += USEC_PER_SEC;
			h.guests[0].report.why = REPORT_WHY_PRESSURE;
		}
	}
	/* Half a second, then two cuts with a second between them, and again. */
	CHECK_INT(asked, 15);
	CHECK(h.guests[1].target_bytes < 2 * GIB - 256 * MIB);
}

TEST(who_has_no_channel_is_not_waited_for)
{
	_cleanup_small_host_ struct small_host h;

	begin_among_unheard(&h, 3 * USEC_PER_SEC);
	h.guests[1].channel_open = false;
	h.guests[2].report.source = REPORT_BALLOON;
	small_decide(&h);
	for (size_t i = 1; i < 3; i++) {
		CHECK(!h.plan->guests[i].ask);
		CHECK(h.guests[i].target_bytes < 2 * GIB);
	}
}

TEST(what_a_floor_lacks_is_taken_of_a_cache_before_its_guest_is_heard)
{
	_cleanup_small_host_ struct small_host h;
	struct override o;

	begin_with_caches(&h);
	h.guests[1].channel_open = h.guests[2].channel_open = true;
	give_min(&h, 0, &o, "3G");
	small_decide(&h);
	for (size_t i = 1; i < 3; i++) {
		CHECK(h.guests[i].target_bytes <= 1536 * MIB);
		CHECK(!h.plan->guests[i].ask);
	}
}

TEST(and_what_is_wanted_beyond_that_when_it_is_heard)
{
	_cleanup_small_host_ struct small_host h;
	uint64_t lent = 0, had;
	struct override o;

	begin_with_caches(&h);
	h.guests[1].channel_open = h.guests[2].channel_open = true;
	give_min(&h, 0, &o, "2112M"); /* less than a sixteenth of each cache */
	small_report(&h, 0, 2 * GIB, 0);
	h.guests[0].report.psi_mem_some_usec += USEC_PER_SEC;
	h.guests[0].report.why = REPORT_WHY_PRESSURE;
	small_decide(&h);
	for (size_t i = 1; i < 3; i++) {
		CHECK(h.plan->guests[i].ask);
		lent += 2 * GIB - h.guests[i].target_bytes;
	}
	CHECK(lent >= 64 * MIB && lent <= 68 * MIB);
	had = h.guests[1].target_bytes;
	small_pass(&h, USEC_PER_SEC); /* as long as it is listened after each cut */
	caches_report(&h);
	small_decide(&h);
	CHECK(h.guests[1].target_bytes + 32 * MIB < had);
}

/* Two guests of 2 GiB, so much is free beside them: guest 0 wants a GiB more, guest 1 has that. */
static void begin_beside_surplus(struct small_host *h, uint64_t free_bytes, bool pressed)
{
	small_begin(h, 2, 4 * GIB + free_bytes, "[Host]\nReserve=0\n");
	small_decide(h);
	small_pass(h, 5 * USEC_PER_SEC);
	small_report(h, 0, pressed ? 2 * GIB : 2 * GIB - 200 * MIB, 0);
	small_report(h, 1, 512 * MIB, 0);
	if (pressed)
		h->guests[0].report.psi_mem_some_usec += USEC_PER_SEC;
	small_decide(h);
}

TEST(one_that_is_short_is_given_what_is_free_at_once_though_it_is_a_small_part)
{
	_cleanup_small_host_ struct small_host short_one, trifle, calm;

	begin_beside_surplus(&short_one, 48 * MIB, true);
	CHECK(short_one.plan->guests[0].pressed);
	CHECK(short_one.guests[1].target_bytes < 2 * GIB - 512 * MIB);
	CHECK_U64(short_one.guests[0].target_bytes, 2 * GIB + 48 * MIB);
	/* Where it is worth a command: a fiftieth. */
	begin_beside_surplus(&trifle, 40 * MIB, true);
	CHECK_U64(trifle.guests[0].target_bytes, 2 * GIB);
	begin_beside_surplus(&calm, 24 * MIB, false);
	CHECK(!calm.plan->guests[0].pressed);
	CHECK(calm.guests[1].target_bytes < 2 * GIB);
	CHECK_U64(calm.guests[0].target_bytes, 2 * GIB);
}

TEST(a_trifle_is_taken_where_the_host_is_over_its_budget)
{
	_cleanup_small_host_ struct small_host h;

	small_begin(&h, 2, 4 * GIB - 4 * MIB, "[Host]\nReserve=0\n");
	small_decide(&h);
	CHECK(h.guests[0].target_bytes + h.guests[1].target_bytes <= 4 * GIB - 4 * MIB);
}

TEST(and_where_room_is_made_for_one_that_starts)
{
	_cleanup_small_host_ struct small_host h;
	struct reservation r = {.id = 1,
		.guest_name = "new",
		.bytes = 4 * MIB,
		.asked_usec = SMALL_START,
		.deadline_usec = SMALL_START + USEC_PER_MIN};

	small_begin(&h, 2, 4 * GIB, "[Host]\nReserve=0\n[Memory]\nMin=2043M\n");
	small_decide(&h);
	h.snap.reservations = &r;
	h.snap.n_reservations = 1;
	small_decide(&h);
	CHECK(h.guests[0].target_bytes + h.guests[1].target_bytes <= 4 * GIB - 4 * MIB);
	small_decide(&h);
	CHECK_INT(h.plan->n_actions, 1);
	CHECK_INT(h.plan->actions[0].kind, ACTION_GRANT);
}

TEST(but_not_where_floors_alone_do_not_fit)
{
	_cleanup_small_host_ struct small_host h;
	static const int64_t off_mib[] = {4, 20, -24};

	small_begin(&h, 3, 6 * GIB, "[Host]\nReserve=0\n[Memory]\nMin=3G\n");
	for (size_t i = 0; i < 3; i++) {
		h.guests[i].actual_bytes = h.guests[i].target_bytes =
			2 * GIB + (uint64_t)off_mib[i] * MIB;
		small_report(&h, i, 512 * MIB, 0);
	}
	small_decide(&h);
	CHECK_INT(h.plan->host_state, HOST_CRITICAL);
	CHECK_U64(h.guests[0].target_bytes, 2 * GIB + 4 * MIB);
	CHECK_U64(h.guests[1].target_bytes, 2 * GIB);
}

TEST_MAIN()
