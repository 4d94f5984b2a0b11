/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/guest-table.h"

#include "cli/get.h"

bool guest_is(const json_t *guest, const char *condition)
{
	const json_t *word;
	size_t i;

	json_array_foreach (get_at(guest, "/conditions"), i, word)
		if (json_is_string(word) && streq(json_string_value(word), condition))
			return true;
	return false;
}

bool guest_is_unmet(const json_t *guest)
{
	uint64_t min = get_number(guest, "/memory/min", 0);

	/* A MiB is what commands are rounded to. */
	return get_number(guest, "/memory/actual", min) + MIB < min &&
	       get_number(guest, "/memory/share", min) + MIB < min;
}

char *guest_state(const json_t *guest, char buf[static GUEST_STATE_MAX])
{
	const json_t *word;
	size_t i, n = 0;

	buf[0] = '\0';
	json_array_foreach (get_at(guest, "/conditions"), i, word)
		if (json_is_string(word) && n < GUEST_STATE_MAX)
			n += (size_t)snprintf(buf + n, GUEST_STATE_MAX - n, "%s%s", n ? ", " : "",
				json_string_value(word));
	if (get_string(guest, "/fixed", NULL) && n < GUEST_STATE_MAX)
		n += (size_t)snprintf(buf + n, GUEST_STATE_MAX - n, "%sfixed", n ? ", " : "");
	if (!n)
		strcpy(buf, "-");
	return buf;
}

enum style guest_style(const json_t *guest)
{
	static const char *const bad[] = {"stuck", "breaker", "quarantined", "refused", "stale"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (guest_is(guest, bad[i]))
			return STYLE_BAD;
	if (guest_is(guest, "pressed") || guest_is(guest, "not-credible") ||
		guest_is(guest, "job") || guest_is(guest, "paused"))
		return STYLE_NOTE;
	return STYLE_NONE;
}

enum guest_rank guest_rank(const json_t *guest)
{
	enum style style = guest_style(guest);

	if (guest_is(guest, "pressed"))
		return GUEST_SHORT;
	if (style == STYLE_BAD || guest_is_unmet(guest))
		return GUEST_BAD;
	if (style != STYLE_NONE || get_string(guest, "/fixed", NULL) ||
		(guest_is(guest, "unknown") && !get_bool(guest, "/agent/enrolled")))
		return GUEST_NOTED;
	return GUEST_WELL;
}

static const json_t *find_guest(const json_t *guests, const char *uuid)
{
	const json_t *g;
	size_t i;

	json_array_foreach (guests, i, g)
		if (streq(get_string(g, "/uuid", ""), uuid))
			return g;
	return NULL;
}

/* Growth of a counter in permyriad of the time; a guest that started anew in between has none. */
static uint64_t rate_of(
	const json_t *before, const json_t *now, const char *path, uint64_t elapsed_usec)
{
	uint64_t a = get_number(before, path, UINT64_MAX), b = get_number(now, path, UINT64_MAX);

	if (a == UINT64_MAX || b == UINT64_MAX || b < a || !elapsed_usec)
		return UINT64_MAX;
	return mul_div(b - a, PERMYRIAD, elapsed_usec);
}

struct guest_rates *guest_rates_new(const json_t *before, const json_t *now, uint64_t elapsed_usec)
{
	struct guest_rates *rates =
		before ? calloc(json_array_size(now) + 1, sizeof(*rates)) : NULL;
	const json_t *g;
	size_t i;

