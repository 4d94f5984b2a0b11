/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/host/cgroup.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "daemon/host/reader.h"

#define TEXT_MAX (64 * KIB)

static const char *const controller_names[] = {[CGROUP_CPU] = "cpu", [CGROUP_MEMORY] = "memory"};

/* Is word one of the comma-separated words of list (up to len)? */
static bool list_has(const char *list, size_t len, const char *word)
{
	const char *end = list + len;

	while (list < end) {
		const char *comma = memchr(list, ',', (size_t)(end - list));
		size_t n = (size_t)((comma ? comma : end) - list);

		if (n == strlen(word) && memcmp(list, word, n) == 0)
			return true;
		list += n + 1;
	}
	return false;
}

/*
 * Finds a controller's line in a /proc/PID/cgroup text, "4:memory:/path" or "0::/path". Returns 1
 * or 2, the version, with the path's bounds; -ENOENT.
 */
static int find_line(
	const char *text, const char *controller, const char **ret_path, size_t *ret_len)
{
	int version = -ENOENT;

	while (*text) {
		size_t line = strcspn(text, "\n");
		const char *list = memchr(text, ':', line);
		const char *path =
			list ? memchr(list + 1, ':', line - (size_t)(list + 1 - text)) : NULL;

		if (path && strncmp(text, "0::", 3) == 0 && version < 0)
			version = 2;
		else if (path && list_has(list + 1, (size_t)(path - list - 1), controller))
			version = 1;
		else
			path = NULL;
		if (path) {
			*ret_path = path + 1;
			*ret_len = line - (size_t)(path + 1 - text);
		}
		if (version == 1)
			return version;
		text += line + (text[line] == '\n');
	}
	return version;
}

int cgroup_version(const char *root, enum cgroup_controller c)
{
	char buf[8192];
	const char *path;
	size_t len;
	ssize_t n = reader_read_path(root, "proc/self/cgroup", buf, sizeof(buf));

	return n < 0 ? (int)n : find_line(buf, controller_names[c], &path, &len);
}

uint64_t cgroup_shares_from_weight(int version, uint64_t weight)
{
	if (version == 2)
		return CLAMP(weight, UINT64_C(2), UINT64_C(10000));
	return MAX(weight * 1024 / 100, UINT64_C(2));
}

uint64_t cgroup_weight_from_shares(int version, uint64_t shares)
{
	if (version == 2)
		return CLAMP(shares, UINT64_C(1), UINT64_C(10000));
	/* libvirt's largest is 262144. Rounded, so that what was made of a weight gives it back. */
	return CLAMP(
		(MIN(shares, UINT64_C(262144)) * 100 + 1023) / 1024, UINT64_C(1), UINT64_C(10000));
}

/* --- Mounts --- */

/* One line of mountinfo: "36 35 98:0 /root /mnt rw - ext3 /dev/sda rw,errors=continue". */
struct mount_line {
	char root[PATH_MAX], point[PATH_MAX], type[64], options[1024];
};

static bool mount_parse(const char *line, struct mount_line *m)
{
	_Static_assert(PATH_MAX == 4096, "widths below");
	const char *dash = strstr(line, " - ");
	const char *eol = strchr(line, '\n');

	if (!dash || (eol && dash > eol))
		return false;
	return sscanf(line, "%*d %*d %*s %4095s %4095s", m->root, m->point) == 2 &&
	       sscanf(dash, " - %63s %*s %1023s", m->type, m->options) == 2;
}

static int find_mount(const char *root, int version, const char *controller, struct mount_line *m)
{
	_cleanup_free_ char *text = malloc(TEXT_MAX);
	const char *line = text;
	ssize_t n;

	if (!text)
		return -ENOMEM;
	n = reader_read_path(root, "proc/self/mountinfo", text, TEXT_MAX);
	if (n < 0)
		return (int)n;
	while (line && *line) {
		bool here = mount_parse(line, m) &&
			    (version == 2 ? streq(m->type, "cgroup2")
					  : streq(m->type, "cgroup") &&
						    list_has(m->options, strlen(m->options),
							    controller));

		if (here)
			return 0;
		line = strchr(line, '\n');
		line += line != NULL;
	}
	return -ENOENT;
}

/* ROOT + mount point + the path, less what of it the mount's own root covers (bind mounts of a
 * subtree). */
static int dir_below_mount(
	const char *root, const struct mount_line *m, const char *path, char **ret)
{
	size_t covered = streq(m->root, "/") ? 0 : strlen(m->root);

	if (strncmp(path, m->root, covered) == 0 && (path[covered] == '/' || path[covered] == '\0'))
		path += covered;
	if (strncmp(path, "/..", 3) == 0)
		return -ENOENT; /* outside of this cgroup namespace */
	if (asprintf(ret, "%s%s%s", streq(root, "/") ? "" : root, m->point,
		    streq(path, "/") ? "" : path) < 0)
		return -ENOMEM;
	return 0;
}

int cgroup_dir(const char *root, const char *path, enum cgroup_controller c, char **ret_dir)
{
	struct mount_line *m;
	int version = cgroup_version(root, c), r;

	if (version < 0)
		return version;
	m = malloc(sizeof(*m));
	if (!m)
		return -ENOMEM;
	r = find_mount(root, version, controller_names[c], m);
	if (r == 0)
		r = dir_below_mount(root, m, path, ret_dir);
	free(m);
	return r;
}

int cgroup_pressure_dir(const char *root, const char *path, char **ret_dir)
{
	struct mount_line *m = malloc(sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	r = find_mount(root, 2, "", m);
	if (r == 0)
		r = dir_below_mount(root, m, path, ret_dir);
	free(m);
	return r;
}

int cgroup_of_pid(const char *root, pid_t pid, enum cgroup_controller c, char **ret_dir)
{
	_cleanup_free_ char *path = NULL;
	char file[64], buf[8192];
	const char *at;
	size_t len;
	ssize_t n;
	int version;

	snprintf(file, sizeof(file), "proc/%d/cgroup", (int)pid);
	n = reader_read_path(root, file, buf, sizeof(buf));
	if (n < 0)
		return n == -ENOENT ? -ESRCH : (int)n;
	version = find_line(buf, controller_names[c], &at, &len);
	if (version < 0)
		return version;
	path = strndup(at, len);
	return path ? cgroup_dir(root, path, c, ret_dir) : -ENOMEM;
}

/* --- The limit --- */

int cgroup_set_soft_limit(const char *dir, uint64_t bytes)
{
	_cleanup_close_ int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int fd = -1;
	const char *unlimited = "max";
	char text[32];
	int len;

	if (dir_fd < 0)
		return -errno;
	fd = openat(dir_fd, "memory.high", O_WRONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		unlimited = "-1";
		fd = openat(dir_fd, "memory.soft_limit_in_bytes", O_WRONLY | O_CLOEXEC);
	}
	if (fd < 0)
		return -errno;
	if (bytes == BYTES_UNLIMITED)
		len = snprintf(text, sizeof(text), "%s", unlimited);
	else
		len = snprintf(text, sizeof(text), "%" PRIu64, bytes);
	return write(fd, text, (size_t)len) < 0 ? -errno : 0;
}
