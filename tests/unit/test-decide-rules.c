/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/decide.h"

#include <stdio.h>

#include "common/units.h"
#include "policy/policy-set.h"
#include "tests/test.h"

/* What the manual pages promise of a decision, one guest or two at a time. */
#define GUESTS_MAX 2

struct world {
	struct guest_sample guests[GUESTS_MAX];
	struct snapshot snap;
	struct policy_set *set;
	struct decide_state *state;
	struct plan *plan; /* the last one */
	unsigned events[EVENT_KIND_MAX];
};

/* A host of 8 GiB with n guests of 1 of at most 4 GiB, which use half of it, under this policy
 * (NULL: none). */
static int world_init(struct world *w, size_t n, const char *policy)
{
	_cleanup_diag_list_ struct diag_list findings = {0};
	struct policy_text text = {.name = "p", .text = policy, .len = policy ? strlen(policy) : 0};

	*w = (struct world){.state = decide_state_new()};
	if (!w->state)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		w->guests[i] = (struct guest_sample){.id = {.uuid.bytes[0] = (uint8_t)(i + 1)},
			.identity_changed = true,
			.running = true,
			.max_bytes = 4 * GIB,
			.actual_bytes = GIB,
			.target_bytes = GIB,
			.resident_bytes = GIB,
			.balloon_answered = true,
			.incarnation = 1,
			.vcpus = 1,
			.channel_open = true};
	w->guests[0].id.name = "a";
	w->guests[1].id.name = "b";
	w->snap = (struct snapshot){.now_boot_usec = 1000 * USEC_PER_SEC,
		.now_real_usec = UINT64_C(1795000000) * USEC_PER_SEC, .enforce = true,
		.guests = w->guests, .n_guests = n};
	w->snap.host = (struct host_sample){.name = "h", .memory_bytes = 8 * GIB, .cpus = 4};
	return policy_set_from_texts(&text, policy ? 1 : 0, NULL, &w->set, &findings);
}

static void world_clear(struct world *w)
{
	plan_free(w->plan);
	decide_state_free(w->state);
	policy_set_unref(w->set);
}
#define _cleanup_world_ _cleanup_(world_clear)

/* A line of guest i's agent at this instant. */
static void report(struct world *w, size_t i, uint64_t available_bytes, uint64_t stall_usec)
{
	struct guest_sample *s = &w->guests[i];
	struct guest_report *r = &s->report;

	r->source = REPORT_AGENT;
	r->seq++;
	r->boot_id = 1;
	r->guest_usec = r->arrival_usec = w->snap.now_boot_usec;
	r->total_bytes = s->actual_bytes - 40 * MIB;
	r->available_bytes = available_bytes;
	r->swap_total_bytes = r->swap_free_bytes = 4 * GIB;
	r->has_swap = r->has_counters = r->has_psi = true;
	r->psi_mem_some_usec += stall_usec;
}

/* Decides after so much time; balloons obey at once. */
static int step(struct world *w, uint64_t usec)
{
	int r;

	w->snap.now_boot_usec += usec;
	w->snap.now_real_usec += usec;
	w->plan = plan_free(w->plan);
	r = decide(&w->snap, w->set, w->state, &w->plan);
	for (size_t i = 0; r >= 0 && i < w->plan->n_actions; i++) {
		const struct action *a = &w->plan->actions[i];

		if (a->kind == ACTION_MEMORY)
			w->guests[a->guest_index].target_bytes =
				w->guests[a->guest_index].resident_bytes =
					w->guests[a->guest_index].actual_bytes = a->to_bytes;
	}
	for (size_t i = 0; r >= 0 && i < w->plan->n_events; i++)
		w->events[w->plan->events[i].kind]++;
	return r;
}

