/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `guest list|show|enroll` */
#include "cli/client.h"
#include "cli/get.h"
#include "cli/guest-table.h"
#include "common/shell-word.h"

static void add_param(char path[static CLIENT_PATH_MAX], const char *name, const char *value)
{
	size_t n = strlen(path);
	char word[CLIENT_PATH_MAX];

	if (value)
		snprintf(path + n, CLIENT_PATH_MAX - n, "%s%s=%s", strchr(path, '?') ? "&" : "?",
			name, client_path("%s", value, word));
}

int cmd_guest_list(struct cli *c)
{
	_cleanup_json_ json_t *answer = NULL;
	char path[CLIENT_PATH_MAX] = "/v1/guests";
	bool some;
	int r;

	if (c->n_values[OPT_TAG] > 1)
		return cli_usage(c, "guest list takes one --tag");
	add_param(path, "name", c->n_args ? c->args[0] : NULL);
	add_param(path, "condition", cli_value(c, OPT_CONDITION));
	add_param(path, "tag", cli_value(c, OPT_TAG));
	some = strchr(path, '?');
	r = client_get(c, path, &answer);

	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON))
		return cli_print_json(c, answer);
	if (json_array_size(get_at(answer, "/guests")))
		guest_table_print(c, stdout, get_at(answer, "/guests"), NULL);
	else
		printf(some ? "No guest is like that.\n" : "No guest runs here.\n");
	return CLI_OK;
}

static void title(const struct cli *c, const char *text)
{
	term_print(&c->term, stdout, STYLE_BOLD, text);
	fputc('\n', stdout);
}

static void row(const struct cli *c, const char *name, const char *text)
{
	fputs("  ", stdout);
	term_print_cut(&c->term, stdout, STYLE_DIM, name, 12, true);
	fputs("  ", stdout);
	if (c->term.columns && term_width(text) + 16 > c->term.columns) {
		term_print_wrapped(&c->term, stdout, text, 16, 16);
		return;
	}
	term_print(&c->term, stdout, STYLE_NONE, text); /* its own blanks too */
	fputc('\n', stdout);
}

static void row_size(
	const struct cli *c, const json_t *g, const char *name, const char *path, const char *means)
{
	uint64_t bytes = get_number(g, path, UINT64_MAX);
	char size[SIZE_TEXT_MAX], text[160];

	if (bytes == UINT64_MAX || (!bytes && streq(name, "min")) ||
		(streq(name, "goes to") && bytes == get_number(g, "/memory/actual", 0)))
		return;
	snprintf(text, sizeof(text), *means ? "%-10s %s" : "%s%s", show_size(bytes, size), means);
	row(c, name, text);
}

/* What /net says, in the words that lead on. */
static void print_net(const struct cli *c, const json_t *g)
{
	const char *net = get_string(g, "/net", "not known");
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX], text[2 * SIZE_TEXT_MAX + 96];

	if (streq(net, "swap-short")) {
		snprintf(text, sizeof(text),
			"none: too little of its swap is free (%s of %s), and no autodeflate",
			show_size(get_number(g, "/report/swap_free", UINT64_MAX), a),
			show_size(get_number(g, "/report/swap_total", UINT64_MAX), b));
		net = text;
	} else if (streq(net, "none")) {
		net = "none: neither swap nor autodeflate";
	}
	row(c, "safety net", net);
}

static void print_memory(const struct cli *c, const json_t *g)
{
	static const struct {
		const char *name, *path, *means;
	} rows[] = {
		{"has", "/memory/actual", ""},
		{"goes to", "/memory/target", "commanded"},
		{"uses", "/memory/used", "its kernel's share included"},
		{"wants", "/memory/want", "with headroom"},
		{"floor", "/memory/floor", "it is not shrunk below this"},
		{"min", "/memory/min", "by policy or by hand"},
		{"max", "/memory/limit", "by policy or by hand"},
		{"at most", "/memory/max", "by its definition"},
		{"share", "/memory/share", "what the division gives it"},
		{"charged", "/memory/charge", "what it counts for on the host"},
		{"resident", "/memory/resident", "really held on the host, QEMU's own included"},
	};
	char text[RATIO_TEXT_MAX + 64], stall[RATIO_TEXT_MAX];

	title(c, "Memory");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		row_size(c, g, rows[i].name, rows[i].path, rows[i].means);
	snprintf(text, sizeof(text), "%s of its time, %llu pages a second read back too soon",
		show_permyriad(get_number(g, "/memory/stall_permyriad", UINT64_MAX), stall),
		(unsigned long long)get_number(g, "/memory/refaults_per_sec", 0));
	row(c, "stalls", text);
	print_net(c, g);
	if (get_string(g, "/fixed", NULL))
		row(c, "fixed", get_string(g, "/fixed", ""));
}

