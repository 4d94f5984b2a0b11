/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `top`: the host and its guests, live. */
#include <time.h>

#include "cli/client.h"
#include "cli/event-view.h"
#include "cli/get.h"
#include "cli/guest-table.h"
#include "cli/host-view.h"
#include "cli/watch.h"

/* Answers of one look. */
struct look {
	json_t *host, *guests, *events;
	uint64_t usec; /* CLOCK_MONOTONIC */
};

static void look_clear(struct look *l)
{
	json_decref(l->host);
	json_decref(l->guests);
	json_decref(l->events);
	*l = (struct look){0};
}
#define _cleanup_look_ _cleanup_(look_clear)

/* Order of rows, by the key pressed. */
enum sort {
	SORT_NAME,
	SORT_MEMORY,
	SORT_STALL,
};

static uint64_t now_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

static int take_look(struct cli *c, struct look *l)
{
	char problem[64];
	int r;

	if ((r = client_try(c, "/v1/hosts/self", &l->host, problem)) != CLI_OK ||
		(r = client_try(c, "/v1/guests", &l->guests, problem)) != CLI_OK ||
		(r = client_try(c, "/v1/events?newest=true&limit=8", &l->events, problem)) !=
			CLI_OK)
		return r;
	l->usec = now_usec();
	return CLI_OK;
}

static int by_memory(const void *a, const void *b)
{
	uint64_t x = get_number(*(json_t *const *)a, "/memory/actual", 0);
	uint64_t y = get_number(*(json_t *const *)b, "/memory/actual", 0);

	return x < y ? 1 : x > y ? -1 : 0;
}

static int by_stall(const void *a, const void *b)
{
	uint64_t x = get_number(*(json_t *const *)a, "/memory/stall_permyriad", 0);
	uint64_t y = get_number(*(json_t *const *)b, "/memory/stall_permyriad", 0);

	return x < y ? 1 : x > y ? -1 : by_memory(a, b);
}

/* A new array of the same guests in another order (they come by name). */
static json_t *sorted(const json_t *guests, enum sort sort)
{
	size_t n = json_array_size(guests);
	_cleanup_free_ json_t **all = calloc(n + 1, sizeof(*all));
	json_t *array = json_array();

	for (size_t i = 0; all && i < n; i++)
		all[i] = json_array_get(guests, i);
	if (all && sort != SORT_NAME)
		qsort(all, n, sizeof(*all), sort == SORT_MEMORY ? by_memory : by_stall);
	for (size_t i = 0; all && i < n; i++)
		json_array_append(array, all[i]);
	return array;
}

/* What is wrong, in at most max_lines (0: all of it), so that the guests below stay on the
 * screen. */
static void draw_wrong(
	const struct cli *c, FILE *f, const json_t *host, const json_t *guests, unsigned max_lines)
{
	_cleanup_free_ char *text = NULL;
	unsigned lines = 0;
	size_t len;
	FILE *all = open_memstream(&text, &len);
	const char *at;

	if (!all)
		return;
	host_print_wrong(c, all, host, guests);
	if (fclose(all) != 0)
		return;
	for (at = text; *at && (!max_lines || lines + 1 < max_lines || !strchr(at, '\n')[1]);
		lines++) {
		size_t n = strcspn(at, "\n") + 1;

		fwrite(at, 1, n, f);
		at += n;
	}
	if (*at)
		fprintf(f, "  ... more is wrong: ballastctl status\n");
}

static void draw(const struct cli *c, FILE *f, const struct look *before, const struct look *now,
	enum sort sort, unsigned rows)
{
	_cleanup_json_ json_t *guests = sorted(get_at(now->guests, "/guests"), sort);
	_cleanup_free_ struct guest_rates *rates = guest_rates_new(
		get_at(before->guests, "/guests"), guests, now->usec - before->usec);
	uint64_t decided = get_time(now->host, "/decided");
	const json_t *e;
	size_t i;

