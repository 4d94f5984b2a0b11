/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `guest explain`: why a guest has what it has, on one screen: what it has and wants, what limits
 * it, what happened last, what comes next, what can be done. */
#include <time.h>

#include "cli/client.h"
#include "cli/effect.h"
#include "cli/get.h"
#include "cli/guest-table.h"
#include "cli/policy-next.h"
#include "cli/section.h"
#include "common/shell-word.h"

/* Lines of a screen of 24 that each part may take. */
#define SETTINGS_SHOWN 6
#define MOVES_SHOWN 3

static void print_title(const struct cli *c, const json_t *g)
{
	char state[GUEST_STATE_MAX];

	term_print(&c->term, stdout, STYLE_NAME, get_string(g, "/name", "?"));
	printf(" on %s", get_shown(g, "/host", "?"));
	if (!streq(guest_state(g, state), "-")) {
		fputs(": ", stdout);
		term_print(&c->term, stdout,
			guest_style(g) == STYLE_NONE ? STYLE_BOLD : guest_style(g), state);
	}
	fputc('\n', stdout);
}

/* What stands above all that follows. */
static void print_libvirt_away(const struct cli *c, const json_t *host)
{
	const json_t *p = effect_libvirt_problem(host);
	char text[512];

	if (!p)
		return;
	snprintf(text, sizeof(text),
		"libvirt does not answer ballastd now: nothing can be commanded (%.400s)",
		get_string(p, "/text", ""));
	term_print_words(&c->term, stdout, STYLE_BAD, text, 0, 2);
	fputc('\n', stdout);
}

static void print_bar(const struct cli *c, const json_t *g)
{
	uint64_t has = get_number(g, "/memory/actual", 0);

	fputs("Memory   ", stdout);
	term_print_bar(&c->term, stdout, 40, get_number(g, "/memory/used", has), has,
		get_number(g, "/memory/max", has),
		guest_is(g, "pressed") ? STYLE_NOTE : STYLE_GOOD);
	fputs("  used, had, at most\n", stdout);
}

/* The daemon's sentences, but for those whose matter has a part of the screen to itself. */
static bool told_elsewhere(const char *text)
{
	static const char *const begins[] = {
		"policy ", "its last command came", "mode is observe", "Ballast is paused"};

	for (size_t i = 0; i < ARRAY_SIZE(begins); i++)
		if (strncmp(text, begins[i], strlen(begins[i])) == 0)
			return true;
	return strstr(text, " was set by hand by ");
}

static void print_why(const struct cli *c, const json_t *answer)
{
	struct section now = section_begin(c, "Now"), why = section_begin(c, "Why");
	const char *name = get_string(answer, "/guest/name", "");
	const json_t *line;
	size_t i;

	json_array_foreach (get_at(answer, "/text"), i, line) {
		const char *text = json_is_string(line) ? json_string_value(line) : "";

		if (told_elsewhere(text))
			continue;
		/* "web1 has ...", "it uses ..." */
		if (i < 2)
			section_line(&now, STYLE_NONE, "%s",
				strncmp(text, name, strlen(name)) == 0 ? text + strlen(name) + 1
								       : text);
		else
			section_line(&why, STYLE_NONE, "%s",
				strncmp(text, "why: ", 5) == 0 ? text + 5 : text);
	}
}

static void print_limits(const struct cli *c, const json_t *answer)
{
	char word[SHELL_WORD_MAX];
	struct section s = section_begin(c, "Limits");
	unsigned n = section_settings(&s, get_at(answer, "/settings"), SETTINGS_SHOWN);
	const char *name = get_string(answer, "/guest/name", "?");
	const json_t *one;
	size_t i;

	if (n > SETTINGS_SHOWN)
		section_line(&s, STYLE_DIM, "and %u more: ballastctl policy explain %s",
			n - SETTINGS_SHOWN, shell_word(name, word));
	json_array_foreach (get_at(answer, "/overrides"), i, one) {
		const char *reason = get_string(one, "/reason", "");
		char until[SHOW_TIME_MAX];

		section_line(&s, STYLE_NONE, "%s= by hand: by %s, %s%s%s%s%s",
			get_string(one, "/key", "?"), get_string(one, "/by", "?"),
			get_time(one, "/until") ? "until " : "until it is cleared",
			get_time(one, "/until")
				? show_time(get_time(one, "/until"),
					  (uint64_t)time(NULL) * USEC_PER_SEC, until)
				: "",
			*reason ? " (" : "", reason, *reason ? ")" : "");
	}
	json_array_foreach (get_at(answer, "/policies"), i, one) {
		const char *when =
			get_string(one, get_bool(one, "/open") ? "/condition" : "/on_calendar", "");

		if (!get_bool(one, "/active"))
			section_line(&s, STYLE_DIM, "%s is not in force: its %s%s%s%s",
				get_string(one, "/name", "?"),
				get_bool(one, "/open") ? "condition does not hold"
						       : "schedule is closed",
				*when ? " (" : "", when, *when ? ")" : "");
	}
	if (!s.lines)
		section_line(&s, STYLE_DIM,
			"none of its own: the defaults hold, and what its definition allows");
}

