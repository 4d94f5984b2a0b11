/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/problem.h"

#include <stdarg.h>
#include <stdio.h>

DEFINE_STRTAB(api_problem, enum api_problem,
	API_PROBLEM_MAX, [API_PROBLEM_ROUTE_UNKNOWN] = "route-unknown",
	[API_PROBLEM_METHOD_NOT_ALLOWED] = "method-not-allowed", [API_PROBLEM_DENIED] = "denied",
	[API_PROBLEM_UNAUTHENTICATED] = "unauthenticated",
	[API_PROBLEM_FOREIGN_ORIGIN] = "foreign-origin",
	[API_PROBLEM_FOREIGN_HOST] = "foreign-host",
	[API_PROBLEM_TOO_MANY_REQUESTS] = "too-many-requests",
	[API_PROBLEM_REQUEST_MALFORMED] = "request-malformed",
	[API_PROBLEM_HEADERS_TOO_LARGE] = "headers-too-large",
	[API_PROBLEM_QUERY_INVALID] = "query-invalid",
	[API_PROBLEM_BODY_MALFORMED] = "body-malformed",
	[API_PROBLEM_BODY_INVALID] = "body-invalid",
	[API_PROBLEM_BODY_TOO_LARGE] = "body-too-large", [API_PROBLEM_MEDIA_TYPE] = "media-type",
	[API_PROBLEM_HOST_UNKNOWN] = "host-unknown", [API_PROBLEM_GUEST_UNKNOWN] = "guest-unknown",
	[API_PROBLEM_POLICY_UNKNOWN] = "policy-unknown",
	[API_PROBLEM_OVERRIDE_UNKNOWN] = "override-unknown",
	[API_PROBLEM_RESERVATION_UNKNOWN] = "reservation-unknown",
	[API_PROBLEM_OPERATION_UNKNOWN] = "operation-unknown",
	[API_PROBLEM_PRECONDITION_FAILED] = "precondition-failed",
	[API_PROBLEM_PRECONDITION_REQUIRED] = "precondition-required",
	[API_PROBLEM_IDEMPOTENCY_MISMATCH] = "idempotency-mismatch",
	[API_PROBLEM_CONFLICT] = "conflict", [API_PROBLEM_NO_ROOM] = "no-room",
	[API_PROBLEM_CANNOT_ENROLL] = "cannot-enroll",
	[API_PROBLEM_CONFIGURATION_BAD] = "configuration-bad",
	[API_PROBLEM_NOT_READY] = "not-ready", [API_PROBLEM_BUSY] = "busy",
	[API_PROBLEM_STUCK] = "stuck", [API_PROBLEM_STOPPING] = "stopping",
	[API_PROBLEM_LIBVIRT] = "libvirt", [API_PROBLEM_STATE_UNWRITABLE] = "state-unwritable",
	[API_PROBLEM_TIMEOUT] = "timeout-still-running", [API_PROBLEM_INTERNAL] = "internal")

static const struct {
	unsigned status;
	const char *title;
} problems[API_PROBLEM_MAX] = {
	[API_PROBLEM_ROUTE_UNKNOWN] = {404, "No such path"},
	[API_PROBLEM_METHOD_NOT_ALLOWED] = {405, "Method not allowed here"},
	[API_PROBLEM_UNAUTHENTICATED] = {401, "No credential that holds"},
	[API_PROBLEM_DENIED] = {403, "Not allowed"},
	[API_PROBLEM_FOREIGN_ORIGIN] = {403, "A page of another site asked"},
	[API_PROBLEM_FOREIGN_HOST] = {421, "That is not this host's name"},
	[API_PROBLEM_TOO_MANY_REQUESTS] = {429, "Too many requests"},
	[API_PROBLEM_REQUEST_MALFORMED] = {400, "Not a request beyond doubt"},
	[API_PROBLEM_HEADERS_TOO_LARGE] = {431, "Request line and headers are too large"},
	[API_PROBLEM_QUERY_INVALID] = {400, "Bad query parameter"},
	[API_PROBLEM_BODY_MALFORMED] = {400, "The body is not what it should be"},
	[API_PROBLEM_BODY_INVALID] = {422, "A field of the body is wrong"},
	[API_PROBLEM_BODY_TOO_LARGE] = {413, "The body is too large"},
	[API_PROBLEM_MEDIA_TYPE] = {415, "The body must be JSON"},
	[API_PROBLEM_HOST_UNKNOWN] = {404, "No such host"},
	[API_PROBLEM_GUEST_UNKNOWN] = {404, "No such guest"},
	[API_PROBLEM_POLICY_UNKNOWN] = {404, "No such policy"},
	[API_PROBLEM_OVERRIDE_UNKNOWN] = {404, "No such override"},
	[API_PROBLEM_RESERVATION_UNKNOWN] = {404, "No such reservation"},
	[API_PROBLEM_OPERATION_UNKNOWN] = {404, "No such operation"},
	[API_PROBLEM_PRECONDITION_FAILED] = {412, "It has changed meanwhile"},
	[API_PROBLEM_PRECONDITION_REQUIRED] = {428, "Say what is to be replaced"},
	[API_PROBLEM_IDEMPOTENCY_MISMATCH] = {422, "The key was another request's"},
	[API_PROBLEM_CONFLICT] = {409, "Not possible as things stand"},
	[API_PROBLEM_NO_ROOM] = {409, "No room"},
	[API_PROBLEM_CANNOT_ENROLL] = {409, "Cannot enroll"},
	[API_PROBLEM_CONFIGURATION_BAD] = {422, "The configuration is bad"},
	[API_PROBLEM_NOT_READY] = {503, "Not ready yet"},
	[API_PROBLEM_BUSY] = {503, "Too busy"},
	[API_PROBLEM_STUCK] = {503, "The daemon does not turn"},
	[API_PROBLEM_STOPPING] = {503, "The daemon is stopping"},
	[API_PROBLEM_LIBVIRT] = {503, "libvirt does not do it"},
	[API_PROBLEM_STATE_UNWRITABLE] = {507, "The state directory cannot be written"},
	[API_PROBLEM_TIMEOUT] = {504, "It takes longer and goes on"},
	[API_PROBLEM_INTERNAL] = {500, "Internal error"},
};

