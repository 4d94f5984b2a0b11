/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

/*
 * Named daemons: /etc/ballast/contexts for everybody, and above it the user's own
 * $XDG_CONFIG_HOME/ballast/contexts (~/.config). The dialect is that of ballast.conf: a section is
 * a context, [Contexts] Current= names the one in use. No secret is in it: a token is in a file of
 * its own.
 */
struct context {
	char *name, *host;
	char *token_file, *cert, *key, *ca; /* or NULL */
	bool own;			    /* in the user's own file */
};
#define CONTEXTS_MAX 64
struct contexts {
	struct context items[CONTEXTS_MAX];
	size_t n;
	char *current; /* or NULL */
};
/* The daemon of this host, on its socket. */
#define CONTEXT_LOCAL "local"

void contexts_clear(struct contexts *all);
#define _cleanup_contexts_ _cleanup_(contexts_clear)
/* Reads both files; what is not there is empty. Returns CLI_OK, or CLI_BAD_CONFIG after naming
 * every mistake. */
int contexts_read(struct cli *c, struct contexts *ret) _nonnull_ _must_check_;
const struct context *contexts_find(const struct contexts *all, const char *name) _nonnull_ _pure_;
/* Adds one, or replaces one of the same name; takes item. Returns 0, or -E2BIG. */
int contexts_put(struct contexts *all, struct context *item) _nonnull_ _must_check_;
/* Returns false where there is none. */
bool contexts_remove(struct contexts *all, const char *name) _nonnull_;
/* Writes what is the user's own: a new file put in place of the old one. Returns CLI_OK, or the
 * exit code after a message. */
int contexts_write(struct cli *c, const struct contexts *all) _nonnull_ _must_check_;
/* A context's name: letters, digits, . - _ ; at most 63. */
bool context_name_is_valid(const char *name) _nonnull_ _pure_;
