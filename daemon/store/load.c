/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/store/store.h"

#include "daemon/store/schema.h"
#include "daemon/store/store-internal.h"

/* Reads at start, before the store's thread owns the file. */

static int load_error(struct store *s, int r)
{
	return r == SQLITE_DONE ? 0 : schema_errno(s->db, r);
}

static const char *column_text(sqlite3_stmt *st, int i)
{
	const unsigned char *text = sqlite3_column_text(st, i);

	return text ? (const char *)text : "";
}

static bool column_uuid(sqlite3_stmt *st, int i, struct uuid *ret)
{
	if (sqlite3_column_bytes(st, i) != (int)sizeof(ret->bytes))
		return false;
	memcpy(ret->bytes, sqlite3_column_blob(st, i), sizeof(ret->bytes));
	return true;
}

int store_load_text(struct store *s, const char *key, char **ret)
{
	sqlite3_stmt *st = NULL;
	int r, err;

	if (!s->db)
		return -ENOENT;
	r = sqlite3_prepare_v2(s->db, "SELECT value FROM text WHERE key = ?1", -1, &st, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	if (r == SQLITE_OK)
		r = sqlite3_step(st);
	if (r == SQLITE_ROW) {
		*ret = strdup(column_text(st, 0));
		err = *ret ? 0 : -ENOMEM;
	} else {
		err = r == SQLITE_DONE ? -ENOENT : schema_errno(s->db, r);
	}
	sqlite3_finalize(st);
	return err;
}

int store_load_overrides(struct store *s, store_overrides_fn fn, void *userdata)
{
	sqlite3_stmt *st = NULL;
	int r, err = 0;

	if (!s->db)
		return 0;
	r = sqlite3_prepare_v2(
		s->db, "SELECT guest, text FROM overrides ORDER BY guest", -1, &st, NULL);
	while (r == SQLITE_OK && !err && (r = sqlite3_step(st)) == SQLITE_ROW) {
		struct uuid guest;

		r = SQLITE_OK;
		if (column_uuid(st, 0, &guest))
			err = fn(&guest, column_text(st, 1), userdata);
	}
	sqlite3_finalize(st);
	return err ? err : load_error(s, r);
}

int store_load_originals(struct store *s, store_original_fn fn, void *userdata)
{
	sqlite3_stmt *st = NULL;
	int r, err = 0;

	if (!s->db)
		return 0;
	/* Columns are only ever added at the end: `ballastd --release` reads files of older and
	 * newer versions as they are. */
	r = sqlite3_prepare_v2(s->db, "SELECT * FROM originals ORDER BY guest", -1, &st, NULL);
	while (r == SQLITE_OK && !err && (r = sqlite3_step(st)) == SQLITE_ROW) {
		int columns = sqlite3_column_count(st);
		struct store_original o = {
			.name = column_text(st, 1),
			.run = column_text(st, 2),
			.bytes = (uint64_t)sqlite3_column_int64(st, 3),
			.cpu_weight = (uint64_t)sqlite3_column_int64(st, 4),
			.cpu_quota = (uint64_t)sqlite3_column_int64(st, 5),
			.target_bytes = (uint64_t)sqlite3_column_int64(st, 6),
			.soft_limited = columns > 7 && sqlite3_column_int(st, 7),
			.cpu_ours = columns > 8 && sqlite3_column_int(st, 8),
			.cpu_shares = columns > 9 ? (uint64_t)sqlite3_column_int64(st, 9) : 0,
			.cpu_period_usec =
				columns > 10 ? (uint64_t)sqlite3_column_int64(st, 10) : 0,
			.cpu_quota_usec = columns > 11 ? sqlite3_column_int64(st, 11) : -1,
			.period_ours = columns > 12 && sqlite3_column_int(st, 12),
		};

		r = SQLITE_OK;
		if (column_uuid(st, 0, &o.guest))
			err = fn(&o, userdata);
	}
	sqlite3_finalize(st);
	return err ? err : load_error(s, r);
}

int store_load_last_number(struct store *s, uint64_t *ret)
{
	sqlite3_stmt *st = NULL;
	int r;

	if (!s->db)
		return -ENOENT;
	r = sqlite3_prepare_v2(s->db,
		"SELECT max(number) FROM (SELECT number FROM events UNION ALL SELECT number FROM decisions"
		" UNION ALL SELECT number FROM pruned)",
		-1, &st, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_step(st);
	if (r == SQLITE_ROW)
		*ret = (uint64_t)MAX(sqlite3_column_int64(st, 0), (sqlite3_int64)0);
	sqlite3_finalize(st);
	return r == SQLITE_ROW ? 0 : r == SQLITE_ERROR ? -ENOENT : schema_errno(s->db, r);
}

int store_load_events(struct store *s, uint64_t max, store_event_fn fn, void *userdata)
{
	sqlite3_stmt *st = NULL;
	int r, err = 0;

	if (!s->db)
		return 0;
	r = sqlite3_prepare_v2(s->db,
		"SELECT seq, real_usec, text FROM (SELECT * FROM"
		" (SELECT * FROM (SELECT seq, real_usec, text, run, number FROM events ORDER BY seq DESC LIMIT ?1)"
		" UNION ALL SELECT * FROM (SELECT seq, real_usec, text, run, number FROM decisions ORDER BY seq DESC LIMIT ?1))"
		" ORDER BY run DESC, number DESC, real_usec DESC, seq DESC LIMIT ?1) ORDER BY run, number, real_usec, seq",
		-1, &st, NULL);
	if (r == SQLITE_ERROR) /* a file of an older version, which can only be read now */
		r = sqlite3_prepare_v2(s->db,
			"SELECT seq, real_usec, text FROM (SELECT * FROM"
			" (SELECT * FROM (SELECT seq, real_usec, text FROM events ORDER BY seq DESC LIMIT ?1)"
			" UNION ALL SELECT * FROM (SELECT seq, real_usec, text FROM decisions ORDER BY seq DESC LIMIT ?1))"
			" ORDER BY real_usec DESC, seq DESC LIMIT ?1) ORDER BY real_usec, seq",
			-1, &st, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_bind_int64(st, 1, (int64_t)MIN(max, (uint64_t)INT64_MAX));
	while (r == SQLITE_OK && !err && (r = sqlite3_step(st)) == SQLITE_ROW) {
		r = SQLITE_OK;
		err = fn((uint64_t)sqlite3_column_int64(st, 0),
			(uint64_t)sqlite3_column_int64(st, 1), column_text(st, 2), userdata);
	}
	sqlite3_finalize(st);
	return err ? err : load_error(s, r);
}
