/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/route.h"

#include <stdarg.h>
#include <stdio.h>

#include "daemon/api/command.h"
#include "daemon/api/openapi.h"
#include "daemon/api/serve.h"
#include "daemon/api/tag.h"

static const struct route_param dry_run_params[] = {
	{.name = "dry_run",
		.type = JSON_WANT_BOOL,
		.offset = offsetof(struct query, dry_run),
		.summary = "check everything, change nothing"},
	{.name = NULL},
};

static const struct route_param event_params[] = {
	{.name = "after",
		.type = JSON_WANT_STRING,
		.offset = offsetof(struct query, after),
		.summary = "id or number of the last event already seen"},
	{.name = "since",
		.type = JSON_WANT_STRING,
		.offset = offsetof(struct query, since),
		.summary = "from then on: a time, or a span before now (1h)"},
	{.name = "limit",
		.type = JSON_WANT_COUNT,
		.min = 1,
		.max = 1000,
		.offset = offsetof(struct query, limit),
		.summary = "at most so many; 100 unless told"},
	{.name = "guest",
		.type = JSON_WANT_STRING,
		.offset = offsetof(struct query, guest),
		.summary = "only of this guest, by UUID or name"},
	{.name = "kind",
		.type = JSON_WANT_STRING,
		.offset = offsetof(struct query, kind),
		.summary = "only of this kind"},
	{.name = "newest",
		.type = JSON_WANT_BOOL,
		.offset = offsetof(struct query, newest),
		.summary = "the last ones that fit, not the first"},
	{.name = NULL},
};

static const struct route_param guest_params[] = {
	{.name = "limit",
		.type = JSON_WANT_COUNT,
		.min = 1,
		.max = 1000,
		.offset = offsetof(struct query, limit),
		.summary = "at most so many; all unless told"},
	{.name = "after",
		.type = JSON_WANT_STRING,
		.offset = offsetof(struct query, after),
		.summary = "only behind this name: next of the page before"},
	{.name = "name",
		.type = JSON_WANT_STRING,
		.offset = offsetof(struct query, name),
		.summary = "only names like this: * is anything, ? one byte"},
	{.name = "condition",
		.type = JSON_WANT_STRING,
		.offset = offsetof(struct query, condition),
		.summary = "only in this condition, as pressed"},
	{.name = "tag",
		.type = JSON_WANT_STRING,
		.offset = offsetof(struct query, tag),
		.summary = "only with this tag"},
	{.name = NULL},
};

static const struct route_param history_params[] = {
	{.name = "since",
		.type = JSON_WANT_STRING,
		.offset = offsetof(struct query, since),
		.summary = "a time, or a span before now; an hour before until unless told"},
	{.name = "until",
		.type = JSON_WANT_STRING,
		.offset = offsetof(struct query, until),
		.summary = "a time, or a span before now; now unless told"},
	{.name = "step",
		.type = JSON_WANT_STRING,
		.offset = offsetof(struct query, step),
		.summary =
			"a span from point to point, for at most 1000 points; for at most 300 unless told"},
	{.name = NULL},
};

static const struct route_param no_params[] = {{.name = NULL}};

/* Operate says what Ballast does with guests (mode, pause, policies, limits by hand, room); only
 * admin changes a guest's definition, the daemon's configuration, or who may do what. */
