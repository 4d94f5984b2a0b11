/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A hub on a real sd-event loop and real sockets. */
#include "daemon/channel/hub.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "tests/test.h"

#define DEADLINE_USEC (30 * USEC_PER_SEC)
#define MANY	      40

struct peer {
	struct hub_member member; /* first */
	int far;
	unsigned served, seen_at; /* how often; the count of all when it was last */
	struct peer *removes;
	unsigned more;	 /* so many more times it wants to be called at once */
	unsigned leaves; /* bytes that it leaves unread */
	sd_event_source *enables;
};

static sd_event *loop;
static struct hub *hub;
static unsigned all, fired;

static uint64_t now_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

static bool on_ready(struct hub_member *member, uint32_t revents)
{
	struct peer *p = (struct peer *)member;
	char c;

	if (recv(member->fd, &c, 1, MSG_DONTWAIT) < 0)
		return false;
	p->served++;
	p->seen_at = ++all;
	if (p->removes)
		hub_remove(&p->removes->member);
	if (p->enables) {
		sd_event_source_set_enabled(p->enables, SD_EVENT_ONESHOT);
		hub_news(hub);
	}
	if (!p->more)
		return false;
	p->more--;
	return true;
}

static int on_fire(sd_event_source *s, uint64_t usec, void *userdata)
{
	fired++;
	return 0;
}

static int on_defer(sd_event_source *s, void *userdata)
{
	fired++;
	return 0;
}

static void begin(void)
{
	all = fired = 0;
	CHECK_INT(sd_event_new(&loop), 0);
	CHECK_INT(hub_new(loop, &hub), 0);
}

static void end(void)
{
	hub = hub_free(hub);
	loop = sd_event_unref(loop);
}

static void peer_begin(struct peer *p)
{
	int fds[2];

	*p = (struct peer){.member.ready = on_ready};
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	p->far = fds[1];
	CHECK_INT(hub_add(hub, &p->member, fds[0], EPOLLIN), 0);
}

static void peer_end(struct peer *p)
{
	hub_remove(&p->member);
	close(p->member.fd);
	close(p->far);
}

static void say(struct peer *p, unsigned n)
{
	while (n--)
		CHECK_INT(send(p->far, "x", 1, MSG_DONTWAIT), 1);
}

