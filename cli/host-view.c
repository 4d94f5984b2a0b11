/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/host-view.h"

#include <stdarg.h>

#include "cli/event-view.h"
#include "cli/get.h"
#include "cli/guest-table.h"
#include "common/shell-word.h"

static const struct {
	const char *state, *means;
	enum style style;
} states[] = {
	{"ample", "there is room to spare", STYLE_GOOD},
	{"tight", "everybody has what it wants, little is left", STYLE_GOOD},
	{"short", "not all wants fit: memory is divided by weight", STYLE_NOTE},
	{"critical", "not even what guests must have fits", STYLE_BAD},
};

static size_t find_state(const char *state)
{
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (streq(states[i].state, state))
			return i;
	return SIZE_MAX;
}

/* Separated facts on one line, or on more where it is too short for them. at: where the last one
 * ended. Returns where this one does. */
static unsigned fact(
	const struct cli *c, FILE *f, unsigned at, enum style style, const char *text)
{
	if (c->term.columns && at + 2 + term_width(text) > c->term.columns) {
		fputc('\n', f);
		at = 0;
	}
	fputs("  ", f);
	term_print(&c->term, f, style, text);
	return at + 2 + term_width(text);
}

static unsigned print_state(const struct cli *c, FILE *f, unsigned at, const char *state)
{
	size_t s = state ? find_state(state) : SIZE_MAX;
	char means[96];

	at = fact(c, f, at, s == SIZE_MAX ? STYLE_NONE : states[s].style,
		state ? state : "starting");
	if (s == SIZE_MAX)
		return at;
	snprintf(means, sizeof(means), "(%s)", states[s].means);
	fputc(' ', f);
	return term_print_words(&c->term, f, STYLE_NONE, means, at + 1, 2);
}

static void print_pause(const struct cli *c, FILE *f, const json_t *host)
{
	const char *message = get_string(host, "/pause/message", "");
	char text[768], when[SHOW_TIME_MAX];

	snprintf(text, sizeof(text),
		"paused until %s by %s%s%s: no guest is commanded; to go on: ballastctl pause --clear",
		show_time(get_time(host, "/pause/until"), get_time(host, "/decided"), when),
		get_string(host, "/pause/by", "?"), *message ? ", " : "", message);
	term_print_wrapped(&c->term, f, text, 0, 2);
}

void host_print_header(const struct cli *c, FILE *f, const json_t *host)
{
	const char *name = get_string(host, "/name", "?"), *mode = get_string(host, "/mode", "?");
	uint64_t decided = get_time(host, "/decided"), started = get_time(host, "/started");
	char text[SPAN_TEXT_MAX + 96], span[SPAN_TEXT_MAX];
	unsigned at;

	term_print(&c->term, f, STYLE_BOLD, name);
	at = print_state(c, f, term_width(name), get_string(host, "/state", NULL));
	at = fact(c, f, at, streq(mode, "enforce") ? STYLE_GOOD : STYLE_NOTE, mode);
	if (decided && started && decided >= started) {
		snprintf(text, sizeof(text), "up %s", show_span(decided - started, span));
		at = fact(c, f, at, STYLE_DIM, text);
	}
	snprintf(text, sizeof(text), "ballastd %.16s", get_string(host, "/version", "?"));
	fact(c, f, at, STYLE_DIM, text);
	fputc('\n', f);
	if (json_is_true(get_at(host, "/pause/paused")))
		print_pause(c, f, host);
	if (streq(mode, "enforce"))
		return;
	snprintf(text, sizeof(text),
		"mode is %.16s: all is shown, nothing is touched; to go live: ballastctl mode "
		"enforce",
		mode);
	term_print_wrapped(&c->term, f, text, 0, 2);
}

/* The bar and its frame before the figures, and where the lines below begin. */
#define BAR_CELLS 40
#define BAR_COLUMNS (BAR_CELLS + 12)
#define BAR_INDENT 8

