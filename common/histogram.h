/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * How often something took how long: one count for each bound, as Prometheus wants it. Zero it to
 * begin. Not locked: it belongs to the thread that adds; others get copies.
 */
#define HISTOGRAM_BOUNDS 12
struct histogram {
	/* up to each bound and above the one before; the last: above all */
	uint64_t n[HISTOGRAM_BOUNDS + 1];
	uint64_t sum_usec;
};

/* Dense where the promises are: a turn of the main loop within 5 ms, a request within a tenth of a
 * second. */
static const uint64_t histogram_bound_usec[HISTOGRAM_BOUNDS] = {
	100, 250, 500, 1000, 2500, 5000, 10000, 25000, 100000, 500000, 2500000, 10000000};

static inline void histogram_add(struct histogram *h, uint64_t usec)
{
	int i = 0;

	while (i < HISTOGRAM_BOUNDS && usec > histogram_bound_usec[i])
		i++;
	h->n[i]++;
	h->sum_usec += usec;
}

static inline uint64_t histogram_count(const struct histogram *h)
{
	uint64_t n = 0;

	for (int i = 0; i <= HISTOGRAM_BOUNDS; i++)
		n += h->n[i];
	return n;
}
