/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who reads may stand still: who writes goes on, and what was lost is told where it is missing. */
#include "daemon/sys/outbox.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/sys/clock.h"
#include "tests/test.h"

#define LINE 1000
#define MANY 2000 /* of LINE bytes: many times what the outbox and the kernel hold */

static char path[64];

static void quit(int *fd)
{
	closep(fd);
	unlink(path);
}
#define _cleanup_reader_ _cleanup_(quit)

/* Somebody who is bound there and does not read. A wait without end is the bug that is looked
 * for. */
static int reader(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct timeval second = {.tv_sec = 10};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	alarm(120);
	snprintf(path, sizeof(path), "/tmp/test-outbox.%d", (int)getpid());
	memcpy(addr.sun_path, path, sizeof(path));
	unlink(path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
	return bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -1 : fd;
}

static size_t gap(uint64_t n, char buf[static OUTBOX_MESSAGE_MAX])
{
	return (size_t)snprintf(buf, OUTBOX_MESSAGE_MAX, "lost %llu\n", (unsigned long long)n);
}

static void put_numbered(struct outbox *o, int i)
{
	char text[LINE + 1];

	snprintf(text, sizeof(text), "%-*d\n", LINE - 1, i);
	outbox_put(o, text, LINE);
}

struct seen {
	int last;
	uint64_t lines, lost, gaps;
	bool disorder;
};

static void see(struct seen *s, const char *text)
{
	int i;

	if (strncmp(text, "lost ", 5) == 0) {
		s->lost += strtoull(text + 5, NULL, 10);
		s->gaps++;
		s->last += atoi(text + 5);
		return;
	}
	i = atoi(text);
	s->disorder |= i != s->last + 1;
	s->last = i;
	s->lines++;
}

/* Until the line with this number. */
static void read_until(int fd, int last, struct seen *s)
{
	char text[LINE + 1];

	while (s->last < last) {
		ssize_t n = recv(fd, text, LINE, 0);

		if (n < 0)
			return;
		text[n] = '\0';
		see(s, text);
	}
}

TEST(in_the_calm_case_every_line_arrives_in_order_and_at_once)
{
	_cleanup_reader_ int fd = reader();
	_cleanup_(outbox_freep) struct outbox *o = NULL;
	struct seen s = {.last = -1};

	CHECK_INT(outbox_new(path, -1, gap, &o), 0);
	for (int i = 0; i < MANY; i++) {
		char text[LINE + 1] = "";

		put_numbered(o, i);
		CHECK_INT(recv(fd, text, LINE, MSG_DONTWAIT), LINE);
		see(&s, text);
	}
	CHECK(!s.disorder);
	CHECK_INT(s.last, MANY - 1);
	CHECK_U64(s.gaps, 0);
	CHECK(outbox_drain(o, 0));
}

TEST(a_reader_that_is_late_misses_nothing_that_fits)
{
	_cleanup_reader_ int fd = reader();
	_cleanup_(outbox_freep) struct outbox *o = NULL;
	struct seen s = {.last = -1};

	CHECK_INT(outbox_new(path, -1, gap, &o), 0);
	for (int i = 0; i < 250; i++)
		put_numbered(o, i);
	read_until(fd, 249, &s);
	CHECK(!s.disorder);
	CHECK_U64(s.lines, 250);
	CHECK_U64(s.gaps, 0);
	CHECK(outbox_drain(o, 10 * USEC_PER_SEC));
}

TEST(a_reader_that_stands_still_holds_nobody_up_and_is_told_what_it_missed)
{
	_cleanup_reader_ int fd = reader();
	_cleanup_(outbox_freep) struct outbox *o = NULL;
	struct seen s = {.last = -1};

	CHECK_INT(outbox_new(path, -1, gap, &o), 0);
	for (int i = 0; i < MANY; i++)
		put_numbered(o, i);
	CHECK(!outbox_drain(o, USEC_PER_MSEC));
	read_until(fd, MANY - 1, &s);
	CHECK_U64(s.gaps, 1);
	CHECK(s.lost > 0);
	CHECK_U64(s.lines + s.lost, MANY);
	put_numbered(o, MANY);
	read_until(fd, MANY, &s);
	CHECK_INT(s.last, MANY);
	CHECK(!s.disorder);
}

TEST(the_end_waits_for_a_reader_only_as_long_as_it_says)
{
	_cleanup_reader_ int fd = reader();
	_cleanup_(outbox_freep) struct outbox *o = NULL;
	uint64_t began;

	CHECK(fd >= 0);
	CHECK_INT(outbox_new(path, -1, gap, &o), 0);
	for (int i = 0; i < MANY; i++)
		put_numbered(o, i);
	began = clock_usec(CLOCK_MONOTONIC);
	CHECK(!outbox_drain(o, 50 * USEC_PER_MSEC));
	CHECK(clock_usec(CLOCK_MONOTONIC) - began < 20 * USEC_PER_SEC);
}

TEST(a_reader_that_comes_back_reads_on)
{
	int fd = reader();
	_cleanup_(outbox_freep) struct outbox *o = NULL;
	struct seen s = {.last = -1};

	CHECK_INT(outbox_new(path, -1, gap, &o), 0);
	put_numbered(o, 0);
	read_until(fd, 0, &s);
	quit(&fd);
	put_numbered(o, 1); /* to nobody: it waits */
	put_numbered(o, 2);
	fd = reader();
	read_until(fd, 2, &s);
	quit(&fd);
	CHECK_INT(s.last, 2);
	CHECK(!s.disorder);
}

TEST(a_pipe_that_nobody_reads_holds_nobody_up)
{
	_cleanup_(outbox_freep) struct outbox *o = NULL;
	char text[LINE + 1] = "";
	struct seen s = {.last = -1};
	FILE *from;
	int fds[2];

	alarm(120);
	signal(SIGPIPE, SIG_IGN);
	CHECK_INT(pipe(fds), 0);
	CHECK_INT(outbox_new(NULL, fds[1], gap, &o), 0);
	for (int i = 0; i < MANY; i++)
		put_numbered(o, i);
	CHECK_INT(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
	from = fdopen(fds[0], "r");
	while (s.last < MANY - 1 && fgets(text, sizeof(text), from))
		see(&s, text);
	CHECK(!s.disorder);
	CHECK(s.lost > 0);
	CHECK_U64(s.lines + s.lost, MANY);
	fclose(from);
	put_numbered(o, MANY); /* to nobody, who does not come back */
	CHECK(outbox_drain(o, 10 * USEC_PER_SEC));
	close(fds[1]);
}

static void *put_many(void *userdata)
{
	for (int i = 0; i < MANY; i++)
		outbox_put(userdata, "x", 1);
	return NULL;
}

TEST(many_threads_may_write)
{
	_cleanup_reader_ int fd = reader();
	_cleanup_(outbox_freep) struct outbox *o = NULL;
	pthread_t threads[4];
	char text[16];
	int n = 0;

	CHECK_INT(outbox_new(path, -1, gap, &o), 0);
	for (int i = 0; i < 4; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, put_many, o), 0);
	while (n < 4 * MANY && recv(fd, text, sizeof(text), 0) == 1)
		n++;
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	CHECK_INT(n, 4 * MANY);
}

TEST_MAIN()
