/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mode, with a disk that answers when the test says so. */
#include "tests/test.h"
#include "tests/unit/fake-manager.h"

static const struct api_mode_request observe = {MODE_OBSERVE, false},
				     enforce = {MODE_ENFORCE, false};

static struct manager start(enum daemon_mode mode)
{
	fake_clear();
	return (struct manager){.hv = FAKE_HV,
		.hub = FAKE_HUB,
		.store = FAKE_STORE,
		.mode = mode,
		.connected = true,
		.synced = true};
}

static void end(struct api_call *call)
{
	json_decref(call->body);
}
#define _cleanup_call_ _cleanup_(end)

TEST(enforce_holds_when_it_is_on_the_disk_and_not_before)
{
	struct manager m = start(MODE_OBSERVE);
	_cleanup_call_ struct api_call call = {0};

	mode_set(&m, &call, &enforce);
	CHECK_INT(m.mode, MODE_OBSERVE);
	CHECK_INT(call.status, 0);
	fake_store_answer(0);
	CHECK_INT(m.mode, MODE_ENFORCE);
	CHECK_INT(call.status, 200);
}

TEST(enforce_that_waits_for_the_disk_does_not_undo_a_later_observe)
{
	struct manager m = start(MODE_OBSERVE);
	_cleanup_call_ struct api_call first = {0}, second = {0};

	mode_set(&m, &first, &enforce);
	mode_set(&m, &second, &observe);
	CHECK_INT(m.mode, MODE_OBSERVE);
	fake_store_answer(0);
	CHECK_INT(m.mode, MODE_OBSERVE);
	CHECK_INT(first.status, -1);
	CHECK_INT(first.problem, API_PROBLEM_CONFLICT);
	fake_store_answer(0);
	CHECK_INT(second.status, 200);
	CHECK_INT(m.mode, MODE_OBSERVE);
	CHECK_INT((int)fake.n_writes, 0);
}

TEST(the_last_of_three_requests_holds)
{
	struct manager m = start(MODE_OBSERVE);
	_cleanup_call_ struct api_call first = {0}, second = {0}, third = {0};

	mode_set(&m, &first, &enforce);
	mode_set(&m, &second, &observe);
	mode_set(&m, &third, &enforce);
	CHECK_STR(fake.writes[2].value, "enforce");
	fake_store_answer(0);
	fake_store_answer(0);
	CHECK_INT(m.mode, MODE_OBSERVE);
	fake_store_answer(0);
	CHECK_INT(m.mode, MODE_ENFORCE);
	CHECK_INT(first.problem, API_PROBLEM_CONFLICT);
	CHECK_INT(third.status, 200);
}

TEST(enforce_asked_twice_is_no_conflict)
{
	struct manager m = start(MODE_OBSERVE);
	_cleanup_call_ struct api_call first = {0}, second = {0};

	mode_set(&m, &first, &enforce);
	mode_set(&m, &second, &enforce);
	fake_store_answer(0);
	fake_store_answer(0);
	CHECK_INT(first.status, 200);
	CHECK_INT(second.status, 200);
	CHECK_INT(m.mode, MODE_ENFORCE);
	CHECK_INT((int)fake.n_told, 1);
}

TEST(what_cannot_be_saved_leaves_enforce_undone_and_observe_done)
{
	struct manager m = start(MODE_OBSERVE);
	_cleanup_call_ struct api_call call = {0}, back = {0};

	mode_set(&m, &call, &enforce);
	fake_store_answer(-ENOSPC);
	CHECK_INT(m.mode, MODE_OBSERVE);
	CHECK_INT(call.problem, API_PROBLEM_STATE_UNWRITABLE);
	m.mode = MODE_ENFORCE;
	mode_set(&m, &back, &observe);
	CHECK_INT(m.mode, MODE_OBSERVE);
	fake_store_answer(-ENOSPC);
	CHECK_INT(m.mode, MODE_OBSERVE);
	CHECK_INT(back.problem, API_PROBLEM_STATE_UNWRITABLE);
}

TEST(a_dry_run_withdraws_nothing)
{
	struct manager m = start(MODE_OBSERVE);
	_cleanup_call_ struct api_call first = {0}, look = {.dry_run = true};

	mode_set(&m, &first, &enforce);
	mode_set(&m, &look, &observe);
	CHECK_INT(look.status, 200);
	fake_store_answer(0);
	CHECK_INT(m.mode, MODE_ENFORCE);
}

