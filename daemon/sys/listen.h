/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/address.h"

/* Looks for a listening UNIX stream socket handed over by the service manager (ballastd.socket,
 * FileDescriptorName=NAME). Returns a close-on-exec fd that the caller owns, -ENOENT where none was
 * handed over (the caller binds its own), -EINVAL for one that is not such a socket. Once in a
 * process's life: the environment is cleaned. */
int listen_take(const char *name) _nonnull_ _must_check_;

/* A listening, close-on-exec, non-blocking TCP socket, which the caller owns, or -errno. One for an
 * address that no interface has yet is made all the same, since at boot a network may come later;
 * *ret_absent says so. */
int listen_tcp(const struct address *a, bool *ret_absent) _nonnull_ _must_check_;
