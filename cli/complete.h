/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * `ballastctl __complete WORD...`: what the last word (may be "") can become, one a line, from the
 * very tables that parse; names are asked of the daemon, which gets 200 ms in all. ":file" and
 * ":dir" stand for what the shell itself completes. words[0] is what follows the program's name.
 * Returns 0.
 */
int complete(int n, char **words);