static void print_cpu(const struct cli *c, const json_t *g)
{
	uint64_t quota = get_number(g, "/cpu/quota_permyriad", 0);
	char text[128], ratio[RATIO_TEXT_MAX], delay[RATIO_TEXT_MAX];

	title(c, "CPU");
	snprintf(text, sizeof(text), "%llu, weight %llu, %s%s",
		(unsigned long long)get_number(g, "/cpu/vcpus", 0),
		(unsigned long long)get_number(g, "/cpu/weight", 100),
		quota ? "at most " : "no quota", quota ? ratio_format(quota, ratio) : "");
	row(c, "vCPUs", text);
	snprintf(text, sizeof(text), "for a CPU of the host: %s",
		show_permyriad(get_number(g, "/cpu/delay_permyriad", UINT64_MAX), delay));
	row(c, "waits", text);
}

static void print_agent(const struct cli *c, const json_t *g)
{
	char text[SHELL_WORD_MAX + 256], time[SHOW_TIME_MAX], word[SHELL_WORD_MAX];

	title(c, "Agent");
	if (get_bool(g, "/agent/connected"))
		snprintf(text, sizeof(text), "connected, version %s",
			get_string(g, "/agent/version", "unknown"));
	else if (get_time(g, "/agent/shut_out_until"))
		snprintf(text, sizeof(text),
			"not listened to until %s, for it misbehaved: ballastctl events --guest %s "
			"--kind channel-shut",
			show_time(get_time(g, "/agent/shut_out_until"), 0, time),
			shell_word(get_string(g, "/name", "?"), word));
	else if (get_bool(g, "/agent/enrolled"))
		snprintf(text, sizeof(text),
			"enrolled, but no agent answers: is ballast-agent running in it?");
	else
		snprintf(text, sizeof(text), "not enrolled: ballastctl guest enroll %s",
			shell_word(get_string(g, "/name", "?"), word));
	row(c, "state", text);
	row(c, "system", get_string(g, "/agent/os", "not known"));
	row(c, "kernel", get_string(g, "/agent/kernel", "not known"));
	if (!get_time(g, "/report/time"))
		return;
	snprintf(text, sizeof(text), "%s, from %s (%s)",
		show_time(get_time(g, "/report/time"), 0, time),
		get_string(g, "/report/source", "?"), get_string(g, "/report/why", "?"));
	row(c, "last report", text);
}

static void print_guest(const struct cli *c, const json_t *g)
{
	char state[GUEST_STATE_MAX], text[512], time[SHOW_TIME_MAX], a[SIZE_TEXT_MAX],
		b[SIZE_TEXT_MAX];
	const json_t *tag;
	size_t i;

	term_print(&c->term, stdout, STYLE_NAME, get_string(g, "/name", "?"));
	printf("  %s on %s\n", get_shown(g, "/uuid", "?"), get_shown(g, "/host", "?"));
	row(c, "state", guest_state(g, state));
	text[0] = '\0';
	json_array_foreach (get_at(g, "/tags"), i, tag)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			json_is_string(tag) ? json_string_value(tag) : "");
	row(c, "tags", *text ? text : "-");
	row(c, "why", get_string(g, "/standing/text", "-"));
	if (get_time(g, "/last_change/time")) {
		snprintf(text, sizeof(text), "%s: %s -> %s, %s",
			show_time(get_time(g, "/last_change/time"), 0, time),
			show_size(get_number(g, "/last_change/from", UINT64_MAX), a),
			show_size(get_number(g, "/last_change/to", UINT64_MAX), b),
			get_string(g, "/last_change/reason/text", "?"));
		row(c, "last move", text);
	}
	if (get_number(g, "/overrides", 0))
		row(c, "by hand", "some settings are set by hand: see guest explain");
	print_memory(c, g);
	print_cpu(c, g);
	print_agent(c, g);
}

int cmd_guest_show(struct cli *c)
{
	_cleanup_json_ json_t *answer = NULL;
	char path[CLIENT_PATH_MAX];
	int r = client_get(c, client_path("/v1/guests/%s", c->args[0], path), &answer);

	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON))
		return cli_print_json(c, answer);
	print_guest(c, answer);
	return CLI_OK;
}

int cmd_guest_enroll(struct cli *c)
{
	_cleanup_json_ json_t *answer = NULL;
	char path[CLIENT_PATH_MAX];
	int r = client_send(
		c, "POST", client_path("/v1/guests/%s/enroll", c->args[0], path), NULL, &answer);
	const json_t *change;
	size_t i;

	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON))
		return cli_print_json(c, answer);
	json_array_foreach (get_at(answer, "/changes"), i, change)
		printf("%s: %s\n", c->args[0], get_shown(change, "", "?"));
	if (!json_array_size(get_at(answer, "/changes")))
		printf("%s: nothing to do, it is enrolled\n", c->args[0]);
	if (get_bool(answer, "/restart_needed"))
		printf("%s: in force after its next start (not a reboot from inside)\n",
			c->args[0]);
	if (cli_has(c, OPT_DRY_RUN))
		printf("Nothing was changed.\n");
	return CLI_OK;
}
