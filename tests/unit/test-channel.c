/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/fixture/channel-test.h"

TEST_STRTAB(channel_state, enum channel_state, CHANNEL_STATE_MAX)
TEST_STRTAB(channel_event_kind, enum channel_event_kind, CHANNEL_EVENT_KIND_MAX)

TEST(the_host_speaks_first_and_the_answer_brings_it_up)
{
	_cleanup_guest_ struct guest g;
	uint64_t before_usec = clock_boot_usec();

	CHECK_INT(guest_begin(&g, "first"), 0);
	CHECK_INT(channel_state(g.c), CHANNEL_CONNECTING);
	RUN_UNTIL(guest_accepts(&g));
	RUN_UNTIL(guest_heard(&g, "\"hello\":true}\n"));
	CHECK(g.inbox[0] == '\xff');
	CHECK_CONTAINS(g.inbox, "{\"type\":\"config\",\"heartbeat_ms\":5000,\"available_pct\":3,"
				"\"psi_stall_us\":50000,\"psi_window_us\":1000000}\n");
	CHECK_INT(channel_state(g.c), CHANNEL_WAITING);
	CHECK(!channel_hello(g.c));
	CHECK(guest_answers(&g));
	RUN_UNTIL(g.reports == 1);
	CHECK_INT(channel_state(g.c), CHANNEL_LIVE);
	CHECK_STR(g.order, "Ahr");
	CHECK_STR(g.hello.version, "9.9");
	CHECK_INT(g.last.page_bytes, 16384);
	CHECK(g.last.arrival_usec > before_usec && g.last.arrival_usec <= clock_boot_usec());
	CHECK_STR(channel_hello(g.c)->version, "9.9");
}

TEST(later_reports_come_one_by_one)
{
	LIVE(g, "later");
	for (unsigned i = 2; i <= 20; i++) {
		CHECK(guest_reports(&g, ""));
		RUN_UNTIL(g.reports == i);
		CHECK_U64(g.last.seq, g.seq);
	}
	CHECK(guest_reports(&g, ",\"fs\":[{\"mount\":\"/\",\"size\":10,\"free\":5}]"));
	RUN_UNTIL(g.filesystem_lists == 1);
	CHECK_INT(g.reports, 21);
	CHECK_U64(channel_counters(g.c)->reports, 21);
}

TEST(nothing_is_allocated_and_no_timer_runs_in_the_steady_state)
{
	unsigned before;

	LIVE(g, "steady");
	CHECK(g.c->armed_usec == USEC_INFINITY);
	before = allocations;
	for (unsigned i = 2; i <= 100; i++) {
		CHECK(guest_reports(&g, ""));
		RUN_UNTIL(g.reports == i);
	}
	CHECK_INT(allocations, before);
	CHECK(g.c->armed_usec == USEC_INFINITY);
	/* Silence wakes nobody. */
	CHECK_INT(hub_turn(hub, 300 * USEC_PER_MSEC), 0);
	CHECK_INT(channel_state(g.c), CHANNEL_LIVE);
}

TEST(a_line_may_come_in_pieces)
{
	char text[1024];
	int len;

	LIVE(g, "pieces");
	len = guest_line(&g, text, sizeof(text), "");
	for (int i = 0; i < len; i++) {
		CHECK_INT(g.reports, 1);
		CHECK(guest_writes(&g, text + i, 1));
		RUN_FOR(USEC_PER_MSEC);
	}
	RUN_UNTIL(g.reports == 2);
	CHECK_U64(channel_counters(g.c)->bad_lines, 0);
}

TEST(a_0xff_throws_half_a_line_away)
{
	LIVE(g, "resync");
	CHECK(guest_says(&g, "{\"type\":\"repo"));
	RUN_FOR(20 * USEC_PER_MSEC);
	CHECK(guest_says(&g, "\xff"));
	CHECK(guest_reports(&g, ""));
	RUN_UNTIL(g.reports == 2);
	CHECK_U64(channel_counters(g.c)->bad_lines, 0);
}

