/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/small-host.h"

TEST(the_budget_is_memory_without_reserve_own_use_and_overhead)
{
	_cleanup_small_host_ struct small_host h;
	const struct plan *p;

	small_begin(&h, 2, 32 * GIB, "[Host]\nReserve=2G\n");
	h.snap.host.other_bytes = 3 * GIB;
	h.guests[0].qemu_bytes = 64 * MIB;
	p = small_decide(&h);
	CHECK_U64(p->overhead_bytes, 64 * MIB);
	CHECK_U64(p->budget_bytes, 27 * GIB - 64 * MIB);
	CHECK_U64(p->charged_bytes, 4 * GIB);
}

TEST(without_a_policy_a_twentieth_is_kept_free_within_bounds)
{
	static const uint64_t memory[][2] = {
		{2 * GIB, 256 * MIB}, {20 * GIB, GIB}, {512 * GIB, 4 * GIB}};

	for (size_t i = 0; i < ARRAY_SIZE(memory); i++) {
		_cleanup_small_host_ struct small_host h;

		small_begin(&h, 1, memory[i][0], "");
		CHECK_U64(small_decide(&h)->reserve_bytes, memory[i][1]);
	}
}

TEST(the_hosts_own_use_rises_at_once_and_falls_when_it_has_lasted)
{
	_cleanup_small_host_ struct small_host h;

	small_begin(&h, 1, 32 * GIB, "");
	h.snap.host.other_bytes = 2 * GIB;
	CHECK_U64(small_decide(&h)->other_bytes, 2 * GIB);
	small_pass(&h, USEC_PER_SEC);
	h.snap.host.other_bytes = 2 * GIB - 50 * MIB;
	CHECK_U64(small_decide(&h)->other_bytes, 2 * GIB);
	small_pass(&h, 10 * USEC_PER_SEC);
	CHECK_U64(small_decide(&h)->other_bytes, 2 * GIB - 50 * MIB);
	/* A large fall is no noise. */
	small_pass(&h, USEC_PER_SEC);
	h.snap.host.other_bytes = GIB;
	CHECK_U64(small_decide(&h)->other_bytes, GIB);
}

TEST(a_better_state_needs_a_fiftieth_to_spare)
{
	_cleanup_small_host_ struct small_host h;

	/* Both keep 2 GiB: ample from 4 GiB and a twentieth of the budget on. */
	small_begin(&h, 2, 32 * GIB, "[Host]\nReserve=0\n");
	h.snap.host.other_bytes = 27 * GIB;
	CHECK_INT(small_decide(&h)->host_state, HOST_AMPLE);
	small_pass(&h, USEC_PER_SEC);
	h.snap.host.other_bytes = 28 * GIB - 100 * MIB;
	CHECK_INT(small_decide(&h)->host_state, HOST_TIGHT);
	small_pass(&h, 20 * USEC_PER_SEC);
	h.snap.host.other_bytes = 28 * GIB - 240 * MIB;
	CHECK_INT(small_decide(&h)->host_state, HOST_TIGHT);
	small_pass(&h, 20 * USEC_PER_SEC);
	h.snap.host.other_bytes = 28 * GIB - 340 * MIB;
	CHECK_INT(small_decide(&h)->host_state, HOST_AMPLE);
}

TEST(floors_that_do_not_fit_are_critical)
{
	_cleanup_small_host_ struct small_host h;

	small_begin(&h, 2, 4 * GIB, "[Memory]\nMin=3G\n");
	CHECK_INT(small_decide(&h)->host_state, HOST_CRITICAL);
}

/* What is kept for guests that start is not free, and the event says what it was judged by. */
TEST(the_event_of_a_host_state_has_the_figures_that_it_was_judged_by)
{
	_cleanup_small_host_ struct small_host h;
	const struct reservation kept = {
		.id = 1, .guest = {{9}}, .guest_name = "new", .bytes = 30 * GIB, .granted = true};
	char text[REASON_TEXT_MAX];
	const struct plan_event *e;
	const struct plan *p;

	small_begin(&h, 2, 32 * GIB, "[Host]\nReserve=0\n[Memory]\nMin=2G\n");
	small_decide(&h);
	small_pass(&h, USEC_PER_SEC);
	small_decide(&h);
	small_pass(&h, USEC_PER_SEC);
	h.snap.reservations = &kept;
	h.snap.n_reservations = 1;
	p = small_decide(&h);
	CHECK_INT(p->host_state, HOST_CRITICAL);
	for (e = p->events; e < p->events + p->n_events && e->kind != EVENT_HOST_STATE;)
		e++;
	CHECK(e < p->events + p->n_events);
	CHECK_U64(e->arg[0], 0);
	CHECK_U64(e->arg[1], 32 * GIB);
	CHECK_U64(e->arg[2], 30 * GIB);
	CHECK_U64(e->arg[3], 2 * GIB);
	CHECK_STR(event_format(e, text),
		"host is critical: 0 B free of a budget of 32 GiB, 30 GiB reserved for guests that start");
}

