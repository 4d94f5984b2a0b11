/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/output.h"

#include <inttypes.h>

#include "common/units.h"

/* What the table remembers to say less: a host's line only for another state, a balloon only where
 * it comes to rest. */
struct table {
	enum host_state state;
	bool any_state;
	uint64_t commands[]; /* a guest each */
};

static void print_row(struct output *o, uint64_t at_msec, const char *what, const char *guest,
	const char *from, const char *to, const char *why)
{
	char t[SECONDS_TEXT_MAX];

	snprintf(t, sizeof(t), "%" PRIu64 ".%03" PRIu64, at_msec / 1000, at_msec % 1000);
	fprintf(o->file, "%9s  %-12s %-16s %9s %9s  %s\n", t, what, guest, from, to, why);
}

static void table_begin(struct output *o)
{
	const struct scenario *sc = o->world->scenario;
	char size[SIZE_TEXT_MAX], t[SECONDS_TEXT_MAX];

	fprintf(o->file, "%s\n", sc->name);
	fprintf(o->file, "%zu guests on a host of %s; %s s, seed %" PRIu64 "\n\n", sc->n_guests,
		size_format(sc->memory_bytes, size), seconds_format(sc->duration_msec, t),
		sc->seed);
	fprintf(o->file, "%9s  %-12s %-16s %9s %9s  %s\n", "seconds", "what", "guest", "from", "to",
		"why");
}

static void table_actual(struct output *o, uint64_t at_msec, const struct world_guest *g)
{
	char size[SIZE_TEXT_MAX], demand[SIZE_TEXT_MAX + 16] = "";

	size_format(g->demand_bytes, size);
	if (at_msec == 0 || g->started) {
		snprintf(demand, sizeof(demand), "needs %s", size);
		print_row(o, at_msec, g->started ? "starts" : "runs", g->name, "",
			size_format(g->actual_bytes, size), demand);
	} else if (g->stopped) {
		print_row(o, at_msec, "stops", g->name, "", "", "");
	} else if (g->actual_bytes == g->target_bytes) {
		snprintf(demand, sizeof(demand), "needs %s", size);
		print_row(o, at_msec, "has", g->name, "", size_format(g->actual_bytes, size),
			demand);
	}
}

static void table_host(struct output *o, uint64_t at_msec, int64_t free_bytes,
	enum host_state state, uint64_t promised_bytes)
{
	struct table *t = o->state;
	char size[SIZE_TEXT_MAX], promised[SIZE_TEXT_MAX], text[2 * SIZE_TEXT_MAX + 32];

	if (t->any_state && t->state == state)
		return;
	t->any_state = true;
	t->state = state;
	snprintf(text, sizeof(text), "%s%s free, %s promised", free_bytes < 0 ? "-" : "",
		size_format((uint64_t)(free_bytes < 0 ? -free_bytes : free_bytes), size),
		size_format(promised_bytes, promised));
	print_row(o, at_msec, "host", host_state_to_string(state), "", "", text);
}

static void table_command(struct output *o, uint64_t at_msec, const char *guest,
	uint64_t from_bytes, uint64_t to_bytes, const struct reason *reason)
{
	struct table *t = o->state;
	char from[SIZE_TEXT_MAX], to[SIZE_TEXT_MAX], text[REASON_TEXT_MAX];

	for (size_t i = 0; i < o->world->n_guests; i++)
		t->commands[i] += streq(o->world->guests[i].name, guest);
	print_row(o, at_msec, to_bytes > from_bytes ? "grow" : "shrink", guest,
		size_format(from_bytes, from), size_format(to_bytes, to),
		reason_format(reason, text));
}

static void table_cpu(struct output *o, uint64_t at_msec, const char *guest, uint64_t weight,
	const struct reason *reason)
{
	char to[SIZE_TEXT_MAX], text[REASON_TEXT_MAX];

	snprintf(to, sizeof(to), "%" PRIu64, weight);
	print_row(o, at_msec, "cpu weight", guest, "", to, reason_format(reason, text));
}

static void table_event(struct output *o, uint64_t at_msec, const char *type, const char *guest,
	const char *detail, const char *text)
{
	if (streq(type, event_kind_to_string(EVENT_HOST_STATE)))
		return; /* the host's own line says it */
	print_row(o, at_msec, type, guest ? guest : "", "", "", text[0] ? text : detail);
}

static void print_guests(struct output *o)
{
	const struct table *t = o->state;
	char max[SIZE_TEXT_MAX], actual[SIZE_TEXT_MAX], demand[SIZE_TEXT_MAX];

	fprintf(o->file, "\n%-16s %9s %9s %9s %9s\n", "guest", "max", "has", "needs", "commands");
	for (size_t i = 0; i < o->world->n_guests; i++) {
		const struct world_guest *g = &o->world->guests[i];

		fprintf(o->file, "%-16s %9s %9s %9s %9" PRIu64 "\n", g->name,
			size_format(g->spec->max_bytes, max),
			size_format(g->actual_bytes, actual),
			size_format(g->demand_bytes, demand), t->commands[i]);
	}
}

