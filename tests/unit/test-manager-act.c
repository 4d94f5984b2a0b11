/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands, and what is believed of a guest when their calls end. */
#include "tests/test.h"
#include "tests/unit/fake-manager.h"

#define _cleanup_manager_ _cleanup_(fake_manager_clear)

static struct manager start(void)
{
	fake_clear();
	return (struct manager){.hv = FAKE_HV,
		.hub = FAKE_HUB,
		.store = FAKE_STORE,
		.mode = MODE_ENFORCE,
		.connected = true,
		.synced = true};
}

static void limit_ends(struct guest *g, uint64_t id, uint64_t bytes, int error)
{
	act_call_done(g, &(struct hv_result){.call = HV_CALL_SET_SOFT_LIMIT,
				 .guest = g->uuid,
				 .id = id,
				 .bytes = bytes,
				 .error = error,
				 .text = ""});
}
static void end(struct guest *g, uint64_t bytes, int error)
{
	limit_ends(g, g->limit_id, bytes, error);
}

TEST(a_soft_limit_holds_from_its_command_until_its_call_failed)
{
	_cleanup_manager_ struct manager m = start();
	struct guest *g = fake_guest(&m, "web", 1024, 512);

	CHECK_INT(act_soft_limit(g, GIB), 0);
	CHECK(guest_sample(g)->soft_limited && g->original.soft_limited);
	end(g, GIB, -EIO);
	CHECK(!guest_sample(g)->soft_limited);
	CHECK_CONTAINS(fake.told[1], "failed");
}

TEST(a_lift_that_failed_leaves_the_limit_to_be_lifted)
{
	_cleanup_manager_ struct manager m = start();
	struct guest *g = fake_guest(&m, "web", 1024, 512);

	CHECK_INT(act_soft_limit(g, GIB), 0);
	end(g, GIB, 0);
	CHECK_INT(act_soft_limit(g, BYTES_UNLIMITED), 0);
	CHECK(!guest_sample(g)->soft_limited && g->original.soft_limited);
	end(g, BYTES_UNLIMITED, -EIO);
	CHECK(guest_sample(g)->soft_limited && g->original.soft_limited);
	CHECK_INT(act_soft_limit(g, BYTES_UNLIMITED), 0);
	end(g, BYTES_UNLIMITED, 0);
	CHECK(!guest_sample(g)->soft_limited && !g->original.soft_limited);
}

TEST(a_limit_of_which_nobody_knows_is_taken_to_be_on)
{
	_cleanup_manager_ struct manager m = start();
	struct guest *g = fake_guest(&m, "web", 1024, 512);

	CHECK_INT(act_soft_limit(g, GIB), 0);
	end(g, GIB, -ETIMEDOUT);
	CHECK(guest_sample(g)->soft_limited && g->original.soft_limited);
	CHECK_INT(act_soft_limit(g, BYTES_UNLIMITED), 0);
	limit_ends(g, 1, GIB, -ECANCELED); /* of one before the lift */
	CHECK(!guest_sample(g)->soft_limited);
}

TEST(a_lift_that_was_withdrawn_leaves_the_limit_to_be_lifted)
{
	_cleanup_manager_ struct manager m = start();
	struct guest *g = fake_guest(&m, "web", 1024, 512);

	CHECK_INT(act_soft_limit(g, GIB), 0);
	end(g, GIB, 0);
	CHECK_INT(act_soft_limit(g, BYTES_UNLIMITED), 0);
	end(g, BYTES_UNLIMITED, -ECANCELED);
	CHECK(guest_sample(g)->soft_limited && g->original.soft_limited);
}

TEST(what_libvirt_does_not_take_changes_nothing)
{
	_cleanup_manager_ struct manager m = start();
	struct guest *g = fake_guest(&m, "web", 1024, 512);

	fake.submit_error = -EBUSY;
	CHECK_INT(act_soft_limit(g, GIB), -EBUSY);
	CHECK(!guest_sample(g)->soft_limited && !g->original.soft_limited);
}

/* A call's end as libvirt's thread tells it: the id'th, from 1; one that waited to its end was
 * never started. */
static void ends(
	struct guest *g, uint64_t id, uint64_t bytes, bool started, uint64_t when_usec, int error)
{
	act_call_done(g, &(struct hv_result){.call = HV_CALL_SET_MEMORY,
				 .guest = g->uuid,
				 .id = id,
				 .bytes = bytes,
				 .started_usec = started ? when_usec : 0,
				 .ended_usec = when_usec,
				 .error = error,
				 .text = ""});
}
static void set_memory_ends(struct guest *g, uint64_t bytes, uint64_t when_usec, int error)
{
	ends(g, fake.n_submits, bytes, true, when_usec, error);
}

