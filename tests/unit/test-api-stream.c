/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real HTTP server on a real socket: events as a stream. */
#include <malloc.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "daemon/api/internal.h"
#include "daemon/api/stream.h"
#include "tests/fixture/api-test.h"

/* A client that reads a stream: what came so far, as text. */
struct reader {
	int fd;
	char *text;
	size_t len, allocated;
	bool closed;
};

static int reader_open(struct reader *r, const char *query, const char *header)
{
	char request[512];
	int n = snprintf(request, sizeof(request),
		"GET /v1/events%s HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n%s%s\r\n",
		query, header ? header : "", header ? "\r\n" : "");

	*r = (struct reader){.fd = client_connect(socket_path)};
	return r->fd < 0 || send(r->fd, request, (size_t)n, MSG_NOSIGNAL) != n ? -EIO : 0;
}

static void reader_close(struct reader *r)
{
	if (r->fd >= 0)
		close(r->fd);
	free(r->text);
	*r = (struct reader){.fd = -1};
}
#define _cleanup_reader_ _cleanup_(reader_close)

/* Takes what is there, at most for so long. */
static void reader_take(struct reader *r, int msec)
{
	struct pollfd p = {.fd = r->fd, .events = POLLIN};
	ssize_t n;

	if (r->closed || poll(&p, 1, msec) <= 0)
		return;
	if (r->allocated - r->len < 65536) {
		r->allocated = r->len + 262144;
		r->text = realloc(r->text, r->allocated);
	}
	n = recv(r->fd, r->text + r->len, r->allocated - r->len - 1, MSG_DONTWAIT);
	if (n <= 0)
		r->closed = n == 0 || errno != EAGAIN;
	else
		r->len += (size_t)n;
	r->text[r->len] = '\0';
}

/* Until the text has this word, or the stream has ended, or ten seconds have passed. */
static bool reader_await(struct reader *r, const char *word)
{
	for (int i = 0; i < 1000; i++) {
		if (r->text && strstr(r->text, word))
			return true;
		if (r->closed)
			break;
		reader_take(r, 10);
	}
	printf("# no \"%s\" in %s\n", word, r->text ? r->text : "nothing");
	return false;
}

static unsigned count(const char *text, const char *word)
{
	unsigned n = 0;

	for (; text && (text = strstr(text, word)); text++)
		n++;
	return n;
}

/* As the main loop does. */
static void happen(int i)
{
	pthread_mutex_lock(&fake->lock);
	eventlog_append_text(fake->events, DAEMON_EVENT_RELOAD, SEVERITY_INFO,
		UINT64_C(1795334400000000), NULL, NULL, "number %d.", i);
	pthread_mutex_unlock(&fake->lock);
}

TEST(a_stream_begins_behind_what_the_client_knows_and_goes_on)
{
	start(NULL);
	{
		_cleanup_reader_ struct reader r = {.fd = -1}, header = {.fd = -1},
					       fresh = {.fd = -1};

		CHECK_INT(reader_open(&r, "?after=3", NULL), 0);
		CHECK_INT(reader_open(&header, "?after=1", "Last-Event-ID: host1:0badcafe:4"), 0);
		CHECK_INT(reader_open(&fresh, "", NULL), 0);
		CHECK(reader_await(&r, "event: state"));
		CHECK(reader_await(&header, "event: state"));
		CHECK(reader_await(&fresh, "event: state"));
		CHECK_CONTAINS(r.text, "Content-Type: text/event-stream");
		CHECK_CONTAINS(r.text, "retry: 2000\n\n");
		CHECK_CONTAINS(r.text,
			"id: host1:0badcafe:4\nevent: command\ndata: {\"id\":\"host1:0badcafe:4\",");
		CHECK_INT(count(r.text, "\nid: "), 2);
		CHECK_INT(count(header.text, "\nid: "), 1);
		CHECK_INT(count(fresh.text, "\nid: "), 0);
		happen(1);
		CHECK(reader_await(&r, "number 1."));
		CHECK(reader_await(&header, "number 1."));
		CHECK(reader_await(&fresh, "number 1."));
		CHECK_CONTAINS(fresh.text, "id: host1:0badcafe:6\nevent: reload\n");
	}
	stop();
}