/* The reset of a guest: its whole memory may be touched before its driver is back. */
TEST(room_for_one_that_starts_anew_is_made_of_surplus_at_once)
{
	_cleanup_small_host_ struct small_host h;
	const struct plan *p;

	small_begin(&h, 3, 7 * GIB, "[Host]\nReserve=0\n");
	CHECK_INT(small_decide(&h)->n_actions, 0);
	small_pass(&h, USEC_PER_SEC);
	h.guests[0].incarnation++;
	h.guests[0].balloon_answered = false;
	p = small_decide(&h);
	CHECK_INT(p->n_actions, 2);
	for (size_t i = 0; i < p->n_actions; i++) {
		CHECK_INT(p->actions[i].reason.code, REASON_DOUBT);
		CHECK(p->actions[i].guest_index != 0);
		CHECK(p->actions[i].to_bytes <= 3 * GIB / 2);
	}
}

TEST(but_not_of_what_the_others_want)
{
	_cleanup_small_host_ struct small_host h;

	small_begin(&h, 3, 6 * GIB, "[Host]\nReserve=0\n");
	for (size_t i = 0; i < 3; i++)
		small_report(&h, i, 1800 * MIB, 0);
	small_decide(&h);
	small_pass(&h, USEC_PER_SEC);
	h.guests[0].incarnation++;
	h.guests[0].balloon_answered = false;
	CHECK_INT(small_decide(&h)->n_actions, 0);
	CHECK_U64(h.plan->charged_bytes, 8 * GIB);
}

TEST(a_driver_that_comes_back_at_full_size_goes_to_its_target_at_nobodys_cost)
{
	_cleanup_small_host_ struct small_host h;

	small_begin(&h, 2, 9 * GIB, "[Host]\nReserve=0\n");
	small_decide(&h);
	small_pass(&h, USEC_PER_SEC);
	h.guests[0].incarnation++;
	h.guests[0].balloon_answered = false;
	small_decide(&h);
	small_pass(&h, 7 * USEC_PER_SEC);
	h.guests[0].balloon_answered = true;
	h.guests[0].actual_bytes = h.guests[0].max_bytes;
	h.guests[0].actual_usec = h.snap.now_boot_usec;
	CHECK_INT(small_decide(&h)->n_actions, 0);
	CHECK_U64(h.plan->guests[0].charge_bytes, 4 * GIB);
	CHECK_U64(h.plan->guests[0].target_bytes, 2 * GIB);
}

/* What the others are told to give in all for one that starts anew, at most 4 GiB, and holds so
 * much. */
static uint64_t given_for_doubt(uint64_t held_bytes)
{
	_cleanup_small_host_ struct small_host h;
	uint64_t sum = 0;

	small_begin(&h, 4, 6 * GIB + held_bytes, "[Host]\nReserve=0\n");
	h.guests[0].actual_bytes = h.guests[0].target_bytes = h.guests[0].resident_bytes =
		held_bytes;
	small_decide(&h);
	small_pass(&h, USEC_PER_SEC);
	h.guests[0].incarnation++;
	h.guests[0].balloon_answered = false;
	small_decide(&h);
	for (size_t i = 1; i < 4; i++)
		sum += 2 * GIB - h.guests[i].target_bytes;
	return sum;
}

TEST(room_is_made_for_as_much_again_as_one_in_doubt_holds_and_no_more)
{
	/* And a hundredth of the budget, where surplus is taken at all. */
	CHECK(given_for_doubt(512 * MIB) >= 512 * MIB);
	CHECK(given_for_doubt(512 * MIB) <= 512 * MIB + 80 * MIB);
	CHECK(given_for_doubt(3 * GIB) >= GIB);
	CHECK(given_for_doubt(3 * GIB) <= GIB + 120 * MIB);
}

static enum reason_code first_reason(const struct small_host *h)
{
	return h->plan->n_actions ? h->plan->actions[0].reason.code : REASON_NONE;
}

TEST(what_is_taken_after_the_hosts_own_use_rose_is_taken_for_the_host)
{
	_cleanup_small_host_ struct small_host h;

	small_begin(&h, 2, 4 * GIB, "[Host]\nReserve=0\n");
	small_decide(&h);
	CHECK_INT(h.plan->n_actions, 0);
	small_pass(&h, USEC_PER_SEC);
	h.snap.host.other_bytes = 256 * MIB;
	small_decide(&h);
	CHECK_INT(first_reason(&h), REASON_HOST);
	small_pass(&h, 29 * USEC_PER_SEC);
	h.snap.host.memory_bytes -= 256 * MIB;
	small_decide(&h);
	CHECK_INT(first_reason(&h), REASON_HOST);
	small_pass(&h, USEC_PER_SEC);
	h.snap.host.memory_bytes -= 256 * MIB;
	small_decide(&h);
	CHECK_INT(first_reason(&h), REASON_OVER);
}

TEST(and_else_because_guests_hold_more_than_there_is_for_them)
{
	_cleanup_small_host_ struct small_host found, creeping;

	/* What the host used when it was first seen did not rise. */
	small_begin(&found, 2, 4 * GIB, "[Host]\nReserve=0\n");
	found.snap.host.other_bytes = GIB;
	small_decide(&found);
	CHECK_INT(first_reason(&found), REASON_OVER);
	/* Less than a hundredth of memory is noise. */
	small_begin(&creeping, 2, 4 * GIB, "[Host]\nReserve=0\n");
	small_decide(&creeping);
	small_pass(&creeping, USEC_PER_SEC);
	creeping.snap.host.other_bytes = 40 * MIB;
	small_decide(&creeping);
	CHECK_INT(first_reason(&creeping), REASON_OVER);
}

TEST_MAIN()
