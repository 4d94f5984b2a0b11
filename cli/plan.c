/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `plan`: how memory is divided now, and what the latest decision does. */
#include "cli/client.h"
#include "cli/get.h"
#include "cli/plan.h"

static void add_size(struct table *t, const json_t *guest, const char *path)
{
	char text[SIZE_TEXT_MAX];

	table_add(t, STYLE_NONE, show_size(get_number(guest, path, UINT64_MAX), text));
}

static void print_division(const struct cli *c, const json_t *plan)
{
	_cleanup_table_ struct table t = {.titles = {"GUEST", "HAS", "USES", "WANTS", "FLOOR",
						  "SHARE", "COUNTS", "TARGET", "WHY"},
		.right = {false, true, true, true, true, true, true, true}};
	static const char *const sizes[] = {
		"/actual", "/used", "/want", "/floor", "/share", "/charge", "/target"};
	const json_t *g;
	size_t i;

	json_array_foreach (get_at(plan, "/guests"), i, g) {
		table_add(&t, STYLE_NAME, get_string(g, "/guest", "?"));
		for (size_t k = 0; k < ARRAY_SIZE(sizes); k++)
			add_size(&t, g, sizes[k]);
		table_add(&t, STYLE_NONE, get_string(g, "/standing/text", ""));
	}
	if (t.n)
		table_print(&t, &c->term, stdout);
	else
		printf("No guest runs.\n");
}

static void print_action(const json_t *a)
{
	const char *kind = get_string(a, "/kind", "?"), *why = get_shown(a, "/reason/text", "");
	char from[SIZE_TEXT_MAX], to[SIZE_TEXT_MAX];

	printf("  %s: %s", get_shown(a, "/guest", "?"), kind);
	if (streq(kind, "memory"))
		printf(" %s -> %s", show_size(get_number(a, "/from", UINT64_MAX), from),
			show_size(get_number(a, "/to", UINT64_MAX), to));
	printf("%s%s\n", *why ? ": " : "", why);
}

int cmd_plan(struct cli *c)
{
	_cleanup_json_ json_t *plan = NULL;
	const json_t *actions, *a;
	char budget[SIZE_TEXT_MAX], free_text[SIZE_TEXT_MAX];
	size_t i;
	int r;

	if (cli_has(c, OPT_IMPORT))
		return plan_import(c, cli_value(c, OPT_IMPORT));
	if (cli_has(c, OPT_DRAIN))
		return cli_usage(c, "--drain goes with --import FILE");
	r = client_get(c, "/v1/plan", &plan);
	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON))
		return cli_print_json(c, plan);
	actions = get_at(plan, "/actions");
	printf("The host is %s: %s for guests, %s free\n",
		get_string(plan, "/state", "not decided about yet"),
		show_size(get_number(plan, "/memory/budget", UINT64_MAX), budget),
		show_size(get_number(plan, "/memory/free", UINT64_MAX), free_text));
	if (json_array_size(actions))
		printf("The latest decision %s:\n",
			get_bool(plan, "/enforce")
				? "does"
				: "would do, were the mode enforce and nothing paused");
	else
		printf("The latest decision commands nothing.\n");
	json_array_foreach (actions, i, a)
		print_action(a);
	putchar('\n');
	print_division(c, plan);
	return CLI_OK;
}
