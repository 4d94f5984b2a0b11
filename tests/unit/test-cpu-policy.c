/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/decide.h"

#include <stdio.h>

#include "common/units.h"
#include "policy/policy-set.h"
#include "tests/test.h"

/* One idle guest whose administrator has given it a weight and a quota of its own, and what
 * policies make of them. */
#define OWN_WEIGHT 300
#define OWN_QUOTA  15000

struct world {
	struct guest_sample guest;
	struct snapshot snap;
	struct decide_state *state;
	unsigned commands;
};

static void world_init(struct world *w)
{
	*w = (struct world){.state = decide_state_new()};
	w->guest = (struct guest_sample){.id = {.uuid.bytes[0] = 1, .name = "g"},
		.identity_changed = true,
		.running = true,
		.max_bytes = GIB,
		.actual_bytes = GIB,
		.target_bytes = GIB,
		.balloon_answered = true,
		.vcpus = 2,
		.cpu_weight = OWN_WEIGHT,
		.cpu_quota = OWN_QUOTA};
	w->snap = (struct snapshot){.now_boot_usec = 1000 * USEC_PER_SEC,
		.now_real_usec = UINT64_C(1795000000) * USEC_PER_SEC, .enforce = true};
	w->snap.host = (struct host_sample){.name = "h", .memory_bytes = 8 * GIB, .cpus = 4};
}

static void world_clear(struct world *w)
{
	decide_state_free(w->state);
}
#define _cleanup_world_ _cleanup_(world_clear)

/* Decides under this policy's [CPU] section ("": none), and does what is said. */
static int play(struct world *w, const char *cpu)
{
	_cleanup_plan_ struct plan *p = NULL;
	_cleanup_diag_list_ struct diag_list findings = {0};
	struct policy_set *set = NULL;
	char text[128];
	struct policy_text policy = {.name = "p", .text = text};
	int r;

	policy.len = (size_t)snprintf(text, sizeof(text), "[CPU]\n%s", cpu);
	r = policy_set_from_texts(&policy, *cpu ? 1 : 0, NULL, &set, &findings);
	if (r < 0)
		return r;
	w->snap.guests = &w->guest;
	w->snap.n_guests = 1;
	w->snap.now_boot_usec += USEC_PER_SEC;
	r = decide(&w->snap, set, w->state, &p);
	policy_set_unref(set);
	for (size_t i = 0; r >= 0 && i < p->n_actions; i++)
		if (p->actions[i].kind == ACTION_CPU) {
			w->guest.cpu_weight = p->actions[i].cpu_weight;
			w->guest.cpu_quota = p->actions[i].cpu_quota;
			w->commands++;
		}
	return r;
}

TEST(a_weight_leaves_the_quota_and_a_quota_the_weight)
{
	_cleanup_world_ struct world w;

	world_init(&w);
	CHECK_INT(play(&w, "Weight=400\n"), 0);
	CHECK_U64(w.guest.cpu_weight, 400);
	CHECK_U64(w.guest.cpu_quota, OWN_QUOTA);
	CHECK_INT(play(&w, "Quota=50%\n"), 0);
	CHECK_U64(w.guest.cpu_weight, OWN_WEIGHT);
	CHECK_U64(w.guest.cpu_quota, 5000);
	CHECK_INT(play(&w, ""), 0);
	CHECK_U64(w.guest.cpu_weight, OWN_WEIGHT);
	CHECK_U64(w.guest.cpu_quota, OWN_QUOTA);
	CHECK_INT(w.commands, 3);
}

TEST(what_is_said_counts_though_it_is_what_nobody_saying_it_means)
{
	_cleanup_world_ struct world w;

	world_init(&w);
	CHECK_INT(play(&w, "Weight=100\n"), 0);
	CHECK_U64(w.guest.cpu_weight, 100);
	CHECK_INT(play(&w, "Quota=infinity\n"), 0);
	CHECK_U64(w.guest.cpu_weight, OWN_WEIGHT);
	CHECK_U64(w.guest.cpu_quota, 0);
	CHECK_INT(play(&w, "Weight=400\nWeight=\n"), 0); /* taken back */
	CHECK_U64(w.guest.cpu_weight, OWN_WEIGHT);
	CHECK_U64(w.guest.cpu_quota, OWN_QUOTA);
}

TEST(without_a_word_nothing_is_touched)
{
	_cleanup_world_ struct world w;

	world_init(&w);
	for (int i = 0; i < 5; i++)
		CHECK_INT(play(&w, ""), 0);
	CHECK_INT(w.commands, 0);
}

TEST_MAIN()