TEST(an_old_backlog_of_355_kb_is_read_to_the_newest_line)
{
	_cleanup_guest_ struct guest g;
	uint64_t written = 0;

	CHECK_INT(guest_begin(&g, "backlog"), 0);
	RUN_UNTIL(guest_accepts(&g));
	RUN_UNTIL(guest_heard(&g, "\"ping\""));
	/* 50 minutes of old lines; the agent's clock is far from ours. */
	g.guest_usec = USEC_PER_DAY;
	while (written < 355000) {
		char text[1024];
		int len = guest_line(&g, text, sizeof(text), "");

		g.guest_usec += 5 * USEC_PER_SEC;
		RUN_UNTIL(guest_writes(&g, text, (size_t)len));
		written += (uint64_t)len;
	}
	CHECK(guest_says_hello(&g));
	g.guest_usec += USEC_PER_SEC;
	CHECK_INT(g.reports, 0);
	RUN_UNTIL(guest_answers(&g));
	RUN_UNTIL(g.reports == 1);
	CHECK_U64(g.last.seq, g.seq);
	CHECK_INT(channel_state(g.c), CHANNEL_LIVE);
	CHECK_STR(g.order, "Ahr");
	CHECK(channel_counters(g.c)->stale_lines > 1500);
	CHECK_U64(channel_counters(g.c)->throttles, 0);
	/* And it goes on as usual. */
	g.guest_usec += 5 * USEC_PER_SEC;
	CHECK(guest_reports(&g, ""));
	RUN_UNTIL(g.reports == 2);
}

TEST(an_agent_that_starts_later_is_asked_at_once)
{
	_cleanup_guest_ struct guest g;

	CHECK_INT(guest_begin(&g, "starts"), 0);
	RUN_UNTIL(guest_accepts(&g));
	RUN_UNTIL(guest_heard(&g, "\"ping\""));
	/* The ping of the connection was read by nobody; asked last a while ago. */
	g.c->asked_usec -= 10 * USEC_PER_SEC;
	g.c->ping_usec = USEC_INFINITY;
	g.inbox[0] = '\0';
	CHECK(guest_says_hello(&g));
	RUN_UNTIL(guest_heard(&g, "\"ping\""));
	CHECK_INT(g.reports + g.hellos, 0);
	CHECK(guest_answers(&g));
	RUN_UNTIL(g.reports == 1);
	CHECK_INT(g.hellos, 1);
}

TEST(a_late_line_is_held_back_until_a_ping_is_answered)
{
	LIVE(g, "late");
	/* The guest was paused for a minute: its clock stood still. */
	g.guest_usec = clock_boot_usec() - USEC_PER_MIN;
	g.c->freshness.least_usec = 0;
	g.c->last.guest_usec = 0;
	CHECK(guest_reports(&g, ""));
	RUN_UNTIL(guest_heard(&g, "\"ping\""));
	CHECK_INT(g.reports, 1);
	CHECK(guest_answers(&g));
	RUN_UNTIL(g.reports == 2);
	/* From now on this difference is the usual one. */
	g.guest_usec += 5000;
	CHECK(guest_reports(&g, ""));
	RUN_UNTIL(g.reports == 3);
}

TEST(an_answer_to_an_older_ping_proves_nothing)
{
	_cleanup_guest_ struct guest g;
	char more[64];

	CHECK_INT(guest_begin(&g, "older"), 0);
	RUN_UNTIL(guest_accepts(&g));
	RUN_UNTIL(guest_heard(&g, "\"ping\""));
	snprintf(more, sizeof(more), ",\"ping\":%" PRIu64, guest_pinged(&g) - 1);
	CHECK(guest_reports(&g, more));
	snprintf(more, sizeof(more), ",\"ping\":%" PRIu64, guest_pinged(&g) + 1);
	CHECK(guest_reports(&g, more));
	RUN_UNTIL(channel_counters(g.c)->stale_lines == 2);
	CHECK_INT(g.reports, 0);
	CHECK(guest_answers(&g));
	RUN_UNTIL(g.reports == 1);
}

