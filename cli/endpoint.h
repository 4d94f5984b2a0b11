/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

/*
 * Where the daemon is and by what one shows who one is there. Chosen in this order: --socket or
 * --host; --context; $BALLAST_HOST; $BALLAST_SOCKET; $BALLAST_CONTEXT; the context in use; the
 * local socket. --token-file, --cert, --key and --ca stand above what a context says.
 */
struct endpoint {
	bool remote;	 /* over TCP: url; else socket */
	char *socket;
	char *url;	 /* "https://host:8006", without a slash at the end */
	char *context;	 /* the name of the one that it comes from, or NULL */
	char *cert, *key, *ca; /* files, or NULL */
	char *token;	 /* NULL: none */
	void *curl;	 /* kept: the next request needs no new connection */
};

/* Finds it once; later calls give the same. Returns CLI_OK, or the exit code after a message. */
int endpoint_get(struct cli *c, struct endpoint **ret) _nonnull_ _must_check_;
/* What to call it in a message. */
const char *endpoint_name(const struct endpoint *e) _nonnull_;
/* Takes NULL. */
void endpoint_free(struct endpoint *e);

/* Reads an address: a path, unix:PATH, https://HOST[:PORT], or http:// of this machine alone. Fills
 * *ret; returns 0, or -EINVAL with *d. */
int endpoint_parse(
	const char *address, struct endpoint *ret, struct diag *d) _nonnull_ _must_check_;
/*
 * The token in a file: one line of at most ENDPOINT_TOKEN_MAX bytes. Refused where it is not the
 * asker's or root's, or others may read it. Returns 0 with a new string, -ENOENT, -EPERM (its mode
 * or owner), or another error; *d has the text and the remedy.
 */
#define ENDPOINT_TOKEN_MAX 1024
int endpoint_read_token(const char *file, char **ret, struct diag *d) _nonnull_ _must_check_;
