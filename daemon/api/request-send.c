/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "common/units.h"
#include "daemon/api/metric.h"
#include "daemon/api/past.h"
#include "daemon/api/request.h"
#include "daemon/api/serve.h"
#include "daemon/api/stream.h"
#include "daemon/sys/clock.h"

/* A client that is told to come back does so after this. */
#define RETRY_SEC 1

/* A day: long enough that who comes daily never goes without TLS, short enough for a name on which
 * something else speaks plain HTTP later (a browser holds it against every port of the host). */
#define HSTS_NAME  "Strict-Transport-Security"
#define HSTS_VALUE "max-age=86400"

void request_fit_transport(const struct request *r, struct MHD_Response *response)
{
	bool has = MHD_get_response_header(response, HSTS_NAME), wants = r->conn->server->tls;

	if (wants && !has)
		MHD_add_response_header(response, HSTS_NAME, HSTS_VALUE);
	else if (has && !wants)
		MHD_del_response_header(response, HSTS_NAME, HSTS_VALUE);
}

static enum MHD_Result send_response(
	struct request *r, unsigned status, struct MHD_Response *response)
{
	conn_set_phase(r->conn, CONN_SENDING);
	http_stats_answered(&r->http->stats, r->route, status,
		clock_usec(CLOCK_MONOTONIC) - r->began_usec);
	request_fit_transport(r, response);
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

enum MHD_Result request_send_response(
	struct request *r, unsigned status, struct MHD_Response *response)
{
	return send_once(r, status, response);
}

enum MHD_Result request_send_problem(struct request *r, const struct problem *p)
{
	unsigned status = problem_status(p->code);
	_cleanup_json_out_ struct json_out o = {0};
	struct MHD_Response *response;

	r->http->stats.problems[p->code]++;
	problem_write(p, r->path ? r->path : "/", &o);
	response = response_new(&r->http->account, &o, "application/problem+json");
	if (response && p->allow[0])
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, p->allow);
	if (response && p->retry_usec)
		response_add_number(response, MHD_HTTP_HEADER_RETRY_AFTER,
			(p->retry_usec + USEC_PER_SEC - 1) / USEC_PER_SEC);
	else if (response &&
		 (status == MHD_HTTP_SERVICE_UNAVAILABLE || status == MHD_HTTP_TOO_MANY_REQUESTS))
		response_add_number(response, MHD_HTTP_HEADER_RETRY_AFTER, RETRY_SEC);
	/* Who has shown nothing and comes too often is not to go on where he is, either. */
	if (p->code == API_PROBLEM_TOO_MANY_REQUESTS && !client_is_known(&r->conn->peer))
		r->closes = true;
	r->conn->lingers = r->closes;
	if (response && r->closes)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	if (response && status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
			r->bad_credential ? "Bearer realm=\"ballast\", error=\"invalid_token\""
					  : "Bearer realm=\"ballast\"");
	return send_once(r, status, response);
}

enum MHD_Result request_send_new_problem(
	struct request *r, enum api_problem code, const char *fmt, ...)
{
	_cleanup_problem_ struct problem p = {.code = code};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p.detail, sizeof(p.detail), fmt, ap);
	va_end(ap);
	return request_send_problem(r, &p);
}

static enum MHD_Result send_json(struct request *r, unsigned status, struct json_out *o)
{
	struct MHD_Response *response = response_new(&r->http->account, o, "application/json");

	if (!response)
		return request_send_new_problem(
			r, API_PROBLEM_BUSY, "too many long answers are under way: try again");
	return send_once(r, status, response);
}

static enum MHD_Result send_busy(struct request *r)
{
	return request_send_new_problem(r, API_PROBLEM_BUSY, "too much is under way: try again");
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

/* NULL: there is no room for it now. */
static enum MHD_Result send_body(struct request *r, const struct body *body)
{
	const char *if_none_match;

