/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/complete.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>

#include "cli/client.h"
#include "cli/contexts.h"
#include "cli/get.h"
#include "cli/options.h"
#include "common/printable.h"

/* Who waits longer for a Tab has typed the word. */
#define CAP_MSEC 200

static void out_of_time(int sig)
{
	_exit(0);
}

static void offer(const char *word, const char *prefix)
{
	/* A name from elsewhere must not become a line of its own, a word of the shell, or look
	 * like another one. */
	if (strchr(word, ' ') || !printable_is(word))
		return;
	if (strncmp(word, prefix, strlen(prefix)) == 0)
		printf("%s\n", word);
}

static void offer_all(const char *words, const char *prefix)
{
	char copy[256], *save;

	snprintf(copy, sizeof(copy), "%s", words);
	for (char *w = strtok_r(copy, " |", &save); w; w = strtok_r(NULL, " |", &save))
		offer(w, prefix);
}

/* Asks the daemon; nothing where it does not answer in time. */
static void offer_asked(
	struct cli *c, const char *path, const char *list, const char *member, const char *prefix)
{
	_cleanup_answer_ struct client_answer answer = {0};
	const json_t *item;
	size_t i;

	fflush(stdout);
	/* A refusal may have the list as well: that of kinds comes with one. */
	if (client_ask(c, &(struct client_ask){.method = "GET", .path = path, .quiet = true},
		    &answer) != CLI_OK &&
		!answer.body)
		return;
	json_array_foreach (get_at(answer.body, list), i, item)
	{
		const json_t *value = get_at(item, member); /* member "": the item itself */
		char number[24];

		snprintf(number, sizeof(number), "%llu",
			(unsigned long long)get_number(value, "", 0));
		offer(json_is_string(value)	 ? json_string_value(value)
			: json_is_integer(value) ? number
						 : "",
			prefix);
	}
}

static void offer_nouns(const char *prefix)
{
	for (size_t i = 0; i < cli_n_commands; i++)
		if (!i || !streq(cli_commands[i].noun, cli_commands[i - 1].noun))
			offer(cli_commands[i].noun, prefix);
}

static void offer_verbs(const char *noun, const char *prefix)
{
	for (size_t i = 0; i < cli_n_commands; i++)
		if (*cli_commands[i].verb && streq(cli_commands[i].noun, noun))
			offer(cli_commands[i].verb, prefix);
}

/* What `policy delete` can remove: the API's own files. */
static void offer_kept(struct cli *c, const char *prefix)
{
	_cleanup_json_ json_t *answer = NULL;
	char problem[64];
	const json_t *p;
	size_t i;

	if (client_try(c, "/v1/policies", &answer, problem) != CLI_OK)
		return;
	json_array_foreach (get_at(answer, "/policies"), i, p)
		if (streq(get_string(p, "/layer", ""), "api"))
			offer(get_string(p, "/name", ""), prefix);
}

static void offer_contexts(struct cli *c, const char *prefix)
{
	_cleanup_contexts_ struct contexts all = {0};

	offer(CONTEXT_LOCAL, prefix);
	if (contexts_read(c, &all) != CLI_OK)
		return;
	for (size_t i = 0; i < all.n; i++)
		offer(all.items[i].name, prefix);
}

/* What an argument or a value is, by the word that stands for it in the tables. */
static void offer_one(struct cli *c, const char *what, const char *prefix)
{
	if (streq(what, "GUEST"))
		offer_asked(c, "/v1/guests", "/guests", "/name", prefix);
	else if (streq(what, "POLICY"))
		offer_asked(c, "/v1/policies", "/policies", "/name", prefix);
	else if (streq(what, "KIND"))
		offer_asked(c, "/v1/events?kind=-", "/kinds", "", prefix);
	else if (streq(what, "OPERATION"))
		offer_asked(c, "/v1/operations", "/operations", "/id", prefix);
	else if (streq(what, "RESERVATION"))
		offer_asked(c, "/v1/reservations", "/reservations", "/id", prefix);
	else if (streq(what, "ROLE"))
		offer_all("read operate admin", prefix);
	else if (streq(what, "FIGURE"))
		offer_all("memory stall cpu", prefix);
	else if (streq(what, "HOST"))
		offer_asked(c, "/v1/hosts", "/hosts", "/name", prefix);
	else if (streq(what, "CONTEXT"))
		offer_contexts(c, prefix);
	else if (streq(what, "NOUN"))
		offer_nouns(prefix);
	else if (streq(what, "VERB"))
		offer_verbs(c->words[c->n_args - 1], prefix);
	else if (streq(what, "FILE") || streq(what, "PATH"))
		printf(":file\n");
	else if (streq(what, "DIR"))
		printf(":dir\n");
	else if (islower((unsigned char)*what))
		offer(what, prefix);
}

/* "GUEST|POLICY", "[observe|enforce]", "FILE..." */
static void offer_kinds(struct cli *c, const char *kinds, const char *prefix)
{
	char copy[128], *save;

	snprintf(copy, sizeof(copy), "%s", kinds);
	for (char *w = strtok_r(copy, "[]|.", &save); w; w = strtok_r(NULL, "[]|.", &save))
		offer_one(c, w, prefix);
}

/* The i-th word of a command's arguments, the last one again and again where it ends in dots. */
static bool argument_at(const struct cli_command *cmd, int i, char buf[static 64])
{
	const char *at = cmd->args;

	for (int k = 0; *at; k++) {
		size_t n = strcspn(at, " ");

		snprintf(buf, 64, "%.*s", (int)n, at);
		if (k == i || (!at[n] && strstr(buf, "...")))
			return true;
		at += n + strspn(at + n, " ");
	}
	return false;
}

