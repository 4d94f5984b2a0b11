/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lab/guest/port.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>

/* Copies the first line of a sysfs file; false when it cannot be read. */
static bool read_line(const char *path, char *line, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, line, size - 1);

	if (n <= 0)
		return false;
	line[n] = 0;
	line[strcspn(line, "\n")] = 0;
	return true;
}

/* Writes /dev/vportNpM of the port called name. */
static int find(const char *name, char *path, size_t size)
{
	int r = -ENOENT;
	glob_t g = {0};

	if (glob("/sys/class/virtio-ports/*/name", 0, NULL, &g) != 0)
		return -ENOENT;
	for (size_t i = 0; r < 0 && i < g.gl_pathc; i++) {
		char line[128], node[64];

		if (!read_line(g.gl_pathv[i], line, sizeof(line)) || !streq(line, name))
			continue;
		if (sscanf(g.gl_pathv[i], "/sys/class/virtio-ports/%63[^/]", node) != 1)
			continue;
		snprintf(path, size, "/dev/%s", node);
		r = 0;
	}
	globfree(&g);
	return r;
}

int port_open(struct port *p, const char *name)
{
	char path[80];
	int fd, r;

	r = find(name, path, sizeof(path));
	if (r < 0)
		return r;
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_SETOWN, getpid()) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	*p = (struct port){.fd = fd};
	return 0;
}

bool port_has_room(const struct port *p, size_t frames)
{
	return sizeof(p->queue) - p->queued >= frames * FRAME_WIRE_MAX;
}

void port_send(struct port *p, uint8_t type, uint32_t stream, const void *data, size_t size)
{
	struct frame f;

	if (!port_has_room(p, 1))
		return;
	frame_set(&f, type, stream, data, size);
	p->queued += frame_encode(&f, p->queue + p->queued);
	port_flush(p);
}

void port_flush(struct port *p)
{
	while (p->queued > 0) {
		ssize_t n = write(p->fd, p->queue, MIN(p->queued, (size_t)2048));

		if (n <= 0)
			return;
		p->queued -= (size_t)n;
		memmove(p->queue, p->queue + n, p->queued);
	}
}

void port_read(struct port *p, void (*take)(const struct frame *))
{
	uint8_t raw[2048];
	ssize_t n = read(p->fd, raw, sizeof(raw));
	struct frame f;

	for (ssize_t i = 0; i < n; i++)
		if (frame_decode(&p->decoder, raw[i], &f))
			take(&f);
}

void port_hangup(struct port *p)
{
	p->closed = true;
	p->queued = 0;
	p->decoder = (struct frame_decoder){0};
}
