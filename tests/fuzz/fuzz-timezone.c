/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * TZif files, or, for what begins with "rule ", a footer alone. Whatever is accepted keeps the
 * promises of timezone.h.
 */
#include "policy/timezone.h"

#include <stdio.h>

#include "tests/tzif.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(what)                                             \
	do {                                                      \
		if (!(what)) {                                    \
			fprintf(stderr, "not true: %s\n", #what); \
			abort();                                  \
		}                                                 \
	} while (0)

static void check(const struct zone *z, int64_t t)
{
	int64_t wall = zone_wall(z, t), high = zone_high(z, t), first, second;
	struct zone_period p;
	enum zone_match m = zone_resolve(z, wall, &first, &second);

	zone_at(z, t, &p);
	REQUIRE(p.from_sec <= t && t < p.until_sec);
	REQUIRE(wall == t + p.offset_sec);
	REQUIRE(m != ZONE_SKIPPED && first <= t && t <= second);
	REQUIRE((m == ZONE_ONCE) == (first == second));
	REQUIRE(zone_wall(z, first) == wall && zone_wall(z, second) == wall);
	REQUIRE(high >= wall && zone_high(z, t - 1) <= high);
	REQUIRE(zone_reach(z, high) <= t && zone_reach(z, high + 1) > t);
	REQUIRE(zone_resolve(z, wall + 1, &first, &second) != ZONE_SKIPPED || first == second);
}

static void check_zone(const struct zone *z)
{
	struct zone_period p;
	unsigned periods = 0;
	int64_t t = 0;

	REQUIRE(zone_name(z));
	do {
		zone_at(z, t, &p);
		REQUIRE(p.until_sec > t && p.abbrev);
		check(z, t);
		if (p.until_sec != INT64_MAX)
			check(z, p.until_sec - 1);
		t = p.until_sec;
	} while (t != INT64_MAX && ++periods < 2000);
	for (int64_t sec = 0; sec < INT64_C(7258118400); sec += 123456789)
		check(z, sec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t buf[TZIF_TEST_MAX];
	_cleanup_zone_ struct zone *z = NULL;
	_cleanup_diag_ struct diag d = {0};
	int r;

	if (size > 5 && size < 128 && memcmp(data, "rule ", 5) == 0) {
		_cleanup_free_ char *footer = strndup((const char *)data + 5, size - 5);

		if (!footer)
			return 0;
		r = zone_from_tzif("fuzz", buf, make_tzif(buf, footer), &z, &d);
	} else {
		r = zone_from_tzif("fuzz", data, size, &z, &d);
	}
	if (r < 0)
		REQUIRE(r == -EBADMSG && d.text && !z);
	else
		check_zone(z);
	return 0;
}
