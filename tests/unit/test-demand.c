/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/demand.h"

#include "policy/demand-parts.h"
#include "tests/test.h"

TEST(a_guest_that_was_never_heard_asks_for_no_more_than_it_has)
{
	struct demand d;
	struct demand_sizes sizes;
	struct guest_sample s = {
		.running = true,
		.max_bytes = 8 * GIB,
		.actual_bytes = 2 * GIB,
		.target_bytes = 2 * GIB,
	};

	demand_init(&d);
	/* Its resident size is not known, then all that it has, then more: a grant that is touched
	 * must not call for the next. */
	for (uint64_t resident = 0; resident <= 3 * GIB; resident += GIB) {
		s.resident_bytes = resident;
		demand_sizes(&d, &s, &settings_default, false, USEC_PER_SEC, &sizes);
		CHECK(sizes.want_bytes <= s.target_bytes);
		CHECK(sizes.soft_bytes <= s.target_bytes);
		CHECK(sizes.used_bytes <= s.target_bytes);
		CHECK(sizes.safe_bytes <= s.target_bytes);
		CHECK(sizes.boost_bytes <= s.target_bytes);
	}
}

/* ballastd was started anew: what kills a guest without a net is not done before its agent has said
 * whether it has one. */
TEST(a_guest_that_was_never_heard_keeps_what_it_may_die_of)
{
	struct demand d;
	struct demand_sizes sizes;
	struct guest_sample s = {.running = true,
		.max_bytes = 2 * GIB,
		.actual_bytes = 1536 * MIB,
		.target_bytes = 1536 * MIB,
		.resident_bytes = 900 * MIB,
		.qemu_bytes = 100 * MIB};

	demand_init(&d);
	demand_sizes(&d, &s, &settings_default, false, 0, &sizes);
	CHECK_U64(sizes.safe_bytes, (800 + 512) * MIB + 800 * MIB / 16);
	CHECK_U64(sizes.least_bytes, (800 + 512) * MIB);
	s.autodeflate = true; /* it can help itself, but what it holds is not taken on a guess */
	demand_sizes(&d, &s, &settings_default, false, 0, &sizes);
	CHECK_U64(sizes.safe_bytes, 800 * MIB);
}

TEST(what_lies_in_the_hosts_swap_is_used_all_the_same)
{
	struct demand d;
	struct demand_sizes sizes;
	struct guest_sample s = {.running = true,
		.max_bytes = 4 * GIB,
		.actual_bytes = 4 * GIB,
		.target_bytes = 4 * GIB,
		.resident_bytes = 1200 * MIB,
		.swapped_bytes = 2 * GIB,
		.report = {.source = REPORT_AGENT,
			.arrival_usec = USEC_PER_SEC,
			.guest_usec = USEC_PER_SEC,
			.boot_id = 1,
			.seq = 1,
			.total_bytes = 4 * GIB,
			.available_bytes = GIB}};

	demand_init(&d);
	demand_sizes(&d, &s, &settings_default, false, 0, &sizes);
	CHECK_U64(sizes.used_bytes, MIN(s.target_bytes, sizes.safe_bytes));
	CHECK(sizes.safe_bytes >= 1200 * MIB + 2 * GIB);
	demand_update(&d, &s, USEC_PER_SEC);
	CHECK_U64(d.used_bytes, 3 * GIB);
	s.report.seq++;
	s.report.arrival_usec = s.report.guest_usec = 2 * USEC_PER_SEC;
	s.swapped_bytes = 0; /* nobody uses what its QEMU never touched */
	demand_update(&d, &s, 2 * USEC_PER_SEC);
	CHECK_U64(d.used_bytes, 1200 * MIB);
}

TEST(a_reset_is_no_minute_of_calm)
{
	struct demand d;
	struct guest_sample s = {
		.running = true, .max_bytes = GIB, .actual_bytes = GIB, .target_bytes = GIB};

	demand_init(&d);
	d.credit_permyriad = 1250;
	d.not_credible = d.pressed = true;
	d.pressed_usec = 1000 * USEC_PER_SEC;
	demand_reset(&d);
	demand_update(&d, &s, 1001 * USEC_PER_SEC); /* nothing was heard of the new boot yet */
	CHECK(d.not_credible);
	CHECK_U64(d.credit_permyriad, 1250);
	demand_update(&d, &s, 1060 * USEC_PER_SEC); /* a minute since it last cried is one */
	CHECK(!d.not_credible);
}

