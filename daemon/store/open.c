/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/store/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "daemon/store/schema.h"
#include "daemon/store/store-internal.h"

#define STATE_FILE "state.db"

/* WAL: a reader never waits, a crash loses nothing that was committed; synchronous=FULL: COMMIT
 * returns after the fsync (NORMAL would not). The cache is small: there are no large queries, and
 * memory is the guests'. */
static const char pragmas[] = "PRAGMA auto_vacuum=INCREMENTAL;" /* of a new file: before WAL */
			      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
			      "PRAGMA cache_size=-256; PRAGMA wal_autocheckpoint=256;"
			      "PRAGMA journal_size_limit=1048576; PRAGMA temp_store=MEMORY;"
			      "PRAGMA foreign_keys=OFF;";

static sqlite3 *db_close(sqlite3 *db)
{
	sqlite3_close(db);
	return NULL;
}

/* True where the disk or its permissions forbid to write, but what is there may be whole. */
static bool cannot_write(int err)
{
	return err == -ENOSPC || err == -EROFS || err == -EDQUOT || err == -EFBIG || err == -EIO ||
	       err == -EACCES || err == -EPERM || err == -ENOENT || err == -ENOTDIR;
}

/* True where it cannot even be seen whether there is a file: only ENOENT says that there is
 * none. */
static bool is_hidden(const char *path, int *ret_err)
{
	*ret_err = access(path, F_OK) < 0 ? -errno : 0;
	return *ret_err < 0 && *ret_err != -ENOENT;
}

static int open_failed(struct store *s, int err, struct diag *d)
{
	int why;

	if (is_hidden(s->path, &why))
		return diag_set(d, -why, s->path, 0, 0,
			"cannot be looked for: %s: make %s a directory that the user of ballastd may use, and what is saved there is read",
			strerror(-why), s->dir);
	if (err == -EBADMSG)
		return diag_set(d, EBADMSG, s->path, 0, 0,
			"is damaged (%s): restore %s.vN or a backup; or, to start anew in observe mode, move it and %s/state-made away",
			sqlite3_errmsg(s->db), s->path, s->dir);
	if (err == -EBUSY)
		return diag_set(d, EBUSY, s->path, 0, 0,
			"is in use by another program: end it (is a second ballastd running?)");
	return diag_set(d, -err, s->path, 0, 0, "cannot be written: %s%s", strerror(-err),
		err == -EACCES || err == -EPERM
			? ": give it and its directory to the user of ballastd"
			: "");
}

/* SQLite says read-only of permissions as well. */
static int why_read_only(const struct store *s)
{
	return access(s->path, W_OK) < 0 || access(s->dir, W_OK) < 0 ? -errno : -EROFS;
}

/* One daemon a state directory. Where the lock cannot be made (read-only disk) there is none. */
static int take_lock(struct store *s, struct diag *d)
{
	_cleanup_free_ char *path = NULL;

	if (s->lock_fd >= 0)
		return 0;
	if (asprintf(&path, "%s/lock", s->dir) < 0)
		return -ENOMEM;
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd < 0 || flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return 0;
	close(TAKE_FD(s->lock_fd));
	return diag_set(d, EBUSY, s->dir, 0, 0,
		"is in use by another ballastd: end it, or give this one another StateDirectory=");
}

