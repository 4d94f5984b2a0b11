/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store on disks that are full, read-only, hidden, or somebody else's. */
#include "daemon/store/store.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/fixture/store-test.h"

/* In a child with a limit on file sizes: EFBIG is what a full disk is to SQLite, and needs no
 * privilege. */
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

		if (store_put_overrides(f->store, &guest, text, on_done, f) < 0 ||
			!await_answers(f, i + 1))
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

	if (geteuid() == 0 &&
		(setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0))
		return 77;
	if (fixture_open(f, &d) != 1)
		return 10;
	if (!strstr(d.text, "cannot be written: Permission denied: give it and its directory to") ||
		!d.file || !strstr(d.file, "/state.db"))
		return 11;
	if (store_unread(f->store) || store_load_text(f->store, "mode", &mode) < 0 ||
		!streq(mode, "enforce"))
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
	_cleanup_close_ int in = open(from, O_RDONLY | O_CLOEXEC),
			    out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char buf[4096];
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, (size_t)n) != n)
			return -EIO;
	return n < 0 || out < 0 ? -errno : 0;
}

/* What a crash leaves, on a file system that comes back read-only: the last writes are in the WAL
 * alone, and its index is gone. */
static int crashed_child(struct fixture *f)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	_cleanup_diag_ struct diag d = {0};
	_cleanup_free_ char *mode = NULL;
	int root = tmpfs_enter(f);

	if (root < 0)
		return 77;
	if (fixture_open(f, &d) != 0 || fixture_start(f) < 0 ||
		store_put_text(f->store, "mode", "enforce", on_done, f) < 0 ||
		!await_answers(f, 1) || f->last_error < 0)
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
		store_put_text(f->store, "mode", "enforce", on_done, f) < 0 ||
		!await_answers(f, 1) || f->last_error < 0)
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
