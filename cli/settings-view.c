/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/settings-view.h"

#include "cli/get.h"

static void add_origin(struct table *t, const json_t *s)
{
	const char *kind = get_string(s, "/origin/kind", "default"),
		   *file = get_string(s, "/origin/file", NULL);
	char text[512];

	if (file)
		snprintf(text, sizeof(text), "%s:%llu%s", file,
			(unsigned long long)get_number(s, "/origin/line", 0),
			get_bool(s, "/in_force") ? ""
						 : " (accepted, not in force in this version)");
	else
		snprintf(text, sizeof(text), "%s",
			streq(kind, "override") ? "set by hand" : "default");
	table_add(t, file ? STYLE_NONE : STYLE_DIM, text);
}

static void print(const struct cli *c, const json_t *settings, bool all)
{
	_cleanup_table_ struct table t = {.titles = {"SETTING", "VALUE", "FROM"}};
	const json_t *s;
	size_t i;

	json_array_foreach (settings, i, s) {
		bool given = !streq(get_string(s, "/origin/kind", "default"), "default");
		char name[96];

		if (!all && !given)
			continue;
		snprintf(name, sizeof(name), "[%s] %s", get_string(s, "/section", "?"),
			get_string(s, "/key", "?"));
		table_add(&t, given ? STYLE_BOLD : STYLE_DIM, name);
		table_add(&t, given ? STYLE_NONE : STYLE_DIM, get_string(s, "/value", ""));
		add_origin(&t, s);
	}
	if (t.n)
		table_print(&t, &c->term, stdout);
	else
		printf("  None: the defaults hold.\n");
}

void settings_print(const struct cli *c, const json_t *settings)
{
	print(c, settings, true);
}

void settings_print_given(const struct cli *c, const json_t *settings)
{
	print(c, settings, false);
}
