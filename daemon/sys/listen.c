/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/sys/listen.h"

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
