/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include "cli/term.h"
#include "common/diag.h"

/*
 * ballastctl: a thin client of the REST API. main.c has the table of commands; each noun is a file;
 * each command is a function from its arguments to an exit code. Messages go to standard error and
 * begin with the program's name; answers go to standard output.
 */

enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_NOT_FOUND = 3,
	CLI_CONFLICT = 4,
	CLI_DENIED = 5,
	CLI_UNREACHABLE = 6,
	CLI_RUNNING_ON = 7, /* timed out, and goes on */
	CLI_NO_QUORUM = 8,
	CLI_BAD_CONFIG = 9,
};

/* Every option of every command; option-table.c says what they are. */
enum cli_option {
	OPT_HELP,
	OPT_VERSION,
	OPT_JSON,
	OPT_OUTPUT,
	OPT_WATCH,
	OPT_SOCKET,
	OPT_HOST,
	OPT_CONTEXT,
	OPT_TOKEN_FILE,
	OPT_CERT,
	OPT_KEY,
	OPT_CA,
	OPT_TIMEOUT,
	OPT_COLOR,
	OPT_NO_PAGER,
	OPT_DRY_RUN,
	OPT_YES,
	OPT_INTERVAL,
	OPT_ONCE,
	OPT_MEMORY,
	OPT_MIN,
	OPT_MAX,
	OPT_WEIGHT,
	OPT_HEADROOM,
	OPT_CPU_WEIGHT,
	OPT_CPU_QUOTA,
	OPT_FOR,
	OPT_UNTIL,
	OPT_REASON,
	OPT_MESSAGE,
	OPT_CLEAR,
	OPT_RELEASE,
	OPT_FOLLOW,
	OPT_GUEST,
	OPT_KIND,
	OPT_LIMIT,
	OPT_AFTER,
	OPT_SINCE,
	OPT_STEP,
	OPT_WHAT,
	OPT_AT,
	OPT_TAG,
	OPT_CONDITION,
	OPT_CONDITIONS_HOLD,
	OPT_POLICY_DIR,
	OPT_CONFIG,
	OPT_UUID,
	OPT_ROLE,
	OPT_EXPIRES,
	OPT_IMPORT,
	OPT_DRAIN,
	OPT_NONE, /* ends a list; also their number */
};

/* How often one option may be repeated. */
#define CLI_VALUES_MAX 32

struct cli {
	const char *program;
	const struct cli_command *command;
	char **words; /* owned: what is no option */
	char **args;  /* ... behind noun and verb */
	int n_args;
	const char *values[OPT_NONE][CLI_VALUES_MAX]; /* "" for a flag */
	unsigned n_values[OPT_NONE];
	long timeout_sec;    /* --timeout, checked; 0: as usual */
	long timeout_msec;   /* not 0: instead, for what nobody asked to wait for */
	char said[2048];     /* the last message, for the problem object of --json */
	json_t *findings;    /* owned: mistakes that were named, for the same; or NULL */
	json_t *unread;	     /* owned: paths that could not be looked at, as was noted; or NULL */
	bool answered;	     /* a JSON document was printed that ends the answer */
	bool wide;	     /* --output=wide: all columns, nothing cut */
	struct endpoint *endpoint; /* owned: where the daemon is, once it was looked for */
	struct term term;
};

struct cli_command {
	const char *noun;
	const char *verb;		/* "" : what the noun alone does */
	const char *args;		/* for --help: "GUEST" */
	const char *summary;		/* one line, no full stop */
	int min_args, max_args;		/* max -1: any number */
	const enum cli_option *options; /* ends with OPT_NONE; the common ones are not listed */
	int (*run)(struct cli *c);
	bool asks; /* cli_confirm() asks before what is hard to undo: it takes --yes */
	/* Instead: parses its own arguments; argv[0] is the name to use. Of the common options it
	 * takes --help and --json. */
	int (*run_raw)(int argc, char **argv);
};
extern const struct cli_command cli_commands[];
extern const size_t cli_n_commands;

