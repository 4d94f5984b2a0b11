/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/route.h"

#include <stdio.h>

#include "daemon/api/call.h"
#include "tests/test.h"

TEST_STRTAB(api_problem, enum api_problem, API_PROBLEM_MAX)
TEST_STRTAB(api_role, enum api_role, API_ROLE_MAX)

static const struct route *find(
	const char *method, const char *path, char *value, struct problem *p)
{
	problem_clear(p);
	return route_find(method, path, value, p);
}

static const struct route *by_name(const char *name)
{
	for (size_t i = 0; i < n_routes; i++)
		if (streq(routes[i].name, name))
			return &routes[i];
	return NULL;
}

TEST(every_route_is_declared_whole)
{
	for (size_t i = 0; i < n_routes; i++) {
		const struct route *r = &routes[i];

		CHECK(r->path[0] == '/' && r->summary && r->status);
		CHECK((r->kind == ROUTE_VIEW || r->kind == ROUTE_FIXED) == (r->view != NULL));
		CHECK((r->kind == ROUTE_COMMAND) == (r->run != NULL));
		CHECK((strchr(r->path, '{') != NULL) == (r->noun != NOUN_NONE));
		CHECK(!r->body || r->prepare);
		/* a question with a body, which costs something */
		bool asks = streq(r->method, "POST") && !r->changes;

		CHECK(asks || r->changes == (!streq(r->method, "GET")));
		CHECK(r->changes || asks ? r->role >= API_ROLE_OPERATE : r->role <= API_ROLE_READ);
		CHECK(r->match == ROUTE_MATCH_NOT || r->changes);
		CHECK(!r->tag || r->kind == ROUTE_VIEW);
		CHECK((r->answer == NULL) == (r->status == 204));
		for (size_t k = 0; k < i; k++) {
			CHECK(!streq(r->name, routes[k].name));
			CHECK(!streq(r->path, routes[k].path) ||
				!streq(r->method, routes[k].method));
		}
	}
}

/* Operate is for what Ballast does with guests; admin for a guest's definition, the daemon's
 * configuration, and who may do what. */
TEST(what_needs_admin_is_what_the_rule_says)
{
	static const char *const admins[] = {"guest-enroll", "reload"};

	for (size_t i = 0; i < n_routes; i++) {
		const struct route *r = &routes[i];
		bool changes = r->role >= API_ROLE_OPERATE, admin = false;

		for (size_t k = 0; k < ARRAY_SIZE(admins); k++)
			admin = admin || streq(r->name, admins[k]);
		if (changes && (r->role == API_ROLE_ADMIN) != admin)
			TEST_FAIL("%s needs role %s", r->name, api_role_to_string(r->role));
	}
}

static char *read_file(const char *name)
{
	const char *srcdir = getenv("srcdir");
	char path[4096], *text = calloc(1, 1 << 20);
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", srcdir ? srcdir : ".", name);
	f = fopen(path, "r");
	if (!f || !fread(text, 1, (1 << 20) - 1, f))
		printf("# %s cannot be read\n", path);
	if (f)
		fclose(f);
	return text;
}

TEST(the_documentation_lists_every_route_and_problem)
{
	_cleanup_free_ char *docs = read_file("docs/API.md");

	for (size_t i = 0; i < n_routes; i++) {
		char row[256];

		snprintf(row, sizeof(row), "| %s %s | %s |", routes[i].method, routes[i].path,
			api_role_to_string(routes[i].role));
		CHECK_CONTAINS(docs, row);
	}
	/* And no other. */
	for (const char *at = docs; (at = strstr(at, "\n| ")); at++) {
		char method[8] = "", path[128] = "";
		bool is_route = false;

		if (sscanf(at, "\n| %7[A-Z] %127s |", method, path) != 2 || path[0] != '/')
			continue;
		for (size_t i = 0; i < n_routes; i++)
			is_route = is_route ||
				   (streq(routes[i].method, method) && streq(routes[i].path, path));
		if (!is_route)
			TEST_FAIL("docs/API.md lists %s %s, which there is not", method, path);
	}
	for (int i = 0; i < API_PROBLEM_MAX; i++) {
		bool listed = false;

		CHECK(problem_status((enum api_problem)i) >= 400);
		CHECK(problem_title((enum api_problem)i));
		/* The table's rows begin with codes, and carry their status. */
		for (const char *at = docs;
			(at = strstr(at, api_problem_to_string((enum api_problem)i))); at++) {
			char status[16];
			const char *line = at;

			while (line > docs && line[-1] != '\n')
				line--;
			snprintf(status, sizeof(status), "| %u |",
				problem_status((enum api_problem)i));
			if (*line == '|' && strstr(line, status) &&
				strstr(line, status) < strchr(at, '\n'))
				listed = true;
		}
		if (!listed)
			TEST_FAIL("docs/API.md does not list %s with its status",
				api_problem_to_string((enum api_problem)i));
	}
}

