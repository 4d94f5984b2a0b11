/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/fs.h"

#include <fcntl.h>
#include <sys/statvfs.h>

#include "agent/proc.h"
#include "common/json-scan.h"

/* One line of mounts: device, mount point, type, each ended by a NUL in place. */
struct mount {
	char *device, *point, *type;
};

/* \040 and the like are how the kernel writes blanks. */
static void unescape(char *s)
{
	char *out = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
			s[3] >= '0' && s[3] <= '7') {
			*out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*out++ = *s++;
		}
	}
	*out = '\0';
}

static bool split(char *line, struct mount *ret)
{
	char *fields[3];

	for (int i = 0; i < 3; i++) {
		char *end = strchr(line, ' ');

		if (!end)
			return false;
		*end = '\0';
		fields[i] = line;
		line = end + 1;
	}
	*ret = (struct mount){.device = fields[0], .point = fields[1], .type = fields[2]};
	unescape(ret->point);
	return true;
}

static bool is_wanted(const struct mount *m)
{
	if (strncmp(m->device, "/dev/", 5) != 0)
		return false;
	/* A file system in a process may answer late or never; these two are always full. */
	return strncmp(m->type, "fuse", 4) != 0 && !streq(m->type, "squashfs") &&
	       !streq(m->type, "iso9660");
}

/* One device mounted twice is one file system: the first mount counts. */
static bool is_known(const struct fs_list *l, const unsigned long *ids, unsigned long id)
{
	for (unsigned i = 0; i < l->n; i++)
		if (id != 0 && ids[i] == id)
			return true;
	return false;
}

static void take(struct fs_list *l, unsigned long *ids, const struct mount *m)
{
	struct fs *fs = &l->items[l->n];
	struct statvfs st;
	size_t len = strnlen(m->point, FS_MOUNT_MAX - 1);

	if (l->n == FS_MAX || !is_wanted(m) || statvfs(m->point, &st) < 0 || st.f_blocks == 0 ||
		is_known(l, ids, st.f_fsid))
		return;
	memcpy(fs->mount, m->point, len);
	fs->mount[len] = '\0';
	fs->size_bytes = MIN((uint64_t)st.f_blocks * st.f_frsize, JSON_INTEGER_MAX);
	fs->free_bytes = MIN((uint64_t)st.f_bavail * st.f_frsize, fs->size_bytes);
	ids[l->n++] = st.f_fsid;
}

void fs_read(const char *proc_dir, struct fs_list *ret)
{
	_cleanup_close_ int fd = open_in(proc_dir, "self/mounts", O_RDONLY);
	unsigned long ids[FS_MAX];
	char buf[2048];
	off_t at = 0;
	ssize_t n;

	ret->n = 0;
	while (fd >= 0 && (n = pread(fd, buf, sizeof(buf) - 1, at)) > 0) {
		char *line = buf, *end;
		struct mount m;

		buf[n] = '\0';
		for (; (end = strchr(line, '\n')); line = end + 1) {
			*end = '\0';
			if (split(line, &m))
				take(ret, ids, &m);
		}
		/* A line that does not fit (some overlays) is none of ours. */
		at += line == buf ? n : line - buf;
	}
}

bool fs_changed(const struct fs_list *a, const struct fs_list *b)
{
	if (a->n != b->n)
		return true;
	for (unsigned i = 0; i < a->n; i++) {
		const struct fs *x = &a->items[i], *y = &b->items[i];
		uint64_t moved_bytes = x->free_bytes > y->free_bytes
		                               ? x->free_bytes - y->free_bytes
		                               : y->free_bytes - x->free_bytes;

		if (!streq(x->mount, y->mount) || x->size_bytes != y->size_bytes ||
			moved_bytes > x->size_bytes / 100)
			return true;
	}
	return false;
}
