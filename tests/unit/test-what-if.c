/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/what-if.h"

#include "policy/setting-list.h"
#include "tests/test.h"

TEST_STRTAB(policy_verdict, enum policy_verdict, POLICY_VERDICT_MAX)

static const char always[] = "[Memory]\nMin=1G\n";
static const char night[] = "[Match]\nTag=night\n[Schedule]\nOnCalendar=20:00\nUntil=08:00\n"
			    "TimeZone=UTC\n[Memory]\nMin=2G\n";
static const char busy[] =
	"[When]\nCondition=guest.vcpus > 2\nLastingSec=1h\n[Memory]\nWeight=300\n";

static struct policy_set *make_set(void)
{
	const struct policy_text texts[] = {{"always", NULL, always, strlen(always)},
		{"night", NULL, night, strlen(night)}, {"busy", NULL, busy, strlen(busy)}};
	struct policy_set *set = NULL;

	return policy_set_from_texts(texts, 3, NULL, &set, NULL) == 0 ? set : NULL;
}

static const char *const tags[] = {"night", NULL};

TEST(verdicts_say_why_a_policy_does_not_hold)
{
	_cleanup_policy_set_ struct policy_set *set = make_set();
	struct what_if q = {.id = {.name = "a"}, .now_real_usec = 12 * USEC_PER_HOUR};
	_cleanup_what_if_answer_ struct what_if_answer *a = NULL, *b = NULL;

	CHECK(set);
	CHECK_INT(what_if(set, &q, &a, NULL), 0);
	CHECK_INT(what_if_verdict(a, 0), POLICY_ACTIVE);
	CHECK_INT(what_if_verdict(a, 1), POLICY_NO_MATCH);
	CHECK_INT(what_if_verdict(a, 2), POLICY_CONDITION_UNKNOWN);
	CHECK_U64(what_if_next_change(a), USEC_INFINITY); /* the night is not for it */
	q.id.tags = tags;
	CHECK_INT(what_if(set, &q, &b, NULL), 0);
	CHECK_INT(what_if_verdict(b, 1), POLICY_CLOSED);
	CHECK_U64(what_if_next_change(b), 20 * USEC_PER_HOUR);
	CHECK_U64(what_if_settings(b)->mem_min_bytes, GIB);
}

TEST(what_match_asks_and_is_not_known_is_said_to_be_that)
{
	static const char here[] = "[Match]\nHost=h1\n[Memory]\nMin=1G\n";
	static const char one[] =
		"[Match]\nUUID=01000000-0000-0000-0000-000000000000\n[Memory]\nMin=2G\n";
	static const char never[] =
		"[Match]\nHost=h1\n[When]\nCondition=guest.vcpus > 2\n[Memory]\nMin=3G\n";
	const struct policy_text texts[] = {{"here", NULL, here, strlen(here)},
		{"one", NULL, one, strlen(one)}, {"never", NULL, never, strlen(never)}};
	_cleanup_policy_set_ struct policy_set *set = NULL;
	_cleanup_what_if_answer_ struct what_if_answer *none = NULL, *both = NULL;
	struct facts facts = {0};
	struct what_if q = {.id = {.name = "a"},
		.unknown_keys = 1u << MATCH_HOST | 1u << MATCH_UUID,
		.facts = &facts};

	facts_set(&facts, FACT_GUEST_VCPUS, 1);
	CHECK_INT(policy_set_from_texts(texts, ARRAY_SIZE(texts), NULL, &set, NULL), 0);
	CHECK_INT(what_if(set, &q, &none, NULL), 0);
	CHECK_INT(what_if_verdict(none, 0), POLICY_MATCH_UNKNOWN);
	CHECK_INT(what_if_verdict(none, 1), POLICY_MATCH_UNKNOWN);
	CHECK_INT(what_if_verdict(none, 2), POLICY_CONDITION_FALSE); /* whoever it is for */
	CHECK_U64(what_if_settings(none)->mem_min_bytes, 0);
	q.unknown_keys = 0;
	q.id.host = "h1";
	q.id.uuid.bytes[0] = 1;
	CHECK_INT(what_if(set, &q, &both, NULL), 0);
	CHECK_INT(what_if_verdict(both, 0), POLICY_ACTIVE);
	CHECK_U64(what_if_settings(both)->mem_min_bytes, 2 * GIB);
}

