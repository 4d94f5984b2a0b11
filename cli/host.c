/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `host list|show|explain` */
#include "cli/client.h"
#include "cli/get.h"
#include "cli/guest-table.h"
#include "cli/host-view.h"
#include "cli/policy-next.h"
#include "cli/section.h"
#include "common/shell-word.h"

#define MOVES_SHOWN 3
#define ACTIONS_SHOWN 4
#define TAKERS_SHOWN 4
#define RESERVED_SHOWN 3

static const char *word_of(const struct cli *c)
{
	return c->n_args ? c->args[0] : "self";
}

static int get_host(struct cli *c, json_t **ret)
{
	char path[CLIENT_PATH_MAX];

	return client_get(c, client_path("/v1/hosts/%s", word_of(c), path), ret);
}

int cmd_host_list(struct cli *c)
{
	_cleanup_table_ struct table t = {
		.titles = {"HOST", "STATE", "MODE", "GUESTS", "GIVEN", "OF", "FREE", "PROBLEMS"},
		.right = {false, false, false, true, true, true, true, true}};
	_cleanup_json_ json_t *answer = NULL;
	int r = client_get(c, "/v1/hosts", &answer);
	const json_t *h;
	size_t i;

	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON))
		return cli_print_json(c, answer);
	json_array_foreach (get_at(answer, "/hosts"), i, h) {
		char text[SIZE_TEXT_MAX];

		table_add(&t, STYLE_NAME, get_string(h, "/name", "?"));
		table_add(&t, STYLE_NONE, get_string(h, "/state", "starting"));
		table_add(&t, STYLE_NONE, get_string(h, "/mode", "?"));
		snprintf(text, sizeof(text), "%llu",
			(unsigned long long)get_number(h, "/guests/running", 0));
		table_add(&t, STYLE_NONE, text);
		table_add(&t, STYLE_NONE,
			show_size(get_number(h, "/memory/charged", UINT64_MAX), text));
		table_add(&t, STYLE_NONE,
			show_size(get_number(h, "/memory/budget", UINT64_MAX), text));
		table_add(
			&t, STYLE_NONE, show_size(get_number(h, "/memory/free", UINT64_MAX), text));
		snprintf(text, sizeof(text), "%zu", json_array_size(get_at(h, "/problems")));
		table_add(
			&t, json_array_size(get_at(h, "/problems")) ? STYLE_BAD : STYLE_NONE, text);
	}
	table_print(&t, &c->term, stdout);
	return CLI_OK;
}

int cmd_host_show(struct cli *c)
{
	_cleanup_json_ json_t *host = NULL, *guests = NULL;
	int r = get_host(c, &host);

	if (r == CLI_OK)
		r = client_get(c, "/v1/guests", &guests);
	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON))
		return cli_print_json(c, host);
	host_print_header(c, stdout, host);
	host_print_memory(c, stdout, host);
	host_print_load(c, stdout, host);
	fputc('\n', stdout);
	guest_table_print(c, stdout, get_at(guests, "/guests"), NULL);
	return CLI_OK;
}

/* ---- explain ---- */

static uint64_t sum_of(const json_t *guests, const char *path)
{
	uint64_t sum = 0;
	const json_t *g;
	size_t i;

	json_array_foreach (guests, i, g)
		sum = add_sat(sum, get_number(g, path, 0));
	return sum;
}

static void print_now(const struct cli *c, const json_t *host, const json_t *guests)
{
	struct section s = section_begin(c, "Wants");
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX], d[SIZE_TEXT_MAX], e[SIZE_TEXT_MAX];

	section_line(&s, STYLE_NONE,
		"guests use %s, want %s (with headroom), must have %s; there are %s for them",
		size_format(sum_of(guests, "/memory/used"), a),
		size_format(sum_of(guests, "/memory/want"), b),
		size_format(sum_of(guests, "/memory/floor"), d),
		show_size(get_number(host, "/memory/budget", UINT64_MAX), e));
}

