/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/schedule.h"

#include "common/units.h"
#include "policy/calendar.h"

struct schedule {
	struct calendar **events;
	size_t n_events;
	struct calendar *until; /* NULL: duration_usec counts */
	uint64_t duration_usec;
	struct zone *zone; /* of the events that name none */
};

struct schedule *schedule_free(struct schedule *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->n_events; i++)
		calendar_free(s->events[i]);
	free(s->events);
	calendar_free(s->until);
	zone_unref(s->zone);
	free(s);
	return NULL;
}

/* Shifts what a parser said about a value to the place of that value. */
static int at_value(const struct schedule_value *v, int r, struct diag *d)
{
	unsigned col = d && d->col ? d->col : 1;

	if (r >= 0 || !d || !d->text)
		return r;
	free(d->file);
	d->file = v->file ? strdup(v->file) : NULL;
	d->line = v->line;
	d->col = v->col ? v->col + col - 1 : col;
	return r;
}

static int mistake(const struct schedule_value *v, const char *text, struct diag *d)
{
	return diag_set(d, EINVAL, v->file, v->line, v->col, "%s", text);
}

static int parse_duration(const struct schedule_value *v, uint64_t *ret_usec, struct diag *d)
{
	char min[SPAN_TEXT_MAX], max[SPAN_TEXT_MAX], found[EXCERPT_MAX];
	uint64_t usec;
	int r;

	r = at_value(v, span_parse(v->text, &usec, d), d);
	if (r < 0)
		return r;
	if (usec < SCHEDULE_DURATION_MIN || usec > SCHEDULE_DURATION_MAX)
		return diag_set(d, ERANGE, v->file, v->line, v->col,
			"found Duration=%s; expected %s to %s", excerpt(v->text, found),
			span_format(SCHEDULE_DURATION_MIN, min),
			span_format(SCHEDULE_DURATION_MAX, max));
	*ret_usec = usec;
	return 0;
}

static int check_parts(const struct schedule_spec *spec, struct diag *d)
{
	if (spec->n_on_calendar == 0)
		return mistake(spec->until.text	     ? &spec->until
			       : spec->duration.text ? &spec->duration
						     : &spec->section,
			"no OnCalendar= in [Schedule]; expected one like OnCalendar=Mon..Fri 20:00",
			d);
	if (spec->n_on_calendar > SCHEDULE_EVENTS_MAX)
		return diag_set(d, EINVAL, spec->on_calendar[SCHEDULE_EVENTS_MAX].file,
			spec->on_calendar[SCHEDULE_EVENTS_MAX].line,
			spec->on_calendar[SCHEDULE_EVENTS_MAX].col,
			"more than %d OnCalendar= in one policy; expected fewer, with lists like "
			"Mon,Wed",
			SCHEDULE_EVENTS_MAX);
	if (spec->until.text && spec->duration.text)
		return mistake(&spec->duration,
			"found Duration= beside Until=; expected one of them: a window has one end",
			d);
	return 0;
}

/* Asked last: what stands in the file comes before what does not. */
static int check_end(const struct schedule_spec *spec, struct diag *d)
{
	if (!spec->until.text && !spec->duration.text)
		return mistake(&spec->on_calendar[0],
			"OnCalendar= opens a window that nothing closes; expected Until= or "
			"Duration= beside it",
			d);
	return 0;
}

int schedule_new(const struct schedule_spec *spec, const struct zone_source *source,
	struct schedule **ret, struct diag *d)
{
	_cleanup_schedule_ struct schedule *s = NULL;
	int r;

