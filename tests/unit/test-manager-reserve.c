/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reservations and enrolling, asked for real and only to see: the answer is the same. */
#include "policy/policy-set.h"
#include "tests/test.h"
#include "tests/unit/fake-manager.h"

static struct plan plan;
static struct plan_guest plan_guests[2];

/* 8 GiB to share out, of which two guests have 3 each; squeezed to their floors they need 1. */
static int start(struct manager *m, enum daemon_mode mode, const char *policy)
{
	struct policy_text text = {.name = "h", .text = policy, .len = strlen(policy)};
	struct diag_list findings = {0};

	fake_clear();
	*m = (struct manager){.hv = FAKE_HV,
		.hub = FAKE_HUB,
		.store = FAKE_STORE,
		.mode = mode,
		.connected = true,
		.synced = true,
		.plan = &plan};
	plan = (struct plan){.budget_bytes = 8 * GIB,
		.memory_bytes = 12 * GIB,
		.reserve_bytes = GIB,
		.charged_bytes = 6 * GIB,
		.guests = plan_guests,
		.n_guests = 2};
	for (size_t i = 0; i < 2; i++)
		plan_guests[i] = (struct plan_guest){.charge_bytes = 3 * GIB, .floor_bytes = GIB};
	fake_guest(m, "web", 4096, 3072);
	fake_guest(m, "db", 4096, 3072);
	return policy_set_from_texts(&text, 1, NULL, &m->set, &findings);
}

static void end(struct manager *m)
{
	policy_set_unref(m->set);
	reservations_free(&m->reservations);
	fake_manager_clear(m);
}
#define _cleanup_manager_ _cleanup_(end)
static void call_end(struct api_call *call)
{
	json_decref(call->body);
}
#define _cleanup_call_ _cleanup_(call_end)

static struct api_reserve_request want(uint64_t gib)
{
	return (struct api_reserve_request){.guest = {{77}},
		.guest_name = "new",
		.bytes = gib * GIB,
		.qemu_bytes = MIB,
		.wait_usec = USEC_PER_SEC};
}

TEST(a_dry_run_is_refused_where_the_guest_runs_already)
{
	_cleanup_manager_ struct manager m;
	_cleanup_call_ struct api_call dry = {.dry_run = true}, real = {0};
	struct api_reserve_request req = want(1);

	CHECK_INT(start(&m, MODE_ENFORCE, ""), 0);
	req.guest = m.guests[0]->uuid;
	reserve(&m, &dry, &req);
	reserve(&m, &real, &req);
	CHECK_INT(dry.problem, API_PROBLEM_CONFLICT);
	CHECK_INT(real.problem, API_PROBLEM_CONFLICT);
}

TEST(a_dry_run_is_refused_what_does_not_fit_even_squeezed)
{
	_cleanup_manager_ struct manager m;
	_cleanup_call_ struct api_call fits = {.dry_run = true}, not = {.dry_run = true},
				       huge = {.dry_run = true};
	struct api_reserve_request five = want(5), seven = want(7), nine_tera = want(9216);

	CHECK_INT(start(&m, MODE_ENFORCE, ""), 0);
	reserve(&m, &fits, &five);
	reserve(&m, &not, &seven);
	reserve(&m, &huge, &nine_tera);
	CHECK_INT(fits.status, 201);
	CHECK_INT(not.problem, API_PROBLEM_NO_ROOM);
	CHECK_INT(huge.problem, API_PROBLEM_NO_ROOM);
	CHECK_INT((int)m.reservations.n, 0);
}

TEST(a_dry_run_knows_what_the_start_policy_says)
{
	_cleanup_manager_ struct manager refuse, ignore, observe;
	_cleanup_call_ struct api_call a = {.dry_run = true}, b = {.dry_run = true},
				       c = {.dry_run = true};
	struct api_reserve_request five = want(5), huge = want(10);

	CHECK_INT(start(&refuse, MODE_ENFORCE, "[Host]\nStartPolicy=refuse\n"), 0);
	CHECK_INT(start(&ignore, MODE_ENFORCE, "[Host]\nStartPolicy=ignore\n"), 0);
	CHECK_INT(start(&observe, MODE_OBSERVE, ""), 0);
	reserve(&refuse, &a, &five); /* nobody is squeezed for it: two are free */
	reserve(&ignore, &b, &huge);
	reserve(&observe, &c, &huge);
	CHECK_INT(a.problem, API_PROBLEM_NO_ROOM);
	CHECK_INT(b.status, 201);
	CHECK_INT(c.status, 201);
}

