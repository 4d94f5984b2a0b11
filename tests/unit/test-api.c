/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real HTTP server on a real socket, over a canned host. */
#include <curl/curl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "daemon/api/route.h"
#include "tests/fixture/client.h"
#include "tests/fixture/fake-daemon.h"
#include "tests/test.h"

#define GROUP_READ    61001
#define GROUP_OPERATE 61002
#define GROUP_ADMIN   61003

static char socket_path[64];
static struct fake_daemon *fake;

/* A fresh daemon for each test that needs its own; short deadlines, so that tests need not wait. */
static void start(const struct api_config *c)
{
	static const struct api_config usual = {.request_usec = 10 * USEC_PER_SEC,
		.access = {.admin_gid = GROUP_ADMIN, .operate_gid = GROUP_OPERATE, .read_gid = GROUP_READ}};

	snprintf(socket_path, sizeof(socket_path), "/tmp/ballast-test-api-%d.sock", (int)getpid());
	fake = fake_daemon_start(socket_path, c ? c : &usual);
	if (!fake)
		exit(1);
}

static void stop(void)
{
	fake_daemon_stop(fake);
	fake = NULL;
}

static struct reply ask(const char *method, const char *path, const char *body)
{
	struct reply r;

	client_request(socket_path, method, path, body, NULL, &r);
	return r;
}

/* All that a problem must have; true if it is this one. */
static bool is_problem(const struct reply *r, enum api_problem code)
{
	const char *text = json_string_value(json_at(r->json, "/code"));

	if (!text || !streq(text, api_problem_to_string(code)) ||
		r->status != (long)problem_status(code) ||
		json_integer_value(json_at(r->json, "/status")) != r->status ||
		!streq(r->content_type, "application/problem+json") ||
		!json_is_string(json_at(r->json, "/detail")) ||
		!json_is_string(json_at(r->json, "/title")) ||
		!json_is_string(json_at(r->json, "/instance"))) {
		printf("# status %ld, %s, %s\n", r->status, r->content_type, r->body ? r->body : "no body");
		return false;
	}
	return true;
}

#define CHECK_PROBLEM(reply, code) CHECK(is_problem(&(reply), code))
#define CHECK_AT(reply, pointer, want) CHECK_STR(json_string_value(json_at((reply).json, pointer)), want)
#define CHECK_INT_AT(reply, pointer, want)                                                         \
	do {                                                                                       \
		CHECK(json_is_integer(json_at((reply).json, pointer)));                            \
		CHECK_INT(json_integer_value(json_at((reply).json, pointer)), want);               \
	} while (0)
#define CHECK_NULL_AT(reply, pointer) CHECK(json_is_null(json_at((reply).json, pointer)))

TEST(health_ready_version_and_mode)
{
	start(NULL);
	{
		_cleanup_reply_ struct reply health = ask("GET", "/healthz", NULL);
		_cleanup_reply_ struct reply ready = ask("GET", "/readyz", NULL);
		_cleanup_reply_ struct reply version = ask("GET", "/v1/version", NULL);
		_cleanup_reply_ struct reply mode = ask("GET", "/v1/mode", NULL);

		CHECK_INT(health.status, 200);
		CHECK_AT(health, "/status", "ok");
		CHECK_INT(ready.status, 200);
		CHECK(json_is_true(json_at(ready.json, "/ready")));
		CHECK_INT_AT(version, "/api", 1);
		CHECK_AT(version, "/libvirt", "9.0.0");
		CHECK_AT(version, "/started", "2026-11-23T20:00:00.000Z");
		CHECK_AT(mode, "/mode", "enforce");
		CHECK_STR(mode.content_type, "application/json");
	}
	stop();
}

TEST(the_host_shows_its_budget_guests_policies_and_problems)
{
	start(NULL);
	{
		_cleanup_reply_ struct reply r = ask("GET", "/v1/hosts/self", NULL);
		_cleanup_reply_ struct reply named = ask("GET", "/v1/hosts/host1", NULL);
		_cleanup_reply_ struct reply list = ask("GET", "/v1/hosts", NULL);
		_cleanup_reply_ struct reply other = ask("GET", "/v1/hosts/host2", NULL);

		CHECK_INT(r.status, 200);
		CHECK_AT(r, "/state", "short");
		CHECK_AT(r, "/mode", "enforce");
		CHECK_INT_AT(r, "/memory/total", 12 * GIB);
		CHECK_INT_AT(r, "/memory/budget", 10 * GIB - 250 * MIB);
		CHECK_INT_AT(r, "/memory/charged", 8 * GIB + 512 * MIB);
		CHECK_INT_AT(r, "/memory/free", 2 * GIB - 250 * MIB - 512 * MIB);
		CHECK_INT_AT(r, "/guests/count", 5);
		CHECK_INT_AT(r, "/guests/pressed", 1);
		CHECK_INT_AT(r, "/guests/stale", 1);
		CHECK_INT_AT(r, "/policies/count", 3);
		CHECK_INT_AT(r, "/policies/open", 2);
		CHECK_AT(r, "/problems/0/code", "policy-bad");
		CHECK(json_equal(r.json, named.json));
		CHECK(json_equal(r.json, json_at(list.json, "/hosts/0")));
		CHECK_PROBLEM(other, API_PROBLEM_HOST_UNKNOWN);
		CHECK_AT(other, "/nearest", "host1");
	}
	stop();
}

