/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/term.h"

/*
 * A chart over time for a terminal: columns filled up to one value, shaded up to a second, with a
 * mark at a third, told apart by their shapes: colours only help. UINT64_MAX: not known, a gap.
 * Without UTF-8 it is drawn with #, : and -.
 */
struct chart {
	const uint64_t *fill, *shade, *mark; /* n of each; NULL: none of these */
	size_t n;
	uint64_t from_usec, until_usec; /* wall time of the first and behind the last */
	uint64_t least_top;		/* the axis ends no lower than this */
	unsigned rows, columns;		/* of the drawing with its axis */
	/* Writes a value for the axis. */
	char *(*label)(uint64_t value, char *buf, size_t size);
	enum style style; /* of what is filled */
};
void chart_print(const struct chart *c, const struct term *t, FILE *f) _nonnull_;
/* What the three shapes mean, in one line; a NULL has none. */
void chart_legend(const struct term *t, FILE *f, enum style style, const char *fill,
	const char *shade, const char *mark) _nonnull_args_(1, 2);
