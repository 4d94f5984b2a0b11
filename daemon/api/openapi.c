/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdio.h>

#include "daemon/api/openapi.h"

/* ---- tags ---- */

static const struct {
	const char *prefix; /* of paths; the first that fits */
	const char *tag, *summary;
} tags[] = {
	{"/v1/hosts", "hosts", "hosts, and what weighs on them"},
	{"/v1/guests", "guests", "guests: what they have and why, and limits by hand"},
	{"/v1/plan", "plan", "the latest decision"},
	{"/v1/policies", "policies", "what operators want, as files say it"},
	{"/v1/events", "events", "what happened"},
	{"/v1/reservations", "reservations", "room for guests that are to start"},
	{"/v1/mode", "daemon", "ballastd itself"},
	{"/", "daemon", NULL},
};

const char *openapi_tag(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		if (strncmp(path, tags[i].prefix, strlen(tags[i].prefix)) == 0)
			return tags[i].tag;
	return NULL;
}

static void write_tags(struct json_out *o)
{
	json_out_key_open(o, "tags", '[');
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		if (!tags[i].summary)
			continue;
		json_out_open(o, '{');
		json_out_key_string(o, "name", tags[i].tag);
		json_out_key_string(o, "description", tags[i].summary);
		json_out_close(o, '}');
	}
	json_out_close(o, ']');
}

/* ---- components ---- */

/* Every object that is answered, once, in the order in which it is met. */
struct found {
	const struct schema *items[256];
	size_t n;
};

static void find_schemas(struct found *f, const struct schema *s);

static void find_in_fields(struct found *f, const struct schema_field *fields)
{
	for (; fields && fields->name; fields++)
		if (fields->of)
			find_schemas(f, fields->of);
}

static void find_schemas(struct found *f, const struct schema *s)
{
	if (!s->fields || f->n == ARRAY_SIZE(f->items))
		return;
	for (size_t i = 0; i < f->n; i++)
		if (f->items[i] == s)
			return;
	f->items[f->n++] = s;
	find_in_fields(f, s->fields);
	for (const struct schema_stream *e = s->events; e && e->of; e++)
		find_schemas(f, e->of);
}

static void write_any_problem(struct json_out *o)
{
	char name[64];

	json_out_key_open(o, "Problem", '{');
	json_out_key_string(
		o, "description", "an error (RFC 9457); `code` is stable, `detail` is for people");
	json_out_key_open(o, "oneOf", '[');
	for (int i = 0; i < API_PROBLEM_MAX; i++) {
		snprintf(name, sizeof(name), OPENAPI_PROBLEM_PREFIX "%s",
			api_problem_to_string((enum api_problem)i));
		openapi_write_schema_ref(o, name);
	}
	json_out_close(o, ']');
	json_out_close(o, '}');
}

static void write_schemas(struct json_out *o)
{
	struct found f = {.n = 0};
	char name[64];

	for (size_t i = 0; i < n_routes; i++)
		if (routes[i].answer)
			find_schemas(&f, routes[i].answer);
	for (int i = 0; i < API_PROBLEM_MAX; i++)
		find_in_fields(&f, problem_members((enum api_problem)i));
	json_out_key_open(o, "schemas", '{');
	for (size_t i = 0; i < f.n; i++) {
		json_out_key(o, f.items[i]->name);
		openapi_write_object(o, f.items[i]);
	}
	for (int i = 0; i < API_PROBLEM_MAX; i++) {
		snprintf(name, sizeof(name), OPENAPI_PROBLEM_PREFIX "%s",
			api_problem_to_string((enum api_problem)i));
		json_out_key(o, name);
		openapi_write_problem(o, (enum api_problem)i);
	}
	write_any_problem(o);
	json_out_close(o, '}');
}

void openapi_write_string_schema(struct json_out *o)
{
	json_out_key_open(o, "schema", '{');
	json_out_key_string(o, "type", "string");
	json_out_close(o, '}');
}

static const struct {
	const char *name;
	bool always;
	const char *summary;
} headers[] = {
	{"BallastApi", true, "the number in /v1"},
	{"ETag", true, "names this answer; send it back as If-None-Match"},
	{"NewETag", false, "of what there is now: send it back as If-Match"},
	{"BallastViewAge", false, "the main loop does not turn: this is so many seconds old"},
	{"RetryAfter", true, "seconds"},
	{"WWWAuthenticate", true, "what credential is wanted"},
	{"Location", true, "the path of an operation"},
	{"Allow", true, "the methods that the path takes"},
};

static void write_headers(struct json_out *o)
{
	json_out_key_open(o, "headers", '{');
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		json_out_key_open(o, headers[i].name, '{');
		json_out_key_string(o, "description", headers[i].summary);
		json_out_key_bool(o, "required", headers[i].always);
		openapi_write_string_schema(o);
		json_out_close(o, '}');
	}
	json_out_close(o, '}');
}

