/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `policy check`: mistakes in files, or in all that is installed. Needs no daemon. */
#include "cli/client.h"
#include "cli/daemon-conf.h"
#include "cli/policy-files.h"

static int print_json(struct cli *c, const struct conf *conf, const struct policy_set *set,
	const struct diag_list *findings)
{
	_cleanup_json_ json_t *all = json_pack("{s:I,s:o,s:o,s:o,s:o}", "policies",
		(json_int_t)(set ? policy_set_count(set) : 0), "findings",
		policy_findings_json(findings), "notes",
		policy_findings_json(set ? policy_set_notes(set) : NULL), "directories",
		c->n_args ? json_array() : policy_dirs_json(c, conf), "unread",
		c->unread ? json_incref(c->unread) : json_array());

	return all ? cli_print_json(c, all) : cli_fail(c, CLI_FAILED, "out of memory");
}

static void print_notes(const struct diag_list *notes)
{
	for (size_t i = 0; i < notes->n; i++) {
		_cleanup_free_ char *text = diag_format(&notes->items[i]);

		printf("note: %s\n", text ? text : "");
	}
}

static int read_policies(
	struct cli *c, struct conf *conf, struct policy_set **ret, struct diag_list *findings)
{
	int r;

	if (c->n_args)
		return policy_files_read(c, c->args, c->n_args, ret, findings);
	r = daemon_conf_read(c, conf);
	return r == CLI_OK ? policy_dirs_read(c, conf, NULL, 0, ret, findings) : r;
}

int cmd_policy_check(struct cli *c)
{
	_cleanup_conf_ struct conf conf = {0};
	_cleanup_diag_list_ struct diag_list findings = {0};
	_cleanup_policy_set_ struct policy_set *set = NULL;
	int r = read_policies(c, &conf, &set, &findings);
	size_t n;

	if (r != CLI_OK && r != CLI_BAD_CONFIG)
		return r;
	if (cli_has(c, OPT_JSON)) {
		print_json(c, &conf, set, &findings);
		return r == CLI_OK && c->unread ? CLI_DENIED : r;
	}
	policy_print_findings(c, &findings);
	if (set)
		print_notes(policy_set_notes(set));
	if (r == CLI_BAD_CONFIG)
		return cli_fail(c, r, "%zu mistake%s", findings.n, findings.n == 1 ? "" : "s");
	n = policy_set_count(set);
	printf("%zu polic%s, no mistakes%s\n", n, n == 1 ? "y" : "ies",
		c->unread ? " in what could be read" : "");
	if (!c->n_args)
		policy_print_dirs(c, &conf, "Read:");
	/* Whether all is well nobody knows. */
	return c->unread ? CLI_DENIED : CLI_OK;
}