TEST(guests_are_listed_by_name_and_shown_one_by_one)
{
	static const char *const names[] = {"backup1", "files1", "mail1", "old1", "web1"};

	start(NULL);
	{
		_cleanup_reply_ struct reply list = ask("GET", "/v1/guests", NULL);
		_cleanup_reply_ struct reply web = ask("GET", "/v1/guests/web1", NULL);
		_cleanup_reply_ struct reply same =
			ask("GET", "/v1/guests/11110000-0000-0000-0000-000000000001", NULL);
		_cleanup_reply_ struct reply old = ask("GET", "/v1/guests/old1", NULL);
		_cleanup_reply_ struct reply escaped = ask("GET", "/v1/guests/%77eb1", NULL);

		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			char pointer[64];

			snprintf(pointer, sizeof(pointer), "/guests/%zu/name", i);
			CHECK_AT(list, pointer, names[i]);
		}
		CHECK(json_equal(json_at(list.json, "/guests/4"), web.json));
		CHECK(json_equal(web.json, same.json));
		CHECK(json_equal(web.json, escaped.json));
		CHECK_INT_AT(web, "/memory/actual", GIB);
		CHECK_INT_AT(web, "/memory/target", 1536 * MIB);
		CHECK_INT_AT(web, "/memory/stall_permyriad", 1234);
		CHECK_NULL_AT(web, "/memory/limit");
		CHECK_AT(web, "/conditions/0", "pressed");
		CHECK_AT(web, "/tags/0", "db");
		CHECK_AT(web, "/net", "swap");
		CHECK_AT(web, "/agent/os", "Debian GNU/Linux 12 (bookworm)");
		CHECK_AT(web, "/report/source", "agent");
		CHECK_AT(web, "/report/time", "2026-11-23T20:59:58.000Z");
		CHECK_AT(web, "/standing/code", "stall");
		CHECK_INT_AT(web, "/last_change/to", GIB);
		CHECK_AT(web, "/last_change/reason/code", "stall");
		CHECK_AT(old, "/fixed", "no-balloon");
		CHECK_NULL_AT(old, "/report");
		CHECK_NULL_AT(old, "/net");
		CHECK_NULL_AT(old, "/memory/used");
		CHECK_NULL_AT(old, "/standing");
		CHECK_AT(old, "/conditions/0", "unknown");
		CHECK_INT_AT(list, "/guests/0/memory/limit", 3 * GIB);
	}
	stop();
}

TEST(a_guest_that_is_not_there_gets_the_nearest_name)
{
	start(NULL);
	{
		_cleanup_reply_ struct reply typo = ask("GET", "/v1/guests/wbe1", NULL);
		_cleanup_reply_ struct reply far = ask("GET", "/v1/guests/something", NULL);
		_cleanup_reply_ struct reply command = ask("GET", "/v1/guests/wbe1/policy", NULL);

		CHECK_PROBLEM(typo, API_PROBLEM_GUEST_UNKNOWN);
		CHECK_AT(typo, "/nearest", "web1");
		CHECK_CONTAINS(json_string_value(json_at(typo.json, "/detail")), "web1");
		CHECK_PROBLEM(far, API_PROBLEM_GUEST_UNKNOWN);
		CHECK_NULL_AT(far, "/nearest");
		CHECK_PROBLEM(command, API_PROBLEM_GUEST_UNKNOWN);
		CHECK_AT(command, "/nearest", "web1");
	}
	stop();
}

static json_t *find_setting(json_t *settings, const char *section, const char *key)
{
	json_t *s;
	size_t i;

	json_array_foreach(settings, i, s)
		if (streq(json_string_value(json_object_get(s, "section")), section) &&
			streq(json_string_value(json_object_get(s, "key")), key))
			return s;
	return NULL;
}

TEST(effective_settings_say_where_they_come_from)
{
	start(NULL);
	{
		_cleanup_reply_ struct reply r = ask("GET", "/v1/guests/backup1/policy", NULL);
		json_t *min = find_setting(json_at(r.json, "/settings"), "Memory", "Min");
		json_t *quota = find_setting(json_at(r.json, "/settings"), "CPU", "Quota");

		CHECK_INT(r.status, 200);
		CHECK_STR(json_string_value(json_at(min, "/value")), "512M");
		CHECK_STR(json_string_value(json_at(min, "/origin/kind")), "policy");
		CHECK_STR(json_string_value(json_at(min, "/origin/policy")), "60-night.policy");
		CHECK_STR(json_string_value(json_at(min, "/origin/file")), "/etc/ballast/policy.d/60-night.policy");
		CHECK_INT(json_integer_value(json_at(min, "/origin/line")), 10);
		CHECK_STR(json_string_value(json_at(quota, "/origin/kind")), "default");
		CHECK(json_is_null(json_at(quota, "/origin/file")));
		CHECK_AT(r, "/policies/0/name", "10-default.policy");
		CHECK_AT(r, "/policies/1/name", "60-night.policy");
		CHECK(json_is_true(json_at(r.json, "/policies/1/active")));
	}
	stop();
}

TEST(explain_puts_it_in_sentences)
{
	start(NULL);
	{
		_cleanup_reply_ struct reply r = ask("GET", "/v1/guests/web1/explain", NULL);
		json_t *line;
		size_t i;
		char all[4096] = "";

		CHECK_INT(r.status, 200);
		json_array_foreach(json_at(r.json, "/text"), i, line)
			snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s\n", json_string_value(line));
		CHECK_CONTAINS(all, "web1 has 1 GiB of at most 4 GiB");
		CHECK_CONTAINS(all, "why: stalled 12.34% of the last second");
		CHECK_CONTAINS(all, "pressed: it stalls on memory");
		CHECK_CONTAINS(all, "policy 50-day.policy matches, but its schedule is closed (Mon..Fri 08:00)");
		CHECK_CONTAINS(all, "policy 10-default.policy is in force");
		CHECK_CONTAINS(all, "the host is short");
		CHECK_AT(r, "/changes/0/kind", "command");
		CHECK_AT(r, "/guest/name", "web1");
		CHECK_AT(r, "/host/state", "short");
	}
	stop();
}