TEST(time_and_facts_may_be_other_ones)
{
	_cleanup_policy_set_ struct policy_set *set = make_set();
	struct facts facts = {0};
	struct what_if q = {.id = {.name = "a", .tags = tags},
		.facts = &facts,
		.now_real_usec = 21 * USEC_PER_HOUR};
	_cleanup_what_if_answer_ struct what_if_answer *a = NULL, *b = NULL;

	facts_set(&facts, FACT_GUEST_VCPUS, 1);
	CHECK_INT(what_if(set, &q, &a, NULL), 0);
	CHECK_INT(what_if_verdict(a, 2), POLICY_CONDITION_FALSE);
	CHECK_U64(what_if_settings(a)->mem_min_bytes, 2 * GIB);
	CHECK_U64(what_if_settings(a)->mem_weight, 100);
	q.conditions_hold = true;
	CHECK_INT(what_if(set, &q, &b, NULL), 0);
	CHECK_U64(what_if_settings(b)->mem_weight, 300);
}

TEST(overrides_may_be_tried)
{
	_cleanup_policy_set_ struct policy_set *set = make_set();
	struct override o = {.section = "Memory", .key = "Max", .value = "512M"};
	const struct what_if q = {.id = {.name = "a"}, .overrides = &o, .n_overrides = 1};
	_cleanup_what_if_answer_ struct what_if_answer *a = NULL, *none = NULL;
	_cleanup_diag_ struct diag d = {0};
	uint64_t asked;

	CHECK_INT(what_if(set, &q, &a, &d), 0);
	CHECK_U64(what_if_settings(a)->mem_max_bytes, 512 * MIB);
	CHECK(what_if_min_cut(a, &asked));
	CHECK_U64(asked, GIB);
	o.value = "512Q";
	CHECK_INT(what_if(set, &q, &none, &d), -EINVAL);
	CHECK_CONTAINS(d.text, "512Q");
}

/* The answer is the daemon's own. */
TEST(a_what_if_of_now_is_what_holds_now)
{
	_cleanup_policy_set_ struct policy_set *set = make_set();
	struct facts facts = {0};
	const struct what_if q = {.id = {.name = "a", .tags = tags},
		.facts = &facts,
		.now_real_usec = 21 * USEC_PER_HOUR};
	_cleanup_what_if_answer_ struct what_if_answer *a = NULL;
	_cleanup_setting_list_ struct setting_list would = {0}, does = {0};
	struct policy_windows *w = policy_windows_new();
	struct guest_policy *gp = guest_policy_new();
	uint64_t wake;
	int r;

	facts_set(&facts, FACT_GUEST_VCPUS, 4);
	r = policy_windows_update(w, set, q.now_real_usec) < 0;
	for (int i = 0; i < 2; i++) /* an hour later its condition has lasted */
		r |= guest_policy_update(gp, set, w, &q.id, false, &facts, NULL, 0,
			     (uint64_t)i * USEC_PER_HOUR, q.now_real_usec, &wake) < 0;
	r |= guest_policy_visit(gp, setting_list_record, &does);
	guest_policy_free(gp);
	policy_windows_free(w);
	CHECK_INT(r, 0);
	CHECK_INT(what_if(set, &q, &a, NULL), 0);
	CHECK_INT(what_if_visit(a, setting_list_record, &would), 0);
	CHECK_INT(would.n, does.n);
	for (size_t i = 0; i < would.n; i++) {
		CHECK_STR(would.lines[i].value, does.lines[i].value);
		CHECK_INT(would.lines[i].line, does.lines[i].line);
	}
	CHECK_STR(setting_list_find(&would, "Memory", "Weight")->value, "300");
}

static const struct {
	const char *text;
	uint64_t usec;
} times[] = {
	{"now", 36 * USEC_PER_HOUR}, {"20:00", 44 * USEC_PER_HOUR},
	{"12:00", 36 * USEC_PER_HOUR},		 /* that is now */
	{"Sat 22:00", 70 * USEC_PER_HOUR},	 /* 1970-01-03 */
	{"1970-01-01 06:00", 6 * USEC_PER_HOUR}, /* past */
};

TEST(moments_are_named_as_one_speaks)
{
	const struct zone_source zones = {.localtime = "/nonexistent"}; /* UTC */
	_cleanup_diag_ struct diag d = {0};
	uint64_t t = 0;

	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		CHECK_INT(what_if_time(times[i].text, 36 * USEC_PER_HOUR, &zones, &t, &d), 0);
		CHECK_U64(t, times[i].usec);
	}
	CHECK(what_if_time("Mno 20:00", 0, &zones, &t, &d) < 0);
	CHECK(d.text != NULL);
}

TEST_MAIN()
