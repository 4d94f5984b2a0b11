/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/timezone.h"

/*
 * Calendar events, the useful subset of systemd.time(7): "Mon..Fri 20:00", "*-*-01,15 06:00",
 * "*-02~01", "Sat *-*~07/1 03:00", "*:0/15", "2026-12-24 18:00 Europe/London", minutely hourly
 * daily weekly monthly quarterly semiannually yearly. Fields are *, a value, lists a,b, ranges
 * a..b, repetitions a/n and a..b/n; ~ counts days from the month's end. Years 1970..2199; whole
 * seconds (a fraction is an error); a zone name may end it. Not taken over: "@SECONDS" and
 * abbreviations of zones ("CET", where there is no file of that name). An event that no date ever
 * meets ("*-02-30") is an error.
 *
 * When it elapses: at zone_reach() of every wall time it names. So a time in a skipped hour elapses
 * at the end of the gap, one in a doubled hour once, at its first pass.
 */
struct calendar;

/* Longest text that is parsed. */
#define CALENDAR_TEXT_MAX 512

/* Parses text. source (may be NULL): where a trailing zone name is looked up. Returns 0 and a new
 * calendar, -ENOMEM, or fills *d (column counted from the start of text: what was found, what was
 * expected) and returns -EINVAL, -ERANGE (a number outside its field) or what zone_load()
 * returns. */
int calendar_parse(const char *text, const struct zone_source *source, struct calendar **ret,
	struct diag *d) _nonnull_args_(1, 3) _must_check_;
struct calendar *calendar_free(struct calendar *c); /* takes NULL, returns NULL */
DEFINE_CLEANUP(struct calendar *, calendar_free)
#define _cleanup_calendar_ _cleanup_(calendar_freep)

/* The zone named in the text, or NULL. */
const struct zone *calendar_zone(const struct calendar *c) _nonnull_ _pure_;

/* First time it elapses after (strictly) this instant, in its own zone or else in z. Returns 0, or
 * -ENOENT when it does not up to the end of 2199. At most 2760 months are looked at. */
int calendar_next(const struct calendar *c, const struct zone *z, uint64_t after_real_usec,
	uint64_t *ret_real_usec) _nonnull_ _must_check_;
/* Last time it elapsed at or before this instant, or -ENOENT when it did not since 1970. */
int calendar_prev(const struct calendar *c, const struct zone *z, uint64_t at_real_usec,
	uint64_t *ret_real_usec) _nonnull_ _must_check_;

/* The same in wall time alone (seconds as in timezone.h), where there is no zone: next strictly
 * after, last at or before. */
int calendar_next_wall(const struct calendar *c, int64_t after_wall_sec, int64_t *ret_wall_sec)
	_nonnull_ _must_check_;
int calendar_prev_wall(const struct calendar *c, int64_t at_wall_sec, int64_t *ret_wall_sec)
	_nonnull_ _must_check_;
/* Does the event name this wall time? */
bool calendar_matches_wall(const struct calendar *c, int64_t wall_sec) _nonnull_ _pure_;
