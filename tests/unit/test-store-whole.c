/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A state file that is damaged, deleted or replaced while it is open, or gone at the start. */
#include "daemon/store/store.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/fixture/store-test.h"

/* By a process of its own: one of ours that closed a descriptor would drop SQLite's locks. */
static int shell(const struct fixture *f, const char *command)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd), "cd '%s' && %s", f->dir, command);
	return system(cmd);
}

static void open_with_mode(struct fixture *f, const char *mode)
{
	_cleanup_diag_ struct diag d = {0};

	CHECK_INT(fixture_open(f, &d), 0);
	CHECK_INT(fixture_start(f), 0);
	CHECK_INT(store_put_text(f->store, "mode", mode, on_done, f), 0);
	CHECK(await_answers(f, 1));
	CHECK_INT(f->last_error, 0);
	f->memory = mode;
}

static void await_lost(struct fixture *f)
{
	uint64_t until = clock_boot_usec() + DEADLINE_USEC;

	while (!*f->lost && clock_boot_usec() < until)
		CHECK(sd_event_run(f->loop, 100 * USEC_PER_MSEC) >= 0);
}

static void check_mode(struct fixture *f, const char *expected)
{
	_cleanup_diag_ struct diag d = {0};
	_cleanup_free_ char *mode = NULL;

	CHECK_INT(fixture_open(f, &d), 0);
	CHECK_INT(store_load_text(f->store, "mode", &mode), 0);
	CHECK_STR(mode, expected);
}

/* What is asked for behind the damage is refused, or is there after a kill -9. */
static void damage(const char *command, const char *told)
{
	_cleanup_fixture_ struct fixture f = {0};
	struct uuid guest = some_guest(1);

	fixture_dir(&f);
	open_with_mode(&f, "enforce");
	CHECK_INT(shell(&f, command), 0);
	CHECK_INT(store_put_overrides(f.store, &guest, "{}", on_done, &f), 0);
	CHECK(await_answers(&f, 2));
	CHECK(f.last_error < 0);
	await_lost(&f);
	CHECK(f.healthy);
	CHECK_CONTAINS(f.lost, told);
	CHECK_CONTAINS(f.lost, "older events and history are lost");
	CHECK_INT(store_put_overrides(f.store, &guest, "{}", on_done, &f), 0);
	CHECK(await_answers(&f, 3));
	CHECK_INT(f.last_error, 0);
	/* as a kill -9 leaves it */
	CHECK_INT(shell(&f, "mkdir left && cp state* left/"), 0);
	fixture_stop(&f);
	{
		struct fixture left = f;

		snprintf(left.dir, sizeof(left.dir), "%.50s/left", f.dir);
		check_mode(&left, "enforce");
		fixture_stop(&left);
	}
	check_mode(&f, "enforce");
}

TEST(a_file_overwritten_while_open_is_noticed_and_written_anew)
{
	damage("for i in state.db state.db-wal; do dd if=/dev/urandom of=$i bs=4096 count=64 2>/dev/null; done",
		"damaged while");
}

TEST(a_file_deleted_while_open_is_noticed_and_written_anew)
{
	damage("rm state.db state.db-wal state.db-shm", "deleted while");
}

TEST(a_file_replaced_while_open_is_noticed_and_written_anew)
{
	damage("cp state.db other && mv other state.db", "replaced while");
}

TEST(a_log_deleted_while_open_is_noticed_and_the_file_written_anew)
{
	damage("rm state.db-wal", "deleted or replaced while");
}