static void offer_value(struct cli *c, enum cli_option o, const char *prefix)
{
	if (o == OPT_OUTPUT)
		offer_all("table wide json", prefix);
	else if (o == OPT_COLOR)
		offer_all("auto always never", prefix);
	else if (o == OPT_CONTEXT)
		offer_contexts(c, prefix);
	else if (cli_options[o].arg)
		offer_kinds(c, cli_options[o].arg, prefix);
}

static void offer_options(const struct cli_command *cmd, const char *prefix)
{
	char name[64];

	for (enum cli_option o = 0; o < OPT_NONE; o++) {
		if (!option_is_common(o) && !(cmd && option_is_own(cmd, o)))
			continue;
		if (cmd && cmd->run_raw && o != OPT_HELP && o != OPT_JSON)
			continue;
		snprintf(name, sizeof(name), "--%s%s", cli_options[o].name,
			cli_options[o].arg && !cli_options[o].optional ? "=" : "");
		offer(name, prefix);
	}
}

/* The command of the words so far; *ret_verb says that the next may be its verb. */
static const struct cli_command *command_of(char **words, int n, bool *ret_verbs)
{
	const struct cli_command *alone = NULL;

	*ret_verbs = false;
	for (size_t i = 0; n && i < cli_n_commands; i++) {
		const struct cli_command *cmd = &cli_commands[i];

		if (!streq(cmd->noun, words[0]))
			continue;
		if (n > 1 && *cmd->verb && streq(cmd->verb, words[1]))
			return cmd;
		if (!*cmd->verb)
			alone = cmd;
		else
			*ret_verbs = n == 1;
	}
	return alone;
}

static void offer_words(struct cli *c, const char *prefix)
{
	bool verbs;
	const struct cli_command *cmd = command_of(c->words, c->n_args, &verbs);
	char what[64];

	if (!c->n_args)
		offer_nouns(prefix);
	if (verbs)
		offer_verbs(c->words[0], prefix);
	if (cmd && cmd->run == cmd_policy_delete && c->n_args == 2)
		offer_kept(c, prefix);
	else if (cmd && argument_at(cmd, c->n_args - (*cmd->verb ? 2 : 1), what))
		offer_kinds(c, what, prefix);
}

/* The shell parts "--output=js" into three words: they are one again, in place. Returns how many
 * are left; the last one's value stands alone in *ret_prefix. */
static int join_values(int n, char **words, const char **ret_prefix)
{
	int k = 0;

	for (int i = 0; i < n; i++) {
		bool value = k && i && streq(words[i], "=") &&
			     strncmp(words[k - 1], "--", 2) == 0 && !strchr(words[k - 1], '=');
		char *joined;

		if (!value) {
			words[k++] = words[i];
			continue;
		}
		if (asprintf(&joined, "%s=%s", words[k - 1], i + 1 < n ? words[i + 1] : "") < 0)
			abort();
		words[k - 1] = joined; /* lives as long as this process */
		i++;
	}
	*ret_prefix = k ? words[k - 1] : "";
	return k;
}

static enum cli_option option_named(const char *word, size_t n)
{
	for (enum cli_option o = 0; o < OPT_NONE; o++)
		if (strlen(cli_options[o].name) == n && strncmp(cli_options[o].name, word, n) == 0)
			return o;
	return OPT_NONE;
}

/* The option whose value the last word is: "--guest=w", "--guest w", "-g w". */
static enum cli_option value_of(int n, char **words, const char **prefix)
{
	const char *last = words[n - 1], *before = n > 1 ? words[n - 2] : "";
	size_t len = strcspn(last, "=");
	enum cli_option o;

	if (strncmp(last, "--", 2) == 0 && last[len]) {
		*prefix = last + len + 1;
		return option_named(last + 2, len - 2);
	}
	o = strncmp(before, "--", 2) == 0 && !strchr(before, '=')
		    ? option_named(before + 2, strlen(before + 2))
		    : OPT_NONE;
	for (enum cli_option i = 0;
		before[0] == '-' && before[1] && before[1] != '-' && i < OPT_NONE; i++)
		if (cli_options[i].letter == before[strlen(before) - 1])
			o = i;
	return o != OPT_NONE && cli_options[o].arg && !cli_options[o].optional ? o : OPT_NONE;
}

int complete(int n, char **words)
{
	const struct itimerval cap = {.it_value = {.tv_usec = CAP_MSEC * 1000}};
	struct cli c = {.program = "ballastctl", .timeout_msec = CAP_MSEC};
	char *argv[256] = {words[-1]};
	enum cli_option o;
	const char *prefix;
	bool verbs;
	int used;

	signal(SIGALRM, out_of_time);
	setitimer(ITIMER_REAL, &cap, NULL);
	if (n < 1 || n > 250 || !freopen("/dev/null", "w", stderr))
		return 0;
	n = join_values(n, words, &prefix);
	o = value_of(n, words, &prefix);
	used = o != OPT_NONE && prefix == words[n - 1] ? n - 2 : n - 1;
	memcpy(argv + 1, words, (size_t)used * sizeof(*argv));
	/* What is typed so far may be wrong: what is right of it is taken. */
	if (options_parse(&c, used + 1, argv) != CLI_OK && !c.words)
		return 0;
	if (o != OPT_NONE)
		offer_value(&c, o, prefix);
	else if (*prefix == '-')
		offer_options(command_of(c.words, c.n_args, &verbs), prefix);
	else
		offer_words(&c, prefix);
	fflush(stdout);
	options_free(&c);
	return 0;
}
