/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The numbered invariants of docs/ARCHITECTURE.md, over random hosts. CASES (default 20000) and
 * SEED (default 1) are taken from the environment; a failure prints the seed of its case, and
 * SEED=that CASES=1 repeats it alone.
 */
#include <inttypes.h>
#include <stdio.h>

#include "common/units.h"
#include "tests/property/invariants.h"

#define STEPS 8

static bool plans_equal(const struct plan *a, const struct plan *b)
{
	REQUIRE(a->n_actions == b->n_actions && a->n_events == b->n_events &&
			a->wake_boot_usec == b->wake_boot_usec && a->host_state == b->host_state,
		"I8 same input, another plan");
	REQUIRE(!a->n_actions ||
			!memcmp(a->actions, b->actions, a->n_actions * sizeof(*a->actions)),
		"I8 same input, other actions");
	REQUIRE(!memcmp(a->guests, b->guests, a->n_guests * sizeof(*a->guests)),
		"I8 same input, other shares");
	return true;
}

/* 9: the order of guests in the snapshot does not matter. */
static bool permuted_equal(const struct model *m, const struct plan *p, struct decide_state *state)
{
	struct guest_sample reversed[MODEL_GUESTS_MAX];
	struct snapshot snap = m->snap;
	_cleanup_plan_ struct plan *q = NULL;
	size_t n = m->snap.n_guests;

	for (size_t i = 0; i < n; i++)
		reversed[i] = m->guests[n - 1 - i];
	snap.guests = reversed;
	REQUIRE(decide(&snap, m->set, state, &q) == 0, "decide failed");
	for (size_t i = 0; i < n; i++) {
		const struct action *a = memory_action(p, i), *b = memory_action(q, n - 1 - i);

		REQUIRE(!a == !b && (!a || a->to_bytes == b->to_bytes),
			"I9 permuted: guest %zu is told something else", i);
		REQUIRE(p->guests[i].share_bytes == q->guests[n - 1 - i].share_bytes,
			"I9 permuted: guest %zu has another share", i);
	}
	return true;
}

/* 10: a guest that reports less available memory never gets a smaller share for it. */
static bool want_monotone(struct model *m, const struct plan *p, struct decide_state *state)
{
	struct guest_sample raised[MODEL_GUESTS_MAX];
	struct snapshot snap = m->snap;
	_cleanup_plan_ struct plan *q = NULL;
	size_t who = model_random(m, m->snap.n_guests);
	struct guest_report *r = &raised[who].report;

	memcpy(raised, m->guests, sizeof(raised));
	snap.guests = raised;
	if (r->source == REPORT_NONE || r->arrival_usec != m->snap.now_boot_usec)
		return true;
	r->available_bytes -= MIN(r->available_bytes, 64 * MIB);
	raised[who].resident_bytes = MAX(raised[who].resident_bytes, m->guests[who].resident_bytes);
	REQUIRE(decide(&snap, m->set, state, &q) == 0, "decide failed");
	/* Who cries without using what it was given loses credit by crying on: that is meant. */
	if (p->guests[who].not_credible || q->guests[who].not_credible)
		return true;
	/* The slack that is taken with surplus (1 % of the budget) is there or not. */
	REQUIRE(q->guests[who].share_bytes + 2 * MIB * m->snap.n_guests + p->budget_bytes / 100 >=
			p->guests[who].share_bytes,
		"I10 monotone: guest %zu asks more, gets %" PRIu64 " instead of %" PRIu64, who,
		q->guests[who].share_bytes, p->guests[who].share_bytes);
	return true;
}

static bool step_holds(struct model *m, struct decide_state *state, struct plan **ret)
{
	_cleanup_(decide_state_freep) struct decide_state *again = decide_state_clone(state);
	_cleanup_(decide_state_freep) struct decide_state *permuted = decide_state_clone(state);
	_cleanup_(decide_state_freep) struct decide_state *raised = decide_state_clone(state);
	_cleanup_plan_ struct plan *second = NULL;

	REQUIRE(again && permuted && raised, "no memory");
	REQUIRE(decide(&m->snap, m->set, state, ret) == 0, "decide failed");
	REQUIRE(decide(&m->snap, m->set, again, &second) == 0, "decide failed");
	return invariants_hold(m, *ret, state) && plans_equal(*ret, second) &&
	       permuted_equal(m, *ret, permuted) && want_monotone(m, *ret, raised);
}

static bool case_holds(uint64_t seed)
{
	_cleanup_(decide_state_freep) struct decide_state *state = decide_state_new();
	struct model m;
	bool ok = true;

	REQUIRE(state, "no memory");
	REQUIRE(model_init(&m, seed) == 0, "no policies for seed %" PRIu64, seed);
	for (int step = 0; ok && step < STEPS; step++) {
		_cleanup_plan_ struct plan *plan = NULL;

		ok = step_holds(&m, state, &plan);
		if (!ok) {
			size_t len = strlen(invariant_failure);

			if (plan)
				plan_print(&m, plan);
			snprintf(invariant_failure + len, sizeof(invariant_failure) - len,
				" (step %d)", step);
			break;
		}
		model_step(&m, plan);
	}
	model_clear(&m);
	return ok;
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
	const char *v = getenv(name);

	return v && *v ? strtoull(v, NULL, 10) : otherwise;
}

int main(void)
{
	uint64_t cases = from_environment("CASES", 20000), first = from_environment("SEED", 1);

	printf("1..1\n");
	for (uint64_t seed = first; seed < first + cases; seed++)
		if (!case_holds(seed)) {
			printf("# SEED=%" PRIu64 ": %s\nnot ok 1 - invariants of decide\n", seed,
				invariant_failure);
			return 1;
		}
	printf("ok 1 - invariants of decide hold over %" PRIu64 " random hosts\n", cases);
	return 0;
}
