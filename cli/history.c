/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `history guest` and `history host`: figures over time, drawn. */
#include "cli/chart.h"
#include "cli/client.h"
#include "cli/get.h"
#include "cli/path.h"

#define ROWS 14
/* Where nobody says how wide: a pipe. */
#define COLUMNS 80
#define COLUMNS_MAX 200

static char *label_size(uint64_t value, char *buf, size_t size)
{
	char text[SIZE_TEXT_MAX];

	snprintf(buf, size, "%s", value ? size_format(value, text) : "0");
	return buf;
}

static char *label_permyriad(uint64_t value, char *buf, size_t size)
{
	char text[RATIO_TEXT_MAX];

	snprintf(buf, size, "%s", show_permyriad(value, text));
	return buf;
}

/* One way to look at it: which figures are drawn, and what they are called. */
struct look {
	const char *what;
	const char *fill, *shade, *mark;		  /* members of a point */
	const char *fill_name, *shade_name, *mark_name;
	bool bytes;
	uint64_t least_top;
};
static const struct look guest_looks[] = {
	{"memory", "used", "actual", "want", "uses", "has", "wants", true, MIB},
	{"stall", "stall_permyriad", NULL, "stall_max_permyriad", "time stalled on memory", NULL,
		"most of it", false, 100},
	{"cpu", "cpu_permyriad", NULL, "cpu_max_permyriad", "CPU time (100% is one CPU)", NULL,
		"most of it", false, 1000},
	{NULL},
};
static const struct look host_looks[] = {
	{"memory", "charged", "total", "charged_max", "guests count for", "the machine has",
		"most of it", true, MIB},
	{"stall", "memory_some_permyriad", NULL, "memory_some_max_permyriad",
		"time somebody stalled on memory", NULL, "most of it", false, 100},
	{"cpu", "cpu_busy_permyriad", NULL, "cpu_busy_max_permyriad", "busy, of all CPUs", NULL,
		"most of it", false, 1000},
	{NULL},
};

static const struct look *choose_look(struct cli *c, const struct look *looks)
{
	const char *what = cli_value(c, OPT_WHAT);

	for (const struct look *l = looks; l->what; l++)
		if (!what || streq(what, l->what))
			return l;
	return NULL;
}

static uint64_t *values_of(const json_t *points, const char *member)
{
	uint64_t *v = member ? calloc(json_array_size(points) + 1, sizeof(*v)) : NULL;
	char pointer[64];
	const json_t *p;
	size_t i;

	if (!v)
		return NULL;
	snprintf(pointer, sizeof(pointer), "/%s", member);
	json_array_foreach (points, i, p)
		v[i] = get_number(p, pointer, UINT64_MAX);
	return v;
}

static bool any_known(const uint64_t *v, size_t n)
{
	for (size_t i = 0; v && i < n; i++)
		if (v[i] != UINT64_MAX)
			return true;
	return false;
}

static int draw(struct cli *c, const json_t *answer, const struct look *look)
{
	const json_t *points = get_at(answer, "/points");
	_cleanup_free_ uint64_t *fill = values_of(points, look->fill),
				*shade = values_of(points, look->shade),
				*mark = values_of(points, look->mark);
	struct chart chart = {
		.fill = fill,
		.shade = shade,
		.mark = mark,
		.n = json_array_size(points),
		.from_usec = get_time(answer, "/from"),
		.until_usec = get_time(answer, "/until"),
		.least_top = look->least_top,
		.rows = ROWS,
		.columns = c->term.columns ? MIN(c->term.columns, (unsigned)COLUMNS_MAX) : COLUMNS,
		.label = look->bytes ? label_size : label_permyriad,
		.style = STYLE_GOOD,
	};
	char step[SPAN_TEXT_MAX];
	const char *name = get_string(answer, "/guest", get_string(answer, "/host", "?"));

	term_print(&c->term, stdout, STYLE_BOLD, name);
	printf(", %s, a point each %s\n", look->what,
		span_format(get_number(answer, "/step_s", 0) * USEC_PER_SEC, step));
	if (!any_known(fill, chart.n) && !any_known(shade, chart.n)) {
		printf("Nothing is known of this time: samples are taken while ballastd runs, and kept for 30 days.\n");
		return CLI_OK;
	}
	chart_print(&chart, &c->term, stdout);
	chart_legend(
		&c->term, stdout, STYLE_GOOD, look->fill_name, look->shade_name, look->mark_name);
	return CLI_OK;
}

static int show(struct cli *c, const char *format, const char *word, const struct look *looks)
{
	const char *since = cli_value(c, OPT_SINCE), *step = cli_value(c, OPT_STEP);
	const struct look *look = choose_look(c, looks);
	_cleanup_json_ json_t *answer = NULL;
	char path[CLIENT_PATH_MAX];
	int r;

	if (!look)
		return cli_usage(c, "--what: found \"%s\", expected memory, stall or cpu",
			cli_value(c, OPT_WHAT));
	client_path(format, word, path);
	if (since)
		path_add(path, sizeof(path), "since", since);
	if (step)
		path_add(path, sizeof(path), "step", step);
	r = client_get(c, path, &answer);
	if (r != CLI_OK)
		return r;
	return cli_has(c, OPT_JSON) ? cli_print_json(c, answer) : draw(c, answer, look);
}

int cmd_history_guest(struct cli *c)
{
	return show(c, "/v1/history/guests/%s", c->args[0], guest_looks);
}

int cmd_history_host(struct cli *c)
{
	return show(c, "/v1/history/hosts/%s", c->n_args ? c->args[0] : "self", host_looks);
}
