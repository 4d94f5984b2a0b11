/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "common/units.h"
#include "daemon/api/http.h"
#include "daemon/api/serve.h"

/* How long a view may keep a reader waiting; then the last one is shown, with its age. */
#define VIEW_WAIT_USEC (2 * USEC_PER_SEC)
/* A client that is told to come back does so after this. */
#define RETRY_SEC 1

/* ---- waiting ---- */

static void request_wait(struct request *r, enum request_state state, uint64_t usec)
{
	struct http *h = r->http;

	r->state = state;
	r->deadline_usec = h->now_usec + usec;
	r->prev = NULL;
	r->next = h->waiting;
	if (r->next)
		r->next->prev = r;
	h->waiting = r;
	http_check_by(h, r->deadline_usec);
	conn_set_phase(r->conn, CONN_WAITING);
	MHD_suspend_connection(r->connection);
}

static void request_unlink(struct request *r)
{
	if (r->prev)
		r->prev->next = r->next;
	else
		r->http->waiting = r->next;
	if (r->next)
		r->next->prev = r->prev;
	r->prev = r->next = NULL;
}

static void request_wake(struct request *r)
{
	request_unlink(r);
	r->state = REQUEST_READY;
	MHD_resume_connection(r->connection);
}

void requests_view_made(struct http *h)
{
	struct request *next;

	body_cache_set_view(&h->cache, view_get(h->api->config.views));
	for (struct request *r = h->waiting; r; r = next) {
		next = r->next;
		if (r->state == REQUEST_WAITS_VIEW)
			request_wake(r);
	}
}

void request_answered(struct api_call *c)
{
	struct request *r = c->waiter;

	if (c->route->changes && !c->dry_run && !c->is_problem)
		r->http->view_outdated = true;
	r->call = c;
	request_wake(r);
}

void request_expire(struct request *r)
{
	if (r->state == REQUEST_WAITS_VIEW) {
		r->old_view = true;
		if (!r->http->cache.view)
			body_cache_set_view(&r->http->cache, view_get(r->http->api->config.views));
		r->http->cache.used_usec = r->http->now_usec;
	} else {
		if (!api_call_abandon(r->call))
			return; /* its answer is being taken just now */
		r->call = NULL;
		r->failed = true;
		problem_set(&r->problem, API_PROBLEM_TIMEOUT,
			"%s %s takes longer than its deadline and goes on: watch /v1/events",
			r->route->method, r->path);
	}
	request_wake(r);
}

void requests_stop(struct http *h)
{
	struct request *next;

	for (struct request *r = h->waiting; r; r = next) {
		next = r->next;
		if (r->state == REQUEST_WAITS_CALL) {
			if (!api_call_abandon(r->call))
				continue;
			r->call = NULL;
		}
		r->failed = true;
		problem_set(&r->problem, API_PROBLEM_STOPPING,
			"ballastd is stopping; what was asked may or may not have been done");
		request_wake(r);
	}
}

/* ---- answering ---- */

static enum MHD_Result send_response(
	struct request *r, unsigned status, struct MHD_Response *response)
{
	conn_set_phase(r->conn, CONN_SENDING);
	return MHD_queue_response(r->connection, status, response);
}

/* The same for a response that is used once. NULL closes the connection: there is no memory to say
 * anything. */
static enum MHD_Result send_once(struct request *r, unsigned status, struct MHD_Response *response)
{
	enum MHD_Result sent;

	if (!response)
		return MHD_NO;
	sent = send_response(r, status, response);
	MHD_destroy_response(response);
	return sent;
}

static enum MHD_Result send_problem(struct request *r, const struct problem *p)
{
	unsigned status = problem_status(p->code);
	_cleanup_json_out_ struct json_out o = {0};
	struct MHD_Response *response;

	problem_write(p, r->path ? r->path : "/", &o);
	response = response_new(&r->http->account, &o, "application/problem+json");
	if (response && p->allow[0])
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, p->allow);
	if (response && status == MHD_HTTP_SERVICE_UNAVAILABLE)
		response_add_number(response, MHD_HTTP_HEADER_RETRY_AFTER, RETRY_SEC);
	return send_once(r, status, response);
}