static bool binds(const struct api_call *call)
{
	return json_is_true(json_object_get(call->body, "binding"));
}

/* A terabyte of a host of twelve gigabytes. It keeps nobody from starting where nobody is. */
TEST(what_the_host_could_never_have_is_refused_in_every_mode)
{
	_cleanup_manager_ struct manager enforce, observe, ignore;
	_cleanup_call_ struct api_call a = {0}, b = {0}, c = {0}, d = {.dry_run = true}, e = {0};
	struct api_reserve_request huge = want(1024), most = want(11);

	CHECK_INT(start(&observe, MODE_OBSERVE, ""), 0);
	CHECK_INT(start(&ignore, MODE_ENFORCE, "[Host]\nStartPolicy=ignore\n"), 0);
	CHECK_INT(start(&enforce, MODE_ENFORCE, ""), 0);
	reserve(&enforce, &a, &huge);
	CHECK_INT((int)fake.n_told, 1);
	CHECK_CONTAINS(fake.told[0], "no room for new");
	reserve(&observe, &b, &huge);
	reserve(&ignore, &c, &huge);
	reserve(&observe, &d, &huge);
	CHECK_INT((int)fake.n_told, 1);
	CHECK_INT(a.problem, API_PROBLEM_NO_ROOM);
	CHECK_INT(b.problem, API_PROBLEM_NO_ROOM);
	CHECK_INT(c.problem, API_PROBLEM_NO_ROOM);
	CHECK_INT(d.problem, API_PROBLEM_NO_ROOM);
	CHECK(binds(&a) && !binds(&b) && !binds(&c));
	CHECK_CONTAINS(b.text, "11 GiB for guests at all");
	CHECK_CONTAINS(b.text, "in mode observe nobody is kept from starting");
	CHECK_INT((int)(enforce.reservations.n + observe.reservations.n + ignore.reservations.n),
		0);
	/* With QEMU's own it is a little more than that. */
	reserve(&observe, &e, &most);
	CHECK_INT(e.problem, API_PROBLEM_NO_ROOM);
}

TEST(when_enforce_begins_what_was_granted_before_is_judged_anew)
{
	_cleanup_manager_ struct manager m;
	_cleanup_call_ struct api_call call = {0};
	struct api_reserve_request ten = want(10);
	uint64_t before = clock_boot_usec();

	CHECK_INT(start(&m, MODE_OBSERVE, ""), 0);
	reserve(&m, &call, &ten);
	CHECK_INT(call.status, 201);
	CHECK(m.reservations.items[0].granted);
	CHECK(m.reservations.items[0].deadline_usec >= before + RESERVATION_IDLE_USEC);
	m.mode = MODE_ENFORCE;
	reserve_judge_anew(&m);
	CHECK(!m.reservations.items[0].granted);
	CHECK(m.reservations.items[0].deadline_usec < before + RESERVATION_IDLE_USEC);
	reserve_answered(&m, &(struct action){.kind = ACTION_REFUSE, .reservation = 1});
	CHECK_INT((int)m.reservations.n, 0);
	CHECK_CONTAINS(fake.told[fake.n_told - 1], "no room for new");
}

TEST(room_that_is_what_the_others_lack_is_named)
{
	_cleanup_manager_ struct manager m;
	_cleanup_call_ struct api_call a = {0}, b = {0};
	struct api_reserve_request eight = want(8), one = want(1);
	struct view_problem p;

	CHECK_INT(start(&m, MODE_OBSERVE, ""), 0);
	one.guest.bytes[0] = 78;
	one.guest_name = "small";
	plan.host_state = HOST_CRITICAL;
	CHECK(!reserve_is_short(&m));
	reserve(&m, &a, &one);
	CHECK(!reserve_is_short(&m)); /* of eight, two must be theirs */
	reserve(&m, &b, &eight);
	CHECK(reserve_is_short(&m));
	p = reserve_problem(&m);
	CHECK_STR(p.code, "reservations");
	CHECK_CONTAINS(p.text, "8 GiB for new until 2");
	CHECK_CONTAINS(p.text, "and 1 more, 9 GiB in all");
	CHECK_CONTAINS(p.remedy, "ballastctl reservation cancel 2");
	CHECK(p.since_real_usec);
	plan.host_state = HOST_TIGHT;
	CHECK(!reserve_is_short(&m));
	/* Guests that lack it anyway do not lack it for that. */
	plan.host_state = HOST_CRITICAL;
	plan_guests[0].floor_bytes = 9 * GIB;
	CHECK(!reserve_is_short(&m));
}