TEST(what_was_taken_back_counts_until_it_is_read_after_the_call)
{
	_cleanup_manager_ struct manager m = start();
	struct guest *g = fake_guest(&m, "web", 4096, 512);
	struct guest_sample *s = guest_sample(g);
	const struct reason reason = {.code = REASON_LEND};

	CHECK_INT(act_set_memory(g, 3 * GIB, &reason), 0);
	set_memory_ends(g, 3 * GIB, USEC_PER_SEC, 0);
	CHECK_U64(s->inflight_bytes, 3 * GIB);
	CHECK_INT(act_set_memory(g, GIB, &reason), 0);
	CHECK_U64(s->target_bytes, GIB);
	CHECK_U64(s->inflight_bytes, 3 * GIB); /* it may have come as far by now */
	set_memory_ends(g, GIB, 2 * USEC_PER_SEC, 0);
	CHECK_U64(s->inflight_bytes, 3 * GIB);
	CHECK_U64(g->unknown_until_usec, 2 * USEC_PER_SEC); /* a reading after that tells */
}

TEST(a_command_that_failed_is_not_on_its_way)
{
	_cleanup_manager_ struct manager m = start();
	struct guest *g = fake_guest(&m, "web", 4096, 512);
	const struct reason reason = {.code = REASON_NEED};

	CHECK_INT(act_set_memory(g, GIB, &reason), 0);
	set_memory_ends(g, GIB, USEC_PER_SEC, -EIO);
	CHECK_U64(guest_sample(g)->inflight_bytes, 0);
	CHECK_U64(guest_sample(g)->target_bytes, 512 * MIB);
}

TEST(what_libvirt_refuses_is_asked_for_again_after_longer_and_longer_pauses)
{
	_cleanup_manager_ struct manager m = start();
	struct guest *g = fake_guest(&m, "web", 4096, 512);
	const struct reason reason = {.code = REASON_NEED};
	uint64_t before = 0;

	for (unsigned n = 0; n < 10; n++) {
		uint64_t now = clock_boot_usec(), pause;

		CHECK_INT(act_set_memory(g, GIB, &reason), 0);
		set_memory_ends(g, GIB, USEC_PER_SEC, -EIO);
		pause = guest_sample(g)->refused_until_usec - now;
		CHECK(pause >= USEC_PER_SEC << MIN(n, 6U) && pause >= before);
		CHECK(pause < 2 * USEC_PER_MIN);
		before = USEC_PER_SEC << MIN(n, 6U);
	}
	CHECK_INT(act_set_memory(g, GIB, &reason), 0);
	set_memory_ends(g, GIB, USEC_PER_SEC, -ECANCELED); /* says nothing of libvirt */
	CHECK(guest_sample(g)->refused_until_usec > clock_boot_usec());
	CHECK_INT(act_set_memory(g, GIB, &reason), 0);
	set_memory_ends(g, GIB, USEC_PER_SEC, 0);
	CHECK_U64(guest_sample(g)->refused_until_usec, 0);
	CHECK_INT(g->refusals, 0);
}

/* One to 3 GiB hangs, and one to 2 GiB waits behind it. */
static struct guest *two_sent(struct manager *m)
{
	struct guest *g = fake_guest(m, "web", 4096, 512);
	const struct reason reason = {.code = REASON_NEED};

	if (act_set_memory(g, 3 * GIB, &reason) < 0 || act_set_memory(g, 2 * GIB, &reason) < 0)
		abort();
	return g;
}

static void check_hung(struct guest *g)
{
	struct guest_sample *s = guest_sample(g);

	CHECK_U64(s->inflight_bytes, 3 * GIB);
	CHECK_U64(s->target_bytes, 512 * MIB); /* neither is known to have been taken */
	CHECK(g->unknown_until_usec > clock_boot_usec());
	sent_read(g, clock_boot_usec());
	CHECK_U64(s->inflight_bytes, 3 * GIB); /* a reading of now says nothing */
	sent_read(g, g->unknown_until_usec);
	CHECK_U64(s->inflight_bytes, 0);
}

TEST(one_that_hangs_counts_though_another_waited_behind_it)
{
	_cleanup_manager_ struct manager m = start();
	struct guest *g = two_sent(&m);

	guest_sample(g)->quarantined = true; /* told first */
	ends(g, 2, 2 * GIB, false, USEC_PER_SEC, -EBUSY);
	CHECK_U64(guest_sample(g)->inflight_bytes, 3 * GIB);
	ends(g, 1, 3 * GIB, true, USEC_PER_SEC, -ETIMEDOUT);
	check_hung(g);
}

