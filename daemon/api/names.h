/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "common/macros.h"

/*
 * What users and groups of this host are called, as /etc/passwd and /etc/group have it: nobody else
 * is asked, since a name service may hang. A table that never changes, read where a disk may be
 * waited for; the HTTP thread only looks things up in it. A user who is not in it goes by his
 * number.
 */
struct names;

/* Reads both files; one that cannot be read is empty. Of each the first NAMES_MAX. NULL without
 * memory. */
#define NAMES_MAX 4096
struct names *names_load(void) _must_check_;
/* The same from other files, for tests. */
struct names *names_load_from(const char *passwd, const char *group) _nonnull_ _must_check_;
struct names *names_free(struct names *n); /* takes NULL, returns NULL */
/* NULL: not known (n may be NULL). Lives as long as the table. */
const char *names_user(const struct names *n, uid_t uid) _pure_;
const char *names_group(const struct names *n, gid_t gid) _pure_;
