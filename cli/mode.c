/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `mode` and `reload` */
#include "cli/client.h"
#include "cli/effect.h"
#include "cli/get.h"

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
	return client_send(c, "PUT", "/v1/mode",
		json_pack("{s:s,s:b}", "mode", mode, "release", (int)cli_has(c, OPT_RELEASE)), ret);
}

/* Of observe --release: how many got anything back, and who did not get all. */
static void print_released(const json_t *answer)
{
	json_t *left_out = json_object_get(answer, "left_out"), *one;
	unsigned long long given = get_number(answer, "/given_back", 0);
	size_t i;

	if (!left_out)
		return;
	if (given)
		printf("%llu guest%s given back what %s had\n", given, given == 1 ? " is" : "s are",
			given == 1 ? "it" : "they");
	else if (!json_array_size(left_out))
		printf("nothing was held: every guest has what it had before\n");
	json_array_foreach (left_out, i, one)
		printf("%s is not given all back: %s\n", get_string(one, "/guest", "?"),
			get_string(one, "/why", "?"));
}

int cmd_mode(struct cli *c)
{
	_cleanup_json_ json_t *answer = NULL;
	int r;

	if (!c->n_args && cli_has(c, OPT_RELEASE))
		return cli_usage(c, "--release goes with observe");
	r = c->n_args ? set_mode(c, &answer) : client_get(c, "/v1/mode", &answer);
	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON))
		return cli_print_json(c, answer);
	print_mode(get_string(answer, "/mode", "?"),
		c->n_args && cli_has(c, OPT_DRY_RUN) ? "would set " : "");
	print_released(answer);
	if (c->n_args && streq(c->args[0], "enforce") && !cli_has(c, OPT_DRY_RUN))
		effect_note(c);
	return CLI_OK;
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
	return CLI_OK;
}
