/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "daemon/history/pack.h"
#include "daemon/store/reader.h"
#include "daemon/store/schema.h"

/* Samples from the disk: what is there as it was sampled from that, what came before from the
 * hours. */

/* Number and name of a guest by UUID, or by the name that it had last; 0 is the host. */
static int find_guest(sqlite3 *db, struct past_history *q, uint64_t *ret_id)
{
	struct uuid uuid;
	bool is_uuid = uuid_parse(q->word, &uuid) == 0;
	sqlite3_stmt *st = NULL;
	int r = sqlite3_prepare_v2(db,
		is_uuid ? "SELECT id, uuid, name FROM history_guests WHERE uuid = ?1"
			: "SELECT id, uuid, name FROM history_guests WHERE name = ?1 ORDER BY last_hour DESC, id DESC LIMIT 1",
		-1, &st, NULL);

	if (r == SQLITE_OK)
		r = is_uuid ? sqlite3_bind_blob(
				      st, 1, uuid.bytes, sizeof(uuid.bytes), SQLITE_STATIC)
			    : sqlite3_bind_text(st, 1, q->word, -1, SQLITE_STATIC);
	if (r == SQLITE_OK)
		r = sqlite3_step(st);
	if (r == SQLITE_ROW && sqlite3_column_bytes(st, 1) == (int)sizeof(q->guest.bytes)) {
		*ret_id = (uint64_t)sqlite3_column_int64(st, 0);
		memcpy(q->guest.bytes, sqlite3_column_blob(st, 1), sizeof(q->guest.bytes));
		snprintf(q->name, sizeof(q->name), "%s", (const char *)sqlite3_column_text(st, 2));
	}
	sqlite3_finalize(st);
	return r == SQLITE_ROW ? 0 : r == SQLITE_DONE ? -ENOENT : schema_errno(db, r);
}

/* From when on there are fine samples, whole points of the coarse ones. */
static int fine_from(sqlite3 *db, uint64_t *ret_sec)
{
	sqlite3_stmt *st = NULL;
	int r = sqlite3_prepare_v2(db, "SELECT min(at_sec) FROM history_fine", -1, &st, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_step(st);
	if (r == SQLITE_ROW) {
		*ret_sec = sqlite3_column_type(st, 0) == SQLITE_NULL
				   ? INT64_MAX
				   : (uint64_t)sqlite3_column_int64(st, 0);
		*ret_sec -= *ret_sec % COARSE_STEP_SEC;
	}
	sqlite3_finalize(st);
	return r == SQLITE_ROW ? 0 : schema_errno(db, r);
}

struct taking {
	struct series *series;
	uint64_t at_sec;
};

static void take_sample(uint64_t id, const uint64_t *values, void *userdata)
{
	struct taking *t = userdata;

	for (size_t c = 0; c < t->series->n_columns; c++)
		series_add(t->series, c, t->at_sec, 1, values[c], values[c], values[c]);
}

static int read_fine(sqlite3 *db, const struct past_history *q, uint64_t id, uint64_t from_sec)
{
	struct taking t = {.series = q->series};
	sqlite3_stmt *st = NULL;
	int r = sqlite3_prepare_v2(db,
		"SELECT at_sec, data FROM history_fine WHERE at_sec >= ?1 AND at_sec < ?2 ORDER BY at_sec",
		-1, &st, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_bind_int64(st, 1, (int64_t)from_sec);
	if (r == SQLITE_OK)
		r = sqlite3_bind_int64(st, 2, (int64_t)q->until_sec);
	while (r == SQLITE_OK && (r = sqlite3_step(st)) == SQLITE_ROW) {
		r = SQLITE_OK;
		t.at_sec = (uint64_t)sqlite3_column_int64(st, 0);
		/* What is damaged is a gap. */
		(void)!fine_read(sqlite3_column_blob(st, 1), (size_t)sqlite3_column_bytes(st, 1),
			id, take_sample, &t);
	}
	sqlite3_finalize(st);
	return r == SQLITE_DONE ? 0 : schema_errno(db, r);
}

static int read_coarse(sqlite3 *db, const struct past_history *q, uint64_t id, uint64_t until_sec)
{
	sqlite3_stmt *st = NULL;
	int r = sqlite3_prepare_v2(db,
		"WITH RECURSIVE hours (hour) AS (SELECT max(?1, (SELECT min(hour) FROM history_coarse)) UNION ALL"
		" SELECT hour + 1 FROM hours WHERE hour < ?2)"
		" SELECT hours.hour, data FROM hours JOIN history_coarse AS c ON c.hour = hours.hour AND c.guest = ?3",
		-1, &st, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_bind_int64(st, 1, (int64_t)(q->from_sec / COARSE_SEC));
	if (r == SQLITE_OK)
		r = sqlite3_bind_int64(st, 2, (int64_t)(until_sec / COARSE_SEC));
	if (r == SQLITE_OK)
		r = sqlite3_bind_int64(st, 3, (int64_t)id);
	while (r == SQLITE_OK && (r = sqlite3_step(st)) == SQLITE_ROW) {
		r = SQLITE_OK;
		(void)!coarse_read(sqlite3_column_blob(st, 1), (size_t)sqlite3_column_bytes(st, 1),
			(uint64_t)sqlite3_column_int64(st, 0) * COARSE_SEC, until_sec, q->series);
	}
	sqlite3_finalize(st);
	return r == SQLITE_DONE ? 0 : schema_errno(db, r);
}

int past_history_read(sqlite3 *db, struct past_history *q)
{
	uint64_t id = 0, fine_sec = 0;
	int r = q->of_host ? 0 : find_guest(db, q, &id);

	if (r == 0)
		r = fine_from(db, &fine_sec);
	if (r < 0)
		return r;
	q->series = series_new(q->of_host ? SERIES_HOST : SERIES_GUEST, q->from_sec, q->step_sec,
		(size_t)((q->until_sec - q->from_sec + q->step_sec - 1) / q->step_sec));
	if (!q->series)
		return -ENOMEM;
	if (fine_sec > q->from_sec)
		r = read_coarse(db, q, id, MIN(fine_sec, q->until_sec));
	if (r == 0 && fine_sec < q->until_sec)
		r = read_fine(db, q, id, MAX(fine_sec, q->from_sec));
	return r;
}
