/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/store/store.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "daemon/store/schema.h"
#include "daemon/store/store-internal.h"

/*
 * What the file may weigh. What was taken out of it is used again: so it stays below the bound if
 * there is room in it before it has to grow. One that is larger all the same (the bound was
 * lowered) gives back what is free at its end, step by step, so that nobody waits for it. The WAL
 * beside it holds up to a megabyte between checkpoints, and for a moment a whole transaction: the
 * largest, an hour of 1000 guests that becomes coarse, is 2 MiB.
 */
#define WAL_BYTES (4 * MIB)
/* Taken out at a time: half a day of samples, a part of the objects. */
#define HOURS_AT_ONCE 12
/* In one transaction; then the store goes on with what waits. 1000 guests: 10 MiB, some tenths of a
 * second. */
#define ROUNDS_MAX 4
/* Pages given back in one transaction, so that the WAL stays small: 2 MiB. */
#define SHRINK_PAGES "512"

static int read_number(sqlite3 *db, const char *sql, uint64_t *ret)
{
	sqlite3_stmt *st = NULL;
	int r = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_step(st);
	if (r == SQLITE_ROW)
		*ret = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return r == SQLITE_ROW ? SQLITE_OK : r == SQLITE_DONE ? SQLITE_ERROR : r;
}

static int used_bytes(sqlite3 *db, uint64_t *ret)
{
	uint64_t size = 0, pages = 0, unused = 0;
	int r = read_number(db, "PRAGMA page_size", &size);

	if (r == SQLITE_OK)
		r = read_number(db, "PRAGMA page_count", &pages);
	if (r == SQLITE_OK)
		r = read_number(db, "PRAGMA freelist_count", &unused);
	*ret = sub_sat(pages, unused) * size;
	return r;
}

/* All but the newest `keep` rows go, and the place of the newest that went is noted. */
int store_prune_table(struct store *s, const char *table, uint64_t keep)
{
	char sql[512];

	snprintf(sql, sizeof(sql),
		"INSERT OR REPLACE INTO pruned SELECT '%s', run, number FROM %s"
		" WHERE seq <= (SELECT max(seq) FROM %s) - %llu ORDER BY seq DESC LIMIT 1;"
		"DELETE FROM %s WHERE seq <= (SELECT max(seq) FROM %s) - %llu;"
		"DELETE FROM runs WHERE id < (SELECT min(run) FROM events) AND id < (SELECT min(run) FROM decisions);",
		table, table, table, (unsigned long long)keep, table, table,
		(unsigned long long)keep);
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL);
}

void store_look(struct store *s, uint64_t *ret_bytes, uint64_t *ret_oldest_sec)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	char path[PATH_MAX];
	struct stat st;

	*ret_bytes = *ret_oldest_sec = 0;
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		snprintf(path, sizeof(path), "%s%s", s->path, suffixes[i]);
		if (stat(path, &st) == 0)
			*ret_bytes += (uint64_t)st.st_size;
	}
	/* Both are the first of an index; of an hour that became coarse samples are there, too. */
	if (s->db && read_number(s->db,
			     "SELECT ifnull(min((SELECT ifnull(min(at_sec), 1 << 62) FROM history_fine),"
			     " (SELECT ifnull(min(hour), 1 << 48) FROM history_coarse) * 3600), 0)",
			     ret_oldest_sec) != SQLITE_OK)
		*ret_oldest_sec = 0;
	if (*ret_oldest_sec >= UINT64_C(1) << 48)
		*ret_oldest_sec = 0;
}

static int halve(struct store *s, const char *table)
{
	char sql[128];
	uint64_t n = 0;
	int r;

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
	r = read_number(s->db, sql, &n);
	return r == SQLITE_OK ? store_prune_table(s, table, n / 2) : r;
}

/* The coarse samples go first, the oldest first; what is told of events and decisions only when
 * that was not enough. */
static int take_out(struct store *s)
{
	char sql[160];
	int r;

	snprintf(sql, sizeof(sql),
		"DELETE FROM history_coarse WHERE hour < (SELECT min(hour) FROM history_coarse) + %d",
		HOURS_AT_ONCE);
	r = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
	if (r != SQLITE_OK || sqlite3_changes(s->db))
		return r;
	r = halve(s, "decisions");
	return r == SQLITE_OK ? halve(s, "events") : r;
}

int store_bound(struct store *s)
{
	uint64_t used = 0, most = sub_sat(s->config.max_bytes, WAL_BYTES);
	int r = s->config.max_bytes ? used_bytes(s->db, &used) : SQLITE_OK;

	for (int i = 0; i < ROUNDS_MAX && r == SQLITE_OK && used > most; i++) {
		r = take_out(s);
		if (r == SQLITE_OK)
			r = used_bytes(s->db, &used);
	}
	return r;
}

void store_make_shrinkable(struct store *s)
{
	uint64_t how = 0;

	if (read_number(s->db, "PRAGMA auto_vacuum", &how) != SQLITE_OK || how)
		return;
	/* The copy may be as large as the file: not in memory. */
	sqlite3_exec(s->db,
		"PRAGMA auto_vacuum=INCREMENTAL; PRAGMA temp_store=FILE; VACUUM; PRAGMA temp_store=MEMORY;",
		NULL, NULL, NULL);
}

static bool is_too_large(struct store *s, uint64_t *ret_used)
{
	uint64_t size = 0, pages = 0;

	return s->config.max_bytes &&
	       read_number(s->db, "PRAGMA page_size", &size) == SQLITE_OK &&
	       read_number(s->db, "PRAGMA page_count", &pages) == SQLITE_OK &&
	       used_bytes(s->db, ret_used) == SQLITE_OK &&
	       size * pages > sub_sat(s->config.max_bytes, WAL_BYTES);
}

int store_shrink(struct store *s)
{
	uint64_t before = 0, unused = 0, used = 0;
	int r;

	if (!is_too_large(s, &used))
		return 0;
	if (used > sub_sat(s->config.max_bytes, WAL_BYTES)) {
		r = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
		if (r == SQLITE_OK)
			r = store_bound(s);
		if (r == SQLITE_OK)
			r = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
		if (r != SQLITE_OK && !sqlite3_get_autocommit(s->db))
			sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
		if (r != SQLITE_OK)
			return schema_errno(s->db, r);
	}
	r = read_number(s->db, "PRAGMA freelist_count", &before);
	if (r == SQLITE_OK && before)
		r = sqlite3_exec(s->db, "PRAGMA incremental_vacuum(" SHRINK_PAGES ")", NULL, NULL,
			NULL);
	if (r == SQLITE_OK)
		r = read_number(s->db, "PRAGMA freelist_count", &unused);
	if (r != SQLITE_OK)
		return schema_errno(s->db, r);
	/* Only this makes the file itself shorter; where somebody reads, the next one does. */
	(void)!sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	/* Whatever was done, there is an end. */
	return unused < before && is_too_large(s, &used);
}
