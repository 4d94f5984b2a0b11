/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "daemon/api/openapi.h"

void openapi_write_schema_ref(struct json_out *o, const char *name)
{
	char ref[128];

	snprintf(ref, sizeof(ref), "#/components/schemas/%s", name);
	json_out_open(o, '{');
	json_out_key_string(o, "$ref", ref);
	json_out_close(o, '}');
}

static void write_words(struct json_out *o, const char *const *words, bool nullable)
{
	json_out_key_open(o, "enum", '[');
	for (; *words; words++)
		json_out_string(o, *words);
	if (nullable)
		json_out_null(o);
	json_out_close(o, ']');
}

static void write_type(struct json_out *o, const char *type, bool nullable)
{
	json_out_key(o, "type");
	if (!nullable) {
		json_out_string(o, type);
		return;
	}
	json_out_open(o, '[');
	json_out_string(o, type);
	json_out_string(o, "null");
	json_out_close(o, ']');
}

static void write_summary(struct json_out *o, const char *summary)
{
	if (summary)
		json_out_key_string(o, "description", summary);
}

/* Members of the schema of one value. Objects are written by their reference. */
static void write_value(struct json_out *o, const struct schema_field *f, bool nullable)
{
	switch (f->type) {
	case SCHEMA_STRING:
		write_type(o, "string", nullable);
		break;
	case SCHEMA_UUID:
		write_type(o, "string", nullable);
		json_out_key_string(o, "format", "uuid");
		break;
	case SCHEMA_TIME:
		write_type(o, "string", nullable);
		json_out_key_string(o, "format", "date-time");
		break;
	case SCHEMA_BOOL:
		write_type(o, "boolean", nullable);
		break;
	case SCHEMA_BYTES:
		json_out_key_string(o, "x-ballast-unit", "bytes");
		_fallthrough_;
	case SCHEMA_COUNT:
		write_type(o, "integer", nullable);
		json_out_key_u64(o, "minimum", 0);
		break;
	case SCHEMA_WORD:
		write_type(o, "string", nullable);
		write_words(o, f->words, nullable);
		break;
	case SCHEMA_COUNTS:
		write_type(o, "object", nullable);
		json_out_key_open(o, "additionalProperties", '{');
		write_type(o, "integer", true);
		json_out_close(o, '}');
		break;
	case SCHEMA_OBJECT:
	case SCHEMA_ANY:
		break;
	}
}

/* The object that a field is, or null. */
static void write_object_ref(struct json_out *o, const struct schema_field *f)
{
	if (!f->nullable || f->list) {
		char ref[128];

		snprintf(ref, sizeof(ref), "#/components/schemas/%s", f->of->name);
		json_out_key_string(o, "$ref", ref);
		return;
	}
	json_out_key_open(o, "anyOf", '[');
	openapi_write_schema_ref(o, f->of->name);
	json_out_open(o, '{');
	json_out_key_string(o, "type", "null");
	json_out_close(o, '}');
	json_out_close(o, ']');
}

static void write_field(struct json_out *o, const struct schema_field *f)
{
	json_out_key_open(o, f->name, '{');
	write_summary(o, f->summary);
	if (f->list) {
		write_type(o, "array", f->nullable);
		json_out_key_open(o, "items", '{');
	}
	if (f->type == SCHEMA_OBJECT)
		write_object_ref(o, f);
	else
		write_value(o, f, f->nullable && !f->list);
	if (f->list)
		json_out_close(o, '}');
	json_out_close(o, '}');
}

static void write_required(struct json_out *o, const struct schema_field *fields)
{
	for (const struct schema_field *f = fields; f->name; f++)
		if (!f->optional)
			json_out_string(o, f->name);
}

void openapi_write_object(struct json_out *o, const struct schema *s)
{
	json_out_open(o, '{');
	json_out_key_string(o, "type", "object");
	write_summary(o, s->summary);
	if (s->fields) {
		json_out_key_open(o, "required", '[');
		write_required(o, s->fields);
		json_out_close(o, ']');
		json_out_key_open(o, "properties", '{');
		for (const struct schema_field *f = s->fields; f->name; f++)
			write_field(o, f);
		json_out_close(o, '}');
	}
	json_out_close(o, '}');
}

/* ---- problems ---- */

static void write_const_string(struct json_out *o, const char *key, const char *value)
{
	json_out_key_open(o, key, '{');
	json_out_key_string(o, "type", "string");
	json_out_key_string(o, "const", value);
	json_out_close(o, '}');
}