void host_print_memory(const struct cli *c, FILE *f, const json_t *host)
{
	uint64_t budget = get_number(host, "/memory/budget", 0);
	uint64_t charged = get_number(host, "/memory/charged", 0);
	uint64_t reserved = get_number(host, "/memory/reserved", 0);
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX], d[SIZE_TEXT_MAX], e[SIZE_TEXT_MAX],
		g[SIZE_TEXT_MAX], text[6 * SIZE_TEXT_MAX + 64];
	bool over = charged + reserved > budget;

	if (!budget)
		return;
	fputs("Memory  [", f);
	term_print_bar(&c->term, f, BAR_CELLS, charged, charged + reserved, budget,
		over ? STYLE_BAD : STYLE_GOOD);
	fputc(']', f);
	snprintf(text, sizeof(text), "%s of %s given to guests%s%s%s, %s %s",
		size_format(charged, a), size_format(budget, b), reserved ? ", " : "",
		reserved ? size_format(reserved, d) : "", reserved ? " reserved" : "",
		size_format(over ? charged + reserved - budget : budget - charged - reserved, e),
		over ? "too much" : "free");
	if (c->term.columns && BAR_COLUMNS + term_width(text) > c->term.columns) {
		fprintf(f, "\n%*s", BAR_INDENT, "");
		term_print_wrapped(&c->term, f, text, BAR_INDENT, BAR_INDENT);
	} else {
		fprintf(f, "  %s\n", text);
	}
	snprintf(text, sizeof(text), "%s = %s reserve + %s host + %s QEMU + %s for guests",
		show_size(get_number(host, "/memory/managed", UINT64_MAX), a),
		show_size(get_number(host, "/memory/reserve", UINT64_MAX), b),
		show_size(get_number(host, "/memory/other", UINT64_MAX), d),
		show_size(get_number(host, "/memory/overhead", UINT64_MAX), e),
		show_size(budget, g));
	fprintf(f, "%*s", BAR_INDENT, "");
	term_print_wrapped(&c->term, f, text, BAR_INDENT, BAR_INDENT);
}

/* What a hypervisor below takes is worth a word only where there is one. */
static void print_cpu(const struct cli *c, FILE *f, const json_t *host)
{
	uint64_t cpus = get_number(host, "/cpu/cpus", 0),
		 steal = get_number(host, "/cpu/steal_permyriad", 0);
	char text[2 * RATIO_TEXT_MAX + 64], a[RATIO_TEXT_MAX], b[RATIO_TEXT_MAX];

	if (!cpus)
		return;
	snprintf(text, sizeof(text), "%s of %llu CPU%s busy%s%s%s",
		show_permyriad(get_number(host, "/cpu/busy_permyriad", 0), a),
		(unsigned long long)cpus, cpus == 1 ? "" : "s", steal >= 10 ? ", " : "",
		steal >= 10 ? show_permyriad(steal, b) : "",
		steal >= 10 ? " stolen by the host below" : "");
	fprintf(f, "%-*s", BAR_INDENT, "CPU");
	term_print_wrapped(&c->term, f, text, BAR_INDENT, BAR_INDENT);
}

static void print_nodes(const struct cli *c, FILE *f, const json_t *host)
{
	const json_t *nodes = get_at(host, "/nodes"), *node;
	size_t i, n = json_array_size(nodes), len;
	_cleanup_free_ char *text = NULL;
	FILE *words = n >= 2 ? open_memstream(&text, &len) : NULL;
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX];

	if (!words)
		return;
	json_array_foreach (nodes, i, node)
		fprintf(words, "%snode %llu has %s of %s free", i ? ", " : "",
			(unsigned long long)get_number(node, "/node", 0),
			show_size(get_number(node, "/free", UINT64_MAX), a),
			show_size(get_number(node, "/total", UINT64_MAX), b));
	if (fclose(words) != 0)
		return;
	fprintf(f, "%-*s", BAR_INDENT, "NUMA");
	term_print_wrapped(&c->term, f, text, BAR_INDENT, BAR_INDENT);
}

void host_print_load(const struct cli *c, FILE *f, const json_t *host)
{
	print_cpu(c, f, host);
	print_nodes(c, f, host);
}

/* ---- what is wrong ---- */

_printf_(5, 6) static void line(
	const struct cli *c, FILE *f, enum style style, const char *who, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* A name may be asked for with it, a code looked up: both stand whole. */
	fputs("  ", f);
	term_print_cut(&c->term, f, style, who, MAX(term_width(who), 12U), true);
	fputs("  ", f);
	term_print_wrapped(&c->term, f, text, MAX(term_width(who), 12U) + 4, 16);
}