	if (!body)
		return send_busy(r);
	if_none_match = MHD_lookup_connection_value(
		r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH);
	if (etag_matches(if_none_match, body->etag))
		return send_response(r, MHD_HTTP_NOT_MODIFIED, body->unchanged);
	return send_response(r, r->route->status, body->full);
}

static bool accepts(const struct request *r, const char *type)
{
	return accept_names(
		MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT),
		type);
}

static enum MHD_Result send_no_view(struct request *r)
{
	return request_send_new_problem(r, API_PROBLEM_NOT_READY,
		"ballastd has just started and has not seen its guests yet");
}

/* What a query asks for: written for it alone. */
static enum MHD_Result send_some(struct request *r)
{
	_cleanup_json_out_ struct json_out o = {0};
	const char *if_none_match = MHD_lookup_connection_value(
		r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH);
	struct MHD_Response *response;
	char etag[ETAG_TEXT_MAX];
	bool unchanged;

	if (r->route->view_some(&r->http->cache.view->known, &r->query, &o, &r->problem) < 0)
		return request_send_problem(r, &r->problem);
	if (o.failed || !o.buf)
		return send_busy(r);
	etag_format(o.buf, o.len, etag);
	unchanged = !r->old_view && etag_matches(if_none_match, etag);
	response = unchanged ? response_new_empty()
			     : response_new(&r->http->account, &o, "application/json");
	if (!response)
		return send_busy(r);
	if (r->old_view)
		response_add_number(response, "Ballast-View-Age", view_age_sec(r->http));
	else
		MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, etag);
	return send_once(r, unchanged ? MHD_HTTP_NOT_MODIFIED : r->route->status, response);
}

static enum MHD_Result send_view(struct request *r)
{
	struct body_cache *cache = &r->http->cache;
	size_t index;

	if (!cache->view)
		return send_no_view(r);
	cache->used_usec = r->http->now_usec;
	if (route_resolve(r->route, &cache->view->known, r->value, &index, &r->problem) < 0)
		return request_send_problem(r, &r->problem);
	if (r->route->view_some && r->query.given)
		return send_some(r);
	if (r->old_view)
		return send_old_view(r, index);
	return send_body(r, body_cache_get(cache, r->route, index));
}

static void write_metrics(struct request *r, bool openmetrics, struct json_out *o)
{
	struct http *h = r->http;
	struct metric_input in = {
		.known = &h->cache.view->known,
		.http = &h->stats,
		.view_age_usec = sub_sat(h->now_usec, h->view_usec),
		.openmetrics = openmetrics,
	};

	h->stats.connections = h->n_conns;
	h->stats.streams = h->n_streams;
	h->stats.waiting = 0;
	for (const struct request *w = h->waiting; w; w = w->next)
		h->stats.waiting++;
	h->stats.response_bytes = h->account.bytes;
	serve_metrics(&in, o);
}

/* Also from an old view: who looks at the daemon that way sees by ballast_view_age_seconds that it
 * does not turn. */
static enum MHD_Result send_metrics(struct request *r)
{
	bool openmetrics = accepts(r, METRIC_OPENMETRICS);
	const char *type = openmetrics ? METRIC_CONTENT_TYPE_OPENMETRICS : METRIC_CONTENT_TYPE_TEXT;
	struct body_cache *cache = &r->http->cache;
	const struct body *body;
	_cleanup_json_out_ struct json_out o = {0};

	if (!cache->view)
		return send_no_view(r);
	cache->used_usec = r->http->now_usec;
	body = r->old_view ? NULL : body_cache_find(cache, r->route, openmetrics);
	if (!body) {
		write_metrics(r, openmetrics, &o);
		body = body_cache_put(cache, r->route, openmetrics, &o, type);
	}
	return send_body(r, body);
}

enum MHD_Result request_send_whoami(struct request *r)
{
	const struct client *c = &r->conn->peer;
	_cleanup_json_out_ struct json_out o = {0};
	char by[CLIENT_BY_MAX];

	json_out_open(&o, '{');
	json_out_key_string(&o, "name", http_by(r->http, c, by));
	json_out_key_string(&o, "role", api_role_to_string(c->role));
	json_out_key_string(&o, "how", client_how_to_string(c->how));
	json_out_close(&o, '}');
	return send_json(r, r->route->status, &o);
}

