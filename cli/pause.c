/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `pause`: "not now". */
#include "cli/client.h"
#include "cli/end.h"
#include "cli/get.h"

#define MAX_DAYS 31

static void print(const struct cli *c, const json_t *answer)
{
	const char *message = get_string(answer, "/message", "");
	char time[SHOW_TIME_MAX];

	if (!json_is_true(get_at(answer, "/paused"))) {
		printf("not paused\n");
		return;
	}
	printf("%s until %s by ", cli_has(c, OPT_DRY_RUN) ? "would be paused" : "paused",
		show_time(get_time(answer, "/until"), end_now(), time));
	/* Somebody else's words are no commands to this terminal. */
	term_print(&c->term, stdout, STYLE_NONE, get_string(answer, "/by", "?"));
	term_print(&c->term, stdout, STYLE_NONE, *message ? ", " : "");
	term_print(&c->term, stdout, STYLE_NONE, message);
	printf(": no guest is commanded\n");
}

static int clear(struct cli *c)
{
	_cleanup_json_ json_t *before = NULL, *answer = NULL;
	bool was;
	int r;

	if (cli_has(c, OPT_FOR) || cli_has(c, OPT_UNTIL) || cli_has(c, OPT_MESSAGE))
		return cli_usage(c, "--clear goes without --for, --until and --message");
	if ((r = client_get(c, "/v1/pause", &before)) != CLI_OK ||
		(r = client_send(c, "DELETE", "/v1/pause", NULL, &answer)) != CLI_OK)
		return r;
	was = json_is_true(get_at(before, "/paused"));
	if (cli_has(c, OPT_JSON)) {
		_cleanup_json_ json_t *none =
			json_pack("{s:b}", "paused", was && cli_has(c, OPT_DRY_RUN));

		return cli_print_json(c, none);
	}
	printf("%s\n", !was			 ? "nothing was paused"
		       : cli_has(c, OPT_DRY_RUN) ? "would end the pause"
						 : "the pause is over");
	return CLI_OK;
}

int cmd_pause(struct cli *c)
{
	_cleanup_json_ json_t *body = NULL, *answer = NULL;
	bool set = cli_has(c, OPT_FOR) || cli_has(c, OPT_UNTIL);
	int r = CLI_OK;

	if (cli_has(c, OPT_CLEAR))
		return clear(c);
	if (cli_has(c, OPT_FOR) && cli_has(c, OPT_UNTIL))
		return cli_usage(c, "give either --for or --until");
	if (!set && (cli_has(c, OPT_MESSAGE) || cli_has(c, OPT_DRY_RUN)))
		return cli_usage(c,
			"for how long? give --for or --until; without an end it is: ballastctl mode observe");
	body = json_object();
	if (set)
		r = end_put(c, body, MAX_DAYS);
	if (r == CLI_OK && cli_has(c, OPT_MESSAGE) &&
		json_object_set_new(body, "message", json_string(cli_value(c, OPT_MESSAGE))) < 0)
		return cli_usage(c, "--message: not UTF-8");
	if (r == CLI_OK)
		r = set ? client_send(c, "PUT", "/v1/pause", json_incref(body), &answer)
			: client_get(c, "/v1/pause", &answer);
	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON))
		return cli_print_json(c, answer);
	print(c, answer);
	return CLI_OK;
}