const struct route routes[] = {
	{"GET", "/healthz", "health", "does the daemon turn?", &health_schema, API_ROLE_NONE,
		ROUTE_HEALTH, .status = 200},
	{"GET", "/readyz", "ready", "did it see its guests?", &ready_schema, API_ROLE_NONE,
		ROUTE_READY, .status = 200},
	{"GET", "/", "page", "the dashboard", &page_schema, API_ROLE_NONE, ROUTE_FILE,
		.status = 200},
	{"GET", "/www/{file}", "page-file", "a file of the dashboard", &page_file_schema,
		API_ROLE_NONE, ROUTE_FILE, NOUN_FILE, 200},
	{"GET", "/v1/whoami", "whoami", "who the daemon takes you for, and your role",
		&whoami_schema, API_ROLE_NONE, ROUTE_WHOAMI, .status = 200},
	{"GET", "/metrics", "metrics", "all figures, for Prometheus", &metrics_schema,
		API_ROLE_READ, ROUTE_METRICS, .status = 200},
	{"GET", "/v1/version", "version", "versions of daemon, API and libvirt", &version_schema,
		API_ROLE_READ, ROUTE_VIEW, .status = 200, .view = serve_version},
	{"GET", "/v1/hosts", "hosts", "all hosts", &hosts_schema, API_ROLE_READ, ROUTE_VIEW,
		.status = 200, .view = serve_hosts},
	{"GET", "/v1/hosts/{host}", "host", "one host; self is this one", &host_schema,
		API_ROLE_READ, ROUTE_VIEW, NOUN_HOST, 200, .view = serve_host},
	{"GET", "/v1/guests", "guests", "all guests, by name", &guests_schema, API_ROLE_READ,
		ROUTE_VIEW, .status = 200, .params = guest_params, .view = serve_guests,
		.view_some = serve_guests_some},
	{"GET", "/v1/guests/{guest}", "guest", "one guest", &guest_schema, API_ROLE_READ,
		ROUTE_VIEW, NOUN_GUEST, 200, .view = serve_guest},
	{"GET", "/v1/guests/{guest}/policy", "guest-policy",
		"effective settings of a guest, each with its origin", &effective_schema,
		API_ROLE_READ, ROUTE_COMMAND, NOUN_GUEST, 200, .run = run_effective},
	{"GET", "/v1/guests/{guest}/explain", "guest-explain", "why a guest has what it has",
		&explain_schema, API_ROLE_READ, ROUTE_COMMAND, NOUN_GUEST, 200, .run = run_explain},
	{"GET", "/v1/guests/{guest}/overrides", "overrides", "what was set of a guest by hand",
		&overrides_schema, API_ROLE_READ, ROUTE_VIEW, NOUN_GUEST, 200,
		.view = serve_overrides, .tag = tag_overrides},
	{"PUT", "/v1/guests/{guest}/overrides", "override-set",
		"set limits and weights of a guest by hand, for a while", &overrides_schema,
		API_ROLE_OPERATE, ROUTE_COMMAND, NOUN_GUEST, 200, true, .body = override_fields,
		.prepare = prepare_override, .run = run_override_set, .match = ROUTE_MATCH_MAY,
		.may = MAY(CONFLICT) | MAY(STATE_UNWRITABLE)},
	{"DELETE", "/v1/guests/{guest}/overrides", "override-clear", "drop what was set by hand",
		NULL, API_ROLE_OPERATE, ROUTE_COMMAND, NOUN_OVERRIDDEN, 204, true,
		.run = run_override_clear, .match = ROUTE_MATCH_MAY,
		.may = MAY(OVERRIDE_UNKNOWN) | MAY(STATE_UNWRITABLE)},
	{"POST", "/v1/guests/{guest}/enroll", "guest-enroll",
		"give a guest its agent channel and statistics period", &enrolled_schema,
		API_ROLE_ADMIN, ROUTE_COMMAND, NOUN_GUEST, 200, true, .run = run_enroll,
		.takes_long = true, .may = MAY(CANNOT_ENROLL) | MAY(CONFLICT) | MAY(LIBVIRT)},
	{"GET", "/v1/plan", "plan", "the latest decision with its reasons", &plan_schema,
		API_ROLE_READ, ROUTE_VIEW, .status = 200, .view = serve_plan},
	{"POST", "/v1/plan/preview", "plan-preview",
		"what would be decided if something were otherwise", &preview_schema,
		API_ROLE_OPERATE, ROUTE_COMMAND, NOUN_NONE, 200, .body = preview_fields,
		.prepare = prepare_preview, .run = run_preview,
		.may = MAY(CONFIGURATION_BAD) | MAY(GUEST_UNKNOWN) | MAY(NOT_READY)},
	{"GET", "/v1/policies", "policies", "all policies with their state", &policies_schema,
		API_ROLE_READ, ROUTE_VIEW, .status = 200, .view = serve_policies},
	{"GET", "/v1/policies/{policy}", "policy", "one policy", &policy_schema, API_ROLE_READ,
		ROUTE_VIEW, NOUN_POLICY, 200, .view = serve_policy, .tag = tag_policy},
	{"PUT", "/v1/policies/{policy}", "policy-put", "write a policy's file", &policy_put_schema,
		API_ROLE_OPERATE, ROUTE_COMMAND, NOUN_POLICY_NAME, 200, true, .body = policy_fields,
		.prepare = prepare_policy, .run = run_policy_put, .takes_long = true,
		.match = ROUTE_MATCH_NEEDED, .also_status = 201,
		.may = MAY(CONFIGURATION_BAD) | MAY(CONFLICT) | MAY(STATE_UNWRITABLE)},
	{"DELETE", "/v1/policies/{policy}", "policy-delete",
		"remove a policy's file that the API wrote", NULL, API_ROLE_OPERATE, ROUTE_COMMAND,
		NOUN_POLICY, 204, true, .prepare = prepare_policy, .run = run_policy_delete,
		.takes_long = true, .match = ROUTE_MATCH_NEEDED,
		.may = MAY(CONFLICT) | MAY(STATE_UNWRITABLE)},
	{"POST", "/v1/policies/validate", "policy-validate",
		"find mistakes in a policy's text, and what it would change", &validation_schema,
		API_ROLE_OPERATE, ROUTE_COMMAND, NOUN_NONE, 200, .body = validate_fields,
		.prepare = prepare_validate, .run = run_validate, .may = MAY(CONFLICT)},
	{"GET", "/v1/events", "events", "what happened, oldest first", &events_schema,
		API_ROLE_READ, ROUTE_EVENTS, .status = 200, .params = event_params,
		.may = MAY(GUEST_UNKNOWN)},
	{"GET", "/v1/history/guests/{guest}", "history-guest",
		"a guest's figures over time, also of one that does not run now",
		&guest_history_schema, API_ROLE_READ, ROUTE_HISTORY, NOUN_RECORDED, 200,
		.params = history_params},
	{"GET", "/v1/history/hosts/{host}", "history-host", "the host's figures over time",
		&host_history_schema, API_ROLE_READ, ROUTE_HISTORY, NOUN_HOST, 200,
		.params = history_params},
	{"GET", "/v1/operations", "operations",
		"commands that go on without their asker, and those that did", &operations_schema,
		API_ROLE_READ, ROUTE_COMMAND, NOUN_NONE, 200, .run = run_operations},
	{"GET", "/v1/operations/{id}", "operation", "one operation, with what became of it",
		&operation_schema, API_ROLE_READ, ROUTE_COMMAND, NOUN_OPERATION, 200,
		.prepare = prepare_operation, .run = run_operation},
	{"DELETE", "/v1/operations/{id}", "operation-cancel", "cancel it where that can be", NULL,
		API_ROLE_OPERATE, ROUTE_COMMAND, NOUN_OPERATION, 204, true,
		.prepare = prepare_operation, .run = run_operation_cancel, .may = MAY(CONFLICT)},
	{"GET", "/v1/mode", "mode", "observe or enforce", &mode_schema, API_ROLE_READ, ROUTE_VIEW,
		.status = 200, .view = serve_mode, .tag = tag_mode},
	{"PUT", "/v1/mode", "mode-set", "go live, or stop touching guests", &mode_set_schema,
		API_ROLE_OPERATE, ROUTE_COMMAND, NOUN_NONE, 200, true, .body = mode_fields,
		.prepare = prepare_mode, .run = run_mode, .takes_long = true,
		.match = ROUTE_MATCH_MAY,
		.may = MAY(CONFLICT) | MAY(STATE_UNWRITABLE) | MAY(LIBVIRT) | MAY(NOT_READY)},
	{"GET", "/v1/pause", "pause", "is Ballast told to leave guests alone for a while?",
		&pause_schema, API_ROLE_READ, ROUTE_VIEW, .status = 200, .view = serve_pause,
		.tag = tag_pause},
	{"PUT", "/v1/pause", "pause-set", "command no guest for a while", &pause_schema,
		API_ROLE_OPERATE, ROUTE_COMMAND, NOUN_NONE, 200, true, .body = pause_fields,
		.prepare = prepare_pause, .run = run_pause_set, .match = ROUTE_MATCH_MAY,
		.may = MAY(STATE_UNWRITABLE)},
	{"DELETE", "/v1/pause", "pause-clear", "go on", NULL, API_ROLE_OPERATE, ROUTE_COMMAND,
		NOUN_NONE, 204, true, .run = run_pause_clear, .match = ROUTE_MATCH_MAY,
		.may = MAY(CONFLICT) | MAY(STATE_UNWRITABLE)},
	{"POST", "/v1/reload", "reload", "read policies and configuration again", &reloaded_schema,
		API_ROLE_ADMIN, ROUTE_COMMAND, NOUN_NONE, 200, true, .run = run_reload,
		.takes_long = true, .may = MAY(CONFIGURATION_BAD)},
	{"GET", "/v1/reservations", "reservations", "room that is kept for guests that start",
		&reservations_schema, API_ROLE_READ, ROUTE_VIEW, .status = 200,
		.view = serve_reservations},
	{"POST", "/v1/reservations", "reserve", "make room for a guest that is to start",
		&reservation_schema, API_ROLE_OPERATE, ROUTE_COMMAND, NOUN_NONE, 201, true,
		.body = reservation_fields, .prepare = prepare_reserve, .run = run_reserve,
		.may = MAY(NO_ROOM) | MAY(CONFLICT)},
	{"DELETE", "/v1/reservations/{id}", "unreserve", "give reserved room back", NULL,
		API_ROLE_OPERATE, ROUTE_COMMAND, NOUN_RESERVATION, 204, true,
		.prepare = prepare_unreserve, .run = run_unreserve},
	{"GET", "/v1/openapi.json", "openapi", "this API, as OpenAPI 3.1", &openapi_schema,
		API_ROLE_READ, ROUTE_FIXED, .status = 200, .view = serve_openapi},
};
const size_t n_routes = ARRAY_SIZE(routes);