static void print_next(const struct cli *c, const json_t *answer, const json_t *host)
{
	const json_t *g = get_at(answer, "/guest");
	struct section s = section_begin(c, "Next");
	uint64_t actual = get_number(g, "/memory/actual", 0),
		 target = get_number(g, "/memory/target", actual),
		 share = get_number(g, "/memory/share", actual);
	const char *mode = get_string(answer, "/host/mode", get_string(host, "/mode", "?"));
	bool acts = streq(mode, "enforce") && !get_time(host, "/pause/until");
	char a[SIZE_TEXT_MAX], buf[NEXT_TEXT_MAX];
	const char *next =
		policy_next_text(get_at(host, "/policies"), get_time(host, "/decided"), buf);

	size_format(target != actual ? target : share, a);
	if (get_string(g, "/fixed", NULL))
		section_line(&s, STYLE_NONE, "nothing: its memory cannot be moved (%s)",
			get_string(g, "/fixed", ""));
	else if (guest_is(g, "quarantined") || guest_is(g, "job") || guest_is(g, "paused"))
		section_line(&s, STYLE_NONE, "no command until %s; then it goes to %s",
			guest_is(g, "quarantined") ? "it answers libvirt"
			: guest_is(g, "job")	   ? "the job ends"
						   : "it is resumed",
			size_format(share, a));
	else if (!acts)
		section_line(&s, STYLE_NOTE, "nothing%s%s%s",
			streq(mode, "enforce") ? ": Ballast is paused" : ": mode is observe",
			distance(share, actual) > 2 * MIB ? "; else it would go to " : "",
			distance(share, actual) > 2 * MIB ? size_format(share, a) : "");
	else if (distance(target, actual) > MIB)
		section_line(&s, STYLE_NONE, "it %s %s, as it was told",
			target > actual ? "grows to" : "shrinks to", a);
	else if (distance(share, actual) > 2 * MIB)
		section_line(&s, STYLE_NONE, "it goes to %s: %s", size_format(share, a),
			share > actual ? "as soon as that comes free elsewhere"
				       : "step by step, while it stays idle");
	else
		section_line(&s, STYLE_NONE,
			"it stays as it is while its use, and that of others, stays");
	if (next)
		section_line(&s, STYLE_DIM, "%s", next);
}

static void print_can(const struct cli *c, const json_t *answer, const json_t *host)
{
	char word[SHELL_WORD_MAX];
	const json_t *g = get_at(answer, "/guest");
	uint64_t actual = get_number(g, "/memory/actual", 0),
		 max = get_number(g, "/memory/max", UINT64_MAX),
		 limit = get_number(g, "/memory/limit", max);
	struct section s = section_begin(c, "You can");
	const char *name = get_string(g, "/name", "?");

	if (streq(get_string(host, "/mode", ""), "observe"))
		section_line(&s, STYLE_NONE, "go live: ballastctl mode enforce");
	if (get_time(host, "/pause/until"))
		section_line(&s, STYLE_NONE, "go on: ballastctl pause --clear");
	if (!get_bool(g, "/agent/enrolled") && !get_string(g, "/fixed", NULL))
		section_line(
			&s, STYLE_NONE, "have it heard at once: ballastctl guest enroll %s",
			shell_word(name, word));
	else if (!get_bool(g, "/agent/connected") && !get_string(g, "/fixed", NULL))
		section_line(&s, STYLE_NONE,
			"have it heard: in the guest, systemctl enable --now ballast-agent");
	if (guest_is(g, "stuck"))
		section_line(&s, STYLE_NONE,
			"look for its balloon driver: in the guest, modprobe virtio_balloon");
	if (guest_is(g, "pressed") && actual + MIB >= max)
		section_line(&s, STYLE_NONE,
			"raise <memory> in its definition (virsh edit %s) and start it anew: it has all of it",
			shell_word(name, word));
	else if (guest_is(g, "pressed") && actual + MIB >= limit)
		section_line(&s, STYLE_NONE,
			"raise its Max=: ballastctl guest set %s --max SIZE --for 2h",
			shell_word(name, word));
	else if (!get_string(g, "/fixed", NULL))
		section_line(&s, STYLE_NONE,
			"give it more for a while: ballastctl guest set %s --min SIZE --for 2h%s",
			shell_word(name, word),
			json_array_size(get_at(answer, "/overrides"))
				? "; drop what is set by hand: --clear"
				: "");
	if (get_string(g, "/fixed", NULL))
		section_line(&s, STYLE_NONE, "see how to make it movable: ballastctl doctor");
}

int cmd_guest_explain(struct cli *c)
{
	_cleanup_json_ json_t *answer = NULL, *host = NULL;
	char path[CLIENT_PATH_MAX], problem[64];
	int r = client_get(c, client_path("/v1/guests/%s/explain", c->args[0], path), &answer);
	uint64_t now = (uint64_t)time(NULL) * USEC_PER_SEC;
	struct section last = section_begin(c, "Last");

	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON))
		return cli_print_json(c, answer);
	if (client_try(c, "/v1/hosts/self", &host, problem) == CLI_OK)
		print_libvirt_away(c, host);
	if (get_time(host, "/decided"))
		now = get_time(host, "/decided");
	print_title(c, get_at(answer, "/guest"));
	print_bar(c, get_at(answer, "/guest"));
	print_why(c, answer);
	print_limits(c, answer);
	section_moves(&last, get_at(answer, "/changes"), now, MOVES_SHOWN, false);
	if (!last.lines)
		section_line(&last, STYLE_DIM, "it was commanded nothing since ballastd knows it");
	print_next(c, answer, host);
	print_can(c, answer, host);
	return CLI_OK;
}
