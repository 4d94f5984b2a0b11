/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long decide() takes, by size and kind of the host. Before each timed decision every guest
 * reports anew, and beside each runs a fixed loop of known length: where that one is late too, it
 * was the machine. Usage: decide-time [--quick]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/decide-hosts.h"
#include "common/units.h"

/* Of medians. Near-linear: ten times the guests, at most so many tenths of ten times the time. */
#define LIMIT_1000_NSEC	 UINT64_C(1000000)
#define LIMIT_10000_NSEC UINT64_C(15000000)
#define LIMIT_GROWTH	 UINT64_C(150)
#define LOOP_ROUNDS	 50000
#define WARM_UP		 30
#define SAMPLES_MAX	 4000

struct size {
	size_t guests, decisions, decisions_quick;
	uint64_t limit_nsec; /* 0: none */
};
static const struct size sizes[] = {
	{10, 4000, 100, 0},
	{100, 4000, 50, 0},
	{1000, 1500, 20, LIMIT_1000_NSEC},
	{10000, 300, 5, LIMIT_10000_NSEC},
};

struct samples {
	uint64_t nsec[SAMPLES_MAX];
	size_t n;
};
static struct samples decisions, loops;

static uint64_t clock_nsec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t percentile(struct samples *s, size_t percent)
{
	qsort(s->nsec, s->n, sizeof(*s->nsec), compare);
	return s->nsec[(s->n - 1) * percent / 100];
}

static uint64_t loop_nsec(void)
{
	uint64_t begin = clock_nsec();
	volatile uint64_t x = 1;

	for (int i = 0; i < LOOP_ROUNDS; i++)
		x = x * 3 + 1;
	return clock_nsec() - begin;
}

static int decide_once(struct host *h, struct decide_state *state, uint64_t *ret_nsec)
{
	struct plan *plan = NULL;
	uint64_t begin = clock_nsec();
	int r = decide(host_snapshot(h), host_policies(h), state, &plan);

	*ret_nsec = clock_nsec() - begin;
	if (r < 0)
		return r;
	host_step(h, plan);
	begin = clock_nsec();
	plan_free(plan);
	*ret_nsec += clock_nsec() - begin;
	return 0;
}

/* Fills the samples of one host; *ret_first_nsec is its first decision, which matches and merges
 * all policies. */
static int measure(enum host_mix mix, const struct size *size, bool quick, uint64_t *ret_first_nsec)
{
	_cleanup_host_ struct host *h = host_new(mix, size->guests, 1);
	_cleanup_(decide_state_freep) struct decide_state *state = decide_state_new();
	size_t n = quick ? size->decisions_quick : size->decisions;
	uint64_t nsec;
	int r;

	if (!h || !state)
		return -ENOMEM;
	r = decide_once(h, state, ret_first_nsec);
	for (int i = 0; r >= 0 && i < WARM_UP; i++)
		r = decide_once(h, state, &nsec);
	for (decisions.n = loops.n = 0; r >= 0 && decisions.n < n;) {
		loops.nsec[loops.n++] = loop_nsec();
		r = decide_once(h, state, &decisions.nsec[decisions.n++]);
	}
	return r;
}

static double ms(uint64_t nsec)
{
	return (double)nsec / 1e6;
}

/* One kind of host in all sizes. Returns how many limits were missed, or -errno. */
static int mix_measure(enum host_mix mix, bool quick)
{
	uint64_t before = 0, first;
	int missed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint64_t median, growth;
		bool miss;
		int r = measure(mix, &sizes[i], quick, &first);

		if (r < 0)
			return r;
		median = percentile(&decisions, 50);
		growth = before ? median * 10 / before : 0;
		miss = sizes[i].limit_nsec &&
		       (median > sizes[i].limit_nsec || growth > LIMIT_GROWTH);
		missed += miss;
		printf("%-14s %6zu %9.3f %9.3f %9.3f %7.2f %8.3f %8.3f  %s\n",
			host_mix_to_string(mix), sizes[i].guests, ms(first), ms(median),
			ms(percentile(&decisions, 99)), (double)growth / 10,
			ms(percentile(&loops, 50)), ms(percentile(&loops, 99)),
			!sizes[i].limit_nsec ? ""
			: miss		     ? "MISSED"
					     : "PASS");
		fflush(stdout);
		before = median;
	}
	return missed;
}

int main(int argc, char **argv)
{
	bool quick = argc == 2 && !strcmp(argv[1], "--quick");
	int missed = 0;

	if (argc > 1 && !quick) {
		fprintf(stderr, "usage: %s [--quick]\n", argv[0]);
		return 2;
	}
	printf("decide(), ms; limits on the median: %.0f at 1000 guests, %.0f at 10000, and %.0f times "
	       "the time for 10 times the guests\n",
		ms(LIMIT_1000_NSEC), ms(LIMIT_10000_NSEC), (double)LIMIT_GROWTH / 10);
	printf("%-14s %6s %9s %9s %9s %7s %8s %8s\n", "host", "guests", "first", "median", "p99",
		"growth", "loop p50", "p99");
	for (int mix = 0; mix < MIX_MAX; mix++) {
		int r = mix_measure((enum host_mix)mix, quick);

		if (r < 0) {
			fprintf(stderr, "decide: %s\n", strerror(-r));
			return 1;
		}
		missed += r;
	}
	printf("%s\n", missed ? "MISSED" : "PASS");
	return missed > 0;
}
