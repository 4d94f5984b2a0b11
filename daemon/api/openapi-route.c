/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <stdio.h>

#include "daemon/api/openapi.h"

static const char *noun_summary(enum route_noun noun)
{
	switch (noun) {
	case NOUN_HOST:
		return "the host's name, or self";
	case NOUN_GUEST:
		return "the guest's UUID or name";
	case NOUN_OVERRIDDEN:
		return "the guest's UUID or name, also of one that does not run now";
	case NOUN_POLICY:
		return "the policy's name, with or without .policy";
	case NOUN_POLICY_NAME:
		return "the policy's name, with or without .policy: of letters, digits, _, - and .";
	case NOUN_OPERATION:
		return "the operation's number";
	case NOUN_RESERVATION:
		return "the reservation's number, or the UUID of the guest that it is for";
	case NOUN_RECORDED:
	case NOUN_FILE:
		return "the file's name";
	case NOUN_NONE:
		break;
	}
	return "";
}

static void write_path_param(struct json_out *o, const struct route *r)
{
	const char *begin = strchr(r->path, '{');
	char name[32];

	if (!begin)
		return;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(begin + 1, "}"), begin + 1);
	json_out_open(o, '{');
	json_out_key_string(o, "name", name);
	json_out_key_string(o, "in", "path");
	json_out_key_bool(o, "required", true);
	json_out_key_string(o, "description", noun_summary(r->noun));
	json_out_key_string(o, "example", openapi_path_example(r->noun));
	json_out_key_open(o, "schema", '{');
	json_out_key_string(o, "type", "string");
	json_out_key_u64(o, "minLength", 1);
	json_out_key_u64(o, "maxLength", ROUTE_VALUE_MAX - 1);
	json_out_close(o, '}');
	json_out_close(o, '}');
}

void openapi_write_ref(struct json_out *o, const char *kind, const char *name)
{
	char ref[96];

	snprintf(ref, sizeof(ref), "#/components/%s/%s", kind, name);
	json_out_open(o, '{');
	json_out_key_string(o, "$ref", ref);
	json_out_close(o, '}');
}

static void write_params(struct json_out *o, const struct route *r)
{
	json_out_key_open(o, "parameters", '[');
	write_path_param(o, r);
	for (const struct route_param *p = route_params(r); p->name; p++) {
		json_out_open(o, '{');
		json_out_key_string(o, "name", p->name);
		json_out_key_string(o, "in", "query");
		json_out_key_bool(o, "required", false);
		json_out_key_string(o, "description", p->summary);
		json_out_key(o, "schema");
		openapi_write_param_schema(o, p);
		json_out_close(o, '}');
	}
	if (route_has_etag(r))
		openapi_write_ref(o, "parameters", "IfNoneMatch");
	if (r->kind == ROUTE_COMMAND && !streq(r->method, "GET"))
		openapi_write_ref(o, "parameters", "IdempotencyKey");
	if (r->takes_long)
		openapi_write_ref(o, "parameters", "Prefer");
	if (r->match != ROUTE_MATCH_NOT) {
		openapi_write_ref(o, "parameters", "IfMatch");
		openapi_write_ref(o, "parameters", "IfNone");
	}
	json_out_close(o, ']');
}

static void write_body(struct json_out *o, const struct route *r)
{
	if (!r->body)
		return;
	json_out_key_open(o, "requestBody", '{');
	json_out_key_bool(o, "required", true);
	json_out_key_open(o, "content", '{');
	json_out_key_open(o, "application/json", '{');
	json_out_key(o, "schema");
	openapi_write_body(o, r->body);
	if (openapi_body_example(r)) {
		json_out_key(o, "example");
		json_out_raw(o, openapi_body_example(r), strlen(openapi_body_example(r)));
	}
	json_out_close(o, '}');
	json_out_close(o, '}');
	json_out_close(o, '}');
}

/* One media type of an answer; text has no schema but that it is text. */
static void write_media(struct json_out *o, const char *media, const struct schema *s)
{
	json_out_key_open(o, media, '{');
	if (s) {
		json_out_key(o, "schema");
		openapi_write_schema_ref(o, s->name);
		json_out_key(o, "example");
		openapi_write_example(o, s);
	} else {
		openapi_write_string_schema(o);
		json_out_key_string(o, "example", openapi_text_example(media));
	}
	json_out_close(o, '}');
}