	if (!rates)
		return NULL;
	json_array_foreach (now, i, g) {
		const json_t *old = find_guest(before, get_string(g, "/uuid", ""));

		rates[i].cpu_permyriad = rate_of(old, g, "/cpu/time_usec", elapsed_usec);
		rates[i].delay_permyriad = rate_of(old, g, "/cpu/delay_usec", elapsed_usec);
	}
	return rates;
}

static void add_size(struct table *t, const json_t *guest, const char *path)
{
	char text[SIZE_TEXT_MAX];

	table_add(t, STYLE_NONE, show_size(get_number(guest, path, UINT64_MAX), text));
}

/* Where it is going, if it is; a MiB is what commands are rounded to. */
static void add_target(struct table *t, const json_t *guest)
{
	uint64_t actual = get_number(guest, "/memory/actual", 0);
	uint64_t target = get_number(guest, "/memory/target", actual);
	char size[SIZE_TEXT_MAX], text[SIZE_TEXT_MAX + 4] = "";

	if (target > actual + MIB || actual > target + MIB)
		snprintf(text, sizeof(text), "%s %s", target > actual ? "^" : "v",
			show_size(target, size));
	table_add(t, target > actual ? STYLE_GOOD : STYLE_NOTE, text);
}

/* Its state and why its share is what it is, in one: the last column has the most room. */
static void add_why(struct table *t, const json_t *guest)
{
	const char *why = get_string(guest, "/standing/text", NULL);
	char state[GUEST_STATE_MAX], text[GUEST_STATE_MAX + 300];
	bool normal = streq(guest_state(guest, state), "-");

	if (!why)
		why = get_string(guest, "/fixed", NULL) ? "its memory cannot be moved" : "";
	snprintf(text, sizeof(text), "%s%s%s", normal ? "" : state, normal || !*why ? "" : ": ",
		why);
	table_add(t, guest_style(guest), text);
}

/* Where lines are short the bar goes first: what it shows is in the numbers too. */
static bool has_bar(const struct cli *c)
{
	return !c->term.columns || c->term.columns >= 100;
}

/* What --output=wide has more. */
static const struct {
	const char *title;
	bool right;
} wide_titles[] = {{"MIN", true}, {"MAX", true}, {"RESIDENT", true}, {"VCPUS", true},
	{"WEIGHT", true}, {"NET", false}, {"AGENT", false}, {"UUID", false}};

static void add_wide(struct table *t, const json_t *guest)
{
	char text[24];

	add_size(t, guest, "/memory/min");
	add_size(t, guest, "/memory/limit");
	add_size(t, guest, "/memory/resident");
	snprintf(
		text, sizeof(text), "%llu", (unsigned long long)get_number(guest, "/cpu/vcpus", 0));
	table_add(t, STYLE_NONE, text);
	snprintf(text, sizeof(text), "%llu",
		(unsigned long long)get_number(guest, "/cpu/weight", 100));
	table_add(t, STYLE_NONE, text);
	table_add(t, STYLE_NONE, get_string(guest, "/net", "-"));
	table_add(t, STYLE_NONE,
		get_bool(guest, "/agent/connected")
			? get_string(guest, "/agent/version", "connected")
		: get_bool(guest, "/agent/enrolled") ? "silent"
						     : "none");
	table_add(t, STYLE_DIM, get_string(guest, "/uuid", "-"));
}

static void add_row(
	const struct cli *c, struct table *t, const json_t *guest, const struct guest_rates *rates)
{
	uint64_t actual = get_number(guest, "/memory/actual", 0);
	uint64_t stall = get_number(guest, "/memory/stall_permyriad", UINT64_MAX);
	char text[RATIO_TEXT_MAX];

	table_add(t, STYLE_NAME, get_string(guest, "/name", "?"));
	add_size(t, guest, "/memory/actual");
	add_target(t, guest);
	add_size(t, guest, "/memory/used");
	add_size(t, guest, "/memory/want");
	add_size(t, guest, "/memory/max");
	if (has_bar(c))
		table_add_bar(t, guest_is(guest, "pressed") ? STYLE_NOTE : STYLE_GOOD,
			get_number(guest, "/memory/used", actual), actual,
			get_number(guest, "/memory/max", actual));
	table_add(t, stall != UINT64_MAX && stall >= 1000 ? STYLE_NOTE : STYLE_NONE,
		show_permyriad(stall, text));
	if (rates) {
		table_add(t, STYLE_NONE, show_permyriad(rates->cpu_permyriad, text));
		table_add(t, STYLE_NONE, show_permyriad(rates->delay_permyriad, text));
	}
	if (c->wide)
		add_wide(t, guest);
	add_why(t, guest);
}

static void set_titles(const struct cli *c, struct table *t, bool rates)
{
	static const char *const sizes[] = {"GUEST", "HAS", "GOES TO", "USES", "WANTS", "OF"};
	size_t n = 0;

	for (; n < ARRAY_SIZE(sizes); n++) {
		t->titles[n] = sizes[n];
		t->right[n] = n && n != 2;
	}
	if (has_bar(c))
		t->titles[n++] = "USES HAS OF";
	t->right[n] = true;
	t->titles[n++] = "STALL";
	for (const char *const *title = (const char *const[]){"CPU", "WAITS", NULL};
		rates && *title; title++) {
		t->right[n] = true;
		t->titles[n++] = *title;
	}
	for (size_t i = 0; c->wide && i < ARRAY_SIZE(wide_titles); i++) {
		t->right[n] = wide_titles[i].right;
		t->titles[n++] = wide_titles[i].title;
	}
	t->titles[n] = "WHY";
}

void guest_table_print(
	const struct cli *c, FILE *f, const json_t *guests, const struct guest_rates *rates)
{
	_cleanup_table_ struct table t = {.bar_cells = 12};
	const json_t *g;
	size_t i;

	set_titles(c, &t, rates);
	json_array_foreach (guests, i, g)
		add_row(c, &t, g, rates ? &rates[i] : NULL);
	table_print(&t, &c->term, f);
}

void guest_table_print_some(const struct cli *c, FILE *f, const json_t *guests, size_t max)
{
	_cleanup_table_ struct table t = {.bar_cells = 12};
	size_t n = json_array_size(guests), shown = 0, i;
	const json_t *g;

	set_titles(c, &t, false);
	for (int rank = 0; rank <= GUEST_WELL; rank++)
		json_array_foreach (guests, i, g)
			if ((n <= max ? rank == 0 : (int)guest_rank(g) == rank) && shown < max) {
				add_row(c, &t, g, NULL);
				shown++;
			}
	table_print(&t, &c->term, f);
	if (n > shown)
		fprintf(f, "and %zu more: ballastctl guest list\n", n - shown);
}
