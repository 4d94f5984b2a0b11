/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/calendar.h"

#include "policy/calendar-fields.h"
#include "tests/test.h"
#include "tests/wall.h"

#define ZONEINFO "/usr/share/zoneinfo"

/* Wall time only: what follows what, without any zone. */
static const struct {
	const char *event, *after, *next;
} walls[] = {
	/* What is not said: any day, midnight, second 0. */
	{"12:30", "2026-11-22 00:00", "2026-11-22 12:30:00"},
	{"12:30", "2026-11-22 12:30", "2026-11-23 12:30:00"},
	{"12:30:15", "2026-11-22 12:30:14", "2026-11-22 12:30:15"},
	{"2026-12-24", "2026-11-22", "2026-12-24 00:00:00"},
	{"12-24", "2026-12-24", "2027-12-24 00:00:00"},
	{"Mon", "2026-11-22 12:00", "2026-11-23 00:00:00"},
	/* Days of the week, any case, long and short. */
	{"mon..FRI 20:00", "2026-11-20 20:00", "2026-11-23 20:00:00"},
	{"Saturday,sunday 8:00", "2026-11-22 08:00", "2026-11-28 08:00:00"},
	{"Mon..Sun 8:00", "2026-11-22 08:00", "2026-11-23 08:00:00"},
	{"Wed..Wed 8:00", "2026-11-22 08:00", "2026-11-25 08:00:00"},
	{"Mon,Thu..Fri 1:0", "2026-11-23 01:00", "2026-11-26 01:00:00"},
	/* Ranges, lists, repetitions. */
	{"*:0/15", "2026-11-22 10:45", "2026-11-22 11:00:00"},
	{"*:0/15", "2026-11-22 10:44:59", "2026-11-22 10:45:00"},
	{"*:7/20:30", "2026-11-22 10:27:30", "2026-11-22 10:47:30"},
	{"8..18/5:0,30", "2026-11-22 13:30", "2026-11-22 18:00:00"},
	{"8..17/5:0,30", "2026-11-22 13:30", "2026-11-23 08:00:00"},
	{"23..23:59", "2026-11-22", "2026-11-22 23:59:00"},
	{"*:*:0/7", "2026-11-22 10:00:56", "2026-11-22 10:01:00"},
	{"*-*-01,15 06:00", "2026-11-01 06:00", "2026-11-15 06:00:00"},
	{"*-1,4,7,10-1..3 6:0", "2026-10-03 06:00", "2027-01-01 06:00:00"},
	{"2026/3-01-01", "2026-06-01", "2029-01-01 00:00:00"},
	{"2026..2028-06-01", "2027-06-01", "2028-06-01 00:00:00"},
	{"27-06-01", "2026-11-22", "2027-06-01 00:00:00"},
	{"2026-1-1..5", "2026-01-03", "2026-01-04 00:00:00"},
	/* From the end of the month. */
	{"*-*~01", "2026-02-01", "2026-02-28 00:00:00"},
	{"*-*~1", "2028-02-01", "2028-02-29 00:00:00"},
	{"*-02~03", "2026-11-22", "2027-02-26 00:00:00"},
	{"02~01", "2027-03-01", "2028-02-29 00:00:00"},
	{"2026-1~1 12:0", "2025-01-31", "2026-01-31 12:00:00"},
	{"*-*~02..05", "2026-01-01", "2026-01-27 00:00:00"},
	{"*-*~02..05", "2026-01-30", "2026-02-24 00:00:00"},
	{"*-*~07/2", "2026-01-25", "2026-01-27 00:00:00"},
	{"*-*~07/2", "2026-01-31", "2026-02-22 00:00:00"},
	{"*-*~10/4", "2026-02-27", "2026-03-22 00:00:00"},
	{"Sat *-*~07/1 03:00", "2026-11-22", "2026-11-28 03:00:00"},
	{"*-*~28", "2026-02-01", "2026-03-04 00:00:00"},
	/* Leap days, ends of years. */
	{"*-02-29", "2026-11-22", "2028-02-29 00:00:00"},
	{"*-02-29", "2096-03-01", "2104-02-29 00:00:00"}, /* 2100 has none */
	{"Mon *-02-29", "2026-11-22", "2044-02-29 00:00:00"},
	{"Sun *-02-29 23:59:59", "2088-03-01", "2128-02-29 23:59:59"},
	{"*-*-31", "2026-11-22", "2026-12-31 00:00:00"},
	{"*-12-31 23:59:59", "2026-12-31 23:59:58", "2026-12-31 23:59:59"},
	{"*-12-31 23:59:59", "2026-12-31 23:59:59", "2027-12-31 23:59:59"},
	{"*:*:*", "2026-12-31 23:59:59", "2027-01-01 00:00:00"},
	/* Words. */
	{"minutely", "2026-11-22 10:00:30", "2026-11-22 10:01:00"},
	{"Hourly", "2026-11-22 10:00", "2026-11-22 11:00:00"},
	{"daily", "2026-11-22", "2026-11-23 00:00:00"},
	{"weekly", "2026-11-22", "2026-11-23 00:00:00"},
	{"monthly", "2026-11-22", "2026-12-01 00:00:00"},
	{"quarterly", "2026-11-22", "2027-01-01 00:00:00"},
	{"semiannually", "2026-01-22", "2026-07-01 00:00:00"},
	{"semi-annually", "2026-11-22", "2027-01-01 00:00:00"},
	{"yearly", "2026-11-22", "2027-01-01 00:00:00"},
	{"annually", "2026-11-22", "2027-01-01 00:00:00"},
	/* Blanks. */
	{"  Mon \t 2026-11-23   1:00  ", "2026-11-22", "2026-11-23 01:00:00"},
	/* The borders of time. */
	{"*:*:*", "1900-01-01", "1970-01-01 00:00:00"},
	{"*:*:*", "2199-12-31 23:59:58", "2199-12-31 23:59:59"},
	{"*:*:*", "2199-12-31 23:59:59", "never"},
	{"2026-*-*", "2026-12-31", "never"},
	{"2198..2199-1-1", "2026-11-22", "2198-01-01 00:00:00"},
};

