/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/small-host.h"

static const struct plan_event *event_of(const struct plan *p, enum event_kind kind)
{
	for (size_t i = 0; i < p->n_events; i++)
		if (p->events[i].kind == kind)
			return &p->events[i];
	return NULL;
}

/* It has 2 GiB of at most 4 and uses a quarter, but for what the row says. */
static const struct {
	const char *what;
	struct guest_sample is; /* where not zero */
	bool paused, mute;
	uint64_t charge_mib;
	bool left_out;
} looks[] = {
	{"a plain one", .charge_mib = 2048},
	{"above its target", {.actual_bytes = 2560 * MIB}, .charge_mib = 2560},
	{"below its target", {.actual_bytes = 1024 * MIB}, .charge_mib = 2048},
	{"told to grow just now", {.inflight_bytes = 3072 * MIB}, .charge_mib = 3072},
	{"told to shrink just now", {.inflight_bytes = 1024 * MIB}, .charge_mib = 2048},
	{"holding more than it says", {.resident_bytes = 2304 * MIB}, .charge_mib = 2304},
	{"of which QEMU's own is none of it",
		{.resident_bytes = 2304 * MIB, .qemu_bytes = 128 * MIB}, .charge_mib = 2176},
	{"quarantined", {.quarantined = true}, .charge_mib = 2048, .left_out = true},
	{"quarantined while it grows", {.quarantined = true, .inflight_bytes = 3072 * MIB},
		.charge_mib = 3072, .left_out = true},
	{"whose command was refused just now", {.refused_until_usec = UINT64_MAX},
		.charge_mib = 2048, .left_out = true},
	{"whose command was refused a while ago", {.refused_until_usec = 1}, .charge_mib = 2048},
	{"with a job", {.job_running = true}, .charge_mib = 2048, .left_out = true},
	{"that cannot be ballooned", {.fixed = FIXED_VFIO}, .charge_mib = 4096, .left_out = true},
	{"paused", .paused = true, .charge_mib = 2048, .left_out = true},
	{"whose driver never answered", .mute = true, .charge_mib = 4096, .left_out = true},
	{"that has no driver to answer", {.fixed = FIXED_NO_BALLOON}, .mute = true,
		.charge_mib = 4096, .left_out = true},
};

TEST(a_guest_is_charged_what_it_may_take_at_worst)
{
	for (size_t i = 0; i < ARRAY_SIZE(looks); i++) {
		_cleanup_small_host_ struct small_host h;
		const struct guest_sample *is = &looks[i].is;
		struct guest_sample *s = h.guests;
		const struct plan *p;

		small_begin(&h, 1, 16 * GIB, "");
		s->actual_bytes = is->actual_bytes ? is->actual_bytes : s->actual_bytes;
		s->resident_bytes = is->resident_bytes ? is->resident_bytes : s->resident_bytes;
		s->inflight_bytes = is->inflight_bytes;
		s->qemu_bytes = is->qemu_bytes;
		s->quarantined = is->quarantined;
		s->job_running = is->job_running;
		s->refused_until_usec = is->refused_until_usec;
		s->fixed = is->fixed;
		s->running = !looks[i].paused;
		s->balloon_answered = !looks[i].mute;
		p = small_decide(&h);
		if (p->guests[0].charge_bytes != looks[i].charge_mib * MIB ||
			p->guests[0].left_out != looks[i].left_out)
			TEST_FAIL("%s: charged %" PRIu64 " MiB%s", looks[i].what,
				p->guests[0].charge_bytes / MIB,
				p->guests[0].left_out ? ", left out" : "");
		CHECK_U64(p->charged_bytes, p->guests[0].charge_bytes);
		CHECK(!looks[i].left_out || p->n_actions == 0);
		CHECK_INT(p->guests[0].booting, looks[i].mute && !is->fixed);
	}
}

TEST(who_holds_much_more_than_its_charge_for_two_seconds_is_a_breaker)
{
	_cleanup_small_host_ struct small_host h;
	const struct plan *p;

	small_begin(&h, 1, 16 * GIB, "");
	small_decide(&h);
	h.guests[0].resident_bytes = 3 * GIB;
	CHECK(!small_decide(&h)->guests[0].breaker);
	small_pass(&h, 2 * USEC_PER_SEC - 1);
	p = small_decide(&h);
	CHECK(!p->guests[0].breaker);
	CHECK_U64(p->guests[0].charge_bytes, 3 * GIB);
	CHECK(p->wake_boot_usec <= h.snap.now_boot_usec + 10 * USEC_PER_MSEC);
	small_pass(&h, 1);
	p = small_decide(&h);
	CHECK(p->guests[0].breaker && p->guests[0].left_out);
	CHECK_U64(p->guests[0].charge_bytes, 4 * GIB);
	CHECK(event_of(p, EVENT_BREAKER));
	CHECK_U64(event_of(p, EVENT_BREAKER)->arg[0], 3 * GIB);
	CHECK_U64(event_of(p, EVENT_BREAKER)->arg[1], 2 * GIB);
	small_pass(&h, USEC_PER_SEC);
	CHECK(!event_of(small_decide(&h), EVENT_BREAKER));
	/* 64 MiB more than its charge are nothing. */
	h.guests[0].resident_bytes = 2 * GIB + 64 * MIB;
	p = small_decide(&h);
	CHECK(!p->guests[0].breaker && event_of(p, EVENT_BREAKER_GONE));
}

TEST(a_new_incarnation_is_told_and_nothing_that_was_learned_holds)
{
	_cleanup_small_host_ struct small_host h;
	const struct plan *p;

	small_begin(&h, 2, 16 * GIB, "");
	h.guests[0].incarnation = 7; /* nobody knows of an earlier one */
	CHECK(!event_of(small_decide(&h), EVENT_REBOOT));
	CHECK(h.plan->guests[0].known);
	small_pass(&h, USEC_PER_SEC);
	h.guests[0].incarnation = 8;
	h.guests[0].report = (struct guest_report){.source = REPORT_NONE};
	p = small_decide(&h);
	CHECK(event_of(p, EVENT_REBOOT));
	CHECK_INT(event_of(p, EVENT_REBOOT)->guest_index, 0);
	CHECK(!p->guests[0].known && p->guests[1].known);
	CHECK(!event_of(small_decide(&h), EVENT_REBOOT));
}

/* Its balloon stands still whatever it is told. */
TEST(a_stuck_balloon_is_told_with_what_it_was_asked_for)
{
	_cleanup_small_host_ struct small_host h;
	const struct plan_event *e = NULL;
	uint64_t asked;

	small_begin(&h, 2, 4 * GIB, "[Host]\nReserve=0\n");
	small_decide(&h);
	small_pass(&h, USEC_PER_SEC);
	small_report(&h, 1, 2 * GIB, 0);
	small_decide(&h);
	asked = h.guests[0].target_bytes;
	CHECK(asked < 2 * GIB);
	for (int i = 0; i < 100 && !e; i++) {
		h.guests[0].actual_bytes = 2 * GIB;
		small_pass(&h, USEC_PER_SEC / 10);
		h.guests[0].actual_usec = h.snap.now_boot_usec;
		small_decide(&h);
		e = event_of(h.plan, EVENT_STUCK);
	}
	CHECK(e && e->guest_index == 0);
	CHECK_U64(h.guests[0].target_bytes, 2 * GIB); /* it was taken back before */
	CHECK_U64(e->arg[0], 2 * GIB);
	CHECK_U64(e->arg[1], asked);
	CHECK(h.plan->guests[0].stuck && h.plan->guests[0].left_out);
}

TEST_MAIN()