TEST(plan_and_policies)
{
	start(NULL);
	{
		_cleanup_reply_ struct reply plan = ask("GET", "/v1/plan", NULL);
		_cleanup_reply_ struct reply list = ask("GET", "/v1/policies", NULL);
		_cleanup_reply_ struct reply one = ask("GET", "/v1/policies/60-night", NULL);
		_cleanup_reply_ struct reply none = ask("GET", "/v1/policies/60-nigth", NULL);

		CHECK_AT(plan, "/actions/0/kind", "memory");
		CHECK_AT(plan, "/actions/0/guest", "files1");
		CHECK_INT_AT(plan, "/actions/0/to", 1536 * MIB);
		CHECK_AT(plan, "/actions/0/reason/code", "lend");
		CHECK_AT(plan, "/guests/0/guest", "web1");
		CHECK_INT(json_array_size(json_at(plan.json, "/guests")), 5);
		CHECK_INT(json_array_size(json_at(list.json, "/policies")), 3);
		CHECK(json_equal(json_at(list.json, "/policies/2"), one.json));
		CHECK(json_is_true(json_at(one.json, "/open")));
		CHECK_AT(one, "/on_calendar", "Mon..Fri 20:00");
		CHECK_INT_AT(one, "/active", 1);
		CHECK(json_is_false(json_at(list.json, "/policies/1/open")));
		CHECK_AT(list, "/next_change", "2026-11-24T08:00:00.000Z");
		CHECK_PROBLEM(none, API_PROBLEM_POLICY_UNKNOWN);
		CHECK_AT(none, "/nearest", "60-night.policy");
	}
	stop();
}

TEST(events_are_listed_filtered_and_paged)
{
	start(NULL);
	{
		_cleanup_reply_ struct reply all = ask("GET", "/v1/events", NULL);
		_cleanup_reply_ struct reply two = ask("GET", "/v1/events?limit=2", NULL);
		_cleanup_reply_ struct reply rest = ask("GET", "/v1/events?after=host1:0badcafe:2", NULL);
		_cleanup_reply_ struct reply last = ask("GET", "/v1/events?newest&limit=1", NULL);
		_cleanup_reply_ struct reply web = ask("GET", "/v1/events?guest=web1&kind=command", NULL);
		_cleanup_reply_ struct reply older = ask("GET", "/v1/events?after=host1:feedbeef:99", NULL);
		_cleanup_reply_ struct reply kind = ask("GET", "/v1/events?kind=comand", NULL);
		_cleanup_reply_ struct reply guest = ask("GET", "/v1/events?guest=wbe1", NULL);
		_cleanup_reply_ struct reply after = ask("GET", "/v1/events?after=yesterday", NULL);
		_cleanup_reply_ struct reply quiet = ask("GET", "/v1/events?guest=files1", NULL);

		CHECK_INT(json_array_size(json_at(all.json, "/events")), 5);
		CHECK_AT(all, "/last", "host1:0badcafe:5");
		CHECK(json_is_false(json_at(all.json, "/lost")));
		CHECK(json_is_true(json_at(two.json, "/more")));
		CHECK_AT(two, "/last", "host1:0badcafe:2");
		CHECK_INT(json_array_size(json_at(rest.json, "/events")), 3);
		CHECK_AT(last, "/events/0/kind", "agent-lost");
		CHECK_INT(json_array_size(json_at(web.json, "/events")), 1);
		CHECK_INT_AT(web, "/events/0/numbers/to", GIB);
		CHECK(json_is_true(json_at(older.json, "/lost")));
		CHECK_INT(json_array_size(json_at(older.json, "/events")), 5);
		CHECK_PROBLEM(kind, API_PROBLEM_QUERY_INVALID);
		CHECK_CONTAINS(kind.body, "did you mean \\\"command\\\"?");
		CHECK_PROBLEM(guest, API_PROBLEM_GUEST_UNKNOWN);
		CHECK_AT(guest, "/nearest", "web1");
		CHECK_PROBLEM(after, API_PROBLEM_QUERY_INVALID);
		CHECK_AT(after, "/parameter", "after");
		CHECK_INT(json_array_size(json_at(quiet.json, "/events")), 0);
	}
	stop();
}

TEST(mode_is_set_and_seen_at_once)
{
	start(NULL);
	for (int i = 0; i < 20; i++) {
		const char *want = i % 2 ? "enforce" : "observe";
		char body[64];

		snprintf(body, sizeof(body), "{\"mode\":\"%s\"}", want);
		{
			_cleanup_reply_ struct reply before = ask("GET", "/v1/mode", NULL);
			_cleanup_reply_ struct reply dry = ask("PUT", "/v1/mode?dry_run=true", body);
			_cleanup_reply_ struct reply still = ask("GET", "/v1/mode", NULL);
			_cleanup_reply_ struct reply put = ask("PUT", "/v1/mode", body);
			_cleanup_reply_ struct reply get = ask("GET", "/v1/mode", NULL);

			CHECK_INT(dry.status, 200);
			CHECK_AT(dry, "/mode", want);
			CHECK(json_equal(before.json, still.json));
			CHECK_INT(put.status, 200);
			CHECK_AT(get, "/mode", want);
		}
	}
	stop();
}

