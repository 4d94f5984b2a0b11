/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/store/store.h"

#include <uthash.h>

#include "daemon/history/pack.h"
#include "daemon/store/store-internal.h"

/*
 * Samples on the disk; the store's thread. A tick is one row of `history_fine`: that costs four
 * pages every ten seconds, with a thousand guests. When an hour is over, its ticks become one row
 * for each guest in `history_coarse`, ordered by time: so rows are only added at the end, and the
 * oldest go by whole pages. Fine ones stay for two whole hours more.
 */
#define FINE_HOURS   2
#define COARSE_HOURS (30 * 24)
#define HOUR_SEC     COARSE_SEC

/* A guest and its number on the disk. */
struct history_guest {
	struct uuid uuid;
	char *name;
	uint64_t id;
	UT_hash_handle hh;
};

void history_forget(struct store *s)
{
	struct history_guest *g, *next;

	HASH_ITER (hh, s->history_guests, g, next) {
		HASH_DEL(s->history_guests, g);
		free(g->name);
		free(g);
	}
	s->run[0] = '\0';
	s->history_hour = 0;
}

static int step_once(sqlite3_stmt *st)
{
	int r = sqlite3_step(st);

	sqlite3_reset(st);
	return r == SQLITE_DONE || r == SQLITE_ROW ? SQLITE_OK : r;
}

static int exec_with(sqlite3 *db, const char *sql, int64_t number)
{
	sqlite3_stmt *st = NULL;
	int r = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_bind_int64(st, 1, number);
	if (r == SQLITE_OK)
		r = step_once(st);
	sqlite3_finalize(st);
	return r;
}

/* ---- one tick ---- */

/* The guest gets a number, or its new name is noted. */
static int know_guest(
	struct store *s, const struct tick_guest *t, uint64_t hour, struct history_guest **ret)
{
	struct history_guest *g;
	sqlite3_stmt *st = NULL;
	int r;

