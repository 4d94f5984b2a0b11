/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/scenario.h"

#include "tests/test.h"

#define HOST "\"duration_s\": 60, \"host\": {\"memory\": \"8G\"}"

static int parse(const char *text, struct scenario **ret, struct diag *d)
{
	return scenario_parse("x.json", text, strlen(text), ret, d);
}

TEST(defaults_are_those_of_the_contract)
{
	_cleanup_scenario_ struct scenario *s = NULL;
	_cleanup_diag_ struct diag d = {0};
	const struct guest_spec *g;

	CHECK_INT(parse("{" HOST ", \"guests\": [{\"name\": \"a\", \"max\": \"2G\", \"demand\": "
			"[[0, \"1G\"]]}]}", &s, &d), 0);
	CHECK_U64(s->start_real_usec, UINT64_C(1795420800) * USEC_PER_SEC);
	CHECK_U64(s->duration_msec, 60000);
	CHECK_U64(s->reserve_bytes, BYTES_UNLIMITED);
	CHECK_U64(s->n_guests, 1);
	g = s->guests[0].spec;
	CHECK_STR(s->guests[0].name, "a");
	CHECK_U64(g->current_bytes, 2 * GIB);
	CHECK_U64(g->swap_bytes, 2 * GIB);
	CHECK_U64(g->overhead_bytes, 64 * MIB);
	CHECK_U64(g->anon_permyriad, 7000);
	CHECK_INT(g->agent, AGENT_PUSH);
	CHECK_INT(g->balloon, BALLOON_OK);
	CHECK_U64(g->start_msec, 0);
	CHECK_U64(g->stop_msec, MSEC_NEVER);
	CHECK_U64(steps_at(&g->demand, 30000), GIB);
}

static const char full[] =
	"{\"name\": \"n\", \"start\": \"2026-11-23T08:00:00+01:00\", \"duration_s\": 1.5, \"seed\": 9,"
	" \"noise_pct\": 2.5, \"host\": {\"memory\": 17179869184, \"reserve\": \"1G\", \"cpus\": 4,"
	" \"other\": [[0, \"3G\"], [0.25, \"1.5G\"]]},"
	" \"balloon\": {\"inflate_bytes_per_s\": 10, \"deflate_bytes_per_s\": 20},"
	" \"policies\": [\"[Memory]\\nMin=1G\\n\", \"\"],"
	" \"guests\": [{\"name\": \"b\", \"count\": 2, \"max\": \"8G\", \"current\": \"1G\","
	" \"overhead\": \"32M\", \"qemu\": \"16M\", \"vcpus\": 3, \"tags\": [\"db\", \"x\"],"
	" \"demand\": [[0, \"1G\"], [10, \"6G\"]], \"anon_pct\": 50, \"swap\": \"0\","
	" \"cpu_demand\": [[0, 20]], \"agent\": \"liar\", \"agent_from_s\": 3, \"balloon\": \"back\","
	" \"start_s\": 4, \"stop_s\": null, \"reset_s\": 9}],"
	" \"expect\": [{\"guest\": \"b-*\", \"at_least\": \"6G\", \"within_s\": 5, \"after_s\": 10},"
	" {\"host_free_at_least_pct\": 19.5, \"within_s\": 1}, {\"flips_at_most\": 0, \"after_s\": 30},"
	" {\"commands_at_most\": 2}, {\"guest\": \"b-2\", \"never_below\": \"512M\"}]}";