TEST(overrides_are_set_shown_and_cleared)
{
	static const char body[] = "{\"memory\":{\"min\":536870912,\"weight\":300},\"for_s\":7200,"
				   "\"reason\":\"release day\"}";

	start(NULL);
	{
		_cleanup_reply_ struct reply none = ask("DELETE", "/v1/guests/web1/overrides", NULL);
		_cleanup_reply_ struct reply dry = ask("PUT", "/v1/guests/web1/overrides?dry_run", body);
		_cleanup_reply_ struct reply put = ask("PUT", "/v1/guests/web1/overrides", body);
		_cleanup_reply_ struct reply shown = ask("GET", "/v1/guests/web1", NULL);
		_cleanup_reply_ struct reply why = ask("GET", "/v1/guests/web1/explain", NULL);
		_cleanup_reply_ struct reply gone = ask("DELETE", "/v1/guests/web1/overrides", NULL);
		_cleanup_reply_ struct reply after = ask("GET", "/v1/guests/web1", NULL);

		CHECK_PROBLEM(none, API_PROBLEM_OVERRIDE_UNKNOWN);
		CHECK_INT(json_array_size(json_at(dry.json, "/overrides")), 0);
		CHECK_INT(put.status, 200);
		CHECK_AT(put, "/overrides/0/section", "Memory");
		CHECK_AT(put, "/overrides/0/value", "512M");
		CHECK_AT(put, "/overrides/0/reason", "release day");
		CHECK_AT(put, "/overrides/0/until", "2026-11-23T23:00:00.000Z");
		CHECK_CONTAINS(json_string_value(json_at(put.json, "/overrides/0/by")), "uid ");
		CHECK_INT_AT(shown, "/overrides", 2);
		CHECK_CONTAINS(why.body, "Weight=300 was set by hand");
		CHECK_INT(gone.status, 204);
		CHECK_U64(gone.len, 0);
		CHECK_INT_AT(after, "/overrides", 0);
	}
	stop();
}

TEST(enroll_reload_and_reservations)
{
	static const char small[] = "{\"uuid\":\"3e0c6a52-8f0b-4c0e-9d0e-0242ac120002\",\"name\":\"web9\","
				    "\"bytes\":1073741824}";
	static const char large[] = "{\"uuid\":\"3e0c6a52-8f0b-4c0e-9d0e-0242ac120002\",\"name\":\"web9\","
				    "\"bytes\":9073741824,\"wait_s\":0}";

	start(NULL);
	{
		_cleanup_reply_ struct reply ok = ask("POST", "/v1/guests/web1/enroll", NULL);
		_cleanup_reply_ struct reply cannot = ask("POST", "/v1/guests/old1/enroll", NULL);
		_cleanup_reply_ struct reply reload = ask("POST", "/v1/reload", NULL);
		_cleanup_reply_ struct reply granted = ask("POST", "/v1/reservations", small);
		_cleanup_reply_ struct reply refused = ask("POST", "/v1/reservations", large);
		_cleanup_reply_ struct reply host = ask("GET", "/v1/hosts/self", NULL);
		_cleanup_reply_ struct reply freed = ask("DELETE", "/v1/reservations/1", NULL);
		_cleanup_reply_ struct reply again = ask("DELETE", "/v1/reservations/1", NULL);
		_cleanup_reply_ struct reply word = ask("DELETE", "/v1/reservations/web9", NULL);

		CHECK(json_is_true(json_at(ok.json, "/enrolled")));
		CHECK_PROBLEM(cannot, API_PROBLEM_CANNOT_ENROLL);
		CHECK_INT_AT(reload, "/policies", 3);
		CHECK_INT(granted.status, 201);
		CHECK_INT_AT(granted, "/id", 1);
		CHECK_AT(granted, "/asked", "2026-11-23T21:00:00.000Z");
		CHECK_PROBLEM(refused, API_PROBLEM_NO_ROOM);
		CHECK_INT_AT(host, "/reservations/0/bytes", GIB);
		CHECK_INT(freed.status, 204);
		CHECK_PROBLEM(again, API_PROBLEM_RESERVATION_UNKNOWN);
		CHECK_PROBLEM(word, API_PROBLEM_RESERVATION_UNKNOWN);
	}
	pthread_mutex_lock(&fake->lock);
	fake->reload_finds_bad = true;
	pthread_mutex_unlock(&fake->lock);
	{
		_cleanup_reply_ struct reply bad = ask("POST", "/v1/reload", NULL);

		CHECK_PROBLEM(bad, API_PROBLEM_CONFIGURATION_BAD);
		CHECK_INT_AT(bad, "/findings/0/line", 4);
		CHECK_INT_AT(bad, "/findings/0/column", 5);
		CHECK_AT(bad, "/findings/0/file", "/etc/ballast/policy.d/70-office.policy");
	}
	stop();
}

TEST(an_unchanged_answer_is_not_sent_again)
{
	static const char *const paths[] = {"/v1/guests", "/v1/guests/web1", "/v1/hosts/self", "/v1/plan",
		"/v1/policies", "/v1/mode"};

	start(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_reply_ struct reply first = ask("GET", paths[i], NULL);
		_cleanup_reply_ struct reply same = {0}, weak = {0}, other = {0}, head = {0};
		char header[128];

		CHECK(first.etag[0] == '"');
		snprintf(header, sizeof(header), "If-None-Match: \"x\", %s", first.etag);
		client_request(socket_path, "GET", paths[i], NULL, header, &same);
		snprintf(header, sizeof(header), "If-None-Match: W/%s", first.etag);
		client_request(socket_path, "GET", paths[i], NULL, header, &weak);
		client_request(socket_path, "GET", paths[i], NULL, "If-None-Match: \"0123456789abcdef\"", &other);
		client_request(socket_path, "HEAD", paths[i], NULL, NULL, &head);
		CHECK_INT(same.status, 304);
		CHECK_U64(same.len, 0);
		CHECK_STR(same.etag, first.etag);
		CHECK_INT(weak.status, 304);
		CHECK_INT(other.status, 200);
		CHECK_INT(head.status, 200);
		CHECK_U64(head.len, 0);
	}
	stop();
}

