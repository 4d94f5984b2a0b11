/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* `ballastctl simulate FILE [--json] [--timing] [--seed N]`: argv[0] is the name to use in
 * messages. Returns the exit code: 0; 1: an expectation unmet, a guest killed or a promise broken;
 * 2: wrong usage; 3: no such file; 9: a bad scenario. */
int cmd_simulate(int argc, char **argv) __attribute__((nonnull));
