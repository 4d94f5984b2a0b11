/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Our calendar against systemd's own: thousands of generated events in many zones, most of them
 * beginning near a change of the clock, each asked for its next times after a random instant
 * (systemd-analyze calendar --base-time= --iterations=).
 *
 * They must be equal, but for two things that are ours on purpose, and which are checked for being
 * just that wherever they occur:
 *   - a time in a skipped hour: systemd leaves it out, we elapse at the end of the gap;
 *   - a time in a doubled hour: systemd elapses at its first pass, or, asked within the second, at
 *     that one, or at the first although it is over (that is what mktime() makes of it); we elapse
 *     once, at the first.
 * Three mistakes of systemd 252 are stepped around:
 *   - where the clock is set forward it may give up ("Infinite loop in calendar calculation");
 * where that is around midnight (Cairo, Santiago, Kathmandu 1986, St. John's before 2012) it may
 * lose a day or all times to come: what differs there is counted;
 *   - a repetition without an end ("*:*:24/33", "9/18", "0/12,7") runs over the end of the minute,
 *     day, month or year: it misses times of the next one, or gives up when a gap is there. Those
 *     generated stand alone and divide their field ("*:0/15") or name their end ("9..31/18"); the
 *     others are in tests/unit/test-calendar.c;
 *   - "~" is a day off in a month in which the clock is changed, at times: counted as well.
 * What is accepted differs as explained() says. SEED=N in the environment takes other events.
 */
#include "policy/calendar.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>

#include "policy/calendar-fields.h"
#include "tests/test.h"
#include "tests/wall.h"

#define GROUPS 90 /* one call of systemd-analyze each: a zone and an instant */
#define EVENTS 30 /* in a group */
#define ITERATIONS 5
#define MUTANTS 900
#define BATCH 60

static const char *const zones[] = {"UTC", "Europe/London", "America/New_York",
	"Australia/Lord_Howe", "Africa/Casablanca", "Asia/Tokyo", "Pacific/Apia",
	"America/St_Johns", "Asia/Kathmandu", "Antarctica/Troll", "Europe/Dublin", "Africa/Cairo",
	"America/Santiago"};

/* --- Events --- */

struct text {
	char *buf;
	size_t size, n;
	uint64_t *seed;
};

static void add(struct text *t, const char *fmt, ...) _printf_(2, 3);
static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->n += (size_t)vsnprintf(t->buf + t->n, t->size - t->n, fmt, ap);
	va_end(ap);
}

static unsigned roll(struct text *t, unsigned n)
{
	return (unsigned)test_below(t->seed, n);
}

/* "a/n", with an end where systemd needs one, see above. */
static void add_repetition(struct text *t, unsigned a, unsigned max, bool alone)
{
	unsigned size = max + 1, n = 1 + roll(t, max - a);

	if (alone && (max == 23 || max == 59) && size % n == 0 && a < n)
		add(t, "%u/%u", a, n);
	else
		add(t, "%u..%u/%u", a, max, n);
}

/* A value, a range, a repetition, both; lists of them. wide: the field may be "*". */
static void add_field(struct text *t, unsigned min, unsigned max, bool wide)
{
	unsigned parts = roll(t, 6) ? 1 : 2 + roll(t, 3);

	if (wide && roll(t, 3) == 0) {
		add(t, "*");
		return;
	}
	for (unsigned i = 0; i < parts; i++) {
		unsigned a = min + roll(t, max - min + 1), b = a + roll(t, max - a + 1),
			 kind = roll(t, 7);

		if (i)
			add(t, ",");
		if (kind == 0 && b > a)
			add(t, "%u..%u", a, b);
		else if (kind == 1 && b > a)
			add(t, "%02u..%u/%u", a, b, 1 + roll(t, b - a));
		else if (kind == 2 && a < max)
			add_repetition(t, a, max, parts == 1);
		else if (kind == 3 && (max == 23 || max == 59))
			add_repetition(t, roll(t, 5), max, parts == 1);
		else
			add(t, "%0*u", max < 100 && roll(t, 2) ? 2 : 1, a);
	}
}

