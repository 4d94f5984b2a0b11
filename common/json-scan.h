/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * A pull scanner over one short JSON text of known length, for lines that come from somebody who is
 * not trusted: nothing is allocated, nothing is copied, values are handed out as they stand in the
 * text. In a header because ballast-agent, which links nothing, uses it as well.
 *
 * It takes RFC 8259 with these limits: UTF-8 is the caller's to check (json_utf8_valid), nesting
 * ends at JSON_SCAN_DEPTH_MAX, and of numbers only integers from 0 to 2^53 - 1 get a value; others
 * are SCAN_OTHER_NUMBER.
 *
 * Why not jansson: see the figures at the head of daemon/channel/line.c.
 */
#define JSON_SCAN_DEPTH_MAX 16
/* The largest integer that every reader of JSON agrees on. */
#define JSON_INTEGER_MAX ((UINT64_C(1) << 53) - 1)

enum scan_kind {
	SCAN_STRING,
	SCAN_INTEGER,      /* number is its value */
	SCAN_OTHER_NUMBER, /* negative, fractional, or larger than JSON_INTEGER_MAX */
	SCAN_FALSE,
	SCAN_TRUE,
	SCAN_NULL,
	SCAN_OBJECT, /* text is the whole of it, brackets included: scan it with a scanner of its
	                own */
	SCAN_ARRAY,
};

struct json_value {
	enum scan_kind kind;
	bool escaped;     /* a string with backslashes in it: json_string_copy() undoes them */
	const char *text; /* of a string: without its quotes */
	size_t len;
	uint64_t number;
};

struct json_scan {
	const char *p, *end;
	bool started;
};

static inline void json_scan_blanks(struct json_scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

static inline bool json_scan_char(struct json_scan *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

static inline int json_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 32) >= 'a' && (c | 32) <= 'f')
		return (c | 32) - 'a' + 10;
	return -1;
}

/* The four digits after \u, or -1. */
static inline int json_hex4(const char *p, const char *end)
{
	int v = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int d = json_hex_digit(p[i]);

		if (d < 0)
			return -1;
		v = v * 16 + d;
	}
	return v;
}

static inline int json_scan_string(struct json_scan *s, struct json_value *ret)
{
	ret->kind = SCAN_STRING;
	ret->escaped = false;
	ret->text = ++s->p;
	for (; s->p < s->end; s->p++) {
		unsigned char c = (unsigned char)*s->p;

		if (c == '"') {
			ret->len = (size_t)(s->p++ - ret->text);
			return 0;
		}
		if (c < 0x20)
			return -EBADMSG;
		if (c != '\\')
			continue;
		ret->escaped = true;
		if (++s->p == s->end)
			return -EBADMSG;
		if (*s->p == 'u') {
			if (json_hex4(s->p + 1, s->end) < 0)
				return -EBADMSG;
			s->p += 4;
		} else if (*s->p == '\0' || !strchr("\"\\/bfnrt", *s->p)) {
			return -EBADMSG;
		}
	}
	return -EBADMSG;
}

static inline bool json_scan_digits(struct json_scan *s)
{
	const char *begin = s->p;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return s->p > begin;
}

static inline int json_scan_number(struct json_scan *s, struct json_value *ret)
{
	bool plain = true;
	const char *digits;

	ret->text = s->p;
	if (json_scan_char(s, '-'))
		plain = false;
	digits = s->p;
	if (!json_scan_digits(s) || (*digits == '0' && s->p - digits > 1))
		return -EBADMSG;
	for (const char *d = digits; plain && d < s->p; d++) {
		ret->number = ret->number * 10 + (uint64_t)(*d - '0');
		plain = ret->number <= JSON_INTEGER_MAX;
	}
	if (json_scan_char(s, '.')) {
		plain = false;
		if (!json_scan_digits(s))
			return -EBADMSG;
	}
	if (json_scan_char(s, 'e') || json_scan_char(s, 'E')) {
		plain = false;
		if (!json_scan_char(s, '+'))
			(void)json_scan_char(s, '-');
		if (!json_scan_digits(s))
			return -EBADMSG;
	}
	ret->kind = plain ? SCAN_INTEGER : SCAN_OTHER_NUMBER;
	ret->len = (size_t)(s->p - ret->text);
	return 0;
}

static inline int json_scan_word(
	struct json_scan *s, const char *word, enum scan_kind kind, struct json_value *ret)
{
	size_t len = strlen(word);

	if ((size_t)(s->end - s->p) < len || memcmp(s->p, word, len) != 0)
		return -EBADMSG;
	ret->kind = kind;
	ret->text = s->p;
	ret->len = len;
	s->p += len;
	return 0;
}

static inline int json_scan_value(struct json_scan *s, unsigned depth, struct json_value *ret);

