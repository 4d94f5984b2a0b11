/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/stream.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "daemon/api/past.h"
#include "daemon/api/request.h"
#include "daemon/api/serve.h"
#include "daemon/api/sse.h"
#include "daemon/sys/clock.h"

#define RETRY_MSEC 2000
/* The disk is a second behind memory, more when it is slow: asked so often in vain, and what is
 * missing there was never written. */
#define PAST_RETRY_USEC (500 * USEC_PER_MSEC)
#define PAST_TRIES 10

struct stream {
	struct http *http;
	struct request *request;
	struct stream *prev, *next;
	struct eventlog_filter filter; /* strings are the request's */
	struct uuid guest;
	uint64_t after; /* all up to this sequence was written to `text` */
	char place[EVENTLOG_ID_MAX]; /* its id */
	/* Reading what memory has not any more, until it is there where memory begins. */
	bool in_past;
	bool seeks_newest; /* first the disk is asked where the last that fit begin */
	bool from_newest;  /* and it began there: what is gone before is nobody's loss */
	struct api_past *past; /* under way, or answered */
	bool past_answered;
	unsigned past_tries;   /* in vain, one after the other */
	uint64_t past_due_usec; /* it is asked again */
	struct json_out text; /* what the library has not taken yet */
	size_t taken;
	uint64_t written_usec; /* when `text` was last filled */
	uint64_t state_usec;   /* when the last `state` went out */
	uint64_t changes;      /* its generation */
	bool suspended;
	bool gone;	       /* the client closed its end */
	bool ended;	       /* `text` has the last of it */
};

/* ---- text ---- */

static void rouse(struct stream *s);

static void write_object(struct stream *s, const char *id, const char *event, const char *fmt, ...)
	_printf_(4, 5);
