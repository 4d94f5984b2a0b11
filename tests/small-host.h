/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "common/units.h"
#include "policy/decide.h"
#include "policy/decide-state.h"
#include "tests/test.h"

/*
 * A small host for tests of decide()'s parts: some guests that report whatever the test says, and
 * obey at once. Everything starts at rest: each guest uses a quarter of what it has and has swap.
 */
#define SMALL_GUESTS 4
#define SMALL_START  (100000 * USEC_PER_SEC)
/* MemTotal is that much below actual. */
#define SMALL_KERNEL (40 * MIB)

struct small_host {
	struct snapshot snap;
	struct guest_sample guests[SMALL_GUESTS];
	char names[SMALL_GUESTS][8];
	struct policy_set *set;
	struct decide_state *state;
	struct plan *plan; /* the last one */
};

/* What guest i uses and caches now, by its own word. */
static inline void small_report(
	struct small_host *h, size_t i, uint64_t used_bytes, uint64_t file_bytes)
{
	struct guest_sample *s = &h->guests[i];
	struct guest_report *r = &s->report;

	r->source = REPORT_AGENT;
	r->arrival_usec = r->guest_usec = h->snap.now_boot_usec;
	r->seq++;
	r->boot_id = 1;
	r->total_bytes = s->actual_bytes - SMALL_KERNEL;
	r->available_bytes = sub_sat(s->actual_bytes, used_bytes);
	r->available_bytes = MIN(r->available_bytes, r->total_bytes);
	r->file_bytes = file_bytes;
	r->swap_total_bytes = r->swap_free_bytes = GIB;
	r->has_counters = r->has_psi = true;
	s->resident_bytes = MIN(s->actual_bytes, used_bytes + file_bytes);
}

static inline void small_begin(
	struct small_host *h, size_t n, uint64_t memory_bytes, const char *policy)
{
	struct policy_text text = {.name = "test", .text = policy, .len = strlen(policy)};
	_cleanup_diag_list_ struct diag_list findings = {0};

	memset(h, 0, sizeof(*h));
	h->snap = (struct snapshot){.now_boot_usec = SMALL_START,
		.now_real_usec = UINT64_C(1795000000) * USEC_PER_SEC, .enforce = true,
		.guests = h->guests, .n_guests = n,
		.host = {.name = "host", .cpus = 4, .memory_bytes = memory_bytes}};
	for (size_t i = 0; i < n; i++) {
		struct guest_sample *s = &h->guests[i];

		snprintf(h->names[i], sizeof(h->names[i]), "g%zu", i);
		s->id.name = h->names[i];
		s->id.uuid.bytes[15] = (uint8_t)(i + 1);
		s->running = s->balloon_answered = true;
		s->max_bytes = 4 * GIB;
		s->actual_bytes = s->target_bytes = 2 * GIB;
		s->vcpus = 1;
		small_report(h, i, 512 * MIB, 0);
	}
	h->state = decide_state_new();
	if (!h->state ||
		policy_set_from_texts(&text, *policy != '\0', NULL, &h->set, &findings) < 0)
		abort();
}

static inline void small_clear(struct small_host *h)
{
	plan_free(h->plan);
	decide_state_free(h->state);
	policy_set_unref(h->set);
}
#define _cleanup_small_host_ _cleanup_(small_clear)

/* Decides, and lets every balloon arrive. */
static inline const struct plan *small_decide(struct small_host *h)
{
	h->plan = plan_free(h->plan);
	if (decide(&h->snap, h->set, h->state, &h->plan) < 0)
		abort();
	for (size_t i = 0; i < h->plan->n_actions; i++) {
		const struct action *a = &h->plan->actions[i];
		struct guest_sample *s;

		if (a->kind != ACTION_MEMORY) /* a reservation's guest has no place yet */
			continue;
		s = &h->guests[a->guest_index];
		s->target_bytes = s->actual_bytes = a->to_bytes;
		s->actual_usec = h->snap.now_boot_usec + 1; /* read after the command */
	}
	return h->plan;
}

static inline void small_pass(struct small_host *h, uint64_t usec)
{
	h->snap.now_boot_usec += usec;
	h->snap.now_real_usec += usec;
}