TEST(a_guest_is_stale_after_three_heartbeats_of_the_length_they_have)
{
	static const uint64_t heartbeats[] = {USEC_PER_SEC, 5 * USEC_PER_SEC, USEC_PER_MIN};

	for (size_t i = 0; i < ARRAY_SIZE(heartbeats); i++) {
		_cleanup_world_ struct world w;

		CHECK_INT(world_init(&w, 1, NULL), 0);
		w.snap.heartbeat_usec = heartbeats[i];
		report(&w, 0, 512 * MIB, 0);
		CHECK_INT(step(&w, 0), 0);
		CHECK(w.plan->wake_boot_usec <= w.snap.now_boot_usec + 3 * heartbeats[i] + 1);
		CHECK_INT(step(&w, 3 * heartbeats[i]), 0);
		CHECK(!w.plan->guests[0].stale);
		CHECK_INT(step(&w, 1), 0);
		CHECK(w.plan->guests[0].stale);
		CHECK_INT(w.events[EVENT_STALE], 1);
	}
}

TEST(balloon_statistics_come_at_their_own_pace)
{
	_cleanup_world_ struct world w;

	CHECK_INT(world_init(&w, 1, NULL), 0);
	w.snap.heartbeat_usec = USEC_PER_SEC;
	report(&w, 0, 512 * MIB, 0);
	w.guests[0].report.source = REPORT_BALLOON;
	CHECK_INT(step(&w, 10 * USEC_PER_SEC), 0);
	CHECK(!w.plan->guests[0].stale);
	CHECK_INT(step(&w, 10 * USEC_PER_SEC), 0);
	CHECK(w.plan->guests[0].stale);
}

/* Stalls so much of each second, with all else well. Returns after how many seconds it is pressed;
 * 0: not within this many. */
static unsigned pressed_after(const char *policy, uint64_t stall_permyriad, unsigned seconds)
{
	_cleanup_world_ struct world w;
	unsigned after = 0;

	if (world_init(&w, 1, policy) < 0)
		return 0;
	report(&w, 0, 512 * MIB, 0);
	(void)step(&w, 0);
	for (unsigned t = 1; !after && t <= seconds; t++) {
		w.snap.now_boot_usec += USEC_PER_SEC;
		report(&w, 0, 512 * MIB, stall_permyriad * 100);
		if (step(&w, 0) >= 0 && w.plan->guests[0].pressed)
			after = t;
	}
	return after;
}

TEST(max_stall_says_how_much_stall_is_pressure_and_for_how_long)
{
	const char *lenient = "[Memory]\nMaxStall=100% over 10s\n",
		   *strict = "[Memory]\nMaxStall=2% over 10s\n",
		   *patient = "[Memory]\nMaxStall=10% over 5min\n";

	CHECK_INT(pressed_after(NULL, 500, 60), 1);
	CHECK_INT(pressed_after(NULL, 499, 60), 0);
	CHECK_INT(pressed_after(lenient, 4900, 60), 0);
	CHECK_INT(pressed_after(lenient, 5000, 60), 1);
	CHECK_INT(pressed_after(strict, 99, 60), 0);
	CHECK_INT(pressed_after(strict, 100, 60), 1);
	CHECK_INT(pressed_after(patient, 500, 60), 30);
}

TEST(a_guest_is_relieved_below_a_tenth_of_max_stall)
{
	_cleanup_world_ struct world w;

	CHECK_INT(world_init(&w, 1, "[Memory]\nMaxStall=50% over 1s\n"), 0);
	for (unsigned t = 0; t < 5; t++) {
		report(&w, 0, 512 * MIB, 300 * USEC_PER_MSEC);
		CHECK_INT(step(&w, USEC_PER_SEC), 0);
	}
	CHECK(w.plan->guests[0].pressed);
	for (unsigned t = 0; t < 3; t++) {
		report(&w, 0, 512 * MIB, 60 * USEC_PER_MSEC);
		CHECK_INT(step(&w, USEC_PER_SEC), 0);
	}
	CHECK(w.plan->guests[0].pressed);
	for (unsigned t = 0; t < 3; t++) {
		report(&w, 0, 512 * MIB, 40 * USEC_PER_MSEC);
		CHECK_INT(step(&w, USEC_PER_SEC), 0);
	}
	CHECK(!w.plan->guests[0].pressed);
}