TEST(a_stream_shows_what_its_filters_let_through)
{
	start(NULL);
	{
		_cleanup_reader_ struct reader kind = {.fd = -1}, guest = {.fd = -1},
					       newest = {.fd = -1};
		_cleanup_reply_ struct reply bad = {0}, unknown = {0};

		CHECK_INT(reader_open(&kind, "?kind=reload", NULL), 0);
		CHECK_INT(reader_open(&guest, "?guest=web1&after=0", NULL), 0);
		CHECK_INT(reader_open(&newest, "?newest&limit=1", NULL), 0);
		CHECK(reader_await(&kind, "event: state"));
		CHECK(reader_await(&guest, "event: command"));
		CHECK(reader_await(&newest, "event: agent-lost"));
		CHECK_INT(count(guest.text, "\nid: "), 1);
		CHECK_INT(count(newest.text, "\nid: "), 1);
		happen(1);
		CHECK(reader_await(&kind, "number 1."));
		CHECK_INT(count(kind.text, "\nid: "), 1);
		client_request(socket_path, "GET", "/v1/events?kind=comand", NULL,
			"Accept: text/event-stream", &bad);
		CHECK_PROBLEM(bad, API_PROBLEM_QUERY_INVALID);
		client_request(socket_path, "GET", "/v1/events?guest=wbe1", NULL,
			"Accept: text/event-stream", &unknown);
		CHECK_PROBLEM(unknown, API_PROBLEM_GUEST_UNKNOWN);
	}
	stop();
}

TEST(an_id_that_is_too_old_or_unknown_is_answered_with_a_reset)
{
	start(NULL);
	{
		_cleanup_reader_ struct reader other = {.fd = -1}, future = {.fd = -1},
					       odd = {.fd = -1}, old = {.fd = -1};

		CHECK_INT(reader_open(&other, "", "Last-Event-ID: host1:feedbeef:3"), 0);
		CHECK(reader_await(&other, "event: reset\ndata: {\"reason\":\"too-old\""));
		CHECK(reader_await(&other, "event: agent-lost")); /* and what there is */
		CHECK_INT(reader_open(&future, "", "Last-Event-ID: host1:0badcafe:99"), 0);
		CHECK(reader_await(&future, "event: reset\ndata: {\"reason\":\"unknown\""));
		CHECK_INT(reader_open(&odd, "", "Last-Event-ID: yesterday"), 0);
		CHECK(reader_await(&odd, "event: reset\ndata: {\"reason\":\"unknown\""));
		for (int i = 0; i < EVENTLOG_EVENTS; i++)
			happen(i);
		CHECK_INT(reader_open(&old, "", "Last-Event-ID: host1:0badcafe:3"), 0);
		CHECK(reader_await(&old, "event: reset\ndata: {\"reason\":\"too-old\""));
	}
	stop();
}

/* Each gets each event once and in order, whatever the others do. */
TEST(two_hundred_streams_get_every_event)
{
	enum { STREAMS = 200, EVENTS = 500 };
	static struct reader r[STREAMS];
	char word[32];
	bool all = true;

	start(NULL);
	for (int i = 0; i < STREAMS; i++)
		CHECK_INT(reader_open(&r[i], "", NULL), 0);
	for (int i = 0; i < STREAMS; i++)
		all = reader_await(&r[i], "event: state") && all;
	CHECK(all);
	for (int n = 1; n <= EVENTS; n++) {
		happen(n);
		if (n % 50 == 0)
			for (int i = 0; i < STREAMS; i++)
				reader_take(&r[i], 0);
	}
	snprintf(word, sizeof(word), "number %d.", EVENTS);
	for (int i = 0; i < STREAMS && all; i++) {
		const char *at = r[i].text;

		all = reader_await(&r[i], word) && count(r[i].text, "\nid: ") == EVENTS;
		at = r[i].text;
		for (int n = 1; n <= EVENTS && all; n++) {
			snprintf(word, sizeof(word), "number %d.", n);
			at = strstr(at, word);
			all = at != NULL;
		}
		snprintf(word, sizeof(word), "number %d.", EVENTS);
	}
	CHECK(all);
	for (int i = 0; i < STREAMS; i++)
		reader_close(&r[i]);
	stop();
}

/* Twenty thousand events are eight megabytes: who does not read them costs a batch and what the
 * socket holds. */
