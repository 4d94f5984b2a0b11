/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <curl/curl.h>
#include <libgen.h>
#include <locale.h>
#include <signal.h>

#include "cli/cli.h"
#include "cli/complete.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/watch.h"
#include "simulate/simulate.h"

#define OPTIONS(...)                  \
	(const enum cli_option[])     \
	{                             \
		__VA_ARGS__, OPT_NONE \
	}

#define WATCH OPTIONS(OPT_WATCH)

const struct cli_command cli_commands[] = {
	{"status", "", "", "what is wrong, and what Ballast is doing about it", 0, 0, WATCH,
		.run = cmd_status},
	{"top", "", "", "guests and moves, live", 0, 0, OPTIONS(OPT_INTERVAL, OPT_ONCE),
		.run = cmd_top},
	{"guest", "", "", "as guest list", 0, 0, WATCH, .run = cmd_guest_list},
	{"guest", "list", "[PATTERN]", "all guests, or those whose name is like this", 0, 1,
		OPTIONS(OPT_CONDITION, OPT_TAG, OPT_WATCH), .run = cmd_guest_list},
	{"guest", "show", "GUEST", "all that is known of a guest", 1, 1, WATCH,
		.run = cmd_guest_show},
	{"guest", "explain", "GUEST", "why it has what it has", 1, 1, WATCH,
		.run = cmd_guest_explain},
	{"guest", "enroll", "GUEST", "give it the agent's channel and statistics", 1, 1,
		OPTIONS(OPT_DRY_RUN), .run = cmd_guest_enroll},
	{"guest", "set", "GUEST", "set limits and weights by hand, for a while", 1, 1,
		OPTIONS(OPT_MEMORY, OPT_MIN, OPT_MAX, OPT_WEIGHT, OPT_HEADROOM, OPT_CPU_WEIGHT,
			OPT_CPU_QUOTA, OPT_FOR, OPT_UNTIL, OPT_REASON, OPT_CLEAR, OPT_DRY_RUN),
		.run = cmd_guest_set},
	{"host", "", "", "as host show", 0, 0, WATCH, .run = cmd_host_show},
	{"host", "list", "", "all hosts", 0, 0, WATCH, .run = cmd_host_list},
	{"host", "show", "[HOST]", "what a host has, and where it goes", 0, 1, WATCH,
		.run = cmd_host_show},
	{"host", "explain", "[HOST]", "why memory is short or not, and what Ballast does about it",
		0, 1, WATCH, .run = cmd_host_explain},
	{"policy", "", "", "as policy list", 0, 0, WATCH, .run = cmd_policy_list},
	{"policy", "list", "", "all policies and whether they are in force", 0, 0, WATCH,
		.run = cmd_policy_list},
	{"policy", "show", "GUEST|POLICY",
		"what holds for a guest, each setting with its origin; or one policy", 1, 1, WATCH,
		.run = cmd_policy_show},
	{"policy", "explain", "GUEST", "which policies a guest has, and why not others", 1, 1,
		WATCH, .run = cmd_policy_explain},
	{"policy", "check", "[FILE...]", "find mistakes in files, or in all that is installed", 0,
		-1, OPTIONS(OPT_POLICY_DIR, OPT_CONFIG), .run = cmd_policy_check},
	{"policy", "test", "GUEST [FILE...]", "what would hold for a guest at some time", 1, -1,
		OPTIONS(OPT_AT, OPT_TAG, OPT_UUID, OPT_CONDITIONS_HOLD, OPT_POLICY_DIR, OPT_CONFIG),
		.run = cmd_policy_test},
	{"policy", "diff", "FILE...", "what these files would change, guest by guest", 1, -1,
		OPTIONS(OPT_AT, OPT_GUEST, OPT_TAG, OPT_CONDITIONS_HOLD, OPT_POLICY_DIR,
			OPT_CONFIG),
		.run = cmd_policy_diff},
	{"policy", "edit", "POLICY",
		"edit one that the daemon keeps; what would change is shown first", 1, 1,
		OPTIONS(OPT_DRY_RUN), .run = cmd_policy_edit, .asks = true},
	{"policy", "put", "FILE [NAME]",
		"have the daemon keep this one; what would change is shown first", 1, 2,
		OPTIONS(OPT_DRY_RUN), .run = cmd_policy_put, .asks = true},
	{"policy", "delete", "POLICY", "remove one that the daemon keeps", 1, 1,
		OPTIONS(OPT_DRY_RUN), .run = cmd_policy_delete, .asks = true},
	{"events", "", "", "what happened", 0, 0,
		OPTIONS(OPT_FOLLOW, OPT_GUEST, OPT_KIND, OPT_LIMIT, OPT_AFTER, OPT_SINCE,
			OPT_INTERVAL),
		.run = cmd_events},
	{"history", "", "", "as history host", 0, 0,
		OPTIONS(OPT_SINCE, OPT_STEP, OPT_WHAT, OPT_WATCH), .run = cmd_history_host},
	{"history", "guest", "GUEST",
		"what it had, used and wanted over time, also of one that is gone", 1, 1,
		OPTIONS(OPT_SINCE, OPT_STEP, OPT_WHAT, OPT_WATCH), .run = cmd_history_guest},
	{"history", "host", "[HOST]",
		"what the guests counted for over time, and how busy the host was", 0, 1,
		OPTIONS(OPT_SINCE, OPT_STEP, OPT_WHAT, OPT_WATCH), .run = cmd_history_host},
	{"mode", "", "[observe|enforce]", "show the mode, go live, or stop touching guests", 0, 1,
		OPTIONS(OPT_RELEASE, OPT_DRY_RUN), .run = cmd_mode, .asks = true},
	{"pause", "", "", "command no guest for a while (--for, --until), or go on (--clear)", 0, 0,
		OPTIONS(OPT_FOR, OPT_UNTIL, OPT_MESSAGE, OPT_CLEAR, OPT_DRY_RUN), .run = cmd_pause},
	{"reload", "", "", "read policies and configuration again", 0, 0, OPTIONS(OPT_DRY_RUN),
		.run = cmd_reload},
	{"operation", "", "", "as operation list", 0, 0, WATCH, .run = cmd_operation_list},
	{"operation", "list", "", "commands that went on without who asked for them", 0, 0, WATCH,
		.run = cmd_operation_list},
	{"operation", "show", "OPERATION", "one of them, and what became of it", 1, 1, WATCH,
		.run = cmd_operation_show},
	{"operation", "wait", "OPERATION", "wait until it has ended", 1, 1, NULL,
		.run = cmd_operation_wait},
	{"operation", "cancel", "OPERATION", "cancel it where that can be", 1, 1,
		OPTIONS(OPT_DRY_RUN), .run = cmd_operation_cancel},
	{"plan", "", "", "how memory is divided, and what the latest decision does", 0, 0,
		OPTIONS(OPT_WATCH, OPT_IMPORT, OPT_DRAIN), .run = cmd_plan},
	{"reservation", "", "", "as reservation list", 0, 0, WATCH, .run = cmd_reservation_list},
	{"reservation", "list", "", "room that is kept for guests that start", 0, 0, WATCH,
		.run = cmd_reservation_list},
	{"reservation", "cancel", "RESERVATION", "keep it no longer", 1, 1, OPTIONS(OPT_DRY_RUN),
		.run = cmd_reservation_cancel},
	{"doctor", "", "", "is all set up as it must be, and how to mend what is not", 0, 0,
		OPTIONS(OPT_CONFIG, OPT_WATCH), .run = cmd_doctor},
	{"whoami", "", "", "who the daemon takes you for, and what you may do", 0, 0, NULL,
		.run = cmd_whoami},
	{"context", "", "", "as context list", 0, 0, NULL, .run = cmd_context_list},
	{"context", "list", "", "the daemons that have a name here", 0, 0, NULL,
		.run = cmd_context_list},
	{"context", "use", "CONTEXT", "ask this one from now on; local is the one of this host", 1,
		1, OPTIONS(OPT_DRY_RUN), .run = cmd_context_use},
	{"context", "add", "NAME ADDRESS",
		"give a daemon a name, with --token-file, --cert, --key, --ca", 2, 2,
		OPTIONS(OPT_DRY_RUN), .run = cmd_context_add},
	{"context", "remove", "CONTEXT", "forget it", 1, 1, OPTIONS(OPT_DRY_RUN),
		.run = cmd_context_remove},
	{"token", "", "", "as token list", 0, 0, OPTIONS(OPT_CONFIG), .run = cmd_token_list},
	{"token", "list", "", "who may use the API over the network", 0, 0, OPTIONS(OPT_CONFIG),
		.run = cmd_token_list},
	{"token", "new", "NAME|cert:CN", "make a token, shown once; or give certificates a role", 1,
		1, OPTIONS(OPT_ROLE, OPT_EXPIRES, OPT_CONFIG, OPT_DRY_RUN), .run = cmd_token_new},
	{"token", "revoke", "NAME|cert:CN", "take a token or certificate out", 1, 1,
		OPTIONS(OPT_CONFIG, OPT_DRY_RUN), .run = cmd_token_revoke, .asks = true},
	{"simulate", "", "FILE", "run the decisions over a described host", 0, -1, NULL,
		.run_raw = cmd_simulate},
	{"help", "", "[NOUN [VERB]]", "all commands, or one: its options, and the role that it takes",
		0, 2, NULL, .run = cmd_help},
};
const size_t cli_n_commands = ARRAY_SIZE(cli_commands);

