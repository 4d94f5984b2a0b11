/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* placement_find() over random clusters, held against bookkeeping of our own in floating point, and
 * against plain steepest descent. CASES and SEED choose how many and where from. */
#include "policy/placement.h"

#include <math.h>

#include "tests/test.h"

#define HOSTS_MAX  8
#define GUESTS_MAX 40

static uint64_t random_state;

static uint64_t next_random(uint64_t below) /* splitmix64 */
{
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31)) % below;
}

struct world {
	struct placement_host hosts[HOSTS_MAX];
	struct placement_guest guests[GUESTS_MAX];
	struct placement_question q;
	size_t at[GUESTS_MAX];
	uint64_t used[HOSTS_MAX], vcpus[HOSTS_MAX];
};

static void world_start(struct world *w)
{
	memset(w->used, 0, sizeof(w->used));
	for (size_t h = 0; h < w->q.n_hosts; h++)
		w->vcpus[h] = w->hosts[h].vcpus_own;
	for (size_t g = 0; g < w->q.n_guests; g++) {
		w->at[g] = w->guests[g].host;
		w->used[w->at[g]] += w->guests[g].bytes;
		w->vcpus[w->at[g]] += w->guests[g].vcpus;
	}
}

static void world_make(struct world *w)
{
	bool crowded = next_random(3) == 0;
	bool leave = next_random(2);

	*w = (struct world){0};
	w->q = (struct placement_question){w->hosts, 1 + next_random(HOSTS_MAX), w->guests,
		next_random(GUESTS_MAX + 1), leave && next_random(2)};
	for (size_t h = 0; h < w->q.n_hosts; h++) {
		uint64_t memory = (1 + next_random(4)) * 16 * GIB;

		w->hosts[h] = (struct placement_host){"h", memory, memory - next_random(GIB),
			4 << next_random(3), .vcpus_own = (uint32_t)next_random(2),
			.vcpus_max = next_random(4) ? 0 : 20, .accepts = next_random(8),
			.group = next_random(6) == 0};
		if (leave && next_random(3) == 0) {
			w->hosts[h].leaves = true;
			w->hosts[h].accepts = false;
		}
	}
	for (size_t g = 0; g < w->q.n_guests; g++)
		w->guests[g] = (struct placement_guest){"g", next_random(w->q.n_hosts),
			(1 + next_random(crowded ? 16 : 6)) * (GIB - next_random(3) * 100 * MIB),
			(uint32_t)next_random(5), next_random(10) == 0};
	world_start(w);
}

static bool fits(const struct world *w, size_t g, size_t h)
{
	const struct placement_host *host = &w->hosts[h];

	return host->accepts && host->group == w->hosts[w->guests[g].host].group &&
	       w->used[h] + w->guests[g].bytes <= host->room_bytes &&
	       (!host->vcpus_max || w->vcpus[h] + w->guests[g].vcpus <= host->vcpus_max);
}

static void put(struct world *w, size_t g, size_t h)
{
	w->used[w->at[g]] -= w->guests[g].bytes;
	w->vcpus[w->at[g]] -= w->guests[g].vcpus;
	w->used[h] += w->guests[g].bytes;
	w->vcpus[h] += w->guests[g].vcpus;
	w->at[g] = h;
}

static double deviation(const struct world *w, bool memory)
{
	double sum = 0, squares = 0;
	size_t n = 0;

	for (size_t h = 0; h < w->q.n_hosts; h++) {
		const struct placement_host *host = &w->hosts[h];
		double x = memory ? ((double)host->room_bytes - (double)w->used[h]) /
					    (double)host->memory_bytes
				  : (double)w->vcpus[h] / host->cpus;

		if (!host->accepts)
			continue;
		sum += x;
		squares += x * x;
		n++;
	}
	return n ? sqrt(fmax(squares / n - (sum / n) * (sum / n), 0)) : 0;
}

static double score(const struct world *w)
{
	return deviation(w, true) + deviation(w, false);
}

