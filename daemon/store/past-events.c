/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "common/json.h"
#include "daemon/store/reader.h"
#include "daemon/store/schema.h"

/*
 * Events from the disk. They lie in two tables, each ordered by place (which run of the daemon,
 * which number in it); the two are read side by side, so that nothing is sorted or gathered. Each
 * event of a run is in one of them: a number that is missing was never written. For the newest they
 * are read backwards.
 */
struct place {
	int64_t run, number;
};

static int compare(struct place a, struct place b)
{
	return a.run != b.run	     ? (a.run < b.run ? -1 : 1)
	       : a.number < b.number ? -1
				     : a.number > b.number;
}

struct side {
	sqlite3_stmt *st;
	bool there; /* st stands on a row, at `place` */
	struct place place;
};

static int side_step(struct side *s)
{
	int r = sqlite3_step(s->st);

	s->there = r == SQLITE_ROW;
	if (!s->there)
		return r == SQLITE_DONE ? SQLITE_OK : r;
	s->place = (struct place){sqlite3_column_int64(s->st, 0), sqlite3_column_int64(s->st, 1)};
	return SQLITE_OK;
}

static int bind_word(sqlite3_stmt *st, int i, const char *word)
{
	return *word ? sqlite3_bind_text(st, i, word, -1, SQLITE_STATIC) : sqlite3_bind_null(st, i);
}

/* Behind `from`, or before it. Of a rare kind all rows are read: 60000 take 0.13 s of CPU time. */
static int side_open(sqlite3 *db, struct side *s, const char *table, const struct past_events *q,
	struct place from)
{
	char sql[900], uuid[UUID_TEXT_MAX];
	int r;