/* Events by name; "*" is any other. */
static void write_stream(struct json_out *o, const struct schema_stream *e)
{
	json_out_key_open(o, "text/event-stream", '{');
	json_out_key_open(o, "schema", '{');
	json_out_key_string(o, "type", "string");
	json_out_key_string(
		o, "description", "x-ballast-events says what the data of each event is");
	json_out_close(o, '}');
	json_out_key_string(o, "example", openapi_text_example("text/event-stream"));
	json_out_key_open(o, "x-ballast-events", '{');
	for (; e->of; e++) {
		json_out_key(o, e->event ? e->event : "*");
		openapi_write_schema_ref(o, e->of->name);
	}
	json_out_close(o, '}');
	json_out_close(o, '}');
}

static void write_headers(struct json_out *o, const struct route *r)
{
	json_out_key_open(o, "headers", '{');
	json_out_key(o, "Ballast-Api");
	openapi_write_ref(o, "headers", "BallastApi");
	if (route_has_etag(r)) {
		json_out_key(o, "ETag");
		openapi_write_ref(o, "headers", "ETag");
	} else if (r->match != ROUTE_MATCH_NOT && r->answer) {
		json_out_key(o, "ETag");
		openapi_write_ref(o, "headers", "NewETag");
	}
	if (r->kind == ROUTE_VIEW) {
		json_out_key(o, "Ballast-View-Age");
		openapi_write_ref(o, "headers", "BallastViewAge");
	}
	json_out_close(o, '}');
}

static void write_success_of(struct json_out *o, const struct route *r, unsigned code)
{
	const struct schema *s = r->answer;
	char status[8];

	snprintf(status, sizeof(status), "%u", code);
	json_out_key_open(o, status, '{');
	json_out_key_string(
		o, "description", s ? s->summary : "done; with dry_run: it can be done");
	write_headers(o, r);
	if (s) {
		json_out_key_open(o, "content", '{');
		write_media(o, schema_media(s), s->fields ? s : NULL);
		if (s->stream)
			write_media(o, s->stream, NULL);
		if (s->events)
			write_stream(o, s->events);
		json_out_close(o, '}');
	}
	json_out_close(o, '}');
}

static void write_success(struct json_out *o, const struct route *r)
{
	write_success_of(o, r, r->status);
	if (r->also_status)
		write_success_of(o, r, r->also_status);
	if (r->takes_long) {
		json_out_key_open(o, "202", '{');
		json_out_key_string(o, "description", "it goes on: Location names its operation");
		json_out_key_open(o, "headers", '{');
		json_out_key(o, "Location");
		openapi_write_ref(o, "headers", "Location");
		json_out_close(o, '}');
		json_out_key_open(o, "content", '{');
		write_media(o, "application/json", &operation_schema);
		json_out_close(o, '}');
		json_out_close(o, '}');
	}
	if (route_has_etag(r)) {
		json_out_key(o, "304");
		openapi_write_ref(o, "responses", "NotModified");
	}
}

static void write_problem_ref(struct json_out *o, enum api_problem code)
{
	char name[64];

	snprintf(name, sizeof(name), OPENAPI_PROBLEM_PREFIX "%s", api_problem_to_string(code));
	openapi_write_schema_ref(o, name);
}

static void write_problem_schema(struct json_out *o, uint64_t codes)
{
	bool several = codes & (codes - 1);

	json_out_key(o, "schema");
	if (several) {
		json_out_open(o, '{');
		json_out_key_open(o, "oneOf", '[');
	}
	for (int i = 0; i < API_PROBLEM_MAX; i++)
		if (codes & UINT64_C(1) << i)
			write_problem_ref(o, (enum api_problem)i);
	if (several) {
		json_out_close(o, ']');
		json_out_close(o, '}');
	}
}

