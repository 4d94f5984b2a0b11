/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `plan --import FILE`: where the guests of a described cluster should run. Needs no daemon. */
#include <time.h>

#include "cli/plan.h"
#include "common/ini.h"
#include "common/json.h"
#include "common/units.h"
#include "policy/ganeti.h"

/* As hbal prints it. */
static double score_of(uint64_t score)
{
	return (double)score / (double)PLACEMENT_ONE;
}

static int read_cluster(struct cli *c, const char *path, struct ganeti_cluster **ret)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_diag_ struct diag d = {0};
	size_t len;
	int r = ini_read_file(path, &text, &len, &d);
	_cleanup_free_ char *said = NULL;

	if (r == 0)
		r = ganeti_parse(path, text, len, ret, &d);
	if (r == 0)
		return CLI_OK;
	said = d.text ? diag_format(&d) : NULL;
	return cli_fail(c, r == -EBADMSG ? CLI_BAD_CONFIG : CLI_FAILED, "%s",
		said ? said : "out of memory");
}

/* --drain HOST: its guests are to go. */
static int leave_hosts(struct cli *c, struct ganeti_cluster *cluster)
{
	for (unsigned i = 0; i < c->n_values[OPT_DRAIN]; i++) {
		struct placement_host *found = NULL;

		for (size_t h = 0; h < cluster->n_hosts; h++)
			if (streq(cluster->hosts[h].name, c->values[OPT_DRAIN][i]))
				found = &cluster->hosts[h];
		if (!found)
			return cli_fail(c, CLI_NOT_FOUND, "there is no host \"%s\" in %s",
				c->values[OPT_DRAIN][i], cli_value(c, OPT_IMPORT));
		found->accepts = false;
		found->leaves = true;
	}
	return CLI_OK;
}

static json_t *moves_json(const struct ganeti_cluster *cluster, const struct placement_plan *p)
{
	json_t *all = json_array();

	for (size_t i = 0; i < p->n_moves; i++) {
		const struct placement_move *m = &p->moves[i];

		json_array_append_new(all,
			json_pack("{s:s,s:s,s:s,s:f}", "guest", cluster->guests[m->guest].name,
				"from", cluster->hosts[m->from].name, "to",
				cluster->hosts[m->to].name, "score", score_of(m->score)));
	}
	return all;
}

static int print_json(struct cli *c, const struct ganeti_cluster *cluster,
	const struct placement_plan *p, uint64_t usec)
{
	_cleanup_json_ json_t *all = NULL;
	json_t *left = json_array();

	for (size_t i = 0; i < p->n_left; i++)
		json_array_append_new(left, json_string(cluster->guests[p->left[i]].name));
	all = json_pack("{s:I,s:I,s:f,s:f,s:o,s:o,s:I}", "hosts", (json_int_t)cluster->n_hosts,
		"guests", (json_int_t)cluster->n_guests, "score_before", score_of(p->score_before),
		"score_after", score_of(p->score_after), "moves", moves_json(cluster, p), "left",
		left, "took_usec", (json_int_t)usec);
	return all ? cli_print_json(c, all) : cli_fail(c, CLI_FAILED, "out of memory");
}

static void print_moves(
	const struct cli *c, const struct ganeti_cluster *cluster, const struct placement_plan *p)
{
	_cleanup_table_ struct table t = {
		.titles = {"MOVE", "GUEST", "MEMORY", "FROM", "TO", "SCORE"},
		.right = {true, false, true, false, false, true}};

	for (size_t i = 0; i < p->n_moves; i++) {
		const struct placement_move *m = &p->moves[i];
		const struct placement_guest *g = &cluster->guests[m->guest];
		char text[SIZE_TEXT_MAX];

		snprintf(text, sizeof(text), "%zu", i + 1);
		table_add(&t, STYLE_NONE, text);
		table_add(&t, STYLE_NAME, g->name);
		table_add(&t, STYLE_NONE, size_format(g->bytes, text));
		table_add(&t, STYLE_NONE, cluster->hosts[m->from].name);
		table_add(&t, STYLE_NONE, cluster->hosts[m->to].name);
		snprintf(text, sizeof(text), "%.8f", score_of(m->score));
		table_add(&t, STYLE_NONE, text);
	}
	if (t.n)
		table_print(&t, &c->term, stdout);
}

static void print_plan(const struct cli *c, const struct ganeti_cluster *cluster,
	const struct placement_plan *p, uint64_t usec)
{
	print_moves(c, cluster, p);
	for (size_t i = 0; i < p->n_left; i++) {
		const struct placement_guest *g = &cluster->guests[p->left[i]];
		char size[SIZE_TEXT_MAX];

		term_print(&c->term, stdout, STYLE_BAD, "Stays: ");
		term_print(&c->term, stdout, STYLE_NONE, g->name);
		printf(" (%s) on ", size_format(g->bytes, size));
		term_print(&c->term, stdout, STYLE_NONE, cluster->hosts[g->host].name);
		printf(": %s\n", g->fixed ? "it cannot travel"
				 : "no other host has room for it, or can make it");
	}
	if (p->n_moves || p->n_left)
		putchar('\n');
	printf("%zu hosts, %zu guests: score %.8f -> %.8f by %zu move%s; found in %.1f ms\n",
		cluster->n_hosts, cluster->n_guests, score_of(p->score_before),
		score_of(p->score_after), p->n_moves, p->n_moves == 1 ? "" : "s",
		(double)usec / 1000);
	if (!p->n_moves && !p->n_left)
		printf("No move is worth it.\n");
}

static uint64_t now_usec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * USEC_PER_SEC + (uint64_t)t.tv_nsec / 1000;
}

int plan_import(struct cli *c, const char *path)
{
	_cleanup_ganeti_cluster_ struct ganeti_cluster *cluster = NULL;
	_cleanup_placement_plan_ struct placement_plan *p = NULL;
	struct placement_question q;
	uint64_t began;
	int r = read_cluster(c, path, &cluster);

	if (r == CLI_OK)
		r = leave_hosts(c, cluster);
	if (r != CLI_OK)
		return r;
	q = (struct placement_question){cluster->hosts, cluster->n_hosts, cluster->guests,
		cluster->n_guests, cli_has(c, OPT_DRAIN)};
	began = now_usec();
	if (placement_find(&q, &p) < 0)
		return cli_fail(c, CLI_FAILED, "out of memory");
	began = now_usec() - began;
	if (cli_has(c, OPT_JSON))
		r = print_json(c, cluster, p, began);
	else
		print_plan(c, cluster, p, began);
	return r == CLI_OK && p->n_left ? CLI_CONFLICT : r;
}