/* Does the path fit the pattern? A {word} takes one segment that is not empty; value gets it. */
static bool path_fits(const char *pattern, const char *path, char value[static ROUTE_VALUE_MAX])
{
	value[0] = '\0';
	while (*pattern) {
		if (*pattern == '{') {
			size_t n = strcspn(path, "/");

			if (!n || n >= ROUTE_VALUE_MAX)
				return false;
			memcpy(value, path, n);
			value[n] = '\0';
			path += n;
			pattern += strcspn(pattern, "}") + 1;
		} else if (*pattern++ != *path++) {
			return false;
		}
	}
	return !*path;
}

static void add_allowed(struct problem *p, const char *method)
{
	size_t n = strlen(p->allow);

	snprintf(p->allow + n, sizeof(p->allow) - n, "%s%s", n ? ", " : "", method);
}

const struct route *route_find(
	const char *method, const char *path, char value[static ROUTE_VALUE_MAX], struct problem *p)
{
	struct problem other = {0};

	if (streq(method, "HEAD"))
		method = "GET";
	for (const struct route *r = routes; r < routes + n_routes; r++) {
		if (!path_fits(r->path, path, value))
			continue;
		if (streq(r->method, method))
			return r;
		add_allowed(&other, r->method);
	}
	if (!other.allow[0]) {
		problem_set(p, API_PROBLEM_ROUTE_UNKNOWN,
			"there is no \"%.200s\"; all paths begin with /v1/", path);
		return NULL;
	}
	problem_set(p, API_PROBLEM_METHOD_NOT_ALLOWED, "\"%.200s\" takes %s, not %.16s", path,
		other.allow, method);
	memcpy(p->allow, other.allow, sizeof(p->allow));
	return NULL;
}

