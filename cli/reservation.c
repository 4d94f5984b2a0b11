/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `reservation list|cancel`: room that is kept for guests that start. */
#include <time.h>

#include "cli/client.h"
#include "cli/get.h"

static void add_row(struct table *t, const json_t *one, uint64_t now)
{
	char text[SHOW_TIME_MAX];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)get_number(one, "/id", 0));
	table_add(t, STYLE_NONE, text);
	table_add(t, STYLE_NAME, get_string(one, "/guest", "?"));
	table_add(t, STYLE_NONE, show_size(get_number(one, "/bytes", UINT64_MAX), text));
	table_add(t, STYLE_NONE, show_size(get_number(one, "/qemu", UINT64_MAX), text));
	table_add(t, STYLE_NONE, get_bool(one, "/granted") ? "granted" : "being made");
	table_add(t, STYLE_NONE, show_time(get_time(one, "/asked"), now, text));
	table_add(t, STYLE_NONE, show_time(get_time(one, "/deadline"), now, text));
}

int cmd_reservation_list(struct cli *c)
{
	_cleanup_table_ struct table t = {
		.titles = {"ID", "GUEST", "MEMORY", "QEMU", "ROOM", "ASKED", "DEADLINE"},
		.right = {true, false, true, true}};
	_cleanup_json_ json_t *answer = NULL;
	int r = client_get(c, "/v1/reservations", &answer);
	const json_t *one;
	size_t i;

	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON))
		return cli_print_json(c, answer);
	json_array_foreach (get_at(answer, "/reservations"), i, one)
		add_row(&t, one, (uint64_t)time(NULL) * USEC_PER_SEC);
	if (t.n)
		table_print(&t, &c->term, stdout);
	else
		printf("No room is kept for a guest that starts.\n");
	return CLI_OK;
}

int cmd_reservation_cancel(struct cli *c)
{
	_cleanup_json_ json_t *answer = NULL;
	char path[CLIENT_PATH_MAX];
	int r = client_send(
		c, "DELETE", client_path("/v1/reservations/%s", c->args[0], path), NULL, &answer);

	if (r != CLI_OK)
		return r;
	return cli_print_gone(c, "reservation ", "cancelled");
}
