/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <strings.h>

#include "common/units.h"
#include "daemon/api/auth.h"
#include "daemon/api/framing.h"
#include "daemon/api/past.h"
#include "daemon/api/request.h"
#include "daemon/api/stream.h"
#include "daemon/sys/clock.h"

void request_free(struct request *r)
{
	if (!r)
		return;
	r->conn->request = NULL;
	request_replay_end(r, NULL); /* one that was never handed on */
	stream_free(r->stream);
	api_past_drop(r->past);
	api_call_free(r->call);
	problem_clear(&r->problem);
	free(r->path);
	free(r->body);
	free(r);
}

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
	request_free(r->conn->request);
	r->conn->request = r;
	r->http = cls;
	r->connection = connection;
	r->began_usec = clock_usec(CLOCK_MONOTONIC);
	conn_set_phase(r->conn, CONN_RECEIVING);
	framing_check_uri(r, uri);
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

/* Judges what is known before the body. */
static void request_open(
	struct request *r, const char *url, const char *method, const char *version)
{
	r->path = strdup(url);
	r->head = streq(method, "HEAD");
	if (!r->path || framing_check(r, version) < 0 || auth_check_browser(r, url, method) < 0 ||
		!(r->route = route_find(method, url, r->value, &r->problem)) ||
		auth_identify(r) < 0 || auth_check_rate(r) < 0 || auth_check_role(r) < 0) {
		r->failed = true;
		auth_count_refused(r);
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

/* Of a refused request's body so much is read and dropped, so that its sender sees the answer: four
 * times what a body may have. Whoever sends more is not read any further. */
#define REFUSED_MAX_BYTES (4 * BODY_MAX_BYTES)

/* Returns whether more may come. */
static bool request_receive(struct request *r, const char *data, size_t size)
{
	char *grown;

	if (!r->failed && r->body_len + size > BODY_MAX_BYTES)
		too_large(r);
	if (r->failed) {
		r->dropped_bytes += size;
		return r->dropped_bytes <= REFUSED_MAX_BYTES;
	}
	grown = realloc(r->body, r->body_len + size);
	if (!grown) {
		r->failed = true;
		problem_set(&r->problem, API_PROBLEM_INTERNAL, "out of memory");
		return true;
	}
	memcpy(grown + r->body_len, data, size);
	r->body = grown;
	r->body_len += size;
	return true;
}

static bool announces_more(struct MHD_Connection *connection, uint64_t bytes)
{
	const char *length = MHD_lookup_connection_value(
		connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return length && strtoull(length, NULL, 10) > bytes;
}

/* Such a client holds its body back until it is asked for it. */
static bool waits_to_be_asked(struct MHD_Connection *connection)
{
	const char *expect =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT);

	return expect && strcasecmp(expect, "100-continue") == 0;
}

/* Before its body has come. What is already on its way is read and dropped: to close on it would
 * reset the connection, and the client might never see the answer. Only where that is too much, or
 * the client waits to be asked, it is answered at once; of other methods than these two the library
 * would read the body all the same. */
static enum MHD_Result refuse(struct request *r, const char *method)
{
	bool early = streq(method, "PUT") || streq(method, "POST");

	r->closes = announces_more(r->connection, REFUSED_MAX_BYTES);
	if (early && (r->closes || waits_to_be_asked(r->connection)))
		return request_send_problem(r, &r->problem);
	return r->closes ? MHD_NO : MHD_YES;
}

/* The whole request is here. */
static enum MHD_Result request_go(struct request *r)
{
	if (r->failed && !r->asks_grant)
		return request_send_problem(r, &r->problem);
	if (atomic_load(&r->http->stop))
		return request_send_new_problem(r, API_PROBLEM_STOPPING, "ballastd is stopping");
	if (r->asks_grant)
		return request_ask_grant(r);
	if (r->route->kind == ROUTE_COMMAND)
		return request_command(r);
	if (r->body_len)
		return request_send_new_problem(r, API_PROBLEM_BODY_MALFORMED,
			"%s %s takes no body", r->route->method, r->path);
	if (r->route->kind == ROUTE_WHOAMI)
		return request_send_whoami(r);
	if (r->route->kind == ROUTE_FIXED)
		return request_send(r);
	if (r->route->kind == ROUTE_FILE)
		return request_send_file(r);
	if (r->route->kind == ROUTE_EVENTS && !r->query.guest)
		return request_send_events(r);
	return request_need_view(r);
}
enum MHD_Result request_handle(void *cls, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **con_cls)
{
	struct request *r = *con_cls;

	if (!r)
		return MHD_NO;
	if (!r->path) {
		if (framing_refuse_large(r))
			return MHD_NO;
		request_open(r, url, method, version);
		/* Nothing behind it is read: what is a body to one is a request to another. */
		if (r->failed && r->closes)
			return request_send_problem(r, &r->problem);
		if (!r->failed && announces_more(connection, BODY_MAX_BYTES))
			too_large(r);
		return r->failed && !r->asks_grant ? refuse(r, method) : MHD_YES;
	}
	if (*upload_size) {
		bool more = request_receive(r, upload, *upload_size);

		*upload_size = 0;
		return more ? MHD_YES : MHD_NO;
	}
	r->http->account.reserved = conn_is_local_admin(r->conn);
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
	request_free(r);
}