int store_open_db(struct store *s, struct diag *d)
{
	int r, err = take_lock(s, d);

	if (err < 0 || (err = store_check_there(s, d)) < 0)
		return err;
	s->wal_ino = 0;
	r = sqlite3_open_v2(s->path, &s->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	if (r == SQLITE_OK) {
		sqlite3_busy_timeout(s->db, 500);
		r = sqlite3_exec(s->db, pragmas, NULL, NULL, NULL);
	}
	if (r == SQLITE_OK && sqlite3_db_readonly(s->db, "main") == 1)
		r = SQLITE_READONLY;
	err = r == SQLITE_OK ? schema_migrate(s->db, s->path, &schema_current, d)
			     : open_failed(s,
				       (r & 0xff) == SQLITE_READONLY ? why_read_only(s)
								     : schema_errno(s->db, r),
				       d);
	if (err >= 0 && !s->damaged && !s->fresh)
		err = store_check_complete(s, d);
	if (err < 0) {
		s->db = db_close(s->db);
		return err;
	}
	store_mark_made(s);
	store_make_shrinkable(s);
	return 0;
}

/* Opens what uri names and looks inside; prepare comes first. Returns an SQLite result. */
static int look_inside(struct store *s, const char *uri, const char *prepare)
{
	int r = sqlite3_open_v2(
		uri, &s->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL);

	if (r == SQLITE_OK) /* nothing is moved from the WAL into the file by a reader */
		r = sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_exec(s->db, prepare, NULL, NULL, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_exec(s->db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
	return r;
}

/* Only to read: as it is, or, where SQLite cannot even make its index beside it (a disk that came
 * back full or read-only), as a file that nobody changes; with a WAL beside it, as a crash leaves
 * one, whose index is then made in our own memory. */
static int open_to_read(struct store *s, struct diag *d)
{
	_cleanup_free_ char *wal = NULL, *still = NULL, *alone = NULL;
	struct stat st;
	int r;

	if (asprintf(&wal, "%s-wal", s->path) < 0 ||
		asprintf(&still, "file:%s?immutable=1", s->path) < 0 ||
		asprintf(&alone, "file:%s?vfs=unix-none", s->path) < 0)
		return -ENOMEM;
	r = look_inside(s, s->path, "");
	if (r == SQLITE_OK)
		return 0;
	s->db = db_close(s->db);
	if (stat(wal, &st) == 0 && st.st_size > 0)
		r = look_inside(s, alone, "PRAGMA locking_mode=EXCLUSIVE");
	else
		r = look_inside(s, still, "");
	if (r == SQLITE_OK)
		return 0;
	r = open_failed(s, schema_errno(s->db, r), d);
	s->db = db_close(s->db);
	return r;
}

static int store_alloc(const char *dir, struct store **ret)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->eventfd = s->lock_fd = -1;
	s->queue.last = &s->queue.first;
	s->answered.last = &s->answered.first;
	pthread_mutex_init(&s->mutex, NULL);
	s->dir = strdup(dir);
	if (!s->dir || asprintf(&s->path, "%s/" STATE_FILE, dir) < 0) {
		s->path = NULL;
		store_free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

void store_describe(char *buf, size_t size, const struct diag *d, int err)
{
	_cleanup_free_ char *text = d->text ? diag_format(d) : NULL;

	snprintf(buf, size, "%s", text ? text : strerror(-err));
}

int store_open(const struct store_config *config, const struct store_ops *ops, void *data,
	struct store **ret, struct diag *d)
{
	_cleanup_store_ struct store *s = NULL;
	_cleanup_diag_ struct diag reading = {0};
	int r, err, seen;

	r = store_alloc(config->dir, &s);
	if (r < 0)
		return r;
	s->config = *config;
	s->config.dir = s->dir;
	s->ops = *ops;
	s->data = data;
	if (mkdir(s->dir, 0700) < 0 && errno != EEXIST && errno != EROFS && errno != ENOSPC)
		return diag_set(d, errno, s->dir, 0, 0,
			"cannot be made: %s; make it and give it to the user that ballastd runs as",
			strerror(errno));
	err = store_open_db(s, d);
	if (err < 0) {
		if (!is_hidden(s->path, &seen) && !cannot_write(err))
			return err;
		/* What is there must be readable, or the mode would be forgotten. */
		if (seen >= 0 && (r = open_to_read(s, &reading)) < 0) {
			diag_clear(d);
			*d = reading;
			reading = (struct diag){0};
			return r;
		}
		s->unread = seen < 0;
		store_describe(s->health, sizeof(s->health), d, err);
	}
	s->ok = err >= 0;
	*ret = TAKE_PTR(s);
	return err < 0;
}

int store_open_readonly(const char *dir, struct store **ret, struct diag *d)
{
	_cleanup_store_ struct store *s = NULL;
	int r = store_alloc(dir, &s);

	if (r < 0)
		return r;
	if (is_hidden(s->path, &r))
		return open_failed(s, r, d);
	if (r >= 0)
		r = open_to_read(s, d);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}
