/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sqlite3.h>

#include "common/diag.h"

/*
 * The state file's versions. PRAGMA user_version holds the number; migration i leads from version i
 * to i + 1. Once released, an entry is never changed. The table `text` (key, value) keeps its form
 * for ever: every version can read "mode" from any other's file.
 */
struct schema {
	const char *const *migrations; /* SQL, one per version */
	int version;                   /* how many: what this program writes */
};
extern const struct schema schema_current;

/*
 * Brings an open file to the schema's version, each step in one transaction; an older file with
 * content is first copied to PATH.vN. Returns 0, -EPROTO for a newer version (*d has the remedy),
 * or what schema_errno() makes of SQLite's error.
 */
int schema_migrate(sqlite3 *db, const char *path, const struct schema *schema, struct diag *d)
	_nonnull_args_(1, 2, 3) _must_check_;
/* -errno for an SQLite result: FULL -ENOSPC, READONLY -EROFS, CORRUPT and NOTADB -EBADMSG, BUSY
 * -EBUSY, CANTOPEN and PERM -EACCES, IOERR by the system's errno, else -EIO. */
int schema_errno(sqlite3 *db, int result);
