/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/figures.h"

/* What the host says, docs/agent-protocol.md. The host is trusted, the line on the way to us may be
 * cut or old. */
struct hostline {
	char partial[1024]; /* a longer line is for a later agent: dropped */
	size_t used;
	bool dropping;
};

/* What is to be done after a piece was read. A later line of a kind replaces an earlier one: of
 * many old pings in the port only the last is answered. */
struct orders {
	bool has_config;
	struct config config;
	bool has_ping, hello;
	uint64_t ping_id;
};

/* Forgets the line that began. */
void hostline_reset(struct hostline *h) _nonnull_;
/* Takes bytes in. Adds what they say to *orders; orders->config holds the present configuration
 * before the first call. */
void hostline_take(
	struct hostline *h, const char *data, size_t len, struct orders *orders) _nonnull_;
/* One line without its newline: 0, or -EBADMSG (not of the form, out of range: orders are
 * untouched) or -ENOMSG (a type of a later protocol). */
int hostline_parse(const char *text, size_t len, struct orders *orders) _nonnull_;