TEST(what_becomes_of_a_reservation_is_told_of_its_guest)
{
	const struct reservation items[] = {
		{.guest = {{77}}, .guest_name = (char *)"new", .bytes = GIB},
		{.guest = {{78}}, .guest_name = (char *)"big", .bytes = 9 * GIB}};
	_cleanup_call_ struct api_call call = {0};
	_cleanup_manager_ struct manager m;

	CHECK_INT(start(&m, MODE_ENFORCE, ""), 0);
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		CHECK(reservations_add(&m.reservations, &items[i], NULL) >= 0);
	reserve_answered(&m,
		&(struct action){.kind = ACTION_GRANT, .reservation = m.reservations.items[0].id});
	reserve_answered(&m,
		&(struct action){.kind = ACTION_REFUSE, .reservation = m.reservations.items[1].id});
	unreserve(&m, &call, &(struct api_unreserve_request){.id = m.reservations.items[0].id});
	CHECK_INT((int)fake.n_told, 3);
	CHECK_STR(fake.told_of[0], "new");
	CHECK_STR(fake.told_of[1], "big");
	CHECK_STR(fake.told_of[2], "new");
}

TEST(the_room_of_a_failed_start_is_given_back_by_its_guest)
{
	_cleanup_manager_ struct manager m;
	_cleanup_call_ struct api_call call = {0}, dry = {.dry_run = true}, back = {0}, again = {0};
	struct api_reserve_request one = want(1);
	struct api_unreserve_request of_it = {.guest = one.guest};

	CHECK_INT(start(&m, MODE_ENFORCE, ""), 0);
	reserve(&m, &call, &one);
	CHECK_INT((int)m.reservations.n, 1);
	unreserve(&m, &dry, &of_it);
	CHECK_INT(dry.status, 204);
	CHECK_INT((int)m.reservations.n, 1);
	unreserve(&m, &back, &of_it);
	CHECK_INT(back.status, 204);
	CHECK_INT(call.problem, API_PROBLEM_CONFLICT); /* it still waited */
	CHECK_INT((int)m.reservations.n, 0);
	unreserve(&m, &again, &of_it);
	CHECK_INT(again.problem, API_PROBLEM_RESERVATION_UNKNOWN);
}

TEST(a_guest_that_starts_without_asking_is_a_warning_until_one_asks)
{
	_cleanup_manager_ struct manager m;
	_cleanup_call_ struct api_call call = {0}, next = {0};
	struct api_reserve_request one = want(1);
	struct guest *web;

	CHECK_INT(start(&m, MODE_ENFORCE, ""), 0);
	web = m.guests[0];
	one.guest = web->uuid;
	one.guest.bytes[9] = 1;
	reserve(&m, &call, &one);
	m.reservations.owners[0].call = NULL;
	web->uuid = one.guest;
	reserve_arrived(&m, &web->uuid);
	fake.n_told = 0;
	reserve_unasked(web);
	CHECK_INT((int)fake.n_told, 0);
	CHECK(!reserve_is_missed(&m));
	reserve_unasked(web); /* its next start */
	CHECK_INT((int)fake.n_told, 1);
	CHECK_CONTAINS(fake.told[0], "without asking for room");
	CHECK_CONTAINS(fake.told[0], "restart libvirtd");
	CHECK(reserve_is_missed(&m));
	m.mode = MODE_OBSERVE;
	CHECK(!reserve_is_missed(&m));
	m.mode = MODE_ENFORCE;
	one.guest.bytes[9] = 2;
	reserve(&m, &next, &one);
	CHECK(!reserve_is_missed(&m));
	reserve_stop(&m);
}

TEST(one_that_asked_and_took_long_or_need_not_ask_is_none)
{
	_cleanup_manager_ struct manager late, observe, ignore;
	_cleanup_call_ struct api_call call = {0};
	struct api_reserve_request one = want(1);

	CHECK_INT(start(&observe, MODE_OBSERVE, ""), 0);
	CHECK_INT(start(&ignore, MODE_ENFORCE, "[Host]\nStartPolicy=ignore\n"), 0);
	CHECK_INT(start(&late, MODE_ENFORCE, ""), 0);
	reserve_unasked(observe.guests[0]);
	reserve_unasked(ignore.guests[0]);
	reserve(&late, &call, &one);
	reserve_answered(&late, &(struct action){.kind = ACTION_GRANT, .reservation = 1});
	late.reservations.items[0].deadline_usec = 1; /* long ago */
	reserve_expire(&late);
	CHECK_INT((int)late.reservations.n, 0);
	fake.n_told = 0;
	late.guests[0]->uuid = one.guest;
	reserve_unasked(late.guests[0]);
	CHECK_INT((int)fake.n_told, 0);
	CHECK(!reserve_is_missed(&late) && !reserve_is_missed(&observe) &&
		!reserve_is_missed(&ignore));
}

