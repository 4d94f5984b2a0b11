/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/balloon.h"

#include "tests/test.h"

#define START (1000 * USEC_PER_SEC)

static struct guest_sample sample(uint64_t actual_mib, uint64_t target_mib, uint64_t now)
{
	struct guest_sample s = {.max_bytes = 4096 * MIB, .actual_bytes = actual_mib * MIB,
		.target_bytes = target_mib * MIB, .actual_usec = now, .running = true,
		.balloon_answered = true};
	return s;
}

static enum balloon_verdict observe(struct balloon *b, uint64_t actual_mib, uint64_t now)
{
	struct guest_sample s = sample(actual_mib, b->target_bytes / MIB, now);

	return balloon_observe(b, &s, now);
}

static void begin(struct balloon *b, uint64_t actual_mib, uint64_t to_mib)
{
	struct guest_sample s = sample(actual_mib, actual_mib, START);

	memset(b, 0, sizeof(*b));
	balloon_observe(b, &s, START);
	balloon_commanded(b, &s, to_mib * MIB, START);
}

TEST(a_balloon_that_arrives_is_fine)
{
	struct balloon b;

	begin(&b, 1000, 600);
	CHECK(balloon_moving(&b));
	CHECK_INT(observe(&b, 800, START + USEC_PER_SEC), BALLOON_FINE);
	CHECK_INT(observe(&b, 600, START + 2 * USEC_PER_SEC), BALLOON_FINE);
	CHECK(!balloon_moving(&b));
	CHECK(!balloon_resting(&b, START + 2 * USEC_PER_SEC));
}

TEST(one_that_stops_short_is_told_within_two_seconds)
{
	struct balloon b;

	begin(&b, 1000, 600);
	CHECK_INT(observe(&b, 700, START + USEC_PER_SEC), BALLOON_FINE);
	CHECK_INT(observe(&b, 700, START + 2 * USEC_PER_SEC), BALLOON_FINE);
	CHECK_INT(observe(&b, 700, START + 2600 * USEC_PER_MSEC), BALLOON_SHORT);
	CHECK_U64(b.floor_bytes, 700 * MIB);
	CHECK(b.retry_usec > START + 10 * USEC_PER_SEC);
}

/* Plays a balloon that never moves, with the correction that decide() gives. Returns when it was
 * found stuck. */
static uint64_t play_dead(struct balloon *b, uint64_t from, uint64_t to)
{
	for (uint64_t t = from; t < to; t += 100 * USEC_PER_MSEC) {
		enum balloon_verdict v = observe(b, 1000, t);
		struct guest_sample s = sample(1000, b->target_bytes / MIB, t);

		if (v == BALLOON_STUCK)
			return t;
		if (v == BALLOON_SHORT)
			balloon_commanded(b, &s, 1000 * MIB, t);
	}
	return 0;
}

TEST(one_that_never_moves_is_stuck_after_five_seconds)
{
	struct balloon b;
	uint64_t t;

	begin(&b, 1000, 600);
	t = play_dead(&b, START, START + 20 * USEC_PER_SEC);
	CHECK_U64(t, START + 5 * USEC_PER_SEC);
	CHECK(balloon_resting(&b, t));
	CHECK(!balloon_resting(&b, b.retry_usec));
}

TEST(a_stuck_one_is_tried_again_with_growing_pauses)
{
	struct balloon b;
	uint64_t t, pause = 0;

	begin(&b, 1000, 600);
	t = play_dead(&b, START, START + 20 * USEC_PER_SEC);
	for (int i = 0; i < 5; i++) {
		struct guest_sample s = sample(1000, 1000, b.retry_usec);

		CHECK(b.retry_usec - t >= pause);
		pause = b.retry_usec - t;
		t = b.retry_usec;
		balloon_commanded(&b, &s, 600 * MIB, t);
		CHECK(!balloon_resting(&b, t));
		/* no second event while it stays stuck */
		CHECK_U64(play_dead(&b, t, t + 6 * USEC_PER_SEC), 0);
		t += 5 * USEC_PER_SEC;
		CHECK(balloon_resting(&b, t));
	}
	CHECK(pause >= 60 * USEC_PER_SEC);
}

