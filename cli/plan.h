/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

/* plan --import: a cluster from a file. Returns CLI_OK, CLI_CONFLICT where somebody who is to leave
 * cannot, or another exit code after a message. */
int plan_import(struct cli *c, const char *path) _nonnull_ _must_check_;