struct cli_option_info {
	const char *name; /* without dashes */
	char letter;	  /* 0: none */
	const char *arg;  /* NULL: a flag */
	const char *help;
	bool many;
	bool optional;	  /* the value may be left out; with one it is --name=VALUE */
};
extern const struct cli_option_info cli_options[OPT_NONE];

/* The last value, or NULL. */
const char *cli_value(const struct cli *c, enum cli_option o) _nonnull_ _pure_;
static inline bool cli_has(const struct cli *c, enum cli_option o)
{
	return c->n_values[o];
}

/* Prints "PROGRAM: ..." to standard error and returns code, so that a check ends in `return
 * cli_fail(...)`. */
int cli_fail(struct cli *c, enum cli_exit code, const char *fmt, ...) _nonnull_args_(1, 3)
	_printf_(3, 4);
/* The same for wrong usage: adds which --help to read. */
int cli_usage(struct cli *c, const char *fmt, ...) _nonnull_args_(1, 2) _printf_(2, 3);
/* Prints a value as JSON, one document on a line of its own (indented for a terminal). Returns
 * CLI_OK. */
int cli_print_json(struct cli *c, const json_t *value) _nonnull_;
/* One of many, on a line of its own. */
void cli_print_json_line(const struct cli *c, const json_t *value) _nonnull_args_(1);
/* That the first argument is no more, or would be: "operation 7: cancelled", {"cancelled":"7"}. */
int cli_print_gone(struct cli *c, const char *noun, const char *word) _nonnull_;

/* With --json, what fails and has printed no document yet prints a problem object (RFC 9457): with
 * the members of the daemon's, but without a status, for it is no HTTP answer. */
void cli_print_problem(struct cli *c, enum cli_exit code) _nonnull_;

/* Asks on a terminal whether what is hard to undo is meant; the question goes to standard error.
 * The text says what would be done, as in "remove policy night". --yes and --dry-run answer it.
 * Where there is no terminal nobody is asked, and --yes is needed. Returns CLI_OK, or the exit code
 * after a message. Only for commands whose row says that they ask. */
int cli_confirm(struct cli *c, const char *fmt, ...) _nonnull_args_(1, 2)
	_printf_(2, 3) _must_check_;

/* Commands. */
int cmd_help(struct cli *c);
int cmd_status(struct cli *c);
int cmd_context_add(struct cli *c);
int cmd_context_list(struct cli *c);
int cmd_context_remove(struct cli *c);
int cmd_context_use(struct cli *c);
int cmd_doctor(struct cli *c);
int cmd_host_explain(struct cli *c);
int cmd_history_guest(struct cli *c);
int cmd_history_host(struct cli *c);
int cmd_host_list(struct cli *c);
int cmd_host_show(struct cli *c);
int cmd_whoami(struct cli *c);
int cmd_plan(struct cli *c);
int cmd_reservation_cancel(struct cli *c);
int cmd_reservation_list(struct cli *c);
int cmd_operation_cancel(struct cli *c);
int cmd_operation_list(struct cli *c);
int cmd_operation_show(struct cli *c);
int cmd_operation_wait(struct cli *c);
int cmd_top(struct cli *c);
int cmd_guest_list(struct cli *c);
int cmd_guest_show(struct cli *c);
int cmd_guest_explain(struct cli *c);
int cmd_guest_enroll(struct cli *c);
int cmd_guest_set(struct cli *c);
int cmd_policy_list(struct cli *c);
int cmd_policy_show(struct cli *c);
int cmd_policy_explain(struct cli *c);
int cmd_policy_check(struct cli *c);
int cmd_policy_test(struct cli *c);
int cmd_policy_diff(struct cli *c);
int cmd_policy_delete(struct cli *c);
int cmd_policy_edit(struct cli *c);
int cmd_policy_put(struct cli *c);
int cmd_events(struct cli *c);
int cmd_mode(struct cli *c);
int cmd_pause(struct cli *c);
int cmd_reload(struct cli *c);
int cmd_token_new(struct cli *c);
int cmd_token_list(struct cli *c);
int cmd_token_revoke(struct cli *c);