_printf_(3, 4) static enum MHD_Result
	send_new_problem(struct request *r, enum api_problem code, const char *fmt, ...)
{
	_cleanup_problem_ struct problem p = {.code = code};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p.detail, sizeof(p.detail), fmt, ap);
	va_end(ap);
	return send_problem(r, &p);
}

static enum MHD_Result send_json(struct request *r, unsigned status, struct json_out *o)
{
	struct MHD_Response *response = response_new(&r->http->account, o, "application/json");

	if (!response)
		return send_new_problem(
			r, API_PROBLEM_BUSY, "too many long answers are under way: try again");
	return send_once(r, status, response);
}

static enum MHD_Result send_busy(struct request *r)
{
	return send_new_problem(r, API_PROBLEM_BUSY, "too much is under way: try again");
}

static uint64_t view_age_sec(const struct http *h)
{
	return sub_sat(h->now_usec, h->view_usec) / USEC_PER_SEC;
}

/* From an old view, with its age: not cached, since the age is in the header. */
static enum MHD_Result send_old_view(struct request *r, size_t index)
{
	_cleanup_json_out_ struct json_out o = {0};
	struct MHD_Response *response;

	r->route->view(&r->http->cache.view->known, index, &o);
	response = response_new(&r->http->account, &o, "application/json");
	if (!response)
		return send_busy(r);
	response_add_number(response, "Ballast-View-Age", view_age_sec(r->http));
	return send_once(r, r->route->status, response);
}

static enum MHD_Result send_view(struct request *r)
{
	struct body_cache *cache = &r->http->cache;
	const char *if_none_match;
	const struct body *body;
	size_t index;

	if (!cache->view)
		return send_new_problem(r, API_PROBLEM_NOT_READY,
			"ballastd has just started and has not seen its guests yet");
	cache->used_usec = r->http->now_usec;
	if (route_resolve(r->route, &cache->view->known, r->value, &index, &r->problem) < 0)
		return send_problem(r, &r->problem);
	if (r->old_view)
		return send_old_view(r, index);
	body = body_cache_get(cache, r->route, index);
	if (!body)
		return send_busy(r);
	if_none_match = MHD_lookup_connection_value(
		r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH);
	if (etag_matches(if_none_match, body->etag))
		return send_response(r, MHD_HTTP_NOT_MODIFIED, body->unchanged);
	return send_response(r, r->route->status, body->full);
}

static enum MHD_Result send_events(struct request *r)
{
	const struct view *v = r->http->cache.view;
	_cleanup_json_out_ struct json_out o = {0};

	if (serve_events(r->http->api->config.events, v ? &v->known : NULL, &r->query, &o,
		    &r->problem) < 0)
		return send_problem(r, &r->problem);
	return send_json(r, r->route->status, &o);
}

static enum MHD_Result send_health(struct request *r)
{
	const struct view *v = r->http->cache.view;
	_cleanup_json_out_ struct json_out o = {0};

	if (r->old_view)
		return send_new_problem(r, API_PROBLEM_STUCK,
			"the main loop has not turned for %llu s: see the journal of ballastd",
			(unsigned long long)MAX(
				view_age_sec(r->http), VIEW_WAIT_USEC / USEC_PER_SEC));
	if (r->route->kind == ROUTE_READY && (!v || !v->known.ready))
		return send_new_problem(r, API_PROBLEM_NOT_READY,
			"guests were not listed yet, or nothing was decided yet: is libvirt "
			"running?");
	json_out_open(&o, '{');
	if (r->route->kind == ROUTE_READY)
		json_out_key_bool(&o, "ready", true);
	else
		json_out_key_string(&o, "status", "ok");
	json_out_close(&o, '}');
	return send_json(r, r->route->status, &o);
}

static enum MHD_Result send_answer(struct request *r)
{
	_cleanup_json_out_ struct json_out o = {0};
	struct api_call *c = r->call;

	if (c->is_problem)
		return send_problem(r, &c->problem);
	if (!c->text)
		return send_once(r, c->status, response_new_empty());
	o = (struct json_out){.buf = TAKE_PTR(c->text), .len = c->len, .allocated = c->len + 1};
	return send_json(r, c->status, &o);
}