	r = check_parts(spec, d);
	if (r < 0)
		return r;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->events = calloc(spec->n_on_calendar, sizeof(*s->events));
	if (!s->events)
		return -ENOMEM;
	r = zone_load(spec->timezone.text, source, &s->zone, d);
	if (r < 0)
		return at_value(&spec->timezone, r, d);
	for (; s->n_events < spec->n_on_calendar; s->n_events++) {
		const struct schedule_value *v = &spec->on_calendar[s->n_events];

		r = calendar_parse(v->text, source, &s->events[s->n_events], d);
		if (r < 0)
			return at_value(v, r, d);
	}
	r = check_end(spec, d);
	if (r < 0)
		return r;
	if (spec->until.text)
		r = at_value(
			&spec->until, calendar_parse(spec->until.text, source, &s->until, d), d);
	else
		r = parse_duration(&spec->duration, &s->duration_usec, d);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

static const struct zone *zone_of(const struct schedule *s, const struct calendar *c)
{
	const struct zone *z = calendar_zone(c);

	return z ? z : s->zone;
}

/*
 * When the window that an event opens at this wall time of its zone ends; 0 where Until= never
 * comes again: such a window does not open ("daily until 24 December" is over on that day). In the
 * zone of Until= the next wall time after the opening counts, so that a window within a skipped
 * hour is empty instead of a day long.
 */
static uint64_t window_end(
	const struct schedule *s, const struct zone *event_zone, int64_t wall_sec, int64_t real_sec)
{
	const struct zone *z;
	int64_t end_sec;

	if (!s->until) {
		int64_t end_usec = real_sec * (int64_t)USEC_PER_SEC + (int64_t)s->duration_usec;

		return end_usec > 0 ? (uint64_t)end_usec : 0;
	}
	z = zone_of(s, s->until);
	if (z != event_zone && !streq(zone_name(z), zone_name(event_zone)))
		wall_sec = zone_high(z, real_sec);
	if (calendar_next_wall(s->until, wall_sec, &end_sec) < 0)
		return 0;
	end_sec = zone_reach(z, end_sec);
	return end_sec > 0 ? (uint64_t)end_sec * USEC_PER_SEC : 0;
}

/*
 * Until when some window holds that was opened at or before this instant; 0: none was. Of one event
 * only the latest opening counts: a later opening never ends earlier. Pays one step an event.
 */
static uint64_t covered_until(const struct schedule *s, uint64_t at_usec, unsigned *steps)
{
	uint64_t end = 0;

	for (size_t i = 0; i < s->n_events; i++) {
		const struct zone *z = zone_of(s, s->events[i]);
		int64_t wall_sec, high_sec = zone_high(z, (int64_t)(at_usec / USEC_PER_SEC));

		++*steps;
		if (calendar_prev_wall(s->events[i], high_sec, &wall_sec) < 0)
			continue;
		end = MAX(end, window_end(s, z, wall_sec, zone_reach(z, wall_sec)));
	}
	return end;
}

/* When any event opens a window next after this instant; USEC_INFINITY: never again, or none that
 * would ever close. */
static uint64_t next_opening(const struct schedule *s, uint64_t after_usec, unsigned *steps)
{
	uint64_t next = USEC_INFINITY, usec;

	for (size_t i = 0; i < s->n_events; i++) {
		++*steps;
		if (calendar_next(s->events[i], s->zone, after_usec, &usec) == 0)
			next = MIN(next, usec);
	}
	if (next != USEC_INFINITY && s->until && calendar_next(s->until, s->zone, next, &usec) < 0)
		return USEC_INFINITY;
	return next;
}

void schedule_judge(
	const struct schedule *s, uint64_t now_real_usec, bool *ret_open, uint64_t *ret_next_usec)
{
	unsigned steps = 0;
	uint64_t end = covered_until(s, now_real_usec, &steps), next = now_real_usec;

	*ret_open = end > now_real_usec;
	if (*ret_open) {
		/* A window that opens before or when this one closes takes over. */
		do {
			next = end;
			end = covered_until(s, next, &steps);
		} while (end > next && steps < SCHEDULE_STEPS_MAX);
	} else {
		/* An opening may be empty: its end is not later than itself. */
		do {
			next = next_opening(s, next, &steps);
		} while (next != USEC_INFINITY && covered_until(s, next, &steps) <= next &&
			 steps < SCHEDULE_STEPS_MAX);
	}
	*ret_next_usec = next;
}
