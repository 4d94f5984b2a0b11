/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/calendar.h"

#include "policy/calendar-fields.h"

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
	if (calendar_letter(*s->p))
		return before == PART_NONE ? PART_WEEKDAYS : PART_ZONE;
	return memchr(s->p, ':', (size_t)(s->end - s->p)) ? PART_TIME : PART_DATE;
}

static int parse_word(
	struct event_scan *s, const struct zone_source *source, enum part part, struct calendar *c)
{
	switch (part) {
	case PART_WEEKDAYS: {
		const char *p = s->p;

		while (p < s->end && calendar_letter(*p))
			p++;
		if (p == s->end && !calendar_is_weekday(s->p, (size_t)(p - s->p)))
			return scan_unknown_first_word(s);
		return scan_weekdays(s, c);
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
		const char *whole = part == PART_NONE
					    ? calendar_shorthand(s->p, (size_t)(s->end - s->p))
					    : NULL;

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