/* The memory command to guest i in the last plan, or NULL. */
static const struct action *command(const struct world *w, size_t i)
{
	for (size_t k = 0; k < w->plan->n_actions; k++)
		if (w->plan->actions[k].kind == ACTION_MEMORY &&
			w->plan->actions[k].guest_index == i)
			return &w->plan->actions[k];
	return NULL;
}

static int policy_change(struct world *w, const char *policy)
{
	_cleanup_diag_list_ struct diag_list findings = {0};
	struct policy_text text = {.name = "p", .text = policy, .len = strlen(policy)};

	policy_set_unref(w->set);
	w->set = NULL;
	return policy_set_from_texts(&text, 1, NULL, &w->set, &findings);
}

TEST(a_silent_guest_that_grows_by_policy_is_not_said_to_have_been_pressed)
{
	_cleanup_world_ struct world w;

	CHECK_INT(world_init(&w, 1, NULL), 0);
	report(&w, 0, 512 * MIB, 0);
	CHECK_INT(step(&w, 20 * USEC_PER_SEC), 0);
	CHECK(w.plan->guests[0].stale);
	CHECK_INT(policy_change(&w, "[Memory]\nMin=2G\n"), 0);
	CHECK_INT(step(&w, USEC_PER_SEC), 0);
	CHECK(command(&w, 0));
	CHECK_U64(command(&w, 0)->to_bytes, 2 * GIB);
	CHECK_STR(reason_code_to_string(command(&w, 0)->reason.code), "min");
}

TEST(what_a_policy_gives_a_silent_guest_does_not_use_up_its_room)
{
	_cleanup_world_ struct world w;

	/* Short, on a host that has nothing for it; then silent. */
	CHECK_INT(world_init(&w, 1, NULL), 0);
	w.snap.host.other_bytes = 8 * GIB - 410 * MIB - GIB;
	report(&w, 0, 512 * MIB, 0);
	CHECK_INT(step(&w, 0), 0);
	w.snap.now_boot_usec += USEC_PER_SEC;
	report(&w, 0, 8 * MIB, 0);
	CHECK_INT(step(&w, 0), 0);
	CHECK(w.plan->guests[0].pressed);
	CHECK_INT(step(&w, 16 * USEC_PER_SEC), 0);
	CHECK(w.plan->guests[0].stale);
	/* Its policy gives it something first, which needs no more than there is for that. */
	CHECK_INT(policy_change(&w, "[Memory]\nMin=1200M\n"), 0);
	w.snap.host.other_bytes = 8 * GIB - 410 * MIB - 1200 * MIB;
	CHECK_INT(step(&w, USEC_PER_SEC), 0);
	CHECK(command(&w, 0));
	CHECK_STR(reason_code_to_string(command(&w, 0)->reason.code), "min");
	/* Then there is slack, and it has its room: once. */
	w.snap.host.other_bytes = 0;
	CHECK_INT(step(&w, USEC_PER_SEC), 0);
	CHECK(command(&w, 0));
	CHECK_STR(reason_code_to_string(command(&w, 0)->reason.code), "stale-room");
	CHECK_U64(command(&w, 0)->to_bytes, 1500 * MIB);
	CHECK_INT(step(&w, USEC_PER_SEC), 0);
	CHECK(!command(&w, 0));
}

