/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `context list|use|add|remove`: daemons that have a name here. Asks none of them. */
#include "cli/contexts.h"
#include "cli/endpoint.h"
#include "cli/get.h"
#include "common/json.h"

static json_t *context_json(const struct context *item, const char *current)
{
	return json_pack("{s:s,s:s,s:b,s:b,s:s?,s:s?,s:s?,s:s?}", "name", item->name, "host",
		item->host, "current", (int)streq(item->name, current), "own", (int)item->own,
		"token_file", item->token_file, "certificate", item->cert, "key", item->key,
		"authority", item->ca);
}

static const char *current_of(const struct contexts *all)
{
	return all->current ? all->current : CONTEXT_LOCAL;
}

static void add_row(
	const struct cli *c, struct table *t, const struct context *item, const char *current)
{
	table_add(t, STYLE_GOOD, streq(item->name, current) ? "*" : "");
	table_add(t, STYLE_NAME, item->name);
	table_add(t, STYLE_NONE, item->host);
	table_add(t, STYLE_NONE, item->token_file ? "token" : item->cert ? "certificate" : "-");
	if (c->wide) {
		table_add(t, STYLE_NONE,
			item->token_file ? item->token_file
			: item->cert	 ? item->cert
					 : "-");
		table_add(t, STYLE_NONE, item->ca ? item->ca : "-");
	}
	table_add(t, STYLE_DIM,
		streq(item->name, CONTEXT_LOCAL) ? "built in"
		: item->own			 ? "your own"
						 : "of this host");
}

int cmd_context_list(struct cli *c)
{
	_cleanup_table_ struct table t = {.titles = {"", "CONTEXT", "ADDRESS", "BY", "FROM"}};
	_cleanup_contexts_ struct contexts all = {0};
	char local_name[] = CONTEXT_LOCAL, socket[] = RUNSTATEDIR "/ballast/api.sock";
	const struct context local = {.name = local_name, .host = socket};
	json_t *list = json_array();
	_cleanup_json_ json_t *answer = json_pack("{s:o}", "contexts", list);
	int r = contexts_read(c, &all);

	if (r != CLI_OK)
		return r;
	if (c->wide) {
		static const char *const wide[] = {
			"", "CONTEXT", "ADDRESS", "BY", "FILE", "AUTHORITY", "FROM"};

		memcpy(t.titles, wide, sizeof(wide));
	}
	json_array_append_new(list, context_json(&local, current_of(&all)));
	add_row(c, &t, &local, current_of(&all));
	for (size_t i = 0; i < all.n; i++) {
		json_array_append_new(list, context_json(&all.items[i], current_of(&all)));
		add_row(c, &t, &all.items[i], current_of(&all));
	}
	if (cli_has(c, OPT_JSON))
		return cli_print_json(c, answer);
	table_print(&t, &c->term, stdout);
	return CLI_OK;
}

static int unknown(struct cli *c, const struct contexts *all, const char *name)
{
	const char *names[CONTEXTS_MAX + 2] = {CONTEXT_LOCAL}, *nearest;

	for (size_t i = 0; i < all->n; i++)
		names[i + 1] = all->items[i].name;
	nearest = nearest_word(name, names);
	return cli_fail(c, CLI_NOT_FOUND,
		"there is no context \"%s\"%s%s%s: ballastctl context list shows them", name,
		nearest ? "; the nearest name is \"" : "", nearest ? nearest : "",
		nearest ? "\"" : "");
}

static int finish(struct cli *c, const struct contexts *all, const char *what, const char *name)
{
	int r = cli_has(c, OPT_DRY_RUN) ? CLI_OK : contexts_write(c, all);

	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON)) {
		_cleanup_json_ json_t *answer =
			json_pack("{s:s,s:s}", "context", name, "current", current_of(all));

		return answer ? cli_print_json(c, answer)
			      : cli_fail(c, CLI_FAILED, "out of memory");
	}
	printf("%s%s: %s\n", cli_has(c, OPT_DRY_RUN) ? "would be " : "", what, name);
	return CLI_OK;
}

