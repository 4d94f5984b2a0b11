/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is said to people on standard error, and to programs on standard output. */
#include <assert.h>
#include <stdarg.h>

#include "cli/cli.h"
#include "common/json.h"
#include "common/printable.h"

_printf_(2, 0) static void say(struct cli *c, const char *fmt, va_list ap)
{
	const struct term plain = {0};

	vsnprintf(c->said, sizeof(c->said), fmt, ap);
	fprintf(stderr, "%s: ", c->program);
	term_print(&plain, stderr, STYLE_NONE, c->said);
	fputc('\n', stderr);
}

int cli_fail(struct cli *c, enum cli_exit code, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	va_start(ap, fmt);
	say(c, fmt, ap);
	va_end(ap);
	return code;
}

int cli_usage(struct cli *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(c, fmt, ap);
	va_end(ap);
	if (c->command)
		fprintf(stderr, "See %s %s%s%s --help\n", c->program, c->command->noun,
			*c->command->verb ? " " : "", c->command->verb);
	else
		fprintf(stderr, "See %s --help\n", c->program);
	return CLI_USAGE;
}

int cli_confirm(struct cli *c, const char *fmt, ...)
{
	char what[1024], answer[16] = "";
	va_list ap;

	assert(c->command && c->command->asks);
	if (cli_has(c, OPT_YES) || cli_has(c, OPT_DRY_RUN))
		return CLI_OK;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	fflush(stdout); /* what was shown stands before the question */
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return cli_usage(c,
			"would %s; nothing was done: nobody can be asked here, so say --yes (--dry-run shows what would be done)",
			what);
	clearerr(stdin); /* a policy may have come from there, to its end */
	fprintf(stderr, "This will %s. Go on? [y/N] ", what);
	if (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
		return CLI_OK;
	return cli_fail(c, CLI_FAILED, "nothing was done");
}

/* JSON has none of C0 outside its own line breaks; what else would do something to a terminal has
 * there the escapes that JSON has for it. */
static char *dump(const struct cli *c, const json_t *value, size_t flags)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | flags), *shown;
	size_t size = text ? strlen(text) * PRINTABLE_ESCAPE_MAX + 1 : 0;

	if (!text || !c->term.is_terminal)
		return text;
	shown = malloc(size);
	if (shown)
		printable(text, "\n", shown, size);
	free(text);
	return shown;
}

void cli_print_json_line(const struct cli *c, const json_t *value)
{
	_cleanup_free_ char *text = dump(c, value, JSON_COMPACT);

	printf("%s\n", text ? text : "{}");
}

int cli_print_json(struct cli *c, const json_t *value)
{
	_cleanup_free_ char *text =
		dump(c, value, c->term.is_terminal ? JSON_INDENT(2) : JSON_COMPACT);

	if (!text)
		return cli_fail(c, CLI_FAILED, "out of memory");
	printf("%s\n", text);
	c->answered = true;
	return CLI_OK;
}

/* What an exit code is called; the daemon's codes where it has the same. */
static const struct {
	const char *code, *title;
} problems[] = {
	[CLI_FAILED] = {"failed", "It failed"},
	[CLI_USAGE] = {"usage", "Wrong usage"},
	[CLI_NOT_FOUND] = {"not-found", "What was named is not there"},
	[CLI_CONFLICT] = {"conflict", "Not possible as things stand"},
	[CLI_DENIED] = {"denied", "Not allowed"},
	[CLI_UNREACHABLE] = {"unreachable", "ballastd cannot be reached"},
	[CLI_RUNNING_ON] = {"timeout-still-running", "It takes longer and goes on"},
	[CLI_NO_QUORUM] = {"no-quorum", "No quorum"},
	[CLI_BAD_CONFIG] = {"configuration-bad", "The configuration is bad"},
};

void cli_print_problem(struct cli *c, enum cli_exit code)
{
	const char *word = problems[code].code, *title = problems[code].title;
	char type[64];
	json_t *p;

	if (!cli_has(c, OPT_JSON) || c->answered)
		return;
	snprintf(type, sizeof(type), "urn:ballast:problem:%s", word);
	p = json_pack("{s:s,s:s,s:s}", "type", type, "title", title, "code", word);
	/* What was typed need not be UTF-8. */
	if (json_object_set_new(p, "detail", json_string(c->said)) < 0)
		json_object_set_new(p, "detail", json_string(title));
	if (c->findings)
		json_object_set(p, "findings", c->findings);
	if (p)
		cli_print_json(c, p);
	json_decref(p);
}

int cli_print_gone(struct cli *c, const char *noun, const char *word)
{
	_cleanup_json_ json_t *gone = NULL;

	if (!cli_has(c, OPT_JSON)) {
		printf("%s%s: %s%s\n", noun, c->args[0], cli_has(c, OPT_DRY_RUN) ? "would be " : "",
			word);
		return CLI_OK;
	}
	gone = json_pack("{s:s}", word, c->args[0]);
	return gone ? cli_print_json(c, gone) : cli_fail(c, CLI_FAILED, "out of memory");
}
