/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <time.h>

#include "cli/policy-next.h"
#include "tests/test.h"

/* So many policies, named p0.policy and on, of which every second one opens. */
static json_t *changes(unsigned n)
{
	json_t *of = json_pack(
		"{s:s,s:[]}", "next_change", "2040-01-03T08:00:00.000Z", "next_changes");
	char name[32];

	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "p%u.policy", i);
		json_array_append_new(json_object_get(of, "next_changes"),
			json_pack("{s:s,s:b}", "policy", name, "opens", i % 2 == 0));
	}
	return of;
}

static void check(unsigned n, const char *wanted)
{
	char buf[NEXT_TEXT_MAX];
	json_t *of = changes(n);

	CHECK_STR(policy_next_text(of, 0, buf), wanted);
	json_decref(of);
}

TEST(the_next_change_names_its_policies)
{
	setenv("TZ", "UTC", 1);
	tzset();
	check(1, "p0 opens at Tue 2040-01-03 08:00:00");
	check(2, "p0 opens and p1 closes at Tue 2040-01-03 08:00:00");
	check(3, "p0 opens, p1 closes and 1 more change at Tue 2040-01-03 08:00:00");
	check(15, "p0 opens, p1 closes and 13 more change at Tue 2040-01-03 08:00:00");
	/* The daemon names no more than these. */
	check(16, "p0 opens, p1 closes and at least 14 more change at Tue 2040-01-03 08:00:00");
}

TEST(a_daemon_that_does_not_name_them_is_believed_without)
{
	check(0, "the next schedule opens or closes at Tue 2040-01-03 08:00:00");
}

TEST(no_change_is_nothing)
{
	json_t *never = json_pack("{s:n,s:[]}", "next_change", "next_changes");
	char buf[NEXT_TEXT_MAX];

	CHECK(!policy_next_text(never, 0, buf));
	CHECK(!policy_next_text(NULL, 0, buf));
	json_decref(never);
}

TEST(a_name_may_be_long)
{
	char buf[NEXT_TEXT_MAX], name[1001];
	json_t *of = json_pack("{s:s,s:[]}", "next_change", "2040-01-03T08:00:00.000Z",
		"next_changes");

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (int i = 0; i < 2; i++)
		json_array_append_new(json_object_get(of, "next_changes"),
			json_pack("{s:s,s:b}", "policy", name, "opens", 1));
	CHECK(policy_next_text(of, 0, buf));
	CHECK(strlen(buf) < 350);
	CHECK(strstr(buf, "x opens at Tue 2040-01-03 08:00:00"));
	json_decref(of);
}

TEST_MAIN()
