/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `policy list|show|explain`: what the daemon has in force. */
#include "cli/client.h"
#include "cli/policy-next.h"
#include "cli/settings-view.h"

static void add_number(struct table *t, uint64_t n)
{
	char text[24] = "-";

	if (n != UINT64_MAX)
		snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	table_add(t, STYLE_NONE, text);
}

static void add_policy(const struct cli *c, struct table *t, const json_t *p)
{
	bool open = get_bool(p, "/open"), stale = get_bool(p, "/stale");
	const char *schedule = get_string(p, "/on_calendar", ""),
		   *condition = get_string(p, "/condition", "");
	char when[512];

	snprintf(when, sizeof(when), "%s%s%s", schedule, *schedule && *condition ? "; " : "",
		condition);
	table_add(t, STYLE_NAME, get_string(p, "/name", "?"));
	table_add(t,
		stale  ? STYLE_BAD
		: open ? STYLE_GOOD
		       : STYLE_DIM,
		stale  ? "file is bad"
		: open ? "open"
		       : "closed");
	add_number(t, get_number(p, "/matching", UINT64_MAX));
	add_number(t, get_number(p, "/active", UINT64_MAX));
	table_add(t, STYLE_NONE, *when ? when : "always");
	if (c->wide)
		table_add(t, STYLE_DIM, get_string(p, "/path", "-"));
	table_add(t, STYLE_NONE, get_string(p, "/description", ""));
}

/* A file that is bad and of which no version is in force. A drop-in is shown with its policy. */
static void add_bad(const struct cli *c, struct table *t, const json_t *bad)
{
	const char *path = get_string(bad, "/path", "?"), *name = strrchr(path, '/');
	uint64_t line = get_number(bad, "/line", 0);
	char text[512];

	if (name && strstr(path, ".policy.d/"))
		while (--name > path && *name != '/')
			;
	table_add(t, STYLE_NAME, name ? name + 1 : path);
	table_add(t, STYLE_BAD, "bad, not in force");
	add_number(t, UINT64_MAX);
	add_number(t, UINT64_MAX);
	table_add(t, STYLE_NONE, "never");
	if (c->wide)
		table_add(t, STYLE_DIM, path);
	snprintf(text, sizeof(text), "line %llu: %s", (unsigned long long)line,
		get_string(bad, "/text", ""));
	table_add(t, STYLE_NONE, line ? text : get_string(bad, "/text", ""));
}

int cmd_policy_list(struct cli *c)
{
	_cleanup_table_ struct table t = {
		.titles = {"POLICY", "STATE", "GUESTS", "ACTIVE", "WHEN", "DESCRIPTION"},
		.right = {false, false, true, true},
	};
	_cleanup_json_ json_t *answer = NULL;
	int r = client_get(c, "/v1/policies", &answer);
	char buf[NEXT_TEXT_MAX], text[NEXT_TEXT_MAX + 10];
	const char *next;
	const json_t *p;
	size_t i;

	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON))
		return cli_print_json(c, answer);
	if (c->wide) {
		t.titles[5] = "FILE";
		t.titles[6] = "DESCRIPTION";
	}
	json_array_foreach (get_at(answer, "/policies"), i, p)
		add_policy(c, &t, p);
	json_array_foreach (get_at(answer, "/bad"), i, p)
		add_bad(c, &t, p);
	if (!json_array_size(get_at(answer, "/policies")) && !i) {
		printf("There are no policies: the defaults hold for every guest (see "
		       "ballast.policy(5)).\n");
		return CLI_OK;
	}
	table_print(&t, &c->term, stdout);
	next = policy_next_text(answer, 0, buf);
	if (next) {
		snprintf(text, sizeof(text), "Next: %s.", next);
		fputc('\n', stdout);
		term_print_wrapped(&c->term, stdout, text, 0, 2);
	}
	return CLI_OK;
}

