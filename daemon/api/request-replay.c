/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Idempotency-Key: a request that is sent again gets the answer of the first. */
#include <stdio.h>

#include "daemon/api/request.h"
#include "daemon/api/tag.h"

static const char key_header[] = "Idempotency-Key";

static uint64_t more(uint64_t h, const void *data, size_t len)
{
	return tag_hash((uint64_t[]){h, data ? tag_hash(data, len) : 0}, 2 * sizeof(h));
}

/* All that it asks. */
static uint64_t request_hash(const struct request *r, const struct api_call *c)
{
	uint64_t h = more(0, r->route->method, strlen(r->route->method));

	h = more(h, r->path, strlen(r->path));
	h = more(h, &c->dry_run, sizeof(c->dry_run));
	h = more(h, &c->if_none, sizeof(c->if_none));
	h = more(h, c->if_match, strlen(c->if_match));
	return more(h, r->body, r->body_len);
}

static int take_key(const struct request *r, const char **ret, struct problem *p)
{
	*ret = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, key_header);
	if (!*ret || replay_key_is_good(*ret))
		return 0;
	problem_set(p, API_PROBLEM_QUERY_INVALID,
		"header %s: expected 1 to %d bytes of ASCII without blanks", key_header,
		REPLAY_KEY_MAX);
	snprintf(p->parameter, sizeof(p->parameter), "%s", key_header);
	return -1;
}

static enum MHD_Result send_stored(struct request *r, const struct replay *e)
{
	_cleanup_json_out_ struct json_out o = {0};
	struct MHD_Response *response;

	if (e->text) {
		o = (struct json_out){
			.buf = strndup(e->text, e->len), .len = e->len, .allocated = e->len + 1};
		response = response_new(&r->http->account, &o,
			e->is_problem ? "application/problem+json" : "application/json");
	} else {
		response = response_new_empty();
	}
	if (!response)
		return request_send_new_problem(
			r, API_PROBLEM_BUSY, "too much is under way: try again");
	if (*e->etag)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, e->etag);
	if (*e->location)
		MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION, e->location);
	MHD_add_response_header(response, "Idempotency-Replayed", "true");
	return request_send_response(r, e->status, response);
}

bool request_replay(struct request *r, const struct api_call *c, enum MHD_Result *ret)
{
	struct replay_ask asked = {.client = r->conn->peer.key, .path = r->path};
	struct replay *e = NULL;

	if (streq(r->route->method, "GET"))
		return false;
	if (take_key(r, &asked.key, &r->problem) < 0) {
		*ret = request_send_problem(r, &r->problem);
		return true;
	}
	if (!asked.key)
		return false;
	asked.request = request_hash(r, c);
	switch (replay_begin(&r->http->replays, &asked, r->http->now_usec, &e)) {
	case REPLAY_NEW:
		r->replay = e;
		return false;
	case REPLAY_STORED:
		*ret = send_stored(r, e);
		break;
	case REPLAY_UNDER_WAY:
		*ret = request_send_new_problem(r, API_PROBLEM_CONFLICT,
			"the request with this %s has no answer yet: wait, and send it again",
			key_header);
		break;
	case REPLAY_MISMATCH:
		*ret = request_send_new_problem(r, API_PROBLEM_IDEMPOTENCY_MISMATCH,
			"this %s was another request's within the last 10 minutes: take a new one for each request",
			key_header);
		break;
	case REPLAY_FULL:
		*ret = request_send_new_problem(r, API_PROBLEM_BUSY,
			"too many requests with %s are under way: try again", key_header);
		break;
	}
	return true;
}

/* Nothing was done, and it can be sent again. */
static bool is_passing(const struct api_call *c)
{
	return c->is_problem &&
	       (c->problem.code == API_PROBLEM_BUSY || c->problem.code == API_PROBLEM_NOT_READY ||
		       c->problem.code == API_PROBLEM_STOPPING ||
		       c->problem.code == API_PROBLEM_TOO_MANY_REQUESTS ||
		       c->problem.code == API_PROBLEM_STUCK ||
		       c->problem.code == API_PROBLEM_STATE_UNWRITABLE);
}

/* c: as request_replay_end() has it. */
static void end(struct http *h, struct replay *e, const struct api_call *c)
{
	_cleanup_json_out_ struct json_out o = {0};

	if (!c || is_passing(c)) {
		replay_forget(&h->replays, e);
		return;
	}
	if (c->is_problem)
		problem_write(&c->problem, e->path, &o);
	snprintf(e->etag, sizeof(e->etag), "%s", c->etag);
	snprintf(e->location, sizeof(e->location), "%s", c->location);
	replay_store(&h->replays, e, c->is_problem ? problem_status(c->problem.code) : c->status,
		c->is_problem, c->is_problem ? o.buf : c->text, c->is_problem ? o.len : c->len,
		h->now_usec);
}

void request_replay_end(struct request *r, const struct api_call *c)
{
	struct replay *e = TAKE_PTR(r->replay);

	if (e)
		end(r->http, e, c);
}

void request_replay_late(struct http *h, struct api_call *c)
{
	end(h, TAKE_PTR(c->replay), c);
}
