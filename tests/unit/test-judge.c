/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/judge.h"

#include "tests/test.h"

TEST_STRTAB(rule, enum rule, RULE_MAX)

/* Three guests of 4 GiB on 12 GiB of which one is kept and one is used. */
struct fixture {
	struct scenario *scenario;
	struct world *world;
	struct judge *judge;
	struct settings settings[4];
};

static void fixture_clear(struct fixture *f)
{
	judge_free(f->judge);
	world_free(f->world);
	scenario_free(f->scenario);
}
#define _cleanup_fixture_ _cleanup_(fixture_clear)

static const struct settings *settings_of(void *userdata, size_t guest)
{
	struct fixture *f = userdata;

	return &f->settings[guest];
}

#define GUEST(name, more)                                                                          \
	"{\"name\": \"" name "\", \"max\": \"4G\", \"overhead\": \"64M\", \"anon_pct\": 50, " more \
	"}"
#define IDLE(name) GUEST(name, "\"current\": \"3G\", \"demand\": [[0, \"960M\"], [5, \"960M\"]]")

static void begin(struct fixture *f, const char *guests, const char *expects)
{
	_cleanup_diag_ struct diag d = {0};
	_cleanup_free_ char *text = NULL;

	if (asprintf(&text,
		    "{\"duration_s\": 60, \"host\": {\"memory\": \"12G\", \"reserve\": \"1G\", "
		    "\"other\": [[0, \"1G\"], [20, \"2G\"]]}, \"guests\": [%s], "
		    "\"expect\": [%s]}",
		    guests, expects) < 0)
		abort();
	if (scenario_parse("x.json", text, strlen(text), &f->scenario, &d) < 0) {
		printf("# %s\n", d.text);
		abort();
	}
	for (size_t i = 0; i < 4; i++)
		f->settings[i] = settings_default;
	f->world = world_new(f->scenario);
	f->judge = f->world ? judge_new(f->world, settings_of, f) : NULL;
	if (!f->judge || judge_tick(f->judge) < 0)
		abort();
}

static void ticks(struct fixture *f, int n)
{
	while (n-- > 0) {
		world_tick(f->world);
		if (judge_tick(f->judge) < 0)
			abort();
	}
}

static void order(struct fixture *f, size_t guest, uint64_t to, enum reason_code code)
{
	struct reason reason = {.code = code};
	struct judged_command c = {
		.at_msec = f->world->now_msec,
		.guest = guest,
		.from_bytes = f->world->guests[guest].target_bytes,
		.to_bytes = to,
		.reason = &reason,
		.promised_before = world_promised_bytes(f->world),
		.heard = true,
		.known_used_bytes = GIB,
	};

	world_command(f->world, guest, to, f->world->now_msec);
	c.promised_after = world_promised_bytes(f->world);
	if (judge_command(f->judge, &c) < 0)
		abort();
}

/* The only violation so far, or NULL. */
static const struct violation *only(const struct fixture *f)
{
	size_t n;
	const struct violation *v = judge_violations(f->judge, &n);

	return n == 1 ? v : NULL;
}

TEST(going_back_without_a_cause_is_a_flip)
{
	_cleanup_fixture_ struct fixture f = {0};

	begin(&f, IDLE("a"), "{\"flips_at_most\": 0, \"after_s\": 1}, {\"flips_at_most\": 1}");
	order(&f, 0, 2 * GIB, REASON_LEND);
	ticks(&f, 10);
	order(&f, 0, 3 * GIB, REASON_NEED);
	CHECK_U64(judge_flips(f.judge), 1);
	ticks(&f, 10);
	order(&f, 0, 3 * GIB + 512 * MIB, REASON_NEED);
	CHECK_U64(judge_flips(f.judge), 1);
	CHECK_U64(judge_commands(f.judge), 3);
	CHECK(!judge_verdict(f.judge, 0)->met);
	CHECK(judge_verdict(f.judge, 1)->met);
}

