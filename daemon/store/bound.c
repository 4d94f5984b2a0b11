/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/store/store.h"

#include <stdio.h>

#include "daemon/store/schema.h"
#include "daemon/store/store-internal.h"

/*
 * What the file may weigh. A file of SQLite never shrinks, but what was taken out of it is used
 * again: so it stays below the bound if there is room in it before it has to grow. The WAL beside
 * it holds up to a megabyte between checkpoints, and for a moment a whole transaction: the largest,
 * an hour of 1000 guests that becomes coarse, is 2 MiB.
 */
#define WAL_BYTES (4 * MIB)
/* Taken out at a time: half a day of samples, a part of the objects. */
#define HOURS_AT_ONCE 12
#define ROUNDS_MAX    200

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