unsigned problem_status(enum api_problem code)
{
	return problems[code].status;
}

const char *problem_title(enum api_problem code)
{
	return problems[code].title;
}

int problem_set(struct problem *p, enum api_problem code, const char *fmt, ...)
{
	va_list ap;

	problem_clear(p);
	p->code = code;
	va_start(ap, fmt);
	vsnprintf(p->detail, sizeof(p->detail), fmt, ap);
	va_end(ap);
	return -1;
}

int problem_set_query(struct problem *p, const char *parameter, const char *text)
{
	problem_set(p, API_PROBLEM_QUERY_INVALID, "parameter \"%s\": %s", parameter, text);
	snprintf(p->parameter, sizeof(p->parameter), "%s", parameter);
	return -1;
}

int problem_set_unknown(struct problem *p, enum api_problem code, const char *what,
	const char *word, const char *nearest)
{
	if (nearest)
		problem_set(p, code, "there is no %s \"%.128s\"; the nearest name is \"%.128s\"",
			what, word, nearest);
	else
		problem_set(p, code, "there is no %s \"%.128s\": ballastctl %s list shows all",
			what, word, what);
	p->has_nearest = true;
	snprintf(p->nearest, sizeof(p->nearest), "%s", nearest ? nearest : "");
	return -1;
}

void problem_clear(struct problem *p)
{
	json_decref(p->more);
	*p = (struct problem){0};
}

/* Members that an op gave. */
static void write_more(const struct problem *p, struct json_out *o)
{
	const char *key;
	json_t *value;

	json_object_foreach (p->more, key, value) {
		_cleanup_free_ char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

		json_out_key(o, key);
		if (text)
			json_out_raw(o, text, strlen(text));
		else
			json_out_null(o);
	}
}

static bool has_nearest(enum api_problem code)
{
	return code == API_PROBLEM_HOST_UNKNOWN || code == API_PROBLEM_GUEST_UNKNOWN ||
	       code == API_PROBLEM_POLICY_UNKNOWN;
}

void problem_write(const struct problem *p, const char *instance, struct json_out *o)
{
	char type[64];

	snprintf(type, sizeof(type), "urn:ballast:problem:%s", api_problem_to_string(p->code));
	json_out_open(o, '{');
	json_out_key_string(o, "type", type);
	json_out_key_string(o, "title", problem_title(p->code));
	json_out_key_u64(o, "status", problem_status(p->code));
	json_out_key_string(o, "code", api_problem_to_string(p->code));
	json_out_key_string(o, "detail", p->detail);
	json_out_key_string(o, "instance", instance);
	if (p->parameter[0] || p->code == API_PROBLEM_QUERY_INVALID) /* its name may be empty */
		json_out_key_string(o, "parameter", p->parameter);
	if (p->has_pointer)
		json_out_key_string(o, "pointer", p->pointer);
	if (p->line) {
		json_out_key_u64(o, "line", p->line);
		json_out_key_u64(o, "column", p->column);
	}
	if (p->has_nearest || has_nearest(p->code)) /* whoever found nobody like it: null */
		json_out_key_string(o, "nearest", p->nearest[0] ? p->nearest : NULL);
	if (p->has_role) {
		json_out_key_string(o, "role", api_role_to_string(p->role));
		json_out_key_string(o, "needed", api_role_to_string(p->needed));
	}
	write_more(p, o);
	json_out_close(o, '}');
}
