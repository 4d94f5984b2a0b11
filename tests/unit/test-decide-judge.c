/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/small-host.h"

#include "policy/decision.h"

static const struct plan_event *event_of(const struct plan *p, enum event_kind kind)
{
	for (size_t i = 0; i < p->n_events; i++)
		if (p->events[i].kind == kind)
			return &p->events[i];
	return NULL;
}

/* How much has been heard of a guest when a condition is judged. */
enum heard {
	HEARD_NEVER,
	HEARD_ONCE,  /* sizes are known */
	HEARD_TWICE, /* and rates */
	HEARD_LONG_AGO,
	HEARD_MAX,
};

/* Each fact of a guest, and since when it is known. It has 2 GiB of 4 and uses 512 MiB. */
static const struct {
	const char *condition;
	enum heard since;
	bool when_stale; /* known on when nothing has been heard for long */
} facts[] = {
	{"guest.mem_max == 4G", HEARD_NEVER, true},
	{"guest.mem_actual == 2G", HEARD_NEVER, true},
	{"guest.vcpus == 3", HEARD_NEVER, true},
	{"guest.age >= 1h", HEARD_NEVER, true},
	{"guest.mem_used == 512M", HEARD_ONCE, false},
	{"guest.mem_available == 1.5G", HEARD_ONCE, false},
	{"guest.swap_total == 1G", HEARD_ONCE, false},
	{"guest.swap_used == 256M", HEARD_ONCE, false},
	{"guest.refaults == 40", HEARD_TWICE, false},
	{"guest.psi_mem_some == 2%", HEARD_TWICE, false},
	{"guest.psi_mem_full == 1%", HEARD_TWICE, false},
	{"guest.psi_cpu_some == 30%", HEARD_TWICE, false},
	{"guest.psi_io_some == 4%", HEARD_TWICE, false},
};

static void report(struct small_host *h)
{
	struct guest_report *r = &h->guests[0].report;

	small_report(h, 0, 512 * MIB, 0);
	r->has_swap = true;
	r->swap_free_bytes = 768 * MIB;
	r->refaults_file += 40;
	r->psi_mem_some_usec += USEC_PER_SEC / 50;
	r->psi_mem_full_usec += USEC_PER_SEC / 100;
	r->psi_cpu_some_usec += USEC_PER_SEC * 3 / 10;
	r->psi_io_some_usec += USEC_PER_SEC / 25;
}

static uint64_t weight_of(struct small_host *h)
{
	return guest_policy_settings(decide_state_guest_policy(h->state, &h->guests[0].id.uuid))
		->mem_weight;
}

TEST(a_condition_sees_what_is_known_and_no_more)
{
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		for (int heard = 0; heard < HEARD_MAX; heard++) {
			_cleanup_small_host_ struct small_host h;
			bool known = heard == HEARD_LONG_AGO ? facts[i].when_stale
							     : heard >= (int)facts[i].since;
			char policy[128];

			snprintf(policy, sizeof(policy),
				"[Match]\nGuest=g0\n[When]\nCondition=%s\n[Memory]\nWeight=777\n",
				facts[i].condition);
			small_begin(&h, 1, 16 * GIB, policy);
			h.guests[0].vcpus = 3;
			h.guests[0].started_usec = SMALL_START - 2 * USEC_PER_HOUR;
			h.guests[0].report = (struct guest_report){.source = REPORT_NONE};
			for (int n = 0; n < MIN(heard, (int)HEARD_TWICE); n++) {
				small_pass(&h, USEC_PER_SEC);
				report(&h);
				small_decide(&h);
			}
			small_pass(&h, heard == HEARD_LONG_AGO ? USEC_PER_MIN : 0);
			small_decide(&h);
			if ((weight_of(&h) == 777) != known)
				TEST_FAIL("%s, heard %d: the policy is %sin force",
					facts[i].condition, heard, known ? "not " : "");
		}
}

