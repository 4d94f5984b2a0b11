/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/decide.h"

#include "common/units.h"
#include "policy/policy-set.h"
#include "tests/test.h"

/* A guest that always cries and never touches what it is given, beside an honest one that needs
 * memory from the middle on. */
enum { LIAR, HONEST, N_GUESTS };

struct host {
	struct guest_sample guests[N_GUESTS];
	struct snapshot snap;
	struct policy_set *set;
	struct decide_state *state;
	unsigned reboots; /* events */
};

static int host_init(struct host *h)
{
	_cleanup_diag_list_ struct diag_list findings = {0};

	*h = (struct host){.state = decide_state_new()};
	if (!h->state)
		return -ENOMEM;
	h->snap = (struct snapshot){.now_boot_usec = 1000 * USEC_PER_SEC,
		.now_real_usec = UINT64_C(1795000000) * USEC_PER_SEC, .enforce = true,
		.guests = h->guests, .n_guests = N_GUESTS};
	h->snap.host = (struct host_sample){.name = "h", .memory_bytes = 6 * GIB, .cpus = 4};
	for (size_t i = 0; i < N_GUESTS; i++)
		h->guests[i] = (struct guest_sample){.id = {.uuid.bytes[0] = (uint8_t)(i + 1),
							     .name = i == LIAR ? "liar" : "honest"},
			.identity_changed = true,
			.running = true,
			.max_bytes = 8 * GIB,
			.target_bytes = 2 * GIB,
			.actual_bytes = 2 * GIB,
			.resident_bytes = i == LIAR ? 700 * MIB : 2 * GIB,
			.balloon_answered = true,
			.incarnation = i + 1,
			.vcpus = 1,
			.channel_open = true};
	return policy_set_from_texts(NULL, 0, NULL, &h->set, &findings);
}

static void host_clear(struct host *h)
{
	decide_state_free(h->state);
	policy_set_unref(h->set);
}
#define _cleanup_host_ _cleanup_(host_clear)

static void report(struct host *h, size_t i, uint64_t available_bytes, bool stalls)
{
	struct guest_report *r = &h->guests[i].report;

	r->source = REPORT_AGENT;
	r->why = REPORT_WHY_PRESSURE;
	r->seq++;
	r->guest_usec = r->arrival_usec = h->snap.now_boot_usec;
	r->boot_id = h->guests[i].incarnation;
	r->total_bytes = h->guests[i].actual_bytes - 40 * MIB;
	r->available_bytes = available_bytes;
	r->swap_total_bytes = r->swap_free_bytes = GIB;
	r->has_swap = r->has_counters = r->has_psi = true;
	r->psi_mem_some_usec += stalls ? 400 * USEC_PER_MSEC : 0;
	r->refaults_file += stalls ? 5000 : 0;
}

/* One second: reports, a decision, balloons that obey at once. The plan's view of the liar goes to
 * *ret. */
static int second(struct host *h, bool need, struct plan_guest *ret)
{
	_cleanup_plan_ struct plan *p = NULL;
	int r;

	h->snap.now_boot_usec += USEC_PER_SEC;
	h->snap.now_real_usec += USEC_PER_SEC;
	report(h, LIAR, 0, false);
	report(h, HONEST, need ? 20 * MIB : GIB, need);
	if (need)
		h->guests[HONEST].resident_bytes = h->guests[HONEST].actual_bytes;
	r = decide(&h->snap, h->set, h->state, &p);
	if (r < 0)
		return r;
	for (size_t i = 0; i < p->n_actions; i++)
		if (p->actions[i].kind == ACTION_MEMORY) {
			struct guest_sample *s = &h->guests[p->actions[i].guest_index];

			s->target_bytes = s->actual_bytes = p->actions[i].to_bytes;
		}
	for (size_t i = 0; i < p->n_events; i++)
		h->reboots += p->events[i].kind == EVENT_REBOOT;
	*ret = p->guests[LIAR];
	return 0;
}

/* Runs four minutes; every boot_sec (0: never) the liar says that it has booted. */
static int play(struct host *h, unsigned boot_sec, struct plan_guest *ret)
{
	int r = host_init(h);

	for (unsigned t = 1; r >= 0 && t <= 240; t++) {
		if (boot_sec && t % boot_sec == 0 && t > 1)
			h->guests[LIAR].incarnation += N_GUESTS;
		r = second(h, t > 120, ret);
	}
	return r;
}

TEST(a_new_boot_does_not_wash_a_liar)
{
	_cleanup_host_ struct host steady, booting;
	struct plan_guest last;

	CHECK_INT(play(&steady, 0, &last), 0);
	CHECK(last.not_credible);
	CHECK(!last.pressed);
	for (unsigned every = 1; every <= 64; every *= 4) {
		CHECK_INT(play(&booting, every, &last), 0);
		/* the first look at it is none */
		CHECK_INT(booting.reboots, 240 / every - (every == 1));
		CHECK(last.not_credible);
		CHECK(!last.pressed);
		CHECK(booting.guests[LIAR].target_bytes <=
			steady.guests[LIAR].target_bytes + steady.guests[LIAR].target_bytes / 8);
		if (every < 64)
			host_clear(&booting);
	}
}

TEST_MAIN()
