/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

/* For commands that go on until Ctrl-C: it stops the watching, never the work. */
void watch_begin(void);
/* Has Ctrl-C (or a TERM) come? */
bool watch_ended(void);
/* Waits for the interval, or less if watch_ended() or (with a terminal as standard input and keys)
 * a key comes. Returns the key or 0. */
int watch_wait(uint64_t usec, bool keys);
/* --interval, 1 s unless told, at least 100 ms. Returns CLI_OK, or the exit code after a
 * message. */
int watch_interval(struct cli *c, uint64_t *ret_usec) _nonnull_;

/* A screen of its own, keys without Enter and no echo; end puts all back as it was. */
struct watch_screen;
struct watch_screen *watch_screen_begin(void);
void watch_screen_end(struct watch_screen *s);
/* Shows a frame on the whole screen, each line in one row. The frame is written to. */
void watch_screen_show(const struct term *t, char *frame, unsigned rows) _nonnull_;

/* Runs the command with what its output needs: again and again with --watch, through a pager where
 * it is longer than the screen. Returns its exit code. */
int watch_run(struct cli *c) _nonnull_;