static const struct schema_field problem_common[] = {
	{"detail", SCHEMA_STRING, "for people: what was found, and the remedy"},
	{"instance", SCHEMA_STRING, "the path that was asked for"},
	SCHEMA_END,
};

void openapi_write_problem(struct json_out *o, enum api_problem code)
{
	const struct schema_field *members = problem_members(code);
	char type[64];

	snprintf(type, sizeof(type), "urn:ballast:problem:%s", api_problem_to_string(code));
	json_out_open(o, '{');
	json_out_key_string(o, "type", "object");
	json_out_key_string(o, "description", problem_title(code));
	json_out_key_open(o, "required", '[');
	json_out_string(o, "type");
	json_out_string(o, "title");
	json_out_string(o, "status");
	json_out_string(o, "code");
	write_required(o, problem_common);
	if (members)
		write_required(o, members);
	json_out_close(o, ']');
	json_out_key_open(o, "properties", '{');
	write_const_string(o, "type", type);
	write_const_string(o, "title", problem_title(code));
	json_out_key_open(o, "status", '{');
	json_out_key_string(o, "type", "integer");
	json_out_key_u64(o, "const", problem_status(code));
	json_out_close(o, '}');
	write_const_string(o, "code", api_problem_to_string(code));
	for (const struct schema_field *f = problem_common; f->name; f++)
		write_field(o, f);
	for (const struct schema_field *f = members; f && f->name; f++)
		write_field(o, f);
	json_out_close(o, '}');
	json_out_close(o, '}');
}

/* ---- what clients send ---- */

static void write_integer(struct json_out *o, uint64_t min, uint64_t max)
{
	write_type(o, "integer", false);
	json_out_key_u64(o, "minimum", min);
	if (max)
		json_out_key_u64(o, "maximum", max);
}

/* Lengths are checked in bytes, and counted in characters here: never more. */
static void write_string(struct json_out *o, uint64_t min, uint64_t max)
{
	write_type(o, "string", false);
	if (min)
		json_out_key_u64(o, "minLength", 1);
	json_out_key_u64(o, "maxLength", max ? max : 256);
}

static void write_sent_value(struct json_out *o, const struct json_field *f)
{
	switch (f->type) {
	case JSON_WANT_STRING:
		write_string(o, f->min, f->max);
		break;
	case JSON_WANT_SIZE:
		json_out_key_string(o, "x-ballast-unit", "bytes");
		write_integer(o, f->min, f->max ? f->max : JSON_SIZE_MAX);
		break;
	case JSON_WANT_COUNT:
		write_integer(o, f->min, f->max);
		break;
	case JSON_WANT_BOOL:
		write_type(o, "boolean", false);
		break;
	case JSON_WANT_TIME:
		write_type(o, "string", false);
		json_out_key_string(o, "format", "date-time");
		break;
	case JSON_WANT_ENUM:
		write_type(o, "string", false);
		write_words(o, f->words, false);
		break;
	case JSON_WANT_UUID:
		write_type(o, "string", false);
		json_out_key_string(o, "format", "uuid");
		break;
	case JSON_WANT_OBJECT:
	case JSON_WANT_MAX:
		break;
	}
}

static void write_sent_object(struct json_out *o, const struct json_field *fields)
{
	bool any = false;

	json_out_key_string(o, "type", "object");
	json_out_key_bool(o, "additionalProperties", false);
	for (const struct json_field *f = fields; f->name; f++)
		any = any || f->required;
	if (any) {
		json_out_key_open(o, "required", '[');
		for (const struct json_field *f = fields; f->name; f++)
			if (f->required)
				json_out_string(o, f->name);
		json_out_close(o, ']');
	}
	json_out_key_open(o, "properties", '{');
	for (const struct json_field *f = fields; f->name; f++) {
		json_out_key_open(o, f->name, '{');
		write_summary(o, f->summary);
		if (f->type == JSON_WANT_OBJECT)
			write_sent_object(o, f->fields);
		else
			write_sent_value(o, f);
		json_out_close(o, '}');
	}
	json_out_close(o, '}');
}

void openapi_write_body(struct json_out *o, const struct json_field *fields)
{
	json_out_open(o, '{');
	write_sent_object(o, fields);
	json_out_close(o, '}');
}

void openapi_write_param_schema(struct json_out *o, const struct route_param *p)
{
	const struct json_field f = {
		.type = p->type, .min = p->type == JSON_WANT_STRING ? 1 : p->min, .max = p->max};

	json_out_open(o, '{');
	write_sent_value(o, &f);
	json_out_close(o, '}');
}