/* Walks over an object or array; what is inside is checked for form only. */
static inline int json_scan_nested(struct json_scan *s, unsigned depth, struct json_value *ret)
{
	bool object = *s->p == '{';
	char close = object ? '}' : ']';
	const char *text = s->p++;
	struct json_value inner;
	int r;

	if (depth >= JSON_SCAN_DEPTH_MAX)
		return -EBADMSG;
	json_scan_blanks(s);
	if (!json_scan_char(s, close)) {
		do {
			json_scan_blanks(s);
			if (object) {
				if (s->p == s->end || *s->p != '"')
					return -EBADMSG;
				r = json_scan_string(s, &inner);
				if (r < 0)
					return r;
				json_scan_blanks(s);
				if (!json_scan_char(s, ':'))
					return -EBADMSG;
				json_scan_blanks(s);
			}
			r = json_scan_value(s, depth + 1, &inner);
			if (r < 0)
				return r;
			json_scan_blanks(s);
		} while (json_scan_char(s, ','));
		if (!json_scan_char(s, close))
			return -EBADMSG;
	}
	ret->kind = object ? SCAN_OBJECT : SCAN_ARRAY;
	ret->text = text;
	ret->len = (size_t)(s->p - text);
	return 0;
}

static inline int json_scan_value(struct json_scan *s, unsigned depth, struct json_value *ret)
{
	ret->number = 0;
	ret->escaped = false;
	if (s->p == s->end)
		return -EBADMSG;
	switch (*s->p) {
	case '"':
		return json_scan_string(s, ret);
	case '{':
	case '[':
		return json_scan_nested(s, depth, ret);
	case 't':
		return json_scan_word(s, "true", SCAN_TRUE, ret);
	case 'f':
		return json_scan_word(s, "false", SCAN_FALSE, ret);
	case 'n':
		return json_scan_word(s, "null", SCAN_NULL, ret);
	default:
		return json_scan_number(s, ret);
	}
}

/* Begins an object or array (open is '{' or '['): returns 0, or -EBADMSG when the text begins
 * otherwise. */
static inline int json_scan_begin(struct json_scan *s, char open, const char *text, size_t len)
{
	*s = (struct json_scan){.p = text, .end = text + len};
	json_scan_blanks(s);
	return json_scan_char(s, open) ? 0 : -EBADMSG;
}

/* Steps over the comma before an element, or over the closing bracket and the blanks that may
 * follow it. Returns 1 when an element comes, 0 at the end of the text, -EBADMSG. */
static inline int json_scan_next(struct json_scan *s, char close)
{
	json_scan_blanks(s);
	if (json_scan_char(s, close)) {
		json_scan_blanks(s);
		return s->p == s->end ? 0 : -EBADMSG;
	}
	if (s->started && !json_scan_char(s, ','))
		return -EBADMSG;
	s->started = true;
	json_scan_blanks(s);
	return 1;
}

/* The next member of an object: 1, 0 at its end (and the text's), or -EBADMSG. */
static inline int json_scan_member(
	struct json_scan *s, struct json_value *key, struct json_value *value)
{
	int r = json_scan_next(s, '}');

	if (r <= 0)
		return r;
	if (s->p == s->end || *s->p != '"')
		return -EBADMSG;
	r = json_scan_string(s, key);
	if (r < 0)
		return r;
	json_scan_blanks(s);
	if (!json_scan_char(s, ':'))
		return -EBADMSG;
	json_scan_blanks(s);
	r = json_scan_value(s, 1, value);
	return r < 0 ? r : 1;
}

/* The next element of an array: like json_scan_member(). */
static inline int json_scan_element(struct json_scan *s, struct json_value *value)
{
	int r = json_scan_next(s, ']');

	if (r <= 0)
		return r;
	r = json_scan_value(s, 1, value);
	return r < 0 ? r : 1;
}

/* Whether a string that has no backslashes is exactly this word. (A name with escapes is not one of
 * ours.) */
static inline bool json_string_is(const struct json_value *v, const char *word, size_t len)
{
	return v->kind == SCAN_STRING && !v->escaped && v->len == len &&
	       memcmp(v->text, word, len) == 0;
}

/* Copies a string into buf of size bytes, cut to it and NUL-terminated, as printable ASCII: escapes
 * that stand for a printable character become that, everything else (also each byte of a longer
 * UTF-8 sequence) becomes '?'. */
static inline void json_string_copy(const struct json_value *v, char *buf, size_t size)
{
	const char *p = v->text, *end = v->text + v->len;
	size_t n = 0;

	while (p < end && n + 1 < size) {
		int c = (unsigned char)*p++;

		if (c == '\\') {
			c = (unsigned char)*p++;
			if (c == 'u') {
				c = json_hex4(p, end);
				p += 4;
			} else if (c != '"' && c != '\\' && c != '/') {
				c = '?'; /* \b \f \n \r \t */
			}
		}
		buf[n++] = c >= 0x20 && c < 0x7f ? (char)c : '?';
	}
	buf[n] = '\0';
}

/* The length of the UTF-8 sequence at p (RFC 3629: no surrogates, nothing overlong, up to
 * U+10FFFF), or 0. */
static inline size_t json_utf8_sequence(const unsigned char *p, const unsigned char *end)
{
	size_t len = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

	if (len == 0 || (size_t)(end - p) < len)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
		(p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

static inline bool json_utf8_valid(const char *text, size_t size)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + size;

	while (p < end) {
		uint64_t eight;
		size_t len;

		/* Lines are ASCII but for a mount point or two: eight bytes at a time. */
		if (end - p >= 8) {
			memcpy(&eight, p, 8);
			if (!(eight & UINT64_C(0x8080808080808080))) {
				p += 8;
				continue;
			}
		}
		if (*p < 0x80) {
			p++;
			continue;
		}
		len = json_utf8_sequence(p, end);
		if (len == 0)
			return false;
		p += len;
	}
	return true;
}