static unsigned print_problems(const struct cli *c, FILE *f, const json_t *host)
{
	uint64_t now = get_time(host, "/decided");
	const json_t *p;
	size_t i;

	json_array_foreach (get_at(host, "/problems"), i, p) {
		const char *remedy = get_string(p, "/remedy", NULL);
		uint64_t since = get_time(p, "/since");
		char span[SPAN_TEXT_MAX], text[768];

		event_local_times(get_string(p, "/text", ""), now, text, sizeof(text));
		if (since && now > since)
			line(c, f, STYLE_BAD, get_string(p, "/code", "problem"), "%s (for %s)",
				text, show_span(now - since, span));
		else
			line(c, f, STYLE_BAD, get_string(p, "/code", "problem"), "%s", text);
		if (remedy)
			line(c, f, STYLE_NONE, "", "-> %s", remedy);
	}
	return (unsigned)json_array_size(get_at(host, "/problems"));
}

bool host_is_short_for_reservations(const json_t *host)
{
	const json_t *p;
	size_t i;

	json_array_foreach (get_at(host, "/problems"), i, p)
		if (streq(get_string(p, "/code", ""), "reservations"))
			return true;
	return false;
}

/* A host that cannot give all what they want, or must have: what is done, and what would help. */
static unsigned print_wrong_state(
	const struct cli *c, FILE *f, const json_t *host, const json_t *guests, bool acts)
{
	const char *state = get_string(host, "/state", "?");
	bool critical = streq(state, "critical");
	uint64_t sum = 0, room = get_number(host, "/memory/budget", 0),
		 reserved = get_number(host, "/memory/reserved", 0);
	bool kept = host_is_short_for_reservations(host);
	char all[SIZE_TEXT_MAX], have[SIZE_TEXT_MAX], what[128];
	const json_t *g;
	size_t i;

	if (!critical && !streq(state, "short"))
		return 0;
	json_array_foreach (guests, i, g)
		sum = add_sat(sum, get_number(g, critical ? "/memory/floor" : "/memory/want", 0));
	room = sub_sat(room, reserved);
	/* A state is left for a better one only with some memory to spare. */
	snprintf(what, sizeof(what),
		sum > room ? "%s %s in all, and there are %s for them"
			   : "%s %s in all, of %s: that barely fits",
		critical ? "guests must have" : "guests want", size_format(sum, all),
		size_format(room, have));
	if (kept)
		line(c, f, critical ? STYLE_BAD : STYLE_NOTE, state,
			"%s, for %s are kept for guests that are to start -> %s; mend: give that room up (reservations, above), or wait for them",
			what, size_format(reserved, all),
			acts ? "the rest is divided by weight" : "nothing is done in this mode");
	else if (critical)
		line(c, f, STYLE_BAD, state,
			"%s (it is what they use, their Min=, and the room for a burst that those with neither swap nor autodeflate "
			"keep) -> %s; mend: lower Min=, give guests swap or autodeflate, or move a guest away",
			what,
			acts ? "each gets what it needs to live first, the rest is divided by weight"
			     : "nothing is done in this mode");
	else
		line(c, f, STYLE_NOTE, state,
			"%s -> %s; mend: give those that matter more Weight=, or move a guest away",
			what,
			acts ? "what is idle is taken first, the rest is divided by weight"
			     : "nothing is done in this mode");
	return 1;
}

/* How it shows that it is short: it may stall, read back what it has just dropped, or have little
 * left. */
static const char *short_text(const json_t *g, char *text, size_t size)
{
	uint64_t stall = get_number(g, "/memory/stall_permyriad", 0);
	uint64_t refaults = get_number(g, "/memory/refaults_per_sec", 0);
	char n[RATIO_TEXT_MAX + SIZE_TEXT_MAX];

	if (stall >= 10)
		snprintf(text, size, "stalls on memory (%s of its time)", show_permyriad(stall, n));
	else if (refaults)
		snprintf(text, size, "reads %llu pages a second back too soon",
			(unsigned long long)refaults);
	else
		snprintf(text, size, "has only %s of memory available",
			show_size(get_number(g, "/report/available", UINT64_MAX), n));
	return text;
}

