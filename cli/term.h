/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "common/macros.h"

/* What standard output can show. */
struct term {
	bool is_terminal;
	bool colour;
	bool utf8;
	unsigned columns; /* 0: no limit (a pipe without COLUMNS) */
};
void term_init(struct term *t) _nonnull_;
/* Asks again: the window may have changed. */
void term_measure(struct term *t, unsigned *ret_rows) _nonnull_;

enum style {
	STYLE_NONE,
	STYLE_BOLD,
	STYLE_DIM,
	STYLE_GOOD, /* green */
	STYLE_NOTE, /* yellow */
	STYLE_BAD,  /* red */
	STYLE_NAME, /* cyan */
};
/* The text between its escape sequences; without colours just the text. What is not printable comes
 * out as '?': names and texts of guests are not trusted to leave the terminal alone. */
void term_print(const struct term *t, FILE *f, enum style style, const char *text) _nonnull_;
/* Columns that a text takes when printed by term_print(). */
unsigned term_width(const char *text) _nonnull_ _pure_;
/* Prints at most `columns` of a text (with an ellipsis where it is cut), and blanks up to there if
 * pad. columns 0: all of it. */
void term_print_cut(const struct term *t, FILE *f, enum style style, const char *text,
	unsigned columns, bool pad) _nonnull_;
/* A text in lines of the terminal's width: it begins in column `at`, each further line after indent
 * blanks. Returns the column where it ends. */
unsigned term_print_words(const struct term *t, FILE *f, enum style style, const char *text,
	unsigned at, unsigned indent) _nonnull_;
/* The same without a style, and with the end of the line. */
void term_print_wrapped(const struct term *t, FILE *f, const char *text, unsigned at,
	unsigned indent) _nonnull_;
/* A line made by the above, cut to the terminal's width; escape sequences take no columns. */
void term_print_line(const struct term *t, FILE *f, const char *line) _nonnull_;

/* A bar of so many cells: filled up to used, marked up to has, empty up to whole; all in the same
 * unit. */
void term_print_bar(const struct term *t, FILE *f, unsigned cells, uint64_t used, uint64_t has,
	uint64_t whole, enum style style) _nonnull_;

/* A table: cells are added row by row, then printed with columns as wide as they must be. */
#define TABLE_COLUMNS_MAX 20
struct table_cell {
	char *text;
	enum style style;
	uint64_t bar_used, bar_has, bar_whole; /* text NULL: a bar */
};
struct table {
	const char *titles[TABLE_COLUMNS_MAX + 1]; /* ends with NULL */
	bool right[TABLE_COLUMNS_MAX];		   /* numbers */
	unsigned bar_cells;
	struct table_cell *cells;
	size_t n, allocated;
};
void table_clear(struct table *t) _nonnull_;
#define _cleanup_table_ _cleanup_(table_clear)
void table_add(struct table *t, enum style style, const char *text) _nonnull_;
void table_add_bar(
	struct table *t, enum style style, uint64_t used, uint64_t has, uint64_t whole) _nonnull_;
/* The last column is cut where the terminal ends. */
void table_print(const struct table *t, const struct term *term, FILE *f) _nonnull_;