/* The noun's command for the second word; its command without a verb where that word is none. */
static const struct cli_command *find_command(const char *noun, const char *verb)
{
	const struct cli_command *alone = NULL;

	for (size_t i = 0; i < cli_n_commands; i++) {
		const struct cli_command *cmd = &cli_commands[i];

		if (!streq(cmd->noun, noun))
			continue;
		if (verb && *cmd->verb && streq(cmd->verb, verb))
			return cmd;
		if (!*cmd->verb)
			alone = cmd;
	}
	return alone;
}

static const char *nearest_noun(const char *word)
{
	const char *nouns[32] = {NULL};
	size_t n = 0;

	for (size_t i = 0; i < cli_n_commands && n + 1 < ARRAY_SIZE(nouns); i++)
		if (!n || !streq(nouns[n - 1], cli_commands[i].noun))
			nouns[n++] = cli_commands[i].noun;
	return nearest_word(word, nouns);
}

static bool has_verbs(const char *noun)
{
	for (size_t i = 0; i < cli_n_commands; i++)
		if (streq(cli_commands[i].noun, noun) && *cli_commands[i].verb)
			return true;
	return false;
}

static const char *nearest_verb(const char *noun, const char *word)
{
	const char *verbs[32] = {NULL};
	size_t n = 0;

	for (size_t i = 0; i < cli_n_commands && n + 1 < ARRAY_SIZE(verbs); i++)
		if (streq(cli_commands[i].noun, noun) && *cli_commands[i].verb)
			verbs[n++] = cli_commands[i].verb;
	return nearest_word(word, verbs);
}

