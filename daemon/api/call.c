/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/call.h"

#include "daemon/api/past.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>

#include "daemon/api/tag.h"
#include "daemon/sys/clock.h"

struct api_queue *api_queue_new(void)
{
	struct api_queue *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	pthread_mutex_init(&q->lock, NULL);
	atomic_init(&q->refs, 1);
	q->last = &q->first;
	q->command_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->answer_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->command_fd < 0 || q->answer_fd < 0)
		return api_queue_unref(q);
	return q;
}

struct api_queue *api_queue_unref(struct api_queue *q)
{
	if (!q || atomic_fetch_sub_explicit(&q->refs, 1, memory_order_acq_rel) != 1)
		return NULL;
	api_past_free_all(q->answered_past);
	closep(&q->command_fd);
	closep(&q->answer_fd);
	pthread_mutex_destroy(&q->lock);
	free(q);
	return NULL;
}

void api_poke(int event_fd)
{
	uint64_t one = 1;

	/* It fails only when it is poked 2^64 times already. */
	if (write(event_fd, &one, sizeof(one)) < 0)
		return;
}

void api_unpoke(int event_fd)
{
	uint64_t n;

	if (read(event_fd, &n, sizeof(n)) < 0)
		return;
}

struct api_call *api_call_new(struct api_queue *q, const struct route *r)
{
	struct api_call *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	atomic_fetch_add_explicit(&q->refs, 1, memory_order_relaxed);
	c->queue = q;
	c->route = r;
	return c;
}

struct api_call *api_call_free(struct api_call *c)
{
	if (!c)
		return NULL;
	if (c->ack)
		c->ack->converts = NULL;
	if (c->converts) {
		c->converts->ack = NULL;
		if (c->converts->ended)
			api_call_free(c->converts);
	}
	json_decref(c->body);
	problem_clear(&c->problem);
	free(c->text);
	api_queue_unref(c->queue);
	free(c);
	return NULL;
}

static void queue_append(struct api_queue *q, struct api_call *c)
{
	c->next = NULL;
	*q->last = c;
	q->last = &c->next;
	q->n_waiting++;
	api_queue_asked(q);
}

int api_call_submit(struct api_call *c, struct request *waiter)
{
	struct api_queue *q = c->queue;

	pthread_mutex_lock(&q->lock);
	if (q->n_waiting >= API_QUEUE_MAX) {
		pthread_mutex_unlock(&q->lock);
		return -EBUSY;
	}
	c->waiter = waiter;
	queue_append(q, c);
	pthread_mutex_unlock(&q->lock);
	api_poke(q->command_fd);
	return 0;
}

void api_queue_asked(struct api_queue *q)
{
	if (!q->asked_usec)
		q->asked_usec = clock_usec(CLOCK_MONOTONIC);
}

struct api_call *api_queue_take(struct api_queue *q)
{
	struct api_call *c;

	pthread_mutex_lock(&q->lock);
	c = q->first;
	if (c) {
		q->first = c->next;
		if (!q->first)
			q->last = &q->first;
		q->n_waiting--;
	}
	pthread_mutex_unlock(&q->lock);
	return c;
}

bool api_call_abandon(struct api_call *c, struct replay *replay)
{
	struct api_queue *q = c->queue;
	bool waits = true;

	pthread_mutex_lock(&q->lock);
	for (struct api_call *done = q->answered; done; done = done->next)
		if (done == c)
			waits = false;
	if (waits) {
		c->waiter = NULL;
		c->replay = replay;
	}
	pthread_mutex_unlock(&q->lock);
	return waits;
}

void api_queue_close(struct api_queue *q)
{
	struct api_call *answered, *next;

	pthread_mutex_lock(&q->lock);
	q->closed = true;
	answered = TAKE_PTR(q->answered);
	pthread_mutex_unlock(&q->lock);
	for (struct api_call *c = answered; c; c = next) {
		next = c->next;
		api_call_free(c);
	}
}

struct api_call *api_call_convert(struct api_call *c)
{
	struct api_queue *q = c->queue;
	struct api_call *ack = api_call_new(q, &operation_ack_route);
	bool answered = false;

	if (!ack)
		return NULL;
	pthread_mutex_lock(&q->lock);
	for (struct api_call *done = q->answered; done; done = done->next)
		answered |= done == c;
	if (!answered) {
		ack->waiter = TAKE_PTR(c->waiter);
		ack->converts = c;
		c->ack = ack;
		queue_append(q, ack); /* each is one of a connection's: they are few */
	}
	pthread_mutex_unlock(&q->lock);
	if (answered)
		return api_call_free(ack);
	api_poke(q->command_fd);
	return ack;
}

void api_call_on_end(struct api_call *call, api_call_ended fn, void *userdata)
{
	call->on_end = fn;
	call->on_end_userdata = userdata;
}

void api_call_location(struct api_call *call, const char *location)
{
	snprintf(call->location, sizeof(call->location), "%s", location);
}

static void tell_end(struct api_call *c)
{
	_cleanup_json_out_ struct json_out o = {0};

	if (!c->on_end)
		return;
	if (c->is_problem)
		problem_write(&c->problem, "/v1/operations", &o);
	c->on_end(c->on_end_userdata, c,
		c->is_problem ? problem_status(c->problem.code) : c->status, c->is_problem,
		c->is_problem ? o.buf : c->text);
}

