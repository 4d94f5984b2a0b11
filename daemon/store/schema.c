/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/store/schema.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static const char *const migrations[] = {
	/* 0 -> 1: an empty file becomes ours. Sizes are INTEGER (64 bit, two's complement:
	   USEC_INFINITY is -1). */
	"CREATE TABLE text (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE overrides (guest BLOB PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE originals (guest BLOB PRIMARY KEY, name TEXT NOT NULL, run TEXT NOT NULL,"
	" bytes INTEGER NOT NULL, cpu_weight INTEGER NOT NULL, cpu_quota INTEGER NOT NULL, target INTEGER NOT NULL)"
	" WITHOUT ROWID;"
	"CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, real_usec INTEGER NOT NULL,"
	" text TEXT NOT NULL);"
	"CREATE TABLE decisions (seq INTEGER PRIMARY KEY AUTOINCREMENT,"
	" real_usec INTEGER NOT NULL, guest BLOB NOT NULL, text TEXT NOT NULL);",
	/* 1 -> 2: a soft limit of ours is on the guest, to be lifted by whoever comes after us. */
	"ALTER TABLE originals ADD COLUMN soft_limited INTEGER NOT NULL DEFAULT 0;",
	/* 2 -> 3: weight or quota that are on it are ours, to go back once no policy sets them. */
	("ALTER TABLE originals ADD COLUMN cpu_ours INTEGER NOT NULL DEFAULT 0;"
	 "UPDATE originals SET cpu_ours = 1;"), /* may be: where they are the original's after all,
						   that is seen when they are read */
	/* 3 -> 4: weight and quota in libvirt's own words, which the ones above were made of. 0:
	   not known. */
	("ALTER TABLE originals ADD COLUMN cpu_shares INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE originals ADD COLUMN cpu_period_usec INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE originals ADD COLUMN cpu_quota_usec INTEGER NOT NULL DEFAULT -1;"
	 /* The balloon statistics' period on it is ours. */
	 "ALTER TABLE originals ADD COLUMN period_ours INTEGER NOT NULL DEFAULT 0;"),
	/* 4 -> 5: an event's place: which run of the daemon told it, and its number there, as in
	   its id; runs in the order in which they began. */
	("CREATE TABLE runs (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);"
	 "ALTER TABLE events ADD COLUMN run INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE events ADD COLUMN number INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE decisions ADD COLUMN run INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE decisions ADD COLUMN number INTEGER NOT NULL DEFAULT 0;"
	 "CREATE TEMP VIEW places AS SELECT of, seq, real_usec, substr(id, 1, length(id) - length(number) - 1) AS run, number FROM"
	 " (SELECT of, seq, real_usec, json_extract(text, '$.id') AS id, json_extract(text, '$.seq') AS number FROM"
	 " (SELECT 'e' AS of, seq, real_usec, text FROM events WHERE json_valid(text) UNION ALL"
	 " SELECT 'd', seq, real_usec, text FROM decisions WHERE json_valid(text)))"
	 " WHERE typeof(id) = 'text' AND typeof(number) = 'integer';"
	 "INSERT INTO runs (name) SELECT run FROM places GROUP BY run ORDER BY min(real_usec);"
	 "CREATE TEMP TABLE placed AS SELECT of, seq, runs.id AS run, number FROM places JOIN runs ON runs.name = places.run;"
	 "CREATE INDEX temp.placed_by ON placed (of, seq);"
	 "UPDATE events SET (run, number) = (SELECT run, number FROM placed WHERE of = 'e' AND placed.seq = events.seq)"
	 " WHERE seq IN (SELECT seq FROM placed WHERE of = 'e');"
	 "UPDATE decisions SET (run, number) = (SELECT run, number FROM placed WHERE of = 'd' AND placed.seq = decisions.seq)"
	 " WHERE seq IN (SELECT seq FROM placed WHERE of = 'd');"
	 "DROP TABLE placed;"
	 "DROP VIEW places;"
	 "CREATE INDEX events_place ON events (run, number);"
	 "CREATE INDEX decisions_place ON decisions (run, number);"
	 /* The newest place that is gone from a table: what was before it is not whole. */
	 "CREATE TABLE pruned (of TEXT PRIMARY KEY, run INTEGER NOT NULL, number INTEGER NOT NULL) WITHOUT ROWID;"
	 "INSERT INTO pruned SELECT 'events', run, number - 1 FROM events WHERE seq = (SELECT min(seq) FROM events) AND seq > 1;"
	 "INSERT INTO pruned SELECT 'decisions', run, number - 1 FROM decisions WHERE seq = (SELECT min(seq) FROM decisions) AND seq > 1;"
	 /* Samples, as daemon/history/pack.h says. Guest 0 is the host. */
	 "CREATE TABLE history_guests (id INTEGER PRIMARY KEY AUTOINCREMENT, uuid BLOB NOT NULL UNIQUE, name TEXT NOT NULL,"
	 " last_hour INTEGER NOT NULL);"
	 "CREATE TABLE history_fine (at_sec INTEGER PRIMARY KEY, data BLOB NOT NULL);"
	 "CREATE TABLE history_coarse (hour INTEGER NOT NULL, guest INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (hour, guest))"
	 " WITHOUT ROWID;"),
};

