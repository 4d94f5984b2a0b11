/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * Text from outside where people read lines: names of guests, messages, reasons. A control
 * character could begin a line that nobody wrote, clear a screen, or turn a name around: what is
 * not to stand as it is is shown as an escape, "\n", "\t", "\x1b", "\u009b", "\u202e".
 */

/* May this character (a code point) stand as it is? Not C0, DEL, C1, line and paragraph separators,
 * and what changes the direction of text. */
bool printable_char(uint32_t c) _const_;
/* Is all of s such, and UTF-8? */
bool printable_is(const char *s) _nonnull_ _pure_;
/* A copy in which the others, and bytes that are no UTF-8, are escaped; keep: those that may stay
 * all the same ("\n"). Cut to size, at a whole character or escape. Returns buf. */
char *printable(const char *s, const char *keep, char *buf, size_t size) _nonnull_;
/* An escape is as long at most, for a character or byte. */
#define PRINTABLE_ESCAPE_MAX 6