TEST(nothing_is_given_back_before_guests_were_read)
{
	struct manager m = start(MODE_ENFORCE);
	static const struct api_mode_request release = {MODE_OBSERVE, true};
	_cleanup_call_ struct api_call early = {0}, dry = {.dry_run = true}, later = {0};

	m.settling = true;
	mode_set(&m, &early, &release);
	mode_set(&m, &dry, &release);
	CHECK_INT(early.problem, API_PROBLEM_NOT_READY);
	CHECK_INT(dry.problem, API_PROBLEM_NOT_READY);
	CHECK_INT(m.mode, MODE_ENFORCE);
	m.settling = false;
	mode_set(&m, &later, &release);
	fake_store_answer(0);
	CHECK_INT(later.status, 200);
	CHECK(json_is_array(json_object_get(later.body, "left_out")));
	CHECK_CONTAINS(fake.told[0], "guests were given back what they had; nothing");
}

/* What the disk says once it can be read. */
static const char *saved_mode;
int store_load_text(struct store *s, const char *key, char **ret)
{
	*ret = saved_mode ? strdup(saved_mode) : NULL;
	return *ret ? 0 : -ENOENT;
}

static int taken_over(const char *saved, bool observe_asked)
{
	struct manager m = start(MODE_OBSERVE);
	_cleanup_call_ struct api_call call = {0};
	int r;

	saved_mode = saved;
	if (observe_asked)
		mode_set(&m, &call, &observe);
	r = mode_take_over(&m);
	saved_mode = NULL;
	fake_store_answer(0); /* the observe that was asked for */
	return r < 0 ? r : (int)m.mode;
}

TEST(a_mode_that_can_be_read_only_later_holds_unless_observe_was_asked_for_meanwhile)
{
	CHECK_INT(taken_over("enforce", false), MODE_ENFORCE);
	CHECK_INT(taken_over("enforce", true), MODE_OBSERVE);
	CHECK_INT(taken_over("observe", false), MODE_OBSERVE);
	CHECK_INT(taken_over(NULL, false), MODE_OBSERVE);
}

static bool unread;
bool store_unread(struct store *s)
{
	return unread;
}

TEST(nothing_is_given_back_while_it_cannot_be_known_what_guests_had)
{
	struct manager m = start(MODE_OBSERVE);
	static const struct api_mode_request release = {MODE_OBSERVE, true};
	_cleanup_call_ struct api_call call = {0};

	unread = true;
	snprintf(m.state_problem, sizeof(m.state_problem), "/state cannot be looked for");
	mode_set(&m, &call, &release);
	unread = false;
	CHECK_INT(call.problem, API_PROBLEM_STATE_UNWRITABLE);
	CHECK_CONTAINS(call.text, "(/state cannot be looked for)");
}

static json_t *two_left_out(void)
{
	return json_pack(
		"[{s:s, s:s}, {s:s, s:s}]", "guest", "web", "why", "a", "guest", "db", "why", "b");
}
static size_t given, dry_runs;
int release_originals(struct manager *m, bool dry_run, struct release_report *ret)
{
	dry_runs += dry_run;
	*ret = (struct release_report){json_array(), m->n_guests ? two_left_out() : json_array()};
	for (size_t i = 0; i < given; i++)
		json_array_append_new(ret->given, json_null());
	return 0;
}
static unsigned brakes;
void release_brakes(struct manager *m)
{
	brakes += m->mode == MODE_OBSERVE;
}

TEST(who_did_not_get_all_back_is_named)
{
	struct manager m = start(MODE_ENFORCE);
	static const struct api_mode_request release = {MODE_OBSERVE, true};
	_cleanup_call_ struct api_call call = {0};

	fake_guest(&m, "web", 512, 256);
	mode_set(&m, &call, &release);
	fake_store_answer(0);
	fake_manager_clear(&m);
	CHECK_INT((int)json_array_size(json_object_get(call.body, "left_out")), 2);
	CHECK_CONTAINS(fake.told[0], "but for web, db;");
}

