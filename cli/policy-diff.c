/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `policy diff`: what files would change if they were installed, guest by guest. Needs no daemon
 * when guests are named by --guest. */
#include "cli/client.h"
#include "cli/daemon-conf.h"
#include "cli/get.h"
#include "cli/policy-files.h"

/* Every setting of one answer, in table order. */
#define SETTINGS_MAX 64
struct setting {
	char section[24], key[32], value[256], from[512];
};
struct settings_list {
	struct setting items[SETTINGS_MAX];
	size_t n;
};

static int collect(const char *section, const char *key, const char *value,
	const struct origin *origin, bool in_force, void *userdata)
{
	struct settings_list *l = userdata;
	struct setting *s = &l->items[l->n];

	if (l->n == SETTINGS_MAX)
		return -E2BIG;
	snprintf(s->section, sizeof(s->section), "%s", section);
	snprintf(s->key, sizeof(s->key), "%s", key);
	snprintf(s->value, sizeof(s->value), "%s", value);
	if (origin->file)
		snprintf(s->from, sizeof(s->from), "%s:%u",
			origin->policy ? origin->policy : origin->file, origin->line);
	else
		snprintf(s->from, sizeof(s->from), "default");
	l->n++;
	return 0;
}

static bool has_name(const json_t *names, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach (names, i, one)
		if (streq(json_string_value(one), name))
			return true;
	return false;
}

/* Names of policies that were left out: what they ask is not known here. */
static void note_unknown(const struct policy_set *set, const struct what_if_answer *a,
	enum policy_verdict verdict, json_t *names)
{
	for (size_t i = 0; i < policy_set_count(set); i++) {
		struct policy_info info;

		if (what_if_verdict(a, i) != verdict)
			continue;
		policy_set_info(set, i, &info);
		if (!has_name(names, info.name))
			json_array_append_new(names, json_string(info.name));
	}
}

struct comparison {
	const struct conf *conf;
	const struct policy_set *old, *new;
	uint64_t at;
	struct table table;
	/* the latter two: names of policies that were left out */
	json_t *changes, *unknown, *unmatched;
	const char *strangers[CLI_VALUES_MAX]; /* named, and not known to the daemon */
	unsigned guests, n_strangers;
};

static int ask(struct cli *c, const struct comparison *x, const struct policy_set *set,
	const struct policy_guest *guest, struct settings_list *ret)
{
	_cleanup_what_if_answer_ struct what_if_answer *a = NULL;
	int r = policy_ask(c, set, guest, x->at, &a);

	*ret = (struct settings_list){.n = 0};
	if (r != CLI_OK)
		return r;
	note_unknown(set, a, POLICY_CONDITION_UNKNOWN, x->unknown);
	note_unknown(set, a, POLICY_MATCH_UNKNOWN, x->unmatched);
	return what_if_visit(a, collect, ret) == 0 ? CLI_OK
						   : cli_fail(c, CLI_FAILED, "too many settings");
}

/* One guest's changes into the table and the JSON array. */
static void compare(const char *guest, const struct settings_list *old,
	const struct settings_list *new, struct table *t, json_t *changes)
{
	for (size_t i = 0; i < new->n; i++) {
		const struct setting *a = &old->items[i], *b = &new->items[i];
		char name[64];

		if (streq(a->value, b->value))
			continue;
		snprintf(name, sizeof(name), "[%s] %s", b->section, b->key);
		table_add(t, STYLE_NAME, guest);
		table_add(t, STYLE_NONE, name);
		table_add(t, STYLE_DIM, *a->value ? a->value : "-");
		table_add(t, STYLE_BOLD, *b->value ? b->value : "-");
		table_add(t, STYLE_NONE, b->from);
		json_array_append_new(
			changes, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "guest", guest, "section",
					 b->section, "key", b->key, "from", a->value, "to",
					 b->value, "origin", b->from));
	}
}

static int compare_guest(struct cli *c, struct comparison *x, const struct policy_guest *guest)
{
	struct settings_list old, new;
	int r = ask(c, x, x->old, guest, &old);

	if (r == CLI_OK)
		r = ask(c, x, x->new, guest, &new);
	if (r == CLI_OK)
		compare(guest->label, &old, &new, &x->table, x->changes);
	x->guests++;
	return r;
}

/* The guests that the daemon knows, as it knows them. */
static int compare_known(struct cli *c, struct comparison *x)
{
	_cleanup_json_ json_t *answer = NULL;
	int r = client_get(c, "/v1/guests", &answer);
	json_t *g;
	size_t i;

	if (r == CLI_UNREACHABLE || r == CLI_DENIED)
		fprintf(stderr, "Without the daemon, name guests: --guest NAME (and --tag TAG)\n");
	if (r != CLI_OK)
		return r;
	json_array_foreach (get_at(answer, "/guests"), i, g) {
		_cleanup_policy_guest_ struct policy_guest guest = {0};

		policy_guest_take(x->conf, g, &guest);
		r = compare_guest(c, x, &guest);
		if (r != CLI_OK)
			return r;
	}
	return CLI_OK;
}

