/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which balloon statistics are taken for a guest's word. */
#include "tests/test.h"
#include "tests/unit/fake-manager.h"

#define _cleanup_manager_ _cleanup_(fake_manager_clear)
#define WHEN (1000 * USEC_PER_SEC)

static struct guest *start(struct manager *m)
{
	fake_clear();
	*m = (struct manager){.hv = FAKE_HV, .store = FAKE_STORE, .mode = MODE_ENFORCE, .connected = true, .synced = true};
	return fake_guest(m, "web", 1024, 512);
}

/* A reading made so many seconds after the first one. Returns whether its statistics became the guest's report. */
static bool take(struct guest *g, uint64_t stamp_sec, uint64_t after_sec)
{
	uint64_t when = WHEN + after_sec * USEC_PER_SEC;
	struct hv_balloon b = {
		.has = HV_HAS_ACTUAL | HV_HAS_TOTAL | HV_HAS_AVAILABLE | HV_HAS_LAST_UPDATE,
		.actual_bytes = 512 * MIB,
		.total_bytes = 500 * MIB,
		.available_bytes = 100 * MIB,
		.last_update_sec = stamp_sec,
	};

	balloon_take(g, &b, when);
	return guest_sample(g)->report.source == REPORT_BALLOON && guest_sample(g)->report.arrival_usec == when;
}

TEST(statistics_that_are_not_renewed_grow_old_whatever_the_wall_clock_says)
{
	_cleanup_manager_ struct manager m;
	struct guest *g = start(&m);
	uint64_t ahead = clock_real_usec() / USEC_PER_SEC + 3600; /* the clock was set back by an hour since */

	CHECK(take(g, ahead, 0));
	CHECK(take(g, ahead, 20));
	CHECK(!take(g, ahead, 31));
	CHECK(!take(g, ahead, 3000));
	CHECK(take(g, ahead + 1, 3001)); /* it answers again */
}

TEST(statistics_that_are_renewed_are_fresh_whatever_the_wall_clock_says)
{
	_cleanup_manager_ struct manager m;
	struct guest *g = start(&m);
	uint64_t now = clock_real_usec() / USEC_PER_SEC;

	CHECK(take(g, now, 0));
	CHECK(take(g, now - 3600 + 5, 5)); /* the clock was set back, and forward */
	CHECK(take(g, now + 10, 10));
}

TEST(statistics_that_were_old_when_we_came_are_not_its_word)
{
	_cleanup_manager_ struct manager m;
	struct guest *g = start(&m);
	uint64_t now = clock_real_usec() / USEC_PER_SEC;

	CHECK(!take(g, now - 300, 0));
	CHECK(!take(g, now - 300, 5));
	CHECK(take(g, now, 10));
}

TEST_MAIN()
