/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `operation list|show|wait|cancel`: commands that go on without their asker. */
#include "cli/operation.h"

#include <time.h>

#include "cli/exit-code.h"
#include "cli/get.h"
#include "cli/watch.h"
#include "common/json.h"

#define LOOK_USEC (300 * USEC_PER_MSEC)
#define WAIT_SEC 30 /* as one waits for any answer */

static uint64_t now_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

static bool has_ended(const json_t *operation)
{
	return !streq(get_string(operation, "/state", "running"), "running");
}

static enum style style_of(const char *state)
{
	return streq(state, "failed")	 ? STYLE_BAD
	       : streq(state, "running") ? STYLE_NOTE
	       : streq(state, "done")	 ? STYLE_GOOD
					 : STYLE_DIM;
}

/* What became of one that has ended. */
static int judge(struct cli *c, const json_t *operation)
{
	unsigned long long id = (unsigned long long)get_number(operation, "/id", 0);
	const char *state = get_string(operation, "/state", "?"),
		   *code = get_string(operation, "/problem/code", "");

	if (streq(state, "done"))
		return CLI_OK;
	if (streq(state, "cancelled"))
		return cli_fail(c, CLI_FAILED, "operation %llu was cancelled", id);
	return cli_fail(c,
		exit_of(code, (long)get_number(operation, "/problem/status",
				      get_number(operation, "/status", 500))),
		"operation %llu failed: %s", id,
		get_string(operation, "/problem/detail", *code ? code : "no word of why"));
}

static int say_goes_on(struct cli *c, unsigned long long id, bool stopped)
{
	return cli_fail(c, CLI_RUNNING_ON,
		"%s; it goes on as operation %llu: ballastctl operation wait %llu, or operation cancel %llu",
		stopped ? "stopped waiting" : "it takes longer", id, id, id);
}

/* On a terminal: that one waits, and for what. */
static void show_progress(const struct cli *c, const json_t *operation)
{
	uint64_t part = get_number(operation, "/progress_permyriad", UINT64_MAX);
	char ratio[RATIO_TEXT_MAX];

	if (!isatty(STDERR_FILENO) || cli_has(c, OPT_JSON))
		return;
	fprintf(stderr,
		"\r\033[Kwaiting for operation %llu (%s%s%s); Ctrl-C ends the waiting alone",
		(unsigned long long)get_number(operation, "/id", 0),
		get_string(operation, "/kind", "?"), part == UINT64_MAX ? "" : ", ",
		part == UINT64_MAX ? "" : show_permyriad(part, ratio));
	fflush(stderr);
}

static void clear_progress(const struct cli *c)
{
	if (isatty(STDERR_FILENO) && !cli_has(c, OPT_JSON))
		fputs("\r\033[K", stderr);
}

static int get_operation(struct cli *c, const char *id, struct client_answer *ret)
{
	char path[CLIENT_PATH_MAX];

	return client_ask(c,
		&(struct client_ask){
			.method = "GET", .path = client_path("/v1/operations/%s", id, path)},
		ret);
}

/* Looks until it has ended; *answer has it. CLI_OK then, whatever became of it. */
static int look_until_ended(struct cli *c, const char *id, struct client_answer *answer)
{
	uint64_t end =
		now_usec() + (uint64_t)(c->timeout_sec ? c->timeout_sec : WAIT_SEC) * USEC_PER_SEC;
	int r = CLI_OK;

	watch_begin();
	while (r == CLI_OK && !has_ended(answer->body)) {
		unsigned long long number = (unsigned long long)get_number(answer->body, "/id", 0);

		show_progress(c, answer->body);
		watch_wait(LOOK_USEC, false);
		if (watch_ended() || now_usec() >= end) {
			clear_progress(c);
			return say_goes_on(c, number, watch_ended());
		}
		client_answer_clear(answer);
		r = get_operation(c, id, answer);
	}
	clear_progress(c);
	return r;
}