static void write_object(struct stream *s, const char *id, const char *event, const char *fmt, ...)
{
	char data[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(data, sizeof(data), fmt, ap);
	va_end(ap);
	sse_event(&s->text, id, event, data, strlen(data));
}

static bool take_event(const struct eventlog_object *object, void *userdata)
{
	struct stream *s = userdata;

	if (s->text.len >= STREAM_BATCH_BYTES)
		return false;
	sse_event(&s->text, object->id, object->kind, object->text, object->len);
	return true;
}

/* What was promised cannot be kept: the client begins anew with what is still there. */
static void write_reset(struct stream *s, const char *reason, const char *text)
{
	uint64_t time, oldest = eventlog_oldest(s->http->api->config.events, &time);
	char id[EVENTLOG_ID_MAX];

	/* With an id: or who connects anew would be told again. */
	eventlog_format_id(s->http->api->config.events, oldest - 1, id);
	write_object(s, id, "reset", "{\"reason\":\"%s\",\"text\":\"%s\"}", reason, text);
	s->after = oldest - 1;
}

static void write_state(struct stream *s)
{
	uint64_t changes = view_store_changes(s->http->api->config.views);

	if (changes == s->changes ||
		(s->state_usec && s->http->now_usec < s->state_usec + STREAM_STATE_USEC))
		return;
	s->changes = changes;
	s->state_usec = s->http->now_usec;
	write_object(s, NULL, "state", "{\"generation\":%llu}", (unsigned long long)changes);
}

/* ---- what is on the disk ---- */

static void past_end(struct stream *s)
{
	s->past = api_past_drop(s->past);
	s->past_answered = false;
}

/* From the disk on, behind this id ("": since the filter's time). False: nobody keeps anything. */
static bool past_begin(struct stream *s, const char *after)
{
	if (!s->http->api->config.past_ask)
		return false;
	if (after != s->place)
		snprintf(s->place, sizeof(s->place), "%s", after);
	s->in_past = true;
	s->past_tries = 0;
	s->past_due_usec = 0;
	return true;
}

static void past_leave(struct stream *s, const char *reason, const char *text)
{
	s->in_past = false;
	write_reset(s, reason, text);
}

static void on_past(struct api_past *past, void *owner)
{
	struct stream *s = owner;

	s->past_answered = true;
	rouse(s);
}

/* Where the disk cannot be read, what is in memory must do. */
static void newest_found(struct stream *s)
{
	const struct past_events *q = &s->past->query.events;

	s->seeks_newest = false;
	s->in_past = s->from_newest = s->past->query.error >= 0 && q->n;
	if (s->in_past)
		snprintf(s->place, sizeof(s->place), "%.*s", (int)sizeof(s->place) - 1, q->last);
}

static void past_write(struct stream *s)
{
	const struct past_events *q = &s->past->query.events;
	bool moved;

	if (s->seeks_newest) {
		newest_found(s);
		return;
	}
	if (s->past->query.error < 0) {
		past_leave(
			s, "too-old", "events after that id are on a disk that cannot be read now");
		return;
	}
	if (q->unknown) {
		past_leave(s, "unknown", "there is no event of that id");
		return;
	}
	if (q->lost && !s->from_newest)
		write_object(s, NULL, "reset",
			"{\"reason\":\"too-old\",\"text\":\"some events after that id are not kept any more\"}");
	stream_past_events(q, &s->text);
	moved = !streq(s->place, q->last);
	snprintf(s->place, sizeof(s->place), "%.*s", (int)sizeof(s->place) - 1, q->last);
	if (*s->place ? eventlog_find(s->http->api->config.events, s->place, &s->after) == 0 :
			eventlog_head(s->http->api->config.events) == 0) {
		s->in_past = s->from_newest = false;
	} else if (moved) {
		s->past_tries = 0;
	} else if (++s->past_tries >= PAST_TRIES) {
		past_leave(s, "too-old", "some events were never written");
	} else {
		/* The disk is behind. */
		s->past_due_usec = s->http->now_usec + PAST_RETRY_USEC;
	}
}

static void past_ask_for(struct stream *s, struct past_events *q)
{
	struct eventlog *log = s->http->api->config.events;

	if (s->seeks_newest && past_newest_ask(log, &s->filter, NULL, q) == 0) {
		q->bytes = 0;
		return;
	}
	s->seeks_newest = false;
	past_events_ask(log, &s->filter, *s->place ? s->place : NULL, q);
	q->bytes = STREAM_BATCH_BYTES;
}

static void past_go_on(struct stream *s)
{
	if (s->past_answered) {
		past_write(s);
		past_end(s);
	}
	if (!s->in_past || s->past || s->text.len || s->http->now_usec < s->past_due_usec)
		return;
	s->past = api_past_new(PAST_EVENTS);
	if (!s->past)
		return;
	past_ask_for(s, &s->past->query.events);
	if (api_past_ask(s->http->api, s->past, on_past, s) < 0) {
		past_end(s);
		s->past_due_usec = s->http->now_usec + PAST_RETRY_USEC;
	}
}

/* ---- what is there for the client ---- */

static void write_events(struct stream *s)
{
	struct eventlog *log = s->http->api->config.events;

	if (s->in_past)
		past_go_on(s);
	if (s->in_past || s->text.len ||
		eventlog_visit(log, &s->filter, &s->after, s->place, take_event, s))
		return;
	if (past_begin(s, s->place))
		past_go_on(s);
	else /* what is still there comes the next time */
		write_reset(s, "too-old", "some events were lost while they were not read");
}

/* Fills `text`; it is empty now. */
static void fill(struct stream *s)
{
	if (s->text.len || s->ended)
		return;
	write_events(s);
	write_state(s);
	if (atomic_load(&s->http->stop)) {
		write_object(s, NULL, "end",
			"{\"reason\":\"stopping\",\"text\":\"ballastd is stopping\"}");
		s->ended = true;
	}
	if (!s->text.len && s->http->now_usec >= s->written_usec + STREAM_BEAT_USEC)
		sse_comment(&s->text, "still here");
	if (s->text.failed) /* no memory: to be cut off is what the client can mend */
		s->gone = true;
	if (s->text.len)
		s->written_usec = s->http->now_usec;
}

/* ---- the library ---- */

static ssize_t take_text(struct stream *s, char *buf, size_t max)
{
	size_t n = MIN(max, s->text.len - s->taken);

	memcpy(buf, s->text.buf + s->taken, n);
	s->taken += n;
	if (s->taken == s->text.len) {
		json_out_clear(&s->text); /* who has nothing to say holds nothing */
		s->taken = 0;
	}
	return (ssize_t)n;
}

static ssize_t on_read(void *cls, uint64_t pos, char *buf, size_t max)
{
	struct stream *s = cls;

	fill(s);
	if (s->gone)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (s->text.len)
		return take_text(s, buf, max);
	if (s->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	s->suspended = true;
	MHD_suspend_connection(s->request->connection);
	return 0;
}

static void wake(struct stream *s)
{
	if (!s->suspended)
		return;
	s->suspended = false;
	MHD_resume_connection(s->request->connection);
}

/* If there is something for it. */
static void rouse(struct stream *s)
{
	if (!s->suspended)
		return;
	fill(s);
	if (s->text.len || s->ended || s->gone)
		wake(s);
}

/* ---- all streams ---- */

int streams_init(struct http *h)
{
	h->log_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	h->gone_fd = epoll_create1(EPOLL_CLOEXEC);
	return h->log_fd < 0 || h->gone_fd < 0 ? -errno : 0;
}

void streams_clear(struct http *h)
{
	closep(&h->log_fd);
	closep(&h->gone_fd);
}

static void spread(struct http *h)
{
	h->log_news = false;
	h->spread_usec = h->now_usec + STREAM_GATHER_USEC;
	/* Before it is read: what comes in between pokes again. */
	eventlog_listen(h->api->config.events, h->streams ? h->log_fd : -1);
	for (struct stream *s = h->streams; s; s = s->next)
		rouse(s);
}

void streams_log_news(struct http *h)
{
	api_unpoke(h->log_fd);
	h->log_news = true;
	if (h->now_usec >= h->spread_usec)
		spread(h);
	else
		http_check_by(h, h->spread_usec);
}

void streams_check(struct http *h)
{
	if (!h->streams)
		return;
	if (h->log_news && h->now_usec >= h->spread_usec)
		spread(h);
	else if (h->log_news)
		http_check_by(h, h->spread_usec);
	if (h->now_usec >= h->streams_due_usec) {
		h->streams_due_usec = h->now_usec + STREAM_STATE_USEC;
		for (struct stream *s = h->streams; s; s = s->next)
			rouse(s);
	}
	http_check_by(h, h->streams_due_usec);
}

void streams_gone(struct http *h)
{
	struct epoll_event events[16];
	int n = epoll_wait(h->gone_fd, events, ARRAY_SIZE(events), 0);

	for (int i = 0; i < n; i++) {
		struct stream *s = events[i].data.ptr;

		s->gone = true;
		wake(s);
	}
}

void streams_stop(struct http *h)
{
	for (struct stream *s = h->streams; s; s = s->next)
		rouse(s);
}

/* ---- one ---- */

struct stream *stream_free(struct stream *s)
{
	struct http *h;

	if (!s)
		return NULL;
	h = s->http;
	epoll_ctl(h->gone_fd, EPOLL_CTL_DEL, s->request->conn->fd, NULL);
	if (s->prev)
		s->prev->next = s->next;
	else
		h->streams = s->next;
	if (s->next)
		s->next->prev = s->prev;
	h->n_streams--;
	if (!h->streams)
		eventlog_listen(h->api->config.events, -1);
	past_end(s);
	json_out_clear(&s->text);
	free(s);
	return NULL;
}

static bool may_stream(const struct request *r)
{
	unsigned mine = 0;

	if (r->http->n_streams >=
		MIN((unsigned)STREAMS_MAX, r->http->api->config.max_connections / 2))
		return false;
	if (r->conn->peer.role == API_ROLE_ADMIN)
		return true;
	for (const struct stream *s = r->http->streams; s; s = s->next)
		mine += streq(s->request->conn->peer.key, r->conn->peer.key);
	return mine < STREAMS_SHARE;
}

static int stream_link(struct stream *s)
{
	struct epoll_event event = {.events = EPOLLRDHUP | EPOLLONESHOT, .data.ptr = s};
	struct http *h = s->http;

	if (epoll_ctl(h->gone_fd, EPOLL_CTL_ADD, s->request->conn->fd, &event) < 0)
		return -errno;
	s->next = h->streams;
	if (s->next)
		s->next->prev = s;
	h->streams = s;
	h->n_streams++;
	/* Before the log is read for the first time. */
	if (!s->next) {
		h->streams_due_usec = h->now_usec + STREAM_STATE_USEC;
		eventlog_listen(h->api->config.events, h->log_fd);
	}
	http_check_by(h, h->streams_due_usec);
	return 0;
}

/* Where it begins: behind what the client knows; without that with what comes from now on. */
static int begin_at(struct stream *s, struct problem *p)
{
	const struct query *q = &s->request->query;
	struct eventlog *log = s->http->api->config.events;
	const char *header = MHD_lookup_connection_value(
		s->request->connection, MHD_HEADER_KIND, "Last-Event-ID");
	const char *after = header && *header ? header : q->after;
	char id[EVENTLOG_ID_MAX];
	int r;

	if (!after) {
		s->after = q->newest || q->since ? eventlog_start(log, &s->filter)
						 : eventlog_head(log);
		eventlog_format_id(log, s->after, s->place);
		if (serve_events_is_past(log, &s->filter, NULL, p) > 0)
			s->seeks_newest = past_begin(s, q->newest ? s->place : "") && q->newest;
		return 0;
	}
	r = eventlog_find(log, after, &s->after);
	if (r == -EINVAL && !header)
		return problem_set_query(
			p, "after", "expected an event's id (host:boot:number) or its number");
	if (r != -EINVAL)
		after = eventlog_whole_id(log, after, id);
	if (r >= 0)
		snprintf(s->place, sizeof(s->place), "%s", after);
	if (r == -ENOENT && past_begin(s, after))
		return 0;
	if (r == -ENOENT)
		write_reset(s, "too-old", "events after that id are not kept any more");
	else if (r < 0)
		write_reset(s, "unknown", "there is no event of that id");
	return 0;
}

static struct stream *stream_new(struct request *r)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->http = r->http;
	s->request = r;
	s->changes = UINT64_MAX;
	s->written_usec = r->http->now_usec;
	if (stream_link(s) < 0) {
		free(s);
		return NULL;
	}
	return s;
}

static struct MHD_Response *make_response(struct stream *s)
{
	struct MHD_Response *response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, STREAM_BATCH_BYTES, on_read, s, NULL);

	if (!response)
		return NULL;
	response_add_common(response, "text/event-stream");
	/* For proxies that would gather it. */
	MHD_add_response_header(response, "X-Accel-Buffering", "no");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	return response;
}

