/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calendar events: "EVENT" or "EVENT\nINSTANT" (seconds). What is refused has a place within the
 * text. What is accepted is the same from all sides: next is later and matches, nothing matches
 * before it, and prev finds it again.
 */
#include "policy/calendar.h"

#include <stdio.h>

#include "tests/tzif.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No zone files: "UTC" alone can be named. */
static const struct zone_source no_zones = {"/nonexistent", "/nonexistent"};
static const char *const footers[] = {"UTC0", "GMT0BST,M3.5.0/1,M10.5.0", "EST5EDT,M3.2.0,M11.1.0",
	"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "<+00>0<+02>-2,M3.5.0/1,M10.5.0/3",
	"<-04>4<-03>,M9.1.6/24,M4.1.6/24", "<+14>-14"};

#define REQUIRE(what)                                             \
	do {                                                      \
		if (!(what)) {                                    \
			fprintf(stderr, "not true: %s\n", #what); \
			abort();                                  \
		}                                                 \
	} while (0)

/* Is some matching wall time passed at this instant: shown, or skipped just before it? */
static bool elapses_at(const struct calendar *c, const struct zone *z, int64_t sec)
{
	int64_t wall;

	return calendar_next_wall(c, zone_high(z, sec - 1), &wall) == 0 &&
	       wall <= zone_high(z, sec);
}

static void check(const struct calendar *c, const struct zone *z, uint64_t after)
{
	uint64_t next, again;
	int64_t sec = (int64_t)(after / USEC_PER_SEC);

	/* The last one at or before is, or was, one. */
	if (calendar_prev(c, z, after, &again) == 0) {
		REQUIRE(again <= after);
		REQUIRE(again % USEC_PER_SEC == 0);
		REQUIRE(elapses_at(c, z, (int64_t)(again / USEC_PER_SEC)));
		if (again > 0) {
			REQUIRE(calendar_next(c, z, again - 1, &next) == 0);
			REQUIRE(next == again);
		}
	}
	if (calendar_next(c, z, after, &next) < 0)
		return;
	REQUIRE(next > after);
	REQUIRE(next % USEC_PER_SEC == 0);
	REQUIRE(elapses_at(c, z, (int64_t)(next / USEC_PER_SEC)));
	REQUIRE(calendar_prev(c, z, next, &again) == 0 && again == next);
	if (calendar_prev(c, z, next - 1, &again) == 0)
		REQUIRE(again <= after);
	/* From anywhere before it the next one is the same. */
	REQUIRE(calendar_next(c, z, next - 1, &again) == 0 && again == next);
	REQUIRE(calendar_next(c, z, after + (next - after) / 2, &again) == 0);
	REQUIRE(again == next || (next - after) / 2 + after >= next);
	/* A few seconds one by one. */
	for (int i = 1; i <= 5; i++)
		REQUIRE(elapses_at(c, z, sec + i) <= ((uint64_t)(sec + i) * USEC_PER_SEC >= next));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct zone *zones[ARRAY_SIZE(footers)];
	_cleanup_free_ char *text = strndup((const char *)data, size);
	struct calendar *untouched = (struct calendar *)1;
	_cleanup_calendar_ struct calendar *c = NULL;
	_cleanup_diag_ struct diag d = {0};
	uint64_t hash = 14695981039346656037u;
	int64_t first;
	char *line;
	int r;

	if (!text)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(footers) && !zones[i]; i++)
		zones[i] = make_zone(footers[i]);
	line = strchr(text, '\n');
	if (line)
		*line++ = '\0';
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ data[i]) * 1099511628211u;

	r = calendar_parse(text, &no_zones, &c, &d);
	if (r < 0) {
		REQUIRE(r == -EINVAL || r == -ERANGE || r == -ENOENT);
		REQUIRE(d.text && d.col >= 1 && d.col <= strlen(text) + 1);
		REQUIRE(calendar_parse(text, &no_zones, &untouched, NULL) == r);
		REQUIRE(untouched == (struct calendar *)1);
		return 0;
	}
	REQUIRE(!d.text);
	REQUIRE(calendar_next_wall(c, INT64_MIN, &first) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
		const struct zone *z = calendar_zone(c) ? calendar_zone(c) : zones[i];
		uint64_t after = line ? strtoull(line, NULL, 10) * USEC_PER_SEC
				      : hash % (UINT64_C(7300000000) * USEC_PER_SEC);

		check(c, z, after);
		check(c, z, after / 1000003);
	}
	return 0;
}
