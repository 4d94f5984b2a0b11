/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/store/store.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "daemon/store/schema.h"
#include "tests/fixture/store-test.h"

struct overrides {
	int n;
	char text[64];
	bool seen[65536];
};

static int take_overrides(const struct uuid *guest, const char *text, void *userdata)
{
	struct overrides *all = userdata;

	all->n++;
	snprintf(all->text, sizeof(all->text), "%s", text);
	all->seen[guest->bytes[0] | guest->bytes[1] << 8] = true;
	return 0;
}

TEST(what_was_answered_is_there_after_a_restart)
{
	_cleanup_fixture_ struct fixture f = {0};
	_cleanup_diag_ struct diag d = {0};
	_cleanup_free_ char *mode = NULL;
	static struct overrides all;
	struct uuid a = some_guest(1), b = some_guest(2);

	fixture_dir(&f);
	CHECK_INT(fixture_open(&f, &d), 0);
	CHECK_INT(store_load_text(f.store, "mode", &mode), -ENOENT);
	CHECK_INT(fixture_start(&f), 0);
	CHECK_INT(store_put_text(f.store, "mode", "enforce", on_done, &f), 0);
	CHECK_INT(store_put_overrides(f.store, &a, "[1]", on_done, &f), 0);
	CHECK_INT(store_put_overrides(f.store, &b, "[\"it's\"]", on_done, &f), 0);
	CHECK_INT(store_put_overrides(f.store, &a, NULL, on_done, &f), 0);
	CHECK(await_answers(&f, 4));
	CHECK_INT(f.last_error, 0);
	fixture_stop(&f);
	CHECK_INT(fixture_open(&f, &d), 0);
	CHECK_INT(store_load_text(f.store, "mode", &mode), 0);
	CHECK_STR(mode, "enforce");
	CHECK_INT(store_load_overrides(f.store, take_overrides, &all), 0);
	CHECK_INT(all.n, 1);
	CHECK_STR(all.text, "[\"it's\"]");
	CHECK(all.seen[2]);
}

static int take_original(const struct store_original *o, void *userdata)
{
	struct store_original *ret = userdata;

	*ret = *o;
	ret->name = ret->run = NULL;
	return streq(o->name, "web1") && streq(o->run, "77:1234") ? 0 : -EINVAL;
}

TEST(original_sizes_are_kept_and_forgotten)
{
	_cleanup_fixture_ struct fixture f = {0};
	_cleanup_diag_ struct diag d = {0};
	struct store_original o = {
		.guest = {{9}},
		.name = "web1",
		.run = "77:1234",
		.bytes = 5 * GIB,
		.cpu_weight = 100,
		.target_bytes = GIB,
		.soft_limited = true,
		.cpu_ours = true,
		.cpu_shares = 1000,
		.cpu_period_usec = 50000,
		.cpu_quota_usec = -1,
		.period_ours = true,
	};
	struct store_original got = {0};

	fixture_dir(&f);
	CHECK_INT(fixture_open(&f, &d), 0);
	CHECK_INT(fixture_start(&f), 0);
	CHECK_INT(store_put_original(f.store, &o, NULL, NULL), 0);
	fixture_stop(&f); /* writes what waits */
	CHECK_INT(fixture_open(&f, &d), 0);
	CHECK_INT(store_load_originals(f.store, take_original, &got), 0);
	CHECK_U64(got.bytes, 5 * GIB);
	CHECK_U64(got.target_bytes, GIB);
	CHECK(got.soft_limited);
	CHECK(got.cpu_ours);
	CHECK_U64(got.cpu_weight, 100);
	CHECK_U64(got.cpu_shares, 1000);
	CHECK_U64(got.cpu_period_usec, 50000);
	CHECK_INT(got.cpu_quota_usec, -1);
	CHECK(got.period_ours);
	CHECK(uuid_equal(&got.guest, &o.guest));
	CHECK_INT(fixture_start(&f), 0);
	CHECK_INT(store_delete_original(f.store, &o.guest), 0);
	fixture_stop(&f);
	got.bytes = 0;
	CHECK_INT(fixture_open(&f, &d), 0);
	CHECK_INT(store_load_originals(f.store, take_original, &got), 0);
	CHECK_U64(got.bytes, 0);
}

static int count_events(uint64_t seq, uint64_t real_usec, const char *text, void *userdata)
{
	uint64_t *n = userdata;

	n[0]++;
	n[1] = real_usec;
	return 0;
}

