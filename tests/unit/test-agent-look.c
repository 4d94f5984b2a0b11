/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/look.h"

#include "tests/test.h"

static struct look look;
static struct figures f;
static struct config config;

/* A guest of 1000 MiB with half of it available, which has just reported. */
static void begin(void)
{
	config = CONFIG_DEFAULT;
	f = (struct figures){.mono_usec = USEC_PER_HOUR,
		.page_bytes = 4096,
		.total_bytes = 1000 * MIB,
		.available_bytes = 500 * MIB,
		.has_counters = true};
	look = (struct look){};
	look_reported(&look, &f);
}

static enum why after(uint64_t usec, struct look_events events)
{
	f.mono_usec += usec;
	return look_judge(&look, &f, &events, &config);
}
#define AFTER(usec, ...) after(usec, (struct look_events){__VA_ARGS__})

TEST(the_interval_is_half_of_what_the_fastest_filler_needs)
{
	CHECK_U64(look_interval_usec(6 * GIB, true) / USEC_PER_MSEC, 500);
	CHECK_U64(look_interval_usec(3 * GIB, true) / USEC_PER_MSEC, 250);
	CHECK_U64(look_interval_usec(12 * GIB, true), USEC_PER_SEC);
	CHECK_U64(look_interval_usec(TIB, true), USEC_PER_SEC);
	CHECK_U64(look_interval_usec(400 * MIB, true), 100 * USEC_PER_MSEC);
	CHECK_U64(look_interval_usec(0, true), 100 * USEC_PER_MSEC);
	CHECK_U64(look_interval_usec(UINT64_MAX, true), USEC_PER_SEC);
}

TEST(without_a_trigger_a_quarter_of_a_second_is_the_most)
{
	CHECK_U64(look_interval_usec(TIB, false), 250 * USEC_PER_MSEC);
	CHECK_U64(look_interval_usec(2 * GIB, false) / USEC_PER_MSEC, 166);
	CHECK_U64(look_interval_usec(0, false), 100 * USEC_PER_MSEC);
}

TEST(nothing_moved_is_nothing_to_say_until_the_heartbeat)
{
	begin();
	CHECK_INT(AFTER(USEC_PER_SEC), WHY_NOT);
	CHECK_INT(AFTER(4 * USEC_PER_SEC - 1), WHY_NOT);
	CHECK_INT(AFTER(1), WHY_HEARTBEAT);
	/* Dropped: still due. Written: not any more. */
	CHECK_INT(AFTER(1), WHY_HEARTBEAT);
	look_reported(&look, &f);
	CHECK_INT(AFTER(USEC_PER_SEC), WHY_NOT);
}

TEST(three_percent_of_total_both_ways_is_told)
{
	begin();
	f.available_bytes = 471 * MIB;
	CHECK_INT(AFTER(100), WHY_NOT);
	f.available_bytes = 470 * MIB;
	CHECK_INT(AFTER(100), WHY_AVAILABLE);
	look_reported(&look, &f);
	CHECK_INT(AFTER(100), WHY_NOT);
	f.available_bytes = 500 * MIB;
	CHECK_INT(AFTER(100), WHY_AVAILABLE);
}

TEST(the_host_chooses_the_step_and_the_heartbeat)
{
	begin();
	config.available_pct = 10;
	config.heartbeat_usec = USEC_PER_MIN;
	f.available_bytes = 401 * MIB;
	CHECK_INT(AFTER(59 * USEC_PER_SEC), WHY_NOT);
	f.available_bytes = 400 * MIB;
	CHECK_INT(AFTER(100), WHY_AVAILABLE);
}

TEST(a_machine_that_grew_is_told)
{
	begin();
	f.total_bytes = 1040 * MIB;
	CHECK_INT(AFTER(100), WHY_AVAILABLE);
}

TEST(low_is_pressure_and_finer_steps_count)
{
	begin();
	f.available_bytes = 59 * MIB;
	CHECK_INT(AFTER(100), WHY_PRESSURE);
	look_reported(&look, &f);
	f.available_bytes = 45 * MIB;
	CHECK_INT(AFTER(100), WHY_NOT);
	f.available_bytes = 44 * MIB;
	CHECK_INT(AFTER(100), WHY_PRESSURE);
	look_reported(&look, &f);
	/* Coming back up is no pressure. */
	f.available_bytes = 58 * MIB;
	CHECK_INT(AFTER(100), WHY_NOT);
	f.available_bytes = 80 * MIB;
	CHECK_INT(AFTER(100), WHY_AVAILABLE);
}