TEST(a_dry_run_of_enrolling_says_in_either_mode_what_it_would_do)
{
	_cleanup_manager_ struct manager m;
	_cleanup_call_ struct api_call dry = {.dry_run = true}, real = {0},
				       enforce = {.dry_run = true};

	CHECK_INT(start(&m, MODE_OBSERVE, ""), 0);
	enroll(&m, &dry, &m.guests[0]->uuid);
	CHECK_INT(dry.status, 200);
	enroll(&m, &real, &m.guests[0]->uuid);
	CHECK_INT(real.problem, API_PROBLEM_CONFLICT);
	m.mode = MODE_ENFORCE;
	enroll(&m, &enforce, &m.guests[0]->uuid);
	CHECK_INT(enforce.status, 200);
	CHECK_INT((int)fake.n_submits, 0);
}

static void ends(struct guest *g, size_t submit, struct hv_result r)
{
	r.id = fake.submits[submit].id;
	r.call = fake.submits[submit].req.call;
	if (!r.text)
		r.text = "";
	if (r.call == HV_CALL_ATTACH_CHANNEL)
		enroll_done(g, &r);
	else
		enroll_period_done(g, &r);
}

static const char *change(const struct api_call *call, size_t i)
{
	const char *text =
		json_string_value(json_array_get(json_object_get(call->body, "changes"), i));

	return text ? text : "";
}

TEST(enrolling_answers_when_both_calls_have_ended)
{
	_cleanup_manager_ struct manager m;
	_cleanup_call_ struct api_call call = {0}, again = {0};
	struct guest *g;

	CHECK_INT(start(&m, MODE_ENFORCE, ""), 0);
	g = m.guests[0];
	enroll(&m, &call, &g->uuid);
	CHECK_INT((int)fake.n_submits, 2);
	enroll(&m, &again, &g->uuid);
	CHECK_INT(again.problem, API_PROBLEM_CONFLICT);
	ends(g, 0, (struct hv_result){.plugged = true});
	CHECK_INT(call.status, 0);
	ends(g, 1, (struct hv_result){.error = -EIO, .text = "no driver"});
	CHECK_INT(call.status, 200);
	CHECK_CONTAINS(change(&call, 0), "attached");
	CHECK_CONTAINS(change(&call, 1), "could not be set: no driver");
	CHECK_CONTAINS(change(&call, 2), "whether it has swap is not known yet");
}

TEST(a_channel_that_is_there_but_not_in_the_definition_is_said_to_be_there)
{
	_cleanup_manager_ struct manager m;
	_cleanup_call_ struct api_call call = {0};
	struct guest *g;

	CHECK_INT(start(&m, MODE_ENFORCE, ""), 0);
	g = m.guests[0];
	enroll(&m, &call, &g->uuid);
	ends(g, 1, (struct hv_result){0});
	ends(g, 0,
		(struct hv_result){
			.plugged = true, .error = -EACCES, .text = "read-only file system"});
	CHECK_INT(call.status, 200);
	CHECK_CONTAINS(change(&call, 0), "statistics period set");
	CHECK_CONTAINS(change(&call, 1), "attached");
	CHECK_CONTAINS(change(&call, 2), "(read-only file system): it will be gone");
}

TEST(a_channel_that_is_not_there_is_a_refusal)
{
	_cleanup_manager_ struct manager m;
	_cleanup_call_ struct api_call call = {0};
	struct guest *g;

	CHECK_INT(start(&m, MODE_ENFORCE, ""), 0);
	g = m.guests[0];
	enroll(&m, &call, &g->uuid);
	ends(g, 0, (struct hv_result){.error = -EIO, .text = "no more ports"});
	CHECK_INT(call.problem, API_PROBLEM_CANNOT_ENROLL);
	ends(g, 1, (struct hv_result){0}); /* late, and for nobody */
	CHECK_INT(call.status, -1);
}

TEST_MAIN()
