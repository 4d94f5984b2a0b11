/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/sys/listen.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

int listen_take(const char *name)
{
	char **names = NULL;
	int n, fd = -ENOENT;

	n = sd_listen_fds_with_names(1, &names);
	for (int i = 0; i < n; i++) {
		int candidate = SD_LISTEN_FDS_START + i;

		if (fd < 0 && names && streq(names[i], name)) {
			if (sd_is_socket_unix(candidate, SOCK_STREAM, 1, NULL, 0) > 0) {
				fd = candidate;
				continue;
			}
			fd = -EINVAL;
		}
		close(candidate); /* nobody's: a leaked listener would swallow connections */
	}
	for (int i = 0; names && names[i]; i++)
		free(names[i]);
	free(names);
	return n < 0 ? n : fd;
}

int listen_tcp(const struct address *a, bool *ret_absent)
{
	_cleanup_close_ int fd =
		socket(a->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const struct sockaddr *address = (const struct sockaddr *)&a->storage;
	bool six = a->storage.ss_family == AF_INET6, absent = false;
	int on = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, address, a->len) < 0) {
		absent = errno == EADDRNOTAVAIL;
		if (!absent ||
			setsockopt(fd, six ? IPPROTO_IPV6 : IPPROTO_IP,
				six ? IPV6_FREEBIND : IP_FREEBIND, &on, sizeof(on)) < 0 ||
			bind(fd, address, a->len) < 0)
			return -errno;
	}
	if (listen(fd, SOMAXCONN) < 0)
		return -errno;
	*ret_absent = absent;
	return TAKE_FD(fd);
}
