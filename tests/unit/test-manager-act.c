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

TEST_MAIN()
