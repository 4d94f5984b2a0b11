/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real HTTP server on a real socket, over a canned host: what each route answers. */
#include "common/units.h"
#include "daemon/api/client.h"
#include "daemon/api/response.h"
#include "daemon/api/serve.h"
#include "tests/fixture/api-test.h"
#include "tests/fixture/fake-world.h"

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
		CHECK_AT(version, "/started", "2040-01-02T20:00:00.000Z");
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
		CHECK_INT_AT(r, "/cpu/cpus", 16);
		CHECK_INT_AT(r, "/cpu/busy_permyriad", 3750);
		CHECK_INT_AT(r, "/cpu/steal_permyriad", 42);
		CHECK_INT_AT(r, "/nodes/1/node", 1);
		CHECK_INT_AT(r, "/nodes/1/total", 6 * GIB);
		CHECK_INT_AT(r, "/nodes/1/free", 1536 * MIB);
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
		CHECK_AT(web, "/report/time", "2040-01-02T20:59:58.000Z");
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

	json_array_foreach (settings, i, s)
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
		CHECK_STR(json_string_value(json_at(min, "/origin/file")),
			"/etc/ballast/policy.d/60-night.policy");
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
		json_array_foreach (json_at(r.json, "/text"), i, line)
			snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s\n",
				json_string_value(line));
		CHECK_CONTAINS(all, "web1 has 1 GiB of at most 4 GiB");
		CHECK_CONTAINS(all, "why: stalled 12.34% of the last second");
		CHECK_CONTAINS(all, "pressed: it is short of memory");
		CHECK_CONTAINS(all, "policy 50-day.policy matches, but its schedule is closed "
				    "(Mon..Fri 08:00)");
		CHECK_CONTAINS(all, "policy 10-default.policy is in force");
		CHECK_CONTAINS(all, "the host is short");
		CHECK_AT(r, "/changes/0/kind", "command");
		CHECK_AT(r, "/guest/name", "web1");
		CHECK_AT(r, "/host/state", "short");
	}
	stop();
}

static const char *names(const struct reply *r, char buf[static 256])
{
	const json_t *g;
	size_t i;

	buf[0] = '\0';
	json_array_foreach (json_at(r->json, "/guests"), i, g)
		snprintf(buf + strlen(buf), 256 - strlen(buf), "%s%s", i ? " " : "",
			json_string_value(json_object_get(g, "name")));
	return buf;
}

static struct reply send_with_key(
	const char *method, const char *path, const char *body, const char *key)
{
	char header[300];
	struct reply r;

	snprintf(header, sizeof(header), "Idempotency-Key: %s", key);
	client_request(socket_path, method, path, body, header, &r);
	return r;
}

TEST(a_request_with_a_key_is_carried_out_once)
{
	static const char body
		[] = "{\"uuid\":\"3e0c6a52-8f0b-4c0e-9d0e-0242ac120002\",\"name\":\"x\",\"bytes\":5}",
	    other[] =
		    "{\"uuid\":\"3e0c6a52-8f0b-4c0e-9d0e-0242ac120002\",\"name\":\"x\",\"bytes\":6}";

	start(NULL);
	{
		_cleanup_reply_ struct reply first =
			send_with_key("POST", "/v1/reservations", body, "k1");
		_cleanup_reply_ struct reply again =
			send_with_key("POST", "/v1/reservations", body, "k1");
		_cleanup_reply_ struct reply mismatch =
			send_with_key("POST", "/v1/reservations", other, "k1");
		_cleanup_reply_ struct reply dry =
			send_with_key("POST", "/v1/reservations?dry_run=true", body, "k1");
		_cleanup_reply_ struct reply bad =
			send_with_key("POST", "/v1/reservations", body, "k 1");
		_cleanup_reply_ struct reply list = ask("GET", "/v1/reservations", NULL);
		_cleanup_reply_ struct reply gone =
			send_with_key("DELETE", "/v1/reservations/999", NULL, "k2");
		_cleanup_reply_ struct reply gone_again =
			send_with_key("DELETE", "/v1/reservations/999", NULL, "k2");

		CHECK_INT(first.status, 201);
		CHECK_INT(again.status, 201);
		CHECK(json_equal(first.json, again.json));
		CHECK_PROBLEM(mismatch, API_PROBLEM_IDEMPOTENCY_MISMATCH);
		CHECK_PROBLEM(dry, API_PROBLEM_IDEMPOTENCY_MISMATCH);
		CHECK_PROBLEM(bad, API_PROBLEM_QUERY_INVALID);
		CHECK_INT(json_array_size(json_at(list.json, "/reservations")), 1);
		CHECK_PROBLEM(gone, API_PROBLEM_RESERVATION_UNKNOWN);
		CHECK_PROBLEM(gone_again, API_PROBLEM_RESERVATION_UNKNOWN);
		CHECK(json_equal(gone.json, gone_again.json));
	}
	stop();
}

