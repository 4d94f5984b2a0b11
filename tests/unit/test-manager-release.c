/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `mode observe --release` commands, and what it says of those it cannot command. */
#include "tests/test.h"
#include "tests/unit/fake-manager.h"

static struct plan plan;

static struct manager start(uint64_t free_mib)
{
	fake_clear();
	plan = (struct plan){.budget_bytes = free_mib * MIB};
	return (struct manager){.hv = FAKE_HV,
		.hub = FAKE_HUB,
		.store = FAKE_STORE,
		.mode = MODE_ENFORCE,
		.connected = true,
		.synced = true,
		.plan = &plan};
}
#define _cleanup_manager_ _cleanup_(fake_manager_clear)
static void jsonp_free(json_t **j)
{
	json_decref(*j);
}
#define _cleanup_array_ _cleanup_(jsonp_free)

/* Who does not get all back; *ret_given: how many get anything. */
static json_t *let_go(struct manager *m, size_t *ret_given)
{
	struct release_report r = {0};

	if (release_originals(m, false, &r) < 0)
		abort();
	*ret_given = json_array_size(r.given);
	json_decref(r.given);
	return r.left_out;
}

static const char *why_of(const json_t *left_out, const char *name)
{
	json_t *one;
	size_t i;

	json_array_foreach (left_out, i, one)
		if (streq(json_string_value(json_object_get(one, "guest")), name))
			return json_string_value(json_object_get(one, "why"));
	return "";
}

/* A guest that had `original` MiB and has `now`. */
static struct guest *guest(struct manager *m, const char *name, uint64_t original, uint64_t now)
{
	struct guest *g = fake_guest(m, name, 1024, now);

	g->original = (struct original){.bytes = original * MIB, .cpu_weight = 100};
	guest_sample(g)->cpu_weight = 100;
	return g;
}

static size_t submitted(enum hv_call call)
{
	size_t n = 0;

	for (size_t i = 0; i < fake.n_submits; i++)
		n += fake.submits[i].req.call == call;
	return n;
}

TEST(with_room_all_get_all_back_and_none_is_named)
{
	_cleanup_manager_ struct manager m = start(4096);
	_cleanup_array_ json_t *left_out = NULL;
	size_t given;

	guest(&m, "web", 1024, 512);
	guest(&m, "db", 512, 512);
	left_out = let_go(&m, &given);
	CHECK_INT((int)json_array_size(left_out), 0);
	CHECK_INT((int)given, 1);
	CHECK_INT((int)fake.n_submits, 1);
	CHECK_U64(fake.submits[0].req.bytes, 1024 * MIB);
}

TEST(who_cannot_be_commanded_is_named_with_the_reason)
{
	_cleanup_manager_ struct manager m = start(8192);
	_cleanup_array_ json_t *left_out = NULL;
	size_t given;

	guest_sample(guest(&m, "hangs", 1024, 512))->quarantined = true;
	guest_sample(guest(&m, "saves", 1024, 512))->job_running = true;
	guest_sample(guest(&m, "boots", 1024, 512))->balloon_answered = false;
	guest_sample(guest(&m, "paused", 1024, 512))->running = false;
	/* nothing is owed to it */
	guest_sample(guest(&m, "whole", 1024, 1024))->quarantined = true;
	/* and this was never touched */
	guest_sample(guest(&m, "pinned", 1024, 512))->fixed = FIXED_VFIO;
	left_out = let_go(&m, &given);
	CHECK_STR(why_of(left_out, "hangs"), "it does not answer libvirt");
	CHECK_STR(why_of(left_out, "saves"), "a libvirt job runs on it");
	CHECK_STR(why_of(left_out, "boots"), "its balloon driver has not spoken since it started");
	CHECK_STR(why_of(left_out, "paused"), "it is paused");
	CHECK_INT((int)json_array_size(left_out), 4);
	CHECK_INT((int)fake.n_submits, 0);
}

