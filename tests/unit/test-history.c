/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Samples in the state file: kept as they are, made coarse, dropped by age and by size; times are
 * made up. And where events lie in it. */
#include <stdio.h>
#include <sys/stat.h>

#include "common/json.h"
#include "daemon/history/pack.h"
#include "daemon/store/reader.h"
#include "daemon/store/schema.h"
#include "daemon/store/store-internal.h"
#include "tests/test.h"

#define HOUR 3600
/* 2026-11-22 08:00 UTC */
#define START UINT64_C(1795334400)

struct fixture {
	char dir[64];
	struct store *store;
};

static void on_health(void *data, bool ok, const char *text)
{
}

static void fixture_open(struct fixture *f, uint64_t max_bytes)
{
	static const struct store_ops ops = {on_health};
	struct store_config config = {f->dir, 1000, 1000, max_bytes};
	_cleanup_diag_ struct diag d = {0};

	if (!*f->dir) {
		snprintf(f->dir, sizeof(f->dir), "/tmp/test-history.XXXXXX");
		if (!mkdtemp(f->dir))
			abort();
	}
	CHECK_INT(store_open(&config, &ops, f, &f->store, &d), 0);
	CHECK_INT(
		sqlite3_exec(f->store->db, "PRAGMA synchronous=OFF", NULL, NULL, NULL), SQLITE_OK);
}

static void fixture_clear(struct fixture *f)
{
	char cmd[128];

	f->store = store_free(f->store);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", f->dir);
	(void)!system(cmd);
}
#define _cleanup_fixture_ _cleanup_(fixture_clear)

static void sql(struct fixture *f, const char *text)
{
	CHECK_INT(sqlite3_exec(f->store->db, text, NULL, NULL, NULL), SQLITE_OK);
}