/* What is done about a guest that is short. Nothing can be about one that has all that it may have:
 * what holds it, and how to raise that, is said. */
static void line_pressed(const struct cli *c, FILE *f, const json_t *g, bool acts)
{
	char word[SHELL_WORD_MAX];
	uint64_t actual = get_number(g, "/memory/actual", 0);
	uint64_t target = get_number(g, "/memory/target", actual);
	uint64_t max = get_number(g, "/memory/max", UINT64_MAX);
	uint64_t limit = get_number(g, "/memory/limit", max);
	char how[96], a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX];
	const char *name = get_string(g, "/name", "?");

	short_text(g, how, sizeof(how));
	size_format(actual, a);
	if (target > actual + MIB)
		line(c, f, STYLE_NOTE, name, "%s -> grows from %s to %s", how, a,
			size_format(target, b));
	else if (actual + MIB >= max)
		line(c, f, STYLE_BAD, name,
			"%s at %s, all that its definition allows -> it cannot grow; mend: raise <memory> in its "
			"definition (virsh edit %s) and start it anew",
			how, a, shell_word(name, word));
	else if (actual + MIB >= limit)
		line(c, f, STYLE_BAD, name,
			"%s at %s, all that Max= allows -> it cannot grow; mend: raise Max= (ballastctl policy explain "
			"%s says who sets it)",
			how, a, shell_word(name, word));
	else
		line(c, f, STYLE_NOTE, name, "%s at %s -> %s", how, a,
			acts ? "it is first to get what comes free"
			     : "nothing is done in this mode");
}

static void line_unmet(const struct cli *c, FILE *f, const json_t *g, bool acts)
{
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX];

	line(c, f, STYLE_BAD, get_string(g, "/name", "?"),
		"has %s, less than its Min= of %s, for which there is no room -> %s; mend: lower Min= (its own or others'), or move a "
		"guest away",
		show_size(get_number(g, "/memory/actual", UINT64_MAX), a),
		show_size(get_number(g, "/memory/min", UINT64_MAX), b),
		acts ? "it is among the first to get what comes free"
		     : "nothing is done in this mode");
}

static void line_stale(const struct cli *c, FILE *f, const json_t *g, uint64_t now)
{
	char word[SHELL_WORD_MAX];
	uint64_t heard = get_time(g, "/report/time");
	uint64_t shut_out = get_time(g, "/agent/shut_out_until");
	const char *name = get_string(g, "/name", "?");
	char span[SPAN_TEXT_MAX], time[SHOW_TIME_MAX], a[SIZE_TEXT_MAX];

	if (shut_out) {
		line(c, f, STYLE_BAD, name,
			"its agent is not listened to until %s, for it misbehaved (ballastctl events "
			"--guest %s --kind channel-shut says how) -> it is not shrunk below %s",
			show_time(shut_out, 0, time), shell_word(name, word),
			show_size(get_number(g, "/memory/floor", UINT64_MAX), a));
		return;
	}
	line(c, f, STYLE_BAD, name,
		"its agent has been silent%s%s -> it is not shrunk below %s",
		heard && now > heard ? " for " : "",
		heard && now > heard ? show_span(now - heard, span) : "",
		show_size(get_number(g, "/memory/floor", UINT64_MAX), a));
}

/* Where it stopped becomes its target: that says nothing beside it. */
static void line_stuck(const struct cli *c, FILE *f, const json_t *g)
{
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX];
	bool same;

	show_size(get_number(g, "/memory/actual", UINT64_MAX), a);
	show_size(get_number(g, "/memory/target", UINT64_MAX), b);
	same = !strcmp(a, b);
	line(c, f, STYLE_BAD, get_string(g, "/name", "?"),
		"its balloon does not move from %s%s%s -> left out of the division, tried again", a,
		same ? "" : " to ", same ? "" : b);
}

/* What is held back: where it is to go when it may be commanded again. */
static void line_held_back(
	const struct cli *c, FILE *f, const json_t *g, const char *why, const char *until)
{
	uint64_t actual = get_number(g, "/memory/actual", 0),
		 share = get_number(g, "/memory/share", actual);
	uint64_t distance = share > actual ? share - actual : actual - share;
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX];

	line(c, f, STYLE_NOTE, get_string(g, "/name", "?"),
		"%s -> no command until %s: it stays at %s%s%s", why, until, size_format(actual, a),
		distance > 2 * MIB ? ", then goes to " : "",
		distance > 2 * MIB ? size_format(share, b) : "");
}

