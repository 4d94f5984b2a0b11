/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random schedules against a judge of its own reckoning, which walks along the wall clock step by
 * step: stepping by schedule_judge()'s next change gives the same function of time.
 */
#include "policy/schedule.h"

#include "common/units.h"
#include "policy/calendar.h"
#include "tests/test.h"
#include "tests/wall.h"

/* All is on this grid, so that looking at its points sees everything. */
#define GRID_SEC 600
#define CASES 600
#define DAYS 8

static const char *const zones[] = {"UTC", "Europe/London", "America/New_York",
	"Australia/Lord_Howe", "Africa/Casablanca", "Asia/Tokyo", "Pacific/Apia",
	"Antarctica/Troll"};
/* Days with a change of some of these zones, and some without. */
static const char *const bases[] = {"2025-03-28", "2025-10-24", "2025-11-01", "2025-02-21",
	"2025-04-03", "2011-12-28", "2024-02-27", "2025-12-29", "2025-07-01", "2025-10-03"};

static void random_time(uint64_t *seed, char *buf, size_t size)
{
	static const char *const hours[] = {"*", "0/6", "0..4", "1", "2", "0,12", "23"};
	static const char *const minutes[] = {"00", "0/10", "30", "0,30", "50"};

	if (test_below(seed, 3))
		snprintf(buf, size, "%s:%s", hours[test_below(seed, ARRAY_SIZE(hours))],
			minutes[test_below(seed, ARRAY_SIZE(minutes))]);
	else
		snprintf(buf, size, "%02u:%02u", (unsigned)test_below(seed, 24),
			10 * (unsigned)test_below(seed, 6));
}

/* often: only what elapses every month, as Until= must here: the walker begins five weeks early. */
static void random_event(uint64_t *seed, bool often, char *buf, size_t size)
{
	static const char *const days[] = {"", "", "", "Mon..Fri ", "Sat,Sun ", "Sun ", "*-*-01/2 ",
		"*-*~03/1 ", "Fri *-*-*  ", /* and seldom: */ "*-02-29 ", "2025-10-26 ",
		"2011-12-30 "};
	char time[32], zone[40] = "";

	random_time(seed, time, sizeof(time));
	if (test_below(seed, 8) == 0)
		snprintf(zone, sizeof(zone), " %s", zones[test_below(seed, ARRAY_SIZE(zones))]);
	snprintf(buf, size, "%s%s%s", days[test_below(seed, ARRAY_SIZE(days) - (often ? 3 : 0))],
		time, zone);
}

struct random_schedule {
	char events[3][80];
	size_t n_events;
	char until[80];
	char duration[32];
	const char *zone;
};

static void random_schedule(uint64_t *seed, struct random_schedule *r)
{
	*r = (struct random_schedule){.n_events = 1 + test_below(seed, 3)};
	for (size_t i = 0; i < r->n_events; i++)
		random_event(seed, false, r->events[i], sizeof(r->events[i]));
	if (test_below(seed, 2))
		random_event(seed, true, r->until, sizeof(r->until));
	else
		snprintf(r->duration, sizeof(r->duration), "%umin",
			10 * (1 + (unsigned)test_below(seed, test_below(seed, 2) ? 12 : 400)));
	r->zone = zones[test_below(seed, ARRAY_SIZE(zones))];
}

static int make(const struct random_schedule *r, struct schedule **ret, struct diag *d)
{
	struct schedule_value values[3];
	struct schedule_spec spec = {
		.on_calendar = values,
		.n_on_calendar = r->n_events,
		.until = {.text = *r->until ? r->until : NULL},
		.duration = {.text = *r->duration ? r->duration : NULL},
		.timezone = {.text = r->zone},
	};

	for (size_t i = 0; i < r->n_events; i++)
		values[i] = (struct schedule_value){.text = r->events[i]};
	return schedule_new(&spec, NULL, ret, d);
}

