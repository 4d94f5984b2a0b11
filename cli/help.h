/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

/* --help without a command, and of c->command. On standard output. */
void help_all(const struct cli *c) _nonnull_;
void help_command(const struct cli *c) _nonnull_;
