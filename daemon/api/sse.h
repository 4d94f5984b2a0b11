/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/json.h"

/* The text of a stream of server-sent events (WHATWG HTML, 9.2), appended to a json_out as plain
 * text. Pure. */

/* One event. id: NULL: none, what the client knows stays the last one. data: each of its lines gets
 * its own field, so that nothing in it can begin another one. */
void sse_event(struct json_out *o, const char *id, const char *event, const char *data, size_t len)
	_nonnull_args_(1, 3, 4);
/* What clients ignore: tells that the line still stands. */
void sse_comment(struct json_out *o, const char *text) _nonnull_;
/* How long a client waits before it connects anew. */
void sse_retry(struct json_out *o, unsigned msec) _nonnull_;
