/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * Reads a stream of server-sent events, in whatever pieces it comes. Pure. Zero it to begin. An
 * event that is larger than SSE_MAX is an error: no sane daemon sends one.
 */
#define SSE_MAX (64 * 1024)
struct sse {
	char *buf; /* what is not a whole event yet */
	size_t len, allocated;
};
void sse_clear(struct sse *s) _nonnull_;
/* One whole event: name ("message" where it has none), id ("" for none), data with its lines
 * joined. */
typedef void (*sse_event_fn)(const char *event, const char *id, const char *data, void *userdata);
/* Returns 0, -EMSGSIZE or -ENOMEM. */
int sse_feed(struct sse *s, const char *bytes, size_t len, sse_event_fn fn, void *userdata)
	_nonnull_args_(1, 2, 4) _must_check_;
