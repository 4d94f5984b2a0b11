/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/calendar.h"

#include <stdio.h>
#include <strings.h>

#include "policy/calendar-fields.h"

static bool letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* year-month-day, month-day; "~" before the day counts it from the month's end */
static int parse_date(struct event_scan *s, struct calendar *c)
{
	struct field_set year = {0}, month = {0}, day = {0};
	unsigned separators = 0;
	bool from_end;
	int r;

	for (const char *p = s->p; p < s->end; p++)
		separators += *p == '-' || *p == '~';
	if (separators > 1) {
		r = scan_field(s, FIELD_YEAR, "-", &year);
		if (r < 0)
			return r;
		if (!scan_take(s, '-'))
			return scan_unexpected_rest(s, "\"-\" and the month");
		memcpy(c->years, year.bits, sizeof(c->years));
	}
	r = scan_field(s, FIELD_MONTH, "-~", &month);
	if (r < 0)
		return r;
	from_end = !scan_at_end(s) && *s->p == '~';
	if (scan_at_end(s))
		return scan_unexpected_rest(
			s, "\"-\" and a day of the month, or \":\" and a minute");
	s->p++;
	r = scan_field(s, from_end ? FIELD_DAY_FROM_END : FIELD_DAY, "", &day);
	if (r < 0)
		return r;
	c->months = (uint16_t)month.bits[0];
	c->days = from_end ? 0 : (uint32_t)day.bits[0];
	c->days_from_end = from_end ? (uint32_t)day.bits[0] : 0;
	return 0;
}

/* hour:minute[:second] */
static int parse_time(struct event_scan *s, struct calendar *c)
{
	struct field_set hour = {0}, minute = {0}, second = {.bits = {1}};
	int r;

	r = scan_field(s, FIELD_HOUR, ":", &hour);
	if (r < 0)
		return r;
	if (!scan_take(s, ':'))
		return scan_unexpected_rest(s, "\":\" and the minute");
	r = scan_field(s, FIELD_MINUTE, ":", &minute);
	if (r < 0)
		return r;
	if (scan_take(s, ':')) {
		second.bits[0] = 0;
		r = scan_field(s, FIELD_SECOND, "", &second);
		if (r < 0)
			return r;
	}
	c->hours = (uint32_t)hour.bits[0];
	c->minutes = minute.bits[0];
	c->seconds = second.bits[0];
	return 0;
}

static const char *const weekday_names[] = {
	"Mon",
	"Tue",
	"Wed",
	"Thu",
	"Fri",
	"Sat",
	"Sun",
	"Monday",
	"Tuesday",
	"Wednesday",
	"Thursday",
	"Friday",
	"Saturday",
	"Sunday",
	NULL,
};

static int unknown_word(const struct event_scan *s, const char *at, size_t len,
	const char *expected, const char *const *known)
{
	char word[EXCERPT_MAX], text[160];
	const char *nearest = nearest_word(excerpt_n(at, len, word), known);

	snprintf(text, sizeof(text), "%s%s%s%s", expected, nearest ? "; did you mean \"" : "",
		nearest ? nearest : "", nearest ? "\"?" : "");
	return scan_unexpected(s, at, len, text);
}

/* One name; *ret 0 = Monday. */
static int parse_weekday(struct event_scan *s, int *ret)
{
	const char *from = s->p;
	size_t len;

	while (!scan_at_end(s) && letter(*s->p))
		s->p++;
	len = (size_t)(s->p - from);
	for (int i = 0; weekday_names[i]; i++)
		if (strlen(weekday_names[i]) == len &&
			strncasecmp(weekday_names[i], from, len) == 0) {
			*ret = i % 7;
			return 0;
		}
	return unknown_word(s, from, len ? len : (size_t)(s->end - from),
		"a day of the week like Mon", weekday_names);
}

/* Mon,Wed..Fri */
static int parse_weekdays(struct event_scan *s, struct calendar *c)
{
	c->weekdays = 0;
	do {
		const char *from = s->p;
		int first, last, r;

		r = parse_weekday(s, &first);
		if (r < 0)
			return r;
		last = first;
		if (scan_take_dots(s)) {
			r = parse_weekday(s, &last);
			if (r < 0)
				return r;
			if (last < first)
				return scan_unexpected(s, from, (size_t)(s->p - from),
					"a range within Mon..Sun, or a list like Sat,Sun,Mon");
		}
		for (int day = first; day <= last; day++)
			c->weekdays |= (uint8_t)(1u << day);
	} while (scan_take(s, ','));
	return scan_at_end(s) ? 0
			      : scan_unexpected_rest(
					s, "\"..\", \",\" or a blank after the day of the week");
}

/* The words that stand for a whole event. */
static const struct {
	const char *name, *text;
} shorthands[] = {
	{"minutely", "*-*-* *:*:00"},
	{"hourly", "*-*-* *:00:00"},
	{"daily", "*-*-* 00:00:00"},
	{"weekly", "Mon *-*-* 00:00:00"},
	{"monthly", "*-*-01 00:00:00"},
	{"quarterly", "*-01,04,07,10-01 00:00:00"},
	{"semiannually", "*-01,07-01 00:00:00"},
	{"semi-annually", "*-01,07-01 00:00:00"},
	{"annually", "*-01-01 00:00:00"},
	{"yearly", "*-01-01 00:00:00"},
};

static const char *shorthand(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(shorthands); i++)
		if (strlen(shorthands[i].name) == len &&
			strncasecmp(shorthands[i].name, word, len) == 0)
			return shorthands[i].text;
	return NULL;
}

