/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/host/reader.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

int reader_open(const char *root, const char *path)
{
	char full[PATH_MAX];
	int n = snprintf(full, sizeof(full), "%s/%s", root, path), fd;

	if (n < 0 || (size_t)n >= sizeof(full))
		return -ENAMETOOLONG;
	fd = open(full, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

ssize_t reader_read(int fd, char *buf, size_t size)
{
	size_t len = 0;

	while (len + 1 < size) {
		ssize_t n = pread(fd, buf + len, size - 1 - len, (off_t)len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	buf[len] = '\0';
	return (ssize_t)len;
}

ssize_t reader_read_single(int fd, char *buf, size_t size)
{
	ssize_t n;

	do
		n = pread(fd, buf, size - 1, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return n;
}

ssize_t reader_read_path(const char *root, const char *path, char *buf, size_t size)
{
	_cleanup_close_ int fd = reader_open(root, path);

	return fd < 0 ? fd : reader_read(fd, buf, size);
}

bool reader_number(const char **s, uint64_t *ret)
{
	const char *p = *s + strspn(*s, " \t");
	uint64_t v = 0;

	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10, &v) ||
			__builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return false;
	*s = p;
	*ret = v;
	return true;
}

uint64_t reader_fields(const char *text, const struct reader_field *fields, size_t n, void *base)
{
	uint64_t found = 0, all = n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;

	for (const char *line = text; line && *line && found != all;) {
		size_t len = strcspn(line, ": \n");

		for (size_t i = 0; i < n; i++) {
			const char *value = line + len + (line[len] == ':');
			uint64_t v;

			if (strlen(fields[i].name) != len ||
				memcmp(fields[i].name, line, len) != 0 ||
				!reader_number(&value, &v))
				continue;
			if (__builtin_mul_overflow(v, fields[i].unit, &v))
				v = UINT64_MAX;
			memcpy((char *)base + fields[i].offset, &v, sizeof(v));
			found |= UINT64_C(1) << i;
			break;
		}
		line = strchr(line, '\n');
		line += line != NULL;
	}
	return found;
}