/* One line of a guest that has so much, uses that much of it and reads pages back. */
static void refaults(struct demand *d, uint64_t size_bytes, uint64_t used_bytes, uint64_t pages,
	uint64_t now_usec)
{
	static uint64_t total;
	struct guest_sample s = {.running = true, .max_bytes = 4 * GIB, .actual_bytes = size_bytes,
		.target_bytes = size_bytes, .autodeflate = true};
	struct guest_report *r = &s.report;

	total += pages;
	*r = (struct guest_report){.source = REPORT_AGENT,
		.arrival_usec = now_usec,
		.guest_usec = now_usec,
		.boot_id = 1,
		.seq = now_usec / USEC_PER_SEC,
		.total_bytes = size_bytes,
		.available_bytes = size_bytes - used_bytes,
		.has_counters = true,
		.has_psi = true,
		.refaults_file = total,
		.page_bytes = 4096};
	demand_update(d, &s, now_usec);
}

/* What a guest of this size asks for when it reads so many pages a second back. */
static uint64_t asked_for(uint64_t size_bytes, uint64_t pages)
{
	uint64_t t = 1000 * USEC_PER_SEC;
	struct demand d;

	demand_init(&d);
	for (int i = 0; i < 2; i++)
		refaults(&d, size_bytes, 100 * MIB, pages, t += USEC_PER_SEC);
	return d.boost_bytes;
}

TEST(a_step_for_refaults_is_no_narrower_than_what_is_read_back_until_the_next)
{
	CHECK_U64(asked_for(256 * MIB, 1000), 320 * MIB); /* 64 MiB at least */
	CHECK_U64(asked_for(GIB, 1000), 1152 * MIB);      /* or an eighth */
	CHECK_U64(asked_for(256 * MIB, 12800), 356 * MIB);
	CHECK_U64(asked_for(256 * MIB, 1000000), 512 * MIB); /* no wider than it is itself */
	CHECK_U64(asked_for(256 * MIB, 1000000000000), 512 * MIB);
}

TEST(where_it_is_seen_short_again_it_needs_more_than_that)
{
	uint64_t t = 1000 * USEC_PER_SEC;
	struct demand d;

	demand_init(&d);
	for (int i = 0; i < 5; i++)
		refaults(&d, GIB, 400 * MIB, 5000, t += USEC_PER_SEC);
	CHECK_U64(d.need_bytes, GIB);
	for (int i = 0; i < 30; i++)
		refaults(&d, 1200 * MIB, 400 * MIB, 0, t += 5 * USEC_PER_SEC);
	CHECK(!d.pressed);
	/* Its programs use 300 MiB more, and what is left for its files is too little again. */
	for (int i = 0; i < 30; i++)
		refaults(&d, 1200 * MIB, 700 * MIB, 0, t += 5 * USEC_PER_SEC);
	refaults(&d, 1200 * MIB, 700 * MIB, 5000, t += USEC_PER_SEC);
	CHECK(d.pressed);
	CHECK_U64(d.need_bytes, 1200 * MIB);
}

TEST(who_has_what_it_wants_is_not_short_for_having_little_left)
{
	const uint64_t used_mib[] = {20, 72, 200, 900, 3000, 60000};
	struct settings set = settings_default;

	for (size_t i = 0; i < sizeof(used_mib) / sizeof(used_mib[0]) * 2; i++) {
		uint64_t used = used_mib[i / 2] * MIB, now = 100 * USEC_PER_SEC;
		struct guest_sample s = {
			.running = true, .max_bytes = 8 * used, .actual_bytes = 4 * used};
		struct demand_sizes sizes;
		struct demand d;

		set.mem_headroom.value = i % 2 ? 0 : settings_default.mem_headroom.value;
		demand_init(&d);
		for (unsigned look = 0; look < 20; look++, now += 5 * USEC_PER_SEC) {
			s.target_bytes = s.actual_bytes;
			s.report = (struct guest_report){.source = REPORT_AGENT,
				.arrival_usec = now,
				.guest_usec = now,
				.seq = look,
				.total_bytes = s.actual_bytes,
				.available_bytes = s.actual_bytes - used,
				.swap_free_bytes = 8 * used,
				.has_swap = true};
			demand_update(&d, &s, now);
			demand_sizes(&d, &s, &set, false, now, &sizes);
			CHECK(!d.pressed);
			s.actual_bytes = sizes.want_bytes;
		}
		CHECK(sizes.want_bytes >= used && sizes.want_bytes <= used + used / 4 + 32 * MIB);
	}
}