/* Makes the question for the disk, if that is where the answer is. Returns 1, 0, or -1 with the
 * problem. */
static int events_are_past(struct request *r)
{
	const struct view *v = r->http->cache.view;
	struct eventlog *log = r->http->api->config.events;
	struct eventlog_filter f;
	struct uuid uuid;
	int past;

	if (!r->http->api->config.past_ask)
		return 0;
	if (serve_events_filter(
		    log, v ? &v->known : NULL, &r->query, true, &f, &uuid, &r->problem) < 0)
		return -1;
	past = serve_events_is_past(log, &f, r->query.after, &r->problem);
	if (past <= 0)
		return past;
	r->past = api_past_new(PAST_EVENTS);
	if (!r->past)
		return problem_set(&r->problem, API_PROBLEM_INTERNAL, "out of memory");
	if (!f.newest)
		past_events_ask(log, &f, r->query.after, &r->past->query.events);
	else if (past_newest_ask(log, &f, r->query.after, &r->past->query.events) < 0)
		return problem_set(&r->problem, API_PROBLEM_INTERNAL, "out of memory");
	return 1;
}

enum MHD_Result request_send_events(struct request *r)
{
	const struct view *v = r->http->cache.view;
	_cleanup_json_out_ struct json_out o = {0};
	int past;

	if (!r->head && accepts(r, "text/event-stream"))
		return stream_begin(r);
	past = r->past ? 0 : events_are_past(r);
	if (past < 0)
		return request_send_problem(r, &r->problem);
	if (past > 0)
		return request_ask_past(r);
	if (r->past && r->past->query.error == 0 && r->past->query.events.newest) {
		if (serve_newest_events(r->http->api->config.events, v ? &v->known : NULL,
			    &r->query, &r->past->query.events, &o, &r->problem) < 0)
			return request_send_problem(r, &r->problem);
		return send_json(r, r->route->status, &o);
	}
	if (r->past && r->past->query.error == 0) {
		serve_past_events(r->http->api->config.events, &r->past->query.events, &o);
		return send_json(r, r->route->status, &o);
	}
	/* Where the disk cannot be read, what is in memory must do: it says that it is not all. */
	if (serve_events(r->http->api->config.events, v ? &v->known : NULL, &r->query, &o,
		    &r->problem) < 0)
		return request_send_problem(r, &r->problem);
	return send_json(r, r->route->status, &o);
}

enum MHD_Result request_send_file(struct request *r)
{
	const char *if_none_match = MHD_lookup_connection_value(
		r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH);
	struct MHD_Response *response;
	unsigned status;
	int file = www_find(r->value);

	if (file < 0)
		return request_send_new_problem(r, API_PROBLEM_ROUTE_UNKNOWN,
			"the dashboard has no file \"%.200s\"; it begins at /", r->value);
	response = www_answer(r->http->www, file, if_none_match, &status);
	return send_response(r, status, response);
}

static enum MHD_Result send_health(struct request *r)
{
	const struct view *v = r->http->cache.view;
	_cleanup_json_out_ struct json_out o = {0};

	if (r->old_view)
		return request_send_new_problem(r, API_PROBLEM_STUCK,
			"the main loop has not turned for %llu s: see the journal of ballastd",
			(unsigned long long)MAX(
				view_age_sec(r->http), VIEW_WAIT_USEC / USEC_PER_SEC));
	if (r->route->kind == ROUTE_READY && (!v || !v->known.ready))
		return request_send_new_problem(r, API_PROBLEM_NOT_READY,
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
	struct MHD_Response *response;

	if (c->is_problem)
		return request_send_problem(r, &c->problem);
	if (c->text) {
		o = (struct json_out){
			.buf = TAKE_PTR(c->text), .len = c->len, .allocated = c->len + 1};
		response = response_new(&r->http->account, &o, "application/json");
	} else {
		response = response_new_empty();
	}
	if (!response)
		return send_busy(r);
	if (*c->etag)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, c->etag);
	if (*c->location)
		MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION, c->location);
	return send_once(r, c->status, response);
}