const struct route_param *route_params(const struct route *r)
{
	return r->params ? r->params : r->changes ? dry_run_params : no_params;
}

_printf_(3, 4) static int bad_param(struct problem *p, const char *name, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	problem_set(p, API_PROBLEM_QUERY_INVALID, "parameter \"%.60s\": %s", name, text);
	snprintf(p->parameter, sizeof(p->parameter), "%s", name);
	return -1;
}

static int unknown_param(const struct route *r, const char *name, struct problem *p)
{
	const char *names[16] = {NULL};
	const struct route_param *params = route_params(r);
	const char *nearest;

	for (size_t i = 0; params[i].name && i < ARRAY_SIZE(names) - 1; i++)
		names[i] = params[i].name;
	nearest = nearest_word(name, names);
	if (!names[0])
		return bad_param(p, name, "this path takes no parameters");
	return bad_param(p, name, "not known here%s%s%s", nearest ? ", did you mean \"" : "",
		nearest ? nearest : "", nearest ? "\"?" : "");
}

static int take_count(
	const struct route_param *t, const char *value, uint64_t *to, struct problem *p)
{
	unsigned long long n = 0;
	char *end = NULL;

	if (*value >= '0' && *value <= '9' && strlen(value) < 19)
		n = strtoull(value, &end, 10);
	if (!end || *end || n < t->min || n > t->max)
		return bad_param(p, t->name, "found \"%.60s\", expected %llu to %llu", value,
			(unsigned long long)t->min, (unsigned long long)t->max);
	*to = n;
	return 0;
}