/* Hands the answered call to the HTTP thread, or drops it when nobody waits. */
static void finish(struct api_call *c)
{
	struct api_queue *q = c->queue;
	bool waited, kept;

	pthread_mutex_lock(&q->lock);
	waited = (c->waiter || c->replay) && !q->closed;
	if (waited) {
		c->next = q->answered;
		q->answered = c;
		/* Under the lock: the HTTP thread may free call and queue right after. */
		api_poke(q->answer_fd);
	}
	kept = !waited && c->ack; /* for its acknowledgement */
	c->ended = kept;
	pthread_mutex_unlock(&q->lock);
	if (waited || kept)
		return;
	tell_end(c);
	api_call_free(c);
}

struct api_call *api_call_converted(struct api_call *ack)
{
	struct api_queue *q = ack->queue;
	struct api_call *c;
	bool ended;

	pthread_mutex_lock(&q->lock);
	c = TAKE_PTR(ack->converts);
	if (c)
		c->ack = NULL;
	ended = c && c->ended;
	pthread_mutex_unlock(&q->lock);
	if (!ended)
		return c;
	ack->is_problem = c->is_problem;
	ack->problem = c->problem;
	c->problem = (struct problem){0};
	ack->status = c->status;
	ack->text = TAKE_PTR(c->text);
	ack->len = c->len;
	memcpy(ack->etag, c->etag, sizeof(ack->etag));
	api_call_free(c);
	finish(ack);
	return NULL;
}

const char *api_call_by(const struct api_call *call)
{
	return call->by;
}

enum api_role api_call_needs(const struct api_call *call)
{
	return call->route->role;
}

bool api_call_may(struct api_call *call, enum api_role needed, const char *what)
{
	if (call->role >= needed)
		return true;
	api_call_problem_with(call, API_PROBLEM_DENIED,
		json_pack("{s:s,s:s}", "role", api_role_to_string(call->role), "needed",
			api_role_to_string(needed)),
		"%s: your role is %s, and this needs %s.", what, api_role_to_string(call->role),
		api_role_to_string(needed));
	return false;
}

bool api_call_dry_run(const struct api_call *call)
{
	return call->dry_run;
}

void api_call_tag(struct api_call *call, uint64_t tag)
{
	char text[API_TAG_MAX];

	snprintf(call->etag, sizeof(call->etag), "\"%s\"", tag_format(tag, text));
}

bool api_call_may_replace(struct api_call *call, const uint64_t *tag, bool needed)
{
	char text[API_TAG_MAX] = "";
	json_t *more;

	if (tag)
		tag_format(*tag, text);
	more = json_pack("{s:o}", "etag", tag ? json_sprintf("\"%s\"", text) : json_null());
	if (call->if_none && tag)
		api_call_problem_with(call, API_PROBLEM_PRECONDITION_FAILED, more,
			"It is there already, and If-None-Match: * was to make a new one: look at it with GET, and send its ETag as If-Match to replace it.");
	else if (*call->if_match && !tag)
		api_call_problem_with(call, API_PROBLEM_PRECONDITION_FAILED, more,
			"If-Match names a state of it, and it is not there: send If-None-Match: * to make it.");
	else if (*call->if_match && !tag_matches(call->if_match, text))
		api_call_problem_with(call, API_PROBLEM_PRECONDITION_FAILED, more,
			"It has changed since If-Match's state was read: look at it with GET, and try again with its ETag.");
	else if (needed && tag && !*call->if_match)
		api_call_problem_with(call, API_PROBLEM_PRECONDITION_REQUIRED, more,
			"It is there already: send the ETag of what you have seen (GET) as If-Match, so that nobody else's change is lost.");
	else
		return json_decref(more), true;
	return false;
}

bool api_call_is_late(const struct api_call *call)
{
	bool late;

	pthread_mutex_lock(&call->queue->lock);
	late = !call->waiter;
	pthread_mutex_unlock(&call->queue->lock);
	return late;
}

void api_call_reply(struct api_call *call, unsigned status, json_t *body)
{
	call->status = status;
	if (body) {
		call->text = json_dumps(body, JSON_COMPACT);
		json_decref(body);
		if (!call->text) {
			api_call_problem(
				call, API_PROBLEM_INTERNAL, "the answer could not be written");
			return;
		}
		call->len = strlen(call->text);
	}
	finish(call);
}

void api_call_reply_text(struct api_call *c, unsigned status, struct json_out *o)
{
	if (o->failed) {
		api_call_problem(c, API_PROBLEM_INTERNAL, "out of memory");
		return;
	}
	c->status = status;
	c->len = o->len;
	c->text = TAKE_PTR(o->buf);
	*o = (struct json_out){0};
	finish(c);
}

void api_call_reply_problem(struct api_call *c, struct problem *p)
{
	c->is_problem = true;
	c->problem = *p;
	*p = (struct problem){0};
	finish(c);
}

_printf_(4, 0) static void reply_problem_v(
	struct api_call *call, enum api_problem problem, json_t *more, const char *fmt, va_list ap)
{
	struct problem p = {.code = problem, .more = more};

	vsnprintf(p.detail, sizeof(p.detail), fmt, ap);
	api_call_reply_problem(call, &p);
}

void api_call_problem(struct api_call *call, enum api_problem problem, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	reply_problem_v(call, problem, NULL, fmt, ap);
	va_end(ap);
}

void api_call_problem_with(
	struct api_call *call, enum api_problem problem, json_t *more, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	reply_problem_v(call, problem, more, fmt, ap);
	va_end(ap);
}