static enum MHD_Result request_send(struct request *r)
{
	if (r->failed)
		return send_problem(r, &r->problem);
	switch (r->route->kind) {
	case ROUTE_VIEW:
		return send_view(r);
	case ROUTE_EVENTS:
		return send_events(r);
	case ROUTE_HEALTH:
	case ROUTE_READY:
		return send_health(r);
	case ROUTE_COMMAND:
		break;
	}
	return send_answer(r);
}

/* ---- asking the main loop ---- */

static bool view_is_fresh(const struct http *h)
{
	return h->view_usec && !h->view_outdated && h->now_usec - h->view_usec < API_VIEW_AGE_USEC;
}

static void ask_for_view(struct http *h)
{
	struct api_queue *q = h->api->queue;

	if (h->view_asked)
		return;
	h->view_asked = true;
	/* What is acknowledged from here on may miss the view that is made now. */
	h->view_outdated = false;
	pthread_mutex_lock(&q->lock);
	q->view_wanted = true;
	pthread_mutex_unlock(&q->lock);
	api_poke(q->command_fd);
}

static enum MHD_Result request_need_view(struct request *r)
{
	if (view_is_fresh(r->http)) {
		r->state = REQUEST_READY;
		return request_send(r);
	}
	ask_for_view(r->http);
	request_wait(r, REQUEST_WAITS_VIEW, VIEW_WAIT_USEC);
	return MHD_YES;
}

/* The call that the request asks for, or NULL with r->problem. */
static struct api_call *make_call(struct request *r)
{
	struct api_call *c = api_call_new(r->http->api->queue, r->route);

	if (!c) {
		problem_set(&r->problem, API_PROBLEM_INTERNAL, "out of memory");
		return NULL;
	}
	memcpy(c->value, r->value, sizeof(c->value));
	c->dry_run = r->query.dry_run;
	if (r->route->changes)
		peer_by(r->conn->peer.uid, c->by);
	if (route_read_body(r->route, r->body, r->body_len, &c->body, &r->problem) < 0 ||
		(r->route->prepare && r->route->prepare(c, &r->problem) < 0))
		return api_call_free(c);
	return c;
}

static enum MHD_Result request_command(struct request *r)
{
	struct api_call *c = make_call(r);
	uint64_t deadline_usec = r->http->api->config.deadline_usec;

	if (!c)
		return send_problem(r, &r->problem);
	deadline_usec += c->extra_usec;
	r->call = c;
	if (api_call_submit(c, r) < 0) {
		r->call = api_call_free(c);
		return send_new_problem(r, API_PROBLEM_BUSY,
			"%d commands wait for the main loop already: try again", API_QUEUE_MAX);
	}
	request_wait(r, REQUEST_WAITS_CALL, deadline_usec);
	return MHD_YES;
}

/* The whole request is here. */
static enum MHD_Result request_go(struct request *r)
{
	if (r->failed)
		return send_problem(r, &r->problem);
	if (atomic_load(&r->http->stop))
		return send_new_problem(r, API_PROBLEM_STOPPING, "ballastd is stopping");
	if (r->route->kind == ROUTE_COMMAND)
		return request_command(r);
	if (r->body_len)
		return send_new_problem(r, API_PROBLEM_BODY_MALFORMED, "%s %s takes no body",
			r->route->method, r->path);
	if (r->route->kind == ROUTE_EVENTS && !r->query.guest)
		return send_events(r);
	return request_need_view(r);
}

/* ---- receiving ---- */

void *request_begin(void *cls, const char *uri, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct request *r = calloc(1, sizeof(*r));

	if (!r || !info || !info->socket_context) {
		free(r);
		return NULL;
	}
	r->conn = info->socket_context;
	r->http = cls;
	r->connection = connection;
	conn_set_phase(r->conn, CONN_RECEIVING);
	return r;
}

static enum MHD_Result take_param(void *cls, enum MHD_ValueKind kind, const char *key,
	size_t key_size, const char *value, size_t value_size)
{
	struct request *r = cls;

	if (route_take_param(r->route, key, value, &r->query, &r->problem) < 0) {
		r->failed = true;
		return MHD_NO;
	}
	return MHD_YES;
}

