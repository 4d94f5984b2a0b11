/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/store/store.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "daemon/store/schema.h"
#include "daemon/sys/clock.h"
#include "tests/test.h"

#define DEADLINE_USEC (30 * USEC_PER_SEC)

/* One open store in a directory of its own, with its loop. */
struct fixture {
	char dir[64];
	sd_event *loop;
	struct store *store;
	int health_calls;
	bool healthy;
	char health[256];
	int answered, last_error;
	char *mode; /* owned: what could be read only later */
};

static void on_health(void *data, bool ok, const char *text)
{
	struct fixture *f = data;

	f->health_calls++;
	f->healthy = ok;
	snprintf(f->health, sizeof(f->health), "%s", text);
	if (ok && store_unread(f->store)) {
		free(f->mode);
		f->mode = NULL;
		if (store_load_text(f->store, "mode", &f->mode) >= 0)
			store_was_read(f->store);
	}
}
static const struct store_ops ops = {on_health};

static void on_done(void *userdata, int error, const char *text)
{
	struct fixture *f = userdata;

	f->answered++;
	f->last_error = error;
}

static int fixture_open(struct fixture *f, struct diag *d)
{
	struct store_config config = {f->dir, 100, 100};
	int r;

	f->healthy = true;
	r = store_open(&config, &ops, f, &f->store, d);
	return r;
}

static int fixture_start(struct fixture *f)
{
	int r = sd_event_new(&f->loop);

	return r < 0 ? r : store_start(f->store, f->loop);
}

static void fixture_dir(struct fixture *f)
{
	snprintf(f->dir, sizeof(f->dir), "/tmp/test-store.XXXXXX");
	if (!mkdtemp(f->dir))
		abort();
}

static void fixture_stop(struct fixture *f)
{
	f->store = store_free(f->store);
	f->loop = sd_event_unref(f->loop);
}

static void fixture_clear(struct fixture *f)
{
	char cmd[128];

	fixture_stop(f);
	free(f->mode);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", f->dir);
	(void)!system(cmd);
}
#define _cleanup_fixture_ _cleanup_(fixture_clear)

/* Turns the loop until so many answers came. */
static bool await_answers(struct fixture *f, int n)
{
	uint64_t until = clock_boot_usec() + DEADLINE_USEC;

	while (f->answered < n && clock_boot_usec() < until)
		if (sd_event_run(f->loop, 100 * USEC_PER_MSEC) < 0)
			return false;
	return f->answered >= n;
}

