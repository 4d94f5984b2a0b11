/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/timezone.h"

#include "policy/timezone-table.h"

/* Two days before 1970: nothing that begins earlier can be seen in the years covered. */
#define TABLE_FROM_SEC (-2 * (int64_t)SEC_PER_DAY)
/* Keeps sums with an offset within int64_t. */
#define SEC_LIMIT (INT64_MAX / 4)

struct zone *zone_new(const char *name)
{
	struct zone *z = calloc(1, sizeof(*z));

	if (!z)
		return NULL;
	z->refs = 1;
	z->name = strdup(name);
	if (!z->name) {
		free(z);
		return NULL;
	}
	return z;
}

struct zone *zone_ref(struct zone *z)
{
	if (z)
		__atomic_add_fetch(&z->refs, 1, __ATOMIC_RELAXED);
	return z;
}

struct zone *zone_unref(struct zone *z)
{
	if (!z || __atomic_sub_fetch(&z->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return NULL;
	free(z->entries);
	free(z->name);
	free(z);
	return NULL;
}

const char *zone_name(const struct zone *z)
{
	return z->name;
}

static bool entry_same(const struct zone_entry *a, const struct zone_entry *b)
{
	return a->offset_sec == b->offset_sec && a->dst == b->dst && streq(a->abbrev, b->abbrev);
}

static int zone_reserve(struct zone *z)
{
	size_t allocated = z->allocated ? 2 * z->allocated : 8;
	struct zone_entry *entries;

	if (z->n < z->allocated)
		return 0;
	entries = reallocarray(z->entries, allocated, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	z->entries = entries;
	z->allocated = allocated;
	return 0;
}

int zone_append(struct zone *z, const struct zone_entry *e)
{
	struct zone_entry *last = z->n ? &z->entries[z->n - 1] : NULL;
	int64_t from_sec = last && e->from_sec > TABLE_FROM_SEC ? e->from_sec : INT64_MIN;
	int r;

	if (last && from_sec < last->from_sec)
		return -EBADMSG;
	if (last && from_sec == last->from_sec) {
		z->n--;
		last = z->n ? &z->entries[z->n - 1] : NULL;
	}
	if (last && entry_same(last, e))
		return 0;
	r = zone_reserve(z);
	if (r < 0)
		return r;
	z->entries[z->n] = *e;
	z->entries[z->n++].from_sec = from_sec;
	return 0;
}

void zone_finish(struct zone *z)
{
	int64_t high = INT64_MIN;

	for (size_t i = 0; i < z->n; i++) {
		z->entries[i].high_before = high;
		if (i + 1 < z->n)
			high = MAX(high, z->entries[i + 1].from_sec - 1 + z->entries[i].offset_sec);
	}
}

/* The entry that holds at this instant. */
static size_t zone_find(const struct zone *z, int64_t real_sec)
{
	size_t lo = 0, hi = z->n; /* the answer is in [lo, hi) */

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (z->entries[mid].from_sec <= real_sec)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static int64_t entry_until(const struct zone *z, size_t i)
{
	return i + 1 < z->n ? z->entries[i + 1].from_sec : INT64_MAX;
}

void zone_at(const struct zone *z, int64_t real_sec, struct zone_period *ret)
{
	size_t i = zone_find(z, real_sec);
	const struct zone_entry *e = &z->entries[i];

	*ret = (struct zone_period){
		.offset_sec = e->offset_sec,
		.dst = e->dst,
		.abbrev = e->abbrev,
		.from_sec = e->from_sec,
		.until_sec = entry_until(z, i),
	};
}

int64_t zone_wall(const struct zone *z, int64_t real_sec)
{
	real_sec = CLAMP(real_sec, -SEC_LIMIT, SEC_LIMIT);
	return real_sec + z->entries[zone_find(z, real_sec)].offset_sec;
}

int64_t zone_high(const struct zone *z, int64_t real_sec)
{
	const struct zone_entry *e;

	real_sec = CLAMP(real_sec, -SEC_LIMIT, SEC_LIMIT);
	e = &z->entries[zone_find(z, real_sec)];
	return MAX(real_sec + e->offset_sec, e->high_before);
}

int64_t zone_reach(const struct zone *z, int64_t wall_sec)
{
	size_t lo = 0, hi = z->n; /* the answer is in [lo, hi) */
	const struct zone_entry *e;

	wall_sec = CLAMP(wall_sec, -SEC_LIMIT, SEC_LIMIT);
	/* The last entry before which the clock had not yet shown wall_sec. high_before never
	 * decreases. */
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (z->entries[mid].high_before < wall_sec)
			lo = mid;
		else
			hi = mid;
	}
	e = &z->entries[lo];
	return MAX(wall_sec - e->offset_sec, e->from_sec);
}

enum zone_match zone_resolve(
	const struct zone *z, int64_t wall_sec, int64_t *ret_first, int64_t *ret_second)
{
	int64_t first = 0, second = 0;
	unsigned found = 0;

	wall_sec = CLAMP(wall_sec, -SEC_LIMIT, SEC_LIMIT);
	/* Only entries that hold some time within the largest offsets can show it. */
	for (size_t i = zone_find(z, wall_sec - ZONE_OFFSET_MAX);
		i < z->n && z->entries[i].from_sec <= wall_sec - ZONE_OFFSET_MIN; i++) {
		int64_t t = wall_sec - z->entries[i].offset_sec;

		if (t < z->entries[i].from_sec || t >= entry_until(z, i))
			continue;
		if (!found++)
			first = t;
		second = t;
	}
	if (!found)
		first = second = zone_reach(z, wall_sec);
	*ret_first = first;
	*ret_second = second;
	return found == 0 ? ZONE_SKIPPED : found == 1 ? ZONE_ONCE : ZONE_DOUBLED;
}
