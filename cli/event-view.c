/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/event-view.h"

#include "cli/get.h"

static enum style style_of(const char *severity)
{
	if (streq(severity, "error"))
		return STYLE_BAD;
	if (streq(severity, "warning"))
		return STYLE_NOTE;
	return streq(severity, "notice") ? STYLE_BOLD : STYLE_NONE;
}

void event_print(const struct cli *c, FILE *f, const json_t *event, uint64_t now_real_usec)
{
	const char *why = get_string(event, "/reason/text", NULL),
		   *by = get_string(event, "/by", NULL);
	const char *what = get_string(event, "/text", "");
	char time[SHOW_TIME_MAX], text[1024];
	unsigned used;

	if (why && strstr(what, why)) /* a command's text ends with its reason */
		why = NULL;
	show_time(get_time(event, "/time"), now_real_usec, time);
	term_print(&c->term, f, STYLE_DIM, time);
	fputs("  ", f);
	term_print_cut(&c->term, f, style_of(get_string(event, "/severity", "")),
		get_string(event, "/kind", "?"), 16, true);
	fputs("  ", f);
	term_print_cut(&c->term, f, STYLE_NAME, get_string(event, "/guest", "-"), 12, true);
	fputs("  ", f);
	snprintf(text, sizeof(text), "%s%s%s%s%s", what, why ? ": " : "", why ? why : "",
		by ? ", by " : "", by ? by : "");
	used = term_width(time) + 34;
	term_print_cut(&c->term, f, STYLE_NONE, text,
		c->term.columns > used + 20 ? c->term.columns - used : 0, false);
	fputc('\n', f);
}