TEST(a_floor_that_does_not_fit_is_told_once)
{
	_cleanup_world_ struct world w;

	CHECK_INT(world_init(&w, 2, "[Memory]\nMin=4G\n"), 0);
	for (unsigned t = 0; t < 60; t++) {
		/* The host takes a little more every second: each decision cuts deeper. */
		w.snap.host.other_bytes = GIB + t * 64 * MIB;
		w.snap.now_boot_usec += USEC_PER_SEC;
		report(&w, 0, 512 * MIB, 0);
		report(&w, 1, 512 * MIB, 0);
		CHECK_INT(step(&w, 0), 0);
	}
	CHECK(w.guests[0].target_bytes < 2 * GIB);
	CHECK_INT(w.events[EVENT_FLOOR_CUT], 2);
	/* It fits again, and then does not. */
	w.snap.host.memory_bytes = 64 * GIB;
	w.snap.host.other_bytes = 0;
	CHECK_INT(step(&w, USEC_PER_SEC), 0);
	CHECK_INT(step(&w, USEC_PER_SEC), 0);
	CHECK_U64(w.guests[0].target_bytes, 4 * GIB);
	w.snap.host.memory_bytes = 6 * GIB;
	CHECK_INT(step(&w, USEC_PER_SEC), 0);
	CHECK_INT(w.events[EVENT_FLOOR_CUT], 4);
}

TEST(where_floors_do_not_fit_the_idle_gives_first_and_noise_moves_nothing)
{
	_cleanup_world_ struct world w;
	unsigned commands = 0;
	uint64_t rng = 1;

	/* Two Mins of 4 GiB on 6: one is used, the other is not. */
	CHECK_INT(world_init(&w, 2, "[Memory]\nMin=4G\n"), 0);
	w.snap.host.memory_bytes = 6 * GIB;
	w.guests[0].actual_bytes = w.guests[0].target_bytes = w.guests[0].resident_bytes = 3 * GIB;
	for (unsigned t = 0; t < 120; t++) {
		w.snap.now_boot_usec += USEC_PER_SEC;
		for (size_t i = 0; i < 2; i++) {
			uint64_t used = i ? 500 * MIB : 2600 * MIB;

			rng = rng * UINT64_C(6364136223846793005) + 1442695040888963407;
			used = used * (97 + (rng >> 33) % 7) / 100; /* 3 % either way */
			report(&w, i, w.guests[i].actual_bytes - used, 0);
		}
		CHECK_INT(step(&w, 0), 0);
		commands += t >= 20 ? (unsigned)w.plan->n_actions : 0;
	}
	CHECK(w.guests[0].target_bytes > w.guests[1].target_bytes + GIB / 2);
	CHECK_INT(commands, 0);
}

TEST(a_condition_on_swap_is_not_true_of_a_guest_whose_swap_is_not_known)
{
	_cleanup_world_ struct world w;

	CHECK_INT(world_init(&w, 1, "[When]\nCondition=guest.swap_total < 1M\n[Memory]\nMin=2G\n"),
		0);
	report(&w, 0, 512 * MIB, 0);
	w.guests[0].report.swap_total_bytes = w.guests[0].report.swap_free_bytes = 0;
	w.guests[0].report.has_swap = false;
	CHECK_INT(step(&w, 0), 0);
	CHECK_U64(w.plan->guests[0].min_bytes, 0);
	report(&w, 0, 512 * MIB, 0);
	w.guests[0].report.swap_total_bytes = w.guests[0].report.swap_free_bytes = 0;
	CHECK_INT(step(&w, 0), 0);
	CHECK_U64(w.plan->guests[0].min_bytes, 2 * GIB);
}

TEST(a_floor_that_falls_with_use_and_rises_again_is_not_told_twice)
{
	_cleanup_world_ struct world w;

	/* Both use nearly all they have, on a host that has less: what they use does not fit. */
	CHECK_INT(world_init(&w, 2, "[Match]\nGuest=b\n[Memory]\nMin=4G\n"), 0);
	w.snap.host.memory_bytes = 1700 * MIB + 256 * MIB;
	for (unsigned t = 0; t < 12; t++) {
		w.snap.now_boot_usec += USEC_PER_SEC;
		/* For some seconds guest a uses less, and its floor fits; b's does not. Then the
		 * host takes more. */
		w.snap.host.other_bytes = t / 4 == 2 ? 600 * MIB : 0;
		report(&w, 0, t / 4 == 1 ? w.guests[0].actual_bytes - 700 * MIB : 20 * MIB, 0);
		report(&w, 1, 20 * MIB, 0);
		w.guests[0].actual_usec = w.guests[1].actual_usec = w.snap.now_boot_usec;
		CHECK_INT(step(&w, 0), 0);
		CHECK_INT(w.plan->host_state, HOST_CRITICAL);
	}
	CHECK_INT(w.events[EVENT_FLOOR_CUT], 2);
}