TEST(who_gets_but_a_part_or_is_refused_is_named)
{
	_cleanup_manager_ struct manager m = start(100);
	_cleanup_array_ json_t *left_out = NULL, *refused = NULL;
	size_t given;

	guest(&m, "web", 1024, 512);
	left_out = let_go(&m, &given);
	CHECK_STR(why_of(left_out, "web"), "it had 1024 MiB: there is room for 612");
	fake.submit_error = -EBUSY;
	plan.charged_bytes = 0;
	refused = let_go(&m, &given);
	CHECK_CONTAINS(why_of(refused, "web"), "libvirt does not take the command");
}

TEST(a_quota_goes_back_even_where_the_weight_is_what_it_was)
{
	_cleanup_manager_ struct manager m = start(4096);
	_cleanup_array_ json_t *left_out = NULL, *again = NULL;
	size_t given;
	struct guest *g = guest(&m, "web", 512, 512);

	guest_sample(g)->cpu_quota = 15000;
	g->original.cpu_ours = true;
	left_out = let_go(&m, &given);
	CHECK_INT((int)submitted(HV_CALL_SET_CPU), 1);
	CHECK_U64(fake.submits[0].req.cpu_weight, 100);
	CHECK_U64(fake.submits[0].req.cpu_quota_permyriad, 0);
	guest_sample(g)->cpu_quota = 0;
	g->original.cpu_ours = false; /* as its end leaves it */
	again = let_go(&m, &given);
	CHECK_INT((int)submitted(HV_CALL_SET_CPU), 1);
}

TEST(a_soft_limit_is_lifted_at_a_stop_and_at_a_release)
{
	_cleanup_manager_ struct manager m = start(4096);
	_cleanup_array_ json_t *left_out = NULL, *refused = NULL;
	size_t given;
	struct guest *g = guest(&m, "web", 512, 512);

	guest(&m, "db", 512, 512);
	g->original.soft_limited = true;
	release_to_used(&m);
	CHECK_INT((int)submitted(HV_CALL_SET_SOFT_LIMIT), 1);
	CHECK_U64(fake.submits[0].req.bytes, BYTES_UNLIMITED);
	left_out = let_go(&m, &given);
	CHECK_INT((int)submitted(HV_CALL_SET_SOFT_LIMIT), 2);
	fake.submit_error = -EBUSY;
	refused = let_go(&m, &given);
	CHECK_CONTAINS(why_of(refused, "web"), "soft limit");
}

TEST(a_stop_says_that_it_is_a_stop)
{
	_cleanup_manager_ struct manager m = start(4096);
	_cleanup_array_ json_t *left_out = NULL;
	size_t given;
	struct guest *g = guest(&m, "web", 512, 300);

	guest_sample(g)->report =
		(struct guest_report){.source = REPORT_AGENT, .available_bytes = 20 * MIB};
	release_to_used(&m);
	CHECK_INT((int)fake.n_submits, 1);
	/* a quarter of its maximum beside what it uses */
	CHECK_U64(fake.submits[0].req.bytes, (280 + 256) * MIB);
	CHECK_INT(fake.submits[0].reason.code, REASON_STOPPING);
	CHECK_U64(fake.submits[0].reason.arg[1], 280 * MIB);
	left_out = let_go(&m, &given);
	CHECK_INT(fake.submits[1].reason.code, REASON_RESTORE);
}