static const char *next_wall_text(const struct calendar *c, int64_t after)
{
	int64_t wall;

	return calendar_next_wall(c, after, &wall) < 0 ? "never" : text_of_sec(wall);
}

TEST(events_follow_each_other_on_the_wall)
{
	for (size_t i = 0; i < ARRAY_SIZE(walls); i++) {
		_cleanup_calendar_ struct calendar *c = NULL;
		_cleanup_diag_ struct diag d = {0};
		const char *next;
		int64_t prev;

		if (calendar_parse(walls[i].event, NULL, &c, &d) < 0)
			TEST_FAIL("%s: column %u: %s", walls[i].event, d.col, d.text);
		next = next_wall_text(c, sec_of(walls[i].after));
		if (!streq(next, walls[i].next))
			TEST_FAIL("\"%s\" after %s is %s, wanted %s", walls[i].event,
				walls[i].after, next, walls[i].next);
		if (streq(next, "never"))
			continue;
		/* And backwards: it is the last one at its own time, and matches. */
		CHECK_INT(calendar_prev_wall(c, sec_of(next), &prev), 0);
		CHECK_STR(text_of_sec(prev), next);
		CHECK(calendar_matches_wall(c, prev));
	}
}

static const struct {
	const char *event, *at, *prev;
} backwards[] = {
	{"12:30", "2026-11-22 12:29:59", "2026-11-21 12:30:00"},
	{"*:0/15", "2026-11-22 10:00:00", "2026-11-22 10:00:00"},
	{"*:0/15", "2026-11-22 09:59:59", "2026-11-22 09:45:00"},
	{"*:7/20:30", "2026-11-22 10:47:29", "2026-11-22 10:27:30"},
	{"*:7/20:30", "2026-11-22 10:07:29", "2026-11-22 09:47:30"},
	{"8..18/5:0,30", "2026-11-22 07:00", "2026-11-21 18:30:00"},
	{"*-02-29 12:00", "2028-02-29 11:59:59", "2024-02-29 12:00:00"},
	{"*-02-29", "2104-02-28", "2096-02-29 00:00:00"},
	{"*-*~01", "2026-03-30", "2026-02-28 00:00:00"},
	{"Mon *-*~07/1", "2026-11-29", "2026-10-26 00:00:00"},
	{"*-12-31 23:59:59", "2026-12-31 23:59:58", "2025-12-31 23:59:59"},
	{"*:*:*", "2300-01-01", "2199-12-31 23:59:59"},
	{"*:*:*", "1970-01-01", "1970-01-01 00:00:00"},
	{"*:*:*", "1969-12-31 23:59:59", "never"},
	{"2026-*-*", "2025-12-31", "never"},
	{"*-*-* 12:00", "1970-01-01 11:00", "never"},
};