TEST(one_that_was_lost_with_its_connection_counts_in_whatever_order_the_ends_are_told)
{
	_cleanup_manager_ struct manager m = start(), n;
	struct guest *g = two_sent(&m);

	ends(g, 1, 3 * GIB, true, USEC_PER_SEC, -ENOTCONN);
	ends(g, 2, 2 * GIB, false, USEC_PER_SEC, -ENOTCONN);
	check_hung(g);
	n = start();
	g = two_sent(&n);
	ends(g, 2, 2 * GIB, false, USEC_PER_SEC, -ENOTCONN);
	ends(g, 1, 3 * GIB, true, USEC_PER_SEC, -ENOTCONN);
	check_hung(g);
	fake_manager_clear(&n);
}

TEST(one_that_never_went_out_does_not_count_beside_one_that_hangs)
{
	_cleanup_manager_ struct manager m = start();
	struct guest *g = fake_guest(&m, "web", 4096, 512);
	const struct reason reason = {.code = REASON_NEED};

	CHECK_INT(act_set_memory(g, 2 * GIB, &reason), 0);
	CHECK_INT(act_set_memory(g, 3 * GIB, &reason), 0);
	CHECK_U64(guest_sample(g)->inflight_bytes, 3 * GIB);
	guest_sample(g)->quarantined = true;
	ends(g, 2, 3 * GIB, false, USEC_PER_SEC, -EBUSY);
	CHECK_U64(guest_sample(g)->inflight_bytes, 2 * GIB);
	ends(g, 1, 2 * GIB, true, USEC_PER_SEC, -ETIMEDOUT);
	CHECK_U64(guest_sample(g)->inflight_bytes, 2 * GIB);
	guest_sample(g)->quarantined = false;
	/* The next one's good end is no word of what the one before it may do yet. */
	CHECK_INT(act_set_memory(g, GIB, &reason), 0);
	ends(g, 3, GIB, true, USEC_PER_SEC, 0);
	CHECK_U64(guest_sample(g)->inflight_bytes, 2 * GIB);
	CHECK(g->unknown_until_usec > clock_boot_usec());
}

TEST(what_waited_was_taken_back_and_what_ran_was_carried_out)
{
	_cleanup_manager_ struct manager m = start();
	struct guest *g = two_sent(&m);

	ends(g, 2, 2 * GIB, false, USEC_PER_SEC, -ECANCELED);
	CHECK_U64(guest_sample(g)->target_bytes, 3 * GIB);
	ends(g, 1, 3 * GIB, true, USEC_PER_SEC, 0);
	CHECK_U64(guest_sample(g)->target_bytes, 3 * GIB);
	CHECK_U64(guest_sample(g)->inflight_bytes, 3 * GIB);
}

TEST(an_end_of_an_earlier_run_says_nothing_of_this_one)
{
	_cleanup_manager_ struct manager m = start();
	struct guest *g = two_sent(&m);

	sent_clear(g);
	guest_sample(g)->target_bytes = GIB;
	CHECK_U64(guest_sample(g)->inflight_bytes, 0);
	ends(g, 1, 3 * GIB, true, USEC_PER_SEC, -ETIMEDOUT);
	CHECK_U64(guest_sample(g)->inflight_bytes, 0);
	CHECK_U64(guest_sample(g)->target_bytes, GIB);
	ends(g, 2, 2 * GIB, true, USEC_PER_SEC, -EIO);
	CHECK_U64(guest_sample(g)->refused_until_usec, 0);
}

TEST(what_a_frozen_libvirt_may_do_when_it_thaws_counts_over_the_next_connection)
{
	_cleanup_manager_ struct manager m = start();
	struct guest *g = two_sent(&m);

	ends(g, 1, 3 * GIB, true, USEC_PER_SEC, -ENOTCONN);
	g->unknown_until_usec = 1; /* long since */
	sent_lost(g);		   /* connected; the other's end was lost */
	check_hung(g);
}

TEST(no_more_is_sent_than_can_be_kept_in_mind)
{
	_cleanup_manager_ struct manager m = start();
	struct guest *g = fake_guest(&m, "web", 4096, 512);
	const struct reason reason = {.code = REASON_NEED};

	for (int i = 0; i < SENT_MAX; i++)
		CHECK_INT(act_set_memory(g, GIB, &reason), 0);
	CHECK_INT(act_set_memory(g, GIB, &reason), -EBUSY);
	CHECK_INT((int)fake.n_submits, SENT_MAX);
}

TEST_MAIN()
