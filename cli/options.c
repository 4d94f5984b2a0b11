/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/options.h"

#include <ctype.h>

#include "cli/endpoint.h"
#include "common/units.h"

const char *cli_value(const struct cli *c, enum cli_option o)
{
	return c->n_values[o] ? c->values[o][c->n_values[o] - 1] : NULL;
}

bool option_is_common(enum cli_option o)
{
	switch (o) {
	case OPT_HELP:
	case OPT_VERSION:
	case OPT_JSON:
	case OPT_OUTPUT:
	case OPT_SOCKET:
	case OPT_HOST:
	case OPT_CONTEXT:
	case OPT_TOKEN_FILE:
	case OPT_CERT:
	case OPT_KEY:
	case OPT_CA:
	case OPT_TIMEOUT:
	case OPT_COLOR:
	case OPT_NO_PAGER:
		return true;
	default:
		return false;
	}
}

bool option_is_own(const struct cli_command *cmd, enum cli_option o)
{
	const enum cli_option *own = cmd->options;

	if (o == OPT_YES)
		return cmd->asks;
	while (own && *own != OPT_NONE && *own != o)
		own++;
	return own && *own == o;
}

static enum cli_option find_long(const char *name, size_t n)
{
	for (enum cli_option o = 0; o < OPT_NONE; o++)
		if (strncmp(cli_options[o].name, name, n) == 0 && !cli_options[o].name[n])
			return o;
	return OPT_NONE;
}

static enum cli_option find_letter(char letter)
{
	for (enum cli_option o = 0; o < OPT_NONE; o++)
		if (cli_options[o].letter == letter)
			return o;
	return OPT_NONE;
}

static int add_value(struct cli *c, enum cli_option o, const char *value)
{
	if (c->n_values[o] == CLI_VALUES_MAX)
		return cli_usage(
			c, "--%s is given more than %d times", cli_options[o].name, CLI_VALUES_MAX);
	if (c->n_values[o] && !cli_options[o].many && cli_options[o].arg)
		return cli_usage(c, "--%s is given twice", cli_options[o].name);
	c->values[o][c->n_values[o]++] = value;
	return CLI_OK;
}

static int unknown_long(struct cli *c, const char *name, size_t n)
{
	const char *names[OPT_NONE + 1] = {NULL}, *nearest;
	char word[64];

	snprintf(word, sizeof(word), "%.*s", (int)n, name);
	for (enum cli_option o = 0; o < OPT_NONE; o++)
		names[o] = cli_options[o].name;
	nearest = nearest_word(word, names);
	return cli_usage(c, "there is no option --%s%s%s%s", word,
		nearest ? "; did you mean --" : "", nearest ? nearest : "", nearest ? "?" : "");
}

/* One "--..." at argv[*i]; moves *i over a value that stands apart. */
static int parse_long(struct cli *c, char **argv, int argc, int *i)
{
	const char *name = argv[*i] + 2;
	size_t n = strcspn(name, "=");
	enum cli_option o = find_long(name, n);

	if (o == OPT_NONE)
		return unknown_long(c, name, n);
	if (!cli_options[o].arg && name[n])
		return cli_usage(c, "--%s takes no value", cli_options[o].name);
	if (!cli_options[o].arg)
		return add_value(c, o, "");
	if (name[n])
		return add_value(c, o, name + n + 1);
	if (cli_options[o].optional)
		return add_value(c, o, "");
	if (*i + 1 >= argc)
		return cli_usage(c, "--%s needs %s", cli_options[o].name, cli_options[o].arg);
	return add_value(c, o, argv[++*i]);
}

/* "-jn", "-l5", "-l 5" */
static int parse_letters(struct cli *c, char **argv, int argc, int *i)
{
	for (const char *p = argv[*i] + 1; *p; p++) {
		enum cli_option o = find_letter(*p);
		int r;

		if (o == OPT_NONE)
			return cli_usage(c, "there is no option -%c", *p);
		if (!cli_options[o].arg ||
			(cli_options[o].optional && (!p[1] || isalpha((unsigned char)p[1])))) {
			r = add_value(c, o, "");
			if (r != CLI_OK)
				return r;
			continue;
		}
		if (p[1])
			return add_value(c, o, p + 1);
		if (*i + 1 >= argc)
			return cli_usage(c, "-%c needs %s", *p, cli_options[o].arg);
		return add_value(c, o, argv[++*i]);
	}
	return CLI_OK;
}

