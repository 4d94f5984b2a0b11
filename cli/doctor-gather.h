/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"
#include "cli/doctor.h"

/* Looks at all that doctor judges. What cannot be looked at is left out; nothing is changed.
 * Returns CLI_OK, or the exit code after a message. */
int doctor_gather(struct cli *c, struct doctor_facts *ret) _nonnull_ _must_check_;
