/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/schedule.h"

#include <time.h>

#include "tests/test.h"
#include "tests/wall.h"

#define ZONEINFO "/usr/share/zoneinfo"
#define NO_TZDATA() (access(ZONEINFO "/Europe/London", R_OK) < 0)

/* Events split at ';'. end: a span is Duration=, anything else Until=. */
struct text {
	const char *events, *until, *duration, *zone;
};

static int make(const struct text *t, struct schedule **ret, struct diag *d)
{
	struct schedule_value values[SCHEDULE_EVENTS_MAX + 2];
	_cleanup_free_ char *copy = strdup(t->events);
	struct schedule_spec spec = {
		.on_calendar = values,
		.until = {.text = t->until, .file = "p", .line = 8, .col = 7},
		.duration = {.text = t->duration, .file = "p", .line = 9, .col = 10},
		.timezone = {.text = t->zone, .file = "p", .line = 10, .col = 10},
		.section = {.file = "p", .line = 1, .col = 1},
	};
	char *rest = copy, *event;

	while ((event = strsep(&rest, ";")) && spec.n_on_calendar < ARRAY_SIZE(values))
		if (*event) {
			values[spec.n_on_calendar] = (struct schedule_value){.text = event,
				.file = "p",
				.line = 2 + (unsigned)spec.n_on_calendar,
				.col = 12};
			spec.n_on_calendar++;
		}
	return schedule_new(&spec, NULL, ret, d);
}