/* Does this noun's command parse what stands behind it by itself? */
static bool parses_itself(const char *noun)
{
	for (size_t i = 0; i < cli_n_commands; i++)
		if (streq(cli_commands[i].noun, noun))
			return cli_commands[i].run_raw;
	return false;
}

/* Behind a mistake nothing is parsed, yet whether a program reads the answer is to be known. */
static void look_for_json(struct cli *c, int argc, char **argv, int i)
{
	for (; i < argc && !streq(argv[i], "--"); i++)
		if (!cli_has(c, OPT_JSON) && (streq(argv[i], "--json") || streq(argv[i], "-j") ||
						     streq(argv[i], "--output=json")))
			add_value(c, OPT_JSON, "");
}

int options_parse(struct cli *c, int argc, char **argv)
{
	bool ended = false;

	c->args = c->words = calloc((size_t)argc + 1, sizeof(*c->args));
	if (!c->args)
		return cli_fail(c, CLI_FAILED, "out of memory");
	for (int i = 1; i < argc; i++) {
		int r = CLI_OK;

		if (ended || argv[i][0] != '-' || !argv[i][1]) {
			c->args[c->n_args++] = argv[i];
			ended = ended || (c->n_args == 1 && parses_itself(argv[i]));
		}
		else if (streq(argv[i], "--"))
			ended = true;
		else if (argv[i][1] == '-')
			r = parse_long(c, argv, argc, &i);
		else
			r = parse_letters(c, argv, argc, &i);
		if (r != CLI_OK) {
			look_for_json(c, argc, argv, i + 1);
			return r;
		}
	}
	return CLI_OK;
}

/* In whole seconds: nobody waits for a daemon for less. */
static int check_timeout(struct cli *c)
{
	const char *text = cli_value(c, OPT_TIMEOUT);
	_cleanup_diag_ struct diag d = {0};
	uint64_t usec;

	if (!text)
		return CLI_OK;
	if (span_parse(text, &usec, &d) < 0)
		return cli_usage(c, "--timeout: %s", d.text ? d.text : "not a span");
	if (usec < USEC_PER_SEC || usec > USEC_PER_DAY)
		return cli_usage(c, "--timeout: found \"%s\", expected 1s to 1d", text);
	c->timeout_sec = (long)(usec / USEC_PER_SEC);
	return CLI_OK;
}

/* The ways of showing, in the words that are allowed. */
static int check_output(struct cli *c)
{
	const char *output = cli_value(c, OPT_OUTPUT), *colour = cli_value(c, OPT_COLOR);

	if (output && !streq(output, "table") && !streq(output, "wide") && !streq(output, "json"))
		return cli_usage(c, "--output: found \"%s\", expected table, wide or json", output);
	if (output && cli_has(c, OPT_JSON) && !streq(output, "json"))
		return cli_usage(c, "give either --json or --output=%s", output);
	if (output && streq(output, "json"))
		c->n_values[OPT_JSON] = 1;
	c->wide = output && streq(output, "wide");
	if (c->wide)
		c->term.columns = 0;
	if (colour && !streq(colour, "auto") && !streq(colour, "always") && !streq(colour, "never"))
		return cli_usage(
			c, "--color: found \"%s\", expected auto, always or never", colour);
	if (colour && !streq(colour, "auto"))
		c->term.colour = streq(colour, "always");
	return CLI_OK;
}

/* What takes its own options asks no daemon: of the common ones --help and --json are for it. */
static bool takes_common(const struct cli_command *cmd, enum cli_option o)
{
	return option_is_common(o) && (!cmd->run_raw || o == OPT_HELP || o == OPT_JSON);
}

int options_check(struct cli *c)
{
	int r = check_output(c);

	for (enum cli_option o = 0; o < OPT_NONE && r == CLI_OK; o++)
		if (cli_has(c, o) && !takes_common(c->command, o) && !option_is_own(c->command, o))
			return cli_usage(c, "%s%s%s does not take --%s", c->command->noun,
				*c->command->verb ? " " : "", c->command->verb,
				cli_options[o].name);
	return r == CLI_OK ? check_timeout(c) : r;
}

void options_free(struct cli *c)
{
	endpoint_free(c->endpoint);
	c->endpoint = NULL;
	free(c->words);
	c->words = NULL;
	json_decref(c->findings);
	json_decref(c->unread);
	c->findings = c->unread = NULL;
}