TEST(overrides_are_dropped_of_one_that_does_not_run_by_uuid_or_name)
{
	struct guest_sample guests[] = {{.id = {.uuid = {{1}}, .name = "web1"}}};
	struct override overrides[] = {
		{.guest = {{1}}, .guest_name = "web1"},
		{.guest = {{2}}, .guest_name = "gone"},
		{.guest = {{3}}},
		{.guest = {{4}}, .guest_name = "web1"}, /* had the name before */
	};
	struct snapshot s = {
		.guests = guests, .n_guests = 1, .overrides = overrides, .n_overrides = 4};
	struct view_input known = {.snapshot = &s};
	static const struct {
		const char *word;
		size_t index;
	} cases[] = {
		{"web1", 0},
		{"gone", 2},
		{"02000000-0000-0000-0000-000000000000", 2},
		{"03000000-0000-0000-0000-000000000000", 3},
		{"04000000-0000-0000-0000-000000000000", 4},
	};
	_cleanup_problem_ struct problem p = {0};
	char value[ROUTE_VALUE_MAX];
	const struct route *clear = find("DELETE", "/v1/guests/x/overrides", value, &p), *set;
	size_t index = 0;

	CHECK(clear);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK_INT(route_resolve(clear, &known, cases[i].word, &index, &p), 0);
		CHECK_U64(index, cases[i].index);
	}
	CHECK_INT(route_resolve(clear, &known, "gonne", &index, &p), -1);
	set = find("PUT", "/v1/guests/x/overrides", value, &p);
	CHECK(set);
	/* it cannot be checked against its maximum */
	CHECK_INT(route_resolve(set, &known, "gone", &index, &p), -1);
}

TEST(paths_are_matched_by_segment)
{
	_cleanup_problem_ struct problem p = {0};
	char value[ROUTE_VALUE_MAX];
	const struct route *r;
	char longer[400];

	r = find("GET", "/v1/guests/web1/policy", value, &p);
	CHECK(r);
	CHECK_STR(r->name, "guest-policy");
	CHECK_STR(value, "web1");
	r = find("HEAD", "/v1/guests", value, &p);
	CHECK(r && streq(r->name, "guests"));
	CHECK(!find("GET", "/v1/guests/", value, &p));
	CHECK_INT(p.code, API_PROBLEM_ROUTE_UNKNOWN);
	CHECK(!find("GET", "/v1/guests/a/b/c", value, &p));
	CHECK(!find("GET", "/v1/guests/web1/policyx", value, &p));
	CHECK(!find("GET", "", value, &p));
	memset(longer, 'a', sizeof(longer));
	memcpy(longer, "/v1/guests/", 11);
	longer[sizeof(longer) - 1] = '\0';
	CHECK(!find("GET", longer, value, &p));
}

TEST(a_wrong_method_names_the_right_ones)
{
	_cleanup_problem_ struct problem p = {0};
	char value[ROUTE_VALUE_MAX];

	CHECK(!find("PATCH", "/v1/mode", value, &p));
	CHECK_INT(p.code, API_PROBLEM_METHOD_NOT_ALLOWED);
	CHECK_STR(p.allow, "GET, PUT");
	CHECK(!find("POST", "/v1/guests/x/overrides", value, &p));
	CHECK_STR(p.allow, "GET, PUT, DELETE");
}