TEST(policies_that_come_into_force_are_told_but_not_those_that_were)
{
	_cleanup_small_host_ struct small_host h;
	const struct plan_event *e;

	small_begin(
		&h, 2, 16 * GIB, "[When]\nCondition=guest.mem_used > 1G\n[Memory]\nWeight=200\n");
	CHECK(!event_of(small_decide(&h), EVENT_POLICY));
	small_pass(&h, USEC_PER_SEC);
	small_report(&h, 1, 1536 * MIB, 0);
	e = event_of(small_decide(&h), EVENT_POLICY);
	CHECK(e && e->guest_index == 1);
	CHECK_STR(e->detail, "test");
	CHECK(!event_of(small_decide(&h), EVENT_POLICY));
	small_pass(&h, USEC_PER_SEC);
	small_report(&h, 1, 512 * MIB, 0);
	e = event_of(small_decide(&h), EVENT_POLICY);
	CHECK(e && e->guest_index == 1);
	CHECK_STR(e->detail, "none");
}

TEST(what_is_set_by_hand_is_no_change_of_policies)
{
	struct override by_hand = {.section = "Memory",
		.key = "Weight",
		.value = "300",
		.by = "x",
		.reason = "",
		.until_boot_usec = USEC_INFINITY,
		.until_real_usec = USEC_INFINITY};
	_cleanup_small_host_ struct small_host h;

	small_begin(&h, 1, 16 * GIB, "[Memory]\nWeight=200\n");
	CHECK(!event_of(small_decide(&h), EVENT_POLICY));
	by_hand.guest = h.guests[0].id.uuid;
	h.snap.overrides = &by_hand;
	h.snap.n_overrides = 1;
	small_pass(&h, USEC_PER_SEC);
	CHECK(!event_of(small_decide(&h), EVENT_POLICY));
	CHECK_U64(weight_of(&h), 300);
	h.snap.n_overrides = 0;
	small_pass(&h, USEC_PER_SEC);
	CHECK(!event_of(small_decide(&h), EVENT_POLICY));
	CHECK_U64(weight_of(&h), 200);
}

TEST(a_list_of_policies_that_is_cut_ends_in_dots)
{
	static const char text[] = "[When]\nCondition=guest.mem_used > 1G\n[Memory]\nWeight=200\n";
	static const char *const names[] = {"a-policy-whose-name-is-of-many-words",
		"b-policy-whose-name-is-longer", "c-policy"};
	struct policy_text texts[ARRAY_SIZE(names)];
	_cleanup_small_host_ struct small_host h;
	const struct plan_event *e;

	small_begin(&h, 1, 16 * GIB, "");
	policy_set_unref(h.set);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		texts[i] = (struct policy_text){
			.name = names[i], .text = text, .len = sizeof(text) - 1};
	CHECK_INT(policy_set_from_texts(texts, ARRAY_SIZE(texts), NULL, &h.set, NULL), 0);
	small_decide(&h);
	small_pass(&h, USEC_PER_SEC);
	small_report(&h, 0, 1536 * MIB, 0);
	e = event_of(small_decide(&h), EVENT_POLICY);
	CHECK_STR(e ? e->detail : NULL, "a-policy-whose-name-is-of-many-words, ...");
}

TEST(silence_is_told_once_with_what_it_used_last_and_so_is_its_end)
{
	_cleanup_small_host_ struct small_host h;
	const struct plan_event *e;

	small_begin(&h, 1, 16 * GIB, "");
	CHECK(small_decide(&h)->wake_boot_usec <= SMALL_START + 15 * USEC_PER_SEC + 1);
	small_pass(&h, 20 * USEC_PER_SEC);
	e = event_of(small_decide(&h), EVENT_STALE);
	CHECK(e);
	CHECK_U64(e->arg[0], 20 * USEC_PER_SEC);
	CHECK_U64(e->arg[1], 512 * MIB);
	CHECK(h.plan->guests[0].stale);
	small_pass(&h, 20 * USEC_PER_SEC);
	CHECK(!event_of(small_decide(&h), EVENT_STALE));
	small_report(&h, 0, 512 * MIB, 0);
	CHECK(event_of(small_decide(&h), EVENT_FRESH));
	CHECK(!h.plan->guests[0].stale);
	CHECK(!event_of(small_decide(&h), EVENT_FRESH));
}