int operation_wait(struct cli *c, struct client_answer *answer)
{
	json_t *result;
	char id[32];
	int r;

	snprintf(id, sizeof(id), "%llu", (unsigned long long)get_number(answer->body, "/id", 0));
	r = look_until_ended(c, id, answer);
	if (r == CLI_OK)
		r = judge(c, answer->body);
	if (r != CLI_OK)
		return r;
	result = json_object_get(answer->body, "result");
	result = json_is_null(result) ? NULL : json_incref(result);
	json_decref(answer->body);
	answer->body = result;
	return CLI_OK;
}

static void add_row(const struct cli *c, struct table *t, const json_t *o)
{
	uint64_t part = get_number(o, "/progress_permyriad", UINT64_MAX),
		 now = (uint64_t)time(NULL) * USEC_PER_SEC;
	const char *state = get_string(o, "/state", "?");
	char text[SHOW_TIME_MAX];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)get_number(o, "/id", 0));
	table_add(t, STYLE_NAME, text);
	table_add(t, style_of(state), state);
	table_add(t, STYLE_NONE, get_string(o, "/kind", "?"));
	table_add(t, STYLE_NONE, show_permyriad(streq(state, "running") ? part : UINT64_MAX, text));
	table_add(t, STYLE_NONE, show_time(get_time(o, "/started"), now, text));
	table_add(t, STYLE_NONE, show_time(get_time(o, "/ended"), now, text));
	table_add(t, STYLE_NONE, get_string(o, "/by", "-"));
}

int cmd_operation_list(struct cli *c)
{
	_cleanup_table_ struct table t = {
		.titles = {"ID", "STATE", "WHAT", "PART", "STARTED", "ENDED", "BY"},
		.right = {true, false, false, true}};
	_cleanup_json_ json_t *answer = NULL;
	int r = client_get(c, "/v1/operations", &answer);
	const json_t *o;
	size_t i;

	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON))
		return cli_print_json(c, answer);
	json_array_foreach (get_at(answer, "/operations"), i, o)
		add_row(c, &t, o);
	if (t.n)
		table_print(&t, &c->term, stdout);
	else
		printf("No command has taken so long that it went on without who asked for it.\n");
	return CLI_OK;
}

static int print_operation(struct cli *c, const json_t *o)
{
	_cleanup_table_ struct table t = {
		.titles = {"ID", "STATE", "WHAT", "PART", "STARTED", "ENDED", "BY"},
		.right = {true, false, false, true}};
	const char *detail = get_string(o, "/problem/detail", NULL);

	if (cli_has(c, OPT_JSON))
		return cli_print_json(c, o);
	add_row(c, &t, o);
	table_print(&t, &c->term, stdout);
	if (detail)
		term_print_wrapped(&c->term, stdout, detail, 0, 2);
	return CLI_OK;
}

int cmd_operation_show(struct cli *c)
{
	_cleanup_answer_ struct client_answer answer = {0};
	int r = get_operation(c, c->args[0], &answer);

	return r == CLI_OK ? print_operation(c, answer.body) : r;
}

int cmd_operation_wait(struct cli *c)
{
	_cleanup_answer_ struct client_answer answer = {0};
	int r = get_operation(c, c->args[0], &answer);

	if (r == CLI_OK)
		r = look_until_ended(c, c->args[0], &answer);
	if (r != CLI_OK)
		return r;
	r = print_operation(c, answer.body);
	return r == CLI_OK ? judge(c, answer.body) : r;
}

int cmd_operation_cancel(struct cli *c)
{
	_cleanup_json_ json_t *answer = NULL;
	char path[CLIENT_PATH_MAX];
	int r = client_send(
		c, "DELETE", client_path("/v1/operations/%s", c->args[0], path), NULL, &answer);

	if (r != CLI_OK)
		return r;
	return cli_print_gone(c, "operation ", "cancelled");
}
