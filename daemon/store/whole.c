/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the state file is still the one that we write, and whole; and a new one where it is
 * not. */
#include "daemon/store/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "daemon/store/schema.h"
#include "daemon/store/store-internal.h"

#define MARKER_FILE "state-made"
#define ASIDE	    "state.db.damaged-"
/* A disk that damages one file after the other is not filled with them. */
#define ASIDE_MAX 4
/* A whole file of 256 MiB takes 0.3 s where the kernel has it, seconds on a slow disk; who waits
 * for an acknowledgement waits for this. */
#define CHECK_USEC (5 * USEC_PER_SEC)
/* Of SQLite's steps between two looks at the clock. */
#define CHECK_STEPS 10000

/* ---- the marker ---- */

static void marker_path(const struct store *s, char path[static PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/" MARKER_FILE, s->dir);
}

void store_mark_made(struct store *s)
{
	static const char text[] =
		"ballastd has made state.db in this directory. Should that be gone or empty, ballastd does not start:\n"
		"mode, overrides and what guests had before Ballast would be forgotten without a word. To start anew in\n"
		"mode observe, remove this file.\n";
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];

	marker_path(s, path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) /* it is there, or the next start makes it */
		return;
	if (write(fd, text, sizeof(text) - 1) < 0 || fsync(fd) < 0)
		unlink(path);
}

int store_check_there(const struct store *s, struct diag *d)
{
	char marker[PATH_MAX];
	bool gone;
	struct stat st;

	marker_path(s, marker);
	gone = stat(s->path, &st) < 0;
	if (gone ? errno != ENOENT : st.st_size > 0 || !S_ISREG(st.st_mode))
		return 0;
	if (access(marker, F_OK) < 0)
		return 0;
	return diag_set(d, ENODATA, s->path, 0, 0,
		"is %s, and with it mode, overrides and what guests had before Ballast: restore a backup, or, to start anew in observe mode, %s%s",
		gone ? "gone" : "empty", gone ? "remove " : "remove it and ", marker);
}

int store_check_complete(struct store *s, struct diag *d)
{
	char marker[PATH_MAX];
	sqlite3_stmt *st = NULL;
	int r;

	marker_path(s, marker);
	r = sqlite3_prepare_v2(
		s->db, "SELECT 1 FROM text WHERE key = '" STORE_ANEW_KEY "'", -1, &st, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_step(st);
	sqlite3_finalize(st);
	if (r != SQLITE_ROW)
		return 0;
	return diag_set(d, ENODATA, s->path, 0, 0,
		"is not complete: ballastd ended while it wrote it in place of a damaged one (%s/" ASIDE
		"*): restore a backup, or, to start anew in observe mode, remove it and %s",
		s->dir, marker);
}

/* ---- is it whole? ---- */

_printf_(4, 5) static int say(char *why, size_t size, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return err;
}

/* By SQLite's own descriptor: to close another one on the same file would drop its locks. */
static bool read_start(sqlite3 *db, int which, void *buf, int len)
{
	sqlite3_file *f = NULL;

	return sqlite3_file_control(db, "main", which, &f) == SQLITE_OK && f && f->pMethods &&
	       f->pMethods->xRead(f, buf, len, 0) == SQLITE_OK;
}

static uint32_t word_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* https://www.sqlite.org/fileformat2.html#the_write_ahead_log: the sums of the header's first 24
 * bytes are its last eight; the magic number's last bit is their byte order. */
static bool is_wal_header(const uint8_t h[static 32])
{
	bool big = word_at(h) & 1;
	uint32_t a = 0, b = 0;

	if ((word_at(h) & ~1u) != 0x377f0682)
		return false;
	for (int i = 0; i < 24; i += 8) {
		uint32_t x = word_at(h + i), y = word_at(h + i + 4);

		a += (big ? x : __builtin_bswap32(x)) + b;
		b += (big ? y : __builtin_bswap32(y)) + a;
	}
	return word_at(h + 24) == a && word_at(h + 28) == b;
}

/* The log beside it has no identity of its own in SQLite. The first one after the file was opened
 * is ours. */
static bool wal_is_ours(struct store *s)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s-wal", s->path);
	if (stat(path, &st) < 0)
		return false;
	if (!s->wal_ino) {
		s->wal_dev = st.st_dev;
		s->wal_ino = st.st_ino;
	}
	return s->wal_dev == st.st_dev && s->wal_ino == st.st_ino;
}