TEST(a_step_of_other_excuses_and_a_step_to_the_same_value_does_not)
{
	_cleanup_fixture_ struct fixture f = {0};

	begin(&f, IDLE("a"), "");
	order(&f, 0, 2 * GIB, REASON_LEND);
	ticks(&f, 60); /* the step at 5 s changes nothing */
	order(&f, 0, 3 * GIB, REASON_NEED);
	CHECK_U64(judge_flips(f.judge), 1);
	ticks(&f, 150); /* other rises at 20 s */
	order(&f, 0, 2 * GIB, REASON_HOST);
	CHECK_U64(judge_flips(f.judge), 1);
}

TEST(following_the_actual_size_is_no_direction)
{
	_cleanup_fixture_ struct fixture f = {0};

	begin(&f, IDLE("a"), "");
	order(&f, 0, 3 * GIB + 512 * MIB, REASON_NEED);
	ticks(&f, 1);
	order(&f, 0, 4 * GIB, REASON_NEED);
	order(&f, 0, 3 * GIB + 512 * MIB, REASON_OUT_OF_PUFF); /* = actual */
	CHECK_U64(judge_flips(f.judge), 0);
	order(&f, 0, 3 * GIB, REASON_LEND);
	CHECK_U64(judge_flips(f.judge), 1);
}

TEST(one_correction_after_a_release_under_stall_is_allowed)
{
	_cleanup_fixture_ struct fixture f = {0};

	begin(&f, IDLE("a"), "");
	order(&f, 0, 4 * GIB, REASON_STALL);
	ticks(&f, 10);
	order(&f, 0, 3 * GIB, REASON_SETTLE);
	CHECK_U64(judge_flips(f.judge), 0);
	ticks(&f, 10);
	order(&f, 0, 3 * GIB + 512 * MIB, REASON_NEED);
	CHECK_U64(judge_flips(f.judge), 1);
	ticks(&f, 10);
	order(&f, 0, 3 * GIB, REASON_SETTLE);
	CHECK_U64(judge_flips(f.judge), 2);
}

TEST(a_command_beyond_the_budget_breaks_the_promise)
{
	_cleanup_fixture_ struct fixture f = {0};

	begin(&f, IDLE("a") "," IDLE("b") "," IDLE("c"), "");
	order(&f, 0, 4 * GIB, REASON_NEED);
	CHECK(judge_passed(f.judge));
	ticks(&f, 1);
	order(&f, 1, 3 * GIB + MIB, REASON_NEED);
	CHECK(only(&f) && only(&f)->rule == RULE_PROMISE && only(&f)->bytes == MIB);
	CHECK_STR(only(&f)->guest, "b");
	CHECK(!judge_passed(f.judge));
}

TEST(a_rise_of_other_gives_five_seconds)
{
	_cleanup_fixture_ struct fixture f = {0};

	begin(&f, IDLE("a") "," IDLE("b") "," IDLE("c"), "");
	order(&f, 0, 4 * GIB, REASON_NEED);
	ticks(&f, 250); /* other rises at 20 s: 1 GiB too much */
	CHECK(judge_passed(f.judge));
	ticks(&f, 1);
	CHECK(only(&f) && only(&f)->rule == RULE_PROMISE && only(&f)->bytes == GIB);
	CHECK_U64(only(&f)->at_msec, 25100);
	ticks(&f, 100);
	CHECK(only(&f)); /* told once */
}

TEST(back_in_time_is_no_breach)
{
	_cleanup_fixture_ struct fixture f = {0};

	begin(&f, IDLE("a") "," IDLE("b") "," IDLE("c"), "");
	order(&f, 0, 4 * GIB, REASON_NEED);
	ticks(&f, 249);
	order(&f, 0, 3 * GIB, REASON_HOST);
	ticks(&f, 100);
	CHECK(judge_passed(f.judge));
}

TEST(min_and_max_are_kept)
{
	_cleanup_fixture_ struct fixture f = {0};

	begin(&f, IDLE("a"), "");
	f.settings[0].mem_min_bytes = 2 * GIB;
	f.settings[0].mem_max_bytes = 3 * GIB;
	order(&f, 0, 2 * GIB - MIB, REASON_LEND);
	CHECK(only(&f) && only(&f)->rule == RULE_FLOOR && only(&f)->bytes == MIB);
	CHECK(judge_passed(f.judge)); /* told, but not what the exit code is about */
	order(&f, 0, 3 * GIB + MIB, REASON_NEED);
	CHECK(!only(&f));
}

