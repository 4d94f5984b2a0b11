/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/* Text in a buffer without stdio, which would double the agent's size. What does not fit is cut and
 * remembered. Always NUL-terminated. */
struct text {
	char *buf;
	size_t size; /* at least 1 */
	size_t len;
	bool cut;
};

void text_add_bytes(struct text *t, const char *s, size_t len) _nonnull_;
void text_add(struct text *t, const char *s) _nonnull_;
void text_add_number(struct text *t, uint64_t v) _nonnull_;
/* 16 lower-case hex digits. */
void text_add_hex(struct text *t, uint64_t v) _nonnull_;
/* As a JSON string with its quotes, at most max bytes of s: control characters, DEL and bytes that
 * are not UTF-8 become '?'. */
void text_add_json(struct text *t, const char *s, size_t max) _nonnull_;