static void add_from_end(struct text *t)
{
	unsigned a = 1 + roll(t, 28), b = a + roll(t, 29 - a);

	if (b > a && roll(t, 2))
		add(t, "~%u..%u/%u", a, b, 1 + roll(t, b - a));
	else if (b > a && roll(t, 2))
		add(t, "~%u..%u", a, b);
	else if (a > 1 && roll(t, 2))
		add(t, "~%u/1", a);
	else
		add(t, "~%02u", a);
}

static void add_date(struct text *t, int year)
{
	unsigned y = (unsigned)year;

	switch (roll(t, 4)) {
	case 0:
		add_field(t, y, MIN(y + 30, 2199u), true);
		add(t, "-");
		break;
	case 1:
		add(t, "*-");
		break;
	case 2:
		add(t, "%u..%u-", y, MIN(y + 1 + roll(t, 20), 2199u));
		break;
	}
	add_field(t, 1, 12, true);
	if (roll(t, 4)) {
		add(t, "-");
		add_field(t, 1, roll(t, 4) ? 28 : 31, true);
	} else {
		add_from_end(t);
	}
}

static void add_weekdays(struct text *t)
{
	static const char *const names[] = {
		"Mon", "tue", "WED", "Thursday", "Fri", "saturday", "Sun"};
	unsigned parts = 1 + roll(t, 3);

	for (unsigned i = 0; i < parts; i++) {
		unsigned a = roll(t, 7), b = a + roll(t, 7 - a);

		add(t, "%s%s", i ? "," : "", names[a]);
		if (b > a && roll(t, 2))
			add(t, "..%s", names[b]);
	}
}

/* Times of day, most of them where clocks are changed. */
static void add_time(struct text *t)
{
	if (roll(t, 3)) {
		add(t, "%02u:", roll(t, 4));
		add_field(t, 0, 59, true);
		return;
	}
	add_field(t, 0, 23, true);
	add(t, ":");
	add_field(t, 0, 59, true);
	if (roll(t, 2)) {
		add(t, ":");
		add_field(t, 0, 59, true);
	}
}

static void random_event(uint64_t *seed, int year, char *buf, size_t size)
{
	static const char *const words[] = {"minutely", "hourly", "daily", "weekly", "monthly",
		"quarterly", "semiannually", "semi-annually", "annually", "yearly", "Daily"};
	struct text t = {buf, size, 0, seed};
	unsigned kind = roll(&t, 20);

	*buf = '\0';
	if (kind == 0) {
		add(&t, "%s", words[roll(&t, ARRAY_SIZE(words))]);
	} else {
		if (kind < 6)
			add_weekdays(&t);
		if (kind >= 4 && kind < 13) {
			add(&t, "%s", t.n ? " " : "");
			add_date(&t, year);
		}
		if (kind >= 8 || t.n == 0 || roll(&t, 2)) {
			add(&t, "%s", t.n ? " " : "");
			add_time(&t);
		}
	}
	/* systemd forks for these: a few are enough. */
	if (roll(&t, 12) == 0)
		add(&t, " %s", zones[roll(&t, ARRAY_SIZE(zones))]);
}

/* --- systemd's answers --- */

struct answer {
	bool accepted;
	bool gave_up; /* "Infinite loop in calendar calculation": it may run into a gap at midnight
		       */
	bool never;   /* after the times below */
	size_t n;
	int64_t times[ITERATIONS]; /* UTC */
};

static char *read_all(int fd)
{
	off_t len = lseek(fd, 0, SEEK_END);
	char *s = calloc(1, (size_t)len + 1);

	if (!s || pread(fd, s, (size_t)len, 0) != len) {
		free(s);
		return NULL;
	}
	return s;
}

static int unnamed_file(void)
{
	char path[] = "/tmp/ballast-test-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd >= 0)
		unlink(path);
	return fd;
}