/* Room that is kept for guests that start: it counts as theirs before they are there. */
static void print_reserved(const struct cli *c, const json_t *host)
{
	struct section s = section_begin(c, "Kept");
	uint64_t now = get_time(host, "/decided");
	const json_t *r;
	size_t i;

	json_array_foreach (get_at(host, "/reservations"), i, r) {
		uint64_t bytes = add_sat(
			get_number(r, "/bytes", 0), get_number(r, "/qemu", 0));
		char size[SIZE_TEXT_MAX], until[SHOW_TIME_MAX];

		if (s.lines >= RESERVED_SHOWN)
			break;
		section_line(&s, STYLE_NONE,
			"%s %s for %s, which is to start, until %s; to give it up: ballastctl reservation cancel %llu",
			size_format(bytes, size), get_bool(r, "/granted") ? "are kept" : "are wanted",
			get_string(r, "/guest", "?"),
			show_time(get_time(r, "/deadline"), now, until),
			(unsigned long long)get_number(r, "/id", 0));
	}
	if (json_array_size(get_at(host, "/reservations")) > RESERVED_SHOWN)
		section_line(&s, STYLE_DIM, "and %zu more: ballastctl reservation list",
			json_array_size(get_at(host, "/reservations")) - RESERVED_SHOWN);
}

/* By what it has; the largest first. */
static int by_charge(const void *a, const void *b)
{
	uint64_t x = get_number(*(json_t *const *)a, "/memory/charge", 0),
		 y = get_number(*(json_t *const *)b, "/memory/charge", 0);

	return x < y ? 1 : x > y ? -1 : 0;
}

/* What holds most of the memory, and by which line of a policy it may. */
static void print_limits(struct cli *c, const json_t *guests)
{
	size_t n = json_array_size(guests);
	_cleanup_free_ json_t **all = calloc(n + 1, sizeof(*all));
	struct section s = section_begin(c, "Limits");

	for (size_t i = 0; all && i < n; i++)
		all[i] = json_array_get(guests, i);
	if (all)
		qsort(all, n, sizeof(*all), by_charge);
	for (size_t i = 0; all && i < n && i < TAKERS_SHOWN; i++) {
		_cleanup_json_ json_t *effective = NULL;
		char path[CLIENT_PATH_MAX], problem[64], text[512] = "", size[SIZE_TEXT_MAX];
		const char *name = get_string(all[i], "/name", "?");
		const json_t *one;
		size_t k, len = 0;

		if (client_try(c,
			    client_path("/v1/guests/%s/policy", get_string(all[i], "/uuid", name),
				    path),
			    &effective, problem) != CLI_OK)
			continue;
		json_array_foreach (get_at(effective, "/settings"), k, one) {
			const char *key = get_string(one, "/key", ""),
				   *file = get_string(one, "/origin/file", NULL), *base;
			const char *kind = get_string(one, "/origin/kind", "default");

			if (!streq(get_string(one, "/section", ""), "Memory") ||
				streq(kind, "default") ||
				(!streq(key, "Min") && !streq(key, "Max") &&
					!streq(key, "Weight")) ||
				len >= sizeof(text))
				continue;
			base = file && strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
			len += (size_t)snprintf(text + len, sizeof(text) - len,
				", %s=%s (%s%s%.0llu)", key, get_string(one, "/value", ""),
				base ? base : "by hand", base ? ":" : "",
				base ? (unsigned long long)get_number(one, "/origin/line", 0) : 0);
		}
		section_line(&s, STYLE_NONE, "%s counts for %s%s", name,
			show_size(get_number(all[i], "/memory/charge", UINT64_MAX), size), text);
	}
	if (n > TAKERS_SHOWN)
		section_line(
			&s, STYLE_DIM, "and %zu more: ballastctl guest list", n - TAKERS_SHOWN);
	if (!n)
		section_line(&s, STYLE_DIM, "no guest runs here");
}

static void print_action(struct section *s, const json_t *a, bool acts)
{
	const char *kind = get_string(a, "/kind", "?");
	char from[SIZE_TEXT_MAX], to[SIZE_TEXT_MAX];

	if (streq(kind, "memory"))
		section_line(s, STYLE_NONE, "%s %s %s -> %s: %s", get_string(a, "/guest", "?"),
			acts ? "goes" : "would go",
			show_size(get_number(a, "/from", UINT64_MAX), from),
			show_size(get_number(a, "/to", UINT64_MAX), to),
			get_string(a, "/reason/text", "?"));
	else
		section_line(s, STYLE_NONE, "%s: %s: %s", get_string(a, "/guest", "?"), kind,
			get_string(a, "/reason/text", "?"));
}

