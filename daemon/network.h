/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/conf.h"
#include "daemon/api/api.h"
#include "daemon/api/names.h"
#include "daemon/api/tls.h"

/* What [API] of ballast.conf says of the network, made real. */

/* Reads certificate and key where an address of Listen= needs them. Returns 0 with *ret (NULL where
 * none does), -EBADMSG with findings, -ENOMEM. */
int network_load_tls(
	const struct conf *c, struct tls **ret, struct diag_list *findings) _nonnull_ _must_check_;
/* Reads who may do what. Returns 0 or -errno with a finding; lines that are wrong are findings,
 * too. */
int network_load_tokens(const struct conf *c, struct token_table **ret,
	struct diag_list *findings) _nonnull_ _must_check_;
/* What a reload reads of it. */
struct network_reading {
	struct tls *tls; /* NULL: there is none, or it is bad; then that is a finding */
	struct token_table *tokens;
	struct diag_list token_findings;
	bool no_memory;	     /* for the tokens */
	struct names *names; /* NULL: could not be read */
};
/* Reads next's files, where there are sockets by Listen= of `start`. Any thread. */
void network_read(const struct conf *start, const struct conf *next, struct network_reading *ret,
	struct diag_list *findings) _nonnull_;
void network_reading_clear(struct network_reading *r) _nonnull_;
/* Listens on each address. Returns 0, or -errno after the journal was told (-EBADMSG where another
 * start would meet the same); then none is open. */
int network_listen(const struct conf *c, struct api_listener listeners[static API_LISTENERS_MAX],
	size_t *ret_n) _nonnull_ _must_check_;