TEST(a_view_is_made_only_when_somebody_asks)
{
	unsigned looks;

	start(NULL);
	for (int i = 0; i < 200; i++) {
		_cleanup_reply_ struct reply r = ask("GET", "/v1/guests", NULL);

		CHECK_INT(r.status, 200);
	}
	pthread_mutex_lock(&fake->lock);
	looks = fake->n_looks;
	pthread_mutex_unlock(&fake->lock);
	/* One for each 50 ms, however long the 200 took: far fewer than 200 on any machine that can run this. */
	CHECK(looks >= 1 && looks < 190);
	stop();
}

TEST(before_anything_is_known_it_says_so)
{
	start(NULL);
	pthread_mutex_lock(&fake->lock);
	fake->nothing_known = true;
	pthread_mutex_unlock(&fake->lock);
	{
		_cleanup_reply_ struct reply health = ask("GET", "/healthz", NULL);
		_cleanup_reply_ struct reply ready = ask("GET", "/readyz", NULL);
		_cleanup_reply_ struct reply guests = ask("GET", "/v1/guests", NULL);
		_cleanup_reply_ struct reply command = ask("GET", "/v1/guests/web1/policy", NULL);

		CHECK_INT(health.status, 200);
		CHECK_PROBLEM(ready, API_PROBLEM_NOT_READY);
		CHECK_STR(ready.retry_after, "1");
		CHECK_PROBLEM(guests, API_PROBLEM_NOT_READY);
		CHECK_PROBLEM(command, API_PROBLEM_NOT_READY);
	}
	stop();
}

TEST(a_main_loop_that_stands_still_is_noticed_and_the_last_view_shown)
{
	start(NULL);
	{
		_cleanup_reply_ struct reply before = ask("GET", "/v1/mode", NULL);

		fake_daemon_freeze(fake, true);
		/* What is still fresh may be served for 50 ms. */
		for (;;) {
			_cleanup_reply_ struct reply stale = ask("GET", "/v1/mode", NULL);

			CHECK_INT(stale.status, 200);
			if (stale.view_age[0])
				break;
		}
	}
	{
		_cleanup_reply_ struct reply health = ask("GET", "/healthz", NULL);

		CHECK_PROBLEM(health, API_PROBLEM_STUCK);
	}
	fake_daemon_freeze(fake, false);
	for (;;) {
		_cleanup_reply_ struct reply again = ask("GET", "/v1/mode", NULL);

		CHECK_INT(again.status, 200);
		if (!again.view_age[0])
			break;
	}
	stop();
}

TEST(bad_bodies_are_refused_with_their_place)
{
	static char deep[200], large[70000];
	const struct {
		const char *body;
		size_t len;
		enum api_problem code;
	} bad[] = {
		{"", 0, API_PROBLEM_BODY_MALFORMED},
		{"{\"mode\":", 8, API_PROBLEM_BODY_MALFORMED},
		{"{\"mode\":\"observe\",\"mode\":\"enforce\"}", 35, API_PROBLEM_BODY_MALFORMED},
		{"{\"mode\":\"\xff\xfe\"}", 13, API_PROBLEM_BODY_MALFORMED},
		{"{\"mode\":\"observe\"}\0", 19, API_PROBLEM_BODY_MALFORMED},
		{"{\"mode\":\"observe\"}{}", 20, API_PROBLEM_BODY_MALFORMED},
		{deep, sizeof(deep), API_PROBLEM_BODY_MALFORMED},
		{large, sizeof(large), API_PROBLEM_BODY_TOO_LARGE},
		{"{\"mood\":\"observe\"}", 18, API_PROBLEM_BODY_INVALID},
		{"{\"mode\":1}", 10, API_PROBLEM_BODY_INVALID},
		{"[]", 2, API_PROBLEM_BODY_INVALID},
	};

	memset(deep, '[', sizeof(deep));
	memset(large, ' ', sizeof(large));
	start(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_reply_ struct reply r = {0};

		client_request_bytes(socket_path, "PUT", "/v1/mode", bad[i].body, bad[i].len, NULL, &r);
		CHECK_PROBLEM(r, bad[i].code);
		if (bad[i].code == API_PROBLEM_BODY_INVALID)
			CHECK(json_is_string(json_at(r.json, "/pointer")));
		if (bad[i].code == API_PROBLEM_BODY_MALFORMED)
			CHECK(json_is_integer(json_at(r.json, "/line")));
	}
	{
		_cleanup_reply_ struct reply alive = ask("GET", "/v1/mode", NULL);
		_cleanup_reply_ struct reply field = ask("PUT", "/v1/mode", "{\"mod\":\"observe\"}");

		CHECK_AT(alive, "/mode", "enforce");
		CHECK_AT(field, "/pointer", "/mod");
		CHECK_CONTAINS(field.body, "did you mean \\\"mode\\\"?");
	}
	stop();
}