/* Runs systemd-analyze calendar over the events. 0, -ENOENT (not installed) or -EIO. */
static int run_analyze(const char *zone, int64_t base, char *const *events, size_t n,
	char **ret_out, char **ret_err)
{
	_cleanup_close_ int out = unnamed_file(), err = unnamed_file();
	const char *argv[BATCH + 8] = {"systemd-analyze", "calendar", "--no-pager"};
	char base_time[80], iterations[32];
	size_t argc = 3;
	int status;
	pid_t pid;

	snprintf(base_time, sizeof(base_time), "--base-time=%s UTC", text_of_sec(base));
	snprintf(iterations, sizeof(iterations), "--iterations=%d", ITERATIONS);
	argv[argc++] = base_time;
	argv[argc++] = iterations;
	argv[argc++] = "--";
	for (size_t i = 0; i < n; i++)
		argv[argc++] = events[i];
	if (out < 0 || err < 0)
		return -EIO;
	pid = fork();
	if (pid == 0) {
		setenv("TZ", zone, 1);
		setenv("LC_ALL", "C.UTF-8", 1);
		setenv("SYSTEMD_LOG_LEVEL", "err", 1);
		setenv("SYSTEMD_COLORS", "0", 1);
		dup2(out, STDOUT_FILENO);
		dup2(err, STDERR_FILENO);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -EIO;
	if (WEXITSTATUS(status) == 127)
		return -ENOENT;
	*ret_out = read_all(out);
	*ret_err = read_all(err);
	return *ret_out && *ret_err ? 0 : -EIO;
}

/* "    Next elapse: Mon 2025-03-31 01:30:00 BST" or, below it, "       (in UTC): Mon 2025-03-31
 * 00:30:00 UTC" */
static bool parse_elapse(const char *line, int64_t *ret)
{
	const char *p = strchr(line, ':');
	size_t len = strlen(line);

	if (!p || len < 4 || !streq(line + len - 4, " UTC"))
		return false;
	*ret = sec_of(p + strlen(": Mon "));
	return true;
}

static size_t next_answered(const struct answer *answers, size_t i, size_t n)
{
	while (i < n && (!answers[i].accepted || answers[i].gave_up))
		i++;
	return i;
}

/* The answers of one call, in order. Events that were refused are named on stderr and have none on
 * stdout. */
static bool parse_answers(
	char *out, const char *err, char *const *events, struct answer *answers, size_t n)
{
	struct answer *a = NULL;
	size_t next = 0;
	bool elapse = false;
	char *line;

	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *refused = NULL, *failed = NULL;

		if (asprintf(&refused, "specification '%s'", events[i]) < 0 ||
			asprintf(&failed, "next elapse for '%s'", events[i]) < 0)
			return false;
		answers[i] = (struct answer){
			.accepted = !strstr(err, refused), .gave_up = strstr(err, failed)};
	}
	while ((line = strsep(&out, "\n"))) {
		const char *label = line + strspn(line, " ");
		int64_t sec;

		if (strncmp(label, "Normalized form:", 16) == 0) {
			next = next_answered(answers, next, n);
			if (next == n)
				return false;
			a = &answers[next++];
			continue;
		}
		elapse = strncmp(label, "Next elapse:", 12) == 0 ||
			 strncmp(label, "Iter. #", 7) == 0 ||
			 (elapse && strncmp(label, "(in UTC):", 9) == 0);
		if (!a || !elapse)
			continue;
		if (strstr(line, ": never")) {
			a->never = true;
		} else if (parse_elapse(line, &sec)) {
			if (a->n == ITERATIONS)
				return false;
			a->times[a->n++] = sec;
			elapse = false;
		}
	}
	return next_answered(answers, next, n) == n;
}

static int ask(
	const char *zone, int64_t base, char *const *events, size_t n, struct answer *answers)
{
	_cleanup_free_ char *out = NULL, *err = NULL;
	int r = run_analyze(zone, base, events, n, &out, &err);

	if (r < 0)
		return r;
	return parse_answers(out, err, events, answers, n) ? 0 : -EIO;
}

/* --- The comparison --- */

static unsigned compared, skipped, doubled, lost;

/* Ours that systemd leaves out: at the end of a gap, or the first pass where systemd takes the
 * second. */