	HASH_FIND(hh, s->history_guests, &t->uuid, sizeof(t->uuid), g);
	*ret = g;
	if (g && streq(g->name, t->name))
		return SQLITE_OK;
	r = sqlite3_prepare_v2(s->db,
		"INSERT INTO history_guests (uuid, name, last_hour) VALUES (?1, ?2, ?3)"
		" ON CONFLICT (uuid) DO UPDATE SET name = ?2, last_hour = ?3 RETURNING id",
		-1, &st, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_bind_blob(st, 1, t->uuid.bytes, sizeof(t->uuid.bytes), SQLITE_STATIC);
	if (r == SQLITE_OK)
		r = sqlite3_bind_text(st, 2, t->name, -1, SQLITE_STATIC);
	if (r == SQLITE_OK)
		r = sqlite3_bind_int64(st, 3, (int64_t)hour);
	if (r == SQLITE_OK)
		r = sqlite3_step(st);
	if (r != SQLITE_ROW) {
		sqlite3_finalize(st);
		return r == SQLITE_DONE ? SQLITE_ERROR : r;
	}
	if (!g) {
		g = calloc(1, sizeof(*g));
		if (g) {
			g->uuid = t->uuid;
			HASH_ADD(hh, s->history_guests, uuid, sizeof(g->uuid), g);
		}
	}
	if (g) {
		g->id = (uint64_t)sqlite3_column_int64(st, 0);
		free(g->name);
		g->name = strdup(t->name);
	}
	r = sqlite3_step(st);
	sqlite3_finalize(st);
	*ret = g;
	return r != SQLITE_DONE ? r : g && g->name ? SQLITE_OK : SQLITE_NOMEM;
}

struct numbered {
	uint64_t id;
	const struct tick_guest *guest;
};

static int by_number(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int pack_tick(struct store *s, const struct tick *t, struct pack *p)
{
	_cleanup_free_ struct numbered *all = calloc(t->n_guests + 1, sizeof(*all));
	struct history_guest *g;

	if (!all)
		return SQLITE_NOMEM;
	for (size_t i = 0; i < t->n_guests; i++) {
		int r = know_guest(s, &t->guests[i], t->at_sec / HOUR_SEC, &g);

		if (r != SQLITE_OK)
			return r;
		all[i] = (struct numbered){g->id, &t->guests[i]};
	}
	qsort(all, t->n_guests, sizeof(*all), by_number);
	fine_begin(p, t->host);
	for (size_t i = 0; i < t->n_guests; i++)
		fine_guest(p, all[i].id, all[i].guest->values);
	return p->failed ? SQLITE_NOMEM : SQLITE_OK;
}

static int put_tick(struct store *s, const struct tick *t)
{
	_cleanup_pack_ struct pack p = {0};
	sqlite3_stmt *st = NULL;
	int r = pack_tick(s, t, &p);

	if (r == SQLITE_OK)
		r = sqlite3_prepare_v2(s->db, "INSERT OR REPLACE INTO history_fine VALUES (?1, ?2)",
			-1, &st, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_bind_int64(st, 1, (int64_t)t->at_sec);
	if (r == SQLITE_OK)
		r = sqlite3_bind_blob(st, 2, p.buf, (int)p.len, SQLITE_STATIC);
	if (r == SQLITE_OK)
		r = step_once(st);
	sqlite3_finalize(st);
	return r;
}

/* ---- an hour becomes coarse ---- */

struct hour_guest {
	uint64_t id;
	struct series *series;
	UT_hash_handle hh;
};
struct hour {
	uint64_t from_sec, at_sec;
	struct hour_guest *guests;
	bool failed;
};

static void hour_clear(struct hour *h)
{
	struct hour_guest *g, *next;

	HASH_ITER (hh, h->guests, g, next) {
		HASH_DEL(h->guests, g);
		free(g->series);
		free(g);
	}
}

static void hour_take(uint64_t id, const uint64_t *values, void *userdata)
{
	struct hour *h = userdata;
	struct hour_guest *g;

	HASH_FIND(hh, h->guests, &id, sizeof(id), g);
	if (!g) {
		g = calloc(1, sizeof(*g));
		if (g)
			g->series = series_new(id ? SERIES_GUEST : SERIES_HOST, h->from_sec,
				COARSE_STEP_SEC, COARSE_POINTS);
		if (!g || !g->series) {
			free(g);
			h->failed = true;
			return;
		}
		g->id = id;
		HASH_ADD(hh, h->guests, id, sizeof(g->id), g);
	}
	for (size_t c = 0; c < g->series->n_columns; c++)
		series_add(g->series, c, h->at_sec, 1, values[c], values[c], values[c]);
}

static int hour_read(struct store *s, struct hour *h)
{
	sqlite3_stmt *st = NULL;
	int r = sqlite3_prepare_v2(s->db,
		"SELECT at_sec, data FROM history_fine WHERE at_sec >= ?1 AND at_sec < ?1 + 3600 ORDER BY at_sec",
		-1, &st, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_bind_int64(st, 1, (int64_t)h->from_sec);
	while (r == SQLITE_OK && (r = sqlite3_step(st)) == SQLITE_ROW) {
		r = SQLITE_OK;
		h->at_sec = (uint64_t)sqlite3_column_int64(st, 0);
		/* A damaged piece is a gap. */
		(void)!fine_read(sqlite3_column_blob(st, 1), (size_t)sqlite3_column_bytes(st, 1),
			UINT64_MAX, hour_take, h);
	}
	sqlite3_finalize(st);
	return h->failed ? SQLITE_NOMEM : r == SQLITE_DONE ? SQLITE_OK : r;
}

static int by_id(const struct hour_guest *a, const struct hour_guest *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

static int hour_write(struct store *s, struct hour *h)
{
	sqlite3_stmt *st = NULL;
	struct hour_guest *g, *next;
	int r = sqlite3_prepare_v2(
		s->db, "INSERT OR REPLACE INTO history_coarse VALUES (?1, ?2, ?3)", -1, &st, NULL);

	HASH_SORT(h->guests, by_id);
	HASH_ITER (hh, h->guests, g, next) {
		_cleanup_pack_ struct pack p = {0};

		coarse_pack(&p, g->series);
		if (r == SQLITE_OK && p.failed)
			r = SQLITE_NOMEM;
		if (r == SQLITE_OK)
			r = sqlite3_bind_int64(st, 1, (int64_t)(h->from_sec / HOUR_SEC));
		if (r == SQLITE_OK)
			r = sqlite3_bind_int64(st, 2, (int64_t)g->id);
		if (r == SQLITE_OK)
			r = sqlite3_bind_blob(st, 3, p.buf, (int)p.len, SQLITE_STATIC);
		if (r == SQLITE_OK)
			r = step_once(st);
	}
	sqlite3_finalize(st);
	return r;
}

static int make_coarse(struct store *s, uint64_t hour)
{
	_cleanup_(hour_clear) struct hour h = {.from_sec = hour * HOUR_SEC};
	int r = hour_read(s, &h);

	if (r == SQLITE_OK)
		r = hour_write(s, &h);
	return r;
}

/* Hours that are over and have no coarse row of the host yet: one an hour, more after a pause.
 * Returns an SQLite result. */
static int make_all_coarse(struct store *s, uint64_t hour)
{
	sqlite3_stmt *st = NULL;
	uint64_t hours[FINE_HOURS + 2];
	size_t n = 0;
	int r = sqlite3_prepare_v2(s->db,
		"SELECT DISTINCT at_sec / 3600 AS hour FROM history_fine WHERE at_sec < ?1 * 3600 AND"
		" NOT EXISTS (SELECT 1 FROM history_coarse WHERE history_coarse.hour = at_sec / 3600 AND guest = 0) ORDER BY hour",
		-1, &st, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_bind_int64(st, 1, (int64_t)hour);
	while (r == SQLITE_OK && n < ARRAY_SIZE(hours) && (r = sqlite3_step(st)) == SQLITE_ROW) {
		r = SQLITE_OK;
		hours[n++] = (uint64_t)sqlite3_column_int64(st, 0);
	}
	sqlite3_finalize(st);
	if (r == SQLITE_DONE)
		r = SQLITE_OK;
	for (size_t i = 0; i < n && r == SQLITE_OK; i++)
		r = make_coarse(s, hours[i]);
	return r;
}

/* Also what a clock that was wrong put into the future. A guest goes with its last sample. */
static int drop_old(struct store *s, uint64_t hour)
{
	int r = exec_with(s->db, "DELETE FROM history_fine WHERE at_sec < ?1 * 3600",
		(int64_t)sub_sat(hour, FINE_HOURS));

	if (r == SQLITE_OK)
		r = exec_with(s->db, "DELETE FROM history_fine WHERE at_sec >= ?1 * 3600",
			(int64_t)hour + 24);
	if (r == SQLITE_OK)
		r = exec_with(s->db, "DELETE FROM history_coarse WHERE hour < ?1",
			(int64_t)sub_sat(hour, COARSE_HOURS));
	if (r == SQLITE_OK)
		r = exec_with(
			s->db, "DELETE FROM history_coarse WHERE hour >= ?1", (int64_t)hour + 24);
	if (r == SQLITE_OK)
		r = exec_with(s->db, "DELETE FROM history_guests WHERE last_hour < ?1",
			(int64_t)sub_sat(hour, COARSE_HOURS));
	return r;
}

int history_run(struct store *s, const struct tick *t)
{
	uint64_t hour = t->at_sec / HOUR_SEC;
	int r;

	if (hour == s->history_hour)
		return put_tick(s, t);
	history_forget(s); /* so that each guest is asked for, and noted with this hour */
	r = put_tick(s, t);
	if (r == SQLITE_OK)
		r = make_all_coarse(s, hour);
	if (r == SQLITE_OK)
		r = drop_old(s, hour);
	if (r == SQLITE_OK)
		r = store_bound(s);
	s->history_hour = hour;
	return r;
}
