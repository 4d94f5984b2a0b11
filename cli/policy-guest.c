/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/policy-guest.h"

#include "cli/client.h"
#include "cli/get.h"
#include "policy/match.h"

void policy_guest_clear(struct policy_guest *g)
{
	if (!g)
		return;
	json_decref(g->known);
	*g = (struct policy_guest){0};
}

/* said: by the daemon, or NULL; then what it would call this host. */
static void take_host(const struct conf *conf, const char *said, struct policy_guest *g)
{
	if (said)
		snprintf(g->host, sizeof(g->host), "%s", said);
	else if (conf_host_name(conf, g->host, sizeof(g->host)) < 0)
		g->unknown_keys |= 1u << MATCH_HOST;
	g->id.host = g->host;
}

void policy_guest_take(const struct conf *conf, json_t *said, struct policy_guest *ret)
{
	const json_t *tag;
	size_t i, n = 0;

	*ret = (struct policy_guest){
		.label = get_string(said, "/name", "?"), .known = json_incref(said)};
	ret->id.name = ret->label;
	if (uuid_parse(get_string(said, "/uuid", ""), &ret->id.uuid) < 0)
		ret->unknown_keys |= 1u << MATCH_UUID;
	json_array_foreach (get_at(said, "/tags"), i, tag)
		if (n < CLI_VALUES_MAX && json_is_string(tag))
			ret->tags[n++] = json_string_value(tag);
	ret->id.tags = ret->tags;
	take_host(conf, get_string(said, "/host", NULL), ret);
}

/* What can be said of one that the daemon does not know, or of which it cannot be asked. */
static void take_word(struct cli *c, const struct conf *conf, const char *word, const char *problem,
	struct policy_guest *g)
{
	_cleanup_json_ json_t *host = NULL;
	char ignored[64];

	g->id.tags = g->tags;
	g->stranger = streq(problem, "guest-unknown");
	if (uuid_parse(word, &g->id.uuid) == 0) {
		g->unknown_keys |= 1u << MATCH_GUEST;
	} else {
		g->id.name = word;
		g->unknown_keys |= 1u << MATCH_UUID;
	}
	if (!streq(problem, "unreachable") &&
		client_try(c, "/v1/hosts/self", &host, ignored) != CLI_OK)
		host = NULL;
	take_host(conf, get_string(host, "/name", NULL), g);
}

/* What was given by hand. */
static int take_options(struct cli *c, struct policy_guest *g)
{
	const char *uuid = cli_value(c, OPT_UUID);
	unsigned n = c->n_values[OPT_TAG];

	for (unsigned i = 0; n && i <= n; i++)
		g->tags[i] = i < n ? c->values[OPT_TAG][i] : NULL;
	if (!uuid)
		return CLI_OK;
	if (uuid_parse(uuid, &g->id.uuid) < 0)
		return cli_usage(c,
			"--uuid: \"%s\" is not a UUID; expected one like 1b4e28ba-2fa1-11d2-883f-0016d3cca427",
			uuid);
	g->unknown_keys &= ~(1u << MATCH_UUID);
	return CLI_OK;
}

int policy_guest_find(
	struct cli *c, const struct conf *conf, const char *word, struct policy_guest *ret)
{
	_cleanup_json_ json_t *said = NULL;
	char path[CLIENT_PATH_MAX], problem[64];

	*ret = (struct policy_guest){0};
	if (client_try(c, client_path("/v1/guests/%s", word, path), &said, problem) == CLI_OK)
		policy_guest_take(conf, said, ret);
	else
		take_word(c, conf, word, problem, ret);
	ret->label = word;
	return take_options(c, ret);
}
