/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A pause, with a disk that answers when the test says so. */
#include "tests/test.h"
#include "tests/unit/fake-manager.h"

static const struct api_pause_request hour = {3600 * USEC_PER_SEC, USEC_INFINITY, "storage"},
				      moment = {1, USEC_INFINITY, ""};
static unsigned left, seen;

void release_as_it_is(struct manager *m)
{
	left++;
}

void original_seen(struct guest *g)
{
	seen++;
}

static struct manager start(enum daemon_mode mode)
{
	fake_clear();
	left = seen = 0;
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

TEST(it_holds_at_once_and_is_answered_when_it_is_on_the_disk)
{
	struct manager m = start(MODE_ENFORCE);
	_cleanup_call_ struct api_call call = {0};

	CHECK(manager_drives(&m));
	pause_set(&m, &call, &hour);
	CHECK(!manager_drives(&m));
	CHECK_INT(m.mode, MODE_ENFORCE);
	CHECK_INT((int)left, 1);
	CHECK_INT((int)fake.withdrawn, 1);
	CHECK_INT(call.status, 0);
	fake_store_answer(0);
	CHECK_INT(call.status, 200);
	CHECK_STR(fake_body_text(&call, "message"), "storage");
	CHECK_CONTAINS(fake.told[0], "no guest is commanded until");
}

TEST(a_pause_put_again_as_it_is_is_no_event)
{
	struct manager m = start(MODE_ENFORCE);
	_cleanup_call_ struct api_call a = {0}, b = {0}, c = {0};
	const uint64_t until = clock_real_usec() + USEC_PER_HOUR;
	const struct api_pause_request one = {USEC_INFINITY, until, "storage"},
				       other = {USEC_INFINITY, until + 1, "storage"};

	pause_set(&m, &a, &one);
	CHECK_INT((int)fake.n_told, 1);
	pause_set(&m, &b, &one);
	CHECK_INT((int)fake.n_told, 1);
	pause_set(&m, &c, &other);
	CHECK_INT((int)fake.n_told, 2);
	fake_store_answer(0);
	fake_store_answer(0);
	fake_store_answer(0);
	CHECK_INT(b.status, 200);
	CHECK_INT(c.status, 200);
}

TEST(it_is_not_answered_before_libvirt_is_done)
{
	struct manager m = start(MODE_ENFORCE);
	_cleanup_call_ struct api_call call = {0};

	fake.n_submits = 3;
	fake.changing = 1;
	pause_set(&m, &call, &hour);
	fake_store_answer(0);
	CHECK_INT(call.status, 0);
	fake.changing = 0;
	mode_calls_ended(&m);
	CHECK_INT(call.status, 200);
}

TEST(a_full_disk_is_told_and_it_holds_all_the_same)
{
	struct manager m = start(MODE_ENFORCE);
	_cleanup_call_ struct api_call call = {0};

	pause_set(&m, &call, &hour);
	fake_store_answer(-ENOSPC);
	CHECK_INT(call.problem, API_PROBLEM_STATE_UNWRITABLE);
	CHECK(!manager_drives(&m));
}

TEST(a_dry_run_changes_nothing)
{
	struct manager m = start(MODE_ENFORCE);
	_cleanup_call_ struct api_call call = {.dry_run = true};

	pause_set(&m, &call, &hour);
	CHECK_INT(call.status, 200);
	CHECK(manager_drives(&m));
	CHECK_INT((int)fake.n_writes, 0);
	CHECK_INT((int)fake.n_told, 0);
}

TEST(its_end_by_hand_holds_when_it_is_on_the_disk)
{
	struct manager m = start(MODE_ENFORCE);
	_cleanup_call_ struct api_call call = {0}, clear = {0};

	fake_guest(&m, "web1", 1024, 1024);
	pause_set(&m, &call, &hour);
	fake_store_answer(0);
	pause_clear(&m, &clear);
	CHECK(!manager_drives(&m));
	CHECK_INT(clear.status, 0);
	fake_store_answer(0);
	CHECK(manager_drives(&m));
	CHECK_INT(clear.status, 204);
	CHECK_INT((int)seen, 1);
	CHECK_CONTAINS(fake.told[1], "commanded again");
	fake_manager_clear(&m);
}

TEST(an_end_that_cannot_be_saved_is_none)
{
	struct manager m = start(MODE_ENFORCE);
	_cleanup_call_ struct api_call call = {0}, clear = {0};

	pause_set(&m, &call, &hour);
	fake_store_answer(0);
	pause_clear(&m, &clear);
	fake_store_answer(-EROFS);
	CHECK_INT(clear.problem, API_PROBLEM_STATE_UNWRITABLE);
	CHECK(m.pause.on);
}

TEST(a_pause_asked_for_while_an_end_is_written_holds)
{
	struct manager m = start(MODE_ENFORCE);
	_cleanup_call_ struct api_call call = {0}, clear = {0}, again = {0};

	pause_set(&m, &call, &hour);
	fake_store_answer(0);
	pause_clear(&m, &clear);
	pause_set(&m, &again, &hour);
	fake_store_answer(0);
	CHECK_INT(clear.problem, API_PROBLEM_CONFLICT);
	fake_store_answer(0);
	CHECK_INT(again.status, 200);
	CHECK(m.pause.on);
}

TEST(its_time_ends_it_and_nobody_is_waited_for)
{
	struct manager m = start(MODE_ENFORCE);
	_cleanup_call_ struct api_call call = {0};

	pause_set(&m, &call, &moment);
	fake_store_answer(0);
	while (clock_boot_usec() < m.pause.until_boot_usec)
		;
	pause_tick(&m);
	CHECK(manager_drives(&m));
	CHECK_CONTAINS(fake.told[1], "the pause is over");
	CHECK_STR(fake.writes[0].key, "pause");
	CHECK_STR(fake.writes[0].value, "");
}

TEST(in_mode_observe_it_waits_for_enforce)
{
	struct manager m = start(MODE_OBSERVE);
	_cleanup_call_ struct api_call call = {0}, enforce = {0};

	pause_set(&m, &call, &hour);
	CHECK_INT((int)left, 0);
	fake_store_answer(0);
	mode_set(&m, &enforce, &(struct api_mode_request){MODE_ENFORCE, false});
	fake_store_answer(0);
	CHECK_INT(enforce.status, 200);
	CHECK_INT(m.mode, MODE_ENFORCE);
	CHECK(!manager_drives(&m));
	CHECK_CONTAINS(fake.told[1], "when the pause is over");
}

TEST(one_that_nobody_set_ends_without_a_word)
{
	struct manager m = start(MODE_ENFORCE);
	_cleanup_call_ struct api_call clear = {0};

	pause_clear(&m, &clear);
	CHECK_INT(clear.status, 204);
	CHECK_INT((int)fake.n_writes, 0);
	CHECK_INT((int)fake.n_told, 0);
}

TEST_MAIN()
