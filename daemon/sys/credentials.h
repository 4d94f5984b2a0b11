/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/* A secret that the service manager put into $CREDENTIALS_DIRECTORY (LoadCredential=NAME:PATH).
 * Returns its length with a new NUL-terminated copy that the caller frees (at most 1 MiB), -ENXIO
 * where the unit passes no credentials, -ENOENT where not this one, -EINVAL for a name with a
 * slash, -errno. */
ssize_t credential_read(const char *name, char **ret) _nonnull_ _must_check_;