static void print_policy(const struct cli *c, const json_t *p)
{
	static const struct {
		const char *title, *path;
	} rows[] = {{"file", "/path"}, {"description", "/description"},
		{"schedule", "/on_calendar"}, {"condition", "/condition"}};

	term_print(&c->term, stdout, STYLE_NAME, get_string(p, "/name", "?"));
	printf("  %s%s\n", get_bool(p, "/open") ? "open" : "closed",
		get_bool(p, "/stale") ? "; its file is bad now, this is its last good version"
				      : "");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *text = get_string(p, rows[i].path, "");

		if (!*text)
			continue;
		fputs("  ", stdout);
		term_print_cut(&c->term, stdout, STYLE_DIM, rows[i].title, 12, true);
		fputs("  ", stdout);
		term_print(&c->term, stdout, STYLE_NONE, text);
		fputc('\n', stdout);
	}
	if (get_number(p, "/matching", UINT64_MAX) != UINT64_MAX)
		printf("  in force for %llu of the %llu guests that it is for\n",
			(unsigned long long)get_number(p, "/active", 0),
			(unsigned long long)get_number(p, "/matching", 0));
}

static const char *why_not(const json_t *p)
{
	if (get_bool(p, "/active"))
		return "in force";
	return get_bool(p, "/open") ? "its condition does not hold" : "its schedule is closed";
}

static void print_matching(const struct cli *c, const json_t *effective)
{
	const json_t *p;
	size_t i;

	json_array_foreach (get_at(effective, "/policies"), i, p) {
		bool active = get_bool(p, "/active"), open = get_bool(p, "/open");
		const char *what = get_string(p, open ? "/condition" : "/on_calendar", "");
		bool tell = !active && *what;
		char text[1024];

		fputs("  ", stdout);
		term_print_cut(&c->term, stdout, active ? STYLE_GOOD : STYLE_DIM,
			get_string(p, "/name", "?"), 32, true);
		snprintf(text, sizeof(text), "%s%s%.800s%s%s", why_not(p), tell ? " (" : "",
			tell ? what : "", tell ? ")" : "",
			get_bool(p, "/stale")
				? "; its file is bad now, this is its last good version"
				: "");
		fputs("  ", stdout);
		term_print_wrapped(&c->term, stdout, text, 36, 36);
	}
	if (!i)
		printf("  No policy is for it: the defaults hold.\n");
}

static void print_not_matching(size_t all, size_t matching)
{
	bool one = all == matching + 1;

	if (all > matching)
		printf("  %zu more %s not for it: %s [Match] does not name it\n", all - matching,
			one ? "is" : "are", one ? "its" : "their");
}

static int show_policy(struct cli *c)
{
	_cleanup_json_ json_t *answer = NULL;
	char path[CLIENT_PATH_MAX];
	int r = client_get(c, client_path("/v1/policies/%s", c->args[0], path), &answer);

	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON))
		return cli_print_json(c, answer);
	print_policy(c, answer);
	return CLI_OK;
}

/* A guest first; what no guest is called may be a policy. Where it is neither, the guest's message
 * has the nearest name of a guest. */
int cmd_policy_show(struct cli *c)
{
	_cleanup_json_ json_t *answer = NULL, *policy = NULL;
	char path[CLIENT_PATH_MAX], problem[64];
	int r;

	client_path("/v1/policies/%s", c->args[0], path);
	if (client_try(c, path, &policy, problem) == CLI_OK)
		return show_policy(c);
	r = client_get(c, client_path("/v1/guests/%s/policy", c->args[0], path), &answer);
	if (r == CLI_NOT_FOUND)
		fprintf(stderr, "Nor is there such a policy: see %s policy list\n", c->program);
	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON))
		return cli_print_json(c, answer);
	term_print(&c->term, stdout, STYLE_NAME, get_string(answer, "/guest", "?"));
	fputc('\n', stdout);
	settings_print(c, get_at(answer, "/settings"));
	return CLI_OK;
}

int cmd_policy_explain(struct cli *c)
{
	_cleanup_json_ json_t *answer = NULL, *all = NULL;
	char path[CLIENT_PATH_MAX], problem[64];
	int r = client_get(c, client_path("/v1/guests/%s/policy", c->args[0], path), &answer);

	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON))
		return cli_print_json(c, answer);
	printf("Policies for %s, later ones win:\n", get_shown(answer, "/guest", "?"));
	print_matching(c, answer);
	if (client_try(c, "/v1/policies", &all, problem) == CLI_OK)
		print_not_matching(json_array_size(get_at(all, "/policies")),
			json_array_size(get_at(answer, "/policies")));
	printf("\nSettings that they give:\n");
	settings_print_given(c, get_at(answer, "/settings"));
	return CLI_OK;
}