TEST(in_observe_mode_what_is_held_goes_back_and_nothing_else_moves)
{
	_cleanup_manager_ struct manager m = start(8192);
	_cleanup_array_ json_t *left_out = NULL, *again = NULL;
	struct guest *held, *cpu, *never;
	size_t given;

	m.mode = MODE_OBSERVE;
	held = guest(&m, "held", 1024, 512);
	cpu = guest(&m, "cpu", 512, 512);
	never = guest(&m, "never", 0, 512); /* uses nearly all, and was never commanded */
	guest_sample(never)->report =
		(struct guest_report){.source = REPORT_AGENT, .available_bytes = MIB};
	guest_sample(cpu)->report = guest_sample(never)->report;
	guest_sample(cpu)->cpu_weight = 400;
	cpu->original.cpu_ours = true;
	guest_sample(never)->cpu_weight = 70; /* by hand */
	left_out = let_go(&m, &given);
	CHECK_INT((int)given, 2);
	CHECK_INT((int)json_array_size(left_out), 0);
	CHECK_INT((int)fake.n_submits, 2);
	CHECK(uuid_equal(&fake.submits[0].req.guest, &held->uuid));
	CHECK_U64(fake.submits[0].req.bytes, 1024 * MIB);
	CHECK(uuid_equal(&fake.submits[1].req.guest, &cpu->uuid));
	CHECK_U64(fake.submits[1].req.cpu_weight, 100);
	CHECK(!manager_may_act(&m)); /* the door is shut again */
	guest_sample(held)->target_bytes = 1024 * MIB;
	guest_sample(cpu)->cpu_weight = 100;
	cpu->original.cpu_ours = false; /* as its end leaves it */
	again = let_go(&m, &given);
	CHECK_INT((int)given, 0);
	CHECK_INT((int)fake.n_submits, 2);
}

#define _cleanup_report_ _cleanup_(release_report_clear)

TEST(a_dry_run_says_what_a_release_would_do_and_commands_nothing)
{
	static const enum daemon_mode modes[] = {MODE_ENFORCE, MODE_OBSERVE};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		_cleanup_report_ struct release_report dry = {0}, real = {0};
		_cleanup_manager_ struct manager m = start(612);
		struct guest *cpu;

		m.mode = modes[i];
		guest(&m, "web", 1024, 512);
		guest_sample(guest(&m, "saves", 1024, 512))->job_running = true;
		cpu = guest(&m, "cpu", 512, 512);
		guest_sample(cpu)->cpu_weight = 400;
		cpu->original.cpu_ours = true;
		guest(&m, "whole", 512, 512);
		CHECK_INT(release_originals(&m, true, &dry), 0);
		CHECK_INT((int)fake.n_submits, 0);
		CHECK(!manager_may_act(&m) == (m.mode == MODE_OBSERVE));
		CHECK_U64(plan.charged_bytes, 0);
		CHECK_INT((int)json_array_size(dry.given), 2);
		CHECK_U64((uint64_t)json_integer_value(
				  json_object_get(json_array_get(dry.given, 0), "to")),
			1024 * MIB);
		/* its weight only */
		CHECK(json_is_null(json_object_get(json_array_get(dry.given, 1), "to")));
		CHECK_STR(why_of(dry.left_out, "saves"), "a libvirt job runs on it");
		CHECK_INT(release_originals(&m, false, &real), 0);
		CHECK(json_equal(real.given, dry.given) && json_equal(real.left_out, dry.left_out));
		CHECK_INT((int)fake.n_submits, 2);
	}
}

TEST(what_one_release_gives_out_the_next_does_not_give_again)
{
	_cleanup_manager_ struct manager m = start(612);
	_cleanup_array_ json_t *left_out = NULL, *again = NULL;
	struct guest *web;
	size_t given;

	web = guest(&m, "web", 1024, 512);
	left_out = let_go(&m, &given);
	CHECK_INT((int)given, 1);
	guest_sample(web)->target_bytes = 1024 * MIB;
	guest(&m, "db", 1024, 512); /* before the next decision */
	again = let_go(&m, &given);
	CHECK_STR(why_of(again, "db"), "it had 1024 MiB: there is room for 612");
}

/* A guest that Ballast sent from 1000 to 300 MiB, and that has come so far. */
static struct guest *on_its_way(struct manager *m, const char *name, uint64_t now)
{
	struct guest *g = guest(m, name, 1000, now);

	g->commanded = true;
	guest_sample(g)->target_bytes = 300 * MIB;
	return g;
}

