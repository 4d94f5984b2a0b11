/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * The way to the host: a virtio-serial port found by its name, or what stands at a path (a device,
 * or a UNIX socket for tests). Never blocks. The trap is a port whose host end nobody holds: it
 * polls POLLIN|POLLHUP for ever and reads 0; so it is polled edge-triggered only, and a read of 0
 * means "wait for the next edge".
 */
struct port {
	const char *target;  /* a name, or a path when there is a '/' in it */
	const char *sys_dir; /* usually "/sys" */
	int fd;              /* -1: closed */
	bool is_socket;
	bool dirty; /* half a line was written, or nobody knows: 0xFF goes before the next */
};

/* "/dev/vportNpM" of the port of this name. Returns 0, -ENOENT, or -ENAMETOOLONG. */
int port_find(const char *sys_dir, const char *name, char *buf, size_t size) _nonnull_ _must_check_;

/* Opens it. Returns 0 or -errno: -ENOENT (no such port), -EBUSY (somebody else has it). */
int port_open(struct port *p) _nonnull_ _must_check_;
void port_close(struct port *p) _nonnull_;

/* Reads what is there. Returns the bytes read (more than 0), -EAGAIN (nothing now, but the host is
 * there), -ENOTCONN (the host is not there), or another -errno: the port is gone, close it. */
ssize_t port_read(struct port *p, char *buf, size_t size) _nonnull_ _must_check_;

/* Writes a whole line at once. Returns 0, -EAGAIN (full or no host: the line is dropped), or
 * another -errno as above. */
int port_write(struct port *p, const char *line, size_t len) _nonnull_ _must_check_;