/*
 * The other judge. It reads the wall clock at every point of the grid and keeps the latest time it
 * has shown. An event elapses when that passes one of its times: the times just passed open a
 * window each; a window closes when its time is over, or when a time of Until= is passed that is
 * later than the opening time.
 */
struct walker {
	const struct random_schedule *r;
	struct calendar *events[3], *until;
	const struct zone *event_zones[3], *until_zone;
	int64_t shown[3], until_shown; /* the latest wall times up to now */
	uint64_t duration_sec;
	/* Open windows, one of each event: by Until= a later opening is never closed earlier. */
	int64_t end_sec[3];	/* Duration= */
	bool open[3];		/* Until= */
	int64_t opened_wall[3]; /* in the zone of Until= */
};

static void walker_clear(struct walker *w)
{
	for (size_t i = 0; i < 3; i++)
		calendar_free(w->events[i]);
	calendar_free(w->until);
}

/* Is some time of the event in (from, to]? The last of them. */
static bool passed(const struct calendar *c, int64_t from, int64_t to, int64_t *ret_last)
{
	bool found = false;

	/* The grid divides all times and offsets in use: matching is all that is asked of the
	 * calendar. */
	for (int64_t w = from + 1 + (GRID_SEC - 1 - (from % GRID_SEC)); w <= to; w += GRID_SEC)
		if (calendar_matches_wall(c, w)) {
			*ret_last = w;
			found = true;
		}
	return found;
}

static void walker_step(struct walker *w, int64_t t)
{
	int64_t until_before = w->until_shown, last, wall;
	bool elapsed = false;

	if (w->until) {
		w->until_shown = MAX(w->until_shown, zone_wall(w->until_zone, t));
		elapsed = passed(w->until, until_before, w->until_shown, &last);
	}
	for (size_t i = 0; i < w->r->n_events; i++) {
		int64_t before = w->shown[i];

		/* First closes what was open before. */
		if (elapsed)
			w->open[i] = false;
		w->shown[i] = MAX(before, zone_wall(w->event_zones[i], t));
		if (!passed(w->events[i], before, w->shown[i], &wall))
			continue;
		w->end_sec[i] = t + (int64_t)w->duration_sec;
		/* In the zone of Until= its time must be later than the opening's, which may have
		 * been skipped. */
		if (!w->until)
			continue;
		if (w->event_zones[i] != w->until_zone)
			wall = w->until_shown;
		w->open[i] = !passed(w->until, wall, w->until_shown, &last);
	}
}

static bool walker_is_open(const struct walker *w, int64_t t)
{
	for (size_t i = 0; i < w->r->n_events; i++)
		if (w->until ? w->open[i] : w->end_sec[i] > t)
			return true;
	return false;
}

/* Zones are the same where their names are: as many references as needed to one. */
static const struct zone *named_zone(const char *name)
{
	static struct zone *loaded[ARRAY_SIZE(zones)];

	for (size_t i = 0; i < ARRAY_SIZE(zones); i++)
		if (streq(zones[i], name)) {
			if (!loaded[i] && zone_load(name, NULL, &loaded[i], NULL) < 0)
				return NULL;
			return loaded[i];
		}
	return NULL;
}

static int walker_init(struct walker *w, const struct random_schedule *r, int64_t from)
{
	uint64_t usec = 0;
	int k;

	*w = (struct walker){.r = r};
	for (size_t i = 0; i < r->n_events; i++) {
		k = calendar_parse(r->events[i], NULL, &w->events[i], NULL);
		if (k < 0)
			return k;
		w->event_zones[i] = named_zone(calendar_zone(w->events[i])
						       ? zone_name(calendar_zone(w->events[i]))
						       : r->zone);
		w->shown[i] = zone_wall(w->event_zones[i], from) - 1;
		w->end_sec[i] = INT64_MIN;
	}
	if (*r->until) {
		k = calendar_parse(r->until, NULL, &w->until, NULL);
		if (k < 0)
			return k;
		w->until_zone = named_zone(
			calendar_zone(w->until) ? zone_name(calendar_zone(w->until)) : r->zone);
		w->until_shown = zone_wall(w->until_zone, from) - 1;
		return 0;
	}
	k = span_parse(r->duration, &usec, NULL);
	w->duration_sec = usec / USEC_PER_SEC;
	return k;
}

