/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "lab/guest/frame.h"

/*
 * The guest's end of a virtio-serial port. While the host's end is closed poll() says POLLHUP for
 * ever; the kernel sends SIGIO when that changes, so a closed port costs no wake-up at all: leave
 * it out of poll() while ->closed.
 */
struct port {
	int fd;
	bool closed; /* the host's end */
	struct frame_decoder decoder;
	uint8_t queue[65536]; /* encoded frames the host has not taken */
	size_t queued;
};

/* Finds the port by name in sysfs and opens it non-blocking, SIGIO to this process. -ENOENT: no
 * such port yet. */
_nonnull_ _must_check_ int port_open(struct port *p, const char *name);

/* True when at least this many frames of any size fit into the queue. */
_nonnull_ bool port_has_room(const struct port *p, size_t frames);

/* Queues a frame and writes what goes. Without room the frame is lost: ask port_has_room()
 * first. */
_nonnull_args_(1) void port_send(
	struct port *p, uint8_t type, uint32_t stream, const void *data, size_t size);

/* Writes what the host takes now. */
_nonnull_ void port_flush(struct port *p);

/* Reads once and hands each whole frame to take(). */
_nonnull_ void port_read(struct port *p, void (*take)(const struct frame *));

/* The host's end went: what was queued is for nobody. */
_nonnull_ void port_hangup(struct port *p);
