/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much of what a guest can make happen at will is told. */
#include "tests/test.h"
#include "tests/unit/fake-manager.h"

static void start(struct manager *m)
{
	fake_clear();
	*m = (struct manager){.events = eventlog_new("h", "00000000")};
	fake_guest(m, "web", 1024, 512);
	fake_guest(m, "db", 1024, 512);
}

static void end(struct manager *m)
{
	eventlog_free(m->events);
	fake_manager_clear(m);
}
#define _cleanup_manager_ _cleanup_(end)

static void happens(struct manager *m, size_t guest, enum event_kind kind, unsigned times)
{
	struct plan_event e = {.kind = kind,
		.of_guest = true,
		.guest = m->guests[guest]->uuid,
		.guest_index = guest};

	while (times--)
		tell_plan_event(m, &e);
}

/* Events of this kind and guest in the list; the last one's text contains part. */
static size_t told(struct manager *m, const char *guest, const char *kind, const char *part)
{
	struct eventlog_filter f = {.limit = 1000, .guest_name = guest, .kind = kind};
	struct eventlog_page page = {0};
	size_t n = 0;

	if (eventlog_read(m->events, &f, &page) >= 0)
		n = page.n;
	if (*part && !(page.text && strstr(page.text, part)))
		n = 0;
	free(page.text);
	return n;
}

TEST(a_flood_of_one_kind_is_cut_and_counted)
{
	_cleanup_manager_ struct manager m;
	struct told *t;

	start(&m);
	happens(&m, 0, EVENT_OOM, 500);
	CHECK_INT((int)told(&m, "web", "oom-kill", ""), TOLD_MAX);
	CHECK_INT((int)m.held, 500 - TOLD_MAX);
	t = &m.guests[0]->told[EVENT_OOM];
	tell_held(&m, t->since_usec + USEC_PER_MIN - 1);
	CHECK_INT((int)told(&m, "web", "oom-kill", ""), TOLD_MAX);
	tell_held(&m, t->since_usec + USEC_PER_MIN);
	CHECK_INT((int)told(&m, "web", "oom-kill", "494 more of these"), TOLD_MAX + 1);
	CHECK_INT((int)m.held, 0);
	tell_held(&m, t->since_usec + 10 * USEC_PER_MIN);
	CHECK_INT((int)told(&m, "web", "oom-kill", ""), TOLD_MAX + 1);
	happens(&m, 0, EVENT_OOM, 1); /* and a new minute begins */
	CHECK_INT((int)told(&m, "web", "oom-kill", ""), TOLD_MAX + 2);
}

TEST(what_comes_in_the_next_minute_is_told_behind_the_count)
{
	_cleanup_manager_ struct manager m;

	start(&m);
	happens(&m, 0, EVENT_OOM, TOLD_MAX + 3);
	m.guests[0]->told[EVENT_OOM].since_usec -=
		MIN(m.guests[0]->told[EVENT_OOM].since_usec - 1, USEC_PER_MIN);
	happens(&m, 0, EVENT_OOM, 1);
	/* but on a machine that has not run for a minute */
	if (m.guests[0]->told[EVENT_OOM].n == 1)
		CHECK_INT((int)told(&m, "web", "oom-kill", "3 more of these"), TOLD_MAX + 2);
}

TEST(neither_another_guest_nor_another_kind_suffers)
{
	_cleanup_manager_ struct manager m;

	start(&m);
	happens(&m, 0, EVENT_OOM, 500);
	happens(&m, 1, EVENT_OOM, 1);
	happens(&m, 0, EVENT_STUCK, 1);
	CHECK_INT((int)told(&m, "db", "oom-kill", ""), 1);
	CHECK_INT((int)told(&m, "web", "stuck", ""), 1);
}

TEST(what_was_held_of_a_guest_that_goes_is_told)
{
	_cleanup_manager_ struct manager m;

	start(&m);
	happens(&m, 0, EVENT_OOM, 10);
	happens(&m, 1, EVENT_OOM, 10);
	tell_held_gone(m.guests[0]);
	CHECK_INT((int)told(&m, "web", "oom-kill", "4 more of these"), TOLD_MAX + 1);
	CHECK_INT((int)told(&m, "db", "oom-kill", ""), TOLD_MAX);
	CHECK_INT((int)m.held, 4);
}

TEST(the_count_is_as_bad_as_what_it_counts)
{
	_cleanup_manager_ struct manager m;

	start(&m);
	happens(&m, 0, EVENT_REBOOT, TOLD_MAX + 1);
	tell_held_gone(m.guests[0]);
	CHECK_INT((int)told(&m, "web", "reboot", "\"severity\":\"info\",\"guest\":\"web\""),
		TOLD_MAX + 1);
	happens(&m, 0, EVENT_OOM, TOLD_MAX + 1);
	tell_held_gone(m.guests[0]);
	CHECK_INT((int)told(&m, "web", "oom-kill", "1 more"), TOLD_MAX + 1);
	CHECK_INT((int)told(&m, "web", "oom-kill", "\"numbers\":{\"events\":1}"), TOLD_MAX + 1);
}

TEST(room_is_told_of_the_guest_that_it_is_for)
{
	const struct reservation room = {.guest = {{77}}, .guest_name = (char *)"new"};
	_cleanup_manager_ struct manager m;

	start(&m);
	tell(&m,
		&(struct tale){
			.kind = DAEMON_EVENT_RESERVED, .severity = SEVERITY_INFO, .room = &room},
		"room");
	CHECK_INT((int)told(&m, "new", "reserved", "\"uuid\":\"4d000000-"), 1);
}

/* Operators filter by it, and journalctl -x explains it: systemd/ballast.catalog has a text for
 * each (test-sys). */
TEST(each_kind_of_event_has_a_message_of_its_own)
{
	const char *const *const tables[] = {daemon_event_names, event_kind_names};
	const char *of[JOURNAL_MESSAGE_MAX] = {NULL};

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		for (const char *const *kind = tables[i]; *kind; kind++) {
			enum journal_message m = tell_message(*kind);

			CHECK(m != JOURNAL_PLAIN && journal_message_id(m));
			CHECK(!of[m]); /* of no other kind */
			of[m] = *kind;
		}
	CHECK_INT(tell_message("nonsense"), JOURNAL_PLAIN);
}

TEST_MAIN()
