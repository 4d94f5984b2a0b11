/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include "common/diag.h"

/*
 * Fills a struct from a JSON object by a table of fields: one line a key. Unknown keys, missing
 * ones, wrong types and values out of range are errors that name the place as a JSON Pointer (RFC
 * 6901).
 */
enum field_type {
	FIELD_TEXT,         /* char *, not empty */
	FIELD_TEXTS,        /* char **, NULL-terminated */
	FIELD_SIZE,         /* uint64_t bytes: an integer or "1.5G" */
	FIELD_MSEC,         /* uint64_t: seconds, rounded to whole milliseconds */
	FIELD_MSEC_OR_NULL, /* the same; null is MSEC_NEVER */
	FIELD_PERCENT,      /* uint64_t permyriad: 19.5 is 1950 */
	FIELD_COUNT,        /* uint64_t */
	FIELD_WORD,         /* int: index in words */
	FIELD_TIME,         /* uint64_t microseconds since 1970: RFC 3339 */
	FIELD_SIZE_STEPS,   /* struct steps of sizes */
	FIELD_PERCENT_STEPS,
	FIELD_OTHER,        /* whatever read() makes of it */
};

/* A reading in progress: where in the file it is. */
struct fields_reader {
	const char *file;
	struct diag *d;
	void *userdata;
	char pointer[256]; /* "/guests/0/max"; cut when longer */
	size_t pointer_len;
};

struct field {
	const char *key;
	enum field_type type;
	size_t offset;                /* of the member in the struct that is filled */
	bool required;
	uint64_t min, max;            /* in the member's unit; max 0: no bound */
	const char *const *words;     /* WORD: NULL-terminated */
	int (*read)(struct fields_reader *r, const json_t *value, void *member); /* OTHER */
};

/* Fills out (its members hold their defaults already) from an object; the table ends with a key of
 * NULL. Returns 0, -EBADMSG with the diag filled, or -ENOMEM; what was filled until then is the
 * caller's to free. */
int fields_read(struct fields_reader *r, const json_t *object, const struct field *fields,
	void *out) _nonnull_args_(1, 3, 4) _must_check_;

/* Goes one level down (key, or index where key is NULL); returns what fields_leave() takes. */
size_t fields_enter(struct fields_reader *r, const char *key, size_t index) _nonnull_args_(1);
void fields_leave(struct fields_reader *r, size_t entered) _nonnull_;
/* "expected WHAT, found VALUE" at the present place. Returns -EBADMSG. */
int fields_expected(struct fields_reader *r, const json_t *found, const char *what) _nonnull_;
/* Any other mistake at the present place. Returns -EBADMSG. */
int fields_mistake(struct fields_reader *r, const char *fmt, ...) _nonnull_args_(1, 2)
	_printf_(2, 3);
