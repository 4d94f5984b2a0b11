/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/decide-state.h"
#include "policy/divide.h"

/* Private to decide(): one decision while it is made. The parts work on it in the order of decide.c. */
struct work {
	const struct guest_sample *s;
	struct guest_state *g;
	const struct settings *set;
	struct plan_guest *p;
	enum balloon_verdict verdict;
	struct demand_sizes sizes;
	bool out;              /* not divided: stays as it is, charged where it is */
	uint64_t target_bytes; /* as it stands before this decision */
	uint64_t charge_bytes; /* what it may take at worst */
	uint64_t held_bytes;   /* what it takes from the division if it is out */
	bool commanded;
	struct division_guest *div; /* NULL if out */
};

struct decision {
	const struct snapshot *snap;
	const struct policy_set *set;
	struct decide_state *state;
	struct plan *plan;
	struct work *work; /* one a guest of the snapshot */
	struct division_guest *divs;
	size_t n_divs;
	struct facts host_facts;
	struct override *overrides; /* sorted by guest */
	size_t actions_allocated, events_allocated;
	uint64_t now;
	uint64_t division_bytes; /* budget without what is out and what is reserved */
	uint64_t pending_bytes;  /* reservations that are being made room for */
	uint64_t wake;
	enum level exhausted;
	bool failed; /* no memory for an action or event */
};

/* Appends a zeroed action/event, or NULL (and d->failed) without memory. */
struct action *decision_action(struct decision *d, enum action_kind kind, const struct work *w);
struct plan_event *decision_event(struct decision *d, enum event_kind kind, const struct work *w);
void decision_wake(struct decision *d, uint64_t boot_usec);

/* budget.c: what there is to divide, and the host's facts and state. */
void budget_host(struct decision *d);
void budget_total(struct decision *d);
void budget_state(struct decision *d);
/* levels.c: each guest's row of sizes. */
void levels_build(struct decision *d);
/* moves.c: from shares to commands. */
void moves_stand_where_reached(struct decision *d);
int moves_memory(struct decision *d) _must_check_;
void moves_cpu(struct decision *d);
/* reserve.c: room for guests that start or arrive. */
void reserve_plan(struct decision *d);
void reserve_answer(struct decision *d);