/* Room for who fell silent under pressure is not for whose agent we stopped listening to, even when
 * that is over. */
TEST(whose_agent_was_shut_out_earns_no_room_by_its_silence)
{
	for (int shut = 0; shut < 2; shut++) {
		_cleanup_small_host_ struct small_host h;

		small_begin(&h, 1, 16 * GIB, "");
		small_report(&h, 0, 512 * MIB, 0);
		small_decide(&h);
		h.guests[0].shut_out_usec = shut ? SMALL_START + USEC_PER_MIN : 0;
		small_pass(&h, 20 * USEC_PER_SEC);
		small_decide(&h);
		CHECK(h.plan->guests[0].stale);
		h.guests[0].shut_out_usec = 0;
		small_pass(&h, 50 * USEC_PER_SEC);
		small_decide(&h);
		CHECK(decide_state_guest(h.state, &h.guests[0].id.uuid, 0)->stale_room_given ==
			shut);
	}
}

/* Who was never heard is not silent: it may have no agent. */
TEST(who_was_never_heard_is_not_stale)
{
	_cleanup_small_host_ struct small_host h;

	small_begin(&h, 1, 16 * GIB, "");
	h.guests[0].report = (struct guest_report){.source = REPORT_NONE};
	for (int i = 0; i < 3; i++) {
		small_pass(&h, USEC_PER_MIN);
		CHECK(!event_of(small_decide(&h), EVENT_STALE));
		CHECK(!h.plan->guests[0].stale && !h.plan->guests[0].known);
	}
}

TEST(each_kill_for_want_of_memory_is_told_once)
{
	_cleanup_small_host_ struct small_host h;
	const struct plan_event *e;

	small_begin(&h, 1, 16 * GIB, "");
	h.guests[0].report.oom_kills = 4; /* before we came */
	CHECK(!event_of(small_decide(&h), EVENT_OOM));
	small_pass(&h, USEC_PER_SEC);
	small_report(&h, 0, 512 * MIB, 0);
	h.guests[0].report.oom_kills = 6;
	e = event_of(small_decide(&h), EVENT_OOM);
	CHECK(e);
	CHECK_U64(e->arg[0], 2);
	CHECK(!event_of(small_decide(&h), EVENT_OOM));
}

/* So much stall in each of so many seconds. Returns how often it was told that the policy's limit
 * is passed. */
static int told_pressed(
	struct small_host *h, uint64_t permyriad, int seconds, struct plan_event *last)
{
	int told = 0;

	for (int i = 0; i < seconds; i++) {
		const struct plan_event *e;

		small_pass(h, USEC_PER_SEC);
		small_report(h, 0, 512 * MIB, 0);
		h->guests[0].report.psi_mem_some_usec += permyriad * USEC_PER_SEC / PERMYRIAD;
		e = event_of(small_decide(h), EVENT_PRESSED);
		if (e) {
			*last = *e;
			told++;
		}
	}
	return told;
}

TEST(stall_above_max_stall_is_told_after_its_time_and_once)
{
	static const struct {
		uint64_t stall;
		int seconds, told;
	} stalls[] = {
		{2900, 30, 0}, {3500, 6, 0}, {3500, 8, 1}, {3500, 60, 1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(stalls); i++) {
		_cleanup_small_host_ struct small_host h;
		struct plan_event e = {0};

		small_begin(&h, 1, 2 * GIB,
			"[Match]\nGuest=*\n[Memory]\nMaxStall=30% over 6s\nMax=2G\n");
		small_decide(&h);
		CHECK_INT(told_pressed(&h, stalls[i].stall, stalls[i].seconds, &e), stalls[i].told);
		CHECK_U64(e.arg[0], stalls[i].told ? stalls[i].stall : 0);
		CHECK_U64(e.arg[1], stalls[i].told ? 3000 : 0);
		small_pass(&h, USEC_PER_SEC);
		small_report(&h, 0, 512 * MIB, 0);
		CHECK_INT(event_of(small_decide(&h), EVENT_RELIEVED) != NULL, stalls[i].told);
		CHECK(!event_of(small_decide(&h), EVENT_RELIEVED));
	}
}

TEST_MAIN()