static void print_next(const struct cli *c, const json_t *host, const json_t *plan)
{
	bool acts = streq(get_string(host, "/mode", ""), "enforce");
	size_t n = json_array_size(get_at(plan, "/actions")), i;
	struct section s = section_begin(c, "Next");
	char buf[NEXT_TEXT_MAX];
	const char *next =
		policy_next_text(get_at(host, "/policies"), get_time(host, "/decided"), buf);
	const json_t *a;

	json_array_foreach (get_at(plan, "/actions"), i, a)
		if (i < ACTIONS_SHOWN)
			print_action(&s, a, acts);
	if (n > ACTIONS_SHOWN)
		section_line(&s, STYLE_DIM, "and %zu more", n - ACTIONS_SHOWN);
	if (!n)
		section_line(&s, STYLE_NONE, "nothing: %s",
			get_bool(plan, "/settled") ? "all is as it is to be"
						   : "what was commanded is on its way");
	if (next)
		section_line(&s, STYLE_DIM, "%s", next);
}

static void print_can(const struct cli *c, const json_t *host, const json_t *guests)
{
	char word[SHELL_WORD_MAX];
	const char *state = get_string(host, "/state", "");
	struct section s = section_begin(c, "You can");
	const json_t *p, *g, *first = NULL;
	size_t i;

	json_array_foreach (get_at(host, "/problems"), i, p)
		if (get_string(p, "/remedy", NULL) && s.lines < 3)
			section_line(&s, STYLE_NONE, "%s: %s", get_string(p, "/code", "?"),
				get_string(p, "/remedy", ""));
	if (streq(get_string(host, "/mode", ""), "observe"))
		section_line(&s, STYLE_NONE, "go live: ballastctl mode enforce");
	/* What they then lack is named above. */
	if (host_is_short_for_reservations(host))
		;
	else if (streq(state, "critical"))
		section_line(&s, STYLE_NONE,
			"lower a Min=, give guests swap or autodeflate, or move a guest away");
	else if (streq(state, "short"))
		section_line(&s, STYLE_NONE,
			"give those that matter more Weight=, or move a guest away");
	json_array_foreach (guests, i, g)
		if (!first && guest_rank(g) != GUEST_WELL)
			first = g;
	if (first)
		section_line(&s, STYLE_NONE, "ask about a guest: ballastctl guest explain %s",
			shell_word(get_string(first, "/name", "?"), word));
	section_line(&s, STYLE_NONE, "check the set-up: ballastctl doctor");
}

int cmd_host_explain(struct cli *c)
{
	_cleanup_json_ json_t *host = NULL, *guests = NULL, *plan = NULL, *events = NULL;
	struct section last = section_begin(c, "Last");
	int r = get_host(c, &host);

	if (r != CLI_OK || (r = client_get(c, "/v1/guests", &guests)) != CLI_OK ||
		(r = client_get(c, "/v1/plan", &plan)) != CLI_OK ||
		(r = client_get(c, "/v1/events?kind=command&newest=true&limit=5", &events)) !=
			CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON)) {
		_cleanup_json_ json_t *all =
			json_pack("{s:O,s:O,s:O,s:O}", "host", host, "plan", plan, "guests",
				get_at(guests, "/guests"), "events", get_at(events, "/events"));

		return all ? cli_print_json(c, all)
			   : cli_fail(c, CLI_FAILED, "ballastd's answer is incomplete");
	}
	host_print_header(c, stdout, host);
	host_print_memory(c, stdout, host);
	print_now(c, host, get_at(guests, "/guests"));
	print_reserved(c, host);
	print_limits(c, get_at(guests, "/guests"));
	section_moves(
		&last, get_at(events, "/events"), get_time(host, "/decided"), MOVES_SHOWN, true);
	if (!last.lines)
		section_line(&last, STYLE_DIM, "no guest was commanded since ballastd runs");
	print_next(c, host, plan);
	print_can(c, host, get_at(guests, "/guests"));
	return CLI_OK;
}
