/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/decide.h"

#include "common/units.h"
#include "policy/policy-set.h"
#include "tests/test.h"

/* A guest that keeps what its balloon gave back, and a soft limit whose calls may fail. */
struct world {
	struct guest_sample guest;
	struct snapshot snap;
	struct decide_state *state;
	struct policy_set *set;
	unsigned limits, lifts;
};

static int world_init(struct world *w)
{
	struct diag_list findings = {0};

	*w = (struct world){.state = decide_state_new()};
	w->guest = (struct guest_sample){.id = {.uuid.bytes[0] = 1, .name = "g"},
		.identity_changed = true,
		.running = true,
		.max_bytes = 4 * GIB,
		.actual_bytes = GIB,
		.target_bytes = GIB,
		.resident_bytes = 3 * GIB,
		.qemu_bytes = 64 * MIB,
		.balloon_answered = true,
		.vcpus = 1};
	w->snap = (struct snapshot){.now_boot_usec = 1000 * USEC_PER_SEC,
		.now_real_usec = UINT64_C(1795000000) * USEC_PER_SEC, .enforce = true};
	w->snap.host = (struct host_sample){.name = "h", .memory_bytes = 16 * GIB, .cpus = 4};
	return policy_set_from_texts(&(struct policy_text){0}, 0, NULL, &w->set, &findings);
}

static void world_clear(struct world *w)
{
	decide_state_free(w->state);
	policy_set_unref(w->set);
}
#define _cleanup_world_ _cleanup_(world_clear)

/* So many seconds; works: whether the calls do what they are asked. */
static int play(struct world *w, unsigned seconds, bool works)
{
	int r = 0;

	while (seconds-- && r >= 0) {
		_cleanup_plan_ struct plan *p = NULL;

		w->snap.guests = &w->guest;
		w->snap.n_guests = 1;
		w->snap.now_boot_usec += USEC_PER_SEC;
		r = decide(&w->snap, w->set, w->state, &p);
		for (size_t i = 0; r >= 0 && i < p->n_actions; i++) {
			const struct action *a = &p->actions[i];

			if (a->kind != ACTION_SOFT_LIMIT)
				continue;
			*(a->to_bytes == BYTES_UNLIMITED ? &w->lifts : &w->limits) += 1;
			if (works)
				w->guest.soft_limited = a->to_bytes != BYTES_UNLIMITED;
		}
	}
	return r;
}

TEST(a_breaker_is_limited_once_and_the_limit_lifted_once)
{
	_cleanup_world_ struct world w;

	CHECK_INT(world_init(&w), 0);
	CHECK_INT(play(&w, 60, true), 0);
	CHECK_INT(w.limits, 1);
	w.guest.resident_bytes = GIB;
	CHECK_INT(play(&w, 60, true), 0);
	CHECK_INT(w.lifts, 1);
	CHECK_INT(w.limits, 1);
}

TEST(what_failed_is_asked_again_but_not_at_every_decision)
{
	_cleanup_world_ struct world w;

	CHECK_INT(world_init(&w), 0);
	CHECK_INT(play(&w, 60, false), 0);
	CHECK(w.limits >= 4 && w.limits <= 7);
	CHECK_INT(play(&w, 20, true), 0);
	CHECK(w.guest.soft_limited);
	w.guest.resident_bytes = GIB;
	CHECK_INT(play(&w, 60, false), 0);
	CHECK(w.lifts >= 4 && w.lifts <= 7);
	CHECK_INT(play(&w, 20, true), 0);
	CHECK(!w.guest.soft_limited);
}

TEST(a_limit_that_was_there_before_the_daemon_is_lifted)
{
	_cleanup_world_ struct world w;

	CHECK_INT(world_init(&w), 0);
	w.guest.resident_bytes = GIB;
	w.guest.soft_limited = true;
	CHECK_INT(play(&w, 2, true), 0);
	CHECK_INT(w.lifts, 1);
	CHECK(!w.guest.soft_limited);
}

TEST_MAIN()
