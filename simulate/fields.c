/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/fields.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/json.h"
#include "common/units.h"
#include "simulate/scenario.h"

#define FIELDS_MAX 32
/* A scenario of thirty years is a mistake, and keeps products of times within 64 bits. */
#define SECONDS_MAX 1e9
#define PERCENT_MAX 1e6
/* And so that sums over all guests stay within 63 bits. */
#define SIZE_MAX_BYTES (32 * TIB)

size_t fields_enter(struct fields_reader *r, const char *key, size_t index)
{
	size_t before = r->pointer_len, room = sizeof(r->pointer) - before;
	int n;

	n = key ? snprintf(r->pointer + before, room, "/%s", key)
		: snprintf(r->pointer + before, room, "/%zu", index);
	r->pointer_len += MIN((size_t)MAX(n, 0), room - 1);
	return before;
}

void fields_leave(struct fields_reader *r, size_t entered)
{
	r->pointer_len = entered;
	r->pointer[entered] = '\0';
}

int fields_mistake(struct fields_reader *r, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return diag_set(r->d, EBADMSG, r->file, 0, 0, "%s: %s",
		r->pointer_len ? r->pointer : "/", text);
}

int fields_expected(struct fields_reader *r, const json_t *found, const char *what)
{
	_cleanup_free_ char *text = json_dumps(found, JSON_ENCODE_ANY | JSON_COMPACT);

	if (!text)
		return -ENOMEM;
	return fields_mistake(r, "expected %s, found %.60s%s", what, text,
		strlen(text) > 60 ? "..." : "");
}

