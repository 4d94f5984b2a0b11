/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

/* When what was commanded takes effect: commands are taken also while nothing can be done. */

/* The host's problem "libvirt-unreachable", or NULL. */
const json_t *effect_libvirt_problem(const json_t *host);
/* After a success: says on standard error what the effect waits for, if for anything. */
void effect_note(struct cli *c) _nonnull_;
