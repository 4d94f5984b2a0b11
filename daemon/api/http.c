/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/http.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

#include "common/units.h"
#include "daemon/api/past.h"
#include "daemon/api/stream.h"
#include "daemon/sys/clock.h"

/* Serialised bodies that nobody asked for in this time go. */
#define CACHE_MAX_USEC (10 * USEC_PER_SEC)
/* Nothing of ours recurses or keeps much on the stack; a TLS handshake's arithmetic takes some 30
 * kB. */
#define THREAD_STACK_BYTES (256 * KIB)
/* How often credentials of open connections are looked at for their end. */
#define CREDENTIALS_USEC (10 * USEC_PER_SEC)

void http_check_by(struct http *h, uint64_t usec)
{
	h->check_usec = MIN(h->check_usec, usec);
}

/* A user who was made after the names were read is known half a minute later; one who is in no
 * local file costs a reading of them so often. */
#define NAMES_USEC (30 * USEC_PER_SEC)

char *http_by(struct http *h, const struct client *c, char buf[static CLIENT_BY_MAX])
{
	struct api_queue *q = h->api->queue;

	if (c->how == CLIENT_SOCKET && !names_user(h->names, c->uid) &&
		(!h->names_asked_usec || h->now_usec - h->names_asked_usec >= NAMES_USEC)) {
		h->names_asked_usec = h->now_usec;
		pthread_mutex_lock(&q->lock);
		q->names_wanted = true;
		pthread_mutex_unlock(&q->lock);
		api_poke(q->command_fd);
	}
	return client_by(c, h->names, buf);
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
	conns_end_lingers(h, false);
	check_requests(h);
	streams_check(h);
	if (h->conns && h->now_usec >= h->credentials_usec) {
		conns_check_credentials(h);
		h->credentials_usec = h->now_usec + CREDENTIALS_USEC;
	}
	if (h->conns)
		http_check_by(h, h->credentials_usec);
	if (!h->cache.view)
		return;
	if (h->now_usec - h->cache.used_usec >= CACHE_MAX_USEC && !h->waiting) {
		body_cache_clear(&h->cache);
	} else {
		http_check_by(h, h->cache.used_usec + CACHE_MAX_USEC);
	}
}

/* ---- the loop ---- */

static bool same_authority(const struct server *a, const struct server *b)
{
	return a->authority && b->authority ? streq(a->authority, b->authority) : !a->authority;
}

/* A new certificate's server goes before the older ones; of too many the oldest ends, and those
 * that trust whom the new one does not. */
static void add_server(struct http *h, struct server *s)
{
	unsigned n = 0;

	s->next = h->tls;
	h->tls = s;
	for (struct server *old = s; old; old = old->next)
		if (++n > SERVERS_MAX || !same_authority(old, s))
			conns_cut(h, old);
}

/* Servers that are only kept for their connections, and have none left. */
static void drop_servers(struct http *h)
{
	struct server **at = h->tls ? &h->tls->next : NULL;

	while (at && *at) {
		struct server *s = *at;

		if (s->n_conns) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		server_free(s);
	}
}

/* What the main loop read anew. */
static void take_settings(struct http *h)
{
	struct api_queue *q = h->api->queue;
	struct token_table *tokens;
	struct server *server;
	struct names *names;
	bool has_tokens;

	pthread_mutex_lock(&q->lock);
	has_tokens = q->has_tokens;
	q->has_tokens = false;
	tokens = TAKE_PTR(q->tokens);
	server = TAKE_PTR(q->server);
	names = TAKE_PTR(q->names);
	pthread_mutex_unlock(&q->lock);
	if (names) {
		names_free(h->names);
		conns_end_lingers(h, true);
		h->names = names;
	}
	if (server)
		add_server(h, server);
	if (!has_tokens)
		return;
	free(h->tokens);
	h->tokens = tokens;
	conns_check_credentials(h);
}

static void take_answers(struct http *h)
{
	struct api_queue *q = h->api->queue;
	struct api_call *answered, *next;
	struct api_past *past;
	bool view_made;

	api_unpoke(q->answer_fd);
	take_settings(h);
	pthread_mutex_lock(&q->lock);
	answered = TAKE_PTR(q->answered);
	past = TAKE_PTR(q->answered_past);
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
		request_answered(h, c);
	}
	api_past_take(past);
}

