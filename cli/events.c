/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `events` */
#include <time.h>

#include "cli/client.h"
#include "cli/event-view.h"
#include "cli/get.h"
#include "cli/watch.h"

/* name=value, percent-encoded, behind what is there. */
static void add_param(char *path, size_t size, const char *name, const char *value)
{
	size_t n = strlen(path);
	char word[CLIENT_PATH_MAX];

	client_path("%s", value, word);
	snprintf(path + n, size - n, "%s%s=%s", strchr(path, '?') ? "&" : "?", name, word);
}

/* What to ask; after NULL: the newest. */
static void make_path(struct cli *c, const char *after, char path[static CLIENT_PATH_MAX])
{
	const char *limit = cli_value(c, OPT_LIMIT);

	snprintf(path, CLIENT_PATH_MAX, "/v1/events");
	if (after)
		add_param(path, CLIENT_PATH_MAX, "after", after);
	else
		add_param(path, CLIENT_PATH_MAX, "newest", "true");
	add_param(path, CLIENT_PATH_MAX, "limit", limit ? limit : "50");
	if (cli_value(c, OPT_GUEST))
		add_param(path, CLIENT_PATH_MAX, "guest", cli_value(c, OPT_GUEST));
	if (cli_value(c, OPT_KIND))
		add_param(path, CLIENT_PATH_MAX, "kind", cli_value(c, OPT_KIND));
}

static void print_events(const struct cli *c, const json_t *answer)
{
	uint64_t now = (uint64_t)time(NULL) * USEC_PER_SEC;
	/* A screen that is wide enough has a line for each. */
	unsigned view = EVENT_VIEW_KIND | EVENT_VIEW_GUEST |
			(c->term.columns < 100 ? EVENT_VIEW_WRAP : 0);
	const json_t *e;
	size_t i;

	if (get_bool(answer, "/lost"))
		fprintf(stderr,
			"%s: some events are lost: the daemon started anew, or kept no more\n",
			c->program);
	json_array_foreach (get_at(answer, "/events"), i, e) {
		if (cli_has(c, OPT_JSON)) {
			_cleanup_free_ char *text = json_dumps(e, JSON_COMPACT);

			printf("%s\n", text ? text : "{}");
		} else {
			event_print(c, stdout, e, now, 0, view);
		}
	}
	fflush(stdout);
}

/* Asks again and again for what came after the last one seen. A daemon that is away is waited for.
 */
static int follow(struct cli *c, const char *first, uint64_t interval_usec)
{
	char path[CLIENT_PATH_MAX], last[256], problem[64];
	bool away = false;

	snprintf(last, sizeof(last), "%s", first);
	watch_begin();
	while (!watch_ended() && !ferror(stdout)) {
		_cleanup_json_ json_t *answer = NULL;

		watch_wait(interval_usec, false);
		if (watch_ended())
			break;
		make_path(c, last, path);
		if (client_try(c, path, &answer, problem) != CLI_OK) {
			if (!away)
				cli_fail(c, CLI_UNREACHABLE,
					"ballastd does not answer (%s); waiting for it", problem);
			away = true;
			continue;
		}
		away = false;
		print_events(c, answer);
		snprintf(last, sizeof(last), "%s", get_string(answer, "/last", last));
	}
	if (c->term.is_terminal)
		fprintf(stderr, "\nStopped watching; ballastd goes on.\n");
	return CLI_OK;
}

/* As the daemon would, and also without it. */
static int check_limit(struct cli *c)
{
	const char *text = cli_value(c, OPT_LIMIT);
	unsigned long n;
	char *end;

	if (!text)
		return CLI_OK;
	n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || n < 1 || n > 1000)
		return cli_usage(c, "--limit: found \"%s\", expected 1 to 1000", text);
	return CLI_OK;
}

int cmd_events(struct cli *c)
{
	_cleanup_json_ json_t *answer = NULL;
	char path[CLIENT_PATH_MAX];
	uint64_t interval_usec;
	int r;

	if (c->n_values[OPT_GUEST] > 1)
		return cli_usage(c, "events takes one --guest");
	r = check_limit(c);
	if (r == CLI_OK)
		r = watch_interval(c, &interval_usec);
	if (r != CLI_OK)
		return r;
	make_path(c, cli_value(c, OPT_AFTER), path);
	r = client_get(c, path, &answer);
	if (r != CLI_OK)
		return r;
	if (!cli_has(c, OPT_FOLLOW) && cli_has(c, OPT_JSON))
		return cli_print_json(c, answer);
	print_events(c, answer);
	if (!cli_has(c, OPT_FOLLOW))
		return CLI_OK;
	return follow(c, get_string(answer, "/last", "0"), interval_usec);
}
