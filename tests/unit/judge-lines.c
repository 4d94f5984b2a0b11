/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A second judge, which knows nothing of simulate/: it reads a scenario and the lines that a run
 * printed, works everything out again from those alone, after the fact and the slow way, and says
 * where the run's own summary or order of lines is wrong.
 *
 *     judge-lines SCENARIO LINES [SEED]   exit 0: all agrees; 1: each disagreement is printed
 *
 * On success it prints when each at_least and host_free expectation was reached: "expect 0 reached
 * 60700" (milliseconds).
 */
#include <fnmatch.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/macros.h"

#define NEVER  INT64_MAX
#define TICK   100
#define SLOP   ((int64_t)MIB)

/* One printed value of a guest; it holds until the next. */
struct point {
	int64_t t, bytes, demand;
	size_t line;
};
struct order {
	int64_t t, from, to;
	size_t line;
	char code[32];
};
struct guest {
	char name[128];
	json_t *spec;
	int64_t current, max, overhead, qemu, start, stop;
	struct point *points;
	size_t n_points;
	struct order *orders;
	size_t n_orders;
	int64_t reserved_t; /* its "reserved" line; NEVER: none */
	size_t reserved_line;
};
struct host_point {
	int64_t t, free, promised;
	size_t line;
};

static json_t *scenario, *summary;
static struct guest *guests;
static size_t n_guests;
static struct host_point *hosts;
static size_t n_hosts;
static int64_t *changes;     /* what excuses a reversal, by time */
static size_t n_changes;
static int64_t memory, reserve, duration;
static int wrong;

static void say(const char *fmt, ...) _printf_(1, 2);
static void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("# ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	wrong = 1;
}

static void fatal(const char *what, const char *name)
{
	fprintf(stderr, "judge-lines: %s: %s\n", name, what);
	exit(2);
}

static void *more(void *items, size_t n, size_t size)
{
	void *p = reallocarray(items, n + 1, size);

	if (!p)
		fatal("no memory", "-");
	return p;
}

/* ---- the scenario, read anew ---- */

static int64_t size_of(const json_t *v, int64_t otherwise)
{
	char unit = 0;
	double x;

	if (json_is_integer(v))
		return json_integer_value(v);
	if (!json_is_string(v) || sscanf(json_string_value(v), "%lf%c", &x, &unit) < 1)
		return otherwise;
	for (const char *u = "KMGTP"; unit && unit != 'B' && *u; u++) {
		x *= 1024;
		if (*u == unit)
			break;
	}
	return (int64_t)x;
}

static int64_t msec_of(const json_t *v, int64_t otherwise)
{
	return json_is_number(v) ? (int64_t)(json_number_value(v) * 1000 + 0.5) : otherwise;
}

static int64_t up_to_tick(int64_t t)
{
	return (t + TICK - 1) / TICK * TICK;
}

static void note_change(int64_t t)
{
	changes = more(changes, n_changes, sizeof(*changes));
	changes[n_changes++] = t;
}

/* Every step that is not to the value that holds already. */
static void note_steps(const json_t *steps, int64_t from, int64_t to)
{
	int64_t last = 0;

	for (size_t i = 0; i < json_array_size(steps); i++) {
		const json_t *s = json_array_get(steps, i);
		int64_t t = up_to_tick(msec_of(json_array_get(s, 0), 0));
		int64_t value = size_of(json_array_get(s, 1), 0);

		if (t > 0 && t >= from && t < to && value != last)
			note_change(t);
		last = value;
	}
}

static void add_guest(json_t *spec, int64_t number, bool numbered)
{
	struct guest *g;

	guests = more(guests, n_guests, sizeof(*guests));
	g = &guests[n_guests++];
	memset(g, 0, sizeof(*g));
	snprintf(g->name, sizeof(g->name), numbered ? "%s-%" PRId64 : "%s",
		json_string_value(json_object_get(spec, "name")), number);
	g->spec = spec;
	g->max = size_of(json_object_get(spec, "max"), 0);
	g->current = size_of(json_object_get(spec, "current"), g->max);
	g->overhead = size_of(json_object_get(spec, "overhead"), 64 * (int64_t)MIB);
	g->qemu = size_of(json_object_get(spec, "qemu"), 0);
	g->start = up_to_tick(msec_of(json_object_get(spec, "start_s"), 0));
	g->stop = up_to_tick(msec_of(json_object_get(spec, "stop_s"), NEVER / 2));
	g->reserved_t = NEVER;
	note_steps(json_object_get(spec, "demand"), g->start, g->stop);
	if (g->start > 0)
		note_change(g->start);
	note_change(g->stop);
}

