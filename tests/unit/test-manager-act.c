/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands, and what is believed of a guest when their calls end. */
#include "tests/test.h"
#include "tests/unit/fake-manager.h"

#define _cleanup_manager_ _cleanup_(fake_manager_clear)

static struct manager start(void)
{
	fake_clear();
	return (struct manager){.hv = FAKE_HV, .hub = FAKE_HUB, .store = FAKE_STORE, .mode = MODE_ENFORCE, .connected = true, .synced = true};
}

static void end(struct guest *g, uint64_t bytes, int error)
{
	act_call_done(g,
		&(struct hv_result){
			.call = HV_CALL_SET_SOFT_LIMIT, .guest = g->uuid, .bytes = bytes, .error = error, .text = ""});
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
	end(g, GIB, -ECANCELED); /* of one that the lift superseded */
	CHECK(!guest_sample(g)->soft_limited);
}

TEST(what_libvirt_does_not_take_changes_nothing)
{
	_cleanup_manager_ struct manager m = start();
	struct guest *g = fake_guest(&m, "web", 1024, 512);

	fake.submit_error = -EBUSY;
	CHECK_INT(act_soft_limit(g, GIB), -EBUSY);
	CHECK(!guest_sample(g)->soft_limited && !g->original.soft_limited);
}

/* A call's end as libvirt's thread tells it. */
static void set_memory_ends(struct guest *g, uint64_t bytes, uint64_t when_usec, int error)
{
	act_call_done(g, &(struct hv_result){.call = HV_CALL_SET_MEMORY, .guest = g->uuid, .id = fake.n_submits, .bytes = bytes,
				 .started_usec = when_usec, .ended_usec = when_usec, .error = error, .text = ""});
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

TEST_MAIN()