TEST(guests_come_in_pages_and_by_what_they_are)
{
	char buf[256], path[128], all[256] = "";
	unsigned pages = 0;

	start(NULL);
	snprintf(path, sizeof(path), "/v1/guests?limit=2");
	while (*path && pages < 9) {
		_cleanup_reply_ struct reply r = ask("GET", path, NULL);
		const char *next = json_string_value(json_at(r.json, "/next"));

		CHECK_INT(r.status, 200);
		CHECK(json_array_size(json_at(r.json, "/guests")) <= 2);
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s,", names(&r, buf));
		snprintf(path, sizeof(path), next ? "/v1/guests?limit=2&after=%s" : "%s",
			next ? next : "");
		pages++;
	}
	CHECK_STR(all, "backup1 files1,mail1 old1,web1,");
	{
		_cleanup_reply_ struct reply whole = ask("GET", "/v1/guests", NULL),
					     glob = ask("GET", "/v1/guests?name=*i*1", NULL),
					     tag = ask("GET", "/v1/guests?tag=db", NULL),
					     pressed = ask(
						     "GET", "/v1/guests?condition=pressed", NULL),
					     none = ask("GET", "/v1/guests?name=x*&tag=db", NULL),
					     slip = ask("GET", "/v1/guests?condition=presed", NULL);

		CHECK(!json_at(whole.json, "/next"));
		CHECK_STR(names(&glob, buf), "files1 mail1");
		CHECK_NULL_AT(glob, "/next");
		CHECK_STR(names(&tag, buf), "web1");
		CHECK_STR(names(&pressed, buf), "web1");
		CHECK_STR(names(&none, buf), "");
		CHECK_PROBLEM(slip, API_PROBLEM_QUERY_INVALID);
		CHECK_CONTAINS(json_string_value(json_at(slip.json, "/detail")),
			"did you mean \"pressed\"?");
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
		/* Of one the text too. */
		CHECK_CONTAINS(json_string_value(json_at(one.json, "/text")), "[");
		CHECK(json_is_array(json_at(one.json, "/drop_ins")));
		json_object_del(one.json, "text");
		json_object_del(one.json, "drop_ins");
		CHECK(json_equal(json_at(list.json, "/policies/2"), one.json));
		CHECK(json_is_true(json_at(one.json, "/open")));
		CHECK_AT(one, "/on_calendar", "Mon..Fri 20:00");
		CHECK_INT_AT(one, "/active", 1);
		CHECK(json_is_false(json_at(list.json, "/policies/1/open")));
		CHECK_INT(json_array_size(json_at(list.json, "/bad")), 0);
		CHECK_AT(list, "/next_change", "2040-01-03T08:00:00.000Z");
		/* Whose it is: the day begins when the night ends. */
		CHECK_INT(json_array_size(json_at(list.json, "/next_changes")), 2);
		CHECK_AT(list, "/next_changes/0/policy", "50-day.policy");
		CHECK(json_is_true(json_at(list.json, "/next_changes/0/opens")));
		CHECK_AT(list, "/next_changes/1/policy", "60-night.policy");
		CHECK(json_is_false(json_at(list.json, "/next_changes/1/opens")));
		CHECK(json_is_null(json_at(list.json, "/policies/0/next_change")));
		CHECK_AT(list, "/policies/1/next_change", "2040-01-03T08:00:00.000Z");
		CHECK_PROBLEM(none, API_PROBLEM_POLICY_UNKNOWN);
		CHECK_AT(none, "/nearest", "60-night.policy");
	}
	stop();
}

TEST(files_of_which_nothing_is_in_force_stand_beside_the_policies)
{
	start(NULL);
	pthread_mutex_lock(&fake->lock);
	fake_world_lose(fake);
	pthread_mutex_unlock(&fake->lock);
	{
		_cleanup_reply_ struct reply list = ask("GET", "/v1/policies", NULL);

		CHECK_INT(json_array_size(json_at(list.json, "/policies")), 3);
		CHECK_AT(list, "/bad/0/path", "/etc/ballast/policy.d/90-new.policy");
		CHECK_INT_AT(list, "/bad/0/line", 2);
		CHECK(json_is_null(json_at(list.json, "/bad/1/line")));
	}
	stop();
}

