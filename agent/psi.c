/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/psi.h"

#include <fcntl.h>
#include <sys/statfs.h>

#include "agent/proc.h"
#include "agent/text.h"

#define PROC_SUPER_MAGIC 0x9fa0
#define UNPRIVILEGED_WINDOW_USEC (2 * USEC_PER_SEC)
#define WINDOW_MAX_USEC (10 * USEC_PER_SEC)

size_t psi_format(uint64_t stall_usec, uint64_t window_usec, char *buf)
{
	struct text t = {.buf = buf, .size = 64};

	text_add(&t, "some ");
	text_add_number(&t, stall_usec);
	text_add(&t, " ");
	text_add_number(&t, window_usec);
	return t.len + 1;
}

static int psi_arm(int fd, uint64_t stall_usec, uint64_t window_usec)
{
	char buf[64] = "";
	size_t len = psi_format(stall_usec, window_usec, buf);

	return write(fd, buf, len) == (ssize_t)len ? 0 : -errno;
}

int psi_open(const char *proc_dir, uint64_t stall_usec, uint64_t window_usec)
{
	_cleanup_close_ int fd = open_in(proc_dir, "pressure/memory", O_RDWR | O_NONBLOCK);
	struct statfs fs;
	int r;

	if (fd < 0)
		return fd;
	/* A copy of /proc to test with would take the line as its new content. */
	if (fstatfs(fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
		return -ENOTSUP;
	r = psi_arm(fd, stall_usec, window_usec);
	if (r == -EINVAL || r == -EPERM) {
		window_usec = (window_usec + UNPRIVILEGED_WINDOW_USEC - 1) /
		              UNPRIVILEGED_WINDOW_USEC * UNPRIVILEGED_WINDOW_USEC;
		r = psi_arm(fd, stall_usec, MIN(window_usec, WINDOW_MAX_USEC));
	}
	return r < 0 ? r : TAKE_FD(fd);
}
