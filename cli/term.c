/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/term.h"

#include <langinfo.h>
#include <sys/ioctl.h>
#include <wchar.h>
#include <wctype.h>

#include "common/printable.h"

static const char *const escapes[] = {
	[STYLE_BOLD] = "\033[1m",
	[STYLE_DIM] = "\033[2m",
	[STYLE_GOOD] = "\033[32m",
	[STYLE_NOTE] = "\033[33m",
	[STYLE_BAD] = "\033[1;31m",
	[STYLE_NAME] = "\033[36m",
};

void term_measure(struct term *t, unsigned *ret_rows)
{
	const char *columns = getenv("COLUMNS");
	struct winsize w = {0};

	*ret_rows = 0;
	t->columns = columns ? (unsigned)strtoul(columns, NULL, 10) : 0;
	if (!t->is_terminal || ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0)
		return;
	*ret_rows = w.ws_row;
	if (!t->columns)
		t->columns = w.ws_col ? w.ws_col : 80;
}

void term_init(struct term *t)
{
	const char *no_colour = getenv("NO_COLOR"), *name = getenv("TERM");
	unsigned rows;

	*t = (struct term){0};
	t->is_terminal = isatty(STDOUT_FILENO);
	/* no-color.org: set and not empty */
	t->colour = t->is_terminal && !(no_colour && *no_colour) && name && !streq(name, "dumb");
	t->utf8 = streq(nl_langinfo(CODESET), "UTF-8");
	term_measure(t, &rows);
}

/* The next character of s: its bytes (never 0 before the end) and the columns it takes; bad says
 * that it must not be printed. */
static size_t next_char(const char *s, unsigned *ret_columns, bool *ret_bad)
{
	mbstate_t state = {0};
	wchar_t c;
	size_t n = mbrtowc(&c, s, strlen(s), &state);
	int width;

	*ret_columns = 1;
	*ret_bad = true;
	if (!n || n >= (size_t)-2)
		return 1;
	width = wcwidth(c);
	/* What turns text around takes no column, and is not to pass unseen. */
	if (width < 0 || !printable_char((uint32_t)c))
		return n;
	*ret_bad = false;
	*ret_columns = (unsigned)width;
	return n;
}

unsigned term_width(const char *text)
{
	unsigned columns = 0, w;
	bool bad;

	while (*text) {
		text += next_char(text, &w, &bad);
		columns += w;
	}
	return columns;
}

/* Prints what fits into `columns`; returns what it took. */
static unsigned print_plain(FILE *f, const char *text, unsigned columns)
{
	unsigned used = 0, w;
	bool bad;

	while (*text) {
		size_t n = next_char(text, &w, &bad);

		if (used + w > columns)
			break;
		if (bad)
			fputc('?', f);
		else
			fwrite(text, 1, n, f);
		used += w;
		text += n;
	}
	return used;
}

static void begin(const struct term *t, FILE *f, enum style style)
{
	if (t->colour && style != STYLE_NONE)
		fputs(escapes[style], f);
}

static void end(const struct term *t, FILE *f, enum style style)
{
	if (t->colour && style != STYLE_NONE)
		fputs("\033[0m", f);
}

void term_print(const struct term *t, FILE *f, enum style style, const char *text)
{
	begin(t, f, style);
	print_plain(f, text, UINT32_MAX);
	end(t, f, style);
}

void term_print_cut(const struct term *t, FILE *f, enum style style, const char *text,
	unsigned columns, bool pad)
{
	unsigned used;

	if (!columns) {
		term_print(t, f, style, text);
		return;
	}
	begin(t, f, style);
	if (term_width(text) <= columns) {
		used = print_plain(f, text, columns);
	} else {
		used = print_plain(f, text, columns - 1);
		fputs(t->utf8 ? "…" : "~", f);
		used++;
	}
	end(t, f, style);
	if (pad)
		fprintf(f, "%*s", (int)(columns - MIN(columns, used)), "");
}

unsigned term_print_words(const struct term *t, FILE *f, enum style style, const char *text,
	unsigned at, unsigned indent)
{
	/* Where hardly a word fits into a line the terminal may as well break it. */
	unsigned limit = t->columns > indent + 20 ? t->columns : 0;
	bool first = true;

	begin(t, f, style);
	while (*text) {
		size_t n = strcspn(text, " ");
		char word[512];
		unsigned w;

		snprintf(word, sizeof(word), "%.*s", (int)n, text);
		w = term_width(word);
		if (limit && at > indent && at + !first + w > limit) {
			fprintf(f, "\n%*s", (int)indent, "");
			at = indent;
		} else if (!first) {
			fputc(' ', f);
			at++;
		}
		print_plain(f, word, UINT32_MAX);
		at += w;
		first = false;
		text += n;
		text += strspn(text, " ");
	}
	end(t, f, style);
	return at;
}

void term_print_wrapped(
	const struct term *t, FILE *f, const char *text, unsigned at, unsigned indent)
{
	term_print_words(t, f, STYLE_NONE, text, at, indent);
	fputc('\n', f);
}

/* An escape sequence of ours ("ESC [ ... letter") at s: its bytes, else 0. */
static size_t escape_len(const char *s)
{
	size_t n;

	if (s[0] != '\033' || s[1] != '[')
		return 0;
	n = 2 + strspn(s + 2, "0123456789;");
	return n + (s[n] != '\0');
}

/* Prints (f NULL: only measures) a line up to so many columns; what is no text passes whole, so
 * that a style that was begun is ended. Returns the columns. */
static unsigned walk_line(FILE *f, const char *line, unsigned columns)
{
	unsigned used = 0, w;
	bool bad, full = false;
	size_t n;

	for (; *line; line += n) {
		n = escape_len(line);
		if (n) {
			if (f)
				fwrite(line, 1, n, f);
			continue;
		}
		n = next_char(line, &w, &bad);
		full = full || used + w > columns;
		if (full)
			continue;
		used += w;
		if (f)
			fwrite(line, 1, n, f);
	}
	return used;
}

void term_print_line(const struct term *t, FILE *f, const char *line)
{
	if (!t->columns || walk_line(NULL, line, UINT32_MAX) <= t->columns) {
		walk_line(f, line, UINT32_MAX);
		return;
	}
	walk_line(f, line, t->columns - 1);
	fputs(t->utf8 ? "…" : "~", f);
}

static unsigned cells_of(uint64_t value, uint64_t whole, unsigned cells)
{
	if (!whole)
		return 0;
	/* Rounded to the nearest; something is never nothing. */
	unsigned n = (unsigned)((MIN(value, whole) * cells + whole / 2) / whole);

	return value && !n ? 1 : n;
}

void term_print_bar(const struct term *t, FILE *f, unsigned cells, uint64_t used, uint64_t has,
	uint64_t whole, enum style style)
{
	unsigned u = cells_of(used, whole, cells), h = MAX(cells_of(has, whole, cells), u);

	begin(t, f, style);
	for (unsigned i = 0; i < u; i++)
		fputs(t->utf8 ? "█" : "#", f);
	end(t, f, style);
	begin(t, f, STYLE_DIM);
	for (unsigned i = u; i < h; i++)
		fputs(t->utf8 ? "▒" : "=", f);
	for (unsigned i = h; i < cells; i++)
		fputs(t->utf8 ? "·" : ".", f);
	end(t, f, STYLE_DIM);
}