static struct uuid some_guest(unsigned n)
{
	return (struct uuid){{(uint8_t)n, (uint8_t)(n >> 8), 7}};
}

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
	CHECK_INT(db_exec(f.dir, "PRAGMA user_version=99; INSERT INTO text VALUES ('mode','enforce')"), SQLITE_OK);
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
	      " which is what the test is about\n", file);
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
	CHECK_INT(sqlite3_exec(db, "INSERT INTO originals VALUES (zeroblob(16), 'web1', '77:1234', 512, 98, 2500, 256, 1, 1)", NULL, NULL, NULL),
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
	static const char *const steps[] = {"CREATE TABLE a (x);", "CREATE TABLE c (x); SELECT nothing;"};
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

/* The child acknowledges each override on a pipe after it was told that it is durable, until it is killed. */
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

/* In a child with a limit on file sizes: EFBIG is what a full disk is to SQLite, and needs no privilege. */
static int full_disk_child(struct fixture *f)
{
	_cleanup_diag_ struct diag d = {0};
	struct rlimit small = {200 * 1024, RLIM_INFINITY}, large = {RLIM_INFINITY, RLIM_INFINITY};
	_cleanup_free_ char *text = calloc(1, 4001);
	uint64_t until;
	int r = 0;

	if (!text || fixture_open(f, &d) != 0 || fixture_start(f) < 0)
		return 10;
	memset(text, 'x', 4000);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	for (int i = 0; i < 100 && f->health_calls == 0; i++) {
		struct uuid guest = some_guest((unsigned)i);

		if (store_put_overrides(f->store, &guest, text, on_done, f) < 0 || !await_answers(f, i + 1))
			return 11;
	}
	if (f->health_calls != 1 || f->healthy || !strstr(f->health, "cannot write"))
		return 12;
	if (f->last_error >= 0)
		return 13;
	setrlimit(RLIMIT_FSIZE, &large);
	/* The next write finds room; without one the thread would try by itself. */
	f->answered = 0;
	r = store_put_text(f->store, "mode", "enforce", on_done, f);
	if (r < 0 || !await_answers(f, 1) || f->last_error < 0)
		return 14;
	for (until = clock_boot_usec() + DEADLINE_USEC; !f->healthy && clock_boot_usec() < until;)
		sd_event_run(f->loop, 100 * USEC_PER_MSEC);
	return f->healthy && f->health_calls == 2 ? 0 : 15;
}

TEST(a_full_disk_is_told_and_survived)
{
	_cleanup_fixture_ struct fixture f = {0};
	_cleanup_diag_ struct diag d = {0};
	_cleanup_free_ char *mode = NULL;
	int status = 0;
	pid_t pid;

	fixture_dir(&f);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		int r = full_disk_child(&f);

		fixture_stop(&f);
		_exit(r);
	}
	waitpid(pid, &status, 0);
	CHECK_INT(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
	CHECK_INT(fixture_open(&f, &d), 0);
	CHECK_INT(store_load_text(f.store, "mode", &mode), 0);
	CHECK_STR(mode, "enforce");
}

/* What the state directory is moved to, while a file stands in its place. */
static void hide(const struct fixture *f, bool hidden)
{
	char aside[80];
	int fd;

	snprintf(aside, sizeof(aside), "%s.aside", f->dir);
	if (!hidden) {
		unlink(f->dir);
		CHECK_INT(rename(aside, f->dir), 0);
		return;
	}
	CHECK_INT(rename(f->dir, aside), 0);
	fd = open(f->dir, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	close(fd);
}

TEST(what_could_not_be_seen_is_read_before_anything_is_written_over_it)
{
	_cleanup_fixture_ struct fixture f = {0};
	_cleanup_diag_ struct diag d = {0};
	_cleanup_free_ char *mode = NULL;
	uint64_t until = clock_boot_usec() + DEADLINE_USEC;

	fixture_dir(&f);
	CHECK_INT(fixture_open(&f, &d), 0);
	CHECK_INT(fixture_start(&f), 0);
	CHECK_INT(store_put_text(f.store, "mode", "enforce", on_done, &f), 0);
	CHECK(await_answers(&f, 1));
	fixture_stop(&f);

	hide(&f, true);
	CHECK_INT(fixture_open(&f, &d), 1);
	CHECK(store_unread(f.store));
	CHECK_CONTAINS(d.file, f.dir);
	CHECK_CONTAINS(d.text, "cannot be looked for: Not a directory: make ");
	CHECK_INT(store_load_text(f.store, "mode", &mode), -ENOENT);
	CHECK_INT(fixture_start(&f), 0);
	CHECK_INT(store_put_text(f.store, "mode", "observe", on_done, &f), 0);
	CHECK(await_answers(&f, 2));
	CHECK(f.last_error < 0);

	hide(&f, false);
	f.healthy = false;
	CHECK_INT(store_put_text(f.store, "mode", "observe", on_done, &f), 0);
	while (!f.healthy && clock_boot_usec() < until)
		sd_event_run(f.loop, 100 * USEC_PER_MSEC);
	CHECK(f.mode);
	CHECK_STR(f.mode, "enforce");
	CHECK(!store_unread(f.store));
	CHECK(await_answers(&f, 3));
	CHECK_INT(f.last_error, 0);
	/* Now that it has been read the directory is ours alone. */
	{
		struct store_config config = {f.dir, 100, 100};
		struct store *second = NULL;

		CHECK_INT(store_open(&config, &ops, NULL, &second, &d), -EBUSY);
	}
}

TEST(what_was_never_read_is_not_written_at_the_end)
{
	_cleanup_fixture_ struct fixture f = {0};
	_cleanup_diag_ struct diag d = {0};
	_cleanup_free_ char *mode = NULL;

	fixture_dir(&f);
	CHECK_INT(fixture_open(&f, &d), 0);
	CHECK_INT(fixture_start(&f), 0);
	CHECK_INT(store_put_text(f.store, "mode", "enforce", on_done, &f), 0);
	CHECK(await_answers(&f, 1));
	fixture_stop(&f);
	hide(&f, true);
	CHECK_INT(fixture_open(&f, &d), 1);
	CHECK_INT(fixture_start(&f), 0);
	hide(&f, false);
	CHECK_INT(store_put_text(f.store, "mode", "observe", on_done, &f), 0);
	fixture_stop(&f); /* the loop never turned */
	CHECK(f.last_error < 0);
	CHECK_INT(fixture_open(&f, &d), 0);
	CHECK_INT(store_load_text(f.store, "mode", &mode), 0);
	CHECK_STR(mode, "enforce");
}

/* As somebody who may read the file and not write it. */
static int foreign_child(struct fixture *f)
{
	_cleanup_diag_ struct diag d = {0};
	_cleanup_free_ char *mode = NULL;

	if (geteuid() == 0 && (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0))
		return 77;
	if (fixture_open(f, &d) != 1)
		return 10;
	if (!strstr(d.text, "cannot be written: Permission denied: give it and its directory to") || !d.file ||
		!strstr(d.file, "/state.db"))
		return 11;
	if (store_unread(f->store) || store_load_text(f->store, "mode", &mode) < 0 || !streq(mode, "enforce"))
		return 12;
	return 0;
}

TEST(permissions_are_told_as_permissions)
{
	_cleanup_fixture_ struct fixture f = {0};
	_cleanup_diag_ struct diag d = {0};
	char path[128];
	int status = 0;
	pid_t pid;

	fixture_dir(&f);
	snprintf(path, sizeof(path), "%s/state.db", f.dir);
	CHECK_INT(fixture_open(&f, &d), 0);
	CHECK_INT(fixture_start(&f), 0);
	CHECK_INT(store_put_text(f.store, "mode", "enforce", on_done, &f), 0);
	CHECK(await_answers(&f, 1));
	fixture_stop(&f);
	CHECK_INT(chmod(path, 0444), 0);
	CHECK_INT(chmod(f.dir, 0555), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		int r = foreign_child(&f);

		fixture_stop(&f);
		_exit(r);
	}
	waitpid(pid, &status, 0);
	CHECK_INT(chmod(f.dir, 0700), 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		TEST_SKIP("this machine does not let us become somebody else");
	CHECK_INT(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
}

/* A small tmpfs that is attached nowhere becomes this process's root: no mount table changes, and a
 * test that is itself in a chroot can do it. Returns the file system's descriptor. */
static int tmpfs_enter(struct fixture *f)
{
	_cleanup_close_ int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	int fd;

	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "size", "512k", 0) < 0 ||
		fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	fd = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (fd < 0 || fchdir(fd) < 0 || chroot(".") < 0 || mkdir("/store", 0700) < 0)
		return -errno;
	snprintf(f->dir, sizeof(f->dir), "/store");
	return fd;
}

static int copy_file(const char *from, const char *to)
{
	_cleanup_close_ int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char buf[4096];
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, (size_t)n) != n)
			return -EIO;
	return n < 0 || out < 0 ? -errno : 0;
}

/* What a crash leaves, on a file system that comes back read-only: the last writes are in the WAL alone, and its index is gone. */
static int crashed_child(struct fixture *f)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	_cleanup_diag_ struct diag d = {0};
	_cleanup_free_ char *mode = NULL;
	int root = tmpfs_enter(f);

	if (root < 0)
		return 77;
	if (fixture_open(f, &d) != 0 || fixture_start(f) < 0 ||
		store_put_text(f->store, "mode", "enforce", on_done, f) < 0 || !await_answers(f, 1) ||
		f->last_error < 0)
		return 10;
	if (mkdir("/crashed", 0700) < 0 || copy_file("/store/state.db", "/crashed/state.db") < 0 ||
		copy_file("/store/state.db-wal", "/crashed/state.db-wal") < 0)
		return 11;
	fixture_stop(f);
	if (mount_setattr(root, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return 77;
	snprintf(f->dir, sizeof(f->dir), "/crashed");
	if (fixture_open(f, &d) != 1)
		return 12;
	return store_load_text(f->store, "mode", &mode) == 0 && streq(mode, "enforce") ? 0 : 13;
}

/* Filled to the brim, or made read-only, under a store that was in order. */
static int tmpfs_child(struct fixture *f, bool read_only)
{
	_cleanup_diag_ struct diag d = {0};
	_cleanup_free_ char *mode = NULL;
	char path[128];
	int root = tmpfs_enter(f), fd, r;

	if (root < 0)
		return 77;
	if (fixture_open(f, &d) != 0 || fixture_start(f) < 0 ||
		store_put_text(f->store, "mode", "enforce", on_done, f) < 0 || !await_answers(f, 1) ||
		f->last_error < 0)
		return 10;
	fixture_stop(f);
	if (read_only) {
		struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

		if (mount_setattr(root, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
			return 77;
	} else {
		static const char zeros[4096];

		snprintf(path, sizeof(path), "%s/fill", f->dir);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		while (write(fd, zeros, sizeof(zeros)) > 0)
			;
		close(fd);
	}
	f->answered = 0;
	r = fixture_open(f, &d);
	if (r != 1 && !(r == 0 && !read_only))
		return 11;
	if (store_load_text(f->store, "mode", &mode) < 0 || !streq(mode, "enforce"))
		return 12;
	if (fixture_start(f) < 0 || store_put_text(f->store, "mode", "observe", on_done, f) < 0 ||
		!await_answers(f, 1))
		return 13;
	if (read_only)
		return f->last_error < 0 ? 0 : 14;
	return 0;
}

static int read_only_child(struct fixture *f)
{
	return tmpfs_child(f, true);
}
static int full_child(struct fixture *f)
{
	return tmpfs_child(f, false);
}

static void run_tmpfs(int (*child)(struct fixture *f))
{
	_cleanup_fixture_ struct fixture f = {0};
	int status = 0;
	pid_t pid;

	if (geteuid() != 0)
		TEST_SKIP("needs root to mount a small file system");
	fixture_dir(&f);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(child(&f));
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		TEST_SKIP("this machine does not let us mount");
	CHECK_INT(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
}

TEST(a_read_only_file_system_keeps_what_is_there_readable)
{
	run_tmpfs(read_only_child);
}

TEST(what_a_crash_left_is_read_on_a_read_only_file_system)
{
	run_tmpfs(crashed_child);
}

TEST(a_full_file_system_keeps_what_is_there_readable)
{
	run_tmpfs(full_child);
}

TEST_MAIN()