static bool ours_alone(const struct calendar *c, const struct zone *z, int64_t t)
{
	int64_t first, second, wall = zone_wall(z, t);
	struct zone_period p;

	zone_at(z, t, &p);
	if (p.from_sec == t && zone_wall(z, t) > zone_wall(z, t - 1) + 1) {
		int64_t in_gap;

		if (calendar_next_wall(c, zone_wall(z, t - 1), &in_gap) < 0 || in_gap >= wall)
			return false;
		skipped++;
		return true;
	}
	if (zone_resolve(z, wall, &first, &second) != ZONE_DOUBLED || first != t)
		return false;
	doubled++;
	return true;
}

/* Theirs that we leave out: another pass, which may even be the one before the instant asked
 * for. */
static bool theirs_alone(const struct zone *z, int64_t t)
{
	int64_t first, second;

	if (zone_resolve(z, zone_wall(z, t), &first, &second) != ZONE_DOUBLED)
		return false;
	doubled++;
	return true;
}

/* Days from the month's end, and the clock is changed within a month. */
static bool from_end_near_change(const struct calendar *c, const struct zone *z, int64_t t)
{
	struct zone_period p;

	zone_at(z, t, &p);
	if (!c->days_from_end ||
		(p.from_sec < t - 31 * SEC_PER_DAY && p.until_sec > t + 31 * SEC_PER_DAY))
		return false;
	lost++;
	return true;
}

/* Is there a gap in (from, to], if need be one that touches the hours around midnight? */
static bool gap_between(const struct zone *z, int64_t from, int64_t to, bool around_midnight)
{
	struct zone_period p;

	for (; from < to; from = p.until_sec) {
		int begin, end;

		zone_at(z, from, &p);
		if (p.until_sec > to)
			return false;
		if (zone_wall(z, p.until_sec) <= zone_wall(z, p.until_sec - 1) + 1)
			continue;
		(void)civil_split(zone_wall(z, p.until_sec - 1) + 1, &begin);
		(void)civil_split(zone_wall(z, p.until_sec), &end);
		if (!around_midnight || begin <= SEC_PER_HOUR || begin >= 23 * SEC_PER_HOUR ||
			end < begin) {
			lost++;
			return true;
		}
	}
	return false;
}

static bool same(
	const struct calendar *c, const struct zone *zone, int64_t base, const struct answer *a)
{
	const struct zone *z = calendar_zone(c) ? calendar_zone(c) : zone;
	uint64_t ours = (uint64_t)base * USEC_PER_SEC;
	bool more = calendar_next(c, z, ours, &ours) == 0;
	int64_t last = base;

	for (size_t i = 0; a->gave_up && i < ITERATIONS && more; i++)
		more = calendar_next(c, z, ours, &ours) == 0;
	if (a->gave_up)
		return gap_between(z, base, (int64_t)(ours / USEC_PER_SEC) + SEC_PER_DAY, false);
	for (size_t i = 0; i < a->n;) {
		int64_t t = (int64_t)(ours / USEC_PER_SEC), theirs = a->times[i];

		/* A fixed point: what elapses matches. */
		if (!calendar_matches_wall(c, zone_wall(z, theirs)))
			return from_end_near_change(c, z, theirs);
		compared++;
		if (more && t == theirs) {
			last = t;
			more = calendar_next(c, z, ours, &ours) == 0;
			i++;
		} else if (more && t < theirs && ours_alone(c, z, t)) {
			more = calendar_next(c, z, ours, &ours) == 0;
		} else if ((!more || t > theirs) && theirs_alone(z, theirs)) {
			i++;
		} else {
			return gap_between(z, last, theirs, true) ||
			       from_end_near_change(c, z, theirs);
		}
	}
	/* "never": what we still have must be explained. */
	while (a->never && more) {
		int64_t t = (int64_t)(ours / USEC_PER_SEC);

		if (!ours_alone(c, z, t))
			return gap_between(z, last, t, true);
		more = calendar_next(c, z, ours, &ours) == 0;
	}
	return true;
}

