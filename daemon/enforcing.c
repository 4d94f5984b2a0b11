/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/enforcing.h"

#include <fcntl.h>

static char *mark_path(const struct conf *conf)
{
	return conf_beside_socket(conf, "enforcing");
}

void enforcing_mark(const struct conf *conf, bool enforcing)
{
	_cleanup_free_ char *path = mark_path(conf);
	int fd;

	if (!path)
		return;
	if (!enforcing) {
		unlink(path);
		return;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
	if (fd >= 0)
		close(fd);
}

bool enforcing_marked(const struct conf *conf)
{
	_cleanup_free_ char *path = mark_path(conf);

	return path && access(path, F_OK) == 0;
}