/* A line of a guest of 4 GiB that uses 400 MiB of 2 GiB and has so much of its swap free. */
static void swap_free(struct demand *d, uint64_t mib, bool autodeflate)
{
	struct guest_sample s = {.running = true, .max_bytes = 4 * GIB, .actual_bytes = 2 * GIB,
		.target_bytes = 2 * GIB, .autodeflate = autodeflate};

	s.report = (struct guest_report){.source = REPORT_AGENT,
		.arrival_usec = 1000 * USEC_PER_SEC,
		.seq = d->seq + 1,
		.total_bytes = 2 * GIB,
		.available_bytes = 2 * GIB - 400 * MIB,
		.swap_free_bytes = mib * MIB,
		.swap_total_bytes = GIB,
		.has_swap = true};
	demand_update(d, &s, 1000 * USEC_PER_SEC);
}

TEST(swap_is_a_net_from_a_burst_and_an_eighth_on_until_it_is_less_than_a_burst)
{
	/* A burst is 512 MiB here. */
	static const struct {
		uint64_t free_mib;
		bool net;
	} steps[] = {{0, false}, {512, false}, {575, false}, {576, true}, {540, true}, {512, true},
		{511, false}, {575, false}};
	struct demand d;

	demand_init(&d);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		swap_free(&d, steps[i].free_mib, false);
		CHECK_INT(d.has_net, steps[i].net);
	}
}

TEST(autodeflate_is_a_net_and_who_was_never_heard_is_not_said_to_have_none)
{
	struct guest_sample s = {.running = true,
		.max_bytes = 4 * GIB,
		.actual_bytes = 2 * GIB,
		.target_bytes = 2 * GIB};
	struct demand_sizes sizes;
	struct demand d;

	demand_init(&d);
	demand_sizes(&d, &s, &settings_default, false, 0, &sizes);
	CHECK(!sizes.no_net);
	swap_free(&d, 0, true);
	demand_sizes(&d, &s, &settings_default, false, 0, &sizes);
	CHECK(!sizes.no_net);
	swap_free(&d, 0, false);
	demand_sizes(&d, &s, &settings_default, false, 0, &sizes);
	CHECK(sizes.no_net);
	CHECK(sizes.safe_bytes >= 400 * MIB + 512 * MIB);
}

TEST(a_net_is_named_as_it_is_counted)
{
	struct guest_sample s = {.running = true,
		.max_bytes = 4 * GIB,
		.actual_bytes = 2 * GIB,
		.target_bytes = 2 * GIB};
	struct demand d;

	demand_init(&d);
	CHECK_INT(demand_net(&d, &s), GUEST_NET_UNKNOWN); /* never heard */
	s.autodeflate = true;
	CHECK_INT(demand_net(&d, &s), GUEST_NET_AUTODEFLATE);
	s.autodeflate = false;
	s.report.has_swap = true;
	s.report.swap_total_bytes = GIB;
	swap_free(&d, 575, false);
	CHECK_INT(demand_net(&d, &s), GUEST_NET_SWAP_SHORT);
	swap_free(&d, 576, false);
	CHECK_INT(demand_net(&d, &s), GUEST_NET_SWAP);
	swap_free(&d, 512, false);
	CHECK_INT(demand_net(&d, &s), GUEST_NET_SWAP);
	swap_free(&d, 0, false);
	CHECK_INT(demand_net(&d, &s), GUEST_NET_SWAP_SHORT);
	s.report.swap_total_bytes = 0;
	CHECK_INT(demand_net(&d, &s), GUEST_NET_NONE);
	s.report.has_swap = false; /* statistics of the balloon */
	CHECK_INT(demand_net(&d, &s), GUEST_NET_UNKNOWN);
}

TEST(what_it_has_swapped_out_it_uses_as_well)
{
	struct guest_sample s = {.running = true,
		.max_bytes = 4 * GIB,
		.actual_bytes = 2 * GIB,
		.target_bytes = 2 * GIB};
	struct demand_sizes sizes;
	struct demand d;

	demand_init(&d);
	swap_free(&d, 1024, false);
	demand_sizes(&d, &s, &settings_default, false, 0, &sizes);
	CHECK_U64(sizes.safe_bytes, 200 * MIB);
	swap_free(&d, 624, false);
	demand_sizes(&d, &s, &settings_default, false, 0, &sizes);
	CHECK_U64(sizes.safe_bytes, 400 * MIB);
}

/* It stalls 400 ms of each second, is given 256 MiB more and touches none of that. */
struct crying {
	struct demand d;
	struct guest_sample s;
	uint64_t now;
};