static void print_difference(const char *event, const char *zone, int64_t base,
	const struct calendar *c, const struct zone *z, const struct answer *a)
{
	uint64_t t = (uint64_t)base * USEC_PER_SEC;

	printf("# \"%s\" in %s after %s UTC (all times UTC)\n", event, zone, text_of_sec(base));
	for (size_t i = 0; i < ITERATIONS; i++) {
		if (calendar_next(c, z, t, &t) < 0)
			t = USEC_INFINITY;
		printf("#   systemd: %s   we: %s\n", i < a->n ? text_of_sec(a->times[i]) : "-",
			text_of_usec(t));
		if (t == USEC_INFINITY)
			break;
	}
}

/* Most in the day before a change of the clock or in the hour after it, some anywhere. */
static int64_t random_base(uint64_t *seed, const struct zone *z)
{
	int64_t t = sec_of("1975-01-01") + (int64_t)test_below(seed, 115 * 365) * SEC_PER_DAY +
		    (int64_t)test_below(seed, SEC_PER_DAY);
	struct zone_period p;

	zone_at(z, t, &p);
	if (p.until_sec == INT64_MAX)
		return t;
	switch (test_below(seed, 4)) {
	case 0:
		return t;
	case 1:
		return p.until_sec + (int64_t)test_below(seed, SEC_PER_HOUR);
	default:
		return p.until_sec - (int64_t)test_below(seed, 30 * SEC_PER_HOUR);
	}
}

static int compare_group(uint64_t *seed, const char *zone, unsigned *differences)
{
	_cleanup_zone_ struct zone *z = NULL;
	struct answer answers[EVENTS];
	char texts[EVENTS][160];
	char *events[EVENTS];
	int64_t base;
	int second, r;

	r = zone_load(zone, NULL, &z, NULL);
	if (r < 0)
		return r;
	base = random_base(seed, z);
	for (size_t i = 0; i < EVENTS; i++) {
		random_event(seed, civil_from_days(civil_split(base, &second)).year, texts[i],
			sizeof(texts[i]));
		events[i] = texts[i];
	}
	r = ask(zone, base, events, EVENTS, answers);
	for (size_t i = 0; r == 0 && i < EVENTS; i++) {
		_cleanup_calendar_ struct calendar *c = NULL;
		_cleanup_diag_ struct diag d = {0};
		bool accepted = calendar_parse(texts[i], NULL, &c, &d) == 0;

		/* What no date meets is an error for us, "never" for systemd. */
		if (accepted != answers[i].accepted) {
			if (!accepted && strstr(d.text, "no day from") && answers[i].never)
				continue;
			printf("# \"%s\": systemd %s, we: %s\n", texts[i],
				answers[i].accepted ? "accepts" : "refuses",
				accepted ? "accept" : d.text);
			++*differences;
		} else if (accepted && !same(c, z, base, &answers[i])) {
			print_difference(texts[i], zone, base, c, z, &answers[i]);
			++*differences;
		}
	}
	return r;
}

TEST(events_elapse_as_systemd_says)
{
	unsigned differences = 0, events = 0;
	uint64_t seed = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 10) : 7;

	for (unsigned i = 0; i < GROUPS; i++) {
		int r = compare_group(&seed, zones[i % ARRAY_SIZE(zones)], &differences);

		if (r == -ENOENT)
			TEST_SKIP("no systemd-analyze or no tzdata");
		CHECK_INT(r, 0);
		events += EVENTS;
	}
	printf("# %u events, %u times compared; as documented: %u skipped, %u doubled, %u lost\n",
		events, compared, skipped, doubled, lost);
	CHECK(skipped > 0 && doubled > 0); /* the generator reaches changes of the clock */
	CHECK(lost < events / 100);
	CHECK(events >= 2000);
	CHECK(compared >= 2 * events);
	CHECK_INT(differences, 0);
}

/* --- What is accepted --- */

static void mutate(uint64_t *seed, char *s, size_t size)
{
	static const char letters[] = "0123456789*,./-~: MonTuefrisatUTCdaily";
	size_t len = strlen(s), at = len ? test_below(seed, len) : 0;
	char c = letters[test_below(seed, sizeof(letters) - 1)];

	switch (test_below(seed, 4)) {
	case 0: /* leave a character out */
		memmove(s + at, s + at + 1, len - at);
		break;
	case 1: /* put one in */
		if (len + 2 < size) {
			memmove(s + at + 1, s + at, len - at + 1);
			s[at] = c;
		}
		break;
	case 2: /* another one */
		s[at] = c;
		break;
	default: /* the end cut off */
		s[at] = '\0';
	}
}