TEST(a_dry_run_of_a_release_answers_as_the_release_would)
{
	struct manager m = start(MODE_ENFORCE);
	static const struct api_mode_request release = {MODE_OBSERVE, true};
	_cleanup_call_ struct api_call call = {.dry_run = true};

	fake_guest(&m, "web", 512, 256);
	given = 2;
	dry_runs = 0;
	mode_set(&m, &call, &release);
	given = 0;
	CHECK_INT((int)dry_runs, 1);
	CHECK_INT(m.mode, MODE_ENFORCE);
	CHECK_INT((int)fake.n_writes, 0);
	CHECK_INT(json_integer_value(json_object_get(call.body, "given_back")), 2);
	CHECK_INT((int)json_array_size(json_object_get(call.body, "given")), 2);
	CHECK_INT((int)json_array_size(json_object_get(call.body, "left_out")), 2);
	fake_manager_clear(&m);
}

/* What the next daemon finds: the last write that the disk took. */
static const char *last_write(void)
{
	return fake.n_writes ? fake.writes[fake.n_writes - 1].value : "";
}

TEST(a_disk_that_is_well_again_does_not_put_observe_behind_an_enforce)
{
	struct manager m = start(MODE_OBSERVE);
	_cleanup_call_ struct api_call call = {0}, back = {0}, again = {0};

	mode_set(&m, &call, &enforce);
	mode_put(&m); /* told before the answer to the write that it was well for */
	CHECK_STR(last_write(), "enforce");
	fake_store_answer(0);
	CHECK_INT(m.mode, MODE_ENFORCE);
	mode_put(&m);
	CHECK_STR(last_write(), "enforce");
	fake_store_answer(0);
	mode_set(&m, &again, &enforce);
	mode_set(&m, &back, &observe); /* the enforce before it is void */
	mode_put(&m);
	CHECK_INT((int)fake.n_writes, 3);
	CHECK_STR(last_write(), "observe");
	while (fake.n_writes)
		fake_store_answer(0);
	CHECK_INT(m.mode, MODE_OBSERVE);
	CHECK_INT((int)m.enforce_waits, 0);
}

TEST(an_enforce_that_could_not_be_saved_is_not_waited_for)
{
	struct manager m = start(MODE_OBSERVE);
	_cleanup_call_ struct api_call call = {0};

	mode_set(&m, &call, &enforce);
	fake_store_answer(-ENOSPC);
	mode_put(&m);
	CHECK_STR(last_write(), "observe");
}

TEST(who_observes_already_may_still_let_go)
{
	struct manager m = start(MODE_OBSERVE);
	static const struct api_mode_request release = {MODE_OBSERVE, true};
	_cleanup_call_ struct api_call early = {0}, nothing = {0}, held = {0};

	m.settling = true;
	mode_set(&m, &early, &release);
	CHECK_INT(early.problem, API_PROBLEM_NOT_READY);
	m.settling = false;
	mode_set(&m, &nothing, &release);
	fake_store_answer(0);
	CHECK_INT(json_integer_value(json_object_get(nothing.body, "given_back")), 0);
	CHECK_INT((int)json_array_size(json_object_get(nothing.body, "left_out")), 0);
	CHECK_INT((int)fake.n_told, 0); /* nothing happened */
	given = 3;
	mode_set(&m, &held, &release);
	given = 0;
	fake_store_answer(0);
	CHECK_INT(json_integer_value(json_object_get(held.body, "given_back")), 3);
	CHECK_CONTAINS(fake.told[0], "given back what they had");
}

TEST(brakes_are_taken_off_whenever_observe_begins)
{
	struct manager m = start(MODE_ENFORCE);
	_cleanup_call_ struct api_call call = {0};

	brakes = 0;
	mode_set(&m, &call, &observe);
	CHECK_INT((int)brakes, 1);
	fake_store_answer(-ENOSPC);
	CHECK_INT((int)brakes, 1);
}