	host_print_header(c, f, now->host);
	host_print_memory(c, f, now->host);
	host_print_load(c, f, now->host);
	fputc('\n', f);
	draw_wrong(c, f, now->host, guests, rows / 3);
	fputc('\n', f);
	guest_table_print(c, f, guests, rates);
	fputc('\n', f);
	json_array_foreach (get_at(now->events, "/events"), i, e)
		event_print(c, f, e, decided, 0, EVENT_VIEW_KIND | EVENT_VIEW_GUEST);
}

static void draw_screen(
	struct cli *c, const struct look *before, const struct look *now, enum sort sort, bool away)
{
	_cleanup_free_ char *frame = NULL;
	unsigned rows;
	size_t len;
	FILE *f = open_memstream(&frame, &len);

	if (!f)
		return;
	term_measure(&c->term, &rows);
	if (away)
		term_print(&c->term, f, STYLE_BAD,
			"ballastd does not answer: this is what was last seen");
	else
		term_print(&c->term, f, STYLE_DIM, "q quit   sort by: n name  m memory  s stall");
	fputc('\n', f);
	if (!rows)
		rows = 24;
	draw(c, f, before, now, sort, rows);
	fclose(f);
	watch_screen_show(&c->term, frame, rows);
}

static enum sort sort_of(int key, enum sort sort)
{
	switch (key) {
	case 'n':
		return SORT_NAME;
	case 'm':
		return SORT_MEMORY;
	case 's':
		return SORT_STALL;
	default:
		return sort;
	}
}

static void watch(struct cli *c, struct look *first, uint64_t interval_usec)
{
	_cleanup_look_ struct look before = {0}, now = *first;
	enum sort sort = SORT_NAME;
	bool away = false;
	int key = 0;

	*first = (struct look){0};
	while (!watch_ended() && key != 'q' && !ferror(stdout)) {
		uint64_t end = now_usec() + interval_usec, t;
		struct look next = {0};

		draw_screen(c, &before, &now, sort, away);
		while (!watch_ended() && (t = now_usec()) < end) {
			key = watch_wait(end - t, isatty(STDIN_FILENO));
			if (key == 'q')
				return;
			if (key) {
				sort = sort_of(key, sort);
				draw_screen(c, &before, &now, sort, away);
			}
		}
		away = take_look(c, &next) != CLI_OK;
		if (away) {
			look_clear(&next);
			continue;
		}
		look_clear(&before);
		before = now;
		now = next;
	}
}

static void watch_on_screen(struct cli *c, struct look *first, uint64_t interval_usec)
{
	struct watch_screen *s = watch_screen_begin();

	watch_begin();
	watch(c, first, interval_usec);
	watch_screen_end(s);
	fprintf(stderr, "Stopped watching; ballastd goes on.\n");
}

/* One JSON document a look. */
static int stream(struct cli *c, uint64_t interval_usec)
{
	watch_begin();
	do {
		_cleanup_json_ json_t *answer = NULL;
		int r;

		c->answered = false; /* each look is a document of its own */
		r = client_get(c, "/v1/guests", &answer);
		if (r != CLI_OK)
			return r;
		cli_print_json(c, answer);
		fflush(stdout);
		if (cli_has(c, OPT_ONCE))
			break;
		watch_wait(interval_usec, false);
	} while (!watch_ended() && !ferror(stdout));
	return CLI_OK;
}

int cmd_top(struct cli *c)
{
	_cleanup_look_ struct look now = {0}, none = {0};
	uint64_t interval_usec;
	int r = watch_interval(c, &interval_usec);

	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON))
		return stream(c, interval_usec);
	r = take_look(c, &now);
	if (r != CLI_OK) /* once more, with its message */
		return client_get(c, "/v1/hosts/self", &none.host);
	if (cli_has(c, OPT_ONCE) || !c->term.is_terminal)
		draw(c, stdout, &none, &now, SORT_NAME, 0);
	else
		watch_on_screen(c, &now, interval_usec);
	return CLI_OK;
}