TEST(a_stuck_one_that_moves_again_is_told)
{
	struct balloon b;
	uint64_t t;
	struct guest_sample s;

	begin(&b, 1000, 600);
	play_dead(&b, START, START + 20 * USEC_PER_SEC);
	t = b.retry_usec;
	s = sample(1000, 1000, t);
	balloon_commanded(&b, &s, 600 * MIB, t);
	CHECK_INT(observe(&b, 900, t + USEC_PER_SEC), BALLOON_UNSTUCK);
	CHECK(!b.stuck);
}

TEST(growing_by_itself_is_told)
{
	struct balloon b;

	begin(&b, 1000, 600);
	observe(&b, 600, START + USEC_PER_SEC);
	CHECK_INT(observe(&b, 900, START + 2 * USEC_PER_SEC), BALLOON_TOOK_BACK);
}

TEST(one_at_rest_that_nobody_reads_is_found_stuck_all_the_same)
{
	struct balloon b;
	struct guest_sample s;

	begin(&b, 1000, 600);
	s = sample(1000, 600, START + 2 * USEC_PER_SEC);
	CHECK_INT(balloon_observe(&b, &s, START + 2 * USEC_PER_SEC), BALLOON_SHORT);
	balloon_commanded(&b, &s, 1000 * MIB, START + 2 * USEC_PER_SEC);
	s.target_bytes = 1000 * MIB;
	CHECK_INT(balloon_observe(&b, &s, START + 4 * USEC_PER_SEC), BALLOON_FINE);
	CHECK_INT(balloon_observe(&b, &s, START + 5 * USEC_PER_SEC), BALLOON_STUCK);
	/* Its target was taken back to where it stands: what it was asked for is known all the
	 * same. */
	CHECK_U64(b.asked_bytes, 600 * MIB);
	CHECK(balloon_wake(&b, START + 5 * USEC_PER_SEC) > START + 5 * USEC_PER_SEC);
}

TEST(old_readings_do_not_make_it_stuck)
{
	struct balloon b;
	struct guest_sample s;

	begin(&b, 1000, 600);
	s = sample(1000, 600, START);
	CHECK_INT(balloon_observe(&b, &s, START + 60 * USEC_PER_SEC), BALLOON_FINE);
}

TEST(a_driver_that_starts_anew_goes_to_its_target_and_took_nothing_back)
{
	struct guest_sample s = sample(1024, 1024, START);
	struct balloon b = {0};

	s.balloon_answered = false; /* the device keeps the old figure */
	CHECK_INT(balloon_observe(&b, &s, START), BALLOON_FINE);
	s = sample(4096, 1024, START + 7 * USEC_PER_SEC);
	CHECK_INT(balloon_observe(&b, &s, START + 7 * USEC_PER_SEC), BALLOON_FINE);
	CHECK(balloon_moving(&b));
	CHECK_INT(observe(&b, 2048, START + 8 * USEC_PER_SEC), BALLOON_FINE);
	CHECK_INT(observe(&b, 1024, START + 9 * USEC_PER_SEC), BALLOON_FINE);
	CHECK(!balloon_moving(&b));
	/* From then on growing by itself is what it was. */
	CHECK_INT(observe(&b, 2048, START + 20 * USEC_PER_SEC), BALLOON_TOOK_BACK);
}