TEST(nobody_is_shrunk_below_its_use_while_all_fits)
{
	_cleanup_fixture_ struct fixture f = {0};

	begin(&f, IDLE("a") "," IDLE("b"), "");
	order(&f, 0, GIB, REASON_LEND);
	CHECK(!only(&f));
	order(&f, 0, GIB - 2 * MIB, REASON_LEND);
	CHECK(only(&f) && only(&f)->rule == RULE_USED && only(&f)->bytes == 2 * MIB);
}

#define LATER(name, from)                                                                     \
	GUEST(name, "\"current\": \"1G\", \"demand\": [[0, \"4G\"]], \"agent\": \"silent\", " \
		    "\"agent_from_s\": " from)

TEST(one_that_falls_silent_needs_like_any_other_until_then)
{
	for (int silent = 0; silent < 2; silent++) {
		_cleanup_fixture_ struct fixture f = {0};
		_cleanup_free_ char *guests = NULL;

		CHECK(asprintf(&guests, "%s,%s,%s,%s", IDLE("a"),
			      silent ? LATER("b", "0") : LATER("b", "30"),
			      silent ? LATER("c", "0") : LATER("c", "30"),
			      silent ? LATER("d", "0") : LATER("d", "30")) > 0);
		begin(&f, guests, "");
		order(&f, 0, GIB - 2 * MIB, REASON_LEND);
		CHECK_INT(only(&f) != NULL, silent);
	}
}

TEST(below_its_use_is_right_when_the_policy_says_so)
{
	_cleanup_fixture_ struct fixture f = {0};

	begin(&f, IDLE("a") "," IDLE("b"), "");
	f.settings[0].mem_max_bytes = GIB / 2;
	order(&f, 0, GIB / 2, REASON_MAX_POLICY);
	CHECK(!only(&f));
}

TEST(the_pressed_are_not_shrunk_while_others_have_slack)
{
	_cleanup_fixture_ struct fixture f = {0};

	begin(&f, GUEST("a", "\"current\": \"2G\", \"demand\": [[0, \"3G\"]]") "," IDLE("b"), "");
	order(&f, 0, 2 * GIB - 512 * MIB, REASON_LEND);
	CHECK(!only(&f)); /* two: below its use as well */
	{
		size_t n;
		const struct violation *v = judge_violations(f.judge, &n);

		CHECK_U64(n, 2);
		CHECK_INT(v[0].rule, RULE_USED);
		CHECK_INT(v[1].rule, RULE_PRESSED);
	}
}

TEST(one_that_is_not_heard_keeps_what_it_used_and_headroom)
{
	_cleanup_fixture_ struct fixture f = {0};
	struct reason reason = {.code = REASON_LEND};
	struct judged_command c = {
		.from_bytes = 3 * GIB,
		.reason = &reason,
		.known_used_bytes = GIB,
	};

	begin(&f, IDLE("a") "," IDLE("b"), "");
	c.to_bytes = 1216 * MIB; /* 960 MiB, a fifth, 64 MiB */
	CHECK_INT(judge_command(f.judge, &c), 0);
	CHECK(!only(&f));
	c.to_bytes = 1214 * MIB;
	CHECK_INT(judge_command(f.judge, &c), 0);
	CHECK(only(&f) && only(&f)->rule == RULE_STALE);
}

TEST(shortage_is_summed_over_time)
{
	_cleanup_fixture_ struct fixture f = {0};

	begin(&f, GUEST("a", "\"current\": \"2G\", \"demand\": [[0, \"2G\"]]"), "");
	ticks(&f, 599);
	CHECK_U64(judge_short_byte_s(f.judge), 60 * 64 * MIB);
	ticks(&f, 1); /* the end itself has no length */
	CHECK_U64(judge_short_byte_s(f.judge), 60 * 64 * MIB);
}

TEST(kills_are_told_and_fail)
{
	_cleanup_fixture_ struct fixture f = {0};

	begin(&f,
		GUEST("a",
			"\"current\": \"1G\", \"swap\": \"0\", \"demand\": [[0, \"1G\"], [2, \"3G\"]]"),
		"");
	ticks(&f, 60);
	CHECK(only(&f) && only(&f)->rule == RULE_OOM);
	CHECK(!judge_passed(f.judge));
}

