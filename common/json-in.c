/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/json.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

/* Line and column (from 1, in bytes) of an offset. */
static void place_of(const char *text, size_t offset, unsigned *ret_line, unsigned *ret_col)
{
	*ret_line = *ret_col = 1;
	for (size_t i = 0; i < offset; i++, (*ret_col)++)
		if (text[i] == '\n') {
			(*ret_line)++;
			*ret_col = 0;
		}
}

/* Offset of the bracket that nests too deep, or len. Looks at brackets outside strings only; what
 * is not JSON is found later. */
static size_t too_deep(const char *text, size_t len)
{
	unsigned depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		if (in_string) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				in_string = false;
		} else if (text[i] == '"') {
			in_string = true;
		} else if (text[i] == '{' || text[i] == '[') {
			if (++depth > JSON_DEPTH_MAX)
				return i;
		} else if ((text[i] == '}' || text[i] == ']') && depth) {
			depth--;
		}
	}
	return len;
}

/* The length of the whole number at s[0], if it is one and too large; else 0. */
static size_t too_large(const char *s, size_t left)
{
	static const char most[] = "9223372036854775807";
	size_t sign = left && *s == '-', n = sign;

	while (n < left && isdigit((unsigned char)s[n]))
		n++;
	if (n - sign < sizeof(most) - 1 || (n < left && strchr(".eE", s[n])))
		return 0;
	return n - sign > sizeof(most) - 1 || memcmp(s + sign, most, sizeof(most) - 1) > 0 ? n : 0;
}