TEST(until_it_is_read_again_it_may_have_come_as_far_as_it_was_sent_before)
{
	struct guest_sample s = sample(1000, 1000, START);
	struct balloon b = {0};

	balloon_observe(&b, &s, START);
	balloon_commanded(&b, &s, 2000 * MIB, START);
	s = sample(1000, 2000, START); /* the reading is older than the command */
	balloon_observe(&b, &s, START + 50);
	balloon_commanded(&b, &s, 1500 * MIB, START + 50);
	CHECK_U64(b.before_bytes, 2000 * MIB);
	s.target_bytes = 1500 * MIB;
	balloon_observe(&b, &s, START + 100);
	CHECK_U64(b.before_bytes, 2000 * MIB);
	s = sample(1700, 1500, START + 150);
	balloon_observe(&b, &s, START + 200);
	CHECK_U64(b.before_bytes, 0);
}

/* It goes to 600 MiB and is back at 1000 two seconds after the command. Returns for how long it is
 * not asked again; 0: it was not told. */
static uint64_t take_back(struct balloon *b, uint64_t now)
{
	struct guest_sample s = sample(1000, 1000, now);
	uint64_t took = now + 2 * USEC_PER_SEC;

	balloon_commanded(b, &s, 600 * MIB, now);
	observe(b, 600, now + USEC_PER_SEC);
	return observe(b, 1000, took) == BALLOON_TOOK_BACK && b->floor_bytes == 1000 * MIB
		       ? b->retry_usec - took
		       : 0;
}

TEST(one_that_takes_back_again_soon_after_its_pause_has_one_twice_as_long)
{
	struct balloon b;
	uint64_t t = START;

	begin(&b, 1000, 1000);
	for (unsigned i = 0; i < 9; i++) {
		CHECK_U64(take_back(&b, t), (10 * USEC_PER_SEC) << MIN(i, 6u));
		t = b.retry_usec;
	}
}

TEST(what_it_takes_in_its_pause_is_of_the_same_time)
{
	struct guest_sample s = sample(1000, 1000, START);
	struct balloon b;
	uint64_t t = START;

	begin(&b, 1000, 1000);
	for (unsigned i = 0; i < 3; i++) {
		CHECK_U64(take_back(&b, t), (10 * USEC_PER_SEC) << i);
		t += 4 * USEC_PER_SEC;
		s = sample(1000, 600, t);
		balloon_commanded(&b, &s, 1000 * MIB, t);
		CHECK_INT(observe(&b, 1200 + 100 * (uint64_t)i, t), BALLOON_TOOK_BACK);
		CHECK_U64(b.retry_usec, t + ((10 * USEC_PER_SEC) << i));
		t = b.retry_usec;
	}
}

TEST(its_pauses_begin_anew_after_a_quiet_time_of_twice_the_next_one)
{
	struct balloon soon, late;
	uint64_t t = START;

	begin(&soon, 1000, 1000);
	CHECK_U64(take_back(&soon, t), 10 * USEC_PER_SEC);
	CHECK_U64(take_back(&soon, t += 12 * USEC_PER_SEC), 20 * USEC_PER_SEC);
	late = soon;
	t += 80 * USEC_PER_SEC;
	CHECK_U64(take_back(&soon, t), 40 * USEC_PER_SEC);
	CHECK_U64(take_back(&late, t + 1), 10 * USEC_PER_SEC);
}

TEST(one_that_turns_on_its_way_down_took_back_what_it_reached)
{
	struct balloon b;

	begin(&b, 1000, 600);
	CHECK_INT(observe(&b, 800, START + USEC_PER_SEC), BALLOON_FINE);
	/* a page or two off */
	CHECK_INT(observe(&b, 802, START + 1600 * USEC_PER_MSEC), BALLOON_FINE);
	CHECK_INT(observe(&b, 900, START + 1700 * USEC_PER_MSEC), BALLOON_TOOK_BACK);
	CHECK_U64(b.floor_bytes, 900 * MIB);
	CHECK_U64(b.retry_usec, START + 11700 * USEC_PER_MSEC);
}

#define MSEC(n) (START + (n) * USEC_PER_MSEC)

