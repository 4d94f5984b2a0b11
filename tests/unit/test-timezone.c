/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/timezone.h"

#include <sys/stat.h>

#include "policy/timezone-table.h"
#include "tests/test.h"
#include "tests/tzif.h"
#include "tests/wall.h"

#define ZONEINFO "/usr/share/zoneinfo"

/* A zone of the machine, or skip the test where tzdata is missing. */
#define LOAD_ZONE(z, name)                                              \
	_cleanup_zone_ struct zone *z = NULL;                           \
	if (access(ZONEINFO "/" name, R_OK) < 0)                        \
		TEST_SKIP("no " ZONEINFO "/" name " (package tzdata)"); \
	CHECK_INT(zone_load(name, NULL, &z, NULL), 0)

/* Real times in these tests are UTC. */
#define CHECK_SEC(got, want) CHECK_STR(text_of_sec(got), want)

TEST(utc_needs_no_file)
{
	_cleanup_zone_ struct zone *z = NULL;
	const struct zone_source nowhere = {"/nonexistent", "/nonexistent"};
	struct zone_period p;

	CHECK_INT(zone_load("UTC", &nowhere, &z, NULL), 0);
	CHECK_STR(zone_name(z), "UTC");
	zone_at(z, sec_of("2026-11-22"), &p);
	CHECK_INT(p.offset_sec, 0);
	CHECK_STR(p.abbrev, "UTC");
	CHECK_INT(p.from_sec, INT64_MIN);
	CHECK_INT(p.until_sec, INT64_MAX);
	CHECK_INT(zone_wall(z, 12345), 12345);
}

TEST(a_machine_without_localtime_is_in_utc)
{
	_cleanup_zone_ struct zone *z = NULL;
	const struct zone_source nowhere = {"/nonexistent", "/nonexistent"};

	CHECK_INT(zone_load(NULL, &nowhere, &z, NULL), 0);
	CHECK_STR(zone_name(z), "UTC");
}

TEST(the_local_zone_has_the_name_behind_its_link)
{
	char dir[] = "/tmp/ballast-test-XXXXXX", link[64];
	_cleanup_zone_ struct zone *z = NULL;
	struct zone_source source = {NULL, link};
	int r;

	if (access(ZONEINFO "/Asia/Kolkata", R_OK) < 0)
		TEST_SKIP("no tzdata");
	CHECK(mkdtemp(dir) != NULL);
	snprintf(link, sizeof(link), "%s/localtime", dir);
	CHECK_INT(symlink(ZONEINFO "/Asia/Kolkata", link), 0);
	r = zone_load(NULL, &source, &z, NULL);
	unlink(link);
	rmdir(dir);
	CHECK_INT(r, 0);
	CHECK_STR(zone_name(z), "Asia/Kolkata");
	CHECK_INT(zone_wall(z, 0), 5 * SEC_PER_HOUR + 30 * SEC_PER_MIN);
}

TEST(london_skips_an_hour_in_march)
{
	LOAD_ZONE(z, "Europe/London");
	int64_t first, second;
	struct zone_period p;

	zone_at(z, sec_of("2025-03-30 00:59:59"), &p);
	CHECK_INT(p.offset_sec, 0);
	CHECK(!p.dst);
	CHECK_STR(p.abbrev, "GMT");
	CHECK_SEC(p.until_sec, "2025-03-30 01:00:00");
	zone_at(z, sec_of("2025-03-30 01:00:00"), &p);
	CHECK_INT(p.offset_sec, 3600);
	CHECK(p.dst);
	CHECK_STR(p.abbrev, "BST");
	CHECK_SEC(p.until_sec, "2025-10-26 01:00:00");

	CHECK_INT(zone_resolve(z, sec_of("2025-03-30 00:59:59"), &first, &second), ZONE_ONCE);
	CHECK_SEC(first, "2025-03-30 00:59:59");
	CHECK_INT(zone_resolve(z, sec_of("2025-03-30 01:00:00"), &first, &second), ZONE_SKIPPED);
	CHECK_SEC(first, "2025-03-30 01:00:00");
	CHECK_INT(zone_resolve(z, sec_of("2025-03-30 01:59:59"), &first, &second), ZONE_SKIPPED);
	CHECK_SEC(first, "2025-03-30 01:00:00");
	CHECK_SEC(second, "2025-03-30 01:00:00");
	CHECK_INT(zone_resolve(z, sec_of("2025-03-30 02:00:00"), &first, &second), ZONE_ONCE);
	CHECK_SEC(first, "2025-03-30 01:00:00");
}