TEST(garbage_is_told_once_and_then_shut_out)
{
	LIVE(g, "garbage");
	CHECK(guest_says(&g, "garbage\n"));
	RUN_UNTIL(g.events[CHANNEL_EVENT_BAD_LINE] == 1);
	CHECK_CONTAINS(g.detail[CHANNEL_EVENT_BAD_LINE], "not a JSON object");
	for (int i = 0; i < 8; i++)
		CHECK(guest_says(&g, "more of it\n"));
	RUN_UNTIL(channel_counters(g.c)->bad_lines == 9);
	CHECK_INT(channel_state(g.c), CHANNEL_LIVE);
	CHECK(guest_reports(&g, ""));
	RUN_UNTIL(g.reports == 2);
	CHECK(guest_says(&g, "one too many\nand one that nobody reads\n"));
	RUN_UNTIL(channel_state(g.c) == CHANNEL_CLOSED);
	CHECK_INT(g.events[CHANNEL_EVENT_BAD_LINE], 1);
	CHECK_INT(g.events[CHANNEL_EVENT_CLOSED], 1);
	CHECK_INT(g.events[CHANNEL_EVENT_DOWN], 0);
	CHECK_CONTAINS(g.detail[CHANNEL_EVENT_CLOSED], "shut out for 60 s");
	CHECK_U64(channel_counters(g.c)->bad_lines, 10);
	CHECK(channel_closed_until(g.c) > clock_boot_usec() + 50 * USEC_PER_SEC);
	CHECK(guest_hung_up(&g));
	/* No way around it. */
	channel_retry(g.c);
	CHECK_INT(channel_set_path(g.c, g.path), 0);
	RUN_FOR(100 * USEC_PER_MSEC);
	CHECK_INT(channel_state(g.c), CHANNEL_CLOSED);
	CHECK_INT(channel_ping(g.c), -ENOTCONN);
	/* The minute is over. */
	closep(&g.peer);
	g.inbox[0] = '\0';
	g.c->retry_usec = clock_boot_usec();
	channel_arm(g.c);
	RUN_UNTIL(guest_accepts(&g));
	RUN_UNTIL(guest_heard(&g, "\"ping\""));
	CHECK_INT(g.events[CHANNEL_EVENT_REOPENED], 1);
	CHECK_U64(channel_closed_until(g.c), 0);
	CHECK(guest_answers(&g));
	RUN_UNTIL(g.reports == 3);
}

TEST(numbers_that_contradict_each_other_are_refused_and_good_ones_still_count)
{
	LIVE(g, "liar");
	CHECK(guest_reports(&g, ",\"free\":536870913"));
	CHECK(guest_reports(&g, ",\"swap_total\":1,\"swap_free\":2"));
	CHECK(guest_reports(&g, ",\"oom_kills\":1"));
	CHECK(guest_reports(&g, ""));
	RUN_UNTIL(g.reports == 2);
	CHECK_U64(channel_counters(g.c)->bad_lines, 3);
	CHECK_CONTAINS(g.detail[CHANNEL_EVENT_BAD_LINE], "\"free\" is larger than \"total\"");
	/* The sequence going back. */
	g.seq -= 2;
	CHECK(guest_reports(&g, ""));
	RUN_UNTIL(channel_counters(g.c)->bad_lines == 4);
	CHECK_INT(g.reports, 2);
	/* Unless the host knows that the guest began anew. */
	channel_reset(g.c);
	g.seq = 1;
	RUN_UNTIL(guest_heard(&g, "\"ping\""));
	CHECK(guest_answers(&g));
	RUN_UNTIL(g.reports == 3);
	CHECK_U64(channel_counters(g.c)->bad_lines, 4);
}

TEST(a_report_that_its_reader_refuses_is_a_bad_line_and_ten_shut_the_guest_out)
{
	LIVE(g, "refused");
	g.refuse = "it was booted too often";
	for (unsigned i = 0; i < 9; i++)
		CHECK(guest_reports(&g, ""));
	RUN_UNTIL(g.reports == 10);
	CHECK_U64(channel_counters(g.c)->bad_lines, 9);
	CHECK_CONTAINS(g.detail[CHANNEL_EVENT_BAD_LINE], "it was booted too often");
	CHECK_INT(channel_state(g.c), CHANNEL_LIVE);
	CHECK(guest_reports(&g, ",\"fs\":[]"));
	RUN_UNTIL(channel_state(g.c) == CHANNEL_CLOSED);
	CHECK_INT(g.events[CHANNEL_EVENT_CLOSED], 1);
	CHECK_INT(g.filesystem_lists, 0);
}

TEST(an_endless_line_is_one_bad_line)
{
	static char text[4096];

	LIVE(g, "endless");
	memset(text, 'x', sizeof(text));
	for (int i = 0; i < 3; i++) {
		CHECK(guest_writes(&g, text, sizeof(text)));
		RUN_FOR(5 * USEC_PER_MSEC);
	}
	CHECK(guest_says(&g, "\n"));
	CHECK(guest_reports(&g, ""));
	RUN_UNTIL(g.reports == 2);
	CHECK_U64(channel_counters(g.c)->bad_lines, 1);
	CHECK_CONTAINS(g.detail[CHANNEL_EVENT_BAD_LINE], "longer than 4096");
}