static void cry(struct crying *c, uint64_t stall_msec)
{
	struct guest_report *r = &c->s.report;

	c->now += USEC_PER_SEC;
	r->arrival_usec = r->guest_usec = c->now;
	r->seq++;
	r->total_bytes = c->s.actual_bytes - 40 * MIB;
	r->available_bytes = 200 * MIB;
	r->psi_mem_some_usec += stall_msec * USEC_PER_MSEC;
	demand_update(&c->d, &c->s, c->now);
}

static void begin_crying(struct crying *c)
{
	*c = (struct crying){.now = 1000 * USEC_PER_SEC,
		.s = {.running = true,
			.max_bytes = 4 * GIB,
			.actual_bytes = GIB,
			.target_bytes = GIB,
			.resident_bytes = GIB,
			.report = {.source = REPORT_AGENT,
				.boot_id = 1,
				.has_counters = true,
				.has_psi = true}}};
	demand_init(&c->d);
	for (int i = 0; i < 3; i++)
		cry(c, 400);
	demand_granted(&c->d, &c->s, 256 * MIB, c->now);
	c->s.target_bytes = c->s.actual_bytes = GIB + 256 * MIB;
}

TEST(who_cries_on_and_has_not_touched_what_it_was_given_loses_credit)
{
	struct crying c;

	begin_crying(&c);
	CHECK(c.d.pressed);
	for (int i = 0; i < 10; i++)
		cry(&c, 400);
	CHECK(c.d.not_credible);
	CHECK_U64(c.d.credit_permyriad, PERMYRIAD / 2);
	/* And in ten seconds for that, too. */
	for (int i = 0; i < 10; i++)
		cry(&c, 400);
	CHECK_U64(c.d.credit_permyriad, PERMYRIAD / 4);
}

TEST(who_has_not_been_seen_short_since_loses_none)
{
	struct crying c;

	/* Its last word tells of before: that the pressure has not ended is not said by
	 * anything. */
	begin_crying(&c);
	cry(&c, 400);
	cry(&c, 400);
	demand_update(&c.d, &c.s, c.now + 20 * USEC_PER_SEC);
	CHECK(c.d.pressed && !c.d.check_usec);
	CHECK_U64(c.d.credit_permyriad, PERMYRIAD);
	CHECK(!c.d.not_credible);
}

TEST(who_lost_again_what_it_was_given_loses_none)
{
	struct crying c;

	begin_crying(&c);
	c.s.target_bytes = c.s.actual_bytes = GIB + 127 * MIB;
	for (int i = 0; i < 10; i++)
		cry(&c, 400);
	CHECK_U64(c.d.credit_permyriad, PERMYRIAD);
	begin_crying(&c);
	c.s.target_bytes = c.s.actual_bytes = GIB + 128 * MIB;
	for (int i = 0; i < 10; i++)
		cry(&c, 400);
	CHECK_U64(c.d.credit_permyriad, PERMYRIAD / 2);
}

TEST(who_suffers_less_than_half_of_what_it_did_is_credible_again)
{
	struct crying c;

	begin_crying(&c);
	for (int i = 0; i < 10; i++)
		cry(&c, 400);
	CHECK(c.d.not_credible);
	for (int i = 0; i < 10; i++)
		cry(&c, 190);
	CHECK(c.d.pressed && !c.d.not_credible);
	CHECK_U64(c.d.credit_permyriad, PERMYRIAD);
}

/* A line of a guest that has so much and whose kernel keeps that much of it. */
static void keeps(struct demand *d, uint64_t actual_bytes, uint64_t target_bytes,
	uint64_t kernel_bytes, uint64_t now)
{
	struct guest_sample s = {.running = true,
		.max_bytes = 4 * GIB,
		.actual_bytes = actual_bytes,
		.target_bytes = target_bytes};

	s.report = (struct guest_report){.source = REPORT_AGENT,
		.arrival_usec = now,
		.boot_id = 1,
		.seq = d->seq + 1,
		.total_bytes = actual_bytes - kernel_bytes,
		.available_bytes = GIB};
	demand_update(d, &s, now);
}

TEST(what_the_kernel_of_a_guest_that_was_found_keeps_is_taken_on_trust_until_it_stood_still)
{
	uint64_t t = 1000 * USEC_PER_SEC;
	struct demand d;

	demand_init(&d);
	keeps(&d, 2 * GIB, 2 * GIB, 40 * MIB, t);
	CHECK_U64(d.overhead_bytes, 40 * MIB);
	/* On its way its size is what it says and that. */
	keeps(&d, 2 * GIB, 3 * GIB, 48 * MIB, t + USEC_PER_SEC);
	CHECK_U64(d.size_bytes, 2 * GIB - 8 * MIB);
	/* The first steady one takes its place, the next are smoothed. */
	keeps(&d, 3 * GIB, 3 * GIB, 80 * MIB, t + 2 * USEC_PER_SEC);
	CHECK_U64(d.overhead_bytes, 40 * MIB);
	keeps(&d, 3 * GIB, 3 * GIB, 80 * MIB, t + 4 * USEC_PER_SEC);
	CHECK_U64(d.overhead_bytes, 80 * MIB);
	keeps(&d, 3 * GIB, 3 * GIB, 120 * MIB, t + 5 * USEC_PER_SEC);
	CHECK_U64(d.overhead_bytes, 90 * MIB);
}