TEST(what_is_no_json_by_its_own_word_is_refused)
{
	start(NULL);
	{
		static const char body[] = "{\"mode\":\"enforce\"}";
		_cleanup_reply_ struct reply form = {0}, none = {0}, like = {0}, charset = {0}, get = {0};

		client_request(socket_path, "PUT", "/v1/mode", body,
			"Content-Type: application/x-www-form-urlencoded", &form);
		CHECK_PROBLEM(form, API_PROBLEM_MEDIA_TYPE);
		client_request(socket_path, "PUT", "/v1/mode", body, "Content-Type:", &none);
		CHECK_PROBLEM(none, API_PROBLEM_MEDIA_TYPE);
		client_request(socket_path, "PUT", "/v1/mode", body, "Content-Type: application/jsonp", &like);
		CHECK_PROBLEM(like, API_PROBLEM_MEDIA_TYPE);
		client_request(socket_path, "PUT", "/v1/mode", body,
			"Content-Type: Application/JSON; charset=utf-8", &charset);
		CHECK_INT(charset.status, 200);
		client_request(socket_path, "GET", "/v1/mode", "{}", NULL, &get);
		CHECK_PROBLEM(get, API_PROBLEM_BODY_MALFORMED);
	}
	stop();
}

TEST(wrong_paths_methods_and_parameters)
{
	start(NULL);
	{
		_cleanup_reply_ struct reply path = ask("GET", "/v2/guests", NULL);
		_cleanup_reply_ struct reply root = ask("GET", "/", NULL);
		_cleanup_reply_ struct reply method = ask("DELETE", "/v1/mode", NULL);
		_cleanup_reply_ struct reply odd = ask("BREW", "/v1/mode", NULL);
		_cleanup_reply_ struct reply param = ask("GET", "/v1/guests?limit=3", NULL);
		_cleanup_reply_ struct reply twice = ask("GET", "/v1/events?limit=3&limit=4", NULL);
		_cleanup_reply_ struct reply nul = ask("GET", "/v1/guests/web1%00x", NULL);
		_cleanup_reply_ struct reply broken = ask("GET", "/v1/guests/web1%zz", NULL);

		CHECK_PROBLEM(path, API_PROBLEM_ROUTE_UNKNOWN);
		CHECK_AT(path, "/instance", "/v2/guests");
		CHECK_PROBLEM(root, API_PROBLEM_ROUTE_UNKNOWN);
		CHECK_PROBLEM(method, API_PROBLEM_METHOD_NOT_ALLOWED);
		CHECK_STR(method.allow, "GET, PUT");
		CHECK_PROBLEM(odd, API_PROBLEM_METHOD_NOT_ALLOWED);
		CHECK_PROBLEM(param, API_PROBLEM_QUERY_INVALID);
		CHECK_AT(param, "/parameter", "limit");
		CHECK_PROBLEM(twice, API_PROBLEM_QUERY_INVALID);
		CHECK_PROBLEM(nul, API_PROBLEM_GUEST_UNKNOWN);
		CHECK_PROBLEM(broken, API_PROBLEM_GUEST_UNKNOWN);
	}
	stop();
}

TEST(a_command_that_takes_too_long_goes_on_and_says_so)
{
	struct api_config c = {.deadline_usec = 200 * USEC_PER_MSEC, .access = {.admin_gid = GROUP_ADMIN}};

	start(&c);
	fake_daemon_hold(fake, true);
	{
		_cleanup_reply_ struct reply late = ask("POST", "/v1/reload", NULL);
		_cleanup_reply_ struct reply other = ask("GET", "/v1/guests", NULL);

		CHECK_PROBLEM(late, API_PROBLEM_TIMEOUT);
		CHECK_INT(other.status, 200);
	}
	pthread_mutex_lock(&fake->lock);
	CHECK_INT(fake->n_held, 1);
	CHECK(api_call_is_late(fake->held[0]));
	pthread_mutex_unlock(&fake->lock);
	fake_daemon_release(fake);
	{
		_cleanup_reply_ struct reply next = ask("POST", "/v1/reload", NULL);

		CHECK_INT(next.status, 200);
	}
	stop();
}

struct exchange {
	const char *method, *path, *body;
	struct reply reply;
	pthread_t thread;
};

static void *exchange(void *arg)
{
	struct exchange *e = arg;

	client_request(socket_path, e->method, e->path, e->body, NULL, &e->reply);
	return NULL;
}

static void wait_held(unsigned n)
{
	for (;;) {
		unsigned held;

		pthread_mutex_lock(&fake->lock);
		held = fake->n_held;
		pthread_mutex_unlock(&fake->lock);
		if (held >= n)
			return;
		poll(NULL, 0, 1);
	}
}

TEST(a_late_answer_of_the_main_loop_reaches_who_waits)
{
	struct exchange e[3];

	start(NULL);
	fake_daemon_hold(fake, true);
	for (size_t i = 0; i < ARRAY_SIZE(e); i++) {
		e[i] = (struct exchange){"POST", "/v1/reload", NULL, {0}, 0};
		CHECK_INT(pthread_create(&e[i].thread, NULL, exchange, &e[i]), 0);
	}
	wait_held(ARRAY_SIZE(e));
	fake_daemon_release(fake);
	for (size_t i = 0; i < ARRAY_SIZE(e); i++) {
		pthread_join(e[i].thread, NULL);
		CHECK_INT(e[i].reply.status, 200);
		CHECK(json_is_true(json_at(e[i].reply.json, "/held")));
		reply_clear(&e[i].reply);
	}
	stop();
}

TEST(stopping_answers_those_who_wait)
{
	struct exchange e = {"POST", "/v1/reload", NULL, {0}, 0};

	start(NULL);
	fake_daemon_hold(fake, true);
	CHECK_INT(pthread_create(&e.thread, NULL, exchange, &e), 0);
	wait_held(1);
	stop(); /* answers the held call after the api is gone */
	pthread_join(e.thread, NULL);
	CHECK_PROBLEM(e.reply, API_PROBLEM_STOPPING);
	reply_clear(&e.reply);
}