TEST(london_doubles_an_hour_in_october)
{
	LOAD_ZONE(z, "Europe/London");
	int64_t first, second;

	CHECK_INT(zone_resolve(z, sec_of("2025-10-26 00:59:59"), &first, &second), ZONE_ONCE);
	CHECK_SEC(first, "2025-10-25 23:59:59");
	CHECK_INT(zone_resolve(z, sec_of("2025-10-26 01:00:00"), &first, &second), ZONE_DOUBLED);
	CHECK_SEC(first, "2025-10-26 00:00:00");
	CHECK_SEC(second, "2025-10-26 01:00:00");
	CHECK_INT(zone_resolve(z, sec_of("2025-10-26 01:59:59"), &first, &second), ZONE_DOUBLED);
	CHECK_SEC(second, "2025-10-26 01:59:59");
	CHECK_INT(zone_resolve(z, sec_of("2025-10-26 02:00:00"), &first, &second), ZONE_ONCE);
	CHECK_SEC(first, "2025-10-26 02:00:00");

	/* In the second pass the wall shows nothing that it had not shown before. */
	CHECK_SEC(zone_high(z, sec_of("2025-10-26 00:30:00")), "2025-10-26 01:30:00");
	CHECK_SEC(zone_high(z, sec_of("2025-10-26 01:30:00")), "2025-10-26 01:59:59");
	CHECK_SEC(zone_wall(z, sec_of("2025-10-26 01:30:00")), "2025-10-26 01:30:00");
	CHECK_SEC(zone_high(z, sec_of("2025-10-26 02:00:00")), "2025-10-26 02:00:00");
	CHECK_SEC(zone_reach(z, sec_of("2025-10-26 01:30:00")), "2025-10-26 00:30:00");
}

TEST(lord_howe_moves_by_half_an_hour)
{
	LOAD_ZONE(z, "Australia/Lord_Howe");
	int64_t first, second;

	/* October 2025: +10:30 to +11 at 02:00; April 2026: back at 02:00. */
	CHECK_INT(zone_resolve(z, sec_of("2025-10-05 02:15:00"), &first, &second), ZONE_SKIPPED);
	CHECK_SEC(first, "2025-10-04 15:30:00");
	CHECK_INT(zone_resolve(z, sec_of("2025-10-05 02:30:00"), &first, &second), ZONE_ONCE);
	CHECK_SEC(first, "2025-10-04 15:30:00");
	CHECK_INT(zone_resolve(z, sec_of("2026-04-05 01:45:00"), &first, &second), ZONE_DOUBLED);
	CHECK_SEC(first, "2026-04-04 14:45:00");
	CHECK_SEC(second, "2026-04-04 15:15:00");
}

TEST(casablanca_pauses_its_daylight_saving_for_ramadan)
{
	LOAD_ZONE(z, "Africa/Casablanca");
	struct zone_period p;

	/* Standard time was +01 there; Ramadan of 2025 (February to April) was at +00. */
	zone_at(z, sec_of("2025-01-15 12:00:00"), &p);
	CHECK_INT(p.offset_sec, 3600);
	zone_at(z, sec_of("2025-03-15 12:00:00"), &p);
	CHECK_INT(p.offset_sec, 0);
	CHECK_SEC(p.from_sec, "2025-02-23 02:00:00");
	CHECK_SEC(p.until_sec, "2025-04-06 02:00:00");
	zone_at(z, sec_of("2025-06-01 12:00:00"), &p);
	CHECK_INT(p.offset_sec, 3600);
}

TEST(apia_skips_a_whole_day)
{
	LOAD_ZONE(z, "Pacific/Apia");
	int64_t first, second;

	CHECK_INT(zone_resolve(z, sec_of("2011-12-30 12:00:00"), &first, &second), ZONE_SKIPPED);
	CHECK_SEC(first, "2011-12-30 10:00:00");
	CHECK_SEC(zone_wall(z, first), "2011-12-31 00:00:00");
	CHECK_SEC(zone_wall(z, first - 1), "2011-12-29 23:59:59");
}

TEST(the_footer_rule_holds_to_the_end_of_the_table)
{
	_cleanup_zone_ struct zone *z = NULL;
	struct zone_period p;
	uint8_t buf[TZIF_TEST_MAX];
	size_t len = make_tzif(buf, "EST5EDT,M3.2.0,M11.1.0");

	CHECK_INT(zone_from_tzif("x", buf, len, &z, NULL), 0);
	zone_at(z, sec_of("2199-07-01"), &p);
	CHECK_STR(p.abbrev, "EDT");
	CHECK_INT(p.offset_sec, -4 * SEC_PER_HOUR);
	CHECK_SEC(p.from_sec, "2199-03-10 07:00:00");
	CHECK_SEC(p.until_sec, "2199-11-03 06:00:00");
	zone_at(z, sec_of("2199-12-31"), &p);
	CHECK_STR(p.abbrev, "EST");
}

