/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include "common/diag.h"

/*
 * JSON, both ways. Out: a writer that appends to one growing buffer (a tree of 1000 guests would
 * cost megabytes). In: strict reading of foreign text, and checking of an object against a table of
 * fields, with JSON Pointers (RFC 6901) to what is wrong.
 */

/* ---- out ---- */

/* Zero it to begin; commas come by themselves. Whoever owns it frees buf. Without memory `failed`
 * is set and the rest does nothing. */
struct json_out {
	char *buf; /* NUL-terminated once anything was written */
	size_t len;
	size_t allocated;
	bool comma; /* a value was written at this level */
	bool failed;
};
void json_out_clear(struct json_out *o) _nonnull_;
#define _cleanup_json_out_ _cleanup_(json_out_clear)
#define _cleanup_json_     _cleanup_(json_decrefp) /* jansson.h's own */

void json_out_open(struct json_out *o, char bracket) _nonnull_;	 /* '{' or '[' */
void json_out_close(struct json_out *o, char bracket) _nonnull_; /* '}' or ']' */
void json_out_key(struct json_out *o, const char *key) _nonnull_;
/* A value (after a key, or in an array). Strings are escaped; what is not UTF-8 becomes U+FFFD;
 * NULL is null. */
void json_out_string(struct json_out *o, const char *s) _nonnull_args_(1);
/* UINT64_MAX (unlimited, never, not known) is written as null; what is above JSON_NUMBER_MAX as
 * that: many readers, jansson and our own among them, refuse a whole answer for one larger
 * number. */
#define JSON_NUMBER_MAX ((uint64_t)INT64_MAX)
void json_out_u64(struct json_out *o, uint64_t v) _nonnull_;
void json_out_bool(struct json_out *o, bool v) _nonnull_;
void json_out_null(struct json_out *o) _nonnull_;
/* Wall time in microseconds since 1970 as RFC 3339 in UTC with milliseconds; 0 and USEC_INFINITY
 * are null. */
void json_out_time(struct json_out *o, uint64_t real_usec) _nonnull_;
/* Text that is JSON already. */
void json_out_raw(struct json_out *o, const char *json, size_t len) _nonnull_;
/* Key and value in one. */
void json_out_key_string(struct json_out *o, const char *key, const char *s) _nonnull_args_(1, 2);
void json_out_key_u64(struct json_out *o, const char *key, uint64_t v) _nonnull_;
void json_out_key_bool(struct json_out *o, const char *key, bool v) _nonnull_;
/* A member that is an object or an array: '{' or '['. */
void json_out_key_open(struct json_out *o, const char *key, char bracket) _nonnull_;
void json_out_key_time(struct json_out *o, const char *key, uint64_t real_usec) _nonnull_;

/* ---- times ---- */

#define JSON_TIME_MAX 40
/* "2026-11-22T08:00:00.000Z". Returns buf. */
char *json_time_format(uint64_t real_usec, char buf[static JSON_TIME_MAX]);
/* RFC 3339 with Z or an offset, 1970 to 9999. Returns 0 or -EINVAL. */
int json_time_parse(const char *s, uint64_t *ret_real_usec) _nonnull_ _must_check_;

/* ---- in ---- */

/* Deeper than this no text of ours nests; a parser must not recurse on what a stranger sends. */
#define JSON_DEPTH_MAX 16
/*
 * Reads one JSON value from foreign text: UTF-8 only, no key twice in an object, nothing behind the
 * value, at most JSON_DEPTH_MAX deep, no NUL in strings. Returns 0 and a new reference, or -EBADMSG
 * with line, column and what is wrong, or -ENOMEM.
 */
int json_read(const char *text, size_t len, json_t **ret, struct diag *d)
	_nonnull_args_(1, 3) _must_check_;

/*
 * Foreign or stored JSON that is about to be read or passed on: each whole number outside strings
 * that is beyond JSON_NUMBER_MAX becomes null, with blanks behind it, in place. One figure that
 * cannot be believed must not cost the reader all the others. Returns how many there were.
 */
size_t json_calm_numbers(char *text, size_t len) _nonnull_;

/* No size that is sent may be larger: 64 PiB, as far as a policy's go. Any sum of them fits. */
#define JSON_SIZE_MAX (UINT64_C(1) << 56)

enum json_type_wanted {
	JSON_WANT_STRING,
	JSON_WANT_SIZE,	 /* bytes: an integer within min..max (max 0: JSON_SIZE_MAX) */
	JSON_WANT_COUNT, /* an integer >= 0 within min..max */
	JSON_WANT_BOOL,
	JSON_WANT_TIME,	  /* RFC 3339 */
	JSON_WANT_ENUM,	  /* one of `words` */
	JSON_WANT_OBJECT, /* of `fields` */
	JSON_WANT_UUID,
	JSON_WANT_MAX,
};
/* One field of an object. Tables end with an entry whose name is NULL; route declarations and
 * OpenAPI use the same tables. */
struct json_field {
	const char *name;
	enum json_type_wanted type;
	bool required;
	const char *summary;		 /* for people: what it means */
	uint64_t min, max;		 /* COUNT, SIZE; length of a STRING in bytes (max 0: 256) */
	const char *const *words;	 /* ENUM: NULL-terminated */
	const struct json_field *fields; /* OBJECT */
};
/* Where an object departs from its table. */
struct json_mistake {
	char pointer[256]; /* "/memory/min"; "" is the whole body */
	char text[256];	   /* what was found, what is expected, the nearest known word */
};
/* Checks all of value. Returns 0, or -EINVAL with the first mistake in table and text order. */
int json_check(const json_t *value, const struct json_field *fields,
	struct json_mistake *ret) _nonnull_ _must_check_;