TEST(a_client_that_leaves_does_no_harm)
{
	char buf[64];
	int fd;

	start(NULL);
	fake_daemon_hold(fake, true);
	fd = client_connect(socket_path);
	CHECK(fd >= 0);
	client_raw(fd, "POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 57, buf, sizeof(buf), 0);
	wait_held(1);
	close(fd);
	fake_daemon_release(fake);
	{
		_cleanup_reply_ struct reply r = ask("POST", "/v1/reload", NULL);

		CHECK_INT(r.status, 200);
	}
	stop();
}

#define CLIENTS  8
#define REQUESTS 150

struct hammer {
	pthread_t thread;
	unsigned seed;
	int bad;
};

static void *hammer(void *arg)
{
	static const struct {
		const char *method, *path, *body;
		long status;
	} kinds[] = {
		{"GET", "/v1/guests", NULL, 200},
		{"GET", "/v1/guests/web1", NULL, 200},
		{"GET", "/v1/guests/nobody", NULL, 404},
		{"GET", "/v1/guests/backup1/policy", NULL, 200},
		{"GET", "/v1/guests/web1/explain", NULL, 200},
		{"GET", "/v1/events?limit=3", NULL, 200},
		{"GET", "/v1/hosts/self", NULL, 200},
		{"PUT", "/v1/mode", "{\"mode\":\"enforce\"}", 200},
		{"PUT", "/v1/mode", "{\"mode\":\"enforc\"}", 422},
		{"POST", "/v1/reload", NULL, 200},
		{"GET", "/healthz", NULL, 200},
	};
	struct hammer *h = arg;

	for (int i = 0; i < REQUESTS; i++) {
		size_t k = (size_t)rand_r(&h->seed) % ARRAY_SIZE(kinds);
		_cleanup_reply_ struct reply r = ask(kinds[k].method, kinds[k].path, kinds[k].body);

		if (r.status != kinds[k].status || !r.json) {
			printf("# %s %s: %ld\n", kinds[k].method, kinds[k].path, r.status);
			h->bad++;
		}
	}
	return NULL;
}

TEST(many_clients_at_once_all_get_their_answers)
{
	struct hammer h[CLIENTS];
	int bad = 0;

	start(NULL);
	for (unsigned i = 0; i < CLIENTS; i++) {
		h[i] = (struct hammer){.seed = i + 1};
		CHECK_INT(pthread_create(&h[i].thread, NULL, hammer, &h[i]), 0);
	}
	for (unsigned i = 0; i < CLIENTS; i++) {
		pthread_join(h[i].thread, NULL);
		bad += h[i].bad;
	}
	CHECK_INT(bad, 0);
	stop();
}

/* Reads to the end of the stream, for at most 20 s. Returns whether it ended. */
static bool ends(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char buf[4096];

	while (poll(&p, 1, 20000) > 0)
		if (read(fd, buf, sizeof(buf)) <= 0)
			return true;
	return false;
}

TEST(a_request_that_trickles_in_is_cut_off_and_others_are_served)
{
	struct api_config c = {.request_usec = 300 * USEC_PER_MSEC, .access = {.admin_gid = GROUP_ADMIN}};
	static const char begin[] = "PUT /v1/mode HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
				    "Content-Length: 30\r\n\r\n{";
	char buf[64];
	int fds[20];

	start(&c);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = client_connect(socket_path);
		CHECK(fds[i] >= 0);
		client_raw(fds[i], begin, sizeof(begin) - 1, buf, sizeof(buf), 0);
	}
	{
		_cleanup_reply_ struct reply r = ask("GET", "/v1/guests", NULL);

		CHECK_INT(r.status, 200);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		CHECK(ends(fds[i]));
		close(fds[i]);
	}
	stop();
}

TEST(headers_that_never_end_are_cut_off)
{
	struct api_config c = {.request_usec = 300 * USEC_PER_MSEC, .access = {.admin_gid = GROUP_ADMIN}};
	static const char begin[] = "GET /v1/mode HTTP/1.1\r\nHost: x\r\nX: ";
	char buf[64];
	int fd;

	start(&c);
	fd = client_connect(socket_path);
	client_raw(fd, begin, sizeof(begin) - 1, buf, sizeof(buf), 0);
	/* A byte now and then renews the library's idle time-out, not the deadline. */
	for (int i = 0; i < 2000; i++)
		if (client_raw(fd, "x", 1, buf, sizeof(buf), 10) || send(fd, "x", 1, MSG_NOSIGNAL) < 0)
			break;
	CHECK(ends(fd));
	close(fd);
	stop();
}

TEST(endless_bodies_and_headers_are_bounded)
{
	static const char chunked[] = "PUT /v1/mode HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
				      "Transfer-Encoding: chunked\r\n\r\n";
	static char chunk[4200], header[40000], answer[4096];
	int fd;

	start(NULL);
	snprintf(chunk, sizeof(chunk), "1000\r\n");
	memset(chunk + 6, ' ', 4096);
	memcpy(chunk + 6 + 4096, "\r\n", 2);
	fd = client_connect(socket_path);
	client_raw(fd, chunked, sizeof(chunked) - 1, answer, sizeof(answer), 0);
	for (int i = 0; i < 20; i++)
		client_raw(fd, chunk, 6 + 4096 + 2, answer, sizeof(answer), 0);
	client_raw(fd, "0\r\n\r\n", 5, answer, sizeof(answer), 2000);
	CHECK_CONTAINS(answer, "413");
	CHECK_CONTAINS(answer, "body-too-large");
	close(fd);

	memset(header, 'x', sizeof(header));
	memcpy(header, "GET /v1/mode HTTP/1.1\r\nHost: x\r\nX-Long: ", 41);
	fd = client_connect(socket_path);
	client_raw(fd, header, sizeof(header), answer, sizeof(answer), 2000);
	CHECK_CONTAINS(answer, "HTTP/1.1 4");
	close(fd);
	{
		_cleanup_reply_ struct reply r = ask("GET", "/v1/mode", NULL);

		CHECK_INT(r.status, 200);
	}
	stop();
}

