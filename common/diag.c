/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/diag.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

void diag_clear(struct diag *d)
{
	if (!d)
		return;
	free(d->file);
	free(d->text);
	*d = (struct diag){0};
}

int diag_set(struct diag *d, int err, const char *file, unsigned line, unsigned col,
	const char *fmt, ...)
{
	char *text = NULL, *name = NULL;
	va_list ap;

	if (!d)
		return -err;

	/* The new text may quote the old one: drop that last. */
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (file)
		name = strdup(file);

	diag_clear(d);
	*d = (struct diag){.file = name, .line = line, .col = col, .text = text};
	return -err;
}

char *diag_format(const struct diag *d)
{
	const char *file = d->file ? d->file : "", *text = d->text ? d->text : "";
	char place[48] = "";
	char *s;

	if (d->line && d->col)
		snprintf(place, sizeof(place), "%s%u:%u: ", d->file ? ":" : "line ", d->line,
			d->col);
	else if (d->line)
		snprintf(place, sizeof(place), "%s%u: ", d->file ? ":" : "line ", d->line);
	else if (d->col)
		snprintf(place, sizeof(place), "%scolumn %u: ", d->file ? ": " : "", d->col);
	else if (d->file)
		snprintf(place, sizeof(place), ": ");
	if (asprintf(&s, "%s%s%s", file, place, text) < 0)
		return NULL;
	return s;
}

void diag_list_clear(struct diag_list *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++)
		diag_clear(&l->items[i]);
	free(l->items);
	*l = (struct diag_list){0};
}

int diag_list_take(struct diag_list *l, struct diag *d)
{
	if (l->n == l->allocated) {
		size_t allocated = l->allocated ? 2 * l->allocated : 4;
		struct diag *items = reallocarray(l->items, allocated, sizeof(*items));

		if (!items)
			return -ENOMEM;
		l->items = items;
		l->allocated = allocated;
	}
	l->items[l->n++] = *d;
	*d = (struct diag){0};
	return 0;
}

char *excerpt_n(const char *s, size_t len, char buf[static EXCERPT_MAX])
{
	/* Room for the longest single step (an escape or one UTF-8 character), the dots and NUL. */
	const size_t room = EXCERPT_MAX - 4 - 3 - 1;
	size_t n = 0, i = 0;

	while (i < len && n <= room) {
		unsigned char c = (unsigned char)s[i];
		size_t step = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

		if (c < 0x20 || c == 0x7f) {
			n += (size_t)snprintf(buf + n, 5, "\\x%02x", c);
			i++;
			continue;
		}
		for (step = MIN(step, len - i); step > 0; step--)
			buf[n++] = s[i++];
	}
	buf[n] = '\0';
	if (i < len)
		strcpy(buf + n, "...");
	return buf;
}

char *excerpt(const char *s, char buf[static EXCERPT_MAX])
{
	return excerpt_n(s, strlen(s), buf);
}

/* Longer words are never names of ours, and the rows below stay on the stack. */
#define WORD_MAX 64

static unsigned lower(char c)
{
	return (unsigned)tolower((unsigned char)c);
}

/* Optimal string alignment: Levenshtein with the swap of two neighbours as one edit. Both at most
 * WORD_MAX. */
static size_t edit_distance(const char *a, size_t la, const char *b, size_t lb)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2], *spare;

	for (size_t j = 0; j <= lb; j++)
		above[j] = j;
	for (size_t i = 1; i <= la; i++) {
		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			bool same = lower(a[i - 1]) == lower(b[j - 1]);
			size_t d = above[j - 1] + !same;

			d = MIN(d, above[j] + 1);
			d = MIN(d, row[j - 1] + 1);
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
				lower(a[i - 2]) == lower(b[j - 1]))
				d = MIN(d, before[j - 2] + 1);
			row[j] = d;
		}
		spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[lb];
}

const char *nearest_word(const char *word, const char *const *words)
{
	size_t len = strlen(word), best = SIZE_MAX;
	const char *nearest = NULL;

	if (len == 0 || len > WORD_MAX)
		return NULL;
	for (; *words; words++) {
		size_t l = strlen(*words), d;

		if (l > WORD_MAX)
			continue;
		/* What was only cut short is nearer than any other word. */
		d = len >= 3 && strncasecmp(word, *words, len) == 0
			    ? 1
			    : edit_distance(word, len, *words, l);
		if (d <= MAX(len, l) / 3 && d < best) {
			best = d;
			nearest = *words;
		}
	}
	return nearest;
}