#define TURN_UNTIL(cond)                                           \
	do {                                                       \
		uint64_t _end = now_usec() + DEADLINE_USEC;        \
		while (!(cond)) {                                  \
			if (now_usec() > _end)                     \
				TEST_FAIL("never came true: %s", #cond); \
			CHECK(hub_turn(hub, USEC_PER_SEC) >= 0);   \
		}                                                  \
	} while (0)

TEST(a_turn_with_nothing_to_do_ends_in_time)
{
	uint64_t from = now_usec();

	begin();
	CHECK_INT(hub_turn(hub, 20 * USEC_PER_MSEC), 0);
	CHECK(now_usec() - from >= 20 * USEC_PER_MSEC);
	CHECK_INT(hub_turn(hub, 0), 0);
	end();
}

TEST(members_and_the_loops_own_sources_are_served_in_one_place)
{
	struct peer p;

	begin();
	peer_begin(&p);
	CHECK(sd_event_add_time_relative(
		      loop, NULL, CLOCK_MONOTONIC, 30 * USEC_PER_MSEC, 1, on_fire, NULL) >= 0);
	CHECK(sd_event_add_defer(loop, NULL, on_defer, NULL) >= 0);
	say(&p, 1);
	TURN_UNTIL(p.served == 1 && fired == 2);
	peer_end(&p);
	end();
}

TEST(what_a_member_changes_in_the_loop_is_noticed_when_it_says_so)
{
	struct peer p;
	sd_event_source *s = NULL;
	uint64_t from;

	begin();
	peer_begin(&p);
	CHECK(sd_event_add_defer(loop, &s, on_defer, NULL) >= 0);
	sd_event_source_set_enabled(s, SD_EVENT_OFF);
	p.enables = s;
	say(&p, 1);
	from = now_usec();
	while (!fired)
		CHECK(hub_turn(hub, DEADLINE_USEC) >= 0);
	CHECK(now_usec() - from < DEADLINE_USEC);
	sd_event_source_disable_unref(s);
	peer_end(&p);
	end();
}

TEST(a_member_that_another_one_removes_is_not_called_any_more)
{
	struct peer a, b;

	begin();
	peer_begin(&a);
	peer_begin(&b);
	a.removes = &b;
	b.removes = &a;
	say(&a, 1);
	say(&b, 1);
	TURN_UNTIL(all == 1);
	CHECK_INT(hub_turn(hub, 0), 0);
	CHECK_INT(all, 1);
	peer_end(&a);
	peer_end(&b);
	end();
}

TEST(one_that_is_not_watched_is_left_alone_until_it_is)
{
	struct peer p;

	begin();
	peer_begin(&p);
	say(&p, 1);
	CHECK_INT(hub_watch(&p.member, 0), 0);
	CHECK_INT(hub_turn(hub, 20 * USEC_PER_MSEC), 0);
	CHECK_INT(p.served, 0);
	CHECK_INT(hub_watch(&p.member, EPOLLIN), 0);
	TURN_UNTIL(p.served == 1);
	peer_end(&p);
	end();
}

/* Turned by turns: in one turn the slow one is read a few times at most, others whenever they have
 * something. */
TEST(one_that_has_too_much_is_read_behind_the_others)
{
	struct peer loud, calm;

	begin();
	peer_begin(&loud);
	peer_begin(&calm);
	say(&loud, 200);
	TURN_UNTIL(loud.member.slow);
	CHECK(loud.served <= HUB_READ_BURST + 2);
	for (unsigned i = 1; i <= 5; i++) {
		unsigned before = loud.served;

		say(&calm, 1);
		TURN_UNTIL(calm.served == i);
		CHECK(loud.served <= before + 2);
		CHECK(!calm.member.slow);
	}
	TURN_UNTIL(loud.served == 200);
	peer_end(&loud);
	peer_end(&calm);
	end();
}

TEST(one_that_calms_down_is_one_of_the_crowd_again)
{
	struct peer p;

	begin();
	peer_begin(&p);
	say(&p, HUB_READ_BURST + 5);
	TURN_UNTIL(p.served == HUB_READ_BURST + 5);
	CHECK(p.member.slow);
	/* As if it had been silent for as long as it takes. */
	p.member.paid_usec = 0;
	say(&p, 1);
	TURN_UNTIL(!p.member.slow);
	say(&p, 1);
	TURN_UNTIL(p.served == HUB_READ_BURST + 7);
	peer_end(&p);
	end();
}

TEST(a_slow_one_that_needs_more_does_not_wait_for_it)
{
	struct peer p;
	uint64_t from;

	begin();
	peer_begin(&p);
	say(&p, 200);
	p.more = 200;
	from = now_usec();
	TURN_UNTIL(p.served == 200);
	CHECK(now_usec() - from < 190 * HUB_PAUSE_USEC);
	peer_end(&p);
	end();
}

/* Many that come one after the other are served together: fewer turns than members, and nobody is
 * forgotten. */
TEST(a_crowd_is_served_together_and_whole)
{
	struct peer peers[MANY];
	unsigned turns = 0;

	begin();
	for (unsigned i = 0; i < MANY; i++)
		peer_begin(&peers[i]);
	for (unsigned round = 1; round <= 3; round++) {
		for (unsigned i = 0; i < MANY; i++) {
			say(&peers[i], 1);
			CHECK(hub_turn(hub, 0) >= 0);
		}
		turns = 0;
		while (all < round * MANY) {
			CHECK(hub_turn(hub, USEC_PER_SEC) >= 0);
			CHECK(++turns < DEADLINE_USEC / USEC_PER_SEC);
		}
	}
	for (unsigned i = 0; i < MANY; i++)
		CHECK_INT(peers[i].served, 3);
	for (unsigned i = 0; i < MANY; i++)
		peer_end(&peers[i]);
	end();
}

TEST(a_timer_is_not_held_up_by_a_crowd)
{
	struct peer peers[MANY];
	unsigned before;

	begin();
	for (unsigned i = 0; i < MANY; i++)
		peer_begin(&peers[i]);
	for (unsigned i = 0; i < MANY; i++) {
		say(&peers[i], 2);
		CHECK(hub_turn(hub, 0) >= 0);
	}
	/* Whatever pause there is now, what is due is due. */
	CHECK(sd_event_add_defer(loop, NULL, on_defer, NULL) >= 0);
	before = all;
	CHECK(hub_turn(hub, DEADLINE_USEC) > 0);
	CHECK_INT(fired, 1);
	TURN_UNTIL(all == 2 * MANY);
	CHECK(before < all);
	for (unsigned i = 0; i < MANY; i++)
		peer_end(&peers[i]);
	end();
}

/* However many come, half of them wait for 18 ms at most; and there is no pause that would not be
 * worth it. */
TEST(a_pause_is_for_a_crowd_and_no_longer_than_it_needs)
{
	uint64_t before = USEC_INFINITY;

	for (uint64_t gap = 20 * USEC_PER_MSEC; gap > 0; gap -= 100) {
		uint64_t pause = hub_pause_usec(gap);

		CHECK(pause <= HUB_PAUSE_MAX_USEC);
		CHECK(gap >= HUB_CROWD_USEC ? pause == 0 : pause >= HUB_PAUSE_USEC && pause > gap);
		if (gap < HUB_CROWD_USEC)
			CHECK(pause <= before);
		before = pause ? pause : USEC_INFINITY;
	}
	CHECK_U64(hub_pause_usec(4 * USEC_PER_MSEC), 32 * USEC_PER_MSEC);
}

static int on_late(sd_event_source *s, uint64_t usec, void *userdata)
{
	return sd_event_exit(sd_event_source_get_event(s), 5);
}

/* Its own timer would fire within an hour. */
TEST(what_may_be_late_comes_along_with_a_member)
{
	struct peer p;

	begin();
	peer_begin(&p);
	CHECK(sd_event_add_time_relative(loop, NULL, CLOCK_BOOTTIME, USEC_PER_MSEC,
		      3600 * USEC_PER_SEC, on_late, NULL) >= 0);
	while (usleep(2000) < 0)
		;
	hub_along(hub, 1);
	say(&p, 1);
	CHECK_INT(hub_loop(hub), 5);
	CHECK_INT(p.served, 1);
	peer_end(&p);
	end();
}

static int on_exit_asked(sd_event_source *s, void *userdata)
{
	return sd_event_exit(sd_event_source_get_event(s), 7);
}

TEST(the_loop_ends_with_its_exit_code)
{
	begin();
	CHECK(sd_event_add_defer(loop, NULL, on_exit_asked, NULL) >= 0);
	CHECK_INT(hub_loop(hub), 7);
	end();
}

TEST_MAIN()