/* What a schedule answers at instants of UTC: open or closed, and when that changes. */
static const struct {
	struct text text;
	const char *now;
	bool open;
	const char *next;
} answers[] = {
	/* Night, over midnight, with the weekend. */
	{{"Mon..Fri 20:00", "08:00", NULL, "UTC"}, "2026-11-20 19:59:59", false,
		"2026-11-20 20:00:00"},
	{{"Mon..Fri 20:00", "08:00", NULL, "UTC"}, "2026-11-20 20:00", true, "2026-11-21 08:00:00"},
	{{"Mon..Fri 20:00", "08:00", NULL, "UTC"}, "2026-11-21 07:59:59", true,
		"2026-11-21 08:00:00"},
	{{"Mon..Fri 20:00", "08:00", NULL, "UTC"}, "2026-11-21 08:00", false,
		"2026-11-23 20:00:00"},
	/* Open at start is open. */
	{{"2026-01-01", NULL, "300d", "UTC"}, "2026-06-01", true, "2026-10-28 00:00:00"},
	{{"2026-01-01", NULL, "300d", "UTC"}, "2026-10-28", false, "never"},
	{{"2026-01-01", NULL, "300d", "UTC"}, "2025-10-28", false, "2026-01-01 00:00:00"},
	/* Windows that overlap or touch are one. */
	{{"10:00;11:00", NULL, "90min", "UTC"}, "2026-11-22 10:30", true, "2026-11-22 12:30:00"},
	{{"10:00;11:00", NULL, "1h", "UTC"}, "2026-11-22 10:30", true, "2026-11-22 12:00:00"},
	{{"10:00;11:00:01", NULL, "1h", "UTC"}, "2026-11-22 10:30", true, "2026-11-22 11:00:00"},
	{{"10:00;11:00:01", NULL, "1h", "UTC"}, "2026-11-22 11:00", false, "2026-11-22 11:00:01"},
	{{"daily", "2026-12-24", NULL, "UTC"}, "2026-11-22", true, "2026-12-24 00:00:00"},
	{{"daily", "2026-12-24", NULL, "UTC"}, "2026-12-24", false, "never"},
	{{"10:00", "10:00", NULL, "UTC"}, "2026-11-22 09:00", true, "*"},
	/* A short window inside a long one does not end it. */
	{{"08:00;10:00", NULL, "4h", "UTC"}, "2026-11-22 09:00", true, "2026-11-22 14:00:00"},
	{{"08:00;09:00", "9,17:30", NULL, "UTC"}, "2026-11-22 08:10", true, "2026-11-22 09:30:00"},
	/* Fractions of a second. */
	{{"10:00", NULL, "1.5s", "UTC"}, "2026-11-22 10:00:01", true, "2026-11-22 10:00:01"},
	/* Spring in London: 01:00 UTC is 02:00 there. */
	{{"01:30", "05:00", NULL, "Europe/London"}, "2025-03-30 00:59:59", false,
		"2025-03-30 01:00:00"},
	{{"01:30", "05:00", NULL, "Europe/London"}, "2025-03-30 01:00:00", true,
		"2025-03-30 04:00:00"},
	/* Both within the skipped hour: empty, not a day long. */
	{{"01:00", "01:30", NULL, "Europe/London"}, "2025-03-29 12:00", false,
		"2025-03-31 00:00:00"},
	{{"01:00", "01:30", NULL, "Europe/London"}, "2025-03-30 01:00", false,
		"2025-03-31 00:00:00"},
	{{"00:30", "01:30", NULL, "Europe/London"}, "2025-03-30 00:45", true,
		"2025-03-30 01:00:00"},
	{{"01:30", NULL, "1h", "Europe/London"}, "2025-03-30 01:00", true, "2025-03-30 02:00:00"},
	/* Autumn in London: once, at the first pass; what is elapsed time stays elapsed time. */
	{{"01:30", "02:00", NULL, "Europe/London"}, "2025-10-26 00:30", true,
		"2025-10-26 02:00:00"},
	{{"01:30", NULL, "30min", "Europe/London"}, "2025-10-26 00:30", true,
		"2025-10-26 01:00:00"},
	{{"01:30", NULL, "30min", "Europe/London"}, "2025-10-26 01:30", false,
		"2025-10-27 01:30:00"},
	{{"00:30", "01:30", NULL, "Europe/London"}, "2025-10-26 00:00", true,
		"2025-10-26 00:30:00"},
	{{"20:00", "08:00", NULL, "Europe/London"}, "2025-10-25 22:00", true,
		"2025-10-26 08:00:00"},
	{{"20:00", "08:00", NULL, "Europe/London"}, "2025-03-29 22:00", true,
		"2025-03-30 07:00:00"},
	/* Each event in its own zone. */
	{{"20:00 Asia/Tokyo", "20:00 Europe/London", NULL, "UTC"}, "2026-01-10 10:59", false,
		"2026-01-10 11:00:00"},
	{{"20:00 Asia/Tokyo", "20:00 Europe/London", NULL, "UTC"}, "2026-01-10 11:00", true,
		"2026-01-10 20:00:00"},
	{{"12:00 UTC", "13:00", NULL, "Asia/Tokyo"}, "2026-01-10 12:30", true,
		"2026-01-11 04:00:00"},
	/* The table's ends. */
	{{"*-12-31 12:00", NULL, "2d", "UTC"}, "2199-12-31 13:00", true, "2200-01-02 12:00:00"},
	{{"*-12-31 12:00", NULL, "2d", "UTC"}, "2200-01-02 12:00", false, "never"},
	{{"1970-01-01", NULL, "1d", "Pacific/Tongatapu"}, "1970-01-01 00:00", true,
		"1970-01-01 11:00:00"},
};

TEST(a_bad_hour_is_told_before_the_end_that_is_missing_and_an_end_alone_at_its_own_place)
{
	_cleanup_schedule_ struct schedule *s = NULL;
	_cleanup_diag_ struct diag hour = {0}, end = {0}, alone = {0};

	CHECK(make(&(struct text){"Mon 25:00", NULL, NULL, "UTC"}, &s, &hour) < 0);
	CHECK(hour.text && strstr(hour.text, "25"));
	CHECK(make(&(struct text){"Mon 23:00", NULL, NULL, "UTC"}, &s, &end) < 0);
	CHECK(end.text && strstr(end.text, "nothing closes"));
	CHECK(make(&(struct text){"", "08:00", NULL, "UTC"}, &s, &alone) < 0);
	CHECK(alone.line == 8 && alone.col == 7);
}

