/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/json.h"

#include "common/utf8.h"

void json_out_clear(struct json_out *o)
{
	free(o->buf);
	*o = (struct json_out){0};
}

/* Room for n more bytes and a NUL, or NULL. */
static char *reserve(struct json_out *o, size_t n)
{
	size_t need = o->len + n + 1;
	size_t size = o->allocated ? o->allocated : 1024;
	char *grown;

	if (o->failed)
		return NULL;
	if (need <= o->allocated)
		return o->buf + o->len;
	while (size < need)
		size *= 2;
	grown = realloc(o->buf, size);
	if (!grown) {
		o->failed = true;
		return NULL;
	}
	o->buf = grown;
	o->allocated = size;
	return o->buf + o->len;
}

static void put(struct json_out *o, const char *s, size_t n)
{
	char *at = reserve(o, n);

	if (!at)
		return;
	memcpy(at, s, n);
	o->len += n;
	o->buf[o->len] = '\0';
}

static void comma(struct json_out *o)
{
	if (o->comma)
		put(o, ",", 1);
	o->comma = true;
}

void json_out_open(struct json_out *o, char bracket)
{
	comma(o);
	put(o, &bracket, 1);
	o->comma = false;
}

void json_out_close(struct json_out *o, char bracket)
{
	put(o, &bracket, 1);
	o->comma = true;
}

/* One byte or sequence at s that cannot stand as it is. Returns how many bytes of s it used. */
static size_t put_escaped(struct json_out *o, const unsigned char *s, size_t left)
{
	static const char hex[] = "0123456789abcdef";
	char u[] = {'\\', 'u', '0', '0', hex[*s >> 4], hex[*s & 15]};
	size_t n = utf8_length(s, left);

	if (n > 1)
		put(o, (const char *)s, n);
	else if (!n)
		put(o, "\xef\xbf\xbd", 3);
	else if (*s == '"' || *s == '\\')
		put(o, (char[]){'\\', (char)*s}, 2);
	else if (*s == '\n')
		put(o, "\\n", 2);
	else if (*s == '\t')
		put(o, "\\t", 2);
	else
		put(o, u, sizeof(u));
	return n ? n : 1;
}

static void put_quoted(struct json_out *o, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t left = strlen(text);

	put(o, "\"", 1);
	while (left) {
		size_t plain = 0;

		while (plain < left && s[plain] >= 0x20 && s[plain] < 0x7f && s[plain] != '"' &&
			s[plain] != '\\')
			plain++;
		if (!plain)
			plain = put_escaped(o, s, left);
		else
			put(o, (const char *)s, plain);
		s += plain;
		left -= plain;
	}
	put(o, "\"", 1);
}

void json_out_key(struct json_out *o, const char *key)
{
	comma(o);
	put_quoted(o, key);
	put(o, ":", 1);
	o->comma = false;
}

void json_out_string(struct json_out *o, const char *s)
{
	if (!s) {
		json_out_null(o);
		return;
	}
	comma(o);
	put_quoted(o, s);
}

void json_out_u64(struct json_out *o, uint64_t v)
{
	char digits[20];
	size_t n = sizeof(digits);

	if (v == UINT64_MAX) {
		json_out_null(o);
		return;
	}
	v = MIN(v, JSON_NUMBER_MAX);
	do
		digits[--n] = (char)('0' + v % 10);
	while (v /= 10);
	comma(o);
	put(o, digits + n, sizeof(digits) - n);
}

void json_out_bool(struct json_out *o, bool v)
{
	comma(o);
	put(o, v ? "true" : "false", v ? 4 : 5);
}

void json_out_null(struct json_out *o)
{
	comma(o);
	put(o, "null", 4);
}

void json_out_time(struct json_out *o, uint64_t real_usec)
{
	char text[JSON_TIME_MAX];

	if (!real_usec || real_usec == USEC_INFINITY)
		json_out_null(o);
	else
		json_out_string(o, json_time_format(real_usec, text));
}

void json_out_raw(struct json_out *o, const char *json, size_t len)
{
	comma(o);
	put(o, json, len);
}

void json_out_key_string(struct json_out *o, const char *key, const char *s)
{
	json_out_key(o, key);
	json_out_string(o, s);
}

void json_out_key_u64(struct json_out *o, const char *key, uint64_t v)
{
	json_out_key(o, key);
	json_out_u64(o, v);
}

void json_out_key_open(struct json_out *o, const char *key, char bracket)
{
	json_out_key(o, key);
	json_out_open(o, bracket);
}

void json_out_key_bool(struct json_out *o, const char *key, bool v)
{
	json_out_key(o, key);
	json_out_bool(o, v);
}

void json_out_key_time(struct json_out *o, const char *key, uint64_t real_usec)
{
	json_out_key(o, key);
	json_out_time(o, real_usec);
}