enum MHD_Result stream_begin(struct request *r)
{
	const struct view *v = r->http->cache.view;
	struct MHD_Response *response;
	enum MHD_Result sent;

	if (!may_stream(r))
		return request_send_new_problem(r, API_PROBLEM_BUSY,
			"%u streams of events are open already: close some, or try again",
			r->http->n_streams);
	r->stream = stream_new(r);
	if (!r->stream)
		return request_send_new_problem(r, API_PROBLEM_INTERNAL, "out of memory");
	sse_retry(&r->stream->text, RETRY_MSEC);
	if (serve_events_filter(r->http->api->config.events, v ? &v->known : NULL, &r->query,
		    r->http->api->config.past_ask, &r->stream->filter, &r->stream->guest,
		    &r->problem) < 0 ||
		begin_at(r->stream, &r->problem) < 0) {
		r->stream = stream_free(r->stream);
		return request_send_problem(r, &r->problem);
	}
	response = make_response(r->stream);
	if (!response)
		return MHD_NO;
	MHD_set_connection_option(
		r->connection, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)STREAM_STALLED_SEC);
	conn_set_phase(r->conn, CONN_STREAMING);
	http_stats_answered(&r->http->stats, r->route, MHD_HTTP_OK,
		clock_usec(CLOCK_MONOTONIC) - r->began_usec);
	request_fit_transport(r, response);
	sent = MHD_queue_response(r->connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return sent;
}