static uint64_t file_bytes(const struct fixture *f)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/state.db", f->dir);
	return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* 12 MiB of events; then the bound says 6, of which the WAL beside the file may be 4. */
TEST(a_lower_bound_makes_the_file_smaller_while_the_store_serves)
{
	_cleanup_fixture_ struct fixture f = {.max_events = 4000};
	_cleanup_free_ char *text = calloc(1, 4001);
	_cleanup_diag_ struct diag d = {0};
	uint64_t until = clock_boot_usec() + DEADLINE_USEC;

	CHECK(text);
	memset(text, 'x', 4000);
	fixture_dir(&f);
	CHECK_INT(fixture_open(&f, &d), 0);
	CHECK_INT(fixture_start(&f), 0);
	for (int i = 0; i < 3000; i++)
		CHECK_INT(store_add_event(f.store, 1, text), 0);
	CHECK_INT(store_put_text(f.store, "mode", "enforce", on_done, &f), 0);
	CHECK(await_answers(&f, 1));
	fixture_stop(&f);
	CHECK(file_bytes(&f) > 10 * MIB);

	f.max_bytes = 6 * MIB;
	CHECK_INT(fixture_open(&f, &d), 0);
	CHECK_INT(fixture_start(&f), 0);
	/* Nothing else is written: it goes on by itself. */
	CHECK_INT(store_put_text(f.store, "mode", "observe", on_done, &f), 0);
	CHECK(await_answers(&f, 2));
	while (file_bytes(&f) > 2 * MIB && clock_boot_usec() < until)
		sd_event_run(f.loop, 50 * USEC_PER_MSEC);
	CHECK(file_bytes(&f) <= 2 * MIB);
	CHECK_INT(store_put_text(f.store, "mode", "enforce", on_done, &f), 0);
	CHECK(await_answers(&f, 3));
	CHECK_INT(f.last_error, 0);
}

TEST(history_is_bounded_and_keeps_the_newest)
{
	_cleanup_fixture_ struct fixture f = {0};
	_cleanup_diag_ struct diag d = {0};
	_cleanup_free_ char *big = calloc(1, 5000);
	uint64_t seen[2] = {0};
	struct uuid guest = {{1}};

	fixture_dir(&f);
	CHECK_INT(fixture_open(&f, &d), 0);
	CHECK_INT(fixture_start(&f), 0);
	for (uint64_t i = 1; i <= 1000; i++) {
		CHECK_INT(store_add_event(f.store, i, "{\"kind\":\"x\"}"), 0);
		CHECK_INT(store_add_decision(f.store, i, &guest, "{}"), 0);
	}
	CHECK(big);
	memset(big, 'x', 4999);
	CHECK_INT(store_add_event(f.store, 1, big), -E2BIG);
	fixture_stop(&f);
	CHECK_INT(fixture_open(&f, &d), 0);
	CHECK_INT(store_load_events(f.store, 5000, count_events, seen), 0);
	CHECK(seen[0] >= 2 * 100 && seen[0] <= 2 * (100 + 64)); /* events, and as many decisions */
	CHECK_U64(seen[1], 1000);
	seen[0] = 0;
	CHECK_INT(store_load_events(f.store, 10, count_events, seen), 0);
	CHECK_U64(seen[0], 10);
}

TEST(a_second_daemon_is_refused)
{
	_cleanup_fixture_ struct fixture f = {0};
	_cleanup_diag_ struct diag d = {0};
	struct store_config config = {f.dir, 100, 100};
	struct store *second = NULL;

	fixture_dir(&f);
	CHECK_INT(fixture_open(&f, &d), 0);
	CHECK_INT(store_open(&config, &ops, NULL, &second, &d), -EBUSY);
	CHECK_CONTAINS(d.text, "another ballastd");
}

static int db_exec(const char *dir, const char *sql)
{
	char path[128];
	sqlite3 *db = NULL;
	int r;

	snprintf(path, sizeof(path), "%s/state.db", dir);
	r = sqlite3_open(path, &db);
	if (r == SQLITE_OK)
		r = sqlite3_exec(db, sql, NULL, NULL, NULL);
	sqlite3_close(db);
	return r;
}

