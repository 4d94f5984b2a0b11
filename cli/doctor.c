/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `doctor`: checks the whole set-up and says how to mend what it finds. */
#include <stdio.h>

#include "cli/client.h"
#include "cli/doctor-gather.h"
#include "cli/doctor.h"

static const struct {
	const char *word, *mark, *plain;
	enum style style;
} states[DOCTOR_STATE_MAX] = {
	[DOCTOR_OK] = {"ok", "✓", "ok", STYLE_GOOD},
	[DOCTOR_UNKNOWN] = {"unknown", "?", "? ", STYLE_DIM},
	[DOCTOR_NOTE] = {"note", "!", "! ", STYLE_NOTE},
	[DOCTOR_BAD] = {"bad", "✗", "X ", STYLE_BAD},
};

static void run_check(
	const struct doctor_check *check, const struct doctor_facts *f, struct doctor_result *r)
{
	*r = (struct doctor_result){0};
	if (check->local && f->remote)
		doctor_say(
			r, DOCTOR_UNKNOWN, "", "the daemon is on another host: run doctor there");
	else
		check->run(f, r);
	for (size_t i = 0; i < r->n; i++)
		if (!*r->findings[i].remedy && check->remedy && r->findings[i].state >= DOCTOR_NOTE)
			snprintf(r->findings[i].remedy, sizeof(r->findings[i].remedy), "%s",
				check->remedy);
}

static void print_finding(const struct cli *c, const struct doctor_finding *d)
{
	char text[900];

	/* A check that could not be made is no news below its own line. */
	snprintf(text, sizeof(text), "%s%s%s", d->subject, *d->subject ? ": " : "", d->text);
	fputs("    ", stdout);
	term_print_words(&c->term, stdout, states[d->state].style, text, 4, 6);
	fputc('\n', stdout);
	if (!*d->remedy)
		return;
	fputs("      -> ", stdout);
	term_print_words(&c->term, stdout, STYLE_NONE, d->remedy, 9, 9);
	fputc('\n', stdout);
}

static void print_check(
	const struct cli *c, const struct doctor_check *check, const struct doctor_result *r)
{
	enum doctor_state worst = doctor_worst(r);
	char text[600];

	term_print(&c->term, stdout, states[worst].style,
		c->term.utf8 ? states[worst].mark : states[worst].plain);
	fputc(' ', stdout);
	if (worst == DOCTOR_UNKNOWN)
		snprintf(
			text, sizeof(text), "%s: not known: %s", check->title, r->findings[0].text);
	else
		snprintf(text, sizeof(text), "%s%s%s%s", check->title,
			worst == DOCTOR_OK && *r->fine ? " (" : "",
			worst == DOCTOR_OK ? r->fine : "",
			worst == DOCTOR_OK && *r->fine ? ")"
			: worst >= DOCTOR_NOTE	       ? ": not quite"
						       : "");
	if (worst == DOCTOR_BAD)
		snprintf(text, sizeof(text), "%s: no", check->title);
	term_print_words(
		&c->term, stdout, worst == DOCTOR_UNKNOWN ? STYLE_DIM : STYLE_NONE, text, 2, 4);
	fputc('\n', stdout);
	for (size_t i = 0; i < r->n; i++)
		if (r->findings[i].state >= DOCTOR_NOTE)
			print_finding(c, &r->findings[i]);
	if (r->more)
		printf("    and %zu more\n", r->more);
}

static json_t *check_json(const struct doctor_check *check, const struct doctor_result *r)
{
	json_t *findings = json_array();

	for (size_t i = 0; i < r->n; i++) {
		const struct doctor_finding *d = &r->findings[i];

		json_array_append_new(
			findings, json_pack("{s:s,s:s?,s:s,s:s?}", "state", states[d->state].word,
					  "subject", *d->subject ? d->subject : NULL, "text",
					  d->text, "remedy", *d->remedy ? d->remedy : NULL));
	}
	return json_pack("{s:s,s:s,s:s,s:o,s:I}", "name", check->name, "title", check->title,
		"state", states[doctor_worst(r)].word, "findings", findings, "more",
		(json_int_t)r->more);
}

static void print_sum(const struct cli *c, const unsigned counts[static DOCTOR_STATE_MAX])
{
	char text[160];

	snprintf(text, sizeof(text), "%u of %zu checks are well%s", counts[DOCTOR_OK],
		doctor_n_checks,
		counts[DOCTOR_BAD] + counts[DOCTOR_NOTE] + counts[DOCTOR_UNKNOWN] ? "" : ".");
	fputc('\n', stdout);
	term_print(&c->term, stdout, STYLE_BOLD, text);
	if (counts[DOCTOR_BAD])
		printf(", %u wrong", counts[DOCTOR_BAD]);
	if (counts[DOCTOR_NOTE])
		printf(", %u could be better", counts[DOCTOR_NOTE]);
	if (counts[DOCTOR_UNKNOWN])
		printf(", %u could not be looked at", counts[DOCTOR_UNKNOWN]);
	fputs(counts[DOCTOR_BAD] + counts[DOCTOR_NOTE] + counts[DOCTOR_UNKNOWN] ? ".\n" : "\n",
		stdout);
}

int cmd_doctor(struct cli *c)
{
	_cleanup_doctor_facts_ struct doctor_facts facts = {0};
	unsigned counts[DOCTOR_STATE_MAX] = {0};
	json_t *list = json_array();
	_cleanup_json_ json_t *answer = json_pack("{s:o}", "checks", list);
	int r = doctor_gather(c, &facts);

	if (r != CLI_OK)
		return r;
	for (size_t i = 0; i < doctor_n_checks; i++) {
		struct doctor_result result;

		run_check(&doctor_checks[i], &facts, &result);
		counts[doctor_worst(&result)]++;
		if (cli_has(c, OPT_JSON))
			json_array_append_new(list, check_json(&doctor_checks[i], &result));
		else
			print_check(c, &doctor_checks[i], &result);
	}
	if (cli_has(c, OPT_JSON)) {
		json_object_set_new(answer, "wrong", json_integer(counts[DOCTOR_BAD]));
		r = cli_print_json(c, answer);
	} else {
		print_sum(c, counts);
	}
	return r == CLI_OK && counts[DOCTOR_BAD] ? (int)CLI_FAILED : r;
}