TEST(observe_stops_each_that_is_on_its_way_down_where_it_is)
{
	_cleanup_manager_ struct manager m = start(0);
	struct guest *down = on_its_way(&m, "down", 700), *paused = on_its_way(&m, "paused", 600);
	struct guest *grows = on_its_way(&m, "grows", 200),
		     *not_ours = on_its_way(&m, "not-ours", 700);

	guest_sample(paused)->running = false;
	guest_sample(not_ours)->target_bytes = 300 * MIB;
	not_ours->commanded = false;
	on_its_way(&m, "there", 301);
	guest_sample(on_its_way(&m, "pinned", 700))->fixed = FIXED_VFIO;
	m.settling = true; /* what is known now counts */
	release_as_it_is(&m);
	CHECK_INT((int)fake.n_submits, 2);
	CHECK(uuid_equal(&fake.submits[0].req.guest, &down->uuid));
	CHECK_U64(fake.submits[0].req.bytes, 700 * MIB);
	CHECK_INT(fake.submits[0].reason.code, REASON_LEFT);
	CHECK(uuid_equal(&fake.submits[1].req.guest, &paused->uuid));
	CHECK_U64(fake.submits[1].req.bytes, 600 * MIB);
	CHECK_U64(down->left_id, 1);
	CHECK_U64(grows->left_id, 0);
	CHECK_INT((int)fake.n_told, 0);
	m.mode = MODE_OBSERVE;
	CHECK(!manager_may_act(&m)); /* the door is shut again */
}

TEST(who_cannot_be_stopped_is_named)
{
	_cleanup_manager_ struct manager m = start(0);
	struct guest *g = on_its_way(&m, "hangs", 700);
	struct hv_result r = {.call = HV_CALL_SET_MEMORY,
		.id = 1,
		.bytes = 700 * MIB,
		.error = -ETIMEDOUT,
		.text = ""};

	fake.submit_error = -EBUSY;
	release_as_it_is(&m);
	fake.submit_error = 0;
	CHECK_U64(g->left_id, 0);
	CHECK_CONTAINS(fake.told[0],
		"on its way down to 300 MiB it could not be stopped at the 700 that it has: it does not answer libvirt");
	release_as_it_is(&m);
	CHECK_U64(g->left_id, 1);
	r.id = 2;
	CHECK(!release_is_left(g, &r)); /* another call's end */
	r.id = 1;
	CHECK(release_is_left(g, &r));
	CHECK_U64(g->left_id, 0);
	CHECK_CONTAINS(fake.told[1], "does not answer libvirt");
	CHECK_STR(fake.told_of[1], "hangs");
	CHECK(!release_is_left(g, &r));
}

TEST(observe_mode_lifts_soft_limits_until_they_are_gone)
{
	_cleanup_manager_ struct manager m = start(4096);
	struct guest *g = guest(&m, "web", 512, 512);

	g->original.soft_limited = guest_sample(g)->soft_limited = true;
	release_brakes(&m);
	CHECK_INT((int)fake.n_submits, 0); /* enforce mode has its own mind */
	m.mode = MODE_OBSERVE;
	m.settling = true;
	release_brakes(&m);
	m.settling = false;
	fake.submit_error = -EBUSY; /* a job runs on it */
	release_brakes(&m);
	fake.submit_error = 0;
	CHECK_INT((int)submitted(HV_CALL_SET_SOFT_LIMIT), 0);
	release_brakes(&m); /* not every moment */
	CHECK_INT((int)submitted(HV_CALL_SET_SOFT_LIMIT), 0);
	m.brakes_usec = 0;
	release_brakes(&m);
	CHECK_INT((int)submitted(HV_CALL_SET_SOFT_LIMIT), 1);
	CHECK_U64(fake.submits[0].req.bytes, BYTES_UNLIMITED);
	guest_sample(g)->soft_limited = false; /* as act_soft_limit() leaves it: on its way */
	m.brakes_usec = 0;
	release_brakes(&m);
	CHECK_INT((int)submitted(HV_CALL_SET_SOFT_LIMIT), 1);
	CHECK(!manager_may_act(&m));
}

TEST_MAIN()
