/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * What is wrong with an input, and where. Parsers fill one and return -errno; whoever called
 * them prints or logs it. Lines and columns count from 1; 0 means "not known". Columns count
 * bytes. The text says what was found, what was expected and, where there is one, the nearest
 * known word.
 */
struct diag {
	char *file; /* owned; NULL: no file (an argument, a request body) */
	unsigned line;
	unsigned col;
	char *text; /* owned; NULL: nothing is wrong */
};

/* Frees what is inside and leaves an empty diag. Takes NULL. */
void diag_clear(struct diag *d);
#define _cleanup_diag_ _cleanup_(diag_clear)

/* Fills *d (dropping what it held) and returns -err, so that a parser ends in
 * `return diag_set(d, EINVAL, file, line, col, "...")`. d may be NULL: then only -err. */
int diag_set(struct diag *d, int err, const char *file, unsigned line, unsigned col,
	const char *fmt, ...) _printf_(6, 7);

/* "file:line:col: text" in a new string, which the caller frees; NULL without memory.
 * Parts that are not known are left out. */
char *diag_format(const struct diag *d) _nonnull_ _must_check_;

/* Several findings of one reading, in the order found. Owns its diags. */
struct diag_list {
	struct diag *items;
	size_t n;
	size_t allocated;
};
void diag_list_clear(struct diag_list *l);
#define _cleanup_diag_list_ _cleanup_(diag_list_clear)
/* Moves *d to the end of the list (and empties *d). Returns 0 or -ENOMEM. */
int diag_list_take(struct diag_list *l, struct diag *d) _nonnull_ _must_check_;

/* An excerpt of foreign text that is safe to print: control bytes as \\xNN, the rest cut with "..."
 * where it is too long. Messages quote what they found through it. Returns buf. */
#define EXCERPT_MAX 80
char *excerpt(const char *s, char buf[static EXCERPT_MAX]) _nonnull_;
/* The same of the first len bytes at s. */
char *excerpt_n(const char *s, size_t len, char buf[static EXCERPT_MAX]) _nonnull_;

/* The entry of the NULL-terminated list that is nearest to word by edit distance (case does not
 * count, two swapped letters are one edit, the first of equals wins), or NULL when none is near
 * enough to be meant: more than a third of the letters (of the longer word) would have to
 * change. */
const char *nearest_word(const char *word, const char *const *words) _nonnull_ _pure_;
