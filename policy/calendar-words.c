/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of a calendar event: days of the week, and those that stand for a whole event. */
#include "policy/calendar-fields.h"

#include <stdio.h>
#include <strings.h>

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

	while (!scan_at_end(s) && calendar_letter(*s->p))
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

int scan_weekdays(struct event_scan *s, struct calendar *c)
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

const char *calendar_shorthand(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(shorthands); i++)
		if (strlen(shorthands[i].name) == len &&
			strncasecmp(shorthands[i].name, word, len) == 0)
			return shorthands[i].text;
	return NULL;
}

int scan_unknown_first_word(const struct event_scan *s)
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

bool calendar_is_weekday(const char *word, size_t len)
{
	for (int i = 0; weekday_names[i]; i++)
		if (strlen(weekday_names[i]) == len &&
			strncasecmp(weekday_names[i], word, len) == 0)
			return true;
	return false;
}
