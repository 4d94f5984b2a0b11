/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

/* Settings as in GET /v1/guests/G/policy, each with where it comes from. */
void settings_print(const struct cli *c, const json_t *settings) _nonnull_args_(1);
/* Without the defaults. */
void settings_print_given(const struct cli *c, const json_t *settings) _nonnull_args_(1);