TEST(what_is_no_http_is_dropped)
{
	static const char *const bytes[] = {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "\r\n\r\n\r\n",
		"GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /v1/mode HTTP/1.1\r\nContent-Length: -5\r\n\r\n"};
	char answer[4096];

	start(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
		int fd = client_connect(socket_path);

		client_raw(fd, bytes[i], strlen(bytes[i]), answer, sizeof(answer), 50);
		close(fd);
	}
	{
		_cleanup_reply_ struct reply r = ask("GET", "/v1/mode", NULL);

		CHECK_INT(r.status, 200);
	}
	stop();
}

TEST(more_connections_than_allowed_wait_their_turn)
{
	struct api_config c = {.max_connections = 16, .access = {.admin_gid = GROUP_ADMIN}};
	static const char get[] = "GET /v1/mode HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	char answer[4096];
	int fds[40];

	start(&c);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = client_connect(socket_path);
		CHECK(fds[i] >= 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		client_raw(fds[i], get, sizeof(get) - 1, answer, sizeof(answer), 20000);
		CHECK_CONTAINS(answer, "200 OK");
		close(fds[i]);
	}
	stop();
}

/* Runs fn in a process of another user and group; its exit status is the answer, -1 for none. */
static int as_user(uid_t uid, gid_t gid, int (*fn)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (setgroups(0, NULL) < 0 || setgid(gid) < 0 || setuid(uid) < 0)
			_exit(99);
		_exit(fn());
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static const struct route *asked_route;

/* The status of a request to asked_route, by raw bytes (no library state is shared with the parent), less 200. */
static int ask_route(void)
{
	const char *body = asked_route->body ? "{\"mode\":\"enforce\",\"memory\":{\"min\":1048576}}" : "";
	char path[256], request[1024], answer[4096];
	const char *p = asked_route->path;
	size_t n = 0;
	int fd = client_connect(socket_path), status = 0;

	for (; *p && n < sizeof(path) - 8; p++) {
		if (*p != '{') {
			path[n++] = *p;
			continue;
		}
		n += (size_t)snprintf(path + n, 8, "%s", asked_route->noun == NOUN_GUEST ? "web1" : "self");
		p += strcspn(p, "}");
	}
	path[n] = '\0';
	snprintf(request, sizeof(request),
		"%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
		"Content-Length: %zu\r\n\r\n%s",
		asked_route->method, path, strlen(body), body);
	if (fd < 0)
		return 98;
	client_raw(fd, request, strlen(request), answer, sizeof(answer), 20000);
	if (sscanf(answer, "HTTP/1.1 %d", &status) != 1)
		return 97;
	return status == 403 ? 3 : 0;
}

TEST(each_role_may_what_its_routes_say_and_no_more)
{
	static const struct {
		gid_t gid;
		enum api_role role;
	} who[] = {{65534, API_ROLE_NONE}, {GROUP_READ, API_ROLE_READ}, {GROUP_OPERATE, API_ROLE_OPERATE},
		{GROUP_ADMIN, API_ROLE_ADMIN}};

	if (geteuid() != 0)
		TEST_SKIP("needs root, to ask as other users");
	start(NULL);
	for (size_t w = 0; w < ARRAY_SIZE(who); w++)
		for (size_t i = 0; i < n_routes; i++) {
			int denied;

			asked_route = &routes[i];
			denied = as_user(65534, who[w].gid, ask_route);
			if (denied != (who[w].role >= routes[i].role ? 0 : 3))
				TEST_FAIL("role %s on %s: %d", api_role_to_string(who[w].role),
					routes[i].name, denied);
		}
	stop();
}

static int ask_mode(void)
{
	for (size_t i = 0; i < n_routes; i++)
		if (streq(routes[i].name, "mode"))
			asked_route = &routes[i];
	return ask_route();
}

TEST(others_get_a_role_only_when_configured)
{
	struct api_config c = {.access = {.admin_gid = GROUP_ADMIN, .operate_gid = (gid_t)-1,
				       .read_gid = (gid_t)-1, .others = API_ROLE_READ}};

	if (geteuid() != 0)
		TEST_SKIP("needs root, to ask as other users");
	start(&c);
	CHECK_INT(as_user(65534, 65534, ask_mode), 0);
	stop();
}

/* One user's idle connections; 0 when a quarter was kept and the rest refused. */
static int hoard(void)
{
	static const char get[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
	int kept = 0, refused = 0;
	char answer[1024];

	for (int i = 0; i < 12; i++) {
		int fd = client_connect(socket_path);
		struct pollfd p = {.fd = fd, .events = POLLIN};

		if (fd < 0 || send(fd, get, sizeof(get) - 1, MSG_NOSIGNAL) < 0 || poll(&p, 1, 20000) <= 0 ||
			read(fd, answer, sizeof(answer)) <= 0)
			return 10;
		if (strstr(answer, "200 OK"))
			kept++;
		else if (strstr(answer, "503"))
			refused++;
	}
	return kept == 8 && refused == 4 ? 0 : 11;
}

TEST(one_user_cannot_take_all_connections)
{
	struct api_config c = {.max_connections = 32, .access = {.admin_gid = GROUP_ADMIN}};

	if (geteuid() != 0)
		TEST_SKIP("needs root, to ask as other users");
	start(&c);
	CHECK_INT(as_user(65534, 65534, hoard), 0);
	stop();
}

int main(void)
{
	int r;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	r = test_main();
	curl_global_cleanup();
	return r;
}
