/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/spare.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* Before it is renamed. No guest has that name; one that was left by a kill is written over. */
#define NEW_NAME ".new"

char *spare_path(const struct conf *conf)
{
	return conf_beside_socket(conf, SPARE_DIR);
}

/* A directory that another one made, or in which others can write, is none of ours. Who is root may
 * read his daemon's. */
static int dir_check(int fd)
{
	struct stat st, parent;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return -EPERM;
	if (st.st_uid == geteuid())
		return 0;
	if (geteuid() == 0 && fstatat(fd, "..", &parent, AT_SYMLINK_NOFOLLOW) == 0 &&
		parent.st_uid == st.st_uid)
		return 0;
	return -EPERM;
}

/* Returns a descriptor or -errno. */
static int dir_open(const char *path, bool make)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (make && mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = dir_check(fd);
	return r < 0 ? r : TAKE_FD(fd);
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Whoever is killed in between leaves what was there. It need not outlive the host: so no fsync. */
static int put_at(int dir, const char *name, const char *text, size_t len)
{
	_cleanup_close_ int fd = -1;
	int r;

	(void)!unlinkat(dir, NEW_NAME, 0);
	fd = openat(dir, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text, len);
	if (r >= 0 && renameat(dir, NEW_NAME, dir, name) < 0)
		r = -errno;
	if (r < 0)
		(void)!unlinkat(dir, NEW_NAME, 0);
	return r;
}

int spare_put(const struct conf *conf, const struct store_original *o)
{
	_cleanup_free_ char *path = spare_path(conf);
	char text[SPARE_TEXT_MAX], name[UUID_TEXT_MAX];
	_cleanup_close_ int dir = -1;

	if (!path)
		return -ENOENT;
	dir = dir_open(path, true);
	if (dir < 0)
		return dir;
	return put_at(dir, uuid_format(&o->guest, name), text, spare_format(o, text));
}

void spare_drop(const struct conf *conf, const struct uuid *guest)
{
	_cleanup_free_ char *path = spare_path(conf);
	char name[UUID_TEXT_MAX];
	_cleanup_close_ int dir = path ? dir_open(path, false) : -1;

	if (dir >= 0)
		(void)!unlinkat(dir, uuid_format(guest, name), 0);
}

/* Returns the length, or -errno. O_NONBLOCK: a FIFO in its place keeps nobody waiting. */
static ssize_t read_file(int dir, const char *name, char text[static SPARE_TEXT_MAX + 1])
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st, of_dir;
	size_t len = 0;

	if (fd < 0 || fstat(fd, &st) < 0 || fstat(dir, &of_dir) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != of_dir.st_uid)
		return -EPERM;
	while (len <= SPARE_TEXT_MAX) {
		ssize_t n = read(fd, text + len, SPARE_TEXT_MAX + 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return (ssize_t)len;
		len += (size_t)n;
	}
	return -EFBIG;
}

/* Returns 0 also where it is passed over, or what fn returned. */
static int load_one(int dir, const char *path, const char *name, store_original_fn fn,
	void *userdata, struct diag *d)
{
	char text[SPARE_TEXT_MAX + 1], run[SPARE_RUN_MAX], canonical[UUID_TEXT_MAX];
	_cleanup_free_ char *file = NULL;
	struct store_original o;
	struct uuid guest;
	ssize_t len;

	if (asprintf(&file, "%s/%s", path, name) < 0)
		return -ENOMEM;
	if (uuid_parse(name, &guest) < 0 || !streq(uuid_format(&guest, canonical), name)) {
		(void)!diag_set(d, EBADMSG, file, 0, 0, "its name is no guest's UUID: passed over");
		return 0;
	}
	len = read_file(dir, name, text);
	if (len == -ENOENT)
		return 0;
	if (len < 0) {
		(void)!diag_set(d, (int)-len, file, 0, 0, "cannot be read: %s: passed over",
			strerror((int)-len));
		return 0;
	}
	if (spare_parse(file, text, (size_t)len, run, &o, d) < 0)
		return 0;
	o.guest = guest;
	return fn(&o, userdata);
}

static int load_all(DIR *dir, const char *path, store_original_fn fn, void *userdata,
	struct diag_list *findings)
{
	struct dirent *e;
	unsigned n = 0;
	int r = 0;

	while (r == 0 && (errno = 0, e = readdir(dir))) {
		_cleanup_diag_ struct diag d = {0};

		if (e->d_name[0] == '.')
			continue;
		if (n++ == SPARE_FILES_MAX) {
			(void)!diag_set(&d, EFBIG, path, 0, 0,
				"more than %d files: the rest is passed over", SPARE_FILES_MAX);
			return diag_list_take(findings, &d);
		}
		r = load_one(dirfd(dir), path, e->d_name, fn, userdata, &d);
		if (d.text && diag_list_take(findings, &d) < 0 && r == 0)
			r = -ENOMEM;
	}
	return r ? r : -errno;
}

int spare_load(
	const struct conf *conf, store_original_fn fn, void *userdata, struct diag_list *findings)
{
	_cleanup_free_ char *path = spare_path(conf);
	_cleanup_diag_ struct diag d = {0};
	int fd = path ? dir_open(path, false) : -ENOENT, r;
	DIR *dir;

	if (fd == -ENOENT)
		return 0;
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		r = fd < 0 ? fd : -errno;
		if (fd >= 0)
			close(fd);
		(void)!diag_set(&d, -r, path, 0, 0,
			"cannot be read: %s: what guests had is taken from the state directory alone",
			r == -EPERM ? "it is not ballastd's own, or others may write in it"
				    : strerror(-r));
		(void)!diag_list_take(findings, &d);
		return r;
	}
	r = load_all(dir, path, fn, userdata, findings);
	closedir(dir);
	return r;
}