TEST(schedules_answer)
{
	if (NO_TZDATA())
		TEST_SKIP("no tzdata");
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		_cleanup_schedule_ struct schedule *s = NULL;
		_cleanup_diag_ struct diag d = {0};
		uint64_t next;
		bool open;

		if (make(&answers[i].text, &s, &d) < 0)
			TEST_FAIL("%s: %s", answers[i].text.events, d.text);
		schedule_judge(s, usec_of(answers[i].now), &open, &next);
		CHECK(next > usec_of(answers[i].now));
		if (open != answers[i].open || (!streq(answers[i].next, "*") &&
						       !streq(text_of_usec(next), answers[i].next)))
			TEST_FAIL(
				"%s until %s for %s in %s, at %s: %s until %s, wanted %s until %s",
				answers[i].text.events,
				answers[i].text.until ? answers[i].text.until : "-",
				answers[i].text.duration ? answers[i].text.duration : "-",
				answers[i].text.zone, answers[i].now, open ? "open" : "closed",
				text_of_usec(next), answers[i].open ? "open" : "closed",
				answers[i].next);
	}
}

static const struct {
	struct text text;
	int err;
	unsigned line, col;
	const char *part;
} bad[] = {
	{{"", "08:00", NULL, "UTC"}, EINVAL, 8, 7, "no OnCalendar= in [Schedule]"},
	{{"20:00", NULL, NULL, "UTC"}, EINVAL, 2, 12, "expected Until= or Duration="},
	{{"20:00", "08:00", "1h", "UTC"}, EINVAL, 9, 10, "expected one of them"},
	{{"20:00;daly", "08:00", NULL, "UTC"}, EINVAL, 3, 12, "did you mean \"daily\"?"},
	{{"20:00;Mon 25:00", "08:00", NULL, "UTC"}, ERANGE, 3, 16, "found hour \"25\""},
	{{"20:00", "Mon 8:0:61", NULL, "UTC"}, ERANGE, 8, 15, "found second \"61\""},
	{{"20:00", NULL, "0", "UTC"}, ERANGE, 9, 10, "found Duration=0; expected 1s to 3660d"},
	{{"20:00", NULL, "999ms", "UTC"}, ERANGE, 9, 10, "expected 1s to 3660d"},
	{{"20:00", NULL, "3661d", "UTC"}, ERANGE, 9, 10, "expected 1s to 3660d"},
	{{"20:00", NULL, "infinity", "UTC"}, ERANGE, 9, 10, "expected 1s to 3660d"},
	{{"20:00", NULL, "2x", "UTC"}, EINVAL, 9, 11, "\"2x\""},
	{{"20:00", "08:00", NULL, "Europe/Lundon"}, ENOENT, 10, 10,
		"did you mean \"Europe/London\"?"},
	{{"20:00", "08:00", NULL, "../x"}, EINVAL, 10, 10, "is not the name of a time zone"},
	{{"20:00 Mars/Base", "08:00", NULL, "UTC"}, ENOENT, 2, 18, "no time zone \"Mars/Base\""},
};

TEST(mistakes_are_named_with_their_place)
{
	if (NO_TZDATA())
		TEST_SKIP("no tzdata");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct schedule *s = (struct schedule *)1;
		_cleanup_diag_ struct diag d = {0};
		int r = make(&bad[i].text, &s, &d);

		if (r != -bad[i].err || !d.text || !d.file || d.line != bad[i].line ||
			d.col != bad[i].col || !strstr(d.text, bad[i].part))
			TEST_FAIL("\"%s\": %d, %u:%u: %s", bad[i].text.events, r, d.line, d.col,
				d.text ? d.text : "-");
		CHECK_STR(d.file, "p");
		CHECK(s == (struct schedule *)1);
		CHECK_INT(make(&bad[i].text, &s, NULL), r);
	}
}

TEST(one_policy_has_at_most_64_events)
{
	char events[8 * (SCHEDULE_EVENTS_MAX + 1)] = "";
	struct text t = {events, NULL, "1h", "UTC"};
	_cleanup_schedule_ struct schedule *s = NULL;
	_cleanup_diag_ struct diag d = {0};

	for (int i = 0; i < SCHEDULE_EVENTS_MAX; i++)
		strcat(events, "20:00;");
	CHECK_INT(make(&t, &s, NULL), 0);
	strcat(events, "21:00");
	s = schedule_free(s);
	CHECK_INT(make(&t, &s, &d), -EINVAL);
	CHECK_INT(d.line, 2 + SCHEDULE_EVENTS_MAX);
	CHECK_CONTAINS(d.text, "more than 64 OnCalendar=");
}

static uint64_t cpu_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