static uint64_t number_of(struct fixture *f, const char *text)
{
	sqlite3_stmt *st = NULL;
	uint64_t n = UINT64_MAX;

	if (sqlite3_prepare_v2(f->store->db, text, -1, &st, NULL) == SQLITE_OK &&
		sqlite3_step(st) == SQLITE_ROW)
		n = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

static uint64_t seed = 1;

static uint64_t rnd(uint64_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (seed >> 33) % n;
}

/* n guests, all of `actual` MiB; the rest of their figures moves a little. */
static struct tick *tick(uint64_t at_sec, size_t n, uint64_t actual)
{
	struct tick *t = tick_new(n, 16 * n + 1);
	char *at = t->names;

	t->at_sec = at_sec;
	for (size_t c = 0; c < n_host_columns; c++)
		t->host[c] = 1;
	for (size_t i = 0; i < n; i++) {
		struct tick_guest *g = &t->guests[i];
		uint64_t used = actual - rnd(actual / 32 + 1);
		const uint64_t values[] = {actual, used, used + used / 5, actual,
			rnd(20) ? 0 : rnd(500), rnd(20) ? 0 : rnd(300), 100, rnd(1000), rnd(50)};

		g->uuid = (struct uuid){{(uint8_t)i, (uint8_t)(i >> 8), 9}};
		g->name = at;
		at += sprintf(at, "guest%zu", i) + 1;
		memcpy(g->values, values, sizeof(values));
	}
	return t;
}

static void put(struct fixture *f, struct tick *t)
{
	CHECK_INT(history_run(f->store, t), SQLITE_OK);
	tick_free(t);
}

/* Every `step` seconds, in transactions of an hour, as the store's thread would. */
static void put_hours(struct fixture *f, uint64_t from_sec, uint64_t hours, uint64_t step_sec,
	size_t n, uint64_t actual)
{
	for (uint64_t h = 0; h < hours; h++) {
		sql(f, "BEGIN IMMEDIATE");
		for (uint64_t s = 0; s < HOUR; s += step_sec)
			put(f, tick(from_sec + h * HOUR + s, n, actual));
		sql(f, "COMMIT");
	}
}

static struct past_history ask(struct fixture *f, const char *guest, uint64_t from_sec,
	uint64_t until_sec, uint64_t step_sec, int wanted)
{
	struct past_history q = {.of_host = !guest,
		.from_sec = from_sec,
		.until_sec = until_sec,
		.step_sec = step_sec};

	snprintf(q.word, sizeof(q.word), "%s", guest ? guest : "");
	if (past_history_read(f->store->db, &q) != wanted)
		q.from_sec = 0;
	return q;
}

static uint64_t value_at(const struct past_history *q, size_t point, size_t column)
{
	size_t n;

	return fold_value(&q->series->folds[point * q->series->n_columns + column],
		series_columns(q->series->kind, &n)[column].fold);
}

TEST(samples_come_back_by_name_and_by_uuid_and_gaps_are_gaps)
{
	_cleanup_fixture_ struct fixture f = {0};
	struct past_history q;

	fixture_open(&f, 0);
	put(&f, tick(START, 3, 1024));
	put(&f, tick(START + 10, 3, 2048));
	put(&f, tick(START + 30, 3, 512));
	q = ask(&f, "guest1", START, START + 40, 10, 0);
	CHECK_STR(q.name, "guest1");
	CHECK_INT(q.series->n_points, 4);
	CHECK_U64(value_at(&q, 0, 0), 1024);
	CHECK_U64(value_at(&q, 1, 0), 2048);
	CHECK_U64(value_at(&q, 2, 0), UINT64_MAX);
	CHECK_U64(value_at(&q, 3, 0), 512);
	free(q.series);
	q = ask(&f, "02000900-0000-0000-0000-000000000000", START, START + 40, 40, 0);
	CHECK_STR(q.name, "guest2");
	CHECK_U64(value_at(&q, 0, 0), (1024 + 2048 + 512 + 1) / 3);
	free(q.series);
	q = ask(&f, NULL, START, START + 40, 10, 0);
	CHECK_U64(value_at(&q, 1, 0), 1);
	CHECK_U64(value_at(&q, 2, 0), UINT64_MAX);
	free(q.series);
	q = ask(&f, "nobody", START, START + 40, 10, -ENOENT);
	CHECK(!q.series && q.from_sec);
}

TEST(what_is_over_becomes_coarse_and_reads_the_same)
{
	_cleanup_fixture_ struct fixture f = {0};
	struct past_history q;

	fixture_open(&f, 0);
	put_hours(&f, START, 2, 10, 3, 1024);
	put_hours(&f, START + 2 * HOUR, 4, 10, 2, 2048); /* one is shut off */
	/* Of the first hours nothing is left as it was sampled. */
	CHECK_U64(number_of(&f, "SELECT min(at_sec) FROM history_fine"), START + 3 * HOUR);
	CHECK_U64(number_of(&f, "SELECT count(DISTINCT hour) FROM history_coarse"), 5);
	q = ask(&f, "guest0", START, START + 6 * HOUR, 300, 0);
	for (size_t i = 0; i < q.series->n_points; i++)
		CHECK_U64(value_at(&q, i, 0), i < 24 ? 1024 : 2048);
	CHECK(q.series->folds[1].min >= 992 && q.series->folds[1].max <= 1024 &&
		q.series->folds[1].min < q.series->folds[1].max);
	free(q.series);
	/* Finer than it is kept: each point has what there is. */
	q = ask(&f, "guest0", START + 100, START + 200, 10, 0);
	CHECK_U64(value_at(&q, 0, 0), 1024);
	CHECK_U64(value_at(&q, 9, 0), 1024);
	free(q.series);
	/* Who is gone has a history all the same. */
	q = ask(&f, "guest2", START, START + 6 * HOUR, HOUR, 0);
	CHECK_U64(value_at(&q, 1, 0), 1024);
	CHECK_U64(value_at(&q, 2, 0), UINT64_MAX);
	free(q.series);
}

TEST(a_pause_of_the_daemon_is_a_gap_and_what_was_before_it_is_not_lost)
{
	_cleanup_fixture_ struct fixture f = {0};
	struct past_history q;

	fixture_open(&f, 0);
	put_hours(&f, START, 1, 10, 1, 1024);
	f.store = store_free(f.store);
	fixture_open(&f, 0);
	put(&f, tick(START + 100 * HOUR, 1, 2048));
	q = ask(&f, "guest0", START, START + 100 * HOUR + 60, HOUR, 0);
	CHECK_U64(value_at(&q, 0, 0), 1024);
	CHECK_U64(value_at(&q, 1, 0), UINT64_MAX);
	CHECK_U64(value_at(&q, 99, 0), UINT64_MAX);
	CHECK_U64(value_at(&q, 100, 0), 2048);
	free(q.series);
}

TEST(after_thirty_days_a_guest_is_forgotten)
{
	_cleanup_fixture_ struct fixture f = {0};
	struct past_history q;

	fixture_open(&f, 0);
	put_hours(&f, START, 1, 600, 2, 1024);
	put_hours(&f, START + HOUR, 24 * 30 + 2, 600, 1, 1024);
	q = ask(&f, "guest1", START, START + HOUR, 300, -ENOENT);
	CHECK(q.from_sec);
	q = ask(&f, "guest0", START, START + HOUR, HOUR, 0);
	CHECK_U64(value_at(&q, 0, 0), UINT64_MAX);
	free(q.series);
	CHECK_U64(number_of(&f, "SELECT count(*) FROM history_guests"), 1);
	CHECK_U64(number_of(&f, "SELECT count(*) FROM history_coarse WHERE guest > 0"), 720);
}

static uint64_t file_bytes(const struct fixture *f, const char *suffix)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/state.db%s", f->dir, suffix);
	return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* 300 guests for 20 days are 27 MB at the 186 bytes of an hour: with half of that the oldest must
 * go, and the newest stay. */
TEST(the_file_never_outgrows_its_bound)
{
	enum { GUESTS = 300, DAYS = 20 };
	_cleanup_fixture_ struct fixture f = {0};
	uint64_t largest = 0, hours;
	struct past_history q;

	fixture_open(&f, 16 * MIB);
	for (uint64_t h = 0; h < DAYS * 24; h++) {
		put_hours(&f, START + h * HOUR, 1, 100, GUESTS, 4096);
		largest = MAX(largest,
			file_bytes(&f, "") + file_bytes(&f, "-wal") + file_bytes(&f, "-shm"));
	}
	hours = number_of(&f, "SELECT count(DISTINCT hour) FROM history_coarse");
	printf("# %d guests: at most %.1f of 16 MiB, %llu hours are kept, %.0f bytes an hour and guest\n",
		GUESTS, (double)largest / MIB, (unsigned long long)hours,
		(double)number_of(&f, "SELECT sum(length(data)) FROM history_coarse") /
			(double)(hours * GUESTS));
	CHECK(largest <= 16 * MIB);
	CHECK(hours >= 100 && hours < DAYS * 24);
	q = ask(&f, "guest7", START + (DAYS * 24 - 30) * HOUR, START + DAYS * 24 * HOUR, HOUR, 0);
	for (size_t i = 0; i < 30; i++)
		CHECK_U64(value_at(&q, i, 0), 4096);
	free(q.series);
}

static uint64_t hours_kept(struct fixture *f)
{
	return number_of(f, "SELECT count(DISTINCT hour) FROM history_coarse");
}

/* Step by step, as the store's thread does when nothing else waits. Returns the largest WAL. */
static uint64_t shrink(struct fixture *f, uint64_t *ret_steps)
{
	uint64_t wal = 0;
	int r;

	for (*ret_steps = 0; (r = store_shrink(f->store)) > 0; (*ret_steps)++)
		wal = MAX(wal, file_bytes(f, "-wal"));
	return r < 0 ? UINT64_MAX : wal;
}

/* The number of ballast.conf(5), in the file itself: two samples make a point here (thirty in
 * truth), which is enough for mean, least and largest to differ. Then a lower bound. */
TEST(thirty_days_of_a_thousand_guests_fit_into_the_default_and_a_lower_bound_shrinks_them)
{
	enum { GUESTS = 1000, HOURS = 30 * 24, TOLD = 155 };
	_cleanup_fixture_ struct fixture f = {0};
	uint64_t largest = 0, month, fine, wal, steps;
	struct past_history q;

	fixture_open(&f, 256 * MIB);
	for (uint64_t h = 0; h < HOURS; h++) {
		put_hours(&f, START + h * HOUR, 1, 150, GUESTS, 4096);
		largest = MAX(largest,
			file_bytes(&f, "") + file_bytes(&f, "-wal") + file_bytes(&f, "-shm"));
	}
	/* The default time between samples is ten seconds: that many of these are there, too. */
	fine = number_of(&f, "SELECT max(length(data)) FROM history_fine") * 360 * 3;
	month = file_bytes(&f, "");
	printf("# 1000 guests: 30 days are %llu MiB (%llu bytes five minutes), at most %llu MiB with the WAL, and 3 hours of samples every 10 s are %llu MiB more\n",
		(unsigned long long)(month / MIB),
		(unsigned long long)(number_of(&f, "SELECT avg(length(data)) FROM history_coarse") /
				     12),
		(unsigned long long)(largest / MIB), (unsigned long long)(fine / MIB));
	CHECK(hours_kept(&f) >= HOURS - 3);
	CHECK(month > (TOLD - 25) * MIB && month < (TOLD + 25) * MIB);
	CHECK(largest + fine < 256 * MIB);

	f.store = store_free(f.store);
	fixture_open(&f, 64 * MIB);
	wal = shrink(&f, &steps);
	printf("# shrunk to %llu MiB in %llu steps, with a WAL of at most %llu KiB\n",
		(unsigned long long)(file_bytes(&f, "") / MIB), (unsigned long long)steps,
		(unsigned long long)(wal / 1024));
	CHECK(file_bytes(&f, "") + file_bytes(&f, "-wal") <= 64 * MIB);
	CHECK(steps > 10 && wal <= 4 * MIB);
	CHECK(hours_kept(&f) > 200 && hours_kept(&f) < HOURS);
	CHECK_U64(
		number_of(&f,
			"SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
		0);
	q = ask(&f, "guest7", START + (HOURS - 30) * HOUR, START + HOURS * HOUR, HOUR, 0);
	for (size_t i = 0; i < 30; i++)
		CHECK_U64(value_at(&q, i, 0), 4096);
	free(q.series);
}

TEST(a_file_from_before_files_could_shrink_shrinks_too)
{
	_cleanup_fixture_ struct fixture f = {0};
	uint64_t steps, before;

	fixture_open(&f, 0);
	sql(&f, "PRAGMA journal_mode=DELETE; PRAGMA auto_vacuum=NONE; VACUUM; PRAGMA journal_mode=WAL");
	CHECK_U64(number_of(&f, "PRAGMA auto_vacuum"), 0);
	put_hours(&f, START, 96, 300, 300, 4096);
	sql(&f, "PRAGMA wal_checkpoint(TRUNCATE)");
	before = file_bytes(&f, "");
	f.store = store_free(f.store);
	fixture_open(&f, 6 * MIB);
	shrink(&f, &steps);
	sql(&f, "PRAGMA wal_checkpoint(TRUNCATE)");
	CHECK(before > 3 * MIB && file_bytes(&f, "") <= 2 * MIB);
	CHECK(hours_kept(&f) > 10);
}

/* ---- events ---- */

static void add_event(
	struct fixture *f, const char *table, const char *run, int number, const char *kind)
{
	char text[600];

	snprintf(text, sizeof(text),
		"INSERT OR IGNORE INTO runs (name) VALUES ('h:%s');"
		"INSERT INTO %s (real_usec, %s text, run, number) VALUES (%d, %s"
		" '{\"id\":\"h:%s:%d\",\"seq\":%d,\"time\":null,\"kind\":\"%s\",\"guest\":\"web\"}', (SELECT id FROM runs WHERE name = 'h:%s'), %d)",
		run, table, streq(table, "decisions") ? "guest," : "", number,
		streq(table, "decisions") ? "x'00'," : "", run, number, number, kind, run, number);
	sql(f, text);
}

static struct past_events read_events(
	struct fixture *f, const char *after, size_t limit, const char *kind)
{
	struct past_events q = {.limit = limit, .bytes = PAST_TEXT_MAX};

	snprintf(q.after, sizeof(q.after), "%s", after);
	snprintf(q.kind, sizeof(q.kind), "%s", kind);
	q.unknown = past_events_read(f->store->db, &q) < 0 || q.unknown;
	return q;
}

static char *newest_ids(
	struct fixture *f, const char *before, const char *after, size_t limit, const char *kind)
{
	static char ids[600];
	struct past_events q = {.newest = true, .limit = limit, .bytes = PAST_TEXT_MAX};

	snprintf(q.before, sizeof(q.before), "%s", before);
	snprintf(q.after, sizeof(q.after), "%s", after);
	snprintf(q.kind, sizeof(q.kind), "%s", kind);
	ids[0] = '\0';
	if (past_events_read(f->store->db, &q) < 0)
		return strcpy(ids, "it cannot be read");
	for (const char *at = q.text; at && (at = strstr(at, "\"id\":\"h:")); at++)
		snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids), "%.*s ",
			(int)strcspn(at + 8, "\""), at + 8);
	snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids), "(%.200s)", q.last);
	free(q.text);
	return ids;
}

