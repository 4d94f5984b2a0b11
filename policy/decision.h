/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/contest.h"
#include "policy/decide-state.h"
#include "policy/divide.h"

/* Private to decide(): one decision while it is made. The parts work on it in the order of
 * decide.c. */
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
	bool regulated;        /* its CPU weight or its soft limit may have to be set */
	uint64_t growth_bytes; /* what it asks for now; 0: its share is not worth a command */
	uint64_t granted_bytes; /* what it is to get of that */
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
	struct override *overrides; /* those of the guest that is being judged */
	size_t actions_allocated, events_allocated;
	uint64_t now;
	uint64_t division_bytes; /* budget without what is out and what is reserved */
	uint64_t pending_bytes;  /* reservations that are being made room for */
	uint64_t wake;
	uint64_t doubt_bytes;    /* that some of those may take beyond what they hold */
	uint64_t out_bytes;      /* held by those that are out of the division */
	struct contest contest; /* of those that run or wait, as they are looked at */
	size_t n_releases;       /* guests that are to have a full release */
	bool restless;           /* something moves or somebody is pressed */
	bool corrections;        /* some balloon stands elsewhere than it was told */
	enum level exhausted;
	bool failed; /* no memory for an action or event */
};

/* A change below this is not worth a command. */
#define MOVE_MIN_BYTES (8 * MIB)

/* What the shares come to. */
struct move_sums {
	uint64_t growth;   /* asked by those who act */
	uint64_t promised; /* as much of it as floors lack; then what has to be taken for that */
	size_t n_growing;
	uint64_t targets;  /* of all that are divided */
	uint64_t takeable; /* above their shares */
	bool urgent;       /* some of those cannot wait */
	bool must;         /* somebody shrinks whether or not it is needed */
};

/* A guest resident beyond its charge by more than this is on its way to be a breaker. */
#define BREAKER_BYTES (64 * MIB)

/* Guest memory that its QEMU holds on the host. */
static inline uint64_t guest_resident(const struct guest_sample *s)
{
	return s->resident_bytes > s->qemu_bytes ? s->resident_bytes - s->qemu_bytes : 0;
}

/* Appends a zeroed action/event, or NULL (and d->failed) without memory. */
struct action *decision_action(struct decision *d, enum action_kind kind, const struct work *w);
struct plan_event *decision_event(struct decision *d, enum event_kind kind, const struct work *w);
/* An event with two numbers. */
void decision_event_sizes(
	struct decision *d, enum event_kind kind, const struct work *w, uint64_t a, uint64_t b);
void decision_wake(struct decision *d, uint64_t boot_usec);

/* decide-look.c: the first look at guest i: what it has and may take. -EINVAL: it is there
 * twice. */
int look_guest(struct decision *d, size_t i) _must_check_;
/* decide-judge.c: the second look: what policies say of it and what it needs. */
int judge_guest(struct decision *d, struct work *w) _must_check_;
/* decide-overrides.c: sorts them by guest; copies those of one to d->overrides and returns how
 * many. */
int overrides_sort(struct decision *d) _must_check_;
size_t overrides_of(struct decision *d, struct guest_state *g);
/* budget.c: what there is to divide, and the host's facts and state. */
void budget_host(struct decision *d);
void budget_total(struct decision *d);
void budget_state(struct decision *d);
/* what the host itself uses, of late and by much */
bool budget_host_rose(const struct decision *d);
uint64_t budget_beyond_doubt(const struct decision *d);
/* levels.c: a guest's row of sizes; then, of what nobody wants, the full releases. */
void levels_guest(struct decision *d, struct work *w);
void levels_release(struct decision *d);
/* Silent, and short by its last word or by what the host sees of it: it is to have more than it
 * keeps. */
bool levels_stale_room(const struct decision *d, const struct work *w);
/* moves.c: from shares to commands. */
void moves_stand_where_reached(struct decision *d, struct work *w);
int moves_memory(struct decision *d) _must_check_;
/* Tells it its new target. Returns 0 or -ENOMEM. */
int moves_command(struct decision *d, struct work *w, uint64_t to_bytes,
	const struct reason *reason) _must_check_;
/* moves-take.c: first what frees, and only as much as somebody needs. */
int moves_take(struct decision *d, uint64_t deficit, const struct move_sums *m) _must_check_;
/* Gave of its page cache and misses it, while others are short too: back and forth between the two
 * helps neither. */
bool moves_still_lends(const struct decision *d, const struct work *w);
/* Above its Max, or above what a policy leaves it: shrunk though nobody needs it. */
bool moves_must_shrink(const struct work *w);
/* moves-reason.c: why. deficit and growth are those of the whole host. */
struct reason moves_shrink_reason(const struct decision *d, const struct work *w, uint64_t deficit,
	uint64_t growth);
struct reason moves_growth_reason(const struct decision *d, const struct work *w);
/* moves-cgroup.c: who contends, and who may have to be told something; then telling them. */
void moves_cgroup_look(struct decision *d, struct work *w);
void moves_cgroups(struct decision *d);
/* reserve.c: room for guests that start or arrive. */
void reserve_plan(struct decision *d);
void reserve_answer(struct decision *d);
