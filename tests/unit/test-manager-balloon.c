/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which balloon statistics are taken for a guest's word. */
#include "tests/test.h"
#include "tests/unit/fake-manager.h"

#define _cleanup_manager_ _cleanup_(fake_manager_clear)
#define WHEN (1000 * USEC_PER_SEC)

static struct guest *start(struct manager *m)
{
	fake_clear();
	*m = (struct manager){.hv = FAKE_HV,
		.hub = FAKE_HUB,
		.store = FAKE_STORE,
		.mode = MODE_ENFORCE,
		.connected = true,
		.synced = true};
	return fake_guest(m, "web", 1024, 512);
}

/* A reading made so many seconds after the first one. Returns whether its statistics became the
 * guest's report. */
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
	return guest_sample(g)->report.source == REPORT_BALLOON &&
	       guest_sample(g)->report.arrival_usec == when;
}

TEST(statistics_that_are_not_renewed_grow_old_whatever_the_wall_clock_says)
{
	_cleanup_manager_ struct manager m;
	struct guest *g = start(&m);
	/* the clock was set back by an hour since */
	uint64_t ahead = clock_real_usec() / USEC_PER_SEC + 3600;

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

/* A guest that libvirt's picture shows at `told` MiB when the daemon comes, and whose QEMU is at
 * `is`. */
static struct guest *come_upon(struct manager *m, uint64_t told, uint64_t is, uint64_t age_usec)
{
	struct hv_balloon b = {.has = HV_HAS_ACTUAL, .actual_bytes = is * MIB};
	struct guest *g = start(m);
	struct guest_sample *s = guest_sample(g);

	g->found = true;
	s->balloon_answered = false;
	s->actual_bytes = s->target_bytes = told * MIB;
	s->started_usec = WHEN - age_usec;
	balloon_take(g, &b, WHEN);
	return g;
}

TEST(what_qemu_says_when_we_come_stands_not_what_libvirt_heard_last)
{
	_cleanup_manager_ struct manager grown, shrunk, whole;
	struct guest_sample *s;

	s = guest_sample(come_upon(&grown, 256, 512, 10 * USEC_PER_MIN));
	CHECK_U64(s->target_bytes, 512 * MIB);
	CHECK(s->balloon_answered);
	s = guest_sample(come_upon(&shrunk, 1024, 512, 10 * USEC_PER_MIN));
	CHECK_U64(s->target_bytes, 512 * MIB);
	s = guest_sample(come_upon(&whole, 512, 1024, 10 * USEC_PER_MIN));
	CHECK_U64(s->target_bytes, 1024 * MIB);
}

TEST(a_guest_that_is_just_starting_has_yet_to_obey)
{
	_cleanup_manager_ struct manager m;
	struct guest_sample *s = guest_sample(come_upon(&m, 512, 1024, 5 * USEC_PER_SEC));

	CHECK_U64(s->target_bytes, 512 * MIB);
	CHECK_U64(s->actual_bytes, 1024 * MIB);
	CHECK(!s->balloon_answered);
}

static void read_at(struct guest *g, uint64_t mib, uint64_t after_sec)
{
	balloon_take(g, &(struct hv_balloon){.has = HV_HAS_ACTUAL, .actual_bytes = mib * MIB},
		WHEN + after_sec * USEC_PER_SEC);
}

TEST(a_target_that_qemu_has_is_shown_in_observe_mode_until_another_hand_moves_the_balloon)
{
	_cleanup_manager_ struct manager m;
	struct guest *g = start(&m);
	struct guest_sample *s = guest_sample(g);

	m.mode = MODE_OBSERVE;
	g->was_commanded = true;
	g->read_ok = true;
	s->target_bytes = 300 * MIB;
	read_at(g, 500, 1);
	CHECK_U64(s->target_bytes, 300 * MIB); /* on its way */
	read_at(g, 500, 2);
	CHECK_U64(s->target_bytes, 300 * MIB); /* it stopped short */
	read_at(g, 301, 3);
	CHECK_U64(s->target_bytes, 300 * MIB);
	read_at(g, 400, 4);
	CHECK_U64(s->target_bytes, 400 * MIB);
	read_at(g, 350, 5);
	CHECK_U64(s->target_bytes, 350 * MIB); /* and from then on it is what it has */
}

static unsigned asked;
void agent_ask(struct guest *g)
{
	asked++;
}

TEST(an_agent_that_spoke_before_its_balloon_was_read_is_asked_again)
{
	_cleanup_manager_ struct manager m;
	struct guest *g = start(&m);
	struct hv_balloon b = {.has = HV_HAS_ACTUAL, .actual_bytes = 512 * MIB};
	struct hv_result r = {.call = HV_CALL_READ_BALLOON, .balloons = &b, .n_balloons = 1};

	asked = 0;
	g->read_once = false;
	g->spoke_early = true;
	balloon_read_done(g, &r);
	CHECK(g->read_once);
	CHECK_INT((int)asked, 1);
	balloon_read_done(g, &r);
	CHECK_INT((int)asked, 1);
}

TEST(nothing_is_decided_before_an_agent_that_spoke_early_was_heard_or_three_seconds_are_over)
{
	_cleanup_manager_ struct manager m;
	struct guest *g = start(&m);
	struct hv_balloon b = {.has = HV_HAS_ACTUAL, .actual_bytes = 512 * MIB};
	struct hv_result r = {.call = HV_CALL_READ_BALLOON, .balloons = &b, .n_balloons = 1};

	m.settling = g->read_once = g->spoke_early = true;
	m.settle_until_usec = clock_boot_usec() + USEC_PER_MIN;
	balloon_read_done(g, &r);
	CHECK(m.settling);
	g->spoke_early = false;
	balloon_read_done(g, &r);
	CHECK(!m.settling);
	m.settling = g->spoke_early = true;
	m.settle_until_usec = clock_boot_usec();
	balloon_read_done(g, &r);
	CHECK(!m.settling);
}

TEST(a_balloon_on_its_way_at_a_reset_is_not_the_new_kernels_word)
{
	_cleanup_manager_ struct manager m;
	struct guest *g = start(&m);
	struct guest_sample *s = guest_sample(g);
	struct hv_balloon b = {.has = HV_HAS_ACTUAL, .actual_bytes = 510 * MIB};

	balloon_take(g, &b, WHEN);
	g->boot_usec = WHEN + 100;
	g->was_reset = true;
	s->balloon_answered = false;
	b.actual_bytes = 500 * MIB;
	balloon_take(g, &b, WHEN + 200);
	balloon_told(g, 500 * MIB, WHEN + USEC_PER_SEC);
	CHECK(!s->balloon_answered);
	/* Nor is one that was on its way up: that ends at its target. */
	s->target_bytes = 700 * MIB;
	b.actual_bytes = 700 * MIB;
	balloon_take(g, &b, WHEN + 3 * USEC_PER_SEC);
	CHECK(!s->balloon_answered);
	s->target_bytes = 512 * MIB;
	b.actual_bytes = 1023 * MIB;
	balloon_take(g, &b, WHEN + 5 * USEC_PER_SEC);
	CHECK(s->balloon_answered);
}

TEST(a_new_kernel_that_is_quick_is_believed_at_once_and_one_that_was_missed_after_a_minute)
{
	_cleanup_manager_ struct manager m;
	struct guest *g = start(&m);
	struct guest_sample *s = guest_sample(g);

	g->boot_usec = WHEN;
	g->was_reset = true;
	s->balloon_answered = false;
	balloon_told(g, 1023 * MIB, WHEN + USEC_PER_SEC / 3);
	CHECK(s->balloon_answered);
	s->balloon_answered = false;
	balloon_told(g, 400 * MIB, WHEN + DRIVER_USEC - 1);
	CHECK(!s->balloon_answered);
	balloon_told(g, 400 * MIB, WHEN + DRIVER_USEC);
	CHECK(s->balloon_answered);
}

TEST(statistics_of_before_a_reset_are_not_the_new_kernels_word)
{
	_cleanup_manager_ struct manager m;
	struct guest *g = start(&m);
	uint64_t now = clock_real_usec() / USEC_PER_SEC;

	/* Never read before, and read before: the device keeps them either way. */
	for (int read = 0; read < 2; read++) {
		g->was_reset = false;
		g->stats_update_sec = 0;
		CHECK(!read || take(g, now, 0));
		g->boot_usec = WHEN + USEC_PER_SEC / 2;
		g->was_reset = true;
		guest_sample(g)->balloon_answered = false;
		CHECK(!take(g, now, 1));
		CHECK(!guest_sample(g)->balloon_answered);
		CHECK(take(g, now + 5, 6));
		CHECK(guest_sample(g)->balloon_answered);
	}
}

static void period_ends(struct guest *g, unsigned sec, int error)
{
	balloon_period_done(g, &(struct hv_result){.call = HV_CALL_SET_STATS_PERIOD,
				       .id = g->period_id,
				       .guest = g->uuid,
				       .period_sec = sec,
				       .started_usec = 1,
				       .error = error,
				       .text = ""});
}

TEST(a_statistics_period_is_ours_until_it_has_gone_back)
{
	_cleanup_manager_ struct manager m;
	struct guest *g = start(&m);
	uint64_t now = 1000 * USEC_PER_SEC;

	balloon_fallback(g, now);
	CHECK(g->original.period_ours && g->period_id);
	period_ends(g, 5, 0);
	CHECK(g->original.period_ours);
	balloon_period_back(g);
	balloon_period_back(g); /* once is enough */
	CHECK_U64(fake.n_submits, 3); /* and the balloon was read */
	period_ends(g, 0, -EIO);
	CHECK(g->original.period_ours);
	balloon_period_back(g);
	period_ends(g, 0, 0);
	CHECK(!g->original.period_ours);
	balloon_period_back(g);
	CHECK_U64(fake.n_submits, 4);
	balloon_fallback(g, now + 10 * USEC_PER_SEC);
	CHECK(g->original.period_ours);
	period_ends(g, 5, -EIO); /* it never came about */
	CHECK(!g->original.period_ours);
}

TEST_MAIN()