/* Bodies are JSON and say so: what a page of a foreign site can send by itself is not. */
static bool says_json(struct MHD_Connection *connection)
{
	const char *type = MHD_lookup_connection_value(
		connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);
	static const char json[] = "application/json";

	return type && strncasecmp(type, json, sizeof(json) - 1) == 0 &&
	       (!type[sizeof(json) - 1] || strchr("; \t", type[sizeof(json) - 1]));
}

static int check_role(struct request *r)
{
	enum api_role role = r->conn->peer.role;

	if (role >= r->route->role)
		return 0;
	problem_set(&r->problem, API_PROBLEM_DENIED,
		"uid %u has role %s here and needs %s: join the group that has it ([API] in "
		"ballast.conf)",
		(unsigned)r->conn->peer.uid, api_role_to_string(role),
		api_role_to_string(r->route->role));
	r->problem.has_role = true;
	r->problem.role = role;
	r->problem.needed = r->route->role;
	return -1;
}

/* Judges what is known before the body. */
static void request_open(struct request *r, const char *url, const char *method)
{
	r->path = strdup(url);
	r->route = route_find(method, url, r->value, &r->problem);
	if (!r->path || !r->route || check_role(r) < 0) {
		r->failed = true;
		return;
	}
	MHD_get_connection_values_n(r->connection, MHD_GET_ARGUMENT_KIND, take_param, r);
	if (!r->failed && r->route->body && !says_json(r->connection)) {
		problem_set(&r->problem, API_PROBLEM_MEDIA_TYPE,
			"%s %s takes JSON: send Content-Type: application/json", method, url);
		r->failed = true;
	}
}

static int too_large(struct request *r)
{
	r->failed = true;
	free(TAKE_PTR(r->body));
	r->body_len = 0;
	return problem_set(&r->problem, API_PROBLEM_BODY_TOO_LARGE, "a body has at most %llu bytes",
		(unsigned long long)BODY_MAX_BYTES);
}

static void request_receive(struct request *r, const char *data, size_t size)
{
	char *grown;

	if (r->failed)
		return;
	if (r->body_len + size > BODY_MAX_BYTES) {
		too_large(r);
		return;
	}
	grown = realloc(r->body, r->body_len + size);
	if (!grown) {
		r->failed = true;
		problem_set(&r->problem, API_PROBLEM_INTERNAL, "out of memory");
		return;
	}
	memcpy(grown + r->body_len, data, size);
	r->body = grown;
	r->body_len += size;
}

static bool announces_too_much(struct MHD_Connection *connection)
{
	const char *length = MHD_lookup_connection_value(
		connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return length && strtoull(length, NULL, 10) > BODY_MAX_BYTES;
}

/* Such a client holds its body back until it is asked for it. */
static bool waits_to_be_asked(struct MHD_Connection *connection)
{
	const char *expect = MHD_lookup_connection_value(
		connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT);

	return expect && strcasecmp(expect, "100-continue") == 0;
}

enum MHD_Result request_handle(void *cls, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **con_cls)
{
	struct request *r = *con_cls;

	if (!r)
		return MHD_NO;
	if (!r->path) {
		request_open(r, url, method);
		if (!r->failed && announces_too_much(connection))
			too_large(r);
		/* What is already on its way is read and dropped: to close on it would reset the
		 * connection, and the client would never see the answer. */
		if (r->failed && waits_to_be_asked(connection))
			return send_problem(r, &r->problem);
		return MHD_YES;
	}
	if (*upload_size) {
		request_receive(r, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	return r->state == REQUEST_READY ? request_send(r) : request_go(r);
}

void request_end(void *cls, struct MHD_Connection *connection, void **con_cls,
	enum MHD_RequestTerminationCode toe)
{
	struct request *r = *con_cls;

	if (!r)
		return;
	*con_cls = NULL;
	conn_set_phase(r->conn, CONN_IDLE);
	api_call_free(r->call);
	problem_clear(&r->problem);
	free(r->path);
	free(r->body);
	free(r);
}