static void read_scenario(const char *path)
{
	json_error_t e;
	json_t *host, *spec;
	size_t i;

	scenario = json_load_file(path, 0, &e);
	if (!scenario)
		fatal(e.text, path);
	host = json_object_get(scenario, "host");
	memory = size_of(json_object_get(host, "memory"), 0);
	reserve = size_of(json_object_get(host, "reserve"), -1);
	duration = msec_of(json_object_get(scenario, "duration_s"), 0);
	note_steps(json_object_get(host, "other"), 0, NEVER);
	json_array_foreach(json_object_get(scenario, "guests"), i, spec)
	{
		json_t *count = json_object_get(spec, "count");
		int64_t n = count ? json_integer_value(count) : 1;

		for (int64_t k = 1; k <= n; k++)
			add_guest(spec, k, n > 1);
	}
}

/* What holds at a time: of steps, at ticks. */
static int64_t step_value(const json_t *steps, int64_t t)
{
	int64_t value = 0;

	for (size_t i = 0; i < json_array_size(steps); i++) {
		const json_t *s = json_array_get(steps, i);

		if (up_to_tick(msec_of(json_array_get(s, 0), 0)) <= t)
			value = size_of(json_array_get(s, 1), 0);
	}
	return value;
}

static int64_t other_at(int64_t t)
{
	return step_value(json_object_get(json_object_get(scenario, "host"), "other"), t);
}

static bool is_kind(const struct guest *g, const char *kind)
{
	const char *s = json_string_value(json_object_get(g->spec, "balloon"));

	return s && streq(s, kind);
}

/* ---- the lines ---- */

static struct guest *guest_of(const json_t *line)
{
	const char *name = json_string_value(json_object_get(line, "guest"));

	for (size_t i = 0; name && i < n_guests; i++)
		if (streq(guests[i].name, name))
			return &guests[i];
	return NULL;
}

static int64_t number(const json_t *line, const char *key)
{
	return json_integer_value(json_object_get(line, key));
}

static void take_actual(struct guest *g, const json_t *line, int64_t t, size_t at)
{
	struct point p = {t, number(line, "bytes"), number(line, "demand"), at};

	if (g->n_points && g->points[g->n_points - 1].bytes == p.bytes &&
		g->points[g->n_points - 1].demand == p.demand)
		say("line %zu: %s: nothing changed", at, g->name);
	if (g->n_points == 0 && t > 0)
		note_change(t); /* it starts */
	g->points = more(g->points, g->n_points, sizeof(*g->points));
	g->points[g->n_points++] = p;
}

static void take_order(struct guest *g, const json_t *line, int64_t t, size_t at)
{
	struct order o = {t, number(line, "from"), number(line, "to"), at, ""};
	json_t *reason = json_object_get(line, "reason");
	int64_t before = g->n_orders ? g->orders[g->n_orders - 1].to
				     : (g->n_points ? g->points[0].bytes : -1);

	snprintf(o.code, sizeof(o.code), "%s",
		json_string_value(json_object_get(reason, "code")));
	if (!json_is_string(json_object_get(reason, "text")) || !o.code[0])
		say("line %zu: no reason", at);
	if (o.from != before)
		say("line %zu: %s: from %" PRId64 ", was told %" PRId64, at, g->name, o.from,
			before);
	if (o.to % (int64_t)MIB)
		say("line %zu: %s: no multiple of 1 MiB: %" PRId64, at, g->name, o.to);
	g->orders = more(g->orders, g->n_orders, sizeof(*g->orders));
	g->orders[g->n_orders++] = o;
}

/* 0: scenario and balloon, 1: host, 2: daemon. */
static int rank_of(const char *type)
{
	if (streq(type, "actual") || streq(type, "oom"))
		return 0;
	return streq(type, "host") ? 1 : 2;
}

static void check_order(int64_t t, int64_t last_t, const char *type, int *rank, size_t at)
{
	if (t < last_t)
		say("line %zu: time runs backwards", at);
	if (t > last_t)
		*rank = 0;
	if (rank_of(type) < *rank)
		say("line %zu: \"%s\" comes too late within its instant", at, type);
	*rank = MAX(*rank, rank_of(type));
}