size_t json_calm_numbers(char *text, size_t len)
{
	bool in_string = false, in_number = false;
	size_t found = 0;

	for (size_t i = 0; i < len; i++) {
		bool begins = !in_string && !in_number &&
			      (isdigit((unsigned char)text[i]) || text[i] == '-');
		size_t n = begins ? too_large(text + i, len - i) : 0;

		if (n) {
			memset(text + i, ' ', n);
			memcpy(text + i, "null", 4);
			i += n - 1;
			found++;
			continue;
		}
		in_number = !in_string && text[i] && strchr("0123456789+-.eE", text[i]);
		if (in_string && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			in_string = !in_string;
	}
	return found;
}

int json_read(const char *text, size_t len, json_t **ret, struct diag *d)
{
	json_error_t error;
	unsigned line, col;
	size_t deep = too_deep(text, len);
	json_t *value;

	if (deep < len) {
		place_of(text, deep, &line, &col);
		return diag_set(d, EBADMSG, NULL, line, col, "nested deeper than %d levels",
			JSON_DEPTH_MAX);
	}
	if (!len)
		return diag_set(d, EBADMSG, NULL, 1, 1, "nothing is there, expected JSON");
	value = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (value) {
		*ret = value;
		return 0;
	}
	if (json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	place_of(text, MIN((size_t)MAX(error.position, 0), len), &line, &col);
	if (json_error_code(&error) == json_error_null_character ||
		json_error_code(&error) == json_error_null_byte_in_key)
		return diag_set(d, EBADMSG, NULL, line, col,
			"\\u0000 in a string, expected text without zero bytes");
	return diag_set(d, EBADMSG, NULL, line, col, "%s", error.text);
}

static const char *const type_words[JSON_WANT_MAX] = {
	[JSON_WANT_STRING] = "a string",
	[JSON_WANT_SIZE] = "a whole number of bytes",
	[JSON_WANT_COUNT] = "a whole number",
	[JSON_WANT_BOOL] = "true or false",
	[JSON_WANT_TIME] = "a time like \"2026-11-22T08:00:00Z\"",
	[JSON_WANT_ENUM] = "a word",
	[JSON_WANT_OBJECT] = "an object",
	[JSON_WANT_UUID] = "a UUID like \"3e0c6a52-8f0b-4c0e-9d0e-0242ac120002\"",
};

/* What was found, shortened. */
static void describe(const json_t *value, char *buf, size_t size)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		snprintf(buf, size, "\"%.60s\"", json_string_value(value));
		break;
	case JSON_INTEGER:
		snprintf(buf, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_REAL:
		snprintf(buf, size, "%g", json_real_value(value));
		break;
	case JSON_OBJECT:
		snprintf(buf, size, "an object");
		break;
	case JSON_ARRAY:
		snprintf(buf, size, "an array");
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		snprintf(buf, size, "%s", json_is_true(value) ? "true" : "false");
		break;
	case JSON_NULL:
		snprintf(buf, size, "null");
		break;
	}
}

_printf_(2, 3) static int mistake(struct json_mistake *m, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(m->text, sizeof(m->text), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static int mistake_found(struct json_mistake *m, const json_t *value, const char *expected)
{
	char found[80];

	describe(value, found, sizeof(found));
	return mistake(m, "found %s, expected %s", found, expected);
}

/* Appends "/key" to the pointer, escaped as RFC 6901 says; returns the length to cut back to. */
static size_t pointer_push(struct json_mistake *m, const char *key)
{
	size_t before = strlen(m->pointer), n = before;

	if (n + 1 < sizeof(m->pointer))
		m->pointer[n++] = '/';
	for (; *key && n + 2 < sizeof(m->pointer); key++) {
		if (*key == '~' || *key == '/') {
			m->pointer[n++] = '~';
			m->pointer[n++] = *key == '~' ? '0' : '1';
		} else {
			m->pointer[n++] = *key;
		}
	}
	m->pointer[n] = '\0';
	return before;
}

static int check_number(const json_t *value, const struct json_field *f, struct json_mistake *m)
{
	uint64_t max = f->max			  ? f->max
		       : f->type == JSON_WANT_SIZE ? JSON_SIZE_MAX
						   : UINT64_MAX,
		 n;
	char expected[96];

	if (!json_is_integer(value))
		return mistake_found(m, value, type_words[f->type]);
	n = (uint64_t)json_integer_value(value);
	if (json_integer_value(value) >= 0 && n >= f->min && n <= max)
		return 0;
	if (max < UINT64_MAX)
		snprintf(expected, sizeof(expected), "%llu to %llu", (unsigned long long)f->min,
			(unsigned long long)max);
	else
		snprintf(expected, sizeof(expected), "at least %llu", (unsigned long long)f->min);
	return mistake_found(m, value, expected);
}

/* RFC 9562's text: 8-4-4-4-12 hex digits. */
static bool is_uuid(const char *s)
{
	for (size_t i = 0; i < 36; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? s[i] != '-'
							    : !isxdigit((unsigned char)s[i]))
			return false;
	return !s[36];
}

static int check_string(const json_t *value, const struct json_field *f, struct json_mistake *m)
{
	size_t max = f->max ? (size_t)f->max : 256;
	const char *nearest;
	uint64_t time;

	if (!json_is_string(value))
		return mistake_found(m, value, type_words[f->type]);
	if (json_string_length(value) > max)
		return mistake(m, "longer than %zu bytes", max);
	if (f->type == JSON_WANT_STRING && json_string_length(value) < f->min)
		return mistake(m, "shorter than %llu bytes", (unsigned long long)f->min);
	if (f->type == JSON_WANT_TIME && json_time_parse(json_string_value(value), &time) < 0)
		return mistake_found(m, value, type_words[JSON_WANT_TIME]);
	if (f->type == JSON_WANT_UUID && !is_uuid(json_string_value(value)))
		return mistake_found(m, value, type_words[JSON_WANT_UUID]);
	if (f->type != JSON_WANT_ENUM)
		return 0;
	for (const char *const *w = f->words; *w; w++)
		if (streq(*w, json_string_value(value)))
			return 0;
	nearest = nearest_word(json_string_value(value), f->words);
	return mistake(m, "found \"%.60s\"%s%s%s", json_string_value(value),
		nearest ? ", did you mean \"" : ", which is not one of the known words",
		nearest ? nearest : "", nearest ? "\"?" : "");
}

static int check_object(
	const json_t *value, const struct json_field *fields, struct json_mistake *m);

static int check_value(const json_t *value, const struct json_field *f, struct json_mistake *m)
{
	switch (f->type) {
	case JSON_WANT_BOOL:
		return json_is_boolean(value) ? 0
					      : mistake_found(m, value, type_words[JSON_WANT_BOOL]);
	case JSON_WANT_SIZE:
	case JSON_WANT_COUNT:
		return check_number(value, f, m);
	case JSON_WANT_OBJECT:
		return check_object(value, f->fields, m);
	case JSON_WANT_STRING:
	case JSON_WANT_TIME:
	case JSON_WANT_ENUM:
	case JSON_WANT_UUID:
	case JSON_WANT_MAX:
		break;
	}
	return check_string(value, f, m);
}

#define FIELDS_MAX 32

static int mistake_unknown(struct json_mistake *m, const char *key, const struct json_field *fields)
{
	const char *names[FIELDS_MAX + 1] = {NULL};
	const char *nearest;

	for (size_t i = 0; fields[i].name && i < FIELDS_MAX; i++)
		names[i] = fields[i].name;
	nearest = nearest_word(key, names);
	return mistake(m, "unknown field \"%.60s\"%s%s%s", key, nearest ? ", did you mean \"" : "",
		nearest ? nearest : "", nearest ? "\"?" : "");
}

static int check_object(
	const json_t *value, const struct json_field *fields, struct json_mistake *m)
{
	const char *key;
	json_t *member;
	int r;

	if (!json_is_object(value))
		return mistake_found(m, value, type_words[JSON_WANT_OBJECT]);
	/* jansson wants a pointer that is not const, and only reads through it. */
	json_object_foreach ((json_t *)(uintptr_t)value, key, member) {
		const struct json_field *f = fields;
		size_t before = pointer_push(m, key);

		while (f->name && !streq(f->name, key))
			f++;
		r = f->name ? check_value(member, f, m) : mistake_unknown(m, key, fields);
		if (r < 0)
			return r;
		m->pointer[before] = '\0';
	}
	for (const struct json_field *f = fields; f->name; f++)
		if (f->required && !json_object_get(value, f->name)) {
			pointer_push(m, f->name);
			return mistake(m, "missing, expected %s", type_words[f->type]);
		}
	return 0;
}

int json_check(const json_t *value, const struct json_field *fields, struct json_mistake *ret)
{
	*ret = (struct json_mistake){0};
	return check_object(value, fields, ret);
}