static int take_bool(const struct route_param *t, const char *value, bool *to, struct problem *p)
{
	if (*value && !streq(value, "true") && !streq(value, "false"))
		return bad_param(p, t->name, "found \"%.60s\", expected true or false", value);
	*to = !streq(value, "false"); /* "?newest" alone means it */
	return 0;
}

int route_take_param(const struct route *r, const char *name, const char *value, struct query *q,
	struct problem *p)
{
	const struct route_param *params = route_params(r), *t = params;
	void *to;

	while (t->name && !streq(t->name, name))
		t++;
	if (!t->name)
		return unknown_param(r, name, p);
	if (q->given & UINT64_C(1) << (t - params))
		return bad_param(p, name, "given twice");
	q->given |= UINT64_C(1) << (t - params);
	value = value ? value : "";
	to = (char *)q + t->offset;
	if (t->type == JSON_WANT_BOOL)
		return take_bool(t, value, to, p);
	if (t->type == JSON_WANT_COUNT)
		return take_count(t, value, to, p);
	if (!*value || strlen(value) > ROUTE_VALUE_MAX)
		return bad_param(p, name, "expected 1 to %d bytes", ROUTE_VALUE_MAX);
	*(const char **)to = value;
	return 0;
}

int route_read_body(
	const struct route *r, const char *text, size_t len, json_t **ret, struct problem *p)
{
	_cleanup_diag_ struct diag d = {0};
	struct json_mistake mistake;
	json_t *body = NULL;
	int err;

	*ret = NULL;
	if (!r->body)
		return len ? problem_set(p, API_PROBLEM_BODY_MALFORMED, "%s %s takes no body",
				     r->method, r->path)
			   : 0;
	err = json_read(text ? text : "", len, &body, &d);
	if (err == -ENOMEM)
		return problem_set(p, API_PROBLEM_INTERNAL, "out of memory");
	if (err < 0) {
		problem_set(p, API_PROBLEM_BODY_MALFORMED, "line %u, column %u: %s", d.line, d.col,
			d.text ? d.text : "not JSON");
		p->line = d.line;
		p->column = d.col;
		return -1;
	}
	if (json_check(body, r->body, &mistake) < 0) {
		json_decref(body);
		problem_set(p, API_PROBLEM_BODY_INVALID, "%s: %s",
			mistake.pointer[0] ? mistake.pointer : "the body", mistake.text);
		p->has_pointer = true;
		memcpy(p->pointer, mistake.pointer, sizeof(p->pointer));
		return -1;
	}
	*ret = body;
	return 0;
}

