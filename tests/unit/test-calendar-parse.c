/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/calendar.h"

#include "policy/calendar-fields.h"
#include "tests/test.h"

#define BIT(n)       (UINT64_C(1) << (n))
#define ANY_MONTH    0x1ffe
#define ANY_DAY      (UINT32_MAX - 1)
#define ANY_WEEKDAY  0x7f
#define SIXTY        ((UINT64_C(1) << 60) - 1)

/* What each text names, field by field. What it does not say: any day, midnight. */
static const struct {
	const char *text;
	uint8_t weekdays;
	uint16_t months;
	uint32_t days, days_from_end, hours;
	uint64_t minutes, seconds;
} fields[] = {
	{"20:00", ANY_WEEKDAY, ANY_MONTH, ANY_DAY, 0, BIT(20), 1, 1},
	{"Mon..Fri 20:15", 0x1f, ANY_MONTH, ANY_DAY, 0, BIT(20), BIT(15), 1},
	{"sunday,WED", 0x44, ANY_MONTH, ANY_DAY, 0, 1, 1, 1},
	{"Tue..Tue,Sat..Sun 8:00", 0x62, ANY_MONTH, ANY_DAY, 0, BIT(8), 1, 1},
	{"*:0/15", ANY_WEEKDAY, ANY_MONTH, ANY_DAY, 0, 0xffffff,
		BIT(0) | BIT(15) | BIT(30) | BIT(45), 1},
	{"8..17/3:30:45", ANY_WEEKDAY, ANY_MONTH, ANY_DAY, 0, BIT(8) | BIT(11) | BIT(14) | BIT(17),
		BIT(30), BIT(45)},
	{"*:*:*", ANY_WEEKDAY, ANY_MONTH, ANY_DAY, 0, 0xffffff, SIXTY, SIXTY},
	{"*-*-01,15 6:00", ANY_WEEKDAY, ANY_MONTH, BIT(1) | BIT(15), 0, BIT(6), 1, 1},
	{"2,4-30", ANY_WEEKDAY, BIT(2) | BIT(4), BIT(30), 0, 1, 1, 1},
	{"*-*~1", ANY_WEEKDAY, ANY_MONTH, 0, BIT(1), 1, 1, 1},
	{"*-02~3..5", ANY_WEEKDAY, BIT(2), 0, BIT(3) | BIT(4) | BIT(5), 1, 1, 1},
	{"minutely", ANY_WEEKDAY, ANY_MONTH, ANY_DAY, 0, 0xffffff, SIXTY, 1},
	{"Weekly", 0x01, ANY_MONTH, ANY_DAY, 0, 1, 1, 1},
	{"quarterly", ANY_WEEKDAY, BIT(1) | BIT(4) | BIT(7) | BIT(10), BIT(1), 0, 1, 1, 1},
};

TEST(a_text_becomes_the_values_that_it_names)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		_cleanup_calendar_ struct calendar *c = NULL;

		if (calendar_parse(fields[i].text, NULL, &c, NULL) < 0)
			TEST_FAIL("\"%s\" is refused", fields[i].text);
		if (c->weekdays != fields[i].weekdays || c->months != fields[i].months ||
			c->days != fields[i].days || c->days_from_end != fields[i].days_from_end ||
			c->hours != fields[i].hours || c->minutes != fields[i].minutes ||
			c->seconds != fields[i].seconds)
			TEST_FAIL("\"%s\": %x %x %x ~%x %x:%" PRIx64 ":%" PRIx64, fields[i].text,
				c->weekdays, c->months, c->days, c->days_from_end, c->hours,
				c->minutes, c->seconds);
		CHECK(!calendar_zone(c));
	}
}

static uint64_t years_named(const struct calendar *c, unsigned *first)
{
	uint64_t n = 0;

	for (unsigned y = CALENDAR_LAST_YEAR - CALENDAR_FIRST_YEAR + 1; y-- > 0;)
		if (c->years[y / 64] & BIT(y % 64)) {
			*first = y + CALENDAR_FIRST_YEAR;
			n++;
		}
	return n;
}

TEST(years_are_named_one_by_one_or_all)
{
	static const struct {
		const char *text;
		uint64_t n;
		unsigned first;
	} years[] = {
		{"12:00", 230, 1970}, {"2026-11-23", 1, 2026}, {"2026..2028-1-1", 3, 2026},
		{"2030/50-1-1", 4, 2030}, {"27-1-1", 1, 2027},
	};

	for (size_t i = 0; i < ARRAY_SIZE(years); i++) {
		_cleanup_calendar_ struct calendar *c = NULL;
		unsigned first = 0;

		CHECK_INT(calendar_parse(years[i].text, NULL, &c, NULL), 0);
		CHECK_U64(years_named(c, &first), years[i].n);
		CHECK_INT(first, years[i].first);
	}
}

/* The parts of an event stand in one order, each once. */
TEST(what_stands_in_the_wrong_place_is_told_with_its_column)
{
	static const struct {
		const char *text, *says;
		unsigned col;
	} wrong[] = {
		{"", "an event like Mon..Fri 20:00", 1},
		{"20:00 21:00", "a zone like Europe/London, or the end", 7},
		{"2026-11-23 2026-11-24", "a time like 20:00", 12},
		{"Mun 8:00", "did you mean \"Mon\"?", 1},
		{"dayly", "did you mean \"daily\"?", 1},
		{"Fri..Mon 8:00", "a range within Mon..Sun", 1},
		{"Mon;Tue 8:00", "\"..\", \",\" or a blank", 4},
		{"daily 8:00", "a zone like Europe/London, or the end", 7},
		{"8", "\"-\" and a day of the month", 2},
		{"2026-02-30", "a date that exists", 1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_calendar_ struct calendar *c = NULL;
		_cleanup_diag_ struct diag d = {0};

		if (calendar_parse(wrong[i].text, NULL, &c, &d) != -EINVAL || c)
			TEST_FAIL("\"%s\" is taken", wrong[i].text);
		if (d.col != wrong[i].col || !strstr(d.text, wrong[i].says))
			TEST_FAIL("\"%s\": %u: %s", wrong[i].text, d.col, d.text);
	}
}

TEST_MAIN()