TEST(events_precede_each_other_on_the_wall)
{
	for (size_t i = 0; i < ARRAY_SIZE(backwards); i++) {
		_cleanup_calendar_ struct calendar *c = NULL;
		const char *prev;
		int64_t wall;

		CHECK_INT(calendar_parse(backwards[i].event, NULL, &c, NULL), 0);
		prev = calendar_prev_wall(c, sec_of(backwards[i].at), &wall) < 0
			       ? "never"
			       : text_of_sec(wall);
		if (!streq(prev, backwards[i].prev))
			TEST_FAIL("\"%s\" at %s is %s, wanted %s", backwards[i].event,
				backwards[i].at, prev, backwards[i].prev);
	}
}

/* In zones: real times are UTC. Each row: the times it elapses at, one after the other. */
static const struct {
	const char *event, *zone, *after;
	const char *next[5];
} zoned[] = {
	/* A skipped time elapses at the end of the gap (01:00 UTC), whatever of the hour it was. */
	{"01:30", "Europe/London", "2025-03-29 01:30",
		{"2025-03-30 01:00:00", "2025-03-31 00:30:00"}},
	{"01:00", "Europe/London", "2025-03-29 01:30",
		{"2025-03-30 01:00:00", "2025-03-31 00:00:00"}},
	{"02:00", "Europe/London", "2025-03-29 02:30",
		{"2025-03-30 01:00:00", "2025-03-31 01:00:00"}},
	/* Several in one gap are one. */
	{"*:0/15", "Europe/London", "2025-03-30 00:30",
		{"2025-03-30 00:45:00", "2025-03-30 01:00:00", "2025-03-30 01:15:00"}},
	/* A doubled time elapses once, at its first pass. */
	{"01:30", "Europe/London", "2025-10-25 12:00",
		{"2025-10-26 00:30:00", "2025-10-27 01:30:00"}},
	{"*:0/30", "Europe/London", "2025-10-26 00:00",
		{"2025-10-26 00:30:00", "2025-10-26 02:00:00", "2025-10-26 02:30:00"}},
	/* Asked within the second pass: the first has been. */
	{"01:30", "Europe/London", "2025-10-26 01:10", {"2025-10-27 01:30:00"}},
	{"02:30", "America/New_York", "2025-03-08 12:00",
		{"2025-03-09 07:00:00", "2025-03-10 06:30:00"}},
	{"01:30", "America/New_York", "2025-11-01 12:00",
		{"2025-11-02 05:30:00", "2025-11-03 06:30:00"}},
	/* Half an hour on Lord Howe. */
	{"02:15", "Australia/Lord_Howe", "2024-10-05 12:00",
		{"2024-10-05 15:30:00", "2024-10-06 15:15:00"}},
	{"01:45", "Australia/Lord_Howe", "2025-04-05 12:00",
		{"2025-04-05 14:45:00", "2025-04-06 15:15:00"}},
	/* Casablanca goes back for Ramadan and forward after it. */
	{"02:30", "Africa/Casablanca", "2025-02-22 12:00",
		{"2025-02-23 01:30:00", "2025-02-24 02:30:00"}},
	{"02:30", "Africa/Casablanca", "2025-04-05 12:00",
		{"2025-04-06 02:00:00", "2025-04-07 01:30:00"}},
	/* A whole day was skipped in Apia: its noon and its midnight are the next midnight. */
	{"12:00", "Pacific/Apia", "2011-12-29 12:00",
		{"2011-12-29 22:00:00", "2011-12-30 10:00:00", "2011-12-30 22:00:00"}},
	{"2011-12-30", "Pacific/Apia", "2011-12-01", {"2011-12-30 10:00:00", "never"}},
	{"08:00", "Asia/Tokyo", "2026-11-22 00:00", {"2026-11-22 23:00:00", "2026-11-23 23:00:00"}},
	/* A zone of its own wins. */
	{"20:00 Europe/London", "Asia/Tokyo", "2025-06-30", {"2025-06-30 19:00:00"}},
	{"weekly UTC", "Asia/Tokyo", "2025-06-30 12:00", {"2025-07-07 00:00:00"}},
	{"12:00 utc", "Asia/Tokyo", "2025-06-30", {"2025-06-30 12:00:00"}},
	{"*-12-31 23:59:59 Pacific/Kiritimati", "UTC", "2025-06-30", {"2025-12-31 09:59:59"}},
};