static unsigned print_guest(const struct cli *c, FILE *f, const json_t *g, uint64_t now, bool acts)
{
	char word[SHELL_WORD_MAX];
	const char *name = get_string(g, "/name", "?");
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX];
	unsigned n = 0;

	if (guest_is(g, "quarantined") && ++n)
		line(c, f, STYLE_BAD, name,
			"it does not answer libvirt (its QEMU hangs or is stopped; ballastctl "
			"events --guest %s says more) -> no command until it does; others are "
			"served",
			shell_word(name, word));
	if (guest_is(g, "refused") && ++n)
		line(c, f, STYLE_BAD, name,
			"libvirt refuses to change its memory (ballastctl events --guest %s says why) -> "
			"asked again after a pause, longer each time",
			shell_word(name, word));
	if (guest_is(g, "job") && ++n)
		line_held_back(c, f, g,
			guest_is(g, "paused") ? "a libvirt job (save, dump) has paused it"
					      : "a libvirt job (dump, migration) runs on it",
			"it ends");
	else if (guest_is(g, "paused") && ++n)
		line_held_back(c, f, g, "it is paused", "it is resumed");
	if (guest_is(g, "breaker") && ++n)
		line(c, f, STYLE_BAD, name,
			"holds %s on the host, more than the %s it has -> counted at its "
			"maximum%s",
			show_size(get_number(g, "/memory/resident", UINT64_MAX), a),
			show_size(get_number(g, "/memory/actual", UINT64_MAX), b),
			acts ? ", given a soft limit where its policy's Enforce= says so" : "");
	if (guest_is(g, "stuck") && ++n)
		line_stuck(c, f, g);
	if (guest_is(g, "stale") && ++n)
		line_stale(c, f, g, now);
	if (guest_is(g, "pressed") && ++n)
		line_pressed(c, f, g, acts);
	if (guest_is_unmet(g) && ++n)
		line_unmet(c, f, g, acts);
	if (guest_is(g, "not-credible") && ++n)
		line(c, f, STYLE_NOTE, name,
			"asks for memory and does not use what it was given -> its pressure counts "
			"less");
	if (get_string(g, "/fixed", NULL) && ++n)
		line(c, f, STYLE_NOTE, name,
			"its memory cannot be moved (%s) -> counted at its maximum",
			get_string(g, "/fixed", ""));
	else if (guest_is(g, "unknown") && !get_bool(g, "/agent/enrolled") && ++n)
		line(c, f, STYLE_NOTE, name,
			"nothing is known of its use of memory -> left as it is; mend: ballastctl "
			"guest enroll %s",
			shell_word(name, word));
	return n;
}

/* So many guests are told of; when all are in trouble at once, it is not they. */
#define WRONG_GUESTS_MAX 15

static unsigned count_not_well(const json_t *guests)
{
	const json_t *g;
	unsigned n = 0;
	size_t i;

	json_array_foreach (guests, i, g)
		n += guest_rank(g) != GUEST_WELL;
	return n;
}

unsigned host_print_wrong(const struct cli *c, FILE *f, const json_t *host, const json_t *guests)
{
	uint64_t now = get_time(host, "/decided");
	bool acts = streq(get_string(host, "/mode", "?"), "enforce");
	unsigned n = print_problems(c, f, host) + print_wrong_state(c, f, host, guests, acts),
		 told = 0, more = 0;
	bool cut = count_not_well(guests) > WRONG_GUESTS_MAX;
	const json_t *g;
	size_t i;

	for (int rank = 0; rank < (cut ? (int)GUEST_WELL : 1); rank++)
		json_array_foreach (guests, i, g) {
			if (cut && (int)guest_rank(g) != rank)
				continue;
			if (told < WRONG_GUESTS_MAX)
				told += print_guest(c, f, g, now, acts) > 0;
			else
				more++;
		}
	if (more)
		line(c, f, STYLE_NOTE, "",
			"and %u more guest%s that %s not well: ballastctl guest list", more,
			more == 1 ? "" : "s", more == 1 ? "is" : "are");
	return n + told;
}
