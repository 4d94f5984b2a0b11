/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

/* The exit code for a problem of the API: by its code where that says more than its status. */
enum cli_exit exit_of(const char *code, long status) _nonnull_;
/* What helps, beyond what the problem's own text says; NULL: that says it. */
const char *exit_remedy(const char *code, long status) _nonnull_;
/* Is it about states that a request named by their tags? Who typed a command named none: the remedy
 * alone is for him. */
bool exit_is_of_states(long status) _const_;
/* Is this status one that exit_of() knows? For the test that every problem has one. */
bool exit_knows(long status) _const_;
