/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/term.h"

void table_clear(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i].text);
	free(t->cells);
	t->cells = NULL;
	t->n = t->allocated = 0;
}

static struct table_cell *new_cell(struct table *t)
{
	if (t->n == t->allocated) {
		size_t n = t->allocated ? t->allocated * 2 : 64;
		struct table_cell *cells = reallocarray(t->cells, n, sizeof(*cells));

		if (!cells)
			abort(); /* a client without memory has nothing to show */
		t->cells = cells;
		t->allocated = n;
	}
	t->cells[t->n] = (struct table_cell){0};
	return &t->cells[t->n++];
}

void table_add(struct table *t, enum style style, const char *text)
{
	struct table_cell *c = new_cell(t);

	c->style = style;
	c->text = strdup(text);
	if (!c->text)
		abort();
}

void table_add_bar(struct table *t, enum style style, uint64_t used, uint64_t has, uint64_t whole)
{
	struct table_cell *c = new_cell(t);

	c->style = style;
	c->bar_used = used;
	c->bar_has = has;
	c->bar_whole = whole;
}

static size_t count_columns(const struct table *t)
{
	size_t n = 0;

	while (n < TABLE_COLUMNS_MAX && t->titles[n])
		n++;
	return n;
}

static void print_cell(const struct term *term, FILE *f, enum style style, const char *text,
	unsigned width, bool right)
{
	if (term_width(text) > width) {
		term_print_cut(term, f, style, text, width, false);
		return;
	}
	if (right)
		fprintf(f, "%*s", (int)(width - MIN(width, term_width(text))), "");
	term_print(term, f, style, text);
	if (!right)
		fprintf(f, "%*s", (int)(width - MIN(width, term_width(text))), "");
}

/* What is left of the line for its last cell; 0: no limit. */
static unsigned rest_of(const struct term *term, unsigned used)
{
	if (!term->columns)
		return 0;
	return term->columns > used + 8 ? term->columns - used : 8;
}

/* No column of words becomes narrower than this for want of room. */
#define WORDS_MIN 12
/* What the last column is left, if it wants that much. */
#define LAST_MIN 8

/* Of words, and so one that may be cut: numbers and bars are not. */
static bool is_words(const struct table *t, size_t column, size_t columns)
{
	for (size_t i = column; i < t->n; i += columns)
		if (!t->cells[i].text)
			return false;
	return !t->right[column];
}

/* On a line that is too short for all, the widest names are cut: a line that runs over the edge
 * makes no columns at all. */
static void fit_widths(const struct table *t, const struct term *term, size_t columns,
	unsigned width[static TABLE_COLUMNS_MAX])
{
	for (;;) {
		unsigned used = MIN(width[columns - 1], (unsigned)LAST_MIN), *widest = NULL;

		for (size_t c = 0; c + 1 < columns; c++) {
			used += width[c] + 2;
			if (is_words(t, c, columns) && width[c] > WORDS_MIN &&
				(!widest || width[c] > *widest))
				widest = &width[c];
		}
		if (!term->columns || used <= term->columns || !widest)
			return;
		(*widest)--;
	}
}

void table_print(const struct table *t, const struct term *term, FILE *f)
{
	size_t columns = count_columns(t);
	unsigned width[TABLE_COLUMNS_MAX];

	for (size_t c = 0; c < columns; c++) {
		width[c] = term_width(t->titles[c]);
		for (size_t i = c; i < t->n; i += columns)
			width[c] = MAX(width[c],
				t->cells[i].text ? term_width(t->cells[i].text) : t->bar_cells);
	}
	if (columns)
		fit_widths(t, term, columns, width);
	for (size_t i = 0; i < t->n + columns; i++) {
		const struct table_cell *cell = i < columns ? NULL : &t->cells[i - columns];
		const char *text = cell ? cell->text : t->titles[i];
		enum style style = cell ? cell->style : STYLE_DIM;
		size_t c = i % columns;
		unsigned used = 0;

		for (size_t k = 0; k < c; k++)
			used += width[k] + 2;
		if (!text)
			term_print_bar(term, f, t->bar_cells, cell->bar_used, cell->bar_has,
				cell->bar_whole, style);
		else if (c + 1 < columns)
			print_cell(term, f, style, text, width[c], t->right[c]);
		else
			term_print_cut(term, f, style, text, rest_of(term, used), false);
		fputs(c + 1 < columns ? "  " : "\n", f);
	}
}
