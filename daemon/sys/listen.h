/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/* Looks for a listening UNIX stream socket handed over by the service manager (ballastd.socket, FileDescriptorName=NAME).
 * Returns a close-on-exec fd that the caller owns, -ENOENT where none was handed over (the caller binds its own), -EINVAL for one that is not
 * such a socket. Once in a process's life: the environment is cleaned. */
int listen_take(const char *name) _nonnull_ _must_check_;