/* When a silent guest that fills whatever it is given has its rooms, in seconds after it was heard;
 * 0: never. Plenty is free. */
static void stale_rooms(struct world *w, uint64_t seconds, unsigned ret[4])
{
	unsigned n = 0;

	memset(ret, 0, 4 * sizeof(*ret));
	w->snap.host.memory_bytes = 32 * GIB;
	w->guests[0].max_bytes = 32 * GIB;
	w->guests[0].resident_bytes = 512 * MIB;
	report(w, 0, 512 * MIB, 0);
	(void)step(w, 0);
	w->guests[0].resident_bytes = w->guests[0].actual_bytes; /* it has filled it since */
	for (unsigned t = 1; t <= seconds; t++) {
		if (step(w, USEC_PER_SEC) < 0)
			return;
		if (command(w, 0) && command(w, 0)->reason.code == REASON_STALE_ROOM && n < 4)
			ret[n++] = t;
	}
}

TEST(a_silent_guest_that_fills_its_rooms_has_them_after_10_20_and_40_seconds)
{
	_cleanup_world_ struct world w;
	unsigned at[4];

	CHECK_INT(world_init(&w, 1, NULL), 0);
	stale_rooms(&w, 100, at);
	CHECK_INT(at[0], 16);
	CHECK_INT(at[1], 26);
	CHECK_INT(at[2], 46);
	CHECK_INT(at[3], 86);
	/* It speaks, and falls silent again: that counts anew. */
	w.snap.now_boot_usec += USEC_PER_SEC;
	stale_rooms(&w, 30, at);
	CHECK_INT(at[0], 16);
	CHECK_INT(at[1], 26);
}

TEST(a_guest_that_is_shut_out_has_no_room_for_its_silence)
{
	_cleanup_world_ struct world w;
	unsigned at[4];

	CHECK_INT(world_init(&w, 1, NULL), 0);
	w.guests[0].shut_out_usec = w.snap.now_boot_usec;
	stale_rooms(&w, 100, at);
	CHECK_INT(at[0], 0);
}

TEST(a_room_comes_whole_when_others_have_made_it)
{
	_cleanup_world_ struct world w;

	/* 100 MiB are free; the rest of its 256 b has to give of its surplus. */
	CHECK_INT(world_init(&w, 2, "[Host]\nReserve=0\n"), 0);
	w.snap.host.memory_bytes = 4 * GIB + 100 * MIB;
	w.guests[1].actual_bytes = w.guests[1].target_bytes = w.guests[1].resident_bytes = 3 * GIB;
	w.guests[0].resident_bytes = 512 * MIB;
	report(&w, 0, 512 * MIB, 0);
	report(&w, 1, 2 * GIB, 0);
	CHECK_INT(step(&w, 0), 0);
	w.guests[0].resident_bytes = GIB;
	w.snap.now_boot_usec += 16 * USEC_PER_SEC;
	report(&w, 1, 2 * GIB, 0);
	CHECK_INT(step(&w, 0), 0);
	CHECK(w.plan->guests[0].stale && !command(&w, 0));
	CHECK(command(&w, 1));
	w.guests[1].actual_usec = w.snap.now_boot_usec + 1;
	CHECK_INT(step(&w, USEC_PER_SEC / 10), 0);
	CHECK(command(&w, 0));
	CHECK_STR(reason_code_to_string(command(&w, 0)->reason.code), "stale-room");
	CHECK_U64(command(&w, 0)->to_bytes, GIB + 256 * MIB);
}

TEST_MAIN()