int cmd_context_use(struct cli *c)
{
	_cleanup_contexts_ struct contexts all = {0};
	int r = contexts_read(c, &all);

	if (r != CLI_OK)
		return r;
	if (!streq(c->args[0], CONTEXT_LOCAL) && !contexts_find(&all, c->args[0]))
		return unknown(c, &all, c->args[0]);
	free(all.current);
	all.current = strdup(c->args[0]);
	return finish(c, &all, "in use", c->args[0]);
}

/* A path as it will be found from anywhere. *ret is NULL for an option that is not given. */
static int take_file(struct cli *c, enum cli_option o, char **ret)
{
	const char *file = cli_value(c, o);

	*ret = NULL;
	if (!file)
		return CLI_OK;
	*ret = realpath(file, NULL);
	if (*ret)
		return CLI_OK;
	return cli_fail(c, errno == ENOENT ? CLI_NOT_FOUND : CLI_DENIED, "--%s=%s: %s",
		cli_options[o].name, file,
		errno == ENOENT ? "there is no such file" : strerror(errno));
}

static int check_token_file(struct cli *c, const char *file)
{
	_cleanup_diag_ struct diag d = {0};
	char *token = NULL;
	int r = file ? endpoint_read_token(file, &token, &d) : 0;

	if (token)
		explicit_bzero(token, strlen(token));
	free(token);
	if (r < 0)
		return cli_fail(
			c, r == -EINVAL ? CLI_USAGE : CLI_DENIED, "%s", d.text ? d.text : file);
	return CLI_OK;
}

static void context_free(struct context *item)
{
	free(item->name);
	free(item->host);
	free(item->token_file);
	free(item->cert);
	free(item->key);
	free(item->ca);
}

int cmd_context_add(struct cli *c)
{
	_cleanup_(context_free) struct context item = {.own = true};
	_cleanup_contexts_ struct contexts all = {0};
	struct endpoint e = {0};
	_cleanup_diag_ struct diag d = {0};
	int r = contexts_read(c, &all);

	if (r != CLI_OK)
		return r;
	if (!context_name_is_valid(c->args[0]))
		return cli_usage(c,
			"a context's name has letters, digits, '.', '-' and '_', at most 63, and is not \"" CONTEXT_LOCAL
			"\" or \"Contexts\"");
	if (endpoint_parse(c->args[1], &e, &d) < 0)
		return cli_usage(c, "%s", d.text ? d.text : "not an address");
	item.name = strdup(c->args[0]);
	item.host = e.remote ? e.url : e.socket;
	if ((r = take_file(c, OPT_TOKEN_FILE, &item.token_file)) != CLI_OK ||
		(r = take_file(c, OPT_CERT, &item.cert)) != CLI_OK ||
		(r = take_file(c, OPT_KEY, &item.key)) != CLI_OK ||
		(r = take_file(c, OPT_CA, &item.ca)) != CLI_OK)
		return r;
	if (!item.cert != !item.key)
		return cli_usage(c, "--cert and --key go together");
	if (!e.remote && (item.token_file || item.cert || item.ca))
		return cli_usage(c,
			"--token-file, --cert, --key and --ca go with https://...: on a socket the kernel says who you are");
	r = check_token_file(c, item.token_file);
	if (r != CLI_OK)
		return r;
	if (contexts_put(&all, &item) < 0)
		return cli_fail(
			c, CLI_CONFLICT, "there are %d contexts already: remove one", CONTEXTS_MAX);
	return finish(c, &all, "added", c->args[0]);
}

int cmd_context_remove(struct cli *c)
{
	_cleanup_contexts_ struct contexts all = {0};
	const struct context *item;
	int r = contexts_read(c, &all);

	if (r != CLI_OK)
		return r;
	if (streq(c->args[0], CONTEXT_LOCAL))
		return cli_fail(c, CLI_CONFLICT,
			"\"" CONTEXT_LOCAL "\" is built in: it is this host's, and stays");
	item = contexts_find(&all, c->args[0]);
	if (!item)
		return unknown(c, &all, c->args[0]);
	if (!item->own)
		return cli_fail(c, CLI_CONFLICT,
			"%s is in " SYSCONFDIR
			"/ballast/contexts, for everybody on this host: remove it there",
			c->args[0]);
	contexts_remove(&all, c->args[0]);
	if (all.current && streq(all.current, c->args[0])) {
		free(all.current);
		all.current = NULL;
	}
	return finish(c, &all, "removed", c->args[0]);
}
