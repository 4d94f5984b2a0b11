/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/* A name as a word of a shell's command, for commands that people copy from what is printed: in
 * quotes where it has more than letters, digits and what is plain to every shell. Names of guests
 * may have anything in them. One that does not fit is NAME. Returns buf. */
#define SHELL_WORD_MAX 1024
char *shell_word(const char *name, char buf[static SHELL_WORD_MAX]) _nonnull_;
