/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every zone of the machine, read by us and by libc, says the same at thousands of instants; and
 * zone_high(), zone_reach() and zone_resolve() keep what they promise there.
 */
#include "policy/timezone.h"

#include <ftw.h>
#include <sys/stat.h>
#include <time.h>

#include "policy/timezone-table.h"
#include "tests/test.h"
#include "tests/wall.h"

#define ZONEINFO "/usr/share/zoneinfo"
#define FIRST_SEC 0
#define LAST_SEC INT64_C(7258118399) /* 2199-12-31 23:59:59 */

static char *names[4096];
static size_t n_names;

static int collect(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *name = path + strlen(ZONEINFO) + 1;

	if (type == FTW_F && *name >= 'A' && *name <= 'Z' && n_names < ARRAY_SIZE(names))
		names[n_names++] = strdup(name);
	return 0;
}

static void collect_names(void)
{
	if (n_names == 0)
		nftw(ZONEINFO, collect, 16, 0);
}

static bool same_as_libc(const struct zone *z, int64_t sec)
{
	struct zone_period p;
	time_t t = sec;
	struct tm tm;

	localtime_r(&t, &tm);
	zone_at(z, sec, &p);
	if (p.offset_sec == tm.tm_gmtoff && p.dst == (tm.tm_isdst > 0) &&
		streq(p.abbrev, tm.tm_zone) && zone_wall(z, sec) == sec + tm.tm_gmtoff)
		return true;
	printf("# %s at %s UTC: %d %d %s, libc %ld %d %s\n", zone_name(z), text_of_sec(sec),
		p.offset_sec, p.dst, p.abbrev, tm.tm_gmtoff, tm.tm_isdst, tm.tm_zone);
	return false;
}

static bool keeps_promises(const struct zone *z, int64_t t)
{
	int64_t wall = zone_wall(z, t), high = zone_high(z, t), first, second;
	enum zone_match m = zone_resolve(z, wall, &first, &second);

	/* What is shown now was not skipped, and is between its first and last showing. */
	if (m == ZONE_SKIPPED || first > t || second < t || zone_wall(z, first) != wall ||
		zone_wall(z, second) != wall || (m == ZONE_ONCE) != (first == second))
		return false;
	/* reach(w) <= t <=> w <= high(t), at the border itself. */
	if (high < wall || zone_reach(z, high) > t || zone_reach(z, high + 1) <= t)
		return false;
	/* Neither decreases. */
	return zone_high(z, t - 1) <= high && zone_reach(z, high - 1) <= zone_reach(z, high);
}

/* All instants at which something may go wrong: around each change, and a grid over all years. */
static bool zone_is_right(const struct zone *z)
{
	static const int64_t near[] = {
		-86400, -3601, -3600, -1800, -1, 0, 1, 1800, 3599, 3600, 7200};
	struct zone_period p;

	for (int64_t t = FIRST_SEC; t <= LAST_SEC; t = p.until_sec) {
		zone_at(z, t, &p);
		for (size_t i = 0; i < ARRAY_SIZE(near); i++) {
			int64_t at =
				p.from_sec == INT64_MIN ? near[i] + 86400 : p.from_sec + near[i];

			if (at > LAST_SEC || at < FIRST_SEC)
				continue;
			if (!same_as_libc(z, at) || !keeps_promises(z, at))
				return false;
		}
		if (p.until_sec <= t)
			return false;
	}
	for (int64_t t = FIRST_SEC; t <= LAST_SEC; t += 53 * SEC_PER_DAY + 4321)
		if (!same_as_libc(z, t) || !keeps_promises(z, t))
			return false;
	return true;
}

TEST(all_zones_agree_with_libc)
{
	size_t wrong = 0;

	collect_names();
	if (n_names == 0)
		TEST_SKIP("no " ZONEINFO " (package tzdata)");
	for (size_t i = 0; i < n_names; i++) {
		_cleanup_zone_ struct zone *z = NULL;
		_cleanup_diag_ struct diag d = {0};

		setenv("TZ", names[i], 1);
		tzset();
		if (zone_load(names[i], NULL, &z, &d) < 0)
			TEST_FAIL("%s: %s", names[i], d.text);
		if (!zone_is_right(z)) {
			printf("# %s is wrong\n", names[i]);
			wrong++;
		}
	}
	printf("# %zu zones\n", n_names);
	CHECK_INT(wrong, 0);
}

#define STEP 900 /* divides all offsets of the zones below */

/* Brute force: the wall clock read second by second says what was shown when. */
static bool shown_as_resolved(const struct zone *z, int64_t from, int64_t to)
{
	int64_t high = INT64_MIN;

	for (int64_t wall = zone_wall(z, from) + 4 * 3600; wall < zone_wall(z, to) - 4 * 3600;
		wall += STEP) {
		int64_t first = 0, second = 0, got_first, got_second, reach = 0;
		unsigned times = 0;
		enum zone_match m = zone_resolve(z, wall, &got_first, &got_second);

		high = INT64_MIN;
		for (int64_t t = from; t < to; t += STEP) {
			if (zone_wall(z, t) == wall) {
				first = times++ ? first : t;
				second = t;
			}
			if (zone_wall(z, t) >= wall && high < wall)
				reach = t;
			high = MAX(high, zone_wall(z, t));
		}
		if (times == 0)
			first = second = reach;
		if (m != (times == 0	      ? ZONE_SKIPPED
				 : times == 1 ? ZONE_ONCE
					      : ZONE_DOUBLED) ||
			got_first != first || got_second != second || zone_reach(z, wall) != reach)
			return false;
	}
	return true;
}

TEST(changes_look_as_if_read_from_the_wall)
{
	/* Each change is on the grid, which begins at a whole number of days before it. */
	static const char *const zones[] = {"Europe/London", "America/New_York",
		"Australia/Lord_Howe", "Africa/Casablanca", "Europe/Dublin", "America/St_Johns",
		"Pacific/Apia", "Antarctica/Troll", "Asia/Gaza"};

	for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
		_cleanup_zone_ struct zone *z = NULL;
		struct zone_period p;

		if (zone_load(zones[i], NULL, &z, NULL) < 0)
			TEST_SKIP("no tzdata");
		for (int64_t t = sec_of("2008-01-01"); t < sec_of("2030-01-01"); t = p.until_sec) {
			zone_at(z, t, &p);
			if (p.until_sec == INT64_MAX)
				break;
			if (!shown_as_resolved(z, p.until_sec - 2 * 86400, p.until_sec + 2 * 86400))
				TEST_FAIL("%s around %s UTC", zones[i], text_of_sec(p.until_sec));
		}
	}
}

TEST_MAIN()