static int no_verb(struct cli *c)
{
	const char *noun = c->command->noun, *nearest = nearest_verb(noun, c->args[0]);

	if (nearest)
		return cli_usage(c, "%s has no verb \"%s\"; did you mean \"%s\"?", noun, c->args[0],
			nearest);
	return cli_usage(c, "%s has no verb \"%s\"", noun, c->args[0]);
}

/* A word too many behind a noun that has verbs was meant as one. */
static int bad_arguments(struct cli *c)
{
	const struct cli_command *cmd = c->command;

	if (c->n_args < cmd->min_args)
		return cli_usage(c, "%s %s needs %s", cmd->noun, cmd->verb, cmd->args);
	if (*cmd->verb || cmd->max_args)
		return cli_usage(c, "\"%s\" is too much", c->args[cmd->max_args]);
	return no_verb(c);
}

/* Takes noun and verb out of the words. Returns CLI_OK, or the exit code after a message. */
static int choose_command(struct cli *c)
{
	const char *noun = c->n_args ? c->args[0] : "status", *nearest;

	c->command = find_command(noun, c->n_args > 1 ? c->args[1] : NULL);
	if (!c->command) {
		nearest = nearest_noun(noun);
		return cli_usage(c, "there is no command \"%s\"%s%s%s", noun,
			nearest ? "; did you mean \"" : "", nearest ? nearest : "",
			nearest ? "\"?" : "");
	}
	if (c->n_args) {
		int words = *c->command->verb ? 2 : 1;

		c->args += words;
		c->n_args -= words;
	}
	return CLI_OK;
}

