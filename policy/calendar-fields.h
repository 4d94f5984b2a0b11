/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/calendar.h"
#include "policy/civil.h"

/* The inside of a calendar event, shared by the files calendar*.c alone: for each field the set of
 * values it names. */

#define CALENDAR_FIRST_YEAR 1970
#define CALENDAR_LAST_YEAR 2199
/* A day counted from the month's end may be at most this far: every month has it. */
#define CALENDAR_FROM_END_MAX 28

struct calendar {
	uint64_t years[4];	/* bit y - CALENDAR_FIRST_YEAR */
	uint64_t seconds;	/* bit 0..59 */
	uint64_t minutes;	/* bit 0..59 */
	uint32_t hours;		/* bit 0..23 */
	uint32_t days;		/* bit 1..31 */
	uint32_t days_from_end; /* bit 1..28: 1 = the last day */
	uint16_t months;	/* bit 1..12 */
	uint8_t weekdays;	/* bit 0 = Monday */
	struct zone *zone;	/* owned; NULL: none was named */
};

/* The fields of a date and a time, each with its range and its name for messages. */
enum calendar_field {
	FIELD_YEAR,
	FIELD_MONTH,
	FIELD_DAY,
	FIELD_DAY_FROM_END,
	FIELD_HOUR,
	FIELD_MINUTE,
	FIELD_SECOND,
	FIELD_MAX,
};

/* The values of one field as bits; years count from CALENDAR_FIRST_YEAR. */
struct field_set {
	uint64_t bits[4];
};

/* The text of an event while it is read, one word (without blanks) at a time. */
struct event_scan {
	const char *text; /* for columns */
	const char *p;	  /* where we are */
	const char *end;  /* of the word */
	struct diag *d;
};

static inline bool scan_at_end(const struct event_scan *s)
{
	return s->p == s->end;
}
static inline bool scan_take(struct event_scan *s, char c)
{
	if (scan_at_end(s) || *s->p != c)
		return false;
	s->p++;
	return true;
}
/* ".." */
bool scan_take_dots(struct event_scan *s) _nonnull_;

/* Both say "found X; expected Y" and return -EINVAL: for len bytes from at, for the rest of the
 * word. */
int scan_unexpected(
	const struct event_scan *s, const char *at, size_t len, const char *expected) _nonnull_;
int scan_unexpected_rest(const struct event_scan *s, const char *expected) _nonnull_;

/* Reads "*" or a list of values, ranges and repetitions up to the end of the word or one of the
 * separators, and adds what it names to *set. Returns 0, -EINVAL or -ERANGE. */
int scan_field(struct event_scan *s, enum calendar_field field, const char *separators,
	struct field_set *set) _nonnull_ _must_check_;

static inline bool calendar_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
/* calendar-words.c: "daily" and the like, as an event in full; NULL: no such word. */
const char *calendar_shorthand(const char *word, size_t len) _nonnull_;
bool calendar_is_weekday(const char *word, size_t len) _nonnull_;
/* Reads a word like Mon,Wed..Fri into c->weekdays. Returns 0 or -EINVAL. */
int scan_weekdays(struct event_scan *s, struct calendar *c) _nonnull_ _must_check_;
/* The first word begins with a letter and is neither a shorthand nor followed by "," or "..":
 * -EINVAL, with the nearest one known. */
int scan_unknown_first_word(const struct event_scan *s) _nonnull_;