TEST(who_does_not_read_costs_little_and_nobody_a_delay)
{
	start(NULL);
	{
		struct reader deaf[20], hears = {.fd = -1};
		size_t before, after;
		char word[32];

		for (size_t i = 0; i < ARRAY_SIZE(deaf); i++)
			CHECK_INT(reader_open(&deaf[i], "", NULL), 0);
		CHECK_INT(reader_open(&hears, "", NULL), 0);
		for (size_t i = 0; i < ARRAY_SIZE(deaf); i++)
			CHECK(reader_await(&deaf[i], "event: state"));
		CHECK(reader_await(&hears, "event: state"));
		/* 0 with a sanitizer's allocator: then only the rest is tested */
		before = mallinfo2().uordblks;
		for (int n = 1; n <= 20000; n++) {
			happen(n);
			if (n % 100 == 0) {
				snprintf(word, sizeof(word), "number %d.", n);
				CHECK(reader_await(&hears, word));
				hears.len = 0;
				hears.text[0] = '\0';
			}
		}
		after = mallinfo2().uordblks;
		CHECK(after <=
			before + ARRAY_SIZE(deaf) * 2 * STREAM_BATCH_BYTES + MIB + hears.allocated);
		/* Who wakes up late is told that it missed something, and then gets what there
		 * is. */
		CHECK(reader_await(&deaf[0], "event: reset\ndata: {\"reason\":\"too-old\""));
		CHECK(reader_await(&deaf[0], "number 20000."));
		for (size_t i = 0; i < ARRAY_SIZE(deaf); i++)
			reader_close(&deaf[i]);
		reader_close(&hears);
	}
	stop();
}

TEST(a_client_that_leaves_is_noticed_at_once)
{
	start(NULL);
	{
		struct reader r[STREAMS_MAX];
		_cleanup_reader_ struct reader more = {.fd = -1}, again = {.fd = -1};

		for (size_t i = 0; i < ARRAY_SIZE(r); i++)
			CHECK_INT(reader_open(&r[i], "", NULL), 0);
		CHECK(reader_await(&r[ARRAY_SIZE(r) - 1], "event: state"));
		CHECK_INT(reader_open(&more, "", NULL), 0);
		CHECK(reader_await(&more, "\"code\":\"busy\""));
		CHECK_CONTAINS(more.text, "503 Service Unavailable");
		for (size_t i = 0; i < ARRAY_SIZE(r); i++)
			reader_close(&r[i]);
		for (int i = 0; i < 100 && (!again.text || !strstr(again.text, "200 OK")); i++) {
			reader_close(&again);
			CHECK_INT(reader_open(&again, "", NULL), 0);
			reader_take(&again, 1000);
		}
		CHECK_CONTAINS(again.text, "200 OK");
	}
	stop();
}

TEST(the_end_of_the_daemon_is_said)
{
	_cleanup_reader_ struct reader r = {.fd = -1};

	start(NULL);
	CHECK_INT(reader_open(&r, "", NULL), 0);
	CHECK(reader_await(&r, "event: state"));
	stop();
	CHECK(reader_await(&r, "event: end\ndata: {\"reason\":\"stopping\""));
	for (int i = 0; i < 100 && !r.closed; i++)
		reader_take(&r, 10);
	CHECK(r.closed);
}

/* Who follows changes asks again for what is shown; while nobody listens nothing is counted for
 * it. */
TEST(a_change_of_what_is_shown_is_told_once_a_second_and_makes_no_view)
{
	start(NULL);
	{
		_cleanup_reader_ struct reader r = {.fd = -1};
		unsigned looks;

		CHECK_INT(reader_open(&r, "", NULL), 0);
		CHECK(reader_await(&r, "data: {\"generation\":0}"));
		looks = fake->n_looks;
		for (int i = 0; i < 100; i++)
			view_store_touch(fake->views);
		CHECK(reader_await(&r, "data: {\"generation\":100}"));
		CHECK_INT(count(r.text, "event: state"), 2);
		CHECK_INT(fake->n_looks, looks);
	}
	stop();
}

TEST(who_asks_for_a_list_gets_one)
{
	start(NULL);
	{
		_cleanup_reply_ struct reply list = {0}, head = {0};

		client_request(socket_path, "GET", "/v1/events", NULL,
			"Accept: application/json, text/plain", &list);
		CHECK_STR(list.content_type, "application/json");
		client_request(socket_path, "HEAD", "/v1/events", NULL, "Accept: text/event-stream",
			&head);
		CHECK_INT(head.status, 200);
	}
	stop();
}

API_TEST_MAIN()