TEST(events_follow_each_other_in_zones)
{
	for (size_t i = 0; i < ARRAY_SIZE(zoned); i++) {
		_cleanup_calendar_ struct calendar *c = NULL;
		_cleanup_zone_ struct zone *z = NULL;
		uint64_t t = usec_of(zoned[i].after), next, prev;

		if (zone_load(zoned[i].zone, NULL, &z, NULL) < 0 ||
			calendar_parse(zoned[i].event, NULL, &c, NULL) < 0)
			TEST_SKIP("no tzdata");
		for (size_t k = 0; k < ARRAY_SIZE(zoned[i].next) && zoned[i].next[k]; k++) {
			if (calendar_next(c, z, t, &next) < 0)
				next = USEC_INFINITY;
			if (!streq(text_of_usec(next), zoned[i].next[k]))
				TEST_FAIL("\"%s\" %s after %s UTC is %s, wanted %s", zoned[i].event,
					zoned[i].zone, text_of_usec(t), text_of_usec(next),
					zoned[i].next[k]);
			if (next == USEC_INFINITY)
				break;
			/* Backwards from just before the next: the same. */
			CHECK_INT(calendar_prev(c, z, next, &prev), 0);
			CHECK_U64(prev, next);
			if (calendar_prev(c, z, next - 1, &prev) == 0)
				CHECK(prev <= t);
			t = next;
		}
	}
}

TEST(next_is_strictly_later_also_within_a_second)
{
	_cleanup_calendar_ struct calendar *c = NULL;
	_cleanup_zone_ struct zone *z = NULL;
	uint64_t next;

	CHECK_INT(zone_load("UTC", NULL, &z, NULL), 0);
	CHECK_INT(calendar_parse("*:*:*", NULL, &c, NULL), 0);
	CHECK_INT(calendar_next(c, z, 41 * USEC_PER_SEC - 1, &next), 0);
	CHECK_U64(next, 41 * USEC_PER_SEC);
	CHECK_INT(calendar_next(c, z, 41 * USEC_PER_SEC, &next), 0);
	CHECK_U64(next, 42 * USEC_PER_SEC);
	CHECK_INT(calendar_next(c, z, 41 * USEC_PER_SEC + 1, &next), 0);
	CHECK_U64(next, 42 * USEC_PER_SEC);
	CHECK_INT(calendar_prev(c, z, 42 * USEC_PER_SEC - 1, &next), 0);
	CHECK_U64(next, 41 * USEC_PER_SEC);
	CHECK_INT(calendar_next(c, z, USEC_INFINITY, &next), -ENOENT);
	CHECK_INT(calendar_prev(c, z, USEC_INFINITY, &next), 0);
	CHECK_STR(text_of_usec(next), "2199-12-31 23:59:59");
}