const struct schema schema_current = {migrations, ARRAY_SIZE(migrations)};

int schema_errno(sqlite3 *db, int result)
{
	int system = db ? sqlite3_system_errno(db) : 0;

	switch (result & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return system ? -system : -EACCES;
	default:
		return system ? -system : -EIO;
	}
}

static int failed(sqlite3 *db, int result, const char *path, const char *what, struct diag *d)
{
	return diag_set(d, -schema_errno(db, result), path, 0, 0, "cannot %s: %s", what,
		sqlite3_errmsg(db));
}

/* A complete copy in one file, by SQLite itself: it reads what is still in the WAL as well. */
static int back_up(sqlite3 *db, const char *path, int version, struct diag *d)
{
	char copy[PATH_MAX], what[PATH_MAX + 32];
	sqlite3_stmt *st = NULL;
	int r;

	if ((size_t)snprintf(copy, sizeof(copy), "%s.v%d", path, version) >= sizeof(copy))
		return -ENAMETOOLONG;
	if (unlink(copy) < 0 && errno != ENOENT)
		return diag_set(
			d, errno, copy, 0, 0, "cannot replace an older copy: %s", strerror(errno));
	r = sqlite3_prepare_v2(db, "VACUUM INTO ?1", -1, &st, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_bind_text(st, 1, copy, -1, SQLITE_STATIC);
	if (r == SQLITE_OK)
		r = sqlite3_step(st);
	sqlite3_finalize(st);
	if (r == SQLITE_DONE)
		return 0;
	snprintf(what, sizeof(what), "copy it to %s before the upgrade", copy);
	return failed(db, r, path, what, d);
}

static int version_read(sqlite3 *db, int *ret)
{
	sqlite3_stmt *st = NULL;
	int r = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &st, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_step(st);
	if (r == SQLITE_ROW)
		*ret = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return r == SQLITE_ROW ? SQLITE_OK : r;
}

int schema_migrate(sqlite3 *db, const char *path, const struct schema *schema, struct diag *d)
{
	int version = 0, r = version_read(db, &version);

	if (r != SQLITE_OK)
		return failed(db, r, path, "read its version", d);
	if (version > schema->version)
		return diag_set(d, EPROTO, path, 0, 0,
			"was written by a newer ballastd (state version %d, this one knows up to %d): install that "
			"release again; or, to start anew in observe mode, move it and state-made beside it away",
			version, schema->version);
	if (version > 0 && version < schema->version && (r = back_up(db, path, version, d)) < 0)
		return r;
	for (; version < schema->version; version++) {
		char *sql = sqlite3_mprintf("BEGIN IMMEDIATE;%s;PRAGMA user_version=%d;COMMIT;",
			schema->migrations[version], version + 1);

		r = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
		sqlite3_free(sql);
		if (r != SQLITE_OK) {
			int err = failed(db, r, path, "bring it to this version", d);

			sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
			return err;
		}
	}
	return 0;
}
