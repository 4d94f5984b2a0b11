/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/exit-code.h"

#include "daemon/api/problem.h"
#include "tests/test.h"

TEST(every_problem_of_the_api_has_an_exit_code_of_its_own_judgement)
{
	for (int p = 0; p < API_PROBLEM_MAX; p++) {
		const char *code = api_problem_to_string((enum api_problem)p);
		unsigned status = problem_status((enum api_problem)p);

		if (!exit_knows(status))
			printf("# %s has status %u, which exit_of() does not know\n", code, status);
		CHECK(exit_knows(status));
		CHECK(exit_of(code, status) != CLI_OK);
	}
}

TEST(what_each_is)
{
	static const struct {
		enum api_problem problem;
		enum cli_exit exit;
	} rows[] = {
		{API_PROBLEM_ROUTE_UNKNOWN, CLI_FAILED},
		{API_PROBLEM_METHOD_NOT_ALLOWED, CLI_FAILED},
		{API_PROBLEM_DENIED, CLI_DENIED},
		{API_PROBLEM_QUERY_INVALID, CLI_USAGE},
		{API_PROBLEM_BODY_INVALID, CLI_USAGE},
		{API_PROBLEM_HOST_UNKNOWN, CLI_NOT_FOUND},
		{API_PROBLEM_GUEST_UNKNOWN, CLI_NOT_FOUND},
		{API_PROBLEM_POLICY_UNKNOWN, CLI_NOT_FOUND},
		{API_PROBLEM_OVERRIDE_UNKNOWN, CLI_NOT_FOUND},
		{API_PROBLEM_CONFLICT, CLI_CONFLICT},
		{API_PROBLEM_NO_ROOM, CLI_CONFLICT},
		{API_PROBLEM_CANNOT_ENROLL, CLI_CONFLICT},
		{API_PROBLEM_CONFIGURATION_BAD, CLI_BAD_CONFIG},
		{API_PROBLEM_NOT_READY, CLI_UNREACHABLE},
		{API_PROBLEM_BUSY, CLI_UNREACHABLE},
		{API_PROBLEM_STUCK, CLI_UNREACHABLE},
		{API_PROBLEM_STOPPING, CLI_UNREACHABLE},
		{API_PROBLEM_LIBVIRT, CLI_FAILED},
		{API_PROBLEM_STATE_UNWRITABLE, CLI_FAILED},
		{API_PROBLEM_TIMEOUT, CLI_RUNNING_ON},
		{API_PROBLEM_INTERNAL, CLI_FAILED},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_INT(exit_of(api_problem_to_string(rows[i].problem),
				  problem_status(rows[i].problem)),
			rows[i].exit);
}

TEST(statuses_without_a_code_are_judged_too)
{
	CHECK_INT(exit_of("", 401), CLI_DENIED);
	CHECK_INT(exit_of("", 412), CLI_CONFLICT);
	CHECK_INT(exit_of("", 428), CLI_CONFLICT);
	CHECK_INT(exit_of("", 429), CLI_UNREACHABLE);
	CHECK_INT(exit_of("", 502), CLI_UNREACHABLE);
	CHECK_INT(exit_of("no-quorum", 503), CLI_NO_QUORUM);
	CHECK_INT(exit_of("", 418), CLI_FAILED);
}

TEST(what_the_asker_can_do_about_it_is_said)
{
	CHECK(strstr(exit_remedy("", 401), "--token-file"));
	CHECK(strstr(exit_remedy("precondition-failed", 412), "look at it anew"));
	CHECK(strstr(exit_remedy("", 429), "try again"));
	CHECK(strstr(exit_remedy("route-unknown", 404), "older"));
	CHECK(!exit_remedy("guest-unknown", 404));
}

TEST_MAIN()