static const struct {
	const char *event;
	int err;
	unsigned col;
	const char *part; /* of the message */
} bad[] = {
	{"", EINVAL, 1, "the event ends here; expected an event like Mon..Fri 20:00"},
	{"   ", EINVAL, 4, "the event ends here"},
	{"25:00", ERANGE, 1, "found hour \"25\"; expected 0 to 23"},
	{"12:60", ERANGE, 4, "found minute \"60\"; expected 0 to 59"},
	{"12:00:60", ERANGE, 7, "found second \"60\"; expected 0 to 59"},
	{"99999999999999999999:00", ERANGE, 1, "expected 0 to 23"},
	{"*-13-01", ERANGE, 3, "found month \"13\"; expected 1 to 12"},
	{"*-00-01", ERANGE, 3, "found month \"00\""},
	{"*-01-32", ERANGE, 6, "found day \"32\"; expected 1 to 31"},
	{"*-01~29", ERANGE, 6, "found day from the month's end \"29\"; expected 1 to 28"},
	{"1969-01-01", ERANGE, 1, "found year \"1969\"; expected 1970 to 2199"},
	{"2200-01-01", ERANGE, 1, "found year \"2200\""},
	{"12:00:10.5", EINVAL, 9, "found \".5\"; expected whole seconds"},
	{"12:00:10/2.5", EINVAL, 11, "found \".5\""},
	{"12", EINVAL, 3, "\":\" and a minute"},
	{"12:", EINVAL, 4, "the event ends here; expected a number (minute)"},
	{"12: UTC", EINVAL, 4, "found a blank; expected a number (minute)"},
	{"12:00:", EINVAL, 7, "expected a number (second)"},
	{"12:00:00:00", EINVAL, 9, "found \":00\""},
	{"2026", ERANGE, 1, "found month \"2026\""},
	{"2026-01", ERANGE, 1, "found month \"2026\""},
	{"2026-01-", EINVAL, 9, "expected a number (day)"},
	{"2026-01-01-01", EINVAL, 11,
		"found \"-01\"; expected \",\", \"..\", \"/\", the end of the day"},
	{"2026~01-01", EINVAL, 5,
		"found \"~01-01\"; expected \",\", \"..\", \"/\", \"-\" or the end of the year"},
	{"*/5:00", EINVAL, 2, "found \"/5:00\"; expected a repetition with a start, like 0/2"},
	{"*,5:00", EINVAL, 2, "found \",5:00\"; expected \":\" or the end of the hour"},
	{"5..3:00", EINVAL, 1, "found \"5..3\"; expected a range that runs upwards"},
	{"5..:00", EINVAL, 4, "expected a number (hour)"},
	{"0/24:00", EINVAL, 1, "found \"0/24\"; expected a repetition that stays within the field"},
	{"0/0:00", EINVAL, 1, "expected a repetition"},
	{"0/:00", EINVAL, 3, "expected a number to repeat by"},
	{"8..9/2:00", EINVAL, 1, "expected a repetition"},
	{"*-*~3/3", EINVAL, 5, "expected a repetition"},
	{"Mom 12:00", EINVAL, 1,
		"found \"Mom\"; expected a day of the week, a date, a time, or a word like daily; "
		"did you mean \"Mon\"?"},
	{"Mon..Fry 12:00", EINVAL, 6,
		"found \"Fry\"; expected a day of the week like Mon; did you mean \"Fri\"?"},
	{"Fri..Mon 12:00", EINVAL, 1,
		"found \"Fri..Mon\"; expected a range within Mon..Sun, or a list"},
	{"Mon-Fri 12:00", EINVAL, 4, "found \"-Fri\"; expected \"..\", \",\" or a blank"},
	{"Mon, 12:00", EINVAL, 5, "found a blank; expected a day of the week"},
	{"Mon,12:00", EINVAL, 5, "found \"12:00\"; expected a day of the week"},
	{"Mon..Wed..Fri", EINVAL, 9, "found \"..Fri\""},
	{"Mon..", EINVAL, 6, "the event ends here; expected a day of the week"},
	{"dayly", EINVAL, 1, "did you mean \"daily\"?"},
	{"xyz", EINVAL, 1, "expected a day of the week, a date, a time"},
	{"12:00 2026-01-01", EINVAL, 7, "found \"2026-01-01\"; expected a zone"},
	{"12:00 13:00", EINVAL, 7, "found \"13:00\""},
	{"2026-01-01 2026-01-02", EINVAL, 12, "found \"2026-01-02\"; expected a time"},
	{"daily 12:00", EINVAL, 7, "found \"12:00\"; expected a zone"},
	{"12:00 UTC UTC", EINVAL, 11, "found \"UTC\"; expected the end after the zone"},
	{"12:00 Europe/Lundon", ENOENT, 7, "did you mean \"Europe/London\"?"},
	{"daily ../etc", EINVAL, 7, "found \"../etc\"; expected a zone"},
	{"daily a/../b", EINVAL, 7, "\"a/../b\" is not the name of a time zone"},
	{"12:00UTC", EINVAL, 6, "found \"UTC\""},
	{"T12:00", EINVAL, 1, "found \"T\"; expected a day of the week"},
	{"@1234567", EINVAL, 1, "found \"@1234567\""},
	{"+1:00", EINVAL, 1, "found \"+1:00\""},
	{"12:0 0", EINVAL, 6, "found \"0\""},
	{"*-02-30", EINVAL, 1,
		"no day from 1970 to 2199 is \"*-02-30\"; expected a date that exists"},
	{"*-04,06-31", EINVAL, 1, "no day from 1970 to 2199"},
	{"Mon 2026-11-22", EINVAL, 1, "no day from 1970 to 2199"},
	{"\x80\xff", EINVAL, 1, "expected"},
};