/* hbal's way: the best move, until it gains too little. Returns how many. */
static size_t descend(struct world *w)
{
	size_t moves = 0;

	for (;; moves++) {
		double now = score(w), best = now;
		size_t guest = 0, to = 0;

		for (size_t g = 0; g < w->q.n_guests; g++)
			for (size_t h = 0, from = w->at[g]; h < w->q.n_hosts; h++) {
				double then;

				if (w->guests[g].fixed || h == from || !fits(w, g, h))
					continue;
				put(w, g, h);
				then = score(w);
				put(w, g, from);
				if (then < best) {
					best = then;
					guest = g;
					to = h;
				}
			}
		if (now - best < (now <= 0.1 ? 0.01 : 0.000001))
			return moves;
		put(w, guest, to);
	}
}

/* NULL, or what is wrong with the plan. */
static const char *judge(struct world *w, const struct placement_plan *p)
{
	bool leaves = false;
	size_t stranded = 0;

	world_start(w);
	for (size_t g = 0; g < w->q.n_guests; g++)
		leaves |= w->hosts[w->at[g]].leaves;
	if (fabs((double)p->score_before / (double)PLACEMENT_ONE - score(w)) > 1e-6)
		return "the score before is not that of the cluster";
	if (!leaves && w->q.only_leave && p->n_moves)
		return "nobody had to leave and somebody moves";
	for (size_t i = 0; i < p->n_moves; i++) {
		const struct placement_move *m = &p->moves[i];

		if (m->guest >= w->q.n_guests || m->to >= w->q.n_hosts || m->to == m->from)
			return "a move is none";
		if (w->guests[m->guest].fixed)
			return "who cannot travel does";
		if (w->at[m->guest] != m->from)
			return "a move begins where its guest is not";
		if (!fits(w, m->guest, m->to))
			return "a host has no room for who comes";
		put(w, m->guest, m->to);
		if (fabs((double)m->score / (double)PLACEMENT_ONE - score(w)) > 1e-6)
			return "the score after a move is another";
	}
	if (fabs((double)p->score_after / (double)PLACEMENT_ONE - score(w)) > 1e-6)
		return "the score after is not that of the last move";
	for (size_t g = 0; g < w->q.n_guests; g++)
		stranded += w->hosts[w->at[g]].leaves;
	if (stranded != p->n_left)
		return "who is left is not who is still there";
	for (size_t i = 0; i < p->n_left; i++) {
		size_t g = p->left[i];

		if (!w->hosts[w->at[g]].leaves)
			return "somebody is called left and has gone";
		for (size_t h = 0; h < w->q.n_hosts && !w->guests[g].fixed && w->q.only_leave; h++)
			if (fits(w, g, h))
				return "somebody is left and there is room";
	}
	return NULL;
}

/* Among moves that are equally good the two may choose differently, and end differently: seldom. */
static bool is_worse(struct world *w, const struct placement_plan *p)
{
	double reached, after;
	size_t moves;

	for (size_t h = 0; h < w->q.n_hosts; h++)
		if (w->hosts[h].leaves)
			return false;
	world_start(w);
	moves = descend(w);
	reached = score(w);
	after = (double)p->score_after / (double)PLACEMENT_ONE;
	return p->n_moves >= moves && after > reached + (p->n_moves > moves ? -1e-6 : 1e-6);
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

TEST(plans_can_be_carried_out_and_are_no_worse_than_steepest_descent)
{
	uint64_t cases = from_environment("CASES", 3000), first = from_environment("SEED", 1);
	uint64_t worse = 0;

	for (uint64_t seed = first; seed < first + cases; seed++) {
		_cleanup_placement_plan_ struct placement_plan *p = NULL;
		const char *wrong;
		struct world w;

		random_state = seed;
		world_make(&w);
		CHECK_INT(placement_find(&w.q, &p), 0);
		wrong = judge(&w, p);
		worse += is_worse(&w, p);
		if (wrong)
			TEST_FAIL("SEED=%" PRIu64 ": %s", seed, wrong);
	}
	printf("# %" PRIu64 " of %" PRIu64 " are worse than steepest descent\n", worse, cases);
	CHECK(worse <= cases / 200);
}

TEST_MAIN()
