/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/plan.h"
#include "policy/snapshot.h"

#include "tests/test.h"

TEST_STRTAB(reason_code, enum reason_code, REASON_CODE_MAX)
TEST_STRTAB(event_kind, enum event_kind, EVENT_KIND_MAX)
TEST_STRTAB(host_state, enum host_state, HOST_STATE_MAX)
TEST_STRTAB(guest_net, enum guest_net, GUEST_NET_MAX)
TEST_STRTAB(action_kind, enum action_kind, ACTION_KIND_MAX)
TEST_STRTAB(report_source, enum report_source, REPORT_SOURCE_MAX)
TEST_STRTAB(report_why, enum report_why, REPORT_WHY_MAX)
TEST_STRTAB(fixed_reason, enum fixed_reason, FIXED_REASON_MAX)

TEST(every_reason_and_event_has_a_sentence)
{
	char buf[REASON_TEXT_MAX];

	for (int i = 0; i < REASON_CODE_MAX; i++) {
		struct reason r = {.code = (enum reason_code)i, .arg = {MIB, 2 * MIB, 100, 1}};

		CHECK(strlen(reason_format(&r, buf)) > 5);
		CHECK(!strchr(buf, '%') || strchr(buf, '%') > buf);
	}
	for (int i = 0; i < EVENT_KIND_MAX; i++) {
		struct plan_event e = {.kind = (enum event_kind)i, .detail = "x"};

		CHECK(strlen(event_format(&e, buf)) > 5);
	}
}

TEST(numbers_read_as_people_read_them)
{
	struct reason r = {.code = REASON_STALL, .arg = {1250, 2 * GIB}};
	char buf[REASON_TEXT_MAX];

	CHECK_STR(reason_format(&r, buf), "stalled 12.5% of the last second; released to 2 GiB");
}

TEST(no_quota_is_not_a_quota_of_nothing)
{
	struct reason none = {.code = REASON_CPU_POLICY, .arg = {300, 0}},
		      some = {.code = REASON_CPU_POLICY, .arg = {300, 15000}};
	char buf[REASON_TEXT_MAX];

	CHECK_STR(reason_format(&none, buf), "its settings are weight 300, no quota");
	CHECK_STR(reason_format(&some, buf), "its settings are weight 300, quota 150% of a CPU");
}

/* What these name may be set by hand as well. */
TEST(sentences_of_min_and_max_blame_no_policy)
{
	static const enum reason_code codes[] = {
		REASON_MIN, REASON_MAX_POLICY, REASON_MAX_UNSAFE, REASON_CPU_POLICY};
	char buf[REASON_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		CHECK(!strstr(reason_format(&(struct reason){.code = codes[i]}, buf), "policy"));
}

TEST(long_names_do_not_overflow)
{
	struct plan_event e = {.kind = EVENT_POLICY};
	char buf[REASON_TEXT_MAX];

	memset(e.detail, 'x', sizeof(e.detail) - 1);
	CHECK(strlen(event_format(&e, buf)) < sizeof(buf));
}

TEST_MAIN()