/* What would take for ever, judged by brute force, takes a bounded number of steps. The limit is
 * generous (an unbounded search of these takes minutes); the usual figure is printed. */
TEST(hard_schedules_are_judged_quickly)
{
	char seconds[8 * SCHEDULE_EVENTS_MAX] = "";
	const struct text hard[] = {
		{"minutely", NULL, "400d", "UTC"},
		{"minutely", NULL, "2min", "UTC"},
		{"*:*:*", NULL, "1s", "UTC"},
		{"*:*:*", "*:*:*", NULL, "UTC"},
		{"*-02-29 12:00", "*-02-29 11:00", NULL, "Europe/London"},
		{"Sun *-02-29", NULL, "1s", "UTC"},
		{seconds, NULL, "1s", "UTC"},
		{"01:00;01:10;01:20", "01:30", NULL, "Europe/London"},
	};

	for (int i = 0; i < SCHEDULE_EVENTS_MAX; i++)
		strcat(seconds, "*:*:*;");
	if (NO_TZDATA())
		TEST_SKIP("no tzdata");
	for (size_t i = 0; i < ARRAY_SIZE(hard); i++) {
		_cleanup_schedule_ struct schedule *s = NULL;
		uint64_t begin, took, next;
		bool open;

		CHECK_INT(make(&hard[i], &s, NULL), 0);
		begin = cpu_usec();
		for (int k = 0; k < 10; k++)
			schedule_judge(
				s, usec_of("2026-11-22 10:00:00") + (uint64_t)k, &open, &next);
		took = (cpu_usec() - begin) / 10;
		printf("# %.30s for %s: %s until %s, %" PRIu64 " us\n", hard[i].events,
			hard[i].duration ? hard[i].duration : hard[i].until,
			open ? "open" : "closed", text_of_usec(next), took);
		CHECK(took < 100 * USEC_PER_MSEC);
	}
}

TEST(minutely_for_400_days_is_open_to_the_end_of_the_calendar)
{
	const struct text t = {"minutely", NULL, "400d", "UTC"};
	_cleanup_schedule_ struct schedule *s = NULL;
	uint64_t next;
	bool open;

	CHECK_INT(make(&t, &s, NULL), 0);
	schedule_judge(s, usec_of("2026-11-22 10:00:30"), &open, &next);
	CHECK(open);
	CHECK_STR(text_of_usec(next), "2201-02-04 23:59:00");
}

/* Set by an hour, twice, in both directions: each instant has its own answer, whatever was asked
 * before. */
TEST(a_clock_step_of_an_hour_opens_or_closes_by_the_new_time)
{
	const struct text t = {"20:00", "08:00", NULL, "UTC"};
	static const struct {
		const char *now;
		bool open;
		const char *next;
	} walk[] = {
		{"2026-11-22 19:30", false, "2026-11-22 20:00:00"},
		{"2026-11-22 20:30", true,
			"2026-11-23 08:00:00"}, /* an hour forth, over the opening */
		{"2026-11-22 19:30", false, "2026-11-22 20:00:00"}, /* and back */
		{"2026-11-22 20:00", true,
			"2026-11-23 08:00:00"}, /* it opens when its time comes again */
		{"2026-11-23 07:30", true, "2026-11-23 08:00:00"},
		{"2026-11-23 08:30", false,
			"2026-11-23 20:00:00"},			   /* an hour forth, over the end */
		{"2026-11-23 07:30", true, "2026-11-23 08:00:00"}, /* and back */
		{"2026-11-23 02:00", true, "2026-11-23 08:00:00"},
		{"2026-11-23 03:00", true,
			"2026-11-23 08:00:00"}, /* within a window: nothing changes */
		{"2026-11-23 02:00", true, "2026-11-23 08:00:00"},
	};
	_cleanup_schedule_ struct schedule *s = NULL;

	CHECK_INT(make(&t, &s, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(walk); i++) {
		uint64_t next;
		bool open;

		schedule_judge(s, usec_of(walk[i].now), &open, &next);
		CHECK_INT(open, walk[i].open);
		CHECK_STR(text_of_usec(next), walk[i].next);
	}
}

TEST(destructors_take_null)
{
	CHECK(schedule_free(NULL) == NULL);
}

TEST_MAIN()
