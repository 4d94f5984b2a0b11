/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/chart.h"

#include <time.h>

#include "common/units.h"

#define LABEL_COLUMNS 9
#define LABEL_MAX 32
#define PARTS 8 /* of a cell */

static const char *const filled_utf8[PARTS + 1] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
static const char *const filled_ascii[PARTS + 1] = {" ", ".", ".", ".", "#", "#", "#", "#", "#"};

/* The mean of what is known of the points that fall into a column; of fewer points than columns,
 * the one it lies in. */
static uint64_t column_value(const uint64_t *values, size_t n, unsigned column, unsigned columns)
{
	size_t from = (size_t)column * n / columns,
	       until = MAX((size_t)(column + 1) * n / columns, from + 1);
	uint64_t sum = 0, known = 0;

	for (size_t i = from; values && i < until && i < n; i++) {
		if (values[i] == UINT64_MAX)
			continue;
		sum += values[i];
		known++;
	}
	return known ? sum / known : UINT64_MAX;
}

static uint64_t largest(const struct chart *c)
{
	const uint64_t *all[] = {c->fill, c->shade, c->mark};
	uint64_t max = c->least_top;

	for (size_t k = 0; k < ARRAY_SIZE(all); k++)
		for (size_t i = 0; all[k] && i < c->n; i++)
			if (all[k][i] != UINT64_MAX)
				max = MAX(max, all[k][i]);
	return max;
}

struct cell {
	const char *text;
	enum style style;
};

/* Value in parts of a cell, from the ground. */
static uint64_t parts(uint64_t value, uint64_t top, unsigned rows)
{
	return value == UINT64_MAX ? 0 : (value * rows * PARTS + top / 2) / top;
}

static struct cell cell_at(const struct chart *c, const struct term *t, uint64_t top, unsigned rows,
	unsigned row, unsigned column, unsigned columns)
{
	uint64_t fill = column_value(c->fill, c->n, column, columns),
		 shade = column_value(c->shade, c->n, column, columns),
		 mark = column_value(c->mark, c->n, column, columns),
		 ground = (uint64_t)row * PARTS, filled;

	if (mark != UINT64_MAX &&
		MIN(sub_sat(parts(mark, top, rows), 1) / PARTS, (uint64_t)rows - 1) == row && mark)
		return (struct cell){t->utf8 ? "─" : "-", STYLE_NOTE};
	filled = MIN(sub_sat(parts(fill, top, rows), ground), (uint64_t)PARTS);
	if (filled)
		return (struct cell){(t->utf8 ? filled_utf8 : filled_ascii)[filled], c->style};
	if (sub_sat(parts(shade, top, rows), ground) >= PARTS / 2)
		return (struct cell){t->utf8 ? "░" : ":", STYLE_DIM};
	return (struct cell){" ", STYLE_NONE};
}

/* One row of cells; those of one style in one piece. */
static void print_row(const struct chart *c, const struct term *t, FILE *f, uint64_t top,
	unsigned rows, unsigned row, unsigned columns)
{
	char run[8 * 256] = "";
	enum style style = STYLE_NONE;
	size_t len = 0;

	for (unsigned i = 0; i < columns; i++) {
		struct cell cell = cell_at(c, t, top, rows, row, i, columns);

		if (len && (cell.style != style || len + 8 > sizeof(run))) {
			term_print(t, f, style, run);
			len = 0;
		}
		style = cell.style;
		len += (size_t)snprintf(run + len, sizeof(run) - len, "%s", cell.text);
	}
	if (len)
		term_print(t, f, style, run);
	fputc('\n', f);
}

/* The date where one day is not enough. */
static void format_time(uint64_t usec, uint64_t span_usec, char *buf, size_t size)
{
	time_t t = (time_t)(usec / USEC_PER_SEC);
	struct tm tm;

	localtime_r(&t, &tm);
	strftime(buf, size,
		span_usec > 2 * USEC_PER_DAY	 ? "%b %d"
		: span_usec > 20 * USEC_PER_HOUR ? "%a %H:%M"
		: span_usec > 10 * USEC_PER_MIN	 ? "%H:%M"
						 : "%H:%M:%S",
		&tm);
}

static void print_times(const struct chart *c, FILE *f, unsigned columns)
{
	char from[32], middle[32], until[32];
	uint64_t span = sub_sat(c->until_usec, c->from_usec);
	int gap_left, gap_right;

	format_time(c->from_usec, span, from, sizeof(from));
	format_time(c->from_usec + span / 2, span, middle, sizeof(middle));
	format_time(c->until_usec, span, until, sizeof(until));
	gap_left = (int)columns / 2 - (int)strlen(from) - (int)strlen(middle) / 2;
	gap_right = (int)columns - (int)strlen(from) - MAX(gap_left, 1) - (int)strlen(middle) -
		    (int)strlen(until);
	if (gap_left < 1 || gap_right < 1)
		fprintf(f, "%*s%s%*s%s\n", LABEL_COLUMNS + 2, "", from,
			MAX((int)columns - (int)strlen(from) - (int)strlen(until), 1), "", until);
	else
		fprintf(f, "%*s%s%*s%s%*s%s\n", LABEL_COLUMNS + 2, "", from, gap_left, "", middle,
			gap_right, "", until);
}

void chart_print(const struct chart *c, const struct term *t, FILE *f)
{
	unsigned rows = MAX(c->rows, 4u) - 2,
		 columns = c->columns > LABEL_COLUMNS + 12 ? c->columns - LABEL_COLUMNS - 2 : 10;
	uint64_t top = MAX(largest(c), (uint64_t)1);
	char label[LABEL_MAX];

	for (unsigned row = rows; row-- > 0;) {
		bool named = row == rows - 1 || row == rows / 2 - 1;

		/* The upper edge of the row is what is named. */
		if (named)
			c->label(row == rows - 1 ? top : top * (row + 1) / rows, label,
				sizeof(label));
		fprintf(f, "%*s %s", LABEL_COLUMNS, named ? label : "",
			t->utf8 ? named ? "┤" : "│"
			: named ? "+"
				: "|");
		print_row(c, t, f, top, rows, row, columns);
	}
	c->label(0, label, sizeof(label));
	fprintf(f, "%*s %s", LABEL_COLUMNS, label, t->utf8 ? "┴" : "+");
	for (unsigned i = 0; i < columns; i++)
		fputs(t->utf8 ? "─" : "-", f);
	fputc('\n', f);
	print_times(c, f, columns);
}

void chart_legend(const struct term *t, FILE *f, enum style style, const char *fill,
	const char *shade, const char *mark)
{
	const struct {
		const char *utf8, *ascii, *name;
		enum style style;
	} shapes[] = {{"█", "#", fill, style}, {"░", ":", shade, STYLE_DIM},
		{"─", "-", mark, STYLE_NOTE}};
	const char *gap = "";

	fprintf(f, "%*s", LABEL_COLUMNS + 2, "");
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		if (!shapes[i].name)
			continue;
		fputs(gap, f);
		term_print(t, f, shapes[i].style, t->utf8 ? shapes[i].utf8 : shapes[i].ascii);
		fprintf(f, " %s", shapes[i].name);
		gap = "   ";
	}
	fputc('\n', f);
}
