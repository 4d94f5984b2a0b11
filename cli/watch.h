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
/* --interval, 1 s unless told, at least 100 ms. Returns CLI_OK, or the exit code after a message.
 */
int watch_interval(struct cli *c, uint64_t *ret_usec) _nonnull_;
