/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

/* How fast a guest's counters move between two looks; UINT64_MAX: not known. */
struct guest_rates {
	uint64_t cpu_permyriad;	  /* of one CPU, all vCPUs together */
	uint64_t delay_permyriad; /* waited for a CPU of the host */
};
/* Rates of each guest of now since before (an earlier answer to the same request, or NULL), in
 * now's order. NULL without before. The caller frees. */
struct guest_rates *guest_rates_new(const json_t *before, const json_t *now, uint64_t elapsed_usec)
	_nonnull_args_(2);

/* The table of guests that status, top and guest list show. rates may be NULL. */
void guest_table_print(const struct cli *c, FILE *f, const json_t *guests,
	const struct guest_rates *rates) _nonnull_args_(1, 2, 3);
/* All, or where there are more than max the first max of them by guest_rank(), and how many are not
 * shown. */
void guest_table_print_some(
	const struct cli *c, FILE *f, const json_t *guests, size_t max) _nonnull_;

/* The words of /conditions joined by ", " and "fixed" for what cannot be moved; "-" if none.
 * Returns buf. */
#define GUEST_STATE_MAX 128
char *guest_state(const json_t *guest, char buf[static GUEST_STATE_MAX]) _nonnull_;
bool guest_is(const json_t *guest, const char *condition) _nonnull_;
/* It has less than its Min=, and its share is no more: there is no room for that. */
bool guest_is_unmet(const json_t *guest) _nonnull_;
/* What is looked at first where not all can be shown: GUEST_WELL is the last. */
enum guest_rank {
	GUEST_SHORT,
	GUEST_BAD,
	GUEST_NOTED,
	GUEST_WELL,
};
enum guest_rank guest_rank(const json_t *guest) _nonnull_;
/* How its state should look. */
enum style guest_style(const json_t *guest) _nonnull_;