TEST(observe_is_answered_when_libvirt_is_done_with_what_it_had)
{
	struct manager m = start(MODE_ENFORCE);
	_cleanup_call_ struct api_call call = {0}, again = {0};

	fake.n_submits = 7;
	fake.changing = 2;
	mode_set(&m, &call, &observe);
	CHECK_INT(m.mode, MODE_OBSERVE);
	CHECK_INT((int)fake.withdrawn, 1); /* what libvirt has not yet never goes out */
	fake_store_answer(0);
	CHECK_INT(call.status, 0);
	fake.changing = 1;
	mode_calls_ended(&m);
	CHECK_INT(call.status, 0);
	mode_set(&m, &again, &observe); /* who asks once more is told no sooner */
	fake_store_answer(0);
	CHECK_INT(again.status, 0);
	fake.changing = 0;
	mode_calls_ended(&m);
	CHECK_INT(call.status, 200);
	CHECK_INT(again.status, 200);
	CHECK(!m.observe_first);
	CHECK_INT((int)fake.withdrawn, 1);
}

TEST(calls_that_end_before_the_disk_answers_are_no_answer)
{
	struct manager m = start(MODE_ENFORCE);
	_cleanup_call_ struct api_call call = {0};

	fake.n_submits = 7;
	fake.changing = 1;
	mode_set(&m, &call, &observe);
	fake.changing = 0;
	mode_calls_ended(&m);
	CHECK_INT(call.status, 0);
	fake_store_answer(-ENOSPC);
	CHECK_INT(call.problem, API_PROBLEM_STATE_UNWRITABLE);
	CHECK_CONTAINS(call.text, "No space");
}

static unsigned left;
void release_as_it_is(struct manager *m)
{
	left++;
	if (m->n_guests)
		m->guests[0]->left_id = 8;
	m->left_until_usec = clock_boot_usec() + USEC_PER_MIN;
}

TEST(observe_is_answered_when_who_was_on_its_way_down_is_told_to_stay)
{
	struct manager m = start(MODE_ENFORCE);
	struct guest *g = fake_guest(&m, "web", 1024, 700);
	_cleanup_call_ struct api_call call = {0};

	g->commanded = true;
	fake.n_submits = 7;
	left = 0;
	mode_set(&m, &call, &observe);
	CHECK_INT((int)left, 1);
	CHECK(!g->commanded && g->was_commanded);
	fake_store_answer(0);
	mode_calls_ended(&m);
	CHECK_INT(call.status, 0);
	g->left_id = 0;
	mode_calls_ended(&m);
	CHECK_INT(call.status, 200);
	fake_manager_clear(&m);
}

TEST(nobody_is_told_to_stay_by_a_release_or_in_observe_mode)
{
	struct manager m = start(MODE_ENFORCE);
	static const struct api_mode_request release = {MODE_OBSERVE, true};
	_cleanup_call_ struct api_call call = {0}, again = {0}, dry = {.dry_run = true};

	left = 0;
	mode_set(&m, &dry, &observe);
	mode_set(&m, &call, &release);
	mode_set(&m, &again, &observe);
	CHECK_INT((int)left, 0);
	fake_store_answer(0);
	fake_store_answer(0);
}

TEST(what_libvirt_is_not_even_asked_is_withdrawn_and_does_not_hold_the_answer_up)
{
	struct manager m = start(MODE_ENFORCE);
	struct guest *g = fake_guest(&m, "web", 1024, 700);
	_cleanup_call_ struct api_call call = {0};

	mode_set(&m, &call, &observe);
	fake_store_answer(0);
	CHECK_INT((int)fake.withdrawn, 1);
	mode_tick(&m);
	CHECK_INT((int)fake.withdrawn, 1); /* it has time still */
	m.left_until_usec = 1;
	mode_tick(&m);
	CHECK_INT((int)fake.withdrawn, 2);
	CHECK_INT(call.status, 0);
	g->left_id = 0; /* as its end leaves it */
	mode_tick(&m);
	CHECK_INT((int)fake.withdrawn, 2);
	CHECK_INT(call.status, 200);
	fake_manager_clear(&m);
}

TEST(a_release_begins_with_what_became_of_what_was_withdrawn)
{
	struct manager m = start(MODE_OBSERVE);
	static const struct api_mode_request release = {MODE_OBSERVE, true};
	_cleanup_call_ struct api_call call = {0}, plain = {0};

	mode_set(&m, &call, &release);
	CHECK_INT((int)fake.withdrawn, 1);
	mode_set(&m, &plain, &observe); /* what the release sent goes on */
	CHECK_INT((int)fake.withdrawn, 1);
	fake_store_answer(0);
	fake_store_answer(0);
	CHECK_INT(plain.status, 200);
}

TEST_MAIN()