TEST(but_not_by_what_a_command_before_that_one_still_brings)
{
	struct balloon b;

	begin(&b, 1000, 600);
	CHECK_INT(observe(&b, 700, MSEC(500)), BALLOON_FINE);
	CHECK_INT(observe(&b, 1000, MSEC(1499)), BALLOON_FINE);
	CHECK_U64(b.floor_bytes, 0);
	CHECK_INT(observe(&b, 1000, MSEC(1500)), BALLOON_TOOK_BACK);
}

TEST(what_it_takes_beyond_all_that_it_was_sent_is_its_own_doing)
{
	struct balloon b;

	begin(&b, 1000, 600);
	CHECK_INT(observe(&b, 600, MSEC(100)), BALLOON_FINE);
	CHECK_INT(observe(&b, 1003, MSEC(200)), BALLOON_TOOK_BACK);
}

/* A guest that is sent up and down thrice a second: its driver comes late. */
TEST(one_at_its_target_that_is_shown_where_it_was_sent_before_goes_on)
{
	struct balloon b;
	struct guest_sample s;

	begin(&b, 1000, 1010);
	s = sample(1000, 1010, MSEC(50)); /* not there yet, and back it is sent */
	balloon_observe(&b, &s, MSEC(50));
	balloon_commanded(&b, &s, 1000 * MIB, MSEC(100));
	CHECK_INT(observe(&b, 1000, MSEC(200)), BALLOON_FINE);
	CHECK_INT(observe(&b, 1010, MSEC(400)), BALLOON_FINE);
	CHECK(balloon_moving(&b));
	CHECK_U64(b.floor_bytes, 0);
	CHECK_INT(observe(&b, 1000, MSEC(500)), BALLOON_FINE);
	CHECK(!balloon_moving(&b));
	/* Who stays there took it. */
	CHECK_INT(observe(&b, 1010, MSEC(600)), BALLOON_FINE);
	CHECK_INT(observe(&b, 1010, MSEC(1599)), BALLOON_FINE);
	CHECK_INT(observe(&b, 1010, MSEC(1600)), BALLOON_TOOK_BACK);
}

TEST(one_that_never_was_lower_since_the_command_stopped_short_and_took_nothing_back)
{
	struct balloon b;
	struct guest_sample s;

	begin(&b, 1000, 1010);
	s = sample(1000, 1010, START); /* there meanwhile, but nobody saw it */
	balloon_commanded(&b, &s, 1000 * MIB, MSEC(100));
	CHECK_INT(observe(&b, 1010, MSEC(200)), BALLOON_FINE);
	CHECK_INT(observe(&b, 1010, MSEC(1500)), BALLOON_FINE);
	CHECK_INT(observe(&b, 1010, MSEC(1600)), BALLOON_SHORT);
	CHECK_U64(b.floor_bytes, 1010 * MIB);
}

TEST(a_call_that_hangs_may_have_its_effect_until_a_while_after_it_returned)
{
	struct balloon b;
	struct guest_sample s;

	begin(&b, 1000, 1100);
	s = sample(1000, 1100, MSEC(50));
	s.inflight_bytes = 1100 * MIB;
	balloon_observe(&b, &s, MSEC(50));
	balloon_commanded(&b, &s, 1000 * MIB, MSEC(100));
	s = sample(1000, 1000, MSEC(5000));
	s.inflight_bytes = 1100 * MIB;
	CHECK_INT(balloon_observe(&b, &s, MSEC(5000)), BALLOON_FINE);
	CHECK_INT(observe(&b, 1100, MSEC(6000)), BALLOON_FINE);
	CHECK_INT(observe(&b, 1100, MSEC(6500)), BALLOON_TOOK_BACK);
}