TEST(what_a_reload_cannot_take_over_is_in_its_answer)
{
	start(NULL);
	{
		_cleanup_reply_ struct reply none = ask("POST", "/v1/reload", NULL);

		CHECK_INT(json_array_size(json_at(none.json, "/restart_needed")), 0);
	}
	pthread_mutex_lock(&fake->lock);
	fake->restart[0] = "Socket";
	fake->n_restart = 1;
	pthread_mutex_unlock(&fake->lock);
	{
		_cleanup_reply_ struct reply one = ask("POST", "/v1/reload", NULL);

		CHECK_AT(one, "/restart_needed/0", "Socket");
	}
	stop();
}

TEST(peers_are_told_which_group_to_join)
{
	struct api_access access = {(gid_t)-1, (gid_t)-1, (gid_t)-1, API_ROLE_NONE};
	const struct client peer = {.how = CLIENT_SOCKET};
	struct names *names = names_load();
	char buf[CLIENT_REMEDY_MAX];

	access.admin_gid = 0;
	CHECK(names);
	CHECK_STR(client_remedy(&peer, &access, names, API_ROLE_OPERATE, buf),
		"join group \"root\", which may do everything (adduser NAME root, then log in anew), or set OperateGroup= in ballast.conf(5)");
	CHECK_STR(client_remedy(&peer, &access, names, API_ROLE_ADMIN, buf),
		"join group \"root\" (adduser NAME root, then log in anew)");
	access.read_gid = 4000000000u;
	CHECK_STR(client_remedy(&peer, &access, names, API_ROLE_READ, buf),
		"join group \"4000000000\" (adduser NAME 4000000000, then log in anew)");
	/* Without a table everything has its number. */
	CHECK_CONTAINS(
		client_remedy(&peer, &access, NULL, API_ROLE_ADMIN, buf), "join group \"0\"");
	names_free(names);
}

static struct names *names_of(const char *passwd)
{
	char path[] = "/tmp/ballast-test-names-XXXXXX";
	int fd = mkstemp(path);
	struct names *n;

	if (fd < 0 || write(fd, passwd, strlen(passwd)) < 0)
		abort();
	close(fd);
	n = names_load_from(path, "/does/not/exist");
	unlink(path);
	return n;
}

TEST(names_are_those_of_the_local_files)
{
	struct names *n = names_of("root:x:0:0::/:\nbroken\n:x:7:7\nanna:x:1000:\n"
				   "second:x:1000:\nbad:x:-5:\nworse:x:99999999999:\nno:x:12a:\n");

	CHECK(n);
	CHECK_STR(names_user(n, 0), "root");
	CHECK_STR(names_user(n, 1000), "anna");
	CHECK(!names_user(n, 7));
	CHECK(!names_user(n, (uid_t)-5));
	CHECK(!names_user(n, 12));
	CHECK(!names_group(n, 0));
	CHECK(!names_user(NULL, 0));
	names_free(n);
}

/* The disk is not read where requests are answered: who is not known goes by his number until
 * somebody else has looked. */
TEST(a_user_whose_name_is_not_known_is_looked_for_elsewhere)
{
	char passwd[64], by[64];

	start(NULL);
	api_set_names(fake->api, names_of(""));
	for (int i = 0; i < 3; i++) {
		_cleanup_reply_ struct reply r = ask("GET", "/v1/whoami", NULL);

		snprintf(by, sizeof(by), "uid %u", (unsigned)geteuid());
		CHECK_AT(r, "/name", by);
	}
	{
		_cleanup_reply_ struct reply mode = ask("GET", "/v1/mode", NULL);

		CHECK_INT(mode.status, 200); /* the main loop has turned */
	}
	CHECK_INT((int)fake->n_names_wanted, 1); /* not with each request */
	snprintf(passwd, sizeof(passwd), "zoe:x:%u:\n", (unsigned)geteuid());
	api_set_names(fake->api, names_of(passwd));
	{
		_cleanup_reply_ struct reply r = ask("GET", "/v1/whoami", NULL);

		snprintf(by, sizeof(by), "uid %u (zoe)", (unsigned)geteuid());
		CHECK_AT(r, "/name", by);
	}
	stop();
}

