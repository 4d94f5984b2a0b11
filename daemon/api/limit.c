/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/limit.h"

#include <stdio.h>

/* FNV-1a. Whoever finds keys that meet in a set pushes out three others', who get full buckets. */
static uint32_t hash(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h;
}

static struct limit_bucket *find(
	struct limit_table *t, const char *key, uint64_t full_milli, uint64_t now_usec)
{
	struct limit_bucket *set = t->buckets[hash(key) % LIMIT_SETS], *oldest = set;

	for (size_t i = 0; i < LIMIT_WAYS; i++) {
		if (strncmp(set[i].key, key, sizeof(set[i].key) - 1) == 0)
			return &set[i];
		if (!*set[i].key || (*oldest->key && set[i].filled_usec < oldest->filled_usec))
			oldest = &set[i];
	}
	snprintf(oldest->key, sizeof(oldest->key), "%s", key);
	oldest->milli = full_milli;
	oldest->filled_usec = now_usec;
	return oldest;
}

uint64_t limit_take(
	struct limit_table *t, const char *key, const struct limit_rate *rate, uint64_t now_usec)
{
	uint64_t full_milli = UINT64_C(1000) * rate->burst;
	struct limit_bucket *b = find(t, key, full_milli, now_usec);
	/* Longer than this fills any bucket; and nothing overflows. */
	uint64_t passed = MIN(now_usec - b->filled_usec, USEC_PER_DAY),
		 more = passed * rate->per_sec / USEC_PER_SEC;

	if (b->milli + more >= full_milli) {
		b->milli = full_milli;
		b->filled_usec = now_usec;
	} else if (more) {
		b->milli += more;
		b->filled_usec += more * USEC_PER_SEC / rate->per_sec;
	}
	if (b->milli >= 1000) {
		b->milli -= 1000;
		return 0;
	}
	return MAX((1000 - b->milli) * USEC_PER_SEC / rate->per_sec, UINT64_C(1));
}