	snprintf(sql, sizeof(sql),
		"SELECT e.run, number, text, name, real_usec >= ?6"
		" AND (?3 IS NULL OR json_extract(text, '$.kind') = ?3)"
		" AND (?4 IS NULL OR json_extract(text, '$.uuid') = ?4)"
		" AND (?5 IS NULL OR json_extract(text, '$.guest') = ?5), real_usec,"
		" ?5 IS NOT NULL AND json_extract(text, '$.guest') = ?5"
		" FROM %s AS e JOIN runs ON runs.id = e.run WHERE name <> '' AND (e.run, number) %s (?1, ?2) ORDER BY e.run%s, number%s",
		table, q->newest ? "<" : ">", q->newest ? " DESC" : "", q->newest ? " DESC" : "");
	r = sqlite3_prepare_v2(db, sql, -1, &s->st, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_bind_int64(s->st, 1, from.run);
	if (r == SQLITE_OK)
		r = sqlite3_bind_int64(s->st, 2, from.number);
	if (r == SQLITE_OK)
		r = bind_word(s->st, 3, q->kind);
	if (r == SQLITE_OK && q->of_guest)
		r = sqlite3_bind_text(s->st, 4, uuid_format(&q->guest, uuid), -1, SQLITE_TRANSIENT);
	if (r == SQLITE_OK)
		r = bind_word(s->st, 5, q->guest_name);
	if (r == SQLITE_OK)
		r = sqlite3_bind_int64(s->st, 6, (int64_t)q->since_real_usec);
	return r == SQLITE_OK ? side_step(s) : r;
}

/* Text in one growing buffer. */
static bool add_object(struct past_events *q, const char *text, size_t len, size_t *allocated)
{
	if (q->len + len + 2 > *allocated) {
		size_t size = MAX(2 * *allocated, q->len + len + 4096);
		char *grown = realloc(q->text, size);

		if (!grown)
			return false;
		q->text = grown;
		*allocated = size;
	}
	memcpy(q->text + q->len, text, len);
	json_calm_numbers(q->text + q->len, len);
	q->len += len;
	q->text[q->len++] = '\n';
	q->text[q->len] = '\0';
	q->n++;
	return true;
}

static void set_last(struct past_events *q, const struct side *s)
{
	const char *run = (const char *)sqlite3_column_text(s->st, 3);

	snprintf(q->last, sizeof(q->last), "%.120s:%lld", run ? run : "",
		(long long)s->place.number);
}

/* The row that the side stands on. Returns 1 when there is no more room in the answer. */
static int take_row(struct past_events *q, const struct side *s, size_t *allocated)
{
	const char *text = (const char *)sqlite3_column_text(s->st, 2);
	size_t len = (size_t)sqlite3_column_bytes(s->st, 2);

	if (text && sqlite3_column_int(s->st, 4)) {
		if (q->n == q->limit || (q->len >= q->bytes && (q->bytes || !q->newest)))
			return 1;
		if (!q->bytes)
			q->n++;
		else if (!add_object(q, text, len, allocated))
			return -ENOMEM;
	}
	set_last(q, s);
	return 0;
}

static int read_sides(
	sqlite3 *db, struct past_events *q, struct side sides[static 2], struct place before)
{
	size_t allocated = 0;
	int r;

	while (sides[0].there || sides[1].there) {
		struct side *s =
			&sides[!sides[0].there ||
				(sides[1].there && compare(sides[1].place, sides[0].place) < 0)];

		r = take_row(q, s, &allocated);
		if (r < 0)
			return r;
		if (r > 0) {
			q->more = true;
			return 0;
		}
		/* Where a run begins nobody knows: its first numbers were given to what it found
		 * here. */
		if (s->place.run == before.run && s->place.number > before.number + 1 &&
			(uint64_t)sqlite3_column_int64(s->st, 5) >= q->since_real_usec)
			q->lost = true;
		before = s->place;
		r = side_step(s);
		if (r != SQLITE_OK)
			return schema_errno(db, r);
	}
	return 0;
}

/* The lines of the text in the opposite order. */
static int reverse_lines(struct past_events *q)
{
	char *text = q->len ? malloc(q->len + 1) : NULL, *to = text;

	if (!q->len)
		return 0;
	if (!text)
		return -ENOMEM;
	for (size_t end = q->len; end;) {
		const char *before = end > 1 ? memrchr(q->text, '\n', end - 1) : NULL;
		size_t begin = before ? (size_t)(before - q->text) + 1 : 0;

		to = mempcpy(to, q->text + begin, end - begin);
		end = begin;
	}
	*to = '\0';
	free(q->text);
	q->text = text;
	return 0;
}

/* The last that fit, of those behind `after`; q->last is what lies before them. */
static int read_newest(
	sqlite3 *db, struct past_events *q, struct side sides[static 2], struct place after)
{
	size_t allocated = 0;
	int r = 0;

	for (;;) {
		struct side *s =
			&sides[!sides[0].there ||
				(sides[1].there && compare(sides[1].place, sides[0].place) > 0)];

		if (!s->there || compare(s->place, after) <= 0) {
			snprintf(q->last, sizeof(q->last), "%s", q->unknown ? "" : q->after);
			break;
		}
		q->guest_seen |= sqlite3_column_int(s->st, 6);
		if (q->n == q->limit) {
			set_last(q, s);
			break;
		}
		r = take_row(q, s, &allocated);
		if (r != 0)
			break;
		r = side_step(s);
		if (r != SQLITE_OK)
			return schema_errno(db, r);
	}
	return r < 0 ? r : reverse_lines(q);
}

/*
 * A number alone to a place: in the first run that came as far. Numbers go on rising from run to
 * run; of files from before they did, the earliest is meant, for then nothing is left out. What
 * lies between two runs was never told, or not written: then before the later one's first.
 */
static int find_number(sqlite3 *db, uint64_t number, struct place *ret)
{
	static const char places[] =
		"WITH places AS (SELECT run, number FROM events UNION ALL SELECT run, number FROM decisions"
		" UNION ALL SELECT run, number FROM pruned)"
		" SELECT run, max(?1, min(number) - 1) FROM places WHERE run ="
		" ifnull((SELECT min(run) FROM places WHERE number >= ?1 AND run > 0), (SELECT max(run) FROM places))";
	sqlite3_stmt *st = NULL;
	int r = sqlite3_prepare_v2(db, places, -1, &st, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_bind_int64(
			st, 1, (int64_t)MIN(number, (uint64_t)INT64_MAX - 1));
	if (r == SQLITE_OK)
		r = sqlite3_step(st);
	if (r == SQLITE_ROW)
		*ret = (struct place){sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1)};
	sqlite3_finalize(st);
	return r == SQLITE_ROW ? 0 : schema_errno(db, r);
}

/* "host:boot:number" to a place. -ENOENT: no such run is known. */
static int find_place(sqlite3 *db, const char *id, struct place *ret)
{
	const char *colon = strrchr(id, ':');
	sqlite3_stmt *st = NULL;
	int r, err;

	if (!colon)
		return find_number(db, strtoull(id, NULL, 10), ret);
	r = sqlite3_prepare_v2(db, "SELECT id FROM runs WHERE name = ?1", -1, &st, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_bind_text(st, 1, id, (int)(colon - id), SQLITE_STATIC);
	if (r == SQLITE_OK)
		r = sqlite3_step(st);
	err = r == SQLITE_ROW ? 0 : r == SQLITE_DONE ? -ENOENT : schema_errno(db, r);
	if (err == 0)
		*ret = (struct place){
			sqlite3_column_int64(st, 0), (int64_t)MIN(strtoull(colon + 1, NULL, 10),
							     (unsigned long long)INT64_MAX - 1)};
	sqlite3_finalize(st);
	return err;
}

/* Is something behind this place gone from the tables? */
static int was_pruned(sqlite3 *db, struct place after, bool *ret)
{
	sqlite3_stmt *st = NULL;
	int r = sqlite3_prepare_v2(
		db, "SELECT 1 FROM pruned WHERE (run, number) > (?1, ?2)", -1, &st, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_bind_int64(st, 1, after.run);
	if (r == SQLITE_OK)
		r = sqlite3_bind_int64(st, 2, after.number);
	if (r == SQLITE_OK)
		r = sqlite3_step(st);
	*ret = r == SQLITE_ROW;
	sqlite3_finalize(st);
	return r == SQLITE_ROW || r == SQLITE_DONE ? 0 : schema_errno(db, r);
}

/* Where to begin. */
static int find_from(
	sqlite3 *db, const struct past_events *q, struct place after, struct place *ret)
{
	int r;

	*ret = after;
	if (!q->newest)
		return 0;
	*ret = (struct place){INT64_MAX, 0};
	r = *q->before ? find_place(db, q->before, ret) : 0;
	/* Of that run nothing was written yet. */
	return r == -ENOENT ? 0 : r;
}

int past_events_read(sqlite3 *db, struct past_events *q)
{
	struct side sides[2] = {0};
	struct place after = {-1, 0}, from;
	bool asked = *q->after;
	int r = asked ? find_place(db, q->after, &after) : 0;

	snprintf(q->last, sizeof(q->last), "%s", q->after);
	if (r == -ENOENT)
		q->unknown = true;
	else if (r < 0)
		return r;
	/* Who asks for what happened since a time does not ask for what was before it. */
	r = asked ? was_pruned(db, after, &q->lost) : 0;
	if (r == 0)
		r = find_from(db, q, after, &from);
	if (r < 0)
		return r;
	r = side_open(db, &sides[0], "events", q, from);
	if (r == SQLITE_OK)
		r = side_open(db, &sides[1], "decisions", q, from);
	if (r != SQLITE_OK)
		r = schema_errno(db, r);
	else if (q->newest)
		r = read_newest(db, q, sides, after);
	else
		r = read_sides(db, q, sides, after);
	sqlite3_finalize(sides[0].st);
	sqlite3_finalize(sides[1].st);
	return r;
}
