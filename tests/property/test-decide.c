/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The numbered invariants of docs/ARCHITECTURE.md, over random hosts. CASES (default 20000) and SEED (default 1) are taken from the
 * environment; a failure prints the seed of its case, and SEED=that CASES=1 repeats it alone.
 */
#include <inttypes.h>
#include <stdio.h>

#include "common/units.h"
#include "policy/divide.h"
#include "tests/property/host-model.h"

#define STEPS 8

static char failure[256];

#define REQUIRE(cond, ...)                                                                         \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			snprintf(failure, sizeof(failure), __VA_ARGS__);                           \
			return false;                                                              \
		}                                                                                  \
	} while (0)

static uint64_t resident_part(const struct guest_sample *s)
{
	return sub_sat(s->resident_bytes, s->qemu_bytes);
}

/* The most a guest may come to hold when the command (0: none) completes at any time or never. */
static uint64_t worst(const struct guest_sample *s, uint64_t target, uint64_t command)
{
	uint64_t w = MAX(MAX(target, s->actual_bytes), MAX(command, resident_part(s)));

	return s->fixed || !s->balloon_answered ? MAX(w, s->max_bytes) : w;
}

static const struct action *memory_action(const struct plan *p, size_t guest)
{
	for (size_t i = 0; i < p->n_actions; i++)
		if (p->actions[i].kind == ACTION_MEMORY && p->actions[i].guest_index == guest)
			return &p->actions[i];
	return NULL;
}

/* Rounding a size that was reached up to whole MiB is no growth. */
static bool grows(const struct guest_sample *s, const struct action *a)
{
	return a && a->to_bytes >= MAX(s->target_bytes, s->actual_bytes) + MIB;
}

/* Taking back a target that the balloon never reached takes nothing from the guest. */
static bool shrinks(const struct guest_sample *s, const struct action *a)
{
	return a && a->to_bytes < MIN(s->target_bytes, s->actual_bytes);
}

/* What a person needs to see why: one line a guest, MiB. */
static void step_print(const struct model *m, const struct plan *p)
{
	printf("# budget %" PRIu64 " charged %" PRIu64 " reserved %" PRIu64 " other %" PRIu64 " %s\n",
		p->budget_bytes / MIB, p->charged_bytes / MIB, p->reserved_bytes / MIB,
		p->other_bytes / MIB, host_state_to_string(p->host_state));
	for (size_t i = 0; i < m->snap.n_guests; i++) {
		const struct guest_sample *s = &m->guests[i];
		const struct plan_guest *g = &p->guests[i];
		const struct action *a = memory_action(p, i);

		printf("# g%zu max %" PRIu64 "/%" PRIu64 " actual %" PRIu64 " target %" PRIu64 " resident %" PRIu64
		       " used %" PRIu64 " floor %" PRIu64 " want %" PRIu64 " share %" PRIu64
		       " charge %" PRIu64 " -> %" PRIu64 " %s%s%s%s%s%s%s\n",
			i, g->max_bytes / MIB, s->max_bytes / MIB, s->actual_bytes / MIB, s->target_bytes / MIB,
			resident_part(s) / MIB, g->used_bytes / MIB, g->floor_bytes / MIB,
			g->want_bytes / MIB, g->share_bytes / MIB, g->charge_bytes / MIB,
			a ? a->to_bytes / MIB : 0, a ? reason_code_to_string(a->reason.code) : "",
			g->pressed ? " pressed" : "", g->stale ? " stale" : "",
			g->stuck ? " stuck" : "", g->breaker ? " breaker" : "",
			s->fixed ? " fixed" : "", s->balloon_answered ? "" : " mute");
	}
}

/* 1: after a plan that makes anything grow, or grants room, all may complete in any order and the host still has its reserve. */
static bool promise_holds(const struct model *m, const struct plan *p)
{
	uint64_t sum = 0, before = 0;
	bool growth = false;

	for (size_t i = 0; i < m->snap.n_guests; i++) {
		const struct guest_sample *s = &m->guests[i];
		const struct action *a = memory_action(p, i);

		growth |= grows(s, a);
		before += worst(s, s->target_bytes, 0);
		sum += worst(s, s->target_bytes, a ? a->to_bytes : 0);
	}
	for (size_t i = 0; i < m->snap.n_reservations; i++)
		if (m->reservations[i].granted)
			before += m->reservations[i].bytes + m->reservations[i].qemu_bytes;
	for (size_t i = 0; i < p->n_actions; i++)
		growth |= p->actions[i].kind == ACTION_GRANT;
	sum += p->reserved_bytes;
	REQUIRE(!growth || sum <= p->budget_bytes, "I1 promise: %" PRIu64 " of %" PRIu64, sum,
		p->budget_bytes);
	REQUIRE(sum <= MAX(before, p->budget_bytes) + m->snap.n_guests * MIB, "I1 promise grew over the budget");
	return true;
}

/* 2: nobody below its floor by our hand, unless floors do not fit or its policy forbids more. */
static bool floors_hold(const struct model *m, const struct plan *p)
{
	for (size_t i = 0; i < m->snap.n_guests; i++) {
		const struct action *a = memory_action(p, i);
		const struct plan_guest *g = &p->guests[i];

		if (!shrinks(&m->guests[i], a))
			continue;
		if (a->reason.code == REASON_OUT_OF_PUFF || a->reason.code == REASON_TOOK_BACK)
			continue;
		REQUIRE(a->to_bytes >= MIN(g->floor_bytes, g->max_bytes) ||
				p->host_state == HOST_CRITICAL,
			"I2 floor: guest %zu to %" PRIu64 ", floor %" PRIu64, i, a->to_bytes,
			g->floor_bytes);
	}
	return true;
}

