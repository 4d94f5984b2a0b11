/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/client.h"

/* name=value, percent-encoded, behind the path and the parameters that are there; cut where size
 * ends. */
void path_add(char *path, size_t size, const char *name, const char *value) _nonnull_;
