/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A scenario: refused with a place, or a world that keeps its own rules for a while. */
#include "simulate/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct settings *no_policy(void *userdata, size_t guest)
{
	return NULL;
}

static void check_guest(const struct world_guest *g)
{
	if (g->life == LIFE_RUNNING && g->actual_bytes > g->spec->max_bytes)
		abort();
	if (g->swapped_bytes > g->anon_bytes || g->swapped_bytes > g->spec->swap_bytes)
		abort();
	if (g->life == LIFE_RUNNING && guest_used_bytes(g) > guest_ram_bytes(g))
		abort();
	if (g->rates.stall_permyriad > 9000 || g->missing_bytes > g->demand_bytes)
		abort();
}

static void run(struct world *w, struct judge *j)
{
	for (int i = 0; i < 50; i++) {
		world_tick(w);
		for (size_t k = 0; k < w->n_guests; k++) {
			check_guest(&w->guests[k]);
			world_command(w, k, w->guests[k].spec->max_bytes / (1 + (uint64_t)i % 7),
				w->now_msec);
		}
		if (judge_tick(j) < 0)
			return;
	}
	judge_end(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_scenario_ struct scenario *s = NULL;
	_cleanup_world_ struct world *w = NULL;
	_cleanup_judge_ struct judge *j = NULL;
	_cleanup_diag_ struct diag d = {0};
	int err = scenario_parse("input", (const char *)data, size, &s, &d);

	if (err == -EBADMSG && !d.text)
		abort();
	if (err < 0 || s->n_guests > 64)
		return 0;
	w = world_new(s);
	j = w ? judge_new(w, no_policy, NULL) : NULL;
	if (j)
		run(w, j);
	return 0;
}
