/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/units.h"
#include "policy/demand.h"

/*
 * Private to the files demand*.c: a report is taken in (demand-report.c), judged for pressure
 * (demand-pressure.c), and sizes follow from what is known then (demand-sizes.c).
 */

/* Memory that was just released is still being filled: no judgement, no fading before this. */
#define BOOST_HOLD_USEC (10 * USEC_PER_SEC)
#define BOOST_HALF_USEC (30 * USEC_PER_SEC)
/* Two grants within that, and pressed still: it fills as fast as it is given, so measuring each
 * step only keeps it short. */
#define CHASE_USEC (2 * USEC_PER_SEC)
#define CHASE_MAX  2
/* What was granted must be used within this (DESIGN: credible pressure). */
#define CREDIT_CHECK_USEC (10 * USEC_PER_SEC)

/* Kernels and drivers are late by pages: below this much available memory a guest is about to
 * kill. */
#define LOW_MIN_BYTES (24 * MIB)
#define LOW_MAX_BYTES (512 * MIB)

/* Rates since the last report, the size that it tells of, and what is used of that. */
void demand_take_report(
	struct demand *d, const struct guest_sample *s, uint64_t now_usec) _nonnull_;
/* Anonymous memory that a guest without a net must be able to take at once: its room when it has
 * none, and what free swap is one from. */
uint64_t demand_burst(const struct guest_sample *s) _nonnull_ _pure_;
/* Is it short, and what does it ask for? To be told once per report, after the above. */
void demand_take_pressure(
	struct demand *d, const struct guest_sample *s, uint64_t now_usec) _nonnull_;
/* Ten seconds after a grant under pressure: was it used, or did it help? */
void demand_check_credit(
	struct demand *d, const struct guest_sample *s, uint64_t now_usec) _nonnull_;
/* It was seen short, and not so long ago that this is doubted. */
bool demand_need_proved(const struct demand *d, uint64_t now_usec) _nonnull_ _pure_;
/* The size at which it was last seen short, as far as that still counts. */
uint64_t demand_need_now(const struct demand *d, uint64_t now_usec) _nonnull_;

/* Halves x for every half_usec that passed since from_usec; between the halvings it falls in a
 * straight line. */
static inline uint64_t fade(uint64_t x, uint64_t from_usec, uint64_t now_usec, uint64_t half_usec)
{
	uint64_t passed = sub_sat(now_usec, from_usec), halves = passed / half_usec;

	if (halves >= 63)
		return 0;
	x >>= halves;
	return x - mul_div(x / 2, passed % half_usec, half_usec);
}

/* Below this a burst of allocations may meet nothing. */
static inline uint64_t low_bytes(uint64_t size_bytes)
{
	return CLAMP(size_bytes / 16, LOW_MIN_BYTES, LOW_MAX_BYTES);
}