TEST(a_flood_is_throttled_then_shut_out_and_the_neighbour_is_served)
{
	uint64_t begin_usec, told_usec = 0, closed_usec = 0, worst_usec = 0;
	unsigned sent = 0;

	LIVE(g, "flood");
	LIVE(good, "neighbour");
	begin_usec = clock_boot_usec();
	while (!closed_usec) {
		uint64_t now_usec = clock_boot_usec(), asked_usec;
		unsigned want = good.reports + 1;

		CHECK(now_usec - begin_usec < DEADLINE_USEC);
		/* As fast as it goes. */
		while (sent < 1000000 &&
			guest_reports(&g, ",\"later\":\"some more text to make it long\""))
			sent++;
		asked_usec = clock_boot_usec();
		CHECK(guest_reports(&good, ""));
		while (good.reports < want) {
			CHECK(clock_boot_usec() - asked_usec < DEADLINE_USEC);
			(void)hub_turn(hub, USEC_PER_SEC);
		}
		worst_usec = MAX(worst_usec, clock_boot_usec() - asked_usec);
		if (!told_usec && g.events[CHANNEL_EVENT_THROTTLED])
			told_usec = clock_boot_usec();
		if (g.events[CHANNEL_EVENT_CLOSED])
			closed_usec = clock_boot_usec();
		RUN_FOR(20 * USEC_PER_MSEC);
	}
	CHECK(told_usec != 0);
	CHECK(closed_usec - told_usec >= 4 * USEC_PER_SEC);
	CHECK_CONTAINS(g.detail[CHANNEL_EVENT_CLOSED], "for five seconds");
	CHECK_INT(channel_state(g.c), CHANNEL_CLOSED);
	/* The burst of 64 KiB at most, then one for each look. */
	CHECK(g.reports < 500);
	CHECK_INT(g.events[CHANNEL_EVENT_THROTTLED], 1);
	CHECK_INT(channel_state(good.c), CHANNEL_LIVE);
	printf("# flood: %u lines sent, %u handed on, neighbour's worst %" PRIu64 " us of %u\n",
		sent, g.reports, worst_usec, good.reports);
	/* One read of 4 KiB goes before it; the rest is this machine's scheduling. */
	CHECK(worst_usec < USEC_PER_SEC);
}

TEST(a_burst_is_throttled_and_forgiven)
{
	uint64_t last_seq, bytes;
	char text[1024];

	LIVE(g, "burst");
	bytes = (uint64_t)guest_line(&g, text, sizeof(text), "");
	/* 150 kB at once, all of it fresh. */
	for (uint64_t i = 0; i < 150000 / bytes; i++)
		RUN_UNTIL(guest_reports(&g, ""));
	last_seq = g.seq;
	RUN_UNTIL(g.last.seq == last_seq);
	RUN_UNTIL(channel_state(g.c) == CHANNEL_LIVE);
	CHECK_U64(channel_counters(g.c)->throttles, 1);
	CHECK_INT(g.events[CHANNEL_EVENT_CLOSED], 0);
	/* What was skipped is asked for. */
	RUN_UNTIL(guest_heard(&g, "\"hello\":true"));
	/* 64 KiB of lines, and one or two for the looks. */
	CHECK(g.reports < BUCKET_BURST_BYTES / bytes + 10);
	CHECK(g.c->armed_usec == USEC_INFINITY);
}

TEST(a_lost_connection_is_told_and_made_again)
{
	LIVE(g, "lost");
	closep(&g.peer);
	RUN_UNTIL(g.events[CHANNEL_EVENT_DOWN] == 1);
	CHECK_INT(channel_state(g.c), CHANNEL_CONNECTING);
	CHECK(!channel_hello(g.c));
	RUN_UNTIL(guest_accepts(&g));
	RUN_UNTIL(guest_heard(&g, "\"ping\""));
	CHECK_CONTAINS(g.inbox, "\"config\"");
	CHECK(guest_answers(&g));
	RUN_UNTIL(g.reports == 2);
	CHECK_INT(g.events[CHANNEL_EVENT_UP], 2);
	CHECK_U64(channel_counters(g.c)->connects, 2);
}