static bool weekday_before(const char *event, const char *p)
{
	const char *from = p;

	while (from > event && ((from[-1] | 32) >= 'a' && (from[-1] | 32) <= 'z'))
		from--;
	return p - from >= 3;
}

/* The differences in what is accepted that are meant. */
static const char *explained(const char *event, int r, const struct answer *a, const struct diag *d)
{
	const char *p;
	bool accepted = r == 0;

	if (accepted) {
		if (*event == ' ' || (*event && event[strlen(event) - 1] == ' ') ||
			strstr(event, "  "))
			return "blanks: we take more of them";
		p = strrchr(event, ':');
		if (p && strstr(p, ".."))
			return "7..7 is a range of one second for us, as it is for all other "
			       "fields";
		return NULL;
	}
	if (r == -ERANGE && strstr(event, "..") && strchr(event, '/'))
		return "1..99/54: an end outside of the field that is never reached";
	if (strstr(d->text, "no day from") && a->never)
		return "never: an event that no date meets is an error";
	if (strstr(event, "..") && strstr(d->text, "stays within the field or range at least once"))
		return "1..5/9: a repetition that never repeats";
	if (streq(event, "anually"))
		return "anually: systemd takes this slip";
	if (strstr(d->text, "fractions are not supported"))
		return "fractions: whole seconds only";
	for (p = event; (p = strchr(p, '-')); p++)
		if (weekday_before(event, p))
			return "Mon-Fri: the old way to write Mon..Fri";
	for (p = event; (p = strchr(p, ',')); p++)
		if ((p[1] == '\0' || p[1] == ' ') && weekday_before(event, p))
			return "Mon, : a comma without a second day";
	return NULL;
}

static bool mutants_agree(char *const *events, const struct answer *answers, size_t n,
	unsigned *refused, unsigned *ret_explained)
{
	bool agree = true;

	for (size_t i = 0; i < n; i++) {
		_cleanup_calendar_ struct calendar *c = NULL;
		_cleanup_diag_ struct diag d = {0};
		int r = calendar_parse(events[i], NULL, &c, &d);
		bool accepted = r == 0;

		*refused += !accepted;
		if (accepted == answers[i].accepted)
			continue;
		++*ret_explained;
		if (explained(events[i], r, &answers[i], &d))
			continue;
		printf("# \"%s\": systemd %s, we: %s\n", events[i],
			answers[i].accepted ? "accepts" : "refuses", accepted ? "accept" : d.text);
		agree = false;
	}
	return agree;
}

TEST(mutilated_events_are_accepted_and_refused_as_by_systemd)
{
	unsigned refused = 0, meant = 0;
	struct answer answers[BATCH];
	char texts[BATCH][160];
	char *events[BATCH];
	uint64_t seed = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 10) : 7;
	bool agree = true;

	for (int i = 0; i < MUTANTS / BATCH; i++) {
		int r;

		for (size_t k = 0; k < BATCH; k++) {
			do {
				random_event(&seed, 2026, texts[k], sizeof(texts[k]));
				for (uint64_t m = test_below(&seed, 2); m < 2; m++)
					mutate(&seed, texts[k], sizeof(texts[k]));
				/* systemd-analyze says nothing about an empty one. */
			} while (strspn(texts[k], " ") == strlen(texts[k]));
			events[k] = texts[k];
		}
		r = ask("UTC", sec_of("1970-01-02"), events, BATCH, answers);
		if (r == -ENOENT)
			TEST_SKIP("no systemd-analyze");
		CHECK_INT(r, 0);
		agree &= mutants_agree(events, answers, BATCH, &refused, &meant);
	}
	printf("# %u texts, %u refused, %u differ as documented\n", MUTANTS, refused, meant);
	CHECK(agree);
	CHECK(refused > MUTANTS / 4 && refused < MUTANTS);
}

TEST_MAIN()