TEST(the_newest_events_are_read_from_the_end_and_told_in_order)
{
	_cleanup_fixture_ struct fixture f = {0};
	struct past_events q = {.newest = true, .limit = 4};

	fixture_open(&f, 0);
	for (int i = 1; i <= 10; i++)
		add_event(&f, i % 3 ? "events" : "decisions", "b", i, i % 4 ? "mode" : "command");
	for (int i = 501; i <= 503; i++)
		add_event(&f, "events", "a", i, "mode");
	CHECK_STR(newest_ids(&f, "", "", 5, ""), "b:9 b:10 a:501 a:502 a:503 (h:b:8)");
	CHECK_STR(newest_ids(&f, "h:a:501", "", 3, ""), "b:8 b:9 b:10 (h:b:7)");
	CHECK_STR(newest_ids(&f, "h:b:8", "", 1, "command"), "b:4 (h:b:3)");
	CHECK_STR(newest_ids(&f, "h:b:4", "", 9, "command"), "()");
	CHECK_STR(newest_ids(&f, "", "h:b:9", 9, ""), "b:10 a:501 a:502 a:503 (h:b:9)");
	CHECK_STR(newest_ids(&f, "h:new:1", "", 1, ""), "a:503 (h:a:502)");
	/* Where they begin, without their text. */
	CHECK_INT(past_events_read(f.store->db, &q), 0);
	CHECK(q.n == 4 && !q.text);
	CHECK_STR(q.last, "h:b:9");
	q = (struct past_events){.newest = true, .limit = 1, .kind = "none", .guest_name = "web"};
	CHECK_INT(past_events_read(f.store->db, &q), 0);
	CHECK(!q.n && q.guest_seen);
}

