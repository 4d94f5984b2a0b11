/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `events` */
#include <time.h>

#include "cli/client.h"
#include "cli/event-view.h"
#include "cli/get.h"
#include "cli/path.h"
#include "cli/watch.h"

/* What to ask; after NULL: the newest. */
static void make_path(struct cli *c, const char *after, char path[static CLIENT_PATH_MAX])
{
	const char *limit = cli_value(c, OPT_LIMIT);

	snprintf(path, CLIENT_PATH_MAX, "/v1/events");
	if (after)
		path_add(path, CLIENT_PATH_MAX, "after", after);
	else if (!cli_value(c, OPT_SINCE))
		path_add(path, CLIENT_PATH_MAX, "newest", "true");
	if (!after && cli_value(c, OPT_SINCE))
		path_add(path, CLIENT_PATH_MAX, "since", cli_value(c, OPT_SINCE));
	path_add(path, CLIENT_PATH_MAX, "limit", limit ? limit : "50");
	if (cli_value(c, OPT_GUEST))
		path_add(path, CLIENT_PATH_MAX, "guest", cli_value(c, OPT_GUEST));
	if (cli_value(c, OPT_KIND))
		path_add(path, CLIENT_PATH_MAX, "kind", cli_value(c, OPT_KIND));
}

static void print_one(const struct cli *c, const json_t *e)
{
	uint64_t now = (uint64_t)time(NULL) * USEC_PER_SEC;
	/* A screen that is wide enough has a line for each. */
	unsigned view = EVENT_VIEW_KIND | EVENT_VIEW_GUEST |
			(c->term.columns < 100 ? EVENT_VIEW_WRAP : 0);

	if (cli_has(c, OPT_JSON))
		cli_print_json_line(c, e);
	else
		event_print(c, stdout, e, now, 0, view);
}

static void print_events(const struct cli *c, const json_t *answer)
{
	const json_t *e;
	size_t i;

	if (get_bool(answer, "/lost"))
		fprintf(stderr, "%s: some events are lost: they are not kept any more\n",
			c->program);
	json_array_foreach (get_at(answer, "/events"), i, e)
		print_one(c, e);
	fflush(stdout);
}

/* ---- following ---- */

struct following {
	struct cli *c;
	char last[256]; /* id of the last event seen */
	bool away;	/* it was said that the daemon is */
	uint64_t missed; /* events since it is back */
};

/* The first state behind what was missed says that it was all. */
static void back(struct following *f)
{
	if (f->away)
		fprintf(stderr,
			"%s: connected again and caught up: %llu event%s happened meanwhile\n",
			f->c->program, (unsigned long long)f->missed, f->missed == 1 ? "" : "s");
	f->away = false;
}

static void on_event(const char *event, const char *id, const char *data, void *userdata)
{
	struct following *f = userdata;
	_cleanup_json_ json_t *e = NULL;

	if (*id)
		snprintf(f->last, sizeof(f->last), "%s", id);
	if (streq(event, "state")) {
		back(f);
		return;
	}
	if (streq(event, "end")) /* that the connection ends is said when it does */
		return;
	e = get_json(data, strlen(data));
	if (streq(event, "reset")) {
		fprintf(stderr, "%s: some events are lost: %s\n", f->c->program,
			get_string(e, "/text", ""));
		return;
	}
	f->missed++;
	print_one(f->c, e);
	fflush(stdout);
}

static void say_away(struct following *f, const char *why)
{
	if (!f->away)
		cli_fail(f->c, CLI_UNREACHABLE,
			"the connection to ballastd is lost (%s); waiting for it", why);
	f->away = true;
	f->missed = 0;
}

/* Listens to what came after the last one seen. A daemon that is away is waited for. */
static int follow(struct cli *c, const char *first, uint64_t interval_usec)
{
	struct following f = {.c = c};
	char path[CLIENT_PATH_MAX] = "/v1/events", problem[64];

	snprintf(f.last, sizeof(f.last), "%s", first);
	if (cli_value(c, OPT_GUEST))
		path_add(path, sizeof(path), "guest", cli_value(c, OPT_GUEST));
	if (cli_value(c, OPT_KIND))
		path_add(path, sizeof(path), "kind", cli_value(c, OPT_KIND));
	watch_begin();
	while (!watch_ended() && !ferror(stdout)) {
		int r = client_stream(c, path, f.last, on_event, &f, problem);

		if (watch_ended() || ferror(stdout))
			break;
		say_away(&f, r == CLI_OK ? "it ended" : problem);
		watch_wait(interval_usec, false);
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