int store_verify(struct store *s, char *why, size_t size)
{
	static const char magic[16] = "SQLite format 3";
	uint8_t header[100], wal[32];
	int moved = 0;

	if (sqlite3_file_control(s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
		moved)
		return say(why, size, -ESTALE, "%s was %s while ballastd had it open", s->path,
			access(s->path, F_OK) < 0 ? "deleted" : "replaced");
	if (!wal_is_ours(s))
		return say(why, size, -ESTALE,
			"%s-wal was deleted or replaced while ballastd had it open", s->path);
	if (!read_start(s->db, SQLITE_FCNTL_FILE_POINTER, header, sizeof(header)) ||
		memcmp(header, magic, sizeof(magic)) != 0)
		return say(why, size, -EBADMSG, "%s was damaged while ballastd had it open",
			s->path);
	if (!read_start(s->db, SQLITE_FCNTL_JOURNAL_POINTER, wal, sizeof(wal)) ||
		!is_wal_header(wal))
		return say(why, size, -EBADMSG, "%s-wal was damaged while ballastd had it open",
			s->path);
	return 0;
}

static int on_progress(void *userdata)
{
	const uint64_t *until = userdata;
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000 > *until;
}

/* A connection of its own: the store's has pages in memory that may be damaged on the disk. */
static int quick_check(struct store *s, const char *of, char *why, size_t size)
{
	char sql[64];
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	struct timespec ts;
	uint64_t until;
	int r, err = 0;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	until = (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000 + CHECK_USEC;
	snprintf(sql, sizeof(sql), "PRAGMA quick_check(%s)", of);
	r = sqlite3_open_v2(s->path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	if (r == SQLITE_OK) {
		sqlite3_progress_handler(db, CHECK_STEPS, on_progress, &until);
		r = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
	}
	if (r == SQLITE_OK)
		r = sqlite3_step(st);
	if (r == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(st, 0);

		if (text && !streq(text, "ok"))
			err = say(why, size, -EBADMSG, "%s is damaged (%.100s)", s->path, text);
	} else if ((r & 0xff) == SQLITE_IOERR || schema_errno(db, r) == -EBADMSG) {
		err = say(why, size, -EBADMSG, "%s is damaged (%s)", s->path, sqlite3_errmsg(db));
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
	return err;
}

int store_check(struct store *s, bool all, char *why, size_t size)
{
	static const char *const tables[] = {"text", "overrides", "originals"};
	int err = 0;

	if (all)
		return quick_check(s, "1", why, size);
	for (size_t i = 0; i < ARRAY_SIZE(tables) && err >= 0; i++)
		err = quick_check(s, tables[i], why, size);
	return err;
}

/* ---- a new one ---- */

static unsigned count_aside(const struct store *s)
{
	DIR *dir = opendir(s->dir);
	struct dirent *e;
	unsigned n = 0;

	while (dir && (e = readdir(dir))) {
		size_t len = strlen(e->d_name);

		n += strncmp(e->d_name, ASIDE, sizeof(ASIDE) - 1) == 0 &&
		     !(len > 4 && streq(e->d_name + len - 4, "-wal"));
	}
	if (dir)
		closedir(dir);
	return n;
}

static void join(char path[static PATH_MAX], const char *a, const char *b)
{
	snprintf(path, PATH_MAX, "%s%s", a, b);
}

static void unlink_all(const char *path)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
	char one[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		join(one, path, suffixes[i]);
		unlink(one);
	}
}

/* What is there, and its log. The index of the log is made anew with each file. */
static int put_aside(struct store *s, char aside[static PATH_MAX])
{
	char from[PATH_MAX], to[PATH_MAX];
	struct tm tm;
	time_t now = time(NULL);
	size_t len;

	gmtime_r(&now, &tm);
	join(aside, s->path, ".damaged-");
	len = strlen(aside);
	strftime(aside + len, PATH_MAX - len, "%Y%m%dT%H%M%SZ", &tm);
	if (access(aside, F_OK) == 0)
		return -EEXIST; /* within a second: the next try has another name */
	if (rename(s->path, aside) < 0 && errno != ENOENT)
		return -errno;
	if (access(aside, F_OK) < 0)
		aside[0] = '\0';
	join(from, s->path, "-wal");
	join(to, *aside ? aside : s->path, *aside ? "-wal" : ".damaged-wal");
	if (rename(from, to) < 0 && errno != ENOENT)
		return -errno;
	join(from, s->path, "-shm");
	return unlink(from) < 0 && errno != ENOENT ? -errno : 0;
}

/* With the row that says that nothing is in it yet, in one file. */
static int make_file(const char *path, struct diag *d)
{
	sqlite3 *db = NULL;
	int r, err;

	unlink_all(path);
	r = sqlite3_open_v2(path, &db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_exec(db, "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA synchronous=FULL;",
			NULL, NULL, NULL);
	err = schema_errno(db, r);
	if (err >= 0)
		err = schema_migrate(db, path, &schema_current, d);
	if (err >= 0)
		err = schema_errno(db,
			sqlite3_exec(db,
				"INSERT INTO text VALUES ('" STORE_ANEW_KEY "', datetime('now'))",
				NULL, NULL, NULL));
	sqlite3_close(db);
	if (err < 0)
		unlink_all(path);
	return err;
}

static void sync_dir(const struct store *s)
{
	_cleanup_close_ int fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		(void)!fsync(fd);
}

void store_leave(struct store *s)
{
	if (!s->db)
		return;
	/* What is there is evidence: nothing is moved from the log into the file. */
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	store_finalize(s);
	sqlite3_close(s->db);
	s->db = NULL;
	s->run[0] = '\0';
	history_forget(s);
}

int store_make_anew(struct store *s, char *why, size_t size)
{
	_cleanup_diag_ struct diag d = {0};
	char path[PATH_MAX], aside[PATH_MAX];
	int err;

	if (access(s->dir, F_OK) < 0)
		return say(why, size, -errno,
			"the state directory %s is gone: make it, with ballastd's user as its owner",
			s->dir);
	if (count_aside(s) >= ASIDE_MAX)
		return say(why, size, -EBADMSG,
			"%s is damaged, and %d older ones are there (%s/" ASIDE
			"*): look after the disk, then take them away, and a new one is written",
			s->path, ASIDE_MAX, s->dir);
	store_mark_made(s); /* should we end before the new one is there */
	join(path, s->path, ".new");
	err = make_file(path, &d);
	if (err < 0)
		return say(why, size, err,
			"%s is damaged, and no new one can be made beside it: %s", s->path,
			strerror(-err));
	err = put_aside(s, aside);
	if (err >= 0 && rename(path, s->path) < 0)
		err = -errno;
	if (err < 0)
		return say(why, size, err,
			"%s is damaged, and cannot be replaced by a new one: %s", s->path,
			strerror(-err));
	sync_dir(s);
	err = store_open_db(s, &d);
	if (err < 0) {
		store_describe(why, size, &d, err);
		return err;
	}
	s->fresh = true;
	return say(why, size, 0,
		"a new one is written from memory, mode, overrides and original sizes with it; older events and history are lost%s%s",
		*aside ? ", but for what can be read in " : "", aside);
}
