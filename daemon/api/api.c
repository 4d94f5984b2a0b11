/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/api.h"

#include "daemon/api/http.h"
#include "daemon/sys/clock.h"

#define DEADLINE_USEC (10 * USEC_PER_SEC)
/* For 200 pages that listen to events, with as many again. A connection costs some 20 kB (TLS: 60
 * kB). */
#define CONNECTIONS_MAX 512
#define DISPATCH_MAX 16
#define DISPATCH_USEC USEC_PER_MSEC

int api_start(const struct api_config *config, struct api **ret)
{
	struct api *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	a->config = *config;
	if (!a->config.sample_sec)
		a->config.sample_sec = 10;
	if (!a->config.deadline_usec)
		a->config.deadline_usec = DEADLINE_USEC;
	if (!a->config.request_usec)
		a->config.request_usec = DEADLINE_USEC;
	if (!a->config.max_connections)
		a->config.max_connections = CONNECTIONS_MAX;
	if (!a->config.max_per_client)
		a->config.max_per_client = a->config.max_connections / 2;
	a->queue = api_queue_new();
	a->http = a->queue ? http_new(a) : NULL;
	r = a->http ? http_start(a->http) : -ENOMEM;
	if (r < 0) {
		a->config.listen_fd = -1; /* these stay the caller's */
		a->config.n_listeners = 0;
		api_stop(a);
		return r;
	}
	*ret = a;
	return 0;
}

struct api *api_stop(struct api *a)
{
	struct api_call *c;

	if (!a)
		return NULL;
	http_free(a->http);
	if (a->queue) {
		api_queue_close(a->queue);
		server_free(TAKE_PTR(a->queue->server));
		free(TAKE_PTR(a->queue->tokens));
		names_free(TAKE_PTR(a->queue->names));
	}
	while (a->queue && (c = api_queue_take(a->queue)))
		api_call_free(c); /* never reached an op */
	api_queue_unref(a->queue);
	closep(&a->config.listen_fd);
	for (size_t i = 0; i < a->config.n_listeners; i++)
		closep(&a->config.listeners[i].fd);
	free(a);
	return NULL;
}

void api_set_tokens(struct api *a, struct token_table *tokens)
{
	struct api_queue *q = a->queue;
	struct token_table *before;

	pthread_mutex_lock(&q->lock);
	before = q->tokens;
	q->tokens = tokens;
	q->has_tokens = true;
	pthread_mutex_unlock(&q->lock);
	free(before);
	api_poke(q->answer_fd);
}

void api_set_names(struct api *a, struct names *names)
{
	struct api_queue *q = a->queue;
	struct names *before;

	pthread_mutex_lock(&q->lock);
	before = q->names;
	q->names = names;
	pthread_mutex_unlock(&q->lock);
	names_free(before);
	api_poke(q->answer_fd);
}

int api_set_tls(struct api *a, const struct tls *tls)
{
	struct server *s = server_new(a->http, tls), *before;
	struct api_queue *q = a->queue;

	if (!s)
		return -EINVAL;
	pthread_mutex_lock(&q->lock);
	before = q->server;
	q->server = s;
	pthread_mutex_unlock(&q->lock);
	server_free(before); /* no connection ever was on it */
	api_poke(q->answer_fd);
	return 0;
}

int api_fd(const struct api *a)
{
	return a->queue->command_fd;
}

const struct histogram *api_wait(const struct api *a)
{
	return &a->wait;
}

static void run_call(struct api *a, struct api_call *c)
{
	struct view_input known = {0};
	_cleanup_problem_ struct problem p = {0};
	size_t index = 0;

	if (c->route->noun == NOUN_GUEST || c->route->noun == NOUN_OVERRIDDEN) {
		ssize_t i = -1;

		if (c->route->noun == NOUN_GUEST)
			i = a->config.ops->look_guest(a->config.userdata, c->value, &known);
		else
			a->config.ops->look(a->config.userdata, &known);
		if (!known.snapshot)
			problem_set(&p, API_PROBLEM_NOT_READY, "guests were not listed yet");
		/* One that is not there: says which name is like it. */
		if (!known.snapshot ||
			(i < 0 && route_resolve(c->route, &known, c->value, &index, &p) < 0)) {
			api_call_reply_problem(c, &p);
			return;
		}
		if (i >= 0)
			index = (size_t)i;
	}
	c->route->run(a, c, &known, index);
}

/* Publishes what is known now, for the HTTP thread that asked. */
static void make_view(struct api *a)
{
	struct view_input known = {0};

	a->config.ops->look(a->config.userdata, &known);
	/* Without memory the last view stays current; the daemon's own allocations tell about
	 * that. */
	if (known.snapshot && view_publish(a->config.views, &known) < 0)
		return;
	pthread_mutex_lock(&a->queue->lock);
	a->queue->view_made = true;
	api_poke(a->queue->answer_fd);
	pthread_mutex_unlock(&a->queue->lock);
}

/* Who asks from here on waits for the next dispatch. */
static void take_asked(struct api *a, uint64_t now_usec)
{
	uint64_t asked_usec;

	pthread_mutex_lock(&a->queue->lock);
	asked_usec = a->queue->asked_usec;
	a->queue->asked_usec = 0;
	pthread_mutex_unlock(&a->queue->lock);
	if (asked_usec)
		histogram_add(&a->wait, now_usec - MIN(asked_usec, now_usec));
}

void api_dispatch(struct api *a)
{
	uint64_t now = clock_usec(CLOCK_MONOTONIC), end = now + DISPATCH_USEC;
	struct api_queue *q = a->queue;
	struct api_call *c;
	bool view, names, more;

	api_unpoke(q->command_fd);
	take_asked(a, now);
	for (int i = 0; i < DISPATCH_MAX && (i == 0 || clock_usec(CLOCK_MONOTONIC) < end) &&
			(c = api_queue_take(q));
		i++)
		run_call(a, c);
	pthread_mutex_lock(&q->lock);
	view = q->view_wanted;
	q->view_wanted = false;
	names = q->names_wanted;
	q->names_wanted = false;
	more = q->first;
	pthread_mutex_unlock(&q->lock);
	if (view)
		make_view(a);
	if (names && a->config.ops->names_wanted)
		a->config.ops->names_wanted(a->config.userdata);
	if (more)
		api_poke(q->command_fd);
}
