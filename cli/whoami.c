/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `whoami`: who the daemon takes one for. */
#include "cli/client.h"
#include "cli/endpoint.h"
#include "cli/get.h"

int cmd_whoami(struct cli *c)
{
	static const struct {
		const char *role, *may;
	} roles[] = {{"none", "may ask nothing but whether the daemon lives"},
		{"read", "may see all, and change nothing"},
		{"operate", "may see all, and say what Ballast does with guests (mode, pause, policies, limits)"},
		{"admin", "may do everything"}};
	_cleanup_json_ json_t *answer = NULL;
	int r = client_get(c, "/v1/whoami", &answer);
	const char *role = get_string(answer, "/role", "?"), *may = "";
	struct endpoint *e;

	if (r == CLI_OK)
		r = endpoint_get(c, &e);
	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON))
		return cli_print_json(c, answer);
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		if (streq(roles[i].role, role))
			may = roles[i].may;
	term_print(&c->term, stdout, STYLE_NAME, get_string(answer, "/name", "?"));
	printf(", known by %s at %s: role %s%s%s\n", get_string(answer, "/how", "?"),
		endpoint_name(e), role, *may ? ", " : "", may);
	return CLI_OK;
}