static void take_line(json_t *line, size_t at)
{
	static int64_t last_t;
	static int rank;
	const char *type = json_string_value(json_object_get(line, "type"));
	double seconds = json_number_value(json_object_get(line, "t"));
	int64_t t = (int64_t)(seconds * 1000 + 0.5);
	struct guest *g = guest_of(line);

	if (!type)
		fatal("a line without a type", "-");
	if (streq(type, "summary")) {
		summary = json_incref(line);
		return;
	}
	if (summary)
		say("line %zu: after the summary", at);
	if (at == 1 && t != 0)
		say("the first line is not at 0");
	check_order(t, last_t, type, &rank, at);
	last_t = t;
	if (json_object_get(line, "guest") && !g)
		say("line %zu: no such guest", at);
	if (streq(type, "actual") && g)
		take_actual(g, line, t, at);
	if (streq(type, "command") && g)
		take_order(g, line, t, at);
	if (streq(type, "reserved") && g) {
		g->reserved_t = t;
		g->reserved_line = at;
	}
	if (streq(type, "policy"))
		note_change(t);
	if (streq(type, "oom")) {
		note_change(t);
		note_change(t + 30000);
	}
	if (streq(type, "host")) {
		hosts = more(hosts, n_hosts, sizeof(*hosts));
		hosts[n_hosts++] = (struct host_point){t, number(line, "free"),
			number(line, "promised"), at};
	}
}

static void read_lines(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t room = 0, at = 0;
	json_error_t e;

	if (!f)
		fatal(strerror(errno), path);
	while (getline(&text, &room, f) > 0) {
		json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, &e);

		if (!line)
			fatal(e.text, text);
		take_line(line, ++at);
		json_decref(line);
	}
	free(text);
	fclose(f);
	if (!summary)
		fatal("no summary", path);
}

/* ---- worked out anew ---- */

/* The last printed value before a line (or, by time, up to and with t); NULL: it does not run. */
static const struct point *point_before(const struct guest *g, int64_t t, size_t line)
{
	const struct point *found = NULL;

	for (size_t i = 0; i < g->n_points && g->points[i].t <= t && g->points[i].line < line; i++)
		found = &g->points[i];
	return found && (found->bytes > 0 || t < g->stop) ? found : NULL;
}

static int64_t target_before(const struct guest *g, size_t line)
{
	int64_t target = g->n_points ? g->points[0].bytes : 0;

	for (size_t i = 0; i < g->n_orders && g->orders[i].line < line; i++)
		target = g->orders[i].to;
	return target;
}

/* Sum of max(actual, target), QEMU and granted reservations after the lines before this one. */
static int64_t promised_before(int64_t t, size_t line)
{
	int64_t sum = 0;

	for (size_t i = 0; i < n_guests; i++) {
		const struct guest *g = &guests[i];
		const struct point *p = point_before(g, t, line);

		if (p)
			sum += MAX(p->bytes, target_before(g, line)) + g->qemu;
		else if (g->reserved_t != NEVER && g->reserved_line < line && t < g->stop &&
			(g->n_points == 0 || g->points[0].line >= line))
			sum += (is_kind(g, "missing") ? g->max : g->current) + g->qemu;
	}
	return sum;
}

static void check_hosts(void)
{
	for (size_t i = 0; i < n_hosts; i++) {
		int64_t sum = memory - other_at(hosts[i].t);
		int64_t promised = promised_before(hosts[i].t, hosts[i].line);

		for (size_t k = 0; k < n_guests; k++) {
			const struct point *p =
				point_before(&guests[k], hosts[i].t, hosts[i].line);

			if (p)
				sum -= p->bytes + guests[k].qemu;
		}
		if (sum != hosts[i].free)
			say("line %zu: free is %" PRId64, hosts[i].line, sum);
		if (promised != hosts[i].promised)
			say("line %zu: promised is %" PRId64, hosts[i].line, promised);
	}
}

static bool summary_has_violation(const char *rule, const char *guest, int64_t t)
{
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(summary, "violations"), i, v)
	{
		int64_t at = (int64_t)(json_number_value(json_object_get(v, "t")) * 1000 + 0.5);

		if (streq(json_string_value(json_object_get(v, "rule")), rule) &&
			streq(json_string_value(json_object_get(v, "guest")), guest) && at == t)
			return true;
	}
	return false;
}

static void check_promises(void)
{
	if (reserve < 0)
		return; /* the daemon's own default: not in the lines */
	for (size_t i = 0; i < n_guests; i++) {
		const struct guest *g = &guests[i];

		for (size_t k = 0; k < g->n_orders; k++) {
			const struct order *o = &g->orders[k];
			int64_t before = promised_before(o->t, o->line);
			int64_t after = promised_before(o->t, o->line + 1);
			bool broken = after > before && after > memory - reserve - other_at(o->t);

			if (broken != summary_has_violation("promise", g->name, o->t))
				say("line %zu: %s: a promise is %sbroken", o->line, g->name,
					broken ? "" : "not ");
		}
	}
}