TEST(events_are_read_in_order_across_runs_and_tables)
{
	_cleanup_fixture_ struct fixture f = {0};
	struct past_events q;

	fixture_open(&f, 0);
	for (int i = 1; i <= 10; i++)
		add_event(&f, i % 3 ? "events" : "decisions", "b", i, i == 9 ? "command" : "mode");
	for (int i = 501; i <= 503; i++)
		add_event(&f, "events", "a", i, "mode"); /* a later run whose name is earlier */
	q = read_events(&f, "h:b:7", 100, "");
	CHECK(q.n == 6 && !q.lost && !q.more && !q.unknown);
	CHECK_STR(q.last, "h:a:503");
	CHECK(strncmp(q.text, "{\"id\":\"h:b:8\"", 13) == 0);
	free(q.text);
	q = read_events(&f, "h:b:3", 2, "");
	CHECK(q.n == 2 && q.more);
	CHECK_STR(q.last, "h:b:5");
	free(q.text);
	q = read_events(&f, "h:b:3", 100, "command");
	CHECK_INT(q.n, 1);
	CHECK_STR(q.last, "h:a:503");
	free(q.text);
	q = read_events(&f, "h:b:99", 100, ""); /* told, never written: the run ended with it */
	CHECK(q.n == 3 && !q.lost);
	free(q.text);
	q = read_events(&f, "h:c:1", 100, "");
	CHECK(q.unknown);
	free(q.text);
	sql(&f, "DELETE FROM events WHERE number = 5");
	q = read_events(&f, "h:b:3", 100, "");
	CHECK(q.lost);
	free(q.text);
	q = read_events(&f, "h:b:5", 100, "");
	CHECK(!q.lost);
	free(q.text);
}

