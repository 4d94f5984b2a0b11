/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/sys/credentials.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#define CREDENTIAL_MAX MIB /* systemd's own bound */

ssize_t credential_read(const char *name, char **ret)
{
	const char *dir = secure_getenv("CREDENTIALS_DIRECTORY");
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	size_t len = 0;
	struct stat st;
	ssize_t n = 1;

	if (strchr(name, '/'))
		return -EINVAL;
	if (!dir)
		return -ENXIO;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > CREDENTIAL_MAX)
		return -EINVAL;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	while (len < (size_t)st.st_size && n > 0) {
		n = read(fd, text + len, (size_t)st.st_size - len);
		if (n < 0)
			return -errno;
		len += (size_t)n;
	}
	text[len] = '\0';
	*ret = TAKE_PTR(text);
	return (ssize_t)len;
}