TEST(a_zone_without_daylight_saving_never_changes)
{
	LOAD_ZONE(z, "Asia/Tokyo");
	struct zone_period p;

	zone_at(z, sec_of("2026-11-22"), &p);
	CHECK_INT(p.offset_sec, 9 * SEC_PER_HOUR);
	CHECK_INT(p.from_sec, INT64_MIN);
	CHECK_INT(p.until_sec, INT64_MAX);
}

TEST(extreme_times_are_answered)
{
	LOAD_ZONE(z, "Europe/London");
	static const int64_t extremes[] = {INT64_MIN, INT64_MIN + 1, -1, INT64_MAX - 1, INT64_MAX};
	int64_t first, second, sum = 0;
	struct zone_period p;

	for (size_t i = 0; i < ARRAY_SIZE(extremes); i++) {
		zone_at(z, extremes[i], &p);
		CHECK(p.from_sec < p.until_sec);
		sum ^= zone_wall(z, extremes[i]) ^ zone_high(z, extremes[i]);
		sum ^= zone_reach(z, extremes[i]);
		CHECK(zone_resolve(z, extremes[i], &first, &second) == ZONE_ONCE);
	}
	CHECK(sum != 1); /* only that nothing overflowed, which the sanitizer sees */
}

static const struct {
	const char *name;
	int err;
	const char *part;
} bad_names[] = {
	{"Europe/Lundon", ENOENT, "did you mean \"Europe/London\"?"},
	{"europe/london", ENOENT, "did you mean \"Europe/London\"?"},
	{"London", ENOENT, "did you mean \"Europe/London\"?"},
	{"Europe/Casablanca", ENOENT, "did you mean \"Africa/Casablanca\"?"},
	{"Europe", ENOENT, "no time zone \"Europe\""},
	{"Middle/Of/Nowhere", ENOENT, "like Europe/London"},
	{"../../etc/passwd", EINVAL, "not the name of a time zone"},
	{"/etc/localtime", EINVAL, "not the name of a time zone"},
	{"Europe//London", EINVAL, "not the name of a time zone"},
	{"Europe/", EINVAL, "not the name of a time zone"},
	{"", EINVAL, "not the name of a time zone"},
	{"Europe London", EINVAL, "not the name of a time zone"},
};

TEST(unknown_names_are_answered_with_the_nearest_known_one)
{
	if (access(ZONEINFO "/Europe/London", R_OK) < 0)
		TEST_SKIP("no tzdata");
	for (size_t i = 0; i < ARRAY_SIZE(bad_names); i++) {
		struct zone *z = (struct zone *)1;
		_cleanup_diag_ struct diag d = {0};

		CHECK_INT(zone_load(bad_names[i].name, NULL, &z, &d), -bad_names[i].err);
		CHECK_CONTAINS(d.text, bad_names[i].part);
		CHECK_INT(d.col, 1);
		CHECK(z == (struct zone *)1);
		CHECK_INT(zone_load(bad_names[i].name, NULL, &z, NULL), -bad_names[i].err);
	}
}

TEST(every_cut_of_a_file_is_refused)
{
	uint8_t buf[TZIF_TEST_MAX];
	size_t len = make_tzif(buf, "CET-1CEST,M3.5.0,M10.5.0/3");
	struct zone *z = NULL;

	for (size_t n = 0; n < len; n++) {
		/* A copy of just this size, so that the sanitizer sees a read beyond it. */
		_cleanup_free_ uint8_t *cut = malloc(n + 1);
		_cleanup_diag_ struct diag d = {0};

		CHECK(cut != NULL);
		memcpy(cut, buf, n);
		CHECK_INT(zone_from_tzif("x", cut, n, &z, &d), -EBADMSG);
		CHECK_CONTAINS(d.text, "expected a TZif file");
	}
	CHECK_INT(zone_from_tzif("x", buf, len, &z, NULL), 0);
	zone_unref(z);
}

static const struct {
	const char *footer;
	const char *summer, *winter; /* wall times of 2026-07-01 00:00 and 2026-12-01 00:00 UTC */
} footers[] = {
	{"", "2026-07-01 00:00:00", "2026-12-01 00:00:00"},
	{"UTC0", "2026-07-01 00:00:00", "2026-12-01 00:00:00"},
	{"CET-1CEST,M3.5.0,M10.5.0/3", "2026-07-01 02:00:00", "2026-12-01 01:00:00"},
	{"IST-1GMT0,M10.5.0,M3.5.0/1", "2026-07-01 01:00:00", "2026-12-01 00:00:00"},
	{"<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", "2026-06-30 22:00:00", "2026-11-30 21:00:00"},
	{"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-07-01 10:00:00", "2026-12-01 11:00:00"},
	{"EST5EDT,J60/2,J300/2:30:15", "2026-06-30 20:00:00", "2026-11-30 19:00:00"},
	{"EST5EDT,59/2,299/2", "2026-06-30 20:00:00", "2026-11-30 19:00:00"},
	{"XXX3EDT4,0/0,J365/23", "2026-06-30 20:00:00", "2026-11-30 20:00:00"}, /* all year */
	{"IST-2IDT,M3.4.4/26,M10.5.0", "2026-07-01 03:00:00", "2026-12-01 02:00:00"},
};

