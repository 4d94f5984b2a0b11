/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/units.h"
#include "daemon/api/internal.h"
#include "daemon/api/tls.h"

struct MHD_Daemon;

/*
 * One instance of libmicrohttpd: the one without TLS, or that of one certificate. When certificates
 * are read anew a new one takes the new connections, and the old one goes on until its last
 * connection ends: so nobody is cut off. But where the authority of client certificates is another
 * one, they are cut off at once: whom it vouched for, nobody does any more.
 */
struct server {
	struct MHD_Daemon *mhd;
	int fd; /* its epoll descriptor */
	bool tls;
	char *authority; /* of client certificates; owned; NULL: none */
	unsigned n_conns;
	struct server *next; /* older ones */
};
/* Room for request line, headers, and the head of the answer of one connection. */
#define CONNECTION_MEMORY_BYTES (16 * KIB)
/* tls NULL: without. Any thread. NULL without memory, or when the library refuses. */
struct server *server_new(struct http *h, const struct tls *tls) _nonnull_args_(1) _must_check_;
/* Ends its connections. None may be suspended. Takes NULL, returns NULL. */
struct server *server_free(struct server *s);
/* More old ones than this are not kept: the oldest one's connections are cut off. */
#define SERVERS_MAX 4
