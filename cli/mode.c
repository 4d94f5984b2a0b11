/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `mode` and `reload` */
#include "cli/client.h"
#include "cli/effect.h"
#include "cli/get.h"
#include "cli/preview.h"

static void print_mode(const char *mode, const char *before)
{
	printf("%s%s: %s\n", before, mode,
		streq(mode, "enforce") ? "memory and CPU follow need and policy"
				       : "all is shown, nothing is touched");
}

static int set_mode(struct cli *c, json_t **ret)
{
	static const char *const modes[] = {"observe", "enforce", NULL};
	const char *mode = c->args[0], *nearest = nearest_word(mode, modes);

	if (!streq(mode, modes[0]) && !streq(mode, modes[1]))
		return cli_usage(c, "there is no mode \"%s\"%s%s%s", mode,
			nearest ? "; did you mean \"" : "",
			nearest ? nearest : ", only observe and enforce", nearest ? "\"?" : "");
	if (cli_has(c, OPT_RELEASE) && streq(mode, "enforce"))
		return cli_usage(c, "--release goes with observe");
	if (cli_has(c, OPT_RELEASE)) {
		int r = cli_confirm(c,
			"give every guest back the memory, CPU weight and quota that it had before Ballast");

		if (r != CLI_OK)
			return r;
	}
	return client_send(c, "PUT", "/v1/mode",
		json_pack("{s:s,s:b}", "mode", mode, "release", (int)cli_has(c, OPT_RELEASE)), ret);
}

static void print_given(const struct cli *c, const json_t *one)
{
	uint64_t to = get_number(one, "/to", UINT64_MAX);
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX];

	printf("  ");
	term_print(&c->term, stdout, STYLE_NONE, get_string(one, "/guest", "?"));
	if (to == UINT64_MAX)
		printf(": its CPU weight, quota or soft limit\n");
	else
		printf(": memory %s -> %s\n", show_size(get_number(one, "/from", UINT64_MAX), a),
			show_size(to, b));
}

/* Of observe --release: who gets anything back, and who does not get all. */
static void print_released(const struct cli *c, const json_t *answer, bool would)
{
	json_t *left_out = json_object_get(answer, "left_out"), *one;
	unsigned long long given = get_number(answer, "/given_back", 0);
	size_t i;

	if (!left_out)
		return;
	if (given)
		printf("%llu guest%s%s given back what %s had\n", given, given == 1 ? "" : "s",
			would	     ? " would be"
			: given == 1 ? " is"
				     : " are",
			given == 1 ? "it" : "they");
	else if (!json_array_size(left_out))
		printf("nothing %s held: every guest has what it had before\n",
			would ? "is" : "was");
	json_array_foreach (json_object_get(answer, "given"), i, one)
		print_given(c, one);
	json_array_foreach (left_out, i, one) {
		term_print(&c->term, stdout, STYLE_NONE, get_string(one, "/guest", "?"));
		printf(" %s not %sgiven all back: ", would ? "would" : "is", would ? "be " : "");
		term_print(&c->term, stdout, STYLE_NONE, get_string(one, "/why", "?"));
		printf("\n");
	}
}

int cmd_mode(struct cli *c)
{
	_cleanup_json_ json_t *answer = NULL;
	bool would = c->n_args && cli_has(c, OPT_DRY_RUN);
	int r, all_back;

	if (!c->n_args && cli_has(c, OPT_RELEASE))
		return cli_usage(c, "--release goes with observe");
	r = c->n_args ? set_mode(c, &answer) : client_get(c, "/v1/mode", &answer);
	if (r != CLI_OK)
		return r;
	/* Who takes Ballast off a host by a script must not go on where a guest was left
	 * squeezed. */
	all_back = json_array_size(json_object_get(answer, "left_out")) ? CLI_FAILED : CLI_OK;
	if (cli_has(c, OPT_JSON)) {
		r = cli_print_json(c, answer);
		return r == CLI_OK ? all_back : r;
	}
	print_mode(get_string(answer, "/mode", "?"), would ? "would set " : "");
	print_released(c, answer, would);
	if (c->n_args && streq(c->args[0], "enforce")) {
		if (would)
			preview_print(c, json_pack("{s:s}", "mode", "enforce"));
		else
			effect_note(c);
	}
	return all_back;
}

/* What a reload cannot take over. */
static void print_restart(const json_t *answer)
{
	const json_t *keys = get_at(answer, "/restart_needed"), *key;
	size_t i;

	json_array_foreach (keys, i, key)
		printf("%s%s=", i ? ", " : "", json_is_string(key) ? json_string_value(key) : "?");
	if (i)
		printf(" in ballast.conf: take%s effect when ballastd is restarted (systemctl restart ballastd)\n",
			i == 1 ? "s" : "");
}

int cmd_reload(struct cli *c)
{
	_cleanup_json_ json_t *answer = NULL;
	int r = client_send(c, "POST", "/v1/reload", NULL, &answer);
	uint64_t n;

	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON))
		return cli_print_json(c, answer);
	n = get_number(answer, "/policies", 0);
	printf("%llu polic%s %s, no mistakes\n", (unsigned long long)n, n == 1 ? "y" : "ies",
		cli_has(c, OPT_DRY_RUN) ? "found" : "in force");
	print_restart(answer);
	return CLI_OK;
}
