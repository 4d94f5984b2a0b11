/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/channel/line.h"

/*
 * Bytes of a channel become lines, whichever way they were cut on the road. Lines that stand whole
 * in what was read are handed out where they are. Only one that spans two reads is copied, into a
 * buffer that is allocated for it and freed after it: an agent writes a line at once, so a thousand
 * of them need none. Does no I/O.
 */
struct intake {
	char *partial; /* LINE_BYTES_MAX; NULL: no line began */
	size_t used;   /* of it */
	bool overlong; /* the line that began is too long (or there is no memory): it is dropped */
	bool handed;   /* partial was handed out by the last call */
};

/* Forgets the line that began and frees its buffer (a new connection, the end). */
void intake_reset(struct intake *in) _nonnull_;

struct intake_line {
	const char *text; /* NULL: a line of more than LINE_BYTES_MAX bytes ended here */
	size_t len;       /* without the newline */
};

/* Takes the next whole line out of the *len bytes at *data and moves both past it. False: no whole
 * line is left; the beginning of one is kept for the next call, *len is 0. The text is valid until
 * the next call. Byte 0xFF drops what came before it in its line. */
bool intake_next(
	struct intake *in, const char **data, size_t *len, struct intake_line *ret) _nonnull_;
