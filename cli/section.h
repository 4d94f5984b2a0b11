/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

/* A screen that explains: a word in the left column says what a paragraph answers, its lines stand
 * beside it. */
struct section {
	const struct cli *c;
	const char *title;
	unsigned lines; /* printed so far */
};
#define SECTION_COLUMN 9
static inline struct section section_begin(const struct cli *c, const char *title)
{
	return (struct section){.c = c, .title = title};
}
void section_line(struct section *s, enum style style, const char *fmt, ...) _nonnull_args_(1, 3)
	_printf_(3, 4);
/* The settings that are not defaults, each with the line it comes from; at most max. Returns how
 * many there are. */
unsigned section_settings(struct section *s, const json_t *settings, unsigned max)
	_nonnull_args_(1);
/* The newest events of an array that is oldest first, newest first; at most max. */
void section_moves(struct section *s, const json_t *events, uint64_t now_real_usec, unsigned max,
	bool with_guest) _nonnull_args_(1);