TEST(everything_that_can_be_said_is_read)
{
	_cleanup_scenario_ struct scenario *s = NULL;
	_cleanup_diag_ struct diag d = {0};
	const struct guest_spec *g;

	CHECK_INT(parse(full, &s, &d), 0);
	CHECK_U64(s->start_real_usec, UINT64_C(1795417200) * USEC_PER_SEC);
	CHECK_U64(s->duration_msec, 1500);
	CHECK_U64(s->noise_permyriad, 250);
	CHECK_U64(s->other.items[1].at_msec, 250);
	CHECK_U64(steps_at(&s->other, 249), 3 * GIB);
	CHECK_U64(steps_at(&s->other, 250), 1536 * MIB);
	CHECK_STR(s->policies[1].name, "inline-01");
	CHECK_U64(s->n_guests, 2);
	CHECK_STR(s->guests[0].name, "b-1");
	CHECK_STR(s->guests[1].name, "b-2");
	g = s->guests[1].spec;
	CHECK_U64(g->swap_bytes, 0);
	CHECK_STR(g->tags[1], "x");
	CHECK(g->tags[2] == NULL);
	CHECK_U64(steps_at(&g->cpu_demand, 0), 2000);
	CHECK_INT(g->agent, AGENT_LIAR);
	CHECK_INT(g->balloon, BALLOON_BACK);
	CHECK_U64(g->reset_msec, 9000);
	CHECK_U64(scenario_next_demand_step(s, 0), 10000);
	CHECK_U64(scenario_next_demand_step(s, 10000), MSEC_NEVER);
	CHECK_INT(s->expects[1].kind, EXPECT_HOST_FREE);
	CHECK_U64(s->expects[1].value, 1950);
	CHECK(expect_matches(&s->expects[0], "b-1") && !expect_matches(&s->expects[4], "b-1"));
}

#define GUEST(more) \
	"{" HOST ", \"guests\": [{\"name\": \"a\", \"max\": \"2G\", \"demand\": [[0, 1]]" more
static const struct {
	const char *text, *part, *other_part;
} bad[] = {
	{"{", "x.json:1:", "}"},
	{"{\"guests\": [] // no\n}", "x.json:1:", ""},
	{"[]", "/: expected an object", "found []"},
	{"{\"duration_s\": 60, \"guests\": []}", "\"host\" is missing", "/:"},
	{"{" HOST ", \"gests\": []}", "/gests: unknown key", "nearest one is \"guests\""},
	{"{" HOST "}", "\"guests\" is missing", ""},
	{"{\"duration_s\": 60, \"host\": {\"memory\": \"8Q\"}, \"guests\": []}",
		"/host/memory:", "found \"8Q\""},
	{"{\"duration_s\": 60, \"host\": {\"memory\": -1}, \"guests\": []}",
		"/host/memory:", "a size"},
	{"{\"duration_s\": 60, \"host\": {\"memory\": 1.5}, \"guests\": []}",
		"/host/memory:", "a size"},
	{"{\"duration_s\": 0, \"host\": {\"memory\": 1}, \"guests\": []}", "/duration_s: too small",
		""},
	{GUEST(", \"ballon\": \"ok\"}]}"), "/guests/0/ballon: unknown key", "\"balloon\""},
	{GUEST(", \"balloon\": \"stuk\"}]}"), "/guests/0/balloon:", "nearest word is \"stuck\""},
	{GUEST(", \"agent\": 7}]}"), "/guests/0/agent:", "found 7"},
	{GUEST(", \"anon_pct\": 101}]}"), "/guests/0/anon_pct: too large", "100"},
	{GUEST(", \"current\": \"3G\"}]}"), "/guests/0: \"current\" is larger than \"max\"", ""},
	{GUEST(", \"start_s\": 5, \"stop_s\": 5}]}"), "/guests/0: \"stop_s\"", ""},
	{GUEST(", \"tags\": [\"a\", 3]}]}"), "/guests/0/tags/1:", "a text"},
	{GUEST("}, {\"name\": \"a\", \"max\": 1, \"overhead\": 0, \"demand\": [[0, 0]]}]}"),
		"two guests are named \"a\"", ""},
	{"{" HOST ", \"guests\": [{\"name\": \"a\", \"max\": 1, \"demand\": [[0, 1], [0, 2]]}]}",
		"/guests/0/demand/1:", "after the one before"},
	{"{" HOST ", \"guests\": [{\"name\": \"a\", \"max\": 1, \"demand\": [[0]]}]}",
		"/guests/0/demand/0:", "[seconds, value]"},
	{GUEST("}], \"expect\": [{\"guest\": \"b\", \"never_below\": 1}]}"),
		"/expect/0/guest:", "no guest is named \"b\""},
	{GUEST("}], \"expect\": [{\"guest\": \"a\"}]}"), "/expect/0:", "says nothing"},
	{GUEST("}], \"expect\": [{\"at_least\": 1}]}"), "/expect/0:", "\"guest\" is missing"},
	{GUEST("}], \"expect\": [{\"flips_at_most\": 1, \"commands_at_most\": 1}]}"),
		"/expect/0:", "two things"},
	{GUEST("}], \"expect\": [{\"flips_at_most\": 1, \"within_s\": 1}]}"),
		"/expect/0:", "\"within_s\" has no meaning"},
	{GUEST("}], \"policies\": [7]}"), "/policies/0:", "a policy's text"},
	{GUEST("}], \"policies\": [{\"file\": \"no-such-file.policy\"}]}"),
		"/policies/0/file:", "no-such-file.policy"},
	{GUEST("}], \"start\": \"yesterday\"}"), "/start:", "a time like"},
};