/* Numbers go on rising from run to run: one alone is one place. */
TEST(a_number_alone_is_a_place_in_the_run_that_told_it)
{
	_cleanup_fixture_ struct fixture f = {0};
	struct past_events q;
	uint64_t last = 0;

	fixture_open(&f, 0);
	CHECK_INT(store_load_last_number(f.store, &last), 0);
	CHECK_U64(last, 0);
	for (int i = 1; i <= 10; i++)
		add_event(&f, i % 3 ? "events" : "decisions", "b", i, "mode");
	for (int i = 501; i <= 503; i++)
		add_event(&f, i % 2 ? "events" : "decisions", "a", i, "mode");
	CHECK_INT(store_load_last_number(f.store, &last), 0);
	CHECK_U64(last, 503);
	q = read_events(&f, "7", 100, "");
	CHECK(q.n == 6 && !q.lost && !q.unknown);
	CHECK(strncmp(q.text, "{\"id\":\"h:b:8\"", 13) == 0);
	free(q.text);
	q = read_events(&f, "0", 100, "");
	CHECK(q.n == 13 && !q.lost);
	free(q.text);
	q = read_events(&f, "10", 100, "");
	CHECK(q.n == 3 && !q.lost);
	free(q.text);
	q = read_events(&f, "99", 100, ""); /* told by the first, which was killed */
	CHECK(q.n == 3 && !q.lost);
	free(q.text);
	q = read_events(&f, "502", 100, "");
	CHECK_INT(q.n, 1);
	CHECK_STR(q.last, "h:a:503");
	free(q.text);
	q = read_events(&f, "503", 100, "");
	CHECK(q.n == 0 && !q.lost);
	free(q.text);
	CHECK_INT(store_prune_table(f.store, "events", 4), SQLITE_OK);
	q = read_events(&f, "1", 100, "");
	CHECK(q.lost);
	free(q.text);
	sql(&f, "DELETE FROM events; DELETE FROM decisions");
	CHECK_INT(store_load_last_number(f.store, &last), 0);
	CHECK(last >= 5); /* what was pruned had one, too */
}