/* A balloon that grew beyond its order took back by itself. */
static void note_take_backs(void)
{
	for (size_t i = 0; i < n_guests; i++) {
		const struct guest *g = &guests[i];

		for (size_t k = 1; k < g->n_points; k++)
			if (g->points[k].bytes > g->points[k - 1].bytes &&
				g->points[k].bytes > target_before(g, g->points[k].line))
				note_change(g->points[k].t);
	}
}

static bool changed_within(int64_t after, int64_t up_to)
{
	for (size_t i = 0; i < n_changes; i++)
		if (changes[i] > after && changes[i] <= up_to)
			return true;
	return false;
}

static bool follows_actual(const struct guest *g, const struct order *o)
{
	const struct point *p = point_before(g, o->t, o->line);

	return p && llabs(p->bytes - o->to) <= SLOP;
}

static bool is_correction(const struct guest *g, size_t k, const bool *used)
{
	for (size_t i = k; i-- > 0;) {
		const struct order *o = &g->orders[i];

		if (o->to > o->from && streq(o->code, "stall") && !follows_actual(g, o))
			return !used[i] && g->orders[k].t - o->t <= 60000;
	}
	return false;
}

static void use_correction(const struct guest *g, size_t k, bool *used)
{
	for (size_t i = k; i-- > 0;)
		if (g->orders[i].to > g->orders[i].from && streq(g->orders[i].code, "stall") &&
			!follows_actual(g, &g->orders[i])) {
			used[i] = true;
			return;
		}
}

/* Is the k-th order the other way than the last one that had a way? */
static bool is_flip(const struct guest *g, size_t k, bool *used)
{
	const struct order *o = &g->orders[k];

	if (o->to == o->from || follows_actual(g, o))
		return false;
	for (size_t i = k; i-- > 0;) {
		const struct order *p = &g->orders[i];

		if (p->to == p->from || follows_actual(g, p))
			continue;
		if ((p->to > p->from) == (o->to > o->from) || changed_within(p->t, o->t))
			return false;
		if (o->to < o->from && is_correction(g, k, used)) {
			use_correction(g, k, used);
			return false;
		}
		return true;
	}
	return false;
}

/* Flips (or all commands) of the guests that a glob means, from a time on. */
static int64_t count_orders(const char *glob, int64_t after, bool flips)
{
	int64_t n = 0;

	for (size_t i = 0; i < n_guests; i++) {
		const struct guest *g = &guests[i];
		bool *used = calloc(g->n_orders + 1, sizeof(*used));

		for (size_t k = 0; used && k < g->n_orders; k++) {
			bool counts = !flips || is_flip(g, k, used);

			n += counts && g->orders[k].t >= after &&
			     (!glob || fnmatch(glob, g->name, 0) == 0);
		}
		free(used);
	}
	return n;
}

static int64_t sum_moved(void)
{
	int64_t sum = 0;

	for (size_t i = 0; i < n_guests; i++)
		for (size_t k = 1; k < guests[i].n_points; k++)
			if (guests[i].points[k].t < guests[i].stop)
				sum += llabs(guests[i].points[k].bytes -
					     guests[i].points[k - 1].bytes);
	return sum;
}

static int64_t sum_short(void)
{
	__int128 sum = 0;

	for (size_t i = 0; i < n_guests; i++) {
		const struct guest *g = &guests[i];

		for (size_t k = 0; k < g->n_points; k++) {
			int64_t to = k + 1 < g->n_points ? g->points[k + 1].t : duration;
			int64_t lack = g->points[k].demand + g->overhead - g->points[k].bytes;

			if (lack > 0 && g->points[k].t < g->stop)
				sum += (__int128)lack * (MIN(to, duration) - g->points[k].t);
		}
	}
	return (int64_t)(sum / 1000);
}

/* ---- expectations ---- */

static int64_t next_demand_step(int64_t after)
{
	int64_t next = NEVER;

	for (size_t i = 0; i < n_guests; i++) {
		const json_t *steps = json_object_get(guests[i].spec, "demand");

		for (size_t k = 0; k < json_array_size(steps); k++) {
			const json_t *s = json_array_get(steps, k);
			int64_t t = up_to_tick(msec_of(json_array_get(s, 0), 0));

			if (t > after)
				next = MIN(next, t);
		}
	}
	return next;
}

