/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/port.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "agent/proc.h"
#include "agent/text.h"

static bool has_name(const char *ports_dir, const char *port, const char *name)
{
	_cleanup_close_ int fd = -1;
	char buf[256];
	struct text path = {.buf = buf, .size = sizeof(buf)};
	ssize_t n;

	text_add(&path, port);
	text_add(&path, "/name");
	fd = path.cut ? -1 : open_in(ports_dir, buf, O_RDONLY);
	if (fd < 0)
		return false;
	n = read_text(fd, buf, sizeof(buf));
	if (n > 0 && buf[n - 1] == '\n')
		buf[n - 1] = '\0';
	return n > 0 && streq(buf, name);
}

int port_find(const char *sys_dir, const char *name, char *buf, size_t size)
{
	char ports_buf[256];
	struct text ports = {.buf = ports_buf, .size = sizeof(ports_buf)};
	struct text path = {.buf = buf, .size = size};
	struct dirent *e;
	int r = -ENOENT;
	DIR *dir;

	text_add(&ports, sys_dir);
	text_add(&ports, "/class/virtio-ports");
	dir = ports.cut ? NULL : opendir(ports_buf);
	while (dir && r == -ENOENT && (e = readdir(dir))) {
		if (e->d_name[0] == '.' || !has_name(ports_buf, e->d_name, name))
			continue;
		text_add(&path, "/dev/");
		text_add(&path, e->d_name);
		r = path.cut ? -ENAMETOOLONG : 0;
	}
	if (dir)
		closedir(dir);
	return r;
}

static int connect_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int port_open(struct port *p)
{
	const char *path = p->target;
	struct stat st;
	char buf[256];
	int r;

	if (!strchr(path, '/')) {
		r = port_find(p->sys_dir, path, buf, sizeof(buf));
		if (r < 0)
			return r;
		path = buf;
	}
	p->is_socket = stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
	if (p->is_socket)
		r = connect_socket(path);
	else
		r = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (r < 0)
		return p->is_socket ? r : -errno;
	p->fd = r;
	p->dirty = false;
	return 0;
}

void port_close(struct port *p)
{
	closep(&p->fd);
}

ssize_t port_read(struct port *p, char *buf, size_t size)
{
	ssize_t n = read(p->fd, buf, size);

	if (n > 0)
		return n;
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	/* A socket does not come back. */
	return p->is_socket ? -EPIPE : -ENOTCONN;
}

int port_write(struct port *p, const char *line, size_t len)
{
	static const unsigned char resync = 0xff;
	struct iovec parts[] = {
		{.iov_base = (void *)&resync, .iov_len = 1},
		{.iov_base = (void *)line, .iov_len = len},
	};
	size_t all = len + p->dirty;
	/* A device makes one write of each part; it takes a line whole or not at all. */
	ssize_t n = writev(p->fd, parts + !p->dirty, 1 + p->dirty);

	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	p->dirty = (size_t)n < all && (p->dirty || n > 0);
	return (size_t)n < all ? -EAGAIN : 0;
}
