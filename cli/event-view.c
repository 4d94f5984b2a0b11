/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/event-view.h"

#include <ctype.h>

#include "cli/get.h"
#include "common/json.h"

static enum style style_of(const char *severity)
{
	if (streq(severity, "error"))
		return STYLE_BAD;
	if (streq(severity, "warning"))
		return STYLE_NOTE;
	return streq(severity, "notice") ? STYLE_BOLD : STYLE_NONE;
}

/* What happened and why, from column `at` on. */
static void print_text(const struct cli *c, FILE *f, const char *text, unsigned at, unsigned indent,
	bool wrap)
{
	unsigned columns = c->term.columns;

	if (wrap) { /* below the text, where there is room for some words */
		term_print_wrapped(&c->term, f, text, at,
			columns >= at + 32 ? at + 2 : indent + 4);
		return;
	}
	if (columns)
		columns = columns > at + 8 ? columns - at : 8;
	term_print_cut(&c->term, f, STYLE_NONE, text, columns, false);
	fputc('\n', f);
}

/* The length of a time in UTC at the beginning of text, as in 2026-11-22T08:00:00.5Z; 0: none. */
static size_t time_at(const char *text)
{
	static const char form[] = "0000-00-00T00:00:00";
	size_t n = 0;

	for (; form[n]; n++)
		if (form[n] == '0' ? !isdigit((unsigned char)text[n]) : text[n] != form[n])
			return 0;
	if (text[n] == '.')
		n += 1 + strspn(text + n + 1, "0123456789");
	return text[n] == 'Z' ? n + 1 : 0;
}

void event_local_times(const char *text, uint64_t now_real_usec, char *buf, size_t size)
{
	size_t len = 0;

	while (*text && len + 1 < size) {
		size_t n = time_at(text);
		char word[JSON_TIME_MAX], shown[SHOW_TIME_MAX];
		uint64_t usec;

		snprintf(word, sizeof(word), "%.*s", (int)n, text);
		if (!n || n >= sizeof(word) || json_time_parse(word, &usec) < 0) {
			buf[len++] = *text++;
			continue;
		}
		show_time(usec, now_real_usec, shown);
		len += MIN((size_t)snprintf(buf + len, size - len, "%s", shown), size - len - 1);
		text += n;
	}
	buf[len] = '\0';
}

/* A column of so many places; a longer word is cut. */
static unsigned print_column(
	const struct cli *c, FILE *f, enum style style, const char *text, unsigned columns)
{
	term_print_cut(&c->term, f, style, text, columns, true);
	fputs("  ", f);
	return columns + 2;
}

void event_print(const struct cli *c, FILE *f, const json_t *event, uint64_t now_real_usec,
	unsigned indent, unsigned view)
{
	const char *why = get_string(event, "/reason/text", NULL),
		   *by = get_string(event, "/by", NULL);
	const char *what = get_string(event, "/text", "");
	char time[SHOW_TIME_MAX], text[1024], said[768];
	unsigned at = indent;

	if (why && strstr(what, why)) /* a command's text ends with its reason */
		why = NULL;
	show_time(get_time(event, "/time"), now_real_usec, time);
	fprintf(f, "%*s", (int)indent, "");
	at += print_column(c, f, STYLE_DIM, time, term_width(time));
	if (view & EVENT_VIEW_KIND)
		at += print_column(c, f, style_of(get_string(event, "/severity", "")),
			get_string(event, "/kind", "?"), 16);
	if (view & EVENT_VIEW_GUEST)
		at += print_column(c, f, STYLE_NAME, get_string(event, "/guest", "-"), 12);
	event_local_times(what, now_real_usec, said, sizeof(said));
	snprintf(text, sizeof(text), "%s%s%s%s%s", said, why ? ": " : "", why ? why : "",
		by ? ", by " : "", by ? by : "");
	print_text(c, f, text, at, indent, view & EVENT_VIEW_WRAP);
}