TEST(a_newer_version_is_refused_with_the_remedy_but_its_mode_can_be_read)
{
	_cleanup_fixture_ struct fixture f = {0};
	_cleanup_diag_ struct diag d = {0};
	_cleanup_free_ char *mode = NULL;

	fixture_dir(&f);
	CHECK_INT(fixture_open(&f, &d), 0);
	fixture_stop(&f);
	CHECK_INT(db_exec(f.dir,
			  "PRAGMA user_version=99; INSERT INTO text VALUES ('mode','enforce')"),
		SQLITE_OK);
	CHECK_INT(fixture_open(&f, &d), -EPROTO);
	CHECK_CONTAINS(d.text, "state version 99");
	CHECK_CONTAINS(d.text, "install that release again");
	CHECK_INT(store_open_readonly(f.dir, &f.store, &d), 0);
	CHECK_INT(store_load_text(f.store, "mode", &mode), 0);
	CHECK_STR(mode, "enforce");
}

TEST(a_damaged_file_is_refused_never_replaced)
{
	_cleanup_fixture_ struct fixture f = {0};
	_cleanup_diag_ struct diag d = {0};
	char path[128], byte = 0;
	FILE *file;

	fixture_dir(&f);
	snprintf(path, sizeof(path), "%s/state.db", f.dir);
	file = fopen(path, "w");
	CHECK(file);
	fputs("this is not a database, but it is long enough to be looked at in earnest by whoever opens it,"
	      " which is what the test is about\n",
		file);
	fclose(file);
	CHECK_INT(fixture_open(&f, &d), -EBADMSG);
	CHECK_CONTAINS(d.text, "is damaged");
	file = fopen(path, "r");
	CHECK(file);
	CHECK(fread(&byte, 1, 1, file) == 1);
	fclose(file);
	CHECK_INT(byte, 't');
}

TEST(an_older_version_is_migrated_after_a_backup)
{
	_cleanup_fixture_ struct fixture f = {0};
	_cleanup_diag_ struct diag d = {0};
	static const char *const steps[] = {
		"CREATE TABLE a (x); INSERT INTO a VALUES (1);",
		"ALTER TABLE a ADD COLUMN y DEFAULT 5;",
		"CREATE TABLE b AS SELECT x + y AS z FROM a;",
	};
	struct schema first = {steps, 1}, third = {steps, 3};
	char path[128], backup[128];
	sqlite3 *db = NULL;

	fixture_dir(&f);
	snprintf(path, sizeof(path), "%s/s.db", f.dir);
	snprintf(backup, sizeof(backup), "%s/s.db.v1", f.dir);
	CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
	CHECK_INT(schema_migrate(db, path, &first, &d), 0);
	CHECK(access(backup, F_OK) < 0); /* nothing to save from an empty file */
	CHECK_INT(schema_migrate(db, path, &third, &d), 0);
	CHECK_INT(sqlite3_exec(db, "INSERT INTO b VALUES (2)", NULL, NULL, NULL), SQLITE_OK);
	CHECK_INT(schema_migrate(db, path, &first, &d), -EPROTO);
	sqlite3_close(db);
	CHECK_INT(sqlite3_open(backup, &db), SQLITE_OK);
	CHECK_INT(sqlite3_exec(db, "SELECT x FROM a", NULL, NULL, NULL), SQLITE_OK);
	CHECK(sqlite3_exec(db, "SELECT z FROM b", NULL, NULL, NULL) != SQLITE_OK);
	sqlite3_close(db);
}

