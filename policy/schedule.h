/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/diag.h"
#include "policy/timezone.h"

/*
 * When a policy holds: the section [Schedule]. A window opens whenever one of the OnCalendar=
 * events elapses and closes when Until= elapses next (wall clock) or Duration= has passed. Windows
 * of one schedule join where they overlap or touch. Pure: the answer depends on the instant asked
 * for and nothing else, so a window that is open at start is simply open, and a clock that is set
 * changes which windows are open and nothing more.
 *
 * A window whose opening and closing both fall into one skipped hour is empty. "OnCalendar=01:30",
 * "Until=02:00" in a doubled hour opens at the first 01:30 and is open for an hour and a half.
 */
struct schedule;

/* A value and its place, for messages. text NULL: not given. */
struct schedule_value {
	const char *text;
	const char *file; /* may be NULL */
	unsigned line;
	unsigned col; /* of the value's first byte */
};

struct schedule_spec {
	const struct schedule_value *on_calendar; /* at least one */
	size_t n_on_calendar;
	struct schedule_value until;    /* either this one... */
	struct schedule_value duration; /* ...or this */
	struct schedule_value timezone; /* not given: the machine's own */
	struct schedule_value section;  /* place of "[Schedule]", for what is missing */
};

/* Limits; beyond them schedule_new() says so. */
#define SCHEDULE_EVENTS_MAX   64
#define SCHEDULE_DURATION_MIN USEC_PER_SEC
#define SCHEDULE_DURATION_MAX (3660 * USEC_PER_DAY)

/* Parses and checks all. Returns 0 and a new schedule, -ENOMEM, or fills *d with file, line and
 * column of the very mistake (columns are already shifted to the value's place) and returns
 * -EINVAL, -ERANGE, or what zone_load() returns. source may be NULL: the system's zone files. */
int schedule_new(const struct schedule_spec *spec, const struct zone_source *source,
	struct schedule **ret, struct diag *d) _nonnull_args_(1, 3) _must_check_;
struct schedule *schedule_free(struct schedule *s); /* takes NULL, returns NULL */
DEFINE_CLEANUP(struct schedule *, schedule_free)
#define _cleanup_schedule_ _cleanup_(schedule_freep)

/*
 * Is a window open at this wall time (microseconds since 1970), and until when does that answer
 * hold? *ret_next_usec is the first instant after now at which the answer is another one;
 * USEC_INFINITY: never again. The search follows at most SCHEDULE_STEPS_MAX joined windows,
 * those of all events together: where more of them touch ("minutely" for two minutes), it is the
 * instant up to which the answer was proved, and the caller, who judges again then, is told the
 * rest. Always later than now.
 */
#define SCHEDULE_STEPS_MAX 1024
void schedule_judge(const struct schedule *s, uint64_t now_real_usec, bool *ret_open,
	uint64_t *ret_next_usec) _nonnull_;