/* 3: a guest that fell silent is not shrunk below what it used by its last word. 4: one without a net never to where it dies. */
static bool silent_and_netless_safe(const struct model *m, const struct plan *p)
{
	for (size_t i = 0; i < m->snap.n_guests; i++) {
		const struct guest_sample *s = &m->guests[i];
		const struct guest_report *r = &s->report;
		const struct action *a = memory_action(p, i);
		const struct plan_guest *g = &p->guests[i];
		uint64_t burst = MIN(512 * MIB, s->max_bytes / 4), need;

		if (!shrinks(s, a) || r->source == REPORT_NONE)
			continue;
		if (a->reason.code == REASON_OUT_OF_PUFF || a->reason.code == REASON_TOOK_BACK)
			continue;
		REQUIRE(!g->stale || a->to_bytes >= MIN(g->used_bytes, g->max_bytes) ||
				p->host_state == HOST_CRITICAL,
			"I3 stale: guest %zu below its last use", i);
		need = MIN(mib_down(s->max_bytes), g->used_bytes + burst);
		REQUIRE(s->autodeflate || r->swap_free_bytes >= burst || !g->known ||
				a->to_bytes + MIB >= need,
			"I4 no net: guest %zu to %" PRIu64 ", used %" PRIu64 " + burst", i,
			a->to_bytes, g->used_bytes);
	}
	return true;
}

/* 5: a pressed guest is not shrunk while an unpressed one holds more than its want. */
static bool pressed_last(const struct model *m, const struct plan *p)
{
	for (size_t i = 0; i < m->snap.n_guests; i++) {
		const struct action *a = memory_action(p, i);

		if (!p->guests[i].pressed || !shrinks(&m->guests[i], a))
			continue;
		if (a->reason.code == REASON_OUT_OF_PUFF || a->reason.code == REASON_TOOK_BACK ||
			m->guests[i].target_bytes > p->guests[i].max_bytes)
			continue;
		for (size_t k = 0; k < m->snap.n_guests; k++) {
			const struct plan_guest *g = &p->guests[k];

			if (k == i || g->pressed || g->share_bytes <= g->floor_bytes + MIB)
				continue;
			if (g->left_out)
				continue;
			REQUIRE(false, "I5 pressed: guest %zu shrunk while %zu has slack", i, k);
		}
	}
	return true;
}

/* 6: commands make sense: whole MiB, within the guest's maximum and policy Max, never to one that must not be touched. */
static bool commands_sane(const struct model *m, const struct plan *p)
{
	for (size_t i = 0; i < p->n_actions; i++) {
		const struct action *a = &p->actions[i];
		const struct guest_sample *s;

		if (a->kind != ACTION_MEMORY)
			continue;
		REQUIRE(a->guest_index < m->snap.n_guests, "I6 no such guest");
		s = &m->guests[a->guest_index];
		REQUIRE(a->to_bytes % MIB == 0 && a->to_bytes, "I6 not whole MiB");
		REQUIRE(a->to_bytes <= s->max_bytes, "I6 above the guest's maximum");
		REQUIRE(!grows(s, a) || a->to_bytes <= p->guests[a->guest_index].max_bytes,
			"I6 grown above policy Max");
		REQUIRE(!s->fixed && s->running && !s->quarantined && !s->job_running,
			"I6 command to a guest that must be left alone");
		REQUIRE(a->from_bytes == s->target_bytes, "I6 from is not the last target");
		REQUIRE(a->reason.code != REASON_NONE, "I6 no reason");
		REQUIRE(memory_action(p, a->guest_index) == a, "I6 two commands to one guest");
	}
	return true;
}

/* 7: shares of those who are divided fit into what the others leave, unless even what would kill does not fit. */
static bool shares_fit(const struct model *m, const struct plan *p)
{
	uint64_t sum = 0;
	bool divided = false;

	for (size_t i = 0; i < m->snap.n_guests; i++) {
		sum += p->guests[i].share_bytes;
		divided |= !p->guests[i].left_out;
	}
	REQUIRE(!divided || sum <= p->budget_bytes || p->host_state == HOST_CRITICAL,
		"I7 shares exceed the budget: %" PRIu64 " of %" PRIu64 ", %s", sum, p->budget_bytes,
		host_state_to_string(p->host_state));
	return true;
}

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
	if (q->guests[who].share_bytes + 2 * MIB * m->snap.n_guests < p->guests[who].share_bytes)
		step_print(m, q);
	REQUIRE(q->guests[who].share_bytes + 2 * MIB * m->snap.n_guests >= p->guests[who].share_bytes,
		"I10 monotone: guest %zu asks more, gets %" PRIu64 " instead of %" PRIu64, who,
		q->guests[who].share_bytes, p->guests[who].share_bytes);
	return true;
}

static bool invariants_hold(const struct model *m, const struct plan *p)
{
	return promise_holds(m, p) && floors_hold(m, p) && silent_and_netless_safe(m, p) &&
	       pressed_last(m, p) && commands_sane(m, p) && shares_fit(m, p);
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
	return invariants_hold(m, *ret) && plans_equal(*ret, second) &&
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
			size_t len = strlen(failure);

			if (plan)
				step_print(&m, plan);
			snprintf(failure + len, sizeof(failure) - len, " (step %d)", step);
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
				failure);
			return 1;
		}
	printf("ok 1 - invariants of decide hold over %" PRIu64 " random hosts\n", cases);
	return 0;
}