TEST(mistakes_are_named_with_their_column)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct calendar *c = (struct calendar *)1;
		_cleanup_diag_ struct diag d = {0};
		int r = calendar_parse(bad[i].event, NULL, &c, &d);

		if (bad[i].err == ENOENT && access(ZONEINFO "/Europe/London", R_OK) < 0)
			continue;
		if (r != -bad[i].err || d.col != bad[i].col || !strstr(d.text, bad[i].part))
			TEST_FAIL("\"%s\": %d, column %u: %s\n# wanted column %u: %s", bad[i].event,
				r, d.col, d.text ? d.text : "-", bad[i].col, bad[i].part);
		CHECK(c == (struct calendar *)1);
		CHECK_INT(calendar_parse(bad[i].event, NULL, &c, NULL), r);
	}
}

TEST(a_text_too_long_is_refused_whole)
{
	char text[CALENDAR_TEXT_MAX + 2];
	struct calendar *c = NULL;
	_cleanup_diag_ struct diag d = {0};

	memset(text, ' ', sizeof(text));
	memcpy(text, "12:00", 5);
	text[CALENDAR_TEXT_MAX] = '\0';
	CHECK_INT(calendar_parse(text, NULL, &c, NULL), 0);
	calendar_free(c);
	text[CALENDAR_TEXT_MAX] = ' ';
	text[CALENDAR_TEXT_MAX + 1] = '\0';
	CHECK_INT(calendar_parse(text, NULL, &c, &d), -EINVAL);
	CHECK_CONTAINS(d.text, "longer than 512 bytes");
}

/* Random sets of values: stepping forwards meets exactly the seconds that match, and so does
 * stepping back. */
TEST(stepping_meets_what_matches_and_nothing_else)
{
	uint64_t seed = 20261122;

	for (int i = 0; i < 300; i++) {
		struct calendar c = {
			.years = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX},
			.months = (uint16_t)(test_random(&seed) & 0x1ffe),
			.days = (uint32_t)(test_random(&seed) & test_random(&seed)) & ~1u,
			.days_from_end = (uint32_t)(test_random(&seed) & test_random(&seed) &
						    test_random(&seed)) &
					 0x1ffffffe,
			.weekdays = (uint8_t)(test_random(&seed) & 0x7f),
			.hours = (uint32_t)test_random(&seed) & 0xffffff,
			.minutes = UINT64_C(1) << test_below(&seed, 60) |
				   UINT64_C(1) << test_below(&seed, 60),
			.seconds = UINT64_C(1) << test_below(&seed, 60) |
				   UINT64_C(1) << test_below(&seed, 60),
		};
		int64_t from =
			sec_of("1990-01-01") + (int64_t)test_below(&seed, 100 * 365) * SEC_PER_DAY;
		int64_t to = from + 3 * SEC_PER_DAY, forth = from - 1, back = to;
		int64_t expected = 0, sum_forth = 0, sum_back = 0;

		if (!c.months || !c.weekdays || !c.hours)
			continue;
		for (int64_t t = from; t < to; t++)
			expected += calendar_matches_wall(&c, t) ? t : 0;
		while (calendar_next_wall(&c, forth, &forth) == 0 && forth < to)
			sum_forth += forth;
		while (calendar_prev_wall(&c, back - 1, &back) == 0 && back >= from)
			sum_back += back;
		CHECK_INT(sum_forth, expected);
		CHECK_INT(sum_back, expected);
	}
}

TEST_MAIN()