/* The value that holds from a time on: an actual size, or the host's free memory. */
static int64_t value_at(const struct guest *g, int64_t t)
{
	const struct point *p;
	int64_t free_bytes = INT64_MIN;

	if (g) {
		p = point_before(g, t, SIZE_MAX);
		return p ? p->bytes : INT64_MIN;
	}
	for (size_t i = 0; i < n_hosts && hosts[i].t <= t; i++)
		free_bytes = hosts[i].free;
	return free_bytes;
}

/* The first instant of the window from which it holds until the next demand step; NEVER: none. */
static int64_t reached(const struct guest *g, int64_t least, int64_t after, int64_t within)
{
	int64_t last = within == NEVER ? duration : MIN(duration, after + within);

	for (int64_t t = up_to_tick(after); t <= last; t += TICK) {
		int64_t end = MIN(next_demand_step(t), duration + TICK), at = t;

		while (at < end && at <= duration && value_at(g, at) >= least)
			at += TICK;
		if (at >= end || at > duration)
			return t;
		t = at; /* it does not hold there, so not from any time before */
	}
	return NEVER;
}

static bool judge_reached(const json_t *e, size_t i, int64_t after)
{
	const char *glob = json_string_value(json_object_get(e, "guest"));
	int64_t within = msec_of(json_object_get(e, "within_s"), NEVER), latest = 0, t;
	const json_t *pct = json_object_get(e, "host_free_at_least_pct");

	if (pct) {
		int64_t permyriad = (int64_t)(json_number_value(pct) * 100 + 0.5);

		latest = reached(NULL, (int64_t)((__int128)memory * permyriad / 10000), after,
			within);
	}
	for (size_t k = 0; !pct && k < n_guests; k++) {
		if (fnmatch(glob, guests[k].name, 0) != 0)
			continue;
		t = reached(&guests[k], size_of(json_object_get(e, "at_least"), 0), after, within);
		latest = MAX(latest, t);
	}
	if (latest != NEVER)
		printf("expect %zu reached %" PRId64 "\n", i, latest);
	return latest != NEVER;
}

static bool judge_never_below(const json_t *e, int64_t after)
{
	const char *glob = json_string_value(json_object_get(e, "guest"));
	int64_t least = size_of(json_object_get(e, "never_below"), 0);

	if (after > duration) /* nobody ever looked */
		return false;
	for (size_t i = 0; i < n_guests; i++) {
		const struct guest *g = &guests[i];

		for (size_t k = 0; fnmatch(glob, g->name, 0) == 0 && k < g->n_points; k++) {
			int64_t until = k + 1 < g->n_points ? g->points[k + 1].t : NEVER;

			if (until > after && g->points[k].t < g->stop && g->points[k].bytes < least)
				return false;
		}
	}
	return true;
}

static bool judge_expect(const json_t *e, size_t i)
{
	const char *glob = json_string_value(json_object_get(e, "guest"));
	int64_t after = msec_of(json_object_get(e, "after_s"), 0);
	const json_t *flips = json_object_get(e, "flips_at_most");
	const json_t *commands = json_object_get(e, "commands_at_most");

	if (flips)
		return count_orders(glob, after, true) <= json_integer_value(flips);
	if (commands)
		return count_orders(glob, after, false) <= json_integer_value(commands);
	if (json_object_get(e, "never_below"))
		return judge_never_below(e, after);
	return judge_reached(e, i, after);
}

static void check_expects(void)
{
	json_t *expects = json_object_get(scenario, "expect");
	json_t *said = json_object_get(summary, "expect"), *e;
	size_t i;

	if (json_array_size(expects) != json_array_size(said))
		say("%zu expectations, the summary has %zu", json_array_size(expects),
			json_array_size(said));
	json_array_foreach(expects, i, e)
	{
		bool met = judge_expect(e, i);

		if (met != json_is_true(json_object_get(json_array_get(said, i), "met")))
			say("expectation %zu is %smet", i, met ? "" : "not ");
	}
}

static void check_number(const char *key, int64_t got)
{
	if (number(summary, key) != got)
		say("%s is %" PRId64 ", the summary has %" PRId64, key, got, number(summary, key));
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: judge-lines SCENARIO LINES\n");
		return 2;
	}
	read_scenario(argv[1]);
	read_lines(argv[2]);
	note_take_backs();
	check_hosts();
	check_promises();
	check_number("commands", count_orders(NULL, 0, false));
	check_number("flips", count_orders(NULL, 0, true));
	check_number("moved_bytes", sum_moved());
	check_number("short_byte_s", sum_short());
	check_expects();
	for (size_t i = 0; i < n_guests; i++) {
		free(guests[i].points);
		free(guests[i].orders);
	}
	free(guests);
	free(hosts);
	free(changes);
	json_decref(summary);
	json_decref(scenario);
	return wrong;
}
