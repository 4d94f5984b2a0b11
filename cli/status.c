/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `status`: for somebody who was woken: what is wrong, what Ballast does about it, and how the host
 * stands. */
#include "cli/client.h"
#include "cli/event-view.h"
#include "cli/get.h"
#include "cli/guest-table.h"
#include "cli/host-view.h"
#include "cli/policy-next.h"

static void print_wrong(const struct cli *c, const json_t *host, const json_t *guests)
{
	unsigned running = (unsigned)get_number(host, "/guests/running", 0);
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	unsigned n = f ? host_print_wrong(c, f, host, guests) : 0;

	if (f)
		fclose(f);
	if (n)
		printf("\nWrong, and what is done about it:\n%s", text ? text : "");
	else
		printf("\nAll is well: %u guest%s, nothing to complain of.\n", running,
			running == 1 ? "" : "s");
	free(text);
}

static void print_moves(const struct cli *c, const json_t *events, uint64_t now)
{
	const json_t *e;
	size_t i;

	if (!json_array_size(events))
		return;
	printf("\nLatest moves:\n");
	json_array_foreach (events, i, e)
		event_print(c, stdout, e, now, 2, EVENT_VIEW_GUEST | EVENT_VIEW_WRAP);
}

static void print_next(const struct cli *c, const json_t *host)
{
	char buf[NEXT_TEXT_MAX], text[NEXT_TEXT_MAX + 80];
	const char *next =
		policy_next_text(get_at(host, "/policies"), get_time(host, "/decided"), buf);

	snprintf(text, sizeof(text), "Policies: %llu, of which %llu open now%s%s.",
		(unsigned long long)get_number(host, "/policies/count", 0),
		(unsigned long long)get_number(host, "/policies/open", 0), next ? "; " : "",
		next ? next : "");
	fputc('\n', stdout);
	term_print_wrapped(&c->term, stdout, text, 0, 2);
}

/* A screenful: those that are well are found elsewhere. */
#define GUESTS_MAX 40

static void print_status(
	const struct cli *c, const json_t *host, const json_t *guests, const json_t *events)
{
	host_print_header(c, stdout, host);
	print_wrong(c, host, guests);
	print_moves(c, events, get_time(host, "/decided"));
	fputc('\n', stdout);
	host_print_memory(c, stdout, host);
	host_print_load(c, stdout, host);
	if (json_array_size(guests)) {
		fputc('\n', stdout);
		guest_table_print_some(c, stdout, guests, GUESTS_MAX);
	}
	print_next(c, host);
}

int cmd_status(struct cli *c)
{
	_cleanup_json_ json_t *host = NULL, *guests = NULL, *events = NULL;
	int r;

	if ((r = client_get(c, "/v1/hosts/self", &host)) != CLI_OK ||
		(r = client_get(c, "/v1/guests", &guests)) != CLI_OK ||
		(r = client_get(c, "/v1/events?kind=command&newest=true&limit=5", &events)) !=
			CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON)) {
		_cleanup_json_ json_t *all = json_pack("{s:O,s:O,s:O}", "host", host, "guests",
			get_at(guests, "/guests"), "events", get_at(events, "/events"));

		return all ? cli_print_json(c, all)
			   : cli_fail(c, CLI_FAILED, "ballastd's answer is incomplete");
	}
	print_status(c, host, get_at(guests, "/guests"), get_at(events, "/events"));
	return CLI_OK;
}
