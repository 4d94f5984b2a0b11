/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/help.h"

#include "cli/options.h"
#include "cli/role.h"

/* Where the second column begins. */
#define HELP_COLUMN 32

static void print_row(const char *left, const char *right)
{
	if (strlen(left) + 2 > HELP_COLUMN)
		printf("  %s\n  %*s%s\n", left, HELP_COLUMN, "", right);
	else
		printf("  %-*s%s\n", HELP_COLUMN, left, right);
}

static void command_words(const struct cli_command *cmd, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s%s%s", cmd->noun, *cmd->verb ? " " : "", cmd->verb,
		*cmd->args ? " " : "", cmd->args);
}

static void print_option(enum cli_option o)
{
	const struct cli_option_info *i = &cli_options[o];
	char left[64], letter[8] = "    ";

	if (i->letter)
		snprintf(letter, sizeof(letter), "-%c, ", i->letter);
	snprintf(left, sizeof(left), "%s--%s%s%s%s", letter, i->name,
		i->optional ? "[="
		: i->arg    ? "="
			    : "",
		i->arg ? i->arg : "", i->optional ? "]" : "");
	print_row(left, i->help);
}

static void print_common(void)
{
	for (enum cli_option o = 0; o < OPT_NONE; o++)
		if (option_is_common(o))
			print_option(o);
}

void help_all(const struct cli *c)
{
	printf("Usage: %s [OPTION...] NOUN [VERB] [ARGUMENT...]\n\n"
	       "Shows and commands ballastd, which gives the guests of this host their memory and "
	       "CPU.\n"
	       "Without a noun: status. A noun without a verb shows the useful "
	       "view.\n\nCommands:\n",
		c->program);
	for (size_t i = 0; i < cli_n_commands; i++) {
		char words[128];

		command_words(&cli_commands[i], words, sizeof(words));
		print_row(words, cli_commands[i].summary);
	}
	printf("\nOptions of all commands:\n");
	print_common();
	printf("\n%s help NOUN VERB shows the options of one command, and the role that it takes.\n\n"
	       "Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 not found, 4 conflict, 5 not "
	       "allowed,\n"
	       "6 ballastd unreachable, 7 timed out and running on, 8 no quorum, 9 bad "
	       "configuration\n"
	       "or policy. See ballastctl(1).\n",
		c->program);
}

/* The verbs of a noun that has some. */
static void print_verbs(const struct cli *c, const char *noun)
{
	bool first = true;

	for (size_t i = 0; i < cli_n_commands; i++) {
		const struct cli_command *cmd = &cli_commands[i];
		char words[128];

		if (!streq(cmd->noun, noun) || !*cmd->verb)
			continue;
		if (first)
			printf("Commands:\n");
		first = false;
		command_words(cmd, words, sizeof(words));
		print_row(words, cmd->summary);
	}
	if (!first)
		printf("\n");
}

static void print_roles(const struct cli_command *cmd)
{
	bool any = false;

	for (size_t i = 0; i < role_n_needs; i++) {
		if (role_needs[i].run != cmd->run)
			continue;
		if (!any)
			printf("\nThe role that it takes, by what it asks of the daemon:\n");
		any = true;
		printf("  %-9s%s\n", role_needs[i].role, role_needs[i].route);
	}
	if (!any)
		printf("\nIt asks nothing of the daemon, and takes no role.\n");
}

void help_command(const struct cli *c)
{
	const struct cli_command *cmd = c->command;
	char words[128];

	command_words(cmd, words, sizeof(words));
	printf("Usage: %s %s [OPTION...]\n\n%s.\n\n", c->program, words, cmd->summary);
	if (!*cmd->verb)
		print_verbs(c, cmd->noun);
	printf("Options:\n");
	for (const enum cli_option *o = cmd->options; o && *o != OPT_NONE; o++)
		print_option(*o);
	if (cmd->asks)
		print_option(OPT_YES);
	print_common();
	print_roles(cmd);
}