static int read_text(struct fields_reader *r, const json_t *v, char **ret)
{
	if (!json_is_string(v) || json_string_length(v) == 0)
		return fields_expected(r, v, "a text");
	/* It goes to a terminal as it is, and a table is one line a row. */
	for (const char *at = json_string_value(v); *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return fields_expected(r, v, "a text without control characters");
	*ret = strdup(json_string_value(v));
	return *ret ? 0 : -ENOMEM;
}

static int read_texts(struct fields_reader *r, const json_t *v, char ***ret)
{
	if (!json_is_array(v))
		return fields_expected(r, v, "a list of texts");
	*ret = calloc(json_array_size(v) + 1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	for (size_t i = 0; i < json_array_size(v); i++) {
		size_t place = fields_enter(r, NULL, i);
		int err = read_text(r, json_array_get(v, i), &(*ret)[i]);

		if (err < 0)
			return err;
		fields_leave(r, place);
	}
	return 0;
}

static int read_size(struct fields_reader *r, const json_t *v, uint64_t *ret)
{
	static const char what[] = "a size: a number of bytes, or \"512M\", \"1.5G\"";

	if (json_is_integer(v) && json_integer_value(v) >= 0)
		*ret = (uint64_t)json_integer_value(v);
	else if (!json_is_string(v) || size_parse(json_string_value(v), ret, NULL) < 0)
		return fields_expected(r, v, what);
	if (*ret > SIZE_MAX_BYTES)
		return fields_expected(r, v, "at most 32T");
	return 0;
}

/* A JSON number times factor, rounded to the nearest integer. */
static int read_scaled(struct fields_reader *r, const json_t *v, double factor, double max,
	const char *what, uint64_t *ret)
{
	double x = json_number_value(v);

	if (!json_is_number(v) || !(x >= 0) || x > max)
		return fields_expected(r, v, what);
	*ret = (uint64_t)(x * factor + 0.5);
	return 0;
}

static int read_msec(struct fields_reader *r, const json_t *v, uint64_t *ret)
{
	return read_scaled(r, v, 1000, SECONDS_MAX, "seconds from the start", ret);
}

static int read_percent(struct fields_reader *r, const json_t *v, uint64_t *ret)
{
	return read_scaled(r, v, 100, PERCENT_MAX, "a percentage", ret);
}

static int read_count(struct fields_reader *r, const json_t *v, uint64_t *ret)
{
	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return fields_expected(r, v, "a whole number, not negative");
	*ret = (uint64_t)json_integer_value(v);
	return 0;
}

static int read_word(struct fields_reader *r, const json_t *v, const char *const *words, int *ret)
{
	const char *near = NULL;

	for (int i = 0; json_is_string(v) && words[i]; i++) {
		if (streq(words[i], json_string_value(v))) {
			*ret = i;
			return 0;
		}
	}
	if (json_is_string(v))
		near = nearest_word(json_string_value(v), words);
	return near ? fields_mistake(r, "\"%s\" is not known; the nearest word is \"%s\"",
			      json_string_value(v), near)
		    : fields_expected(r, v, "one of the words in the manual");
}

static int read_time(struct fields_reader *r, const json_t *v, uint64_t *ret)
{
	if (!json_is_string(v) || json_time_parse(json_string_value(v), ret) < 0)
		return fields_expected(r, v, "a time like \"2026-11-23T08:00:00+00:00\"");
	return 0;
}

static int read_step(struct fields_reader *r, const json_t *v, bool percent, struct step *ret)
{
	size_t place;
	int err;

	if (!json_is_array(v) || json_array_size(v) != 2)
		return fields_expected(r, v, "a step: [seconds, value]");
	place = fields_enter(r, NULL, 0);
	err = read_msec(r, json_array_get(v, 0), &ret->at_msec);
	if (err < 0)
		return err;
	fields_leave(r, place);
	place = fields_enter(r, NULL, 1);
	err = percent ? read_percent(r, json_array_get(v, 1), &ret->value)
		      : read_size(r, json_array_get(v, 1), &ret->value);
	if (err < 0)
		return err;
	fields_leave(r, place);
	return 0;
}

static int read_steps(struct fields_reader *r, const json_t *v, bool percent, struct steps *ret)
{
	if (!json_is_array(v) || json_array_size(v) == 0)
		return fields_expected(r, v, "steps: [[seconds, value], ...]");
	ret->items = calloc(json_array_size(v), sizeof(*ret->items));
	if (!ret->items)
		return -ENOMEM;
	for (size_t i = 0; i < json_array_size(v); i++) {
		size_t place = fields_enter(r, NULL, i);
		int err = read_step(r, json_array_get(v, i), percent, &ret->items[i]);

		if (err < 0)
			return err;
		if (i > 0 && ret->items[i].at_msec <= ret->items[i - 1].at_msec)
			return fields_mistake(r, "a step's time must be after the one before it");
		fields_leave(r, place);
		ret->n = i + 1;
	}
	return 0;
}

static int check_range(struct fields_reader *r, const struct field *f, uint64_t v)
{
	unsigned long long unit = f->type == FIELD_PERCENT ? 100 : 1;

	if (v < f->min)
		return fields_mistake(r, "too small: at least %llu is needed", f->min / unit);
	if (f->max && v > f->max)
		return fields_mistake(r, "too large: at most %llu is possible", f->max / unit);
	return 0;
}

static int read_number(struct fields_reader *r, const struct field *f, const json_t *v,
	uint64_t *member)
{
	int err;

	if (f->type == FIELD_MSEC_OR_NULL && json_is_null(v)) {
		*member = MSEC_NEVER;
		return 0;
	}
	switch (f->type) {
	case FIELD_SIZE:
		err = read_size(r, v, member);
		break;
	case FIELD_PERCENT:
		err = read_percent(r, v, member);
		break;
	case FIELD_COUNT:
		err = read_count(r, v, member);
		break;
	case FIELD_TIME:
		err = read_time(r, v, member);
		break;
	default:
		err = read_msec(r, v, member);
		break;
	}
	return err < 0 ? err : check_range(r, f, *member);
}

static int read_member(
	struct fields_reader *r, const struct field *f, const json_t *v, void *member)
{
	switch (f->type) {
	case FIELD_TEXT:
		return read_text(r, v, member);
	case FIELD_TEXTS:
		return read_texts(r, v, member);
	case FIELD_WORD:
		return read_word(r, v, f->words, member);
	case FIELD_SIZE_STEPS:
		return read_steps(r, v, false, member);
	case FIELD_PERCENT_STEPS:
		return read_steps(r, v, true, member);
	case FIELD_OTHER:
		return f->read(r, v, member);
	default:
		return read_number(r, f, v, member);
	}
}

static int check_keys(struct fields_reader *r, const json_t *object, const struct field *fields)
{
	const char *names[FIELDS_MAX + 1] = {NULL};
	const char *key, *near;
	json_t *v;

	for (size_t i = 0; fields[i].key && i < FIELDS_MAX; i++)
		names[i] = fields[i].key;
	json_object_foreach((json_t *)object, key, v)
	{
		size_t i = 0;

		while (names[i] && !streq(names[i], key))
			i++;
		if (names[i])
			continue;
		near = nearest_word(key, names);
		fields_enter(r, key, 0);
		return near ? fields_mistake(r, "unknown key; the nearest one is \"%s\"", near)
			    : fields_mistake(r, "unknown key; one like \"%s\" is expected here",
				      names[0]);
	}
	return 0;
}

int fields_read(
	struct fields_reader *r, const json_t *object, const struct field *fields, void *out)
{
	int err;

	if (!json_is_object(object))
		return fields_expected(r, object, "an object");
	err = check_keys(r, object, fields);
	for (const struct field *f = fields; err >= 0 && f->key; f++) {
		const json_t *v = json_object_get(object, f->key);
		size_t place;

		if (!v && f->required)
			return fields_mistake(r, "\"%s\" is missing", f->key);
		if (!v)
			continue;
		place = fields_enter(r, f->key, 0);
		err = read_member(r, f, v, (char *)out + f->offset);
		if (err >= 0)
			fields_leave(r, place);
	}
	return err;
}