static char *unconst(const char *text)
{
	return (char *)(uintptr_t)text;
}

/* A command with options of its own gets all that stands behind its noun unread, and of the common
 * ones before it those that it has too. */
static int run_raw(struct cli *c)
{
	_cleanup_free_ char **argv = calloc((size_t)c->n_args + 4, sizeof(*argv));
	char name[256];
	int n = 0, r;

	if (!argv)
		return cli_fail(c, CLI_FAILED, "out of memory");
	snprintf(name, sizeof(name), "%s %s", c->program, c->command->noun);
	argv[n++] = name;
	if (cli_has(c, OPT_HELP))
		argv[n++] = unconst("--help");
	for (int i = 0; i < c->n_args; i++) {
		if (streq(c->args[i], "-j") || streq(c->args[i], "--json"))
			c->n_values[OPT_JSON] = 1;
		else
			argv[n++] = c->args[i];
	}
	if (cli_has(c, OPT_JSON))
		argv[n++] = unconst("--json");
	r = c->command->run_raw(n, argv);
	/* Its last object says what came out; what went wrong before is on standard error only. */
	c->answered = r == CLI_FAILED;
	return r;
}

/* `help`: the words behind it are the command. */
int cmd_help(struct cli *c)
{
	int r;

	if (!c->n_args) {
		help_all(c);
		return CLI_OK;
	}
	r = choose_command(c);
	if (r != CLI_OK)
		return r;
	if (c->n_args && has_verbs(c->command->noun) && !*c->command->verb)
		return no_verb(c);
	if (c->command->run_raw) {
		c->n_values[OPT_HELP] = 1;
		return run_raw(c);
	}
	help_command(c);
	return CLI_OK;
}

static int run(struct cli *c, int argc, char **argv)
{
	int r = options_parse(c, argc, argv);

	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_VERSION)) {
		printf("ballastctl " PACKAGE_VERSION "\n");
		return CLI_OK;
	}
	if (cli_has(c, OPT_HELP) && !c->n_args) {
		help_all(c);
		return CLI_OK;
	}
	r = choose_command(c);
	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_HELP) && !c->command->run_raw) {
		help_command(c);
		return CLI_OK;
	}
	r = options_check(c);
	if (r != CLI_OK)
		return r;
	if (c->command->run_raw)
		return run_raw(c);
	if (c->n_args < c->command->min_args ||
		(c->command->max_args >= 0 && c->n_args > c->command->max_args))
		return bad_arguments(c);
	return watch_run(c);
}

int main(int argc, char **argv)
{
	struct cli c = {.program = argc ? basename(argv[0]) : "ballastctl"};
	int r;

	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	term_init(&c.term);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (argc > 1 && streq(argv[1], "__complete"))
		return complete(argc - 2, argv + 2);
	r = run(&c, argc, argv);
	if (r != CLI_OK)
		cli_print_problem(&c, (enum cli_exit)r);
	options_free(&c);
	curl_global_cleanup();
	/* A full disk or a closed pipe must not look like success. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		if (errno != EPIPE)
			cli_fail(&c, CLI_FAILED, "cannot write: %s", strerror(errno));
		return r ? r : CLI_FAILED;
	}
	return r;
}