/* What is asked of the disk. A guest that runs is asked for by its UUID: another one may have had
 * its name. */
static int make_history(struct request *r)
{
	const struct view *v = r->http->cache.view;
	struct past_history *h = &r->past->query.history;
	size_t index;
	ssize_t i;

	h->of_host = r->route->noun == NOUN_HOST;
	snprintf(h->word, sizeof(h->word), "%s", r->value);
	snprintf(h->name, sizeof(h->name), "%s", r->value);
	if (h->of_host && !v && !streq(r->value, "self"))
		return problem_set_unknown(
			&r->problem, API_PROBLEM_HOST_UNKNOWN, "host", r->value, "self");
	if (h->of_host && v &&
		route_resolve(r->route, &v->known, r->value, &index, &r->problem) < 0)
		return -1;
	if (h->of_host && v)
		snprintf(h->name, sizeof(h->name), "%s", v->known.snapshot->host.name);
	i = v && !h->of_host ? snapshot_find_guest(v->known.snapshot, r->value) : -ENOENT;
	if (i >= 0) {
		h->guest = v->known.snapshot->guests[i].id.uuid;
		snprintf(h->name, sizeof(h->name), "%s", v->known.snapshot->guests[i].id.name);
		uuid_format(&h->guest, h->word);
	}
	return history_ask(
		&r->query, clock_real_usec(), r->http->api->config.sample_sec, h, &r->problem);
}

/* A guest of which there is nothing yet has a history without anything in it; one that nobody knows
 * has none. */
static int history_of_nothing(struct request *r)
{
	const struct view *v = r->http->cache.view;
	struct past_history *h = &r->past->query.history;

	if (!h->of_host && !(v && snapshot_find_guest(v->known.snapshot, r->value) >= 0))
		return problem_set_unknown(&r->problem, API_PROBLEM_GUEST_UNKNOWN, "guest",
			r->value, v ? snapshot_nearest_guest(v->known.snapshot, r->value) : NULL);
	h->series = series_new(h->of_host ? SERIES_HOST : SERIES_GUEST, h->from_sec, h->step_sec,
		(size_t)((h->until_sec - h->from_sec + h->step_sec - 1) / h->step_sec));
	return h->series ? 0 : problem_set(&r->problem, API_PROBLEM_INTERNAL, "out of memory");
}

static enum MHD_Result request_send_history(struct request *r)
{
	_cleanup_json_out_ struct json_out o = {0};

	if (!r->past) {
		r->past = api_past_new(PAST_HISTORY);
		if (!r->past)
			return request_send_new_problem(r, API_PROBLEM_INTERNAL, "out of memory");
		if (make_history(r) < 0)
			return request_send_problem(r, &r->problem);
		return request_ask_past(r);
	}
	if (r->past->query.error == -ENOENT && history_of_nothing(r) < 0)
		return request_send_problem(r, &r->problem);
	if (!r->past->query.history.series)
		return request_send_new_problem(r, API_PROBLEM_BUSY,
			"the history cannot be read from the disk now: see ballastctl status");
	serve_history(&r->past->query.history, &o);
	return send_json(r, r->route->status, &o);
}

enum MHD_Result request_send(struct request *r)
{
	if (r->failed)
		return request_send_problem(r, &r->problem);
	switch (r->route->kind) {
	case ROUTE_VIEW:
		return send_view(r);
	case ROUTE_METRICS:
		return send_metrics(r);
	case ROUTE_EVENTS:
		return request_send_events(r);
	case ROUTE_FIXED:
		return send_body(r, body_cache_get_fixed(&r->http->cache, r->route));
	case ROUTE_HEALTH:
	case ROUTE_READY:
		return send_health(r);
	case ROUTE_HISTORY:
		return request_send_history(r);
	case ROUTE_FILE:
		return request_send_file(r);
	case ROUTE_WHOAMI:
		return request_send_whoami(r);
	case ROUTE_COMMAND:
		break;
	}
	return send_answer(r);
}