/* "after 60.0 s within 5.0 s" */
static void print_window(struct output *o, const struct expect *e)
{
	char t[SECONDS_TEXT_MAX];

	if (e->after_msec)
		fprintf(o->file, " after %s s", seconds_format(e->after_msec, t));
	if (e->within_msec != MSEC_NEVER)
		fprintf(o->file, " within %s s", seconds_format(e->within_msec, t));
}

/* How long after the window's begin the last one came true. */
static void print_reached(struct output *o, const struct expect *e, const struct verdict *v)
{
	size_t n = e->kind == EXPECT_AT_LEAST ? o->world->n_guests : 1;
	uint64_t last = 0;
	char t[SECONDS_TEXT_MAX];

	for (size_t k = 0; k < n; k++) {
		if (e->kind == EXPECT_AT_LEAST && !expect_matches(e, o->world->guests[k].name))
			continue;
		if (v->met_msec[k] == MSEC_NEVER) {
			fprintf(o->file, ": not reached%s%s", n > 1 ? " by " : "",
				n > 1 ? o->world->guests[k].name : "");
			return;
		}
		last = MAX(last, v->met_msec[k]);
	}
	fprintf(o->file, ": after %s s", seconds_format(last - MIN(e->after_msec, last), t));
}

static void print_expect(struct output *o, const struct expect *e, const struct verdict *v)
{
	char size[SIZE_TEXT_MAX];
	const char *who = e->guest ? e->guest : "all";

	fprintf(o->file, "%s  ", v->met ? "PASS" : "FAIL");
	switch (e->kind) {
	case EXPECT_AT_LEAST:
		fprintf(o->file, "%s has at least %s", who, size_format(e->value, size));
		break;
	case EXPECT_NEVER_BELOW:
		fprintf(o->file, "%s never has less than %s", who, size_format(e->value, size));
		break;
	case EXPECT_HOST_FREE:
		fprintf(o->file, "the host has at least %s free", ratio_format(e->value, size));
		break;
	case EXPECT_FLIPS_AT_MOST:
		fprintf(o->file, "%s: at most %" PRIu64 " flips", who, e->value);
		break;
	default:
		fprintf(o->file, "%s: at most %" PRIu64 " commands", who, e->value);
		break;
	}
	print_window(o, e);
	if (e->kind == EXPECT_AT_LEAST || e->kind == EXPECT_HOST_FREE)
		print_reached(o, e, v);
	else if (e->kind == EXPECT_NEVER_BELOW)
		fprintf(o->file, ": %s at the lowest", size_format(v->lowest, size));
	else
		fprintf(o->file, ": %" PRIu64, v->count);
	fputc('\n', o->file);
}

static void print_breaches(struct output *o, const struct judge *j)
{
	size_t n;
	const struct violation *v = judge_violations(j, &n);
	char t[SECONDS_TEXT_MAX], size[SIZE_TEXT_MAX];

	for (size_t i = 0; i < n; i++)
		fprintf(o->file, "FAIL  rule \"%s\" broken at %s s: %s by %s\n",
			rule_to_string(v[i].rule), seconds_format(v[i].at_msec, t),
			v[i].guest[0] ? v[i].guest : "the host", size_format(v[i].bytes, size));
}

static void table_summary(struct output *o, const struct judge *j, uint64_t decisions)
{
	const struct scenario *sc = o->world->scenario;
	char moved[SIZE_TEXT_MAX], missing[SIZE_TEXT_MAX];

	print_guests(o);
	fprintf(o->file,
		"\n%" PRIu64 " commands, %" PRIu64
		" flips, %s moved, short by %s for a second, %" PRIu64 " decisions\n",
		judge_commands(j), judge_flips(j), size_format(o->world->moved_bytes, moved),
		size_format(judge_short_byte_s(j), missing), decisions);
	for (size_t i = 0; i < sc->n_expects; i++)
		print_expect(o, &sc->expects[i], judge_verdict(j, i));
	print_breaches(o, j);
}

int output_table(struct output *o, FILE *file, const struct world *w)
{
	static const struct output_ops ops = {
		.begin = table_begin,
		.actual = table_actual,
		.host = table_host,
		.command = table_command,
		.cpu = table_cpu,
		.event = table_event,
		.summary = table_summary,
	};
	struct table *t = calloc(1, sizeof(*t) + (w->n_guests + 1) * sizeof(t->commands[0]));

	if (!t)
		return -ENOMEM;
	*o = (struct output){.ops = &ops, .file = file, .world = w, .state = t};
	return 0;
}