TEST(mistakes_say_where_what_was_found_and_what_is_near)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_scenario_ struct scenario *s = NULL;
		_cleanup_diag_ struct diag d = {0};
		_cleanup_free_ char *text = NULL;

		CHECK_INT(parse(bad[i].text, &s, &d), -EBADMSG);
		CHECK(s == NULL);
		text = diag_format(&d);
		CHECK_CONTAINS(text, "x.json:");
		CHECK_CONTAINS(text, bad[i].part);
		CHECK_CONTAINS(text, bad[i].other_part);
	}
}

TEST(policies_are_read_beside_the_scenario)
{
	_cleanup_scenario_ struct scenario *s = NULL;
	_cleanup_diag_ struct diag d = {0};
	char dir[] = "/tmp/test-scenario-XXXXXX", path[64], policy[64];
	static const char text[] =
		GUEST("}], \"policies\": [\"\", {\"file\": \"60-night.policy\"}]}");
	FILE *f;

	CHECK(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/x.json", dir);
	snprintf(policy, sizeof(policy), "%s/60-night.policy", dir);
	f = fopen(policy, "we");
	CHECK(f && fputs("[Memory]\nMax=1G\n", f) >= 0 && fclose(f) == 0);
	CHECK_INT(scenario_parse(path, text, strlen(text), &s, &d), 0);
	unlink(policy);
	rmdir(dir);
	CHECK_STR(s->policies[0].name, "inline-00");
	CHECK_STR(s->policies[1].name, "60-night.policy");
	CHECK_STR(s->policies[1].path, policy);
	CHECK_STR(s->policies[1].text, "[Memory]\nMax=1G\n");
}

TEST(a_file_that_is_not_there_is_told_from_a_bad_one)
{
	_cleanup_scenario_ struct scenario *s = NULL;
	_cleanup_diag_ struct diag d = {0};

	CHECK_INT(scenario_load("/nowhere/at-all.json", &s, &d), -ENOENT);
	CHECK_CONTAINS(d.file ? d.file : d.text, "/nowhere/at-all.json");
}

TEST(a_name_that_would_move_a_terminals_cursor_is_refused)
{
	_cleanup_scenario_ struct scenario *s = NULL;
	_cleanup_diag_ struct diag d = {0};

	CHECK(parse("{" HOST
		    ", \"guests\": [{\"name\": \"a\\u001b[2J\", \"max\": \"2G\", \"demand\": [[0, \"1G\"]]}]}",
		      &s, &d) < 0);
	CHECK_CONTAINS(d.text, "without control characters");
}

TEST_MAIN()