TEST(next_to_nothing_does_not_flutter)
{
	begin();
	f.available_bytes = 2 * MIB;
	look_reported(&look, &f);
	f.available_bytes = MIB + 100;
	CHECK_INT(AFTER(100), WHY_NOT);
	f.available_bytes = 0;
	CHECK_INT(AFTER(100), WHY_PRESSURE);
}

TEST(the_trigger_and_requests_are_told_at_once)
{
	begin();
	CHECK_INT(AFTER(1, .trigger = true), WHY_PRESSURE);
	CHECK_INT(AFTER(1, .request = true), WHY_REQUEST);
	CHECK_INT(AFTER(1, .request = true, .trigger = true), WHY_REQUEST);
	look = (struct look){};
	CHECK_INT(AFTER(1), WHY_REQUEST);
}

TEST(refaults_are_pressure)
{
	begin();
	CHECK_INT(AFTER(USEC_PER_SEC, .counters = true), WHY_NOT);
	/* 0.5 % of 1000 MiB are 1280 pages a second. */
	f.refaults_file += 1200;
	CHECK_INT(AFTER(USEC_PER_SEC, .counters = true), WHY_NOT);
	f.refaults_file += 1000;
	f.refaults_anon += 400;
	CHECK_INT(AFTER(250 * USEC_PER_MSEC, .counters = true), WHY_NOT);
	CHECK_INT(AFTER(750 * USEC_PER_MSEC, .counters = true), WHY_PRESSURE);
	/* Seldom looked at, they are counted a second. */
	look_reported(&look, &f);
	f.refaults_file += 2500;
	CHECK_INT(AFTER(2 * USEC_PER_SEC, .counters = true), WHY_NOT);
	f.refaults_file += 2620;
	CHECK_INT(AFTER(2 * USEC_PER_SEC, .counters = true), WHY_PRESSURE);
}

TEST(a_counter_that_was_high_at_the_start_is_no_pressure)
{
	begin();
	f.refaults_file = 1000000;
	CHECK_INT(AFTER(USEC_PER_SEC, .counters = true), WHY_NOT);
	CHECK_INT(AFTER(USEC_PER_SEC, .counters = true), WHY_NOT);
}

TEST(five_quiet_looks_are_calm_and_a_move_or_want_is_not)
{
	begin();
	look.previous_bytes = f.available_bytes;
	for (int i = 0; i < 5; i++) {
		CHECK(!look_is_calm(&look, &f, &config));
		(void)AFTER(100 * USEC_PER_MSEC);
	}
	CHECK(look_is_calm(&look, &f, &config));
	f.available_bytes -= 2 * MIB;
	(void)AFTER(100 * USEC_PER_MSEC);
	CHECK(!look_is_calm(&look, &f, &config));
	f.available_bytes = 50 * MIB;
	for (int i = 0; i < 20; i++)
		(void)AFTER(100 * USEC_PER_MSEC);
	CHECK(!look_is_calm(&look, &f, &config));
}

TEST(an_alarm_that_came_to_nothing_costs_one_look_more)
{
	begin();
	look.previous_bytes = f.available_bytes;
	for (int i = 0; i < 5; i++)
		(void)AFTER(100 * USEC_PER_MSEC);
	CHECK(look_is_calm(&look, &f, &config));
	look_alarmed(&look);
	(void)AFTER(0); /* that wake-up's own */
	CHECK(!look_is_calm(&look, &f, &config));
	(void)AFTER(100 * USEC_PER_MSEC);
	CHECK(look_is_calm(&look, &f, &config));
	look_alarmed(&look);
	f.available_bytes -= 2 * MIB; /* it came to something */
	for (int i = 0; i < 5; i++) {
		(void)AFTER(100 * USEC_PER_MSEC);
		CHECK(!look_is_calm(&look, &f, &config));
	}
}

TEST_MAIN()
