/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/policy-files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* What begins with a dot is no policy. One name: what a killed daemon left is written over. */
#define NEW_FILE ".new"

char *policy_files_dir(const char *state_dir)
{
	char *dir;

	return asprintf(&dir, "%s/policy.d", state_dir) < 0 ? NULL : dir;
}

ssize_t policy_files_layer(const char *const *dirs, const char *own)
{
	for (size_t i = 0; dirs[i]; i++)
		if (streq(dirs[i], own))
			return (ssize_t)i;
	return -ENOENT;
}

static int failed(struct diag *d, int error, const char *dir, const char *name, const char *what)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s%s%s", dir, name ? "/" : "", name ? name : "") < 0)
		return -ENOMEM;
	return diag_set(d, error, path, 0, 0, "cannot %s: %s", what, strerror(error));
}

static int open_dir(const char *dir, struct diag *d)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && mkdir(dir, 0755) == 0)
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? failed(d, errno, dir, NULL, "open this directory") : fd;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static bool is_policy(const char *name)
{
	static const char suffix[] = ".policy";
	size_t n = strlen(name), s = sizeof(suffix) - 1;

	return name[0] != '.' && n > s && streq(name + n - s, suffix);
}

/* Policies but this one. */
static int count_others(const char *dir, const char *name, struct diag *d)
{
	_cleanup_(close_dir) DIR *stream = opendir(dir);
	const struct dirent *e;
	int n = 0;

	if (!stream)
		return failed(d, errno, dir, NULL, "read this directory");
	while ((e = readdir(stream)))
		n += is_policy(e->d_name) && !streq(e->d_name, name);
	return n;
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int write_new(int dir_fd, const char *text, size_t len)
{
	_cleanup_close_ int fd = openat(
		dir_fd, NEW_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);

	return fd < 0 ? -errno : write_all(fd, text, len);
}

int policy_file_write(
	const char *dir, const char *name, const char *text, size_t len, struct diag *d)
{
	_cleanup_close_ int dir_fd = open_dir(dir, d);
	int r;

	if (dir_fd < 0)
		return dir_fd;
	r = count_others(dir, name, d);
	if (r < 0)
		return r;
	if (r >= POLICY_FILES_MAX)
		return diag_set(d, EMFILE, dir, 0, 0,
			"has %d policies already, and no more are possible", r);
	r = write_new(dir_fd, text, len);
	if (r >= 0 && renameat(dir_fd, NEW_FILE, dir_fd, name) < 0)
		r = -errno;
	if (r < 0) {
		(void)!unlinkat(dir_fd, NEW_FILE, 0);
		return failed(d, -r, dir, name, "write");
	}
	/* Without this a crash of the host may bring the old one back. */
	return fsync(dir_fd) < 0 ? failed(d, errno, dir, name, "write") : 0;
}

int policy_file_remove(const char *dir, const char *name, struct diag *d)
{
	_cleanup_close_ int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir_fd < 0)
		return errno == ENOENT ? -ENOENT
				       : failed(d, errno, dir, NULL, "open this directory");
	if (unlinkat(dir_fd, name, 0) < 0)
		return errno == ENOENT ? -ENOENT : failed(d, errno, dir, name, "remove");
	return fsync(dir_fd) < 0 ? failed(d, errno, dir, name, "remove") : 0;
}

bool policy_file_is_there(const char *dir, const char *name)
{
	_cleanup_close_ int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	return dir_fd >= 0 && fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

char *policy_file_above(const char *const *dirs, size_t from, const char *name)
{
	char *path = NULL;
	size_t n = 0;

	while (dirs[n])
		n++;
	while (n > from)
		if (policy_file_is_there(dirs[--n], name))
			return asprintf(&path, "%s/%s", dirs[n], name) < 0 ? NULL : path;
	return NULL;
}