TEST(nothing_is_learned_of_the_first_word_of_one_that_moves_or_was_started_anew)
{
	uint64_t t = 1000 * USEC_PER_SEC;
	struct demand d;

	demand_init(&d);
	keeps(&d, 2 * GIB, 3 * GIB, 40 * MIB, t);
	CHECK_U64(d.overhead_bytes, 0);
	demand_init(&d);
	demand_reset(&d);
	keeps(&d, 2 * GIB, 2 * GIB, 40 * MIB, t);
	CHECK_U64(d.overhead_bytes, 0);
	CHECK_U64(d.size_bytes, 2 * GIB);
}

/* Five seconds of refaults at this size and use. */
static void refaults_on(struct demand *d, uint64_t size_bytes, uint64_t used_bytes, uint64_t *now)
{
	for (int i = 0; i < 5; i++)
		refaults(d, size_bytes, used_bytes, 5000, *now += USEC_PER_SEC);
}

static uint64_t want_at(const struct demand *d, uint64_t target_bytes, uint64_t now)
{
	struct guest_sample s = {.running = true,
		.max_bytes = 4 * GIB,
		.actual_bytes = target_bytes,
		.target_bytes = target_bytes};
	struct demand_sizes sizes;

	demand_sizes(d, &s, &settings_default, false, now, &sizes);
	return sizes.want_bytes;
}

TEST(what_it_needed_is_a_guess_once_its_use_fell_by_a_quarter)
{
	uint64_t t = 1000 * USEC_PER_SEC;
	struct demand d;

	demand_init(&d);
	refaults_on(&d, GIB, 800 * MIB, &t);
	refaults(&d, GIB, 610 * MIB, 0, t += 5 * USEC_PER_SEC);
	CHECK(!d.need_doubted && demand_need_proved(&d, t));
	CHECK(want_at(&d, 700 * MIB, t) > 800 * MIB);
	refaults(&d, GIB, 520 * MIB, 0, t += 5 * USEC_PER_SEC);
	CHECK(d.need_doubted && !demand_need_proved(&d, t));
	/* It keeps what it has for that, and does not grow for it. */
	CHECK_U64(want_at(&d, 700 * MIB, t), 700 * MIB);
	CHECK(want_at(&d, GIB, t) < GIB);
	/* That it uses more again proves nothing. */
	refaults(&d, GIB, 800 * MIB, 0, t += 5 * USEC_PER_SEC);
	CHECK(d.need_doubted);
}

TEST(and_what_is_seen_of_it_then_takes_that_guesss_place)
{
	uint64_t t = 1000 * USEC_PER_SEC;
	struct demand d;

	demand_init(&d);
	refaults_on(&d, GIB, 600 * MIB, &t);
	/* Smaller and content for once: that alone is no sign that it needs less. */
	refaults_on(&d, 900 * MIB, 590 * MIB, &t);
	CHECK_U64(d.need_bytes, GIB);
	refaults(&d, 900 * MIB, 300 * MIB, 0, t += 5 * USEC_PER_SEC);
	CHECK(d.need_doubted);
	refaults_on(&d, 400 * MIB, 300 * MIB, &t);
	CHECK_U64(d.need_bytes, 400 * MIB);
	CHECK(!d.need_doubted && demand_need_proved(&d, t));
	CHECK_U64(want_at(&d, 300 * MIB, t), 450 * MIB);
}

TEST(the_reason_of_a_stall_is_the_worst_since_it_began)
{
	struct crying c;

	begin_crying(&c);
	c.s.target_bytes = c.s.actual_bytes = GIB;
	cry(&c, 600);
	cry(&c, 100);
	cry(&c, 100);
	CHECK(c.d.stalled);
	CHECK_U64(c.d.stall_worst_permyriad, 6000);
	for (int i = 0; i < 3; i++)
		cry(&c, 0);
	CHECK(!c.d.stalled);
	CHECK_U64(c.d.stall_worst_permyriad, 0);
}

TEST_MAIN()