static const struct {
	const char *name, *header, *summary;
} header_params[] = {
	{"IfNoneMatch", "If-None-Match", "the ETag of an answer that is known already"},
	{"IdempotencyKey", "Idempotency-Key",
		"of the client's choice, new for each request: sent again within 10 minutes it gets the same answer"},
	{"Prefer", "Prefer", "respond-async: 202 at once, if it is not done at once"},
	{"IfMatch", "If-Match",
		"the ETag of what is to be replaced: refused where it has changed since"},
	{"IfNone", "If-None-Match", "*: only where there is nothing to be replaced"},
};

static void write_parameters(struct json_out *o)
{
	json_out_key_open(o, "parameters", '{');
	for (size_t i = 0; i < ARRAY_SIZE(header_params); i++) {
		json_out_key_open(o, header_params[i].name, '{');
		json_out_key_string(o, "name", header_params[i].header);
		json_out_key_string(o, "in", "header");
		json_out_key_bool(o, "required", false);
		json_out_key_string(o, "description", header_params[i].summary);
		openapi_write_string_schema(o);
		json_out_close(o, '}');
	}
	json_out_close(o, '}');
}

/* What every path may answer, whatever the operation; and 304. */
static void write_shared_responses(struct json_out *o)
{
	json_out_key_open(o, "responses", '{');
	json_out_key_open(o, "NotModified", '{');
	json_out_key_string(o, "description", "unchanged: as If-None-Match says");
	json_out_key_open(o, "headers", '{');
	json_out_key(o, "ETag");
	openapi_write_ref(o, "headers", "ETag");
	json_out_close(o, '}');
	json_out_close(o, '}');
	json_out_key(o, "RouteUnknown");
	openapi_write_problems(o, MAY(ROUTE_UNKNOWN));
	json_out_key(o, "MethodNotAllowed");
	openapi_write_problems(o, MAY(METHOD_NOT_ALLOWED));
	json_out_close(o, '}');
}

static void write_security_schemes(struct json_out *o)
{
	json_out_key_open(o, "securitySchemes", '{');
	json_out_key_open(o, "bearer", '{');
	json_out_key_string(o, "type", "http");
	json_out_key_string(o, "scheme", "bearer");
	json_out_key_string(o, "description", "a token of [API] Tokens=, over TLS");
	json_out_close(o, '}');
	json_out_key_open(o, "certificate", '{');
	json_out_key_string(o, "type", "mutualTLS");
	json_out_key_string(
		o, "description", "a client certificate that [API] ClientAuthority= signed");
	json_out_close(o, '}');
	json_out_close(o, '}');
}

/* ---- the document ---- */

static void write_info(struct json_out *o)
{
	json_out_key_open(o, "info", '{');
	json_out_key_string(o, "title", "Ballast");
	json_out_key_string(o, "version", PACKAGE_VERSION);
	json_out_key_string(o, "summary", "a resource manager for KVM hosts");
	json_out_key_string(o, "description",
		"Spoken over the UNIX socket of ballastd (/run/ballast/api.sock), where the kernel says who asks, "
		"and where configured over TLS. Each operation names the role that it takes (x-ballast-role: none, "
		"read, operate, admin; each includes the ones before it). Sizes are bytes, times RFC 3339 in UTC, "
		"ratios permyriad. HEAD is taken wherever GET is. New fields may be added to answers within /v1; in "
		"requests unknown fields and parameters are refused. Any other path is answered with "
		"components/responses/RouteUnknown, a method that a path does not take with MethodNotAllowed.");
	json_out_key_open(o, "license", '{');
	json_out_key_string(o, "name", "LGPL-2.1-or-later");
	json_out_key_string(o, "identifier", "LGPL-2.1-or-later");
	json_out_close(o, '}');
	json_out_close(o, '}');
	json_out_key_string(o, "jsonSchemaDialect", "https://json-schema.org/draft/2020-12/schema");
	json_out_key_open(o, "servers", '[');
	json_out_open(o, '{');
	json_out_key_string(o, "url", "/");
	json_out_key_string(o, "description", "the daemon that this document is from");
	json_out_close(o, '}');
	json_out_close(o, ']');
}

void serve_openapi(const struct view_input *k, size_t index, struct json_out *o)
{
	json_out_open(o, '{');
	json_out_key_string(o, "openapi", "3.1.0");
	write_info(o);
	write_tags(o);
	json_out_key(o, "paths");
	openapi_write_paths(o);
	json_out_key_open(o, "components", '{');
	write_security_schemes(o);
	write_parameters(o);
	write_headers(o);
	write_shared_responses(o);
	write_schemas(o);
	json_out_close(o, '}');
	json_out_close(o, '}');
}