#define AT_LEAST "{\"guest\": \"a\", \"at_least\": \"3.5G\", \"within_s\": 5, \"after_s\": 10}"

TEST(at_least_must_come_within_the_window_and_stay)
{
	_cleanup_fixture_ struct fixture in_time = {0}, late = {0}, lost = {0}, early = {0};

	begin(&in_time, IDLE("a"), AT_LEAST);
	ticks(&in_time, 149);
	order(&in_time, 0, 4 * GIB, REASON_NEED);
	ticks(&in_time, 451);
	judge_end(in_time.judge);
	CHECK(judge_verdict(in_time.judge, 0)->met);
	CHECK_U64(judge_verdict(in_time.judge, 0)->met_msec[0], 15000);

	begin(&late, IDLE("a"), AT_LEAST);
	ticks(&late, 150);
	order(&late, 0, 4 * GIB, REASON_NEED);
	ticks(&late, 450);
	judge_end(late.judge);
	CHECK(!judge_verdict(late.judge, 0)->met);

	begin(&lost, IDLE("a"), AT_LEAST);
	order(&lost, 0, 4 * GIB, REASON_NEED);
	ticks(&lost, 590);
	order(&lost, 0, 3 * GIB, REASON_LEND);
	ticks(&lost, 10);
	judge_end(lost.judge);
	CHECK(!judge_verdict(lost.judge, 0)->met);

	begin(&early, IDLE("a"), AT_LEAST);
	order(&early, 0, 4 * GIB, REASON_NEED);
	ticks(&early, 600);
	judge_end(early.judge);
	CHECK(judge_verdict(early.judge, 0)->met);
}

TEST(at_least_need_not_hold_beyond_the_next_demand_step)
{
	_cleanup_fixture_ struct fixture f = {0};

	begin(&f, IDLE("a") "," GUEST("b", "\"current\": \"1G\", \"demand\": [[0, 1], [30, 2]]"),
		AT_LEAST);
	order(&f, 0, 4 * GIB, REASON_NEED);
	ticks(&f, 299);
	order(&f, 0, 2 * GIB, REASON_LEND);
	ticks(&f, 301);
	judge_end(f.judge);
	CHECK(judge_verdict(f.judge, 0)->met);
}

TEST(never_below_is_about_the_whole_time)
{
	_cleanup_fixture_ struct fixture f = {0};

	begin(&f, IDLE("a"), "{\"guest\": \"a\", \"never_below\": \"2G\"}, "
			     "{\"guest\": \"a\", \"never_below\": \"2G\", \"after_s\": 10}");
	order(&f, 0, 2 * GIB - MIB, REASON_LEND);
	ticks(&f, 10);
	order(&f, 0, 2 * GIB, REASON_NEED);
	ticks(&f, 590);
	judge_end(f.judge);
	CHECK(!judge_verdict(f.judge, 0)->met);
	CHECK(judge_verdict(f.judge, 1)->met);
}

TEST(free_memory_of_the_host_is_expected_the_same_way)
{
	_cleanup_fixture_ struct fixture f = {0};

	/* 12 - 1 - 3 = 8 GiB of 12 are free, from 20 s on 7. */
	begin(&f, IDLE("a"), "{\"host_free_at_least_pct\": 66, \"within_s\": 1, \"after_s\": 19}, "
			     "{\"host_free_at_least_pct\": 58, \"within_s\": 1, \"after_s\": 19}");
	ticks(&f, 600);
	judge_end(f.judge);
	CHECK(!judge_verdict(f.judge, 0)->met);
	CHECK(judge_verdict(f.judge, 1)->met);
}

TEST(never_below_from_after_the_end_on_was_never_looked_at_and_is_not_met)
{
	_cleanup_fixture_ struct fixture f = {0};

	begin(&f, IDLE("a"), "{\"guest\": \"a\", \"never_below\": \"2G\", \"after_s\": 60}, "
			     "{\"guest\": \"a\", \"never_below\": \"2G\", \"after_s\": 61}");
	ticks(&f, 600);
	judge_end(f.judge);
	CHECK(judge_verdict(f.judge, 0)->met);
	CHECK(!judge_verdict(f.judge, 1)->met);
}

TEST_MAIN()
