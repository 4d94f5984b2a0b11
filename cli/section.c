/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/section.h"

#include <stdarg.h>

#include "cli/get.h"

void section_line(struct section *s, enum style style, const char *fmt, ...)
{
	char text[1200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	term_print_cut(
		&s->c->term, stdout, STYLE_BOLD, s->lines++ ? "" : s->title, SECTION_COLUMN, true);
	term_print_words(&s->c->term, stdout, style, text, SECTION_COLUMN, SECTION_COLUMN + 2);
	fputc('\n', stdout);
}

unsigned section_settings(struct section *s, const json_t *settings, unsigned max)
{
	unsigned n = 0;
	const json_t *one;
	size_t i;

	json_array_foreach (settings, i, one) {
		const char *file = get_string(one, "/origin/file", NULL),
			   *kind = get_string(one, "/origin/kind", "default");

		if (streq(kind, "default") || n++ >= max)
			continue;
		section_line(s, STYLE_NONE, "[%s] %s=%s  %s%s%.0llu%s",
			get_string(one, "/section", "?"), get_string(one, "/key", "?"),
			get_string(one, "/value", ""),
			file			  ? file
			: streq(kind, "override") ? "set by hand"
						  : kind,
			file ? ":" : "",
			file ? (unsigned long long)get_number(one, "/origin/line", 0) : 0,
			get_bool(one, "/in_force") ? "" : " (not in force in this version)");
	}
	return n;
}

void section_moves(struct section *s, const json_t *events, uint64_t now_real_usec, unsigned max,
	bool with_guest)
{
	size_t n = json_array_size(events);

	for (size_t i = n; i > 0 && n - i < max; i--) {
		const json_t *e = json_array_get(events, i - 1);
		const char *why = get_string(e, "/reason/text", NULL),
			   *what = get_string(e, "/text", "?"), *by = get_string(e, "/by", NULL);
		char time[SHOW_TIME_MAX];

		if (why && strstr(what, why))
			why = NULL;
		section_line(s, STYLE_NONE, "%s  %s%s%s%s%s%s%s",
			show_time(get_time(e, "/time"), now_real_usec, time),
			with_guest ? get_string(e, "/guest", "") : "", with_guest ? ": " : "", what,
			why ? ": " : "", why ? why : "", by ? ", by " : "", by ? by : "");
	}
}