TEST(what_was_pruned_is_known_to_be_gone)
{
	_cleanup_fixture_ struct fixture f = {0};
	struct past_events q;

	fixture_open(&f, 0);
	for (int i = 1; i <= 30; i++)
		add_event(&f, i % 2 ? "events" : "decisions", "b", i, "mode");
	CHECK_INT(store_prune_table(f.store, "events", 5), SQLITE_OK); /* 21, 23 .. 29 stay */
	q = read_events(&f, "h:b:18", 100, "");
	CHECK(q.lost);
	free(q.text);
	q = read_events(&f, "h:b:19", 100, "");
	CHECK(!q.lost && q.n == 11);
	free(q.text);
}

/* A file of the version before: its events get their places from their ids. */
TEST(a_file_without_places_gets_them)
{
	static const char old[] =
		"INSERT INTO events (real_usec, text) VALUES (1, '{\"id\":\"h:x:a1:1\",\"seq\":1,\"kind\":\"started\"}'),"
		" (2, 'not JSON'), (3, '{}'), (5, '{\"id\":\"h:x:b2:1001\",\"seq\":1001,\"kind\":\"started\"}');"
		"INSERT INTO decisions (real_usec, guest, text) VALUES (4, x'00', '{\"id\":\"h:x:a1:2\",\"seq\":2,\"kind\":\"command\"}');";
	struct schema before = schema_current;
	_cleanup_fixture_ struct fixture f = {0};
	_cleanup_diag_ struct diag d = {0};
	char path[128];
	struct past_events q;
	sqlite3 *db;

	before.version = 4;
	snprintf(f.dir, sizeof(f.dir), "/tmp/test-history.XXXXXX");
	CHECK(mkdtemp(f.dir));
	snprintf(path, sizeof(path), "%s/state.db", f.dir);
	CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
	CHECK_INT(schema_migrate(db, path, &before, &d), 0);
	CHECK_INT(sqlite3_exec(db, old, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	fixture_open(&f, 0);
	q = read_events(&f, "h:x:a1:1", 100, "");
	CHECK(q.n == 2 && !q.lost && !q.unknown);
	CHECK_STR(q.last, "h:x:b2:1001");
	free(q.text);
	snprintf(path, sizeof(path), "%s/state.db.v4", f.dir);
	CHECK_INT(access(path, R_OK), 0);
}

/* ---- the reader ---- */

static int answers[64];
static _Atomic int n_answers;

static void on_done(struct past_query *q)
{
	answers[n_answers++] = q->error;
}

TEST(the_reader_is_asked_by_so_many_at_once_and_answers_each)
{
	_cleanup_fixture_ struct fixture f = {0};
	static struct past_query q[64];
	struct reader *r = NULL;
	int taken = 0;

	fixture_open(&f, 0);
	put_hours(&f, START, 3, 10, 300, 1024);
	n_answers = 0;
	CHECK_INT(reader_new(f.dir, &r), 0);
	for (size_t i = 0; i < ARRAY_SIZE(q); i++) {
		q[i] = (struct past_query){.kind = PAST_HISTORY,
			.history = {.word = "guest250",
				.from_sec = START,
				.until_sec = START + 3 * HOUR,
				.step_sec = 60},
			.done = on_done};
		switch (reader_ask(r, &q[i])) {
		case 0:
			taken++;
			break;
		case -EBUSY:
			q[i].kind = PAST_HISTORY;
			break;
		default:
			CHECK(false);
		}
	}
	CHECK(taken >= READER_QUEUE_MAX && taken < 64);
	reader_free(r); /* what waits is handed back */
	CHECK_INT(n_answers, taken);
	for (int i = 0; i < taken; i++)
		CHECK(answers[i] == 0 || answers[i] == -ESHUTDOWN || answers[i] == -EIO);
	for (size_t i = 0; i < ARRAY_SIZE(q); i++)
		past_query_clear(&q[i]);
}

TEST(a_file_that_is_not_there_is_an_error_and_no_file)
{
	struct past_query q = {
		.kind = PAST_EVENTS, .events = {.limit = 1, .bytes = 1}, .done = on_done};
	struct reader *r = NULL;
	char dir[] = "/tmp/test-history.XXXXXX";

	CHECK(mkdtemp(dir));
	n_answers = 0;
	CHECK_INT(reader_new(dir, &r), 0);
	CHECK_INT(reader_ask(r, &q), 0);
	for (int i = 0; i < 1000 && !n_answers; i++)
		usleep(10000);
	CHECK_INT(n_answers, 1);
	CHECK(q.error < 0);
	reader_free(r);
	CHECK_INT(rmdir(dir), 0);
}

TEST_MAIN()