TEST(what_is_damaged_is_kept_and_of_too_many_no_more_is_written)
{
	_cleanup_fixture_ struct fixture f = {0};
	uint64_t until = clock_boot_usec() + DEADLINE_USEC;
	struct uuid guest = some_guest(1);

	fixture_dir(&f);
	open_with_mode(&f, "enforce");
	CHECK_INT(shell(&f, "for i in 1 2 3 4; do : >state.db.damaged-$i; done"), 0);
	CHECK_INT(shell(&f, "dd if=/dev/urandom of=state.db bs=4096 count=9 conv=notrunc 2>/dev/null"),
		0);
	CHECK_INT(store_put_overrides(f.store, &guest, "{}", on_done, &f), 0);
	CHECK(await_answers(&f, 2));
	CHECK(f.last_error < 0);
	while (!strstr(f.health, "look after") && clock_boot_usec() < until)
		sd_event_run(f.loop, 100 * USEC_PER_MSEC);
	CHECK_CONTAINS(f.health, "look after the disk");
	CHECK_STR(f.lost, "");
	/* Nothing is acknowledged meanwhile. */
	CHECK_INT(store_put_overrides(f.store, &guest, "{}", on_done, &f), 0);
	CHECK(await_answers(&f, 3));
	CHECK(f.last_error < 0);
	CHECK_INT(shell(&f, "rm state.db.damaged-?"), 0);
	CHECK_INT(store_put_overrides(f.store, &guest, "{}", on_done, &f), 0);
	await_lost(&f);
	CHECK_CONTAINS(f.lost, "can be read in ");
	CHECK_INT(shell(&f, "ls state.db.damaged-2*Z >/dev/null"), 0);
	CHECK(await_answers(&f, 4)); /* it waited for the new file */
	CHECK_INT(f.last_error, 0);
}

/* A page of a table that is only read: the writer would not notice for days. */
TEST(what_a_reader_finds_damaged_is_looked_at)
{
	_cleanup_fixture_ struct fixture f = {0};

	fixture_dir(&f);
	open_with_mode(&f, "enforce");
	fixture_stop(&f);
	f.answered = 0;
	open_with_mode(&f, "enforce");
	CHECK_INT(shell(&f, "dd if=/dev/urandom of=state.db bs=4096 seek=2 count=99 conv=notrunc 2>/dev/null"),
		0);
	store_suspect(f.store);
	await_lost(&f);
	CHECK_CONTAINS(f.lost, "is damaged");
	fixture_stop(&f);
	check_mode(&f, "enforce");
}

TEST(a_file_that_is_gone_or_empty_is_refused_where_there_was_one)
{
	static const char *const how[] = {"rm -f state.db*", "rm -f state.db*; : >state.db",
		": >state.db"};

	for (size_t i = 0; i < ARRAY_SIZE(how); i++) {
		_cleanup_fixture_ struct fixture f = {0};
		_cleanup_diag_ struct diag d = {0};
		_cleanup_free_ char *mode = NULL;

		fixture_dir(&f);
		open_with_mode(&f, "enforce");
		fixture_stop(&f);
		CHECK_INT(shell(&f, how[i]), 0);
		CHECK_INT(fixture_open(&f, &d), -ENODATA);
		CHECK_CONTAINS(d.text, i ? "is empty" : "is gone");
		CHECK_CONTAINS(d.text, "restore a backup");
		CHECK_CONTAINS(d.text, "/state-made");
		diag_clear(&d);
		/* It is not made by looking for it. */
		CHECK_INT(fixture_open(&f, &d), -ENODATA);
		CHECK_INT(shell(&f, "rm -f state-made state.db"), 0);
		CHECK_INT(fixture_open(&f, &d), 0);
		CHECK_INT(store_load_text(f.store, "mode", &mode), -ENOENT);
	}
}

/* What a crash leaves before all is in the new file. */
static int incomplete_child(struct fixture *f)
{
	struct uuid guest = some_guest(1);

	open_with_mode(f, "enforce");
	f->dies = true;
	if (shell(f, "rm state.db") || store_put_overrides(f->store, &guest, "{}", on_done, f) < 0)
		return 10;
	await_lost(f);
	return 11;
}

TEST(a_new_file_that_is_not_complete_is_refused)
{
	_cleanup_fixture_ struct fixture f = {0};
	_cleanup_diag_ struct diag d = {0};
	int status = 0;
	pid_t pid;

	fixture_dir(&f);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(incomplete_child(&f));
	waitpid(pid, &status, 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK_INT(fixture_open(&f, &d), -ENODATA);
	CHECK_CONTAINS(d.text, "is not complete");
}

TEST_MAIN()