TEST(footer_rules_are_read_as_posix_says)
{
	for (size_t i = 0; i < ARRAY_SIZE(footers); i++) {
		_cleanup_zone_ struct zone *z = NULL;
		uint8_t buf[TZIF_TEST_MAX];
		size_t len = make_tzif(buf, footers[i].footer);

		CHECK_INT(zone_from_tzif(footers[i].footer, buf, len, &z, NULL), 0);
		CHECK_SEC(zone_wall(z, sec_of("2026-07-01")), footers[i].summer);
		CHECK_SEC(zone_wall(z, sec_of("2026-12-01")), footers[i].winter);
	}
}

static const struct {
	const char *footer, *part;
} bad_footers[] = {
	{"U", "standard time"},
	{"UTC", "standard time"},
	{"UTC25", "standard time"},
	{"<UTC0", "standard time"},
	{"ABCDEFGHIJKLMNOPQRST0", "standard time"},
	{"UTC0:60", "standard time"},
	{"EST5EDT", "days of change"},
	{"EST5EDT,M3.5.0", "days of change"},
	{"EST5EDT,M13.5.0,M1.1.0", "days of change"},
	{"EST5EDT,M3.6.0,M1.1.0", "days of change"},
	{"EST5EDT,M3.5.7,M1.1.0", "days of change"},
	{"EST5EDT,J0,J3", "days of change"},
	{"EST5EDT,J366,J3", "days of change"},
	{"EST5EDT,366,3", "days of change"},
	{"EST5EDT,M3.5.0/168,M10.5.0", "days of change"},
	{"EST5EDT,M3.5.0,M10.5.0,", "text after it"},
	{"EST5EDT,J365/167,J1/-167", "overlap"},
};

/* J counts no 29 February, a bare number does. */
TEST(days_of_the_year_are_counted_with_and_without_the_leap_day)
{
	static const struct {
		const char *footer, *year, *start;
	} rows[] = {
		{"EST5EDT,J59/2,J300/2", "2024-02-01", "2024-02-28 07:00:00"},
		{"EST5EDT,J60/2,J300/2", "2024-02-01", "2024-03-01 07:00:00"},
		{"EST5EDT,J60/2,J300/2", "2025-02-01", "2025-03-01 07:00:00"},
		{"EST5EDT,59/2,299/2", "2024-02-01", "2024-02-29 07:00:00"},
		{"EST5EDT,59/2,299/2", "2025-02-01", "2025-03-01 07:00:00"},
		{"EST5EDT,M2.5.0/2,M10.5.0/2", "2024-02-01", "2024-02-25 07:00:00"},
		{"EST5EDT,M2.5.4/2,M10.5.0/2", "2024-02-01", "2024-02-29 07:00:00"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_zone_ struct zone *z = make_zone(rows[i].footer);
		struct zone_period p;

		zone_at(z, sec_of(rows[i].year), &p);
		CHECK(!p.dst);
		CHECK_SEC(p.until_sec, rows[i].start);
	}
}

TEST(bad_footers_are_refused)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_footers); i++) {
		_cleanup_diag_ struct diag d = {0};
		struct zone *z = NULL;
		uint8_t buf[TZIF_TEST_MAX];
		size_t len = make_tzif(buf, bad_footers[i].footer);

		CHECK_INT(zone_from_tzif(bad_footers[i].footer, buf, len, &z, &d), -EBADMSG);
		CHECK_CONTAINS(d.text, bad_footers[i].part);
	}
}

TEST(a_zone_that_counts_leap_seconds_is_refused)
{
	_cleanup_diag_ struct diag d = {0};
	struct zone *z = NULL;

	if (access(ZONEINFO "/right/Europe/London", R_OK) < 0)
		TEST_SKIP("no " ZONEINFO "/right");
	CHECK_INT(zone_load("right/Europe/London", NULL, &z, &d), -EBADMSG);
	CHECK_CONTAINS(d.text, "leap seconds");
}

TEST(references_keep_a_zone_alive)
{
	struct zone *z = NULL, *other;

	CHECK_INT(zone_load("UTC", NULL, &z, NULL), 0);
	other = zone_ref(z);
	CHECK(zone_unref(z) == NULL);
	CHECK_STR(zone_name(other), "UTC");
	CHECK(zone_unref(other) == NULL);
	CHECK(zone_unref(NULL) == NULL);
	CHECK(zone_ref(NULL) == NULL);
}

TEST_MAIN()