/* "No room, or Cannot enroll" */
static void write_problem_titles(struct json_out *o, uint64_t codes)
{
	char text[512] = "";

	for (int i = 0; i < API_PROBLEM_MAX; i++)
		if (codes & UINT64_C(1) << i) {
			size_t n = strlen(text);

			snprintf(text + n, sizeof(text) - n, "%s%s", n ? ", or: " : "",
				problem_title((enum api_problem)i));
		}
	json_out_key_string(o, "description", text);
}

void openapi_write_problems(struct json_out *o, uint64_t codes)
{
	bool retry = false;

	for (int i = 0; i < API_PROBLEM_MAX; i++) {
		unsigned status = codes >> i & 1 ? problem_status((enum api_problem)i) : 0;

		retry = retry || status == 503 || status == 429;
	}
	json_out_open(o, '{');
	write_problem_titles(o, codes);
	json_out_key_open(o, "headers", '{');
	json_out_key(o, "Ballast-Api");
	openapi_write_ref(o, "headers", "BallastApi");
	if (retry) {
		json_out_key(o, "Retry-After");
		openapi_write_ref(o, "headers", "RetryAfter");
	}
	if (codes & MAY(UNAUTHENTICATED)) {
		json_out_key(o, "WWW-Authenticate");
		openapi_write_ref(o, "headers", "WWWAuthenticate");
	}
	if (codes & MAY(METHOD_NOT_ALLOWED)) {
		json_out_key(o, "Allow");
		openapi_write_ref(o, "headers", "Allow");
	}
	json_out_close(o, '}');
	json_out_key_open(o, "content", '{');
	json_out_key_open(o, "application/problem+json", '{');
	write_problem_schema(o, codes);
	json_out_close(o, '}');
	json_out_close(o, '}');
	json_out_close(o, '}');
}

static void write_responses(struct json_out *o, const struct route *r)
{
	uint64_t codes = route_problems(r);

	json_out_key_open(o, "responses", '{');
	write_success(o, r);
	for (unsigned status = 400; status < 600; status++) {
		uint64_t these = 0;
		char text[8];

		for (int i = 0; i < API_PROBLEM_MAX; i++)
			if (problem_status((enum api_problem)i) == status)
				these |= codes & UINT64_C(1) << i;
		if (!these)
			continue;
		snprintf(text, sizeof(text), "%u", status);
		json_out_key(o, text);
		openapi_write_problems(o, these);
	}
	json_out_close(o, '}');
}

/* Each of these alone is enough; none at all is the UNIX socket, where the kernel says who asks. */
static void write_security(struct json_out *o, const struct route *r)
{
	static const char *const schemes[] = {"bearer", "certificate"};

	json_out_key_open(o, "security", '[');
	for (size_t i = 0; r->role > API_ROLE_NONE && i < ARRAY_SIZE(schemes); i++) {
		json_out_open(o, '{');
		json_out_key_open(o, schemes[i], '[');
		json_out_close(o, ']');
		json_out_close(o, '}');
	}
	json_out_open(o, '{');
	json_out_close(o, '}');
	json_out_close(o, ']');
}

static void write_operation(struct json_out *o, const struct route *r)
{
	char method[16];

	snprintf(method, sizeof(method), "%s", r->method);
	for (char *c = method; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	json_out_key_open(o, method, '{');
	json_out_key_string(o, "operationId", r->name);
	json_out_key_string(o, "summary", r->summary);
	json_out_key_open(o, "tags", '[');
	json_out_string(o, openapi_tag(r->path));
	json_out_close(o, ']');
	json_out_key_string(o, "x-ballast-role", api_role_to_string(r->role));
	write_security(o, r);
	write_params(o, r);
	write_body(o, r);
	write_responses(o, r);
	json_out_close(o, '}');
}

static bool path_seen_before(const struct route *r)
{
	for (const struct route *e = routes; e < r; e++)
		if (streq(e->path, r->path))
			return true;
	return false;
}

void openapi_write_paths(struct json_out *o)
{
	json_out_open(o, '{');
	for (const struct route *r = routes; r < routes + n_routes; r++) {
		if (path_seen_before(r))
			continue;
		json_out_key_open(o, r->path, '{');
		for (const struct route *m = r; m < routes + n_routes; m++)
			if (streq(m->path, r->path))
				write_operation(o, m);
		json_out_close(o, '}');
	}
	json_out_close(o, '}');
}