static int resolve_guest(
	const struct snapshot *s, const char *value, size_t *ret_index, struct problem *p)
{
	ssize_t i = snapshot_find_guest(s, value);

	if (i < 0)
		return problem_set_unknown(p, API_PROBLEM_GUEST_UNKNOWN, "guest", value,
			snapshot_nearest_guest(s, value));
	*ret_index = (size_t)i;
	return 0;
}

static int resolve_overridden(
	const struct snapshot *s, const char *value, size_t *ret_index, struct problem *p)
{
	struct uuid uuid;
	bool is_uuid = uuid_parse(value, &uuid) == 0;

	if (snapshot_find_guest(s, value) < 0)
		for (size_t i = 0; i < s->n_overrides; i++) {
			const struct override *o = &s->overrides[i];

			if ((is_uuid && uuid_equal(&o->guest, &uuid)) ||
				(o->guest_name && streq(o->guest_name, value))) {
				*ret_index = s->n_guests + i;
				return 0;
			}
		}
	return resolve_guest(s, value, ret_index, p);
}

/* People leave ".policy" away: names are compared without it. Returns the index, or SIZE_MAX. */
static size_t nearest_policy(const struct policy_set *set, const char *value)
{
	size_t n = policy_set_count(set), at = SIZE_MAX;
	_cleanup_free_ const char **words = calloc(n + 1, sizeof(*words));
	_cleanup_free_ char(*stems)[64] = calloc(n + 1, sizeof(*stems));
	const char *nearest;

	if (!words || !stems)
		return SIZE_MAX;
	for (size_t i = 0; i < n; i++) {
		struct policy_info info;
		char *suffix;

		policy_set_info(set, i, &info);
		snprintf(stems[i], sizeof(stems[i]), "%s", info.name);
		suffix = strstr(stems[i], ".policy");
		if (suffix)
			*suffix = '\0';
		words[i] = stems[i];
	}
	nearest = nearest_word(value, words);
	for (size_t i = 0; nearest && i < n; i++)
		if (nearest == words[i])
			at = i;
	return at;
}

static int resolve_policy(
	const struct policy_set *set, const char *value, size_t *ret_index, struct problem *p)
{
	int i = set ? policy_set_find(set, value) : -ENOENT;
	size_t nearest = i < 0 && set ? nearest_policy(set, value) : SIZE_MAX;
	struct policy_info info = {0};

	if (i >= 0) {
		*ret_index = (size_t)i;
		return 0;
	}
	if (nearest != SIZE_MAX)
		policy_set_info(set, nearest, &info);
	return problem_set_unknown(p, API_PROBLEM_POLICY_UNKNOWN, "policy", value, info.name);
}

int route_resolve(const struct route *r, const struct view_input *known, const char *value,
	size_t *ret_index, struct problem *p)
{
	const char *host = known->snapshot->host.name;

	*ret_index = 0;
	switch (r->noun) {
	case NOUN_GUEST:
		return resolve_guest(known->snapshot, value, ret_index, p);
	case NOUN_OVERRIDDEN:
		return resolve_overridden(known->snapshot, value, ret_index, p);
	case NOUN_POLICY:
		return resolve_policy(known->set, value, ret_index, p);
	case NOUN_HOST:
		if (!streq(value, "self") && (!host || !streq(value, host)))
			return problem_set_unknown(p, API_PROBLEM_HOST_UNKNOWN, "host", value,
				nearest_word(value, (const char *const[]){"self", host, NULL}));
		return 0;
	case NOUN_NONE:
	case NOUN_POLICY_NAME:
	case NOUN_OPERATION:
	case NOUN_RESERVATION:
	case NOUN_RECORDED:
	case NOUN_FILE:
		break;
	}
	return 0;
}