/* Its command is taken back after so long, and it never moves. True if it is found stuck. */
static bool condemned_after(uint64_t usec)
{
	struct guest_sample s = sample(1000, 1000, START + usec);
	struct balloon b;

	begin(&b, 1000, 600);
	observe(&b, 1000, START + usec);
	balloon_commanded(&b, &s, 1000 * MIB, START + usec);
	for (uint64_t t = START + usec; t <= START + 20 * USEC_PER_SEC; t += 100 * USEC_PER_MSEC)
		observe(&b, 1000, t);
	return b.failures > 0;
}

TEST(a_command_that_is_withdrawn_within_a_second_and_a_half_condemns_no_balloon)
{
	CHECK(!condemned_after(0));
	CHECK(!condemned_after(USEC_PER_SEC));
	CHECK(!condemned_after(1499 * USEC_PER_MSEC));
	CHECK(condemned_after(1500 * USEC_PER_MSEC));
}

/* The adapter refused, or the guest's original size was not on disk yet: the target stays what it
 * was. */
TEST(a_command_that_was_never_sent_condemns_no_balloon)
{
	struct guest_sample s;
	struct balloon b;

	begin(&b, 1000, 600);
	for (uint64_t t = START + 100 * USEC_PER_MSEC; t <= START + 20 * USEC_PER_SEC;
		t += 100 * USEC_PER_MSEC) {
		s = sample(1000, 1000, t);
		CHECK_INT(balloon_observe(&b, &s, t), BALLOON_FINE);
	}
	CHECK(!b.stuck);
	CHECK(!balloon_resting(&b, START + 20 * USEC_PER_SEC));
	CHECK_U64(balloon_wake(&b, START + 20 * USEC_PER_SEC), USEC_INFINITY);
	/* Sent at last, it is judged from then on. */
	s = sample(1000, 1000, START + 20 * USEC_PER_SEC);
	balloon_commanded(&b, &s, 600 * MIB, START + 20 * USEC_PER_SEC);
	CHECK_INT(observe(&b, 1000, START + 24 * USEC_PER_SEC), BALLOON_SHORT);
	CHECK_INT(observe(&b, 1000, START + 25 * USEC_PER_SEC), BALLOON_STUCK);
}

/* A try of a stuck one that was never sent is not under way: it is sent again. */
TEST(a_try_of_a_stuck_balloon_that_was_never_sent_is_made_again)
{
	struct guest_sample s;
	struct balloon b;
	uint64_t t;

	begin(&b, 1000, 600);
	CHECK_INT(observe(&b, 1000, START + 5 * USEC_PER_SEC), BALLOON_STUCK);
	t = b.retry_usec;
	CHECK(!balloon_resting(&b, t));
	s = sample(1000, 1000, t);
	balloon_observe(&b, &s, t); /* taken back to where it stands meanwhile */
	balloon_commanded(&b, &s, 600 * MIB, t);
	CHECK(b.retrying);
	s.actual_usec = t + USEC_PER_SEC;
	balloon_observe(&b, &s, t + USEC_PER_SEC);
	CHECK(!b.retrying);
	CHECK(b.stuck);
	CHECK(!balloon_resting(&b, t + USEC_PER_SEC));
}

TEST(where_it_stopped_it_is_left_though_that_is_no_whole_mebibyte)
{
	struct guest_sample s;
	struct balloon b;
	uint64_t t = START + 2600 * USEC_PER_MSEC;

	begin(&b, 1000, 600);
	s = sample(700, 600, START + USEC_PER_SEC);
	s.actual_bytes += 4096;
	CHECK_INT(balloon_observe(&b, &s, START + USEC_PER_SEC), BALLOON_FINE);
	s.actual_usec = t;
	CHECK_INT(balloon_observe(&b, &s, t), BALLOON_SHORT);
	/* It is told to stand where it is, in whole MiB: that is no growth. */
	balloon_commanded(&b, &s, 701 * MIB, t);
	CHECK_U64(b.floor_bytes, 700 * MIB + 4096);
	balloon_commanded(&b, &s, 702 * MIB, t);
	CHECK_U64(b.floor_bytes, 0);
}

TEST_MAIN()