TEST(what_the_version_before_noted_of_guests_is_taken_over)
{
	_cleanup_fixture_ struct fixture f = {0};
	_cleanup_diag_ struct diag d = {0};
	struct schema third = {schema_current.migrations, 3};
	struct store_original got = {0};
	char path[128];
	sqlite3 *db = NULL;

	fixture_dir(&f);
	snprintf(path, sizeof(path), "%s/state.db", f.dir);
	CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
	CHECK_INT(schema_migrate(db, path, &third, &d), 0);
	CHECK_INT(
		sqlite3_exec(db,
			"INSERT INTO originals VALUES (zeroblob(16), 'web1', '77:1234', 512, 98, 2500, 256, 1, 1)",
			NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
	CHECK_INT(store_open_readonly(f.dir, &f.store, &d), 0); /* as it is */
	CHECK_INT(store_load_originals(f.store, take_original, &got), 0);
	CHECK_U64(got.cpu_weight, 98);
	CHECK_INT(got.cpu_quota_usec, -1);
	fixture_stop(&f);
	CHECK_INT(fixture_open(&f, &d), 0);
	got = (struct store_original){0};
	CHECK_INT(store_load_originals(f.store, take_original, &got), 0);
	CHECK_U64(got.cpu_weight, 98);
	CHECK_U64(got.cpu_quota, 2500);
	CHECK_U64(got.cpu_shares, 0);
	CHECK_U64(got.cpu_period_usec, 0);
	CHECK_INT(got.cpu_quota_usec, -1);
	CHECK(got.cpu_ours && got.soft_limited && !got.period_ours);
}

TEST(a_migration_that_fails_leaves_the_old_version)
{
	static const char *const steps[] = {
		"CREATE TABLE a (x);", "CREATE TABLE c (x); SELECT nothing;"};
	struct schema first = {steps, 1}, second = {steps, 2};
	_cleanup_diag_ struct diag d = {0};
	sqlite3 *db = NULL;

	CHECK_INT(sqlite3_open(":memory:", &db), SQLITE_OK);
	CHECK_INT(schema_migrate(db, "/tmp/never-written", &first, &d), 0);
	CHECK(schema_migrate(db, "/tmp/test-store-never", &second, &d) < 0);
	unlink("/tmp/test-store-never.v1");
	CHECK(sqlite3_exec(db, "SELECT x FROM c", NULL, NULL, NULL) != SQLITE_OK);
	CHECK_INT(schema_migrate(db, "/tmp/never-written", &first, &d), 0);
	sqlite3_close(db);
}

/* The child acknowledges each override on a pipe after it was told that it is durable, until it is
 * killed. */
static unsigned told;
static void on_done_tell(void *userdata, int error, const char *text)
{
	uint16_t *n = userdata;

	told++;
	if (error >= 0)
		(void)!write(STDOUT_FILENO, n, sizeof(*n));
}

static void write_until_killed(struct fixture *f, unsigned first)
{
	static uint16_t numbers[20000];
	_cleanup_diag_ struct diag d = {0};

	if (fixture_open(f, &d) != 0 || fixture_start(f) < 0)
		_exit(1);
	for (unsigned i = first; i < ARRAY_SIZE(numbers); i++) {
		struct uuid guest = some_guest(i);

		numbers[i] = (uint16_t)i;
		if (store_put_overrides(f->store, &guest, "[]", on_done_tell, &numbers[i]) < 0 ||
			store_add_event(f->store, i, "{\"kind\":\"noise\"}") < 0)
			_exit(1);
		/* Up to 32 in flight, so that batches are of every size. */
		do
			sd_event_run(f->loop, i - first + 1 - told > 32 ? USEC_INFINITY : 0);
		while (i - first + 1 - told > 32);
	}
	for (;;)
		sd_event_run(f->loop, USEC_INFINITY);
}

TEST(kill_9_at_any_moment_loses_nothing_that_was_acknowledged)
{
	_cleanup_fixture_ struct fixture f = {0};
	_cleanup_diag_ struct diag d = {0};
	static bool acknowledged[65536];
	static struct overrides all;
	unsigned n = 0;

	fixture_dir(&f);
	for (int round = 0; round < 20; round++) {
		int fds[2];
		uint16_t got;
		pid_t pid;
		unsigned limit = n + 1 + (unsigned)(round * 37 % 50);

		CHECK(pipe(fds) == 0);
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			dup2(fds[1], STDOUT_FILENO);
			close(fds[0]);
			close(fds[1]);
			write_until_killed(&f, n);
		}
		close(fds[1]);
		while (n < limit && read(fds[0], &got, sizeof(got)) == sizeof(got)) {
			acknowledged[got] = true;
			n = got + 1u;
		}
		kill(pid, SIGKILL);
		while (read(fds[0], &got, sizeof(got)) == sizeof(got)) {
			acknowledged[got] = true;
			n = got + 1u;
		}
		close(fds[0]);
		waitpid(pid, NULL, 0);
		CHECK(n >= limit);
	}
	CHECK_INT(fixture_open(&f, &d), 0);
	CHECK_INT(store_load_overrides(f.store, take_overrides, &all), 0);
	for (size_t i = 0; i < ARRAY_SIZE(acknowledged); i++)
		CHECK(!acknowledged[i] || all.seen[i]);
	fixture_stop(&f);
	CHECK_INT(db_exec(f.dir, "PRAGMA integrity_check"), SQLITE_OK);
}

TEST_MAIN()
