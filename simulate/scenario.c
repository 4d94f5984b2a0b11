/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/scenario.h"

#include <fnmatch.h>

uint64_t steps_at(const struct steps *s, uint64_t at_msec)
{
	uint64_t value = 0;

	for (size_t i = 0; i < s->n && s->items[i].at_msec <= at_msec; i++)
		value = s->items[i].value;
	return value;
}

bool expect_matches(const struct expect *e, const char *guest)
{
	return !e->guest || fnmatch(e->guest, guest, 0) == 0;
}

uint64_t scenario_next_demand_step(const struct scenario *s, uint64_t after_msec)
{
	uint64_t next = MSEC_NEVER;

	for (size_t i = 0; i < s->n_specs; i++) {
		const struct steps *d = &s->specs[i].demand;

		for (size_t k = 0; k < d->n; k++)
			if (d->items[k].at_msec > after_msec)
				next = MIN(next, d->items[k].at_msec);
	}
	return next;
}

static void spec_clear(struct guest_spec *g)
{
	for (size_t i = 0; g->tags && g->tags[i]; i++)
		free(g->tags[i]);
	free(g->tags);
	free(g->name);
	free(g->demand.items);
	free(g->cpu_demand.items);
}

static void policy_clear(struct scenario_policy *p)
{
	free(p->name);
	free(p->path);
	free(p->text);
}

struct scenario *scenario_free(struct scenario *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->n_policies; i++)
		policy_clear(&s->policies[i]);
	for (size_t i = 0; i < s->n_specs; i++)
		spec_clear(&s->specs[i]);
	for (size_t i = 0; i < s->n_guests; i++)
		free(s->guests[i].name);
	for (size_t i = 0; i < s->n_expects; i++)
		free(s->expects[i].guest);
	free(s->policies);
	free(s->specs);
	free(s->guests);
	free(s->expects);
	free(s->other.items);
	free(s->name);
	free(s);
	return NULL;
}
