/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `policy test`: what would hold for a guest at some time. Needs no daemon. */
#include "cli/client.h"
#include "cli/daemon-conf.h"
#include "cli/get.h"
#include "cli/policy-files.h"
#include "cli/settings-view.h"
#include "common/json.h"

static const char *const verdict_words[POLICY_VERDICT_MAX] = {
	[POLICY_ACTIVE] = "in force",
	[POLICY_NO_MATCH] = "not for this guest",
	[POLICY_CLOSED] = "its schedule is closed",
	[POLICY_CONDITION_FALSE] = "its condition does not hold",
	[POLICY_CONDITION_UNKNOWN] =
		"its condition asks what is not known here (--conditions-hold takes it as true)",
	[POLICY_MATCH_UNKNOWN] =
		"unknown: its [Match] asks for a name or UUID that is not known here (--uuid gives the UUID)",
};

/* The same object as in GET /v1/guests/G/policy. */
static int add_setting(const char *section, const char *key, const char *value,
	const struct origin *origin, bool in_force, void *userdata)
{
	json_t *o = json_pack("{s:s,s:s,s:s,s:b,s:{s:s,s:s?,s:s?,s:o}}", "section", section, "key",
		key, "value", value, "in_force", (int)in_force, "origin", "kind",
		origin->file ? "policy" : "default", "policy", origin->policy, "file", origin->file,
		"line", origin->line ? json_integer(origin->line) : json_null());

	return json_array_append_new(userdata, o);
}

static json_t *verdicts_json(const struct policy_set *set, const struct what_if_answer *a)
{
	json_t *array = json_array();

	for (size_t i = 0; i < policy_set_count(set); i++) {
		struct policy_info info;

		policy_set_info(set, i, &info);
		json_array_append_new(
			array, json_pack("{s:s,s:s?,s:s}", "name", info.name, "path", info.path,
				       "verdict", policy_verdict_to_string(what_if_verdict(a, i))));
	}
	return array;
}

static void print_verdicts(
	const struct cli *c, const struct policy_set *set, const struct what_if_answer *a)
{
	for (size_t i = 0; i < policy_set_count(set); i++) {
		enum policy_verdict v = what_if_verdict(a, i);
		struct policy_info info;

		policy_set_info(set, i, &info);
		fputs("  ", stdout);
		term_print_cut(&c->term, stdout, v == POLICY_ACTIVE ? STYLE_GOOD : STYLE_DIM,
			info.name, 32, true);
		fputs("  ", stdout);
		term_print_wrapped(&c->term, stdout, verdict_words[v], 36, 36);
	}
}

static int print_answer(struct cli *c, const struct conf *conf, const struct policy_set *set,
	const struct what_if_answer *a, uint64_t at)
{
	_cleanup_json_ json_t *settings = json_array();
	uint64_t next = what_if_next_change(a);
	char time[JSON_TIME_MAX], next_text[JSON_TIME_MAX], when[SHOW_TIME_MAX];

	if (what_if_visit(a, add_setting, settings) != 0)
		return cli_fail(c, CLI_FAILED, "out of memory");
	if (cli_has(c, OPT_JSON)) {
		_cleanup_json_ json_t *all = json_pack("{s:s,s:s,s:o,s:O,s:s?}", "guest",
			c->args[0], "at", json_time_format(at, time), "policies",
			verdicts_json(set, a), "settings", settings, "next_change",
			next == USEC_INFINITY ? NULL : json_time_format(next, next_text));

		return all ? cli_print_json(c, all) : cli_fail(c, CLI_FAILED, "out of memory");
	}
	printf("%s at %s\n", c->args[0], show_time(at, 0, when));
	print_verdicts(c, set, a);
	if (!policy_set_count(set) && c->n_args == 1)
		policy_print_dirs(c, conf, "  There are no policies in");
	fputc('\n', stdout);
	printf("Settings that they give:\n");
	settings_print_given(c, settings);
	if (next != USEC_INFINITY)
		printf("\nA schedule opens or closes next at %s.\n", show_time(next, 0, when));
	return CLI_OK;
}

int cmd_policy_test(struct cli *c)
{
	_cleanup_what_if_answer_ struct what_if_answer *answer = NULL;
	_cleanup_diag_list_ struct diag_list findings = {0};
	_cleanup_policy_set_ struct policy_set *set = NULL;
	_cleanup_conf_ struct conf conf = {0};
	_cleanup_policy_guest_ struct policy_guest guest = {0};
	uint64_t at;
	int r = policy_at(c, &at);

	if (r == CLI_OK)
		r = daemon_conf_read(c, &conf);
	if (r != CLI_OK)
		return r;
	r = c->n_args > 1 ? policy_files_read(c, c->args + 1, c->n_args - 1, &set, &findings)
			  : policy_dirs_read(c, &conf, NULL, 0, &set, &findings);
	policy_print_findings(c, &findings);
	if (r != CLI_OK)
		return r;
	r = policy_guest_find(c, &conf, c->args[0], &guest);
	if (r == CLI_OK)
		r = policy_ask(c, set, &guest, at, &answer);
	return r == CLI_OK ? print_answer(c, &conf, set, answer, at) : r;
}