static void describe(const struct random_schedule *r)
{
	for (size_t i = 0; i < r->n_events; i++)
		printf("# OnCalendar=%s\n", r->events[i]);
	printf("# Until=%s Duration=%s TimeZone=%s\n", r->until, r->duration, r->zone);
}

/* Times at which a search ended without a change: after SCHEDULE_STEPS_MAX only. */
static int cuts;

/* Returns the number of changes seen; -1: not the same, or not a case. */
static int compare(const struct random_schedule *r, const struct schedule *s, const char *base)
{
	_cleanup_(walker_clear) struct walker w;
	/* Windows may have been opened long before: the walker begins early. 400 * 10 min < 3
	 * days. */
	int64_t base_sec = sec_of(base), from = base_sec - 35 * SEC_PER_DAY;
	int64_t to = base_sec + DAYS * SEC_PER_DAY;
	uint64_t until = 0;
	bool open = false;
	int changes = 0;

	if (walker_init(&w, r, from) < 0)
		return -1;
	for (int64_t t = from; t < to; t += GRID_SEC) {
		uint64_t now = (uint64_t)t * USEC_PER_SEC, next;
		bool now_open;

		walker_step(&w, t);
		if (t < base_sec)
			continue;
		if (now < until && t / GRID_SEC % 7) {
			/* Between changes: what was said before still holds. */
			if (open != walker_is_open(&w, t)) {
				printf("# at %s UTC: not %s until %s\n", text_of_sec(t),
					open ? "open" : "closed", text_of_usec(until));
				return -1;
			}
			continue;
		}
		schedule_judge(s, now, &now_open, &next);
		if (now_open != walker_is_open(&w, t)) {
			printf("# at %s UTC: %s, wanted %s\n", text_of_sec(t),
				now_open ? "open" : "closed", now_open ? "closed" : "open");
			return -1;
		}
		/* Stepping: the answer changes exactly when the last one said so. */
		if (now >= until) {
			changes += t > base_sec && now_open != open;
			cuts += t > base_sec && now_open == open;
			if (now > until && until > 0) {
				printf("# a change off the grid at %s\n", text_of_usec(until));
				return -1;
			}
			open = now_open;
			until = next;
		}
		/* Where the search was cut short, later ones see further. */
		if (now_open != open || next <= now || next < until) {
			printf("# at %s UTC: next change at %s, said before: %s\n", text_of_sec(t),
				text_of_usec(next), text_of_usec(until));
			return -1;
		}
	}
	return changes;
}

TEST(stepping_from_change_to_change_is_judging_every_moment)
{
	uint64_t seed = 42;
	int cases = 0, changes = 0;

	if (!named_zone("Europe/London"))
		TEST_SKIP("no tzdata");
	while (cases < CASES) {
		_cleanup_schedule_ struct schedule *s = NULL;
		_cleanup_diag_ struct diag d = {0};
		struct random_schedule r;
		const char *base = bases[test_below(&seed, ARRAY_SIZE(bases))];
		int n;

		random_schedule(&seed, &r);
		if (make(&r, &s, &d) < 0) {
			describe(&r);
			TEST_FAIL("%s", d.text);
		}
		n = compare(&r, s, base);
		if (n < 0) {
			describe(&r);
			TEST_FAIL("case %d at %s", cases, base);
		}
		cases++;
		changes += n;
	}
	printf("# %d schedules, %d days each, %d changes, %d searches cut short\n", cases, DAYS,
		changes, cuts);
	CHECK(cuts < changes / 100);
	CHECK(changes > CASES); /* the generator makes windows that open and close */
}

TEST_MAIN()
