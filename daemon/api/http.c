/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/http.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

#include "common/units.h"
#include "daemon/api/stream.h"
#include "daemon/sys/clock.h"

/* Idle longer than this, as the library counts it, and a connection is closed. */
#define IDLE_SEC 30
/* Room for request line and headers of one connection. */
#define CONNECTION_MEMORY_BYTES (16 * KIB)
/* Serialised bodies that nobody asked for in this time go. */
#define CACHE_MAX_USEC (10 * USEC_PER_SEC)
/* Nothing here recurses or keeps much on the stack. */
#define THREAD_STACK_BYTES (256 * KIB)

void http_check_by(struct http *h, uint64_t usec)
{
	h->check_usec = MIN(h->check_usec, usec);
}

/* ---- deadlines ---- */

static void check_requests(struct http *h)
{
	struct request *next;

	for (struct request *r = h->waiting; r; r = next) {
		next = r->next;
		if (h->now_usec < r->deadline_usec)
			http_check_by(h, r->deadline_usec);
		else
			request_expire(r);
	}
}

static void check_deadlines(struct http *h)
{
	if (h->now_usec < h->check_usec)
		return;
	h->check_usec = USEC_INFINITY;
	conns_check(h);
	check_requests(h);
	streams_check(h);
	if (!h->cache.view)
		return;
	if (h->now_usec - h->cache.used_usec >= CACHE_MAX_USEC && !h->waiting) {
		body_cache_clear(&h->cache);
	} else {
		http_check_by(h, h->cache.used_usec + CACHE_MAX_USEC);
	}
}

/* ---- the loop ---- */

static void take_answers(struct http *h)
{
	struct api_queue *q = h->api->queue;
	struct api_call *answered, *next;
	bool view_made;

	api_unpoke(q->answer_fd);
	pthread_mutex_lock(&q->lock);
	answered = TAKE_PTR(q->answered);
	view_made = q->view_made;
	q->view_made = false;
	pthread_mutex_unlock(&q->lock);

	if (view_made) {
		h->view_asked = false;
		h->view_usec = h->cache.used_usec = h->now_usec;
		http_check_by(h, h->now_usec + CACHE_MAX_USEC);
		requests_view_made(h);
	}
	for (struct api_call *c = answered; c; c = next) {
		next = c->next;
		request_answered(c);
	}
}

static int timeout_msec(struct http *h)
{
	MHD_UNSIGNED_LONG_LONG msec;
	uint64_t usec = USEC_INFINITY;

	if (h->check_usec != USEC_INFINITY)
		usec = sub_sat(h->check_usec, clock_usec(CLOCK_MONOTONIC));
	if (MHD_get_timeout(h->mhd, &msec) == MHD_YES)
		usec = MIN(usec, (uint64_t)msec * USEC_PER_MSEC);
	if (usec == USEC_INFINITY)
		return -1;
	return (int)MIN(usec / USEC_PER_MSEC + (usec % USEC_PER_MSEC != 0), UINT64_C(3600000));
}

static void turn(struct http *h, int msec)
{
	/* The last entry is left out while there is no room for more connections. */
	struct pollfd fds[] = {
		{.fd = h->mhd_fd, .events = POLLIN},
		{.fd = h->api->queue->answer_fd, .events = POLLIN},
		{.fd = h->log_fd, .events = POLLIN},
		{.fd = h->gone_fd, .events = POLLIN},
		{.fd = h->api->config.listen_fd, .events = POLLIN},
	};
	unsigned max = h->api->config.max_connections;
	bool room = h->n_conns < max;

	if (poll(fds, ARRAY_SIZE(fds) - !room, msec) < 0 && errno != EINTR)
		return;
	h->now_usec = clock_usec(CLOCK_MONOTONIC);
	if (fds[1].revents)
		take_answers(h);
	if (fds[2].revents)
		streams_log_news(h);
	if (fds[3].revents)
		streams_gone(h);
	if (room && fds[4].revents)
		for (int i = 0; i < 16 && h->n_conns < max && conns_accept(h); i++)
			;
	check_deadlines(h);
	MHD_run(h->mhd);
}

static bool sending(const struct http *h)
{
	for (const struct conn *c = h->conns; c; c = c->next)
		if (c->phase == CONN_SENDING || c->phase == CONN_STREAMING)
			return true;
	return false;
}

/* Answers that are under way get a moment. Nothing may be suspended when the library is stopped,
 * and nothing is any more once `stop` is set. */
static void finish_requests(struct http *h)
{
	uint64_t end = clock_usec(CLOCK_MONOTONIC) + 200 * USEC_PER_MSEC;

	do {
		requests_stop(h);
		streams_stop(h);
		turn(h, 1);
	} while (h->waiting || (sending(h) && h->now_usec < end));
}

static void *run(void *arg)
{
	struct http *h = arg;

	while (!atomic_load(&h->stop))
		turn(h, timeout_msec(h));

	finish_requests(h);
	return NULL;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent signs of path and query; a NUL would cut the text, so that one stays as it is. */
static size_t unescape(void *cls, struct MHD_Connection *connection, char *s)
{
	char *from = s, *to = s;

	while (*from) {
		int high = *from == '%' ? hex_digit(from[1]) : -1;
		int low = high >= 0 ? hex_digit(from[2]) : -1;

		if (low >= 0 && (high || low)) {
			*to++ = (char)(high << 4 | low);
			from += 3;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
	return (size_t)(to - s);
}

struct http *http_new(struct api *a)
{
	struct http *h = calloc(1, sizeof(*h));
	const union MHD_DaemonInfo *info;

	if (!h)
		return NULL;
	h->api = a;
	h->check_usec = USEC_INFINITY;
	h->www = www_new();
	h->log_fd = h->gone_fd = -1;
	if (!h->www || streams_init(h) < 0 || body_cache_init(&h->cache, &h->account) < 0)
		return http_free(h);
	h->mhd = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
		request_handle, h, MHD_OPTION_URI_LOG_CALLBACK, request_begin, h,
		MHD_OPTION_UNESCAPE_CALLBACK, unescape, h, MHD_OPTION_NOTIFY_COMPLETED, request_end,
		h, MHD_OPTION_NOTIFY_CONNECTION, conns_notify, h, MHD_OPTION_CONNECTION_LIMIT,
		a->config.max_connections + 1, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SEC,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
		MHD_OPTION_END);
	info = h->mhd ? MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info)
		return http_free(h);
	h->mhd_fd = info->epoll_fd;
	return h;
}

int http_start(struct http *h)
{
	sigset_t all, before;
	pthread_attr_t attr;
	int r;

	/* Signals are the main loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES);
	r = pthread_create(&h->thread, &attr, run, h);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		return -r;
	h->started = true;
	pthread_setname_np(h->thread, "ballast-http");
	return 0;
}

struct http *http_free(struct http *h)
{
	if (!h)
		return NULL;
	if (h->started) {
		atomic_store(&h->stop, true);
		api_poke(h->api->queue->answer_fd);
		pthread_join(h->thread, NULL);
	}
	if (h->mhd)
		MHD_stop_daemon(h->mhd);
	body_cache_free(&h->cache);
	streams_clear(h);
	www_free(h->www);
	free(h);
	return NULL;
}