static int compare_all(struct cli *c, struct comparison *x)
{
	if (!cli_has(c, OPT_GUEST))
		return compare_known(c, x);
	for (unsigned i = 0; i < c->n_values[OPT_GUEST]; i++) {
		_cleanup_policy_guest_ struct policy_guest guest = {0};
		int r = policy_guest_find(c, x->conf, c->values[OPT_GUEST][i], &guest);

		if (r == CLI_OK)
			r = compare_guest(c, x, &guest);
		if (r != CLI_OK)
			return r;
		if (guest.stranger)
			x->strangers[x->n_strangers++] = c->values[OPT_GUEST][i];
	}
	return CLI_OK;
}

/* "Nothing would change" is not true of these. */
static void print_left_out(
	const struct cli *c, const json_t *names, const char *why, const char *remedy)
{
	size_t n = json_array_size(names), i;
	char text[2048];
	const json_t *name;

	if (!n)
		return;
	snprintf(text, sizeof(text), "Left out, for %s:", why);
	json_array_foreach (names, i, name)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s%s",
			json_string_value(name), i + 1 < n ? "," : "");
	snprintf(text + strlen(text), sizeof(text) - strlen(text), " (%s)", remedy);
	term_print_wrapped(&c->term, stdout, text, 0, 2);
}

static void print_unknown(const struct cli *c, const struct comparison *x)
{
	bool one = json_array_size(x->unknown) == 1;

	print_left_out(c, x->unknown,
		one ? "what its condition asks is not known here"
		    : "what their condition asks is not known here",
		one ? "--conditions-hold takes it as true"
		    : "--conditions-hold takes them as true");
	print_left_out(c, x->unmatched, "whom they are for is not known here",
		"[Match] asks for a name or UUID of a guest that only ballastd could tell");
}

/* A guest need not exist, but who slipped with its name is told, where a daemon answers. */
static void note_strangers(struct cli *c, const struct comparison *x)
{
	fflush(stdout);
	for (unsigned i = 0; i < x->n_strangers; i++)
		cli_fail(c, CLI_OK, "note: ballastd knows no guest \"%s\"", x->strangers[i]);
}

static int print(struct cli *c, const struct comparison *x)
{
	char when[SHOW_TIME_MAX];

	if (cli_has(c, OPT_JSON)) {
		_cleanup_json_ json_t *all = json_pack("{s:O,s:O,s:O}", "changes", x->changes,
			"conditions_unknown", x->unknown, "matches_unknown", x->unmatched);

		return cli_print_json(c, all);
	}
	if (!x->table.n) {
		printf("Nothing would change for %u guest%s at %s.\n", x->guests,
			x->guests == 1 ? "" : "s", show_time(x->at, 0, when));
	} else {
		printf("At %s:\n", show_time(x->at, 0, when));
		table_print(&x->table, &c->term, stdout);
	}
	print_unknown(c, x);
	if (!policy_set_count(x->old))
		policy_print_dirs(c, x->conf, "There are no policies now in");
	return CLI_OK;
}

int cmd_policy_diff(struct cli *c)
{
	_cleanup_diag_list_ struct diag_list old_findings = {0}, findings = {0};
	_cleanup_policy_set_ struct policy_set *old = NULL, *new = NULL;
	_cleanup_json_ json_t *changes = json_array(), *unknown = json_array(),
			      *unmatched = json_array();
	_cleanup_conf_ struct conf conf = {0};
	struct comparison x = {.conf = &conf,
		.changes = changes,
		.unknown = unknown,
		.unmatched = unmatched,
		.table = {.titles = {"GUEST", "SETTING", "NOW", "THEN", "FROM"}}};
	int r = policy_at(c, &x.at);

	if (r == CLI_OK)
		r = daemon_conf_read(c, &conf);
	if (r != CLI_OK)
		return r;
	r = policy_dirs_read(c, &conf, c->args, c->n_args, &new, &findings);
	policy_print_findings(c, &findings);
	if (r != CLI_OK)
		return r;
	r = policy_dirs_read(c, &conf, NULL, 0, &old, &old_findings);
	if (r != CLI_OK && r != CLI_BAD_CONFIG)
		return r;
	x.old = old;
	x.new = new;
	r = compare_all(c, &x);
	if (r == CLI_OK)
		r = print(c, &x);
	if (r == CLI_OK)
		note_strangers(c, &x);
	table_clear(&x.table);
	return r;
}