TEST(a_missing_socket_is_told_once_and_found_when_it_is_there)
{
	_cleanup_guest_ struct guest g;

	CHECK_INT(guest_begin(&g, "missing"), 0);
	closep(&g.listener);
	unlink(g.path);
	RUN_UNTIL(g.events[CHANNEL_EVENT_UNREACHABLE] == 1);
	CHECK_CONTAINS(g.detail[CHANNEL_EVENT_UNREACHABLE], g.path);
	CHECK_CONTAINS(g.detail[CHANNEL_EVENT_UNREACHABLE], "No such file");
	channel_retry(g.c);
	RUN_FOR(700 * USEC_PER_MSEC);
	CHECK_INT(g.events[CHANNEL_EVENT_UNREACHABLE], 1);
	CHECK_INT(guest_listen(&g), 0);
	channel_retry(g.c);
	RUN_UNTIL(guest_accepts(&g));
	RUN_UNTIL(guest_heard(&g, "\"ping\""));
	CHECK(guest_answers(&g));
	RUN_UNTIL(g.reports == 1);
}

TEST(a_second_reader_hears_nothing_and_says_so)
{
	_cleanup_guest_ struct guest g;

	/* QEMU takes one client; the next one's connect succeeds and nobody accepts it. */
	CHECK_INT(guest_begin(&g, "second"), 0);
	RUN_UNTIL(channel_state(g.c) == CHANNEL_WAITING);
	g.c->connected_usec -= CHANNEL_UNANSWERED_USEC;
	RUN_UNTIL(g.events[CHANNEL_EVENT_UNANSWERED] == 1);
	CHECK_CONTAINS(g.detail[CHANNEL_EVENT_UNANSWERED], "another reader");
	CHECK_INT(channel_state(g.c), CHANNEL_WAITING);
}

TEST(a_new_path_is_a_new_connection)
{
	_cleanup_guest_ struct guest second = {.peer = -1};

	LIVE(g, "old-path");
	snprintf(second.path, sizeof(second.path), "%s/new-path", dir);
	CHECK_INT(guest_listen(&second), 0);
	CHECK_INT(channel_set_path(g.c, second.path), 0);
	CHECK_STR(channel_path(g.c), second.path);
	RUN_UNTIL(guest_accepts(&second));
	CHECK(guest_hung_up(&g));
	RUN_UNTIL(guest_heard(&second, "\"ping\""));
	CHECK(guest_answers(&second));
	RUN_UNTIL(g.reports == 2);
	/* The new guest's sequence began anew. */
	CHECK_U64(g.last.seq, 1);
}

TEST(paths_that_do_not_fit_are_refused)
{
	_cleanup_channel_ struct channel *c = NULL;
	char path[200];

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	CHECK_INT(channel_new(hub, path, &ops, NULL, &c), -ENAMETOOLONG);
	CHECK(!c);
	LIVE(g, "fits");
	CHECK_INT(channel_set_path(g.c, path), -ENAMETOOLONG);
	CHECK_INT(channel_state(g.c), CHANNEL_LIVE);
}

TEST(a_changed_configuration_is_sent_and_a_wrong_one_refused)
{
	struct agent_config config = AGENT_CONFIG_DEFAULT;

	LIVE(g, "config");
	config.heartbeat_usec = 7 * USEC_PER_SEC;
	CHECK_INT(channel_configure(g.c, &config), 0);
	RUN_UNTIL(guest_heard(&g, "\"heartbeat_ms\":7000"));
	config.available_pct = 51;
	CHECK_INT(channel_configure(g.c, &config), -EINVAL);
	config.available_pct = 3;
	config.psi_stall_usec = config.psi_window_usec + 1;
	CHECK_INT(channel_configure(g.c, &config), -EINVAL);
	config.psi_stall_usec = 1;
	config.psi_window_usec = USEC_PER_SEC / 2 - 1;
	CHECK_INT(channel_configure(g.c, &config), -EINVAL);
	config.psi_window_usec = USEC_PER_SEC;
	config.heartbeat_usec = 1;
	CHECK_INT(channel_configure(g.c, &config), -EINVAL);
}

TEST(a_ping_is_sent_and_its_answer_handed_on)
{
	LIVE(g, "ping");
	CHECK_INT(channel_ping(g.c), 0);
	RUN_UNTIL(guest_heard(&g, "\"ping\""));
	CHECK(!guest_heard(&g, "hello"));
	CHECK(guest_answers(&g));
	RUN_UNTIL(g.reports == 2);
}