TEST(query_parameters_are_checked)
{
	static const struct {
		const char *route, *name, *value, *says;
	} bad[] = {
		{"events", "limit", "0", "found \"0\", expected 1 to 1000"},
		{"events", "limit", "1001", "expected 1 to 1000"},
		{"events", "limit", "99999999999999999999", "expected 1 to 1000"},
		{"events", "limit", "-1", "expected 1 to 1000"},
		{"events", "limit", " 1", "expected 1 to 1000"},
		{"events", "limit", "1x", "expected 1 to 1000"},
		{"events", "limit", "", "expected 1 to 1000"},
		{"events", "newest", "yes", "expected true or false"},
		{"events", "after", "", "expected 1 to 256 bytes"},
		{"events", "gust", "x", "did you mean \"guest\"?"},
		{"plan", "limit", "1", "takes no parameters"},
		{"guests", "limit", "1001", "expected 1 to 1000"},
		{"mode-set", "dry-run", "1", "did you mean \"dry_run\"?"},
		{"mode", "dry_run", "true", "takes no parameters"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_problem_ struct problem p = {0};
		struct query q = {0};

		CHECK_INT(
			route_take_param(by_name(bad[i].route), bad[i].name, bad[i].value, &q, &p),
			-1);
		CHECK_INT(p.code, API_PROBLEM_QUERY_INVALID);
		CHECK_STR(p.parameter, bad[i].name);
		CHECK_CONTAINS(p.detail, bad[i].says);
	}
}

TEST(good_parameters_land_in_their_place)
{
	_cleanup_problem_ struct problem p = {0};
	struct query q = {0};

	CHECK_INT(route_take_param(by_name("events"), "limit", "1000", &q, &p), 0);
	CHECK_INT(route_take_param(by_name("events"), "after", "h:b:1", &q, &p), 0);
	CHECK_INT(route_take_param(by_name("events"), "newest", NULL, &q, &p), 0);
	CHECK_INT(
		route_take_param(by_name("reload"), "dry_run", "false", &(struct query){0}, &p), 0);
	CHECK_U64(q.limit, 1000);
	CHECK_STR(q.after, "h:b:1");
	CHECK(q.newest && !q.dry_run);
	CHECK_INT(route_take_param(by_name("events"), "limit", "5", &q, &p), -1);
	CHECK_CONTAINS(p.detail, "given twice");
}

/* Reads and prepares a body, as the HTTP thread does. Returns the call, or NULL with *p. */
static struct api_call *prepare(const char *route, const char *body, struct problem *p)
{
	static struct api_queue *q;
	const struct route *r = by_name(route);
	struct api_call *c;

	if (!q)
		q = api_queue_new();
	problem_clear(p);
	c = api_call_new(q, r);
	if (route_read_body(r, body, strlen(body), &c->body, p) < 0 ||
		(r->prepare && r->prepare(c, p) < 0))
		return api_call_free(c);
	return c;
}

TEST(bad_bodies_name_the_place)
{
	static const struct {
		const char *route, *body;
		enum api_problem code;
		const char *pointer, *says;
	} bad[] = {
		{"mode-set", "", API_PROBLEM_BODY_MALFORMED, "", "nothing is there"},
		{"mode-set", "{\"mode\":\"enforce\"", API_PROBLEM_BODY_MALFORMED, "", "line 1"},
		{"mode-set", "{}", API_PROBLEM_BODY_INVALID, "/mode", "missing"},
		{"mode-set", "{\"mode\":\"enforced\"}", API_PROBLEM_BODY_INVALID, "/mode",
			"did you mean \"enforce\"?"},
		{"mode-set", "{\"mode\":\"enforce\",\"release\":true}", API_PROBLEM_BODY_INVALID,
			"/release", "observe"},
		{"override-set", "{}", API_PROBLEM_BODY_INVALID, "", "the body: nothing to set"},
		{"override-set", "{\"memory\":{}}", API_PROBLEM_BODY_INVALID, "", "nothing to set"},
		{"override-set", "{\"memory\":{\"min\":2,\"max\":1}}", API_PROBLEM_BODY_INVALID,
			"/memory/min", "more than max"},
		{"override-set", "{\"memory\":{\"mim\":2}}", API_PROBLEM_BODY_INVALID,
			"/memory/mim", "did you mean \"min\"?"},
		{"override-set", "{\"cpu\":{\"weight\":0}}", API_PROBLEM_BODY_INVALID,
			"/cpu/weight", "1 to 10000"},
		{"override-set",
			"{\"cpu\":{\"weight\":1},\"for_s\":1,\"until\":\"2099-01-01T00:00:00Z\"}",
			API_PROBLEM_BODY_INVALID, "/until", "either"},
		{"override-set", "{\"cpu\":{\"weight\":1},\"until\":\"2001-01-01T00:00:00Z\"}",
			API_PROBLEM_BODY_INVALID, "/until", "in the past"},
		{"reserve", "{\"uuid\":\"3e0c6a52-8f0b-4c0e-9d0e-0242ac120002\",\"name\":\"x\"}",
			API_PROBLEM_BODY_INVALID, "/bytes", "missing"},
		{"reserve",
			"{\"uuid\":\"3e0c6a52-8f0b-4c0e-9d0e-0242ac120002\",\"name\":\"x\","
			"\"bytes\":1,\"wait_s\":61}",
			API_PROBLEM_BODY_INVALID, "/wait_s", "0 to 60"},
		{"reload", "{}", API_PROBLEM_BODY_MALFORMED, "", "takes no body"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_problem_ struct problem p = {0};

		CHECK(!prepare(bad[i].route, bad[i].body, &p));
		if (p.code != bad[i].code)
			TEST_FAIL(
				"%s: %s: %s", bad[i].body, api_problem_to_string(p.code), p.detail);
		CHECK_STR(p.pointer, bad[i].pointer);
		CHECK_CONTAINS(p.detail, bad[i].says);
	}
}

TEST(an_override_becomes_policy_text)
{
	_cleanup_problem_ struct problem p = {0};
	struct api_call *c = prepare("override-set",
		"{\"memory\":{\"min\":536870912,\"max\":1610612736,\"weight\":300,\"headroom_"
		"permyriad\":1250},"
		"\"cpu\":{\"weight\":400,\"quota_permyriad\":15000},\"for_s\":7200,\"reason\":"
		"\"release\"}",
		&p);
	const struct api_override_request *o;
	char text[256] = "";

	if (!c)
		TEST_FAIL("%s", p.detail);
	o = &c->request.override;
	for (size_t i = 0; i < o->n_settings; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s.%s=%s ",
			o->settings[i].section, o->settings[i].key, o->settings[i].value);
	CHECK_STR(text, "Memory.Min=512M Memory.Max=1.5G Memory.Weight=300 Memory.Headroom=12.5% "
			"CPU.Weight=400 CPU.Quota=150% ");
	CHECK_U64(o->for_usec, 7200 * USEC_PER_SEC);
	CHECK_U64(o->until_real_usec, USEC_INFINITY);
	CHECK_STR(o->reason, "release");
	api_call_free(c);
}

TEST(a_reservation_waits_ten_seconds_unless_told)
{
	_cleanup_problem_ struct problem p = {0};
	struct api_call *c = prepare("reserve",
		"{\"uuid\":\"3e0c6a52-8f0b-4c0e-9d0e-0242ac120002\",\"name\":\"x\",\"bytes\":5}",
		&p);

	CHECK(c);
	CHECK_U64(c->request.reserve.wait_usec, 10 * USEC_PER_SEC);
	CHECK_U64(c->extra_usec, 10 * USEC_PER_SEC);
	CHECK_U64(c->request.reserve.bytes, 5);
	CHECK_INT(c->request.reserve.guest.bytes[0], 0x3e);
	api_call_free(c);
}

TEST(a_problem_is_written_as_rfc_9457_says)
{
	_cleanup_problem_ struct problem p = {0};
	_cleanup_json_out_ struct json_out o = {0};

	problem_set_unknown(&p, API_PROBLEM_GUEST_UNKNOWN, "guest", "wbe1", "web1");
	problem_write(&p, "/v1/guests/wbe1", &o);
	CHECK_STR(o.buf,
		"{\"type\":\"urn:ballast:problem:guest-unknown\",\"title\":\"No such guest\","
		"\"status\":404,\"code\":\"guest-unknown\",\"detail\":\"there is no guest "
		"\\\"wbe1\\\"; the "
		"nearest name is "
		"\\\"web1\\\"\",\"instance\":\"/v1/guests/wbe1\",\"nearest\":\"web1\"}");
}

TEST(who_names_what_is_not_there_is_told_where_the_names_are)
{
	_cleanup_problem_ struct problem p = {0};

	problem_set_unknown(&p, API_PROBLEM_GUEST_UNKNOWN, "guest", "zz", NULL);
	CHECK_STR(p.detail, "there is no guest \"zz\": ballastctl guest list shows all");
}

TEST_MAIN()