/* The first word begins with a letter and is neither a shorthand nor followed by "," or "..". */
static int unknown_first_word(const struct event_scan *s)
{
	const char *known[ARRAY_SIZE(weekday_names) + ARRAY_SIZE(shorthands)];
	size_t n = 0;

	for (size_t i = 0; weekday_names[i]; i++)
		known[n++] = weekday_names[i];
	for (size_t i = 0; i < ARRAY_SIZE(shorthands); i++)
		known[n++] = shorthands[i].name;
	known[n] = NULL;
	return unknown_word(s, s->p, (size_t)(s->end - s->p),
		"a day of the week, a date, a time, or a word like daily", known);
}

static bool is_weekday(const char *word, size_t len)
{
	for (int i = 0; weekday_names[i]; i++)
		if (strlen(weekday_names[i]) == len &&
			strncasecmp(weekday_names[i], word, len) == 0)
			return true;
	return false;
}

static int parse_zone(struct event_scan *s, const struct zone_source *source, struct calendar *c)
{
	_cleanup_free_ char *name = strndup(s->p, (size_t)(s->end - s->p));
	int r;

	if (!name)
		return -ENOMEM;
	r = zone_load(name, source, &c->zone, s->d);
	if (r < 0 && s->d && s->d->col)
		s->d->col += (unsigned)(s->p - s->text);
	return r;
}

/* The parts of an event, each at most once and in this order. */
enum part {
	PART_NONE,
	PART_WEEKDAYS,
	PART_DATE,
	PART_TIME,
	PART_ZONE,
};
static const char *const part_expected[] = {
	[PART_NONE] = "an event like Mon..Fri 20:00",
	[PART_WEEKDAYS] = "a date or a time",
	[PART_DATE] = "a time like 20:00, or a zone like Europe/London",
	[PART_TIME] = "a zone like Europe/London, or the end",
	[PART_ZONE] = "the end after the zone",
};

static enum part part_of_word(const struct event_scan *s, enum part before)
{
	if (letter(*s->p))
		return before == PART_NONE ? PART_WEEKDAYS : PART_ZONE;
	return memchr(s->p, ':', (size_t)(s->end - s->p)) ? PART_TIME : PART_DATE;
}

static int parse_word(
	struct event_scan *s, const struct zone_source *source, enum part part, struct calendar *c)
{
	switch (part) {
	case PART_WEEKDAYS: {
		const char *p = s->p;

		while (p < s->end && letter(*p))
			p++;
		if (p == s->end && !is_weekday(s->p, (size_t)(p - s->p)))
			return unknown_first_word(s);
		return parse_weekdays(s, c);
	}
	case PART_DATE:
		return parse_date(s, c);
	case PART_TIME:
		return parse_time(s, c);
	default:
		return parse_zone(s, source, c);
	}
}

/* Moves to the next word: false at the end of the text. */
static bool next_word(struct event_scan *s)
{
	for (s->p = s->end; *s->p == ' ' || *s->p == '\t'; s->p++)
		;
	for (s->end = s->p; *s->end && *s->end != ' ' && *s->end != '\t'; s->end++)
		;
	return s->p < s->end;
}

static int parse_event(struct event_scan *s, const struct zone_source *source, struct calendar *c)
{
	enum part part = PART_NONE, before;
	int r;

	while (next_word(s)) {
		const char *whole =
			part == PART_NONE ? shorthand(s->p, (size_t)(s->end - s->p)) : NULL;

		if (whole) {
			struct event_scan inner = {.text = whole, .p = whole, .end = whole};

			r = parse_event(&inner, source, c);
			if (r < 0)
				return r;
			part = PART_TIME;
			continue;
		}
		before = part;
		part = part_of_word(s, before);
		if (part <= before)
			return scan_unexpected_rest(s, part_expected[before]);
		r = parse_word(s, source, part, c);
		if (r < 0)
			return r;
	}
	return part == PART_NONE ? scan_unexpected_rest(s, part_expected[PART_NONE]) : 0;
}

int calendar_parse(
	const char *text, const struct zone_source *source, struct calendar **ret, struct diag *d)
{
	struct event_scan s = {.text = text, .p = text, .end = text, .d = d};
	_cleanup_calendar_ struct calendar *c = NULL;
	char shown[EXCERPT_MAX];
	int64_t first;
	int r;

	if (strlen(text) > CALENDAR_TEXT_MAX)
		return diag_set(d, EINVAL, NULL, 0, CALENDAR_TEXT_MAX + 1,
			"the event is longer than %d bytes; expected a shorter one",
			CALENDAR_TEXT_MAX);
	c = malloc(sizeof(*c));
	if (!c)
		return -ENOMEM;
	/* What is not said: any day, midnight. */
	*c = (struct calendar){
		.years = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX},
		.months = 0x1ffe,
		.days = UINT32_MAX - 1,
		.weekdays = 0x7f,
		.hours = 1,
		.minutes = 1,
		.seconds = 1,
	};
	r = parse_event(&s, source, c);
	if (r < 0)
		return r;
	if (calendar_next_wall(c, INT64_MIN / 2, &first) < 0)
		return diag_set(d, EINVAL, NULL, 0, 1,
			"no day from %d to %d is \"%s\"; expected a date that exists",
			CALENDAR_FIRST_YEAR, CALENDAR_LAST_YEAR, excerpt(text, shown));
	*ret = TAKE_PTR(c);
	return 0;
}