TEST(a_hello_that_was_lost_is_asked_for_again_once_a_minute)
{
	LIVE(g, "lost-hello");
	g.c->has_hello = false;
	CHECK(guest_reports(&g, ""));
	RUN_UNTIL(g.reports == 2);
	CHECK(!g.c->want_hello && g.c->ping_id == g.c->sync_id); /* it may still come */
	g.c->hello_asked_usec -= CHANNEL_HELLO_AGAIN_USEC;
	CHECK(guest_reports(&g, ""));
	RUN_UNTIL(g.reports == 3);
	RUN_UNTIL(guest_heard(&g, "\"hello\":true}\n"));
	CHECK_U64(g.c->ping_id, g.c->sync_id + 1);
	CHECK(guest_reports(&g, ""));
	RUN_UNTIL(g.reports == 4);
	CHECK_U64(g.c->ping_id, g.c->sync_id + 1);
	CHECK(guest_says_hello(&g));
	RUN_UNTIL(g.hellos == 2);
	CHECK(channel_hello(g.c));
}

TEST(a_guest_that_does_not_read_costs_no_wait_and_no_memory)
{
	unsigned before, pings = 0;
	uint64_t begin_usec = clock_boot_usec();

	LIVE(g, "deaf");
	before = allocations;
	while (channel_ping(g.c) == 0)
		CHECK(++pings < 1000000);
	CHECK_INT(channel_ping(g.c), -ENOBUFS);
	CHECK_INT(allocations, before);
	CHECK(clock_boot_usec() - begin_usec < DEADLINE_USEC);
	/* It still is heard, and the rest goes out when it reads again. */
	CHECK(guest_reports(&g, ""));
	RUN_UNTIL(g.reports == 2);
	while (recv(g.peer, g.inbox, sizeof(g.inbox), MSG_DONTWAIT) > 0)
		;
	memset(g.inbox, 0, sizeof(g.inbox));
	RUN_UNTIL(guest_heard(&g, "\"ping\""));
	CHECK_INT(channel_ping(g.c), 0);
}

TEST(a_channel_may_be_freed_in_any_callback)
{
	static const char letters[] = "Arhf";

	for (size_t i = 0; i < strlen(letters); i++) {
		_cleanup_guest_ struct guest g;
		char more[160];

		CHECK_INT(guest_begin(&g, "freed"), 0);
		g.free_in = letters[i];
		RUN_UNTIL(guest_accepts(&g));
		RUN_UNTIL(guest_heard(&g, "\"ping\""));
		CHECK(guest_says_hello(&g));
		snprintf(more, sizeof(more),
			",\"ping\":%" PRIu64 ",\"fs\":[{\"mount\":\"/\",\"size\":10,\"free\":5}]",
			guest_pinged(&g));
		CHECK(guest_reports(&g, more) && guest_reports(&g, ""));
		RUN_UNTIL(!g.c);
		RUN_FOR(5 * USEC_PER_MSEC);
		/* Nothing is called after it. */
		CHECK(g.order[strlen(g.order) - 1] == letters[i]);
	}
}

TEST(a_channel_may_be_freed_when_it_is_lost_or_shut_out)
{
	static const enum channel_event_kind kinds[] = {CHANNEL_EVENT_DOWN, CHANNEL_EVENT_BAD_LINE,
		CHANNEL_EVENT_CLOSED, CHANNEL_EVENT_THROTTLED};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		LIVE(g, "freed-later");
		g.free_in = 'A' + (int)kinds[i];
		if (kinds[i] == CHANNEL_EVENT_DOWN)
			closep(&g.peer);
		else if (kinds[i] != CHANNEL_EVENT_THROTTLED)
			for (int n = 0; n < 10; n++)
				(void)guest_says(&g, "garbage\n");
		else
			for (int n = 0; n < 700; n++)
				RUN_UNTIL(!g.c || guest_reports(&g, ""));
		RUN_UNTIL(!g.c);
	}
}

TEST(the_path_may_change_in_a_callback)
{
	/* A path that is changed while lines of the old connection are still in hand: they are
	 * dropped. */
	_cleanup_guest_ struct guest second = {.peer = -1};
	unsigned reports;

	LIVE(g, "moves");
	snprintf(second.path, sizeof(second.path), "%s/moved", dir);
	CHECK_INT(guest_listen(&second), 0);
	CHECK(guest_reports(&g, "") && guest_reports(&g, ""));
	RUN_UNTIL(g.reports >= 2);
	reports = g.reports;
	CHECK(guest_reports(&g, ""));
	CHECK_INT(channel_set_path(g.c, second.path), 0);
	RUN_UNTIL(guest_accepts(&second));
	CHECK_INT(g.reports, reports);
}

int main(void)
{
	int r = test_main();

	hub_free(hub);
	sd_event_unref(loop);
	(void)rmdir(dir);
	return r;
}
