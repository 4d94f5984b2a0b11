/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Overrides by guest: found without a look at all of them for each guest. */
#include "policy/decision.h"

static int compare_guests(const struct override *a, const struct override *b)
{
	return memcmp(a->guest.bytes, b->guest.bytes, sizeof(a->guest.bytes));
}

/* Those of one guest stay in the order in which they were given: the later one wins. */
static int compare(const void *a, const void *b, void *list)
{
	const size_t i = *(const size_t *)a, k = *(const size_t *)b;
	int r = compare_guests(
		(const struct override *)list + i, (const struct override *)list + k);

	return r ? r : (i > k) - (i < k);
}

static bool is_sorted(const size_t *order, size_t n, const struct override *list)
{
	for (size_t i = 1; i < n; i++)
		if (compare(&order[i - 1], &order[i], (void *)list) > 0)
			return false;
	return true;
}

/* Mostly they are those of the last decision, and their order still holds. */
int overrides_sort(struct decision *d)
{
	struct decide_state *s = d->state;
	size_t n = d->snap->n_overrides;

	if (!n)
		return 0;
	d->overrides = malloc(n * sizeof(*d->overrides));
	if (!d->overrides)
		return -ENOMEM;
	if (s->n_override_order == n && is_sorted(s->override_order, n, d->snap->overrides))
		return 0;
	s->n_override_order = 0;
	free(s->override_order);
	s->override_order = malloc(n * sizeof(*s->override_order));
	if (!s->override_order)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		s->override_order[i] = i;
	qsort_r(s->override_order, n, sizeof(*s->override_order), compare,
		(void *)d->snap->overrides);
	s->n_override_order = n;
	return 0;
}

static const struct override *at(const struct decision *d, size_t i)
{
	return &d->snap->overrides[d->state->override_order[i]];
}

/* The first place whose guest is not before this one. */
static size_t lower_bound(const struct decision *d, const struct uuid *u)
{
	size_t lo = 0, hi = d->snap->n_overrides;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (memcmp(at(d, mid)->guest.bytes, u->bytes, sizeof(u->bytes)) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Is it the place where the guest's overrides began last time, still? */
static bool begins_at(const struct decision *d, const struct uuid *u, size_t i)
{
	return i < d->snap->n_overrides && uuid_equal(&at(d, i)->guest, u) &&
	       (i == 0 || !uuid_equal(&at(d, i - 1)->guest, u));
}

size_t overrides_of(struct decision *d, struct guest_state *g)
{
	size_t n = 0;

	if (!d->snap->n_overrides)
		return 0;
	if (!begins_at(d, &g->uuid, g->overrides_begin))
		g->overrides_begin = lower_bound(d, &g->uuid);
	for (size_t i = g->overrides_begin;
		i < d->snap->n_overrides && uuid_equal(&at(d, i)->guest, &g->uuid); i++)
		d->overrides[n++] = *at(d, i);
	return n;
}