static int timeout_msec(struct http *h)
{
	MHD_UNSIGNED_LONG_LONG msec;
	uint64_t usec = USEC_INFINITY;

	if (h->check_usec != USEC_INFINITY)
		usec = sub_sat(h->check_usec, clock_usec(CLOCK_MONOTONIC));
	for (const struct server *s = h->plain; s; s = s == h->plain ? h->tls : s->next)
		if (MHD_get_timeout(s->mhd, &msec) == MHD_YES)
			usec = MIN(usec, (uint64_t)msec * USEC_PER_MSEC);
	if (usec == USEC_INFINITY)
		return -1;
	return (int)MIN(usec / USEC_PER_MSEC + (usec % USEC_PER_MSEC != 0), UINT64_C(3600000));
}

#define ACCEPT_MAX 16 /* of one socket in a turn */
static void accept_some(struct http *h, const struct api_listener *l)
{
	for (int i = 0; i < ACCEPT_MAX && conns_have_room(h, l) && conns_accept(h, l); i++)
		;
}

static void turn(struct http *h, int msec)
{
	const struct api_config *config = &h->api->config;
	struct pollfd fds[4 + API_LISTENERS_MAX + 1 + 2 * SERVERS_MAX] = {
		{.fd = h->api->queue->answer_fd, .events = POLLIN},
		{.fd = h->log_fd, .events = POLLIN},
		{.fd = h->gone_fd, .events = POLLIN},
	};
	nfds_t n = 3, listeners;

	/* A negative descriptor is passed over: a socket for whose clients there is no room keeps
	 * them waiting. */
	fds[n++] = (struct pollfd){
		.fd = conns_have_room(h, NULL) ? config->listen_fd : -1, .events = POLLIN};
	listeners = n;
	for (size_t i = 0; i < config->n_listeners; i++)
		fds[n++] = (struct pollfd){.fd = conns_have_room(h, &config->listeners[i])
							 ? config->listeners[i].fd
							 : -1,
			.events = POLLIN};
	for (const struct server *s = h->plain; s && n < ARRAY_SIZE(fds);
		s = s == h->plain ? h->tls : s->next)
		fds[n++] = (struct pollfd){.fd = s->fd, .events = POLLIN};
	if (poll(fds, n, msec) < 0 && errno != EINTR)
		return;
	h->now_usec = clock_usec(CLOCK_MONOTONIC);
	if (fds[0].revents)
		take_answers(h);
	if (fds[1].revents)
		streams_log_news(h);
	if (fds[2].revents)
		streams_gone(h);
	if (fds[3].revents)
		accept_some(h, NULL);
	for (size_t i = 0; i < config->n_listeners; i++)
		if (fds[listeners + i].revents)
			accept_some(h, &config->listeners[i]);
	check_deadlines(h);
	for (struct server *s = h->plain; s; s = s == h->plain ? h->tls : s->next)
		MHD_run(s->mhd);
	drop_servers(h);
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

/* A third of the main loop's share where both want one CPU: who looks waits for what guests need.
 * Under wrk on one core the loop's turns of 99 % end within 2.5 ms with it, 5 ms without
 * (bench/api), for the same requests a second. On Linux nice(2) is this thread's own. */
#define THREAD_NICE 5

static _Thread_local struct http *of_this_thread;

struct http *http_of_this_thread(void)
{
	return of_this_thread;
}

static void *run(void *arg)
{
	struct http *h = of_this_thread = arg;

	(void)!nice(THREAD_NICE); /* where that is not allowed it is as it was */

	while (!atomic_load(&h->stop))
		turn(h, timeout_msec(h));

	finish_requests(h);
	return NULL;
}

struct http *http_new(struct api *a)
{
	struct http *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->api = a;
	h->check_usec = USEC_INFINITY;
	h->www = www_new();
	h->names = names_load();
	h->log_fd = h->gone_fd = -1;
	if (!h->www || streams_init(h) < 0 || http_stats_init(&h->stats) < 0 ||
		body_cache_init(&h->cache, &h->account) < 0)
		return http_free(h);
	h->plain = server_new(h, NULL);
	if (!h->plain)
		return http_free(h);
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
	server_free(h->plain);
	for (struct server *s = h->tls, *next; s; s = next) {
		next = s->next;
		server_free(s);
	}
	body_cache_free(&h->cache);
	replay_clear(&h->replays);
	streams_clear(h);
	www_free(h->www);
	free(h->tokens);
	names_free(h->names);
	http_stats_free(&h->stats);
	free(h);
	return NULL;
}