TEST(events_are_listed_filtered_and_paged)
{
	start(NULL);
	{
		_cleanup_reply_ struct reply all = ask("GET", "/v1/events", NULL);
		_cleanup_reply_ struct reply two = ask("GET", "/v1/events?limit=2", NULL);
		_cleanup_reply_ struct reply rest =
			ask("GET", "/v1/events?after=host1:0badcafe:2", NULL);
		_cleanup_reply_ struct reply last = ask("GET", "/v1/events?newest&limit=1", NULL);
		_cleanup_reply_ struct reply web =
			ask("GET", "/v1/events?guest=web1&kind=command", NULL);
		_cleanup_reply_ struct reply older =
			ask("GET", "/v1/events?after=host1:feedbeef:99", NULL);
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
			_cleanup_reply_ struct reply dry =
				ask("PUT", "/v1/mode?dry_run=true", body);
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

TEST(an_override_beyond_the_guests_maximum_is_refused_with_the_remedy)
{
	start(NULL);
	{
		_cleanup_reply_ struct reply min = ask("PUT", "/v1/guests/web1/overrides?dry_run",
			"{\"memory\":{\"min\":1099511627776}}");
		_cleanup_reply_ struct reply max = ask(
			"PUT", "/v1/guests/web1/overrides", "{\"memory\":{\"max\":1099511627776}}");

		CHECK_PROBLEM(min, API_PROBLEM_BODY_INVALID);
		CHECK_AT(min, "/pointer", "/memory/min");
		CHECK_CONTAINS(min.body, "1 TiB is more than web1 can have, 4 GiB");
		CHECK_PROBLEM(max, API_PROBLEM_BODY_INVALID);
		CHECK_AT(max, "/pointer", "/memory/max");
	}
	stop();
}

TEST(overrides_are_set_shown_and_cleared)
{
	static const char body[] = "{\"memory\":{\"min\":536870912,\"weight\":300},\"for_s\":7200,"
				   "\"reason\":\"release day\"}";

	start(NULL);
	{
		_cleanup_reply_ struct reply none =
			ask("DELETE", "/v1/guests/web1/overrides", NULL);
		_cleanup_reply_ struct reply dry =
			ask("PUT", "/v1/guests/web1/overrides?dry_run", body);
		_cleanup_reply_ struct reply unset = ask("GET", "/v1/guests/web1", NULL);
		_cleanup_reply_ struct reply put = ask("PUT", "/v1/guests/web1/overrides", body);
		_cleanup_reply_ struct reply shown = ask("GET", "/v1/guests/web1", NULL);
		_cleanup_reply_ struct reply why = ask("GET", "/v1/guests/web1/explain", NULL);
		_cleanup_reply_ struct reply gone =
			ask("DELETE", "/v1/guests/web1/overrides", NULL);
		_cleanup_reply_ struct reply after = ask("GET", "/v1/guests/web1", NULL);

		CHECK_PROBLEM(none, API_PROBLEM_OVERRIDE_UNKNOWN);
		CHECK_INT(json_array_size(json_at(dry.json, "/overrides")), 2);
		CHECK_INT_AT(unset, "/overrides", 0);
		CHECK_INT(put.status, 200);
		CHECK_AT(put, "/overrides/0/section", "Memory");
		CHECK_AT(put, "/overrides/0/value", "512M");
		CHECK_AT(put, "/overrides/0/reason", "release day");
		CHECK_AT(put, "/overrides/0/until", "2040-01-02T23:00:00.000Z");
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
	static const char small[] =
		"{\"uuid\":\"3e0c6a52-8f0b-4c0e-9d0e-0242ac120002\",\"name\":\"web9\","
		"\"bytes\":1073741824}";
	static const char large[] =
		"{\"uuid\":\"3e0c6a52-8f0b-4c0e-9d0e-0242ac120002\",\"name\":\"web9\","
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
		_cleanup_reply_ struct reply zero = ask("DELETE", "/v1/reservations/0", NULL);
		_cleanup_reply_ struct reply once = ask("POST", "/v1/reservations", small);
		_cleanup_reply_ struct reply by_guest = ask(
			"DELETE", "/v1/reservations/3e0c6a52-8f0b-4c0e-9d0e-0242ac120002", NULL);
		_cleanup_reply_ struct reply other = ask(
			"DELETE", "/v1/reservations/3e0c6a52-8f0b-4c0e-9d0e-0242ac120002", NULL);

		CHECK(json_is_true(json_at(ok.json, "/enrolled")));
		CHECK_PROBLEM(cannot, API_PROBLEM_CANNOT_ENROLL);
		CHECK_INT_AT(reload, "/policies", 3);
		CHECK_INT(granted.status, 201);
		CHECK_INT_AT(granted, "/id", 1);
		CHECK_AT(granted, "/asked", "2040-01-02T21:00:00.000Z");
		CHECK_PROBLEM(refused, API_PROBLEM_NO_ROOM);
		CHECK_INT_AT(host, "/reservations/0/bytes", GIB);
		CHECK_INT(freed.status, 204);
		CHECK_PROBLEM(again, API_PROBLEM_RESERVATION_UNKNOWN);
		CHECK_PROBLEM(word, API_PROBLEM_RESERVATION_UNKNOWN);
		CHECK_PROBLEM(zero, API_PROBLEM_RESERVATION_UNKNOWN);
		CHECK_INT(once.status, 201);
		CHECK_INT(by_guest.status, 204);
		CHECK_PROBLEM(other, API_PROBLEM_RESERVATION_UNKNOWN);
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

TEST(the_page_and_its_files_are_served_with_their_types)
{
	start(NULL);
	{
		_cleanup_reply_ struct reply page = ask("GET", "/", NULL);
		_cleanup_reply_ struct reply same = ask("GET", "/www/index.html", NULL);
		_cleanup_reply_ struct reply style = ask("GET", "/www/style.css", NULL);
		_cleanup_reply_ struct reply script = ask("GET", "/www/app.js", NULL);
		_cleanup_reply_ struct reply none = ask("GET", "/www/passwd", NULL);
		_cleanup_reply_ struct reply above = ask("GET", "/www/..%2fapp.js", NULL);
		_cleanup_reply_ struct reply posted = ask("POST", "/", NULL);

		CHECK_INT(page.status, 200);
		CHECK_STR(page.content_type, "text/html; charset=utf-8");
		CHECK(strstr(page.body, "<title>Ballast</title>") &&
			strstr(page.body, "</html>\n"));
		CHECK_STR(same.body, page.body);
		CHECK_STR(style.content_type, "text/css; charset=utf-8");
		CHECK_STR(script.content_type, "text/javascript; charset=utf-8");
		CHECK_PROBLEM(none, API_PROBLEM_ROUTE_UNKNOWN);
		CHECK_PROBLEM(above, API_PROBLEM_ROUTE_UNKNOWN);
		CHECK_PROBLEM(posted, API_PROBLEM_METHOD_NOT_ALLOWED);
	}
	stop();
}

/* A response of so many bytes, or NULL. */
static struct MHD_Response *response_of(struct response_account *a, size_t len)
{
	struct json_out o = {.buf = calloc(1, len + 1), .len = len, .allocated = len + 1};

	return response_new(a, &o, "application/json");
}

TEST(what_some_do_not_read_leaves_room_for_short_answers_and_for_who_mends_it)
{
	struct response_account a = {.bytes = RESPONSES_MAX_BYTES};
	struct MHD_Response *r;

	CHECK(!response_of(&a, RESPONSE_SHORT_BYTES + 1));
	r = response_of(&a, RESPONSE_SHORT_BYTES);
	CHECK(r && a.bytes == RESPONSES_MAX_BYTES + RESPONSE_SHORT_BYTES);
	MHD_destroy_response(r);
	a.reserved = true;
	r = response_of(&a, RESPONSES_RESERVED_BYTES);
	CHECK(r && !response_of(&a, RESPONSE_SHORT_BYTES + 1));
	MHD_destroy_response(r);
	CHECK_INT(a.bytes, RESPONSES_MAX_BYTES);
}

TEST(an_unchanged_answer_is_not_sent_again)
{
	static const char *const paths[] = {"/", "/www/app.js", "/v1/guests", "/v1/guests/web1",
		"/v1/hosts/self", "/v1/plan", "/v1/policies", "/v1/mode"};

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
		client_request(socket_path, "GET", paths[i], NULL,
			"If-None-Match: \"0123456789abcdef\"", &other);
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
	/* One for each 50 ms, however long the 200 took: far fewer than 200 on any machine that can
	 * run this. */
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

		CHECK_INT(before.status, 200);
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

API_TEST_MAIN()
