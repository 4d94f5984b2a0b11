/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/judge-parts.h"

#include "common/units.h"

static bool of_each_guest(const struct expect *e)
{
	return e->kind == EXPECT_AT_LEAST;
}

static bool of_time(const struct expect *e)
{
	return e->kind == EXPECT_AT_LEAST || e->kind == EXPECT_HOST_FREE;
}

int judge_expect_begin(struct judge *j)
{
	const struct scenario *sc = j->world->scenario;

	j->verdicts = calloc(sc->n_expects + 1, sizeof(*j->verdicts));
	if (!j->verdicts)
		return -ENOMEM;
	for (size_t i = 0; i < sc->n_expects; i++) {
		struct verdict *v = &j->verdicts[i];
		size_t n = of_each_guest(&sc->expects[i]) ? j->world->n_guests : 1;

		/* which has to be looked at once */
		v->met = sc->expects[i].kind != EXPECT_NEVER_BELOW;
		v->lowest = UINT64_MAX;
		v->since_msec = calloc(n, sizeof(*v->since_msec));
		v->met_msec = calloc(n, sizeof(*v->met_msec));
		if (!v->since_msec || !v->met_msec)
			return -ENOMEM;
		for (size_t k = 0; k < n; k++)
			v->since_msec[k] = v->met_msec[k] = MSEC_NEVER;
	}
	return 0;
}

void judge_expect_free(struct judge *j)
{
	for (size_t i = 0; j->verdicts && i < j->world->scenario->n_expects; i++) {
		free(j->verdicts[i].since_msec);
		free(j->verdicts[i].met_msec);
	}
	free(j->verdicts);
}

/* Does it hold now? k: which guest. */
static bool holds(const struct judge *j, const struct expect *e, size_t k)
{
	const struct world *w = j->world;
	int64_t needed;

	if (e->kind == EXPECT_AT_LEAST)
		return w->guests[k].life == LIFE_RUNNING && w->guests[k].actual_bytes >= e->value;
	needed = (int64_t)mul_div(w->scenario->memory_bytes, e->value, PERMYRIAD);
	return world_free_bytes(w) >= needed;
}

static size_t width(const struct judge *j, const struct expect *e)
{
	return of_each_guest(e) ? j->world->n_guests : 1;
}

/* A demand step (or the end) closes a stretch: what held from within the window up to here is
 * met. */
static void close_segment(struct judge *j)
{
	const struct scenario *sc = j->world->scenario;

	for (size_t i = 0; i < sc->n_expects; i++) {
		const struct expect *e = &sc->expects[i];
		struct verdict *v = &j->verdicts[i];

		for (size_t k = 0; of_time(e) && k < width(j, e); k++) {
			uint64_t from = MAX(v->since_msec[k], MAX(j->segment_msec, e->after_msec));

			if (v->since_msec[k] == MSEC_NEVER || v->met_msec[k] != MSEC_NEVER)
				continue;
			if (from <= add_sat(e->after_msec, e->within_msec) &&
				from <= j->last_tick_msec)
				v->met_msec[k] = from;
		}
	}
}

static void watch_lowest(struct judge *j, const struct expect *e, struct verdict *v)
{
	if (j->world->now_msec < e->after_msec)
		return;
	for (size_t k = 0; k < j->world->n_guests; k++) {
		const struct world_guest *g = &j->world->guests[k];

		if (g->life == LIFE_RUNNING && expect_matches(e, g->name))
			v->lowest = MIN(v->lowest, g->actual_bytes);
	}
	v->met = v->lowest >= e->value;
}

void judge_expect_tick(struct judge *j)
{
	const struct scenario *sc = j->world->scenario;
	uint64_t now = j->world->now_msec;

	if (now > 0 && scenario_next_demand_step(sc, j->last_tick_msec) <= now) {
		close_segment(j);
		j->segment_msec = now;
	}
	for (size_t i = 0; i < sc->n_expects; i++) {
		const struct expect *e = &sc->expects[i];
		struct verdict *v = &j->verdicts[i];

		if (e->kind == EXPECT_NEVER_BELOW)
			watch_lowest(j, e, v);
		for (size_t k = 0; of_time(e) && k < width(j, e); k++) {
			if (!holds(j, e, k))
				v->since_msec[k] = MSEC_NEVER;
			else if (v->since_msec[k] == MSEC_NEVER)
				v->since_msec[k] = now;
		}
	}
	j->last_tick_msec = now;
}

void judge_expect_command(struct judge *j, const struct judged_command *c, bool flip)
{
	const struct scenario *sc = j->world->scenario;

	for (size_t i = 0; i < sc->n_expects; i++) {
		const struct expect *e = &sc->expects[i];
		bool counts = e->kind == EXPECT_COMMANDS_AT_MOST ||
			      (e->kind == EXPECT_FLIPS_AT_MOST && flip);

		if (!counts || c->at_msec < e->after_msec ||
			!expect_matches(e, j->world->guests[c->guest].name))
			continue;
		j->verdicts[i].met = ++j->verdicts[i].count <= e->value;
	}
}

void judge_expect_end(struct judge *j)
{
	const struct scenario *sc = j->world->scenario;

	close_segment(j);
	for (size_t i = 0; i < sc->n_expects; i++) {
		const struct expect *e = &sc->expects[i];
		struct verdict *v = &j->verdicts[i];

		for (size_t k = 0; of_time(e) && k < width(j, e); k++)
			if (e->kind == EXPECT_HOST_FREE ||
				expect_matches(e, j->world->guests[k].name))
				v->met &= v->met_msec[k] != MSEC_NEVER;
	}
}
