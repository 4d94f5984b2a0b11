/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/openapi.h"

#include <ctype.h>
#include <stdio.h>

#include "tests/test.h"

static json_t *document(void)
{
	static json_t *doc;
	_cleanup_json_out_ struct json_out o = {0};
	json_error_t error;

	if (doc)
		return doc;
	serve_openapi(NULL, 0, &o);
	doc = o.failed || !o.buf ? NULL : json_loadb(o.buf, o.len, JSON_REJECT_DUPLICATES, &error);
	if (!doc) {
		printf("Bail out! the document is not JSON\n");
		exit(1);
	}
	return doc;
}

/* What a "#/a/b" names. */
static const json_t *at(const json_t *value, const char *ref)
{
	_cleanup_free_ char *path = strdup(ref + 1);

	for (char *save = NULL, *word = strtok_r(path, "/", &save); word && value;
		word = strtok_r(NULL, "/", &save))
		value = json_object_get(value, word);
	return value;
}

static void check_refs(const json_t *value)
{
	const char *key;
	json_t *v;
	size_t i;

	json_object_foreach ((json_t *)(uintptr_t)value, key, v) {
		if (!streq(key, "$ref")) {
			check_refs(v);
		} else if (!at(document(), json_string_value(v))) {
			TEST_FAIL("%s leads nowhere", json_string_value(v));
		}
	}
	json_array_foreach (value, i, v)
		check_refs(v);
}

TEST(every_reference_leads_somewhere)
{
	CHECK_STR(json_string_value(json_object_get(document(), "openapi")), "3.1.0");
	check_refs(document());
}

static const json_t *operation(const struct route *r)
{
	const json_t *path = json_object_get(json_object_get(document(), "paths"), r->path);
	char method[8] = "";

	for (size_t i = 0; r->method[i]; i++)
		method[i] = (char)(r->method[i] | 0x20);
	return json_object_get(path, method);
}

TEST(every_route_is_there_with_its_role_tag_and_answer)
{
	for (const struct route *r = routes; r < routes + n_routes; r++) {
		const json_t *op = operation(r), *tags = at(document(), "#/tags"), *tag;
		char status[8];
		bool known = false;
		size_t i;

		if (!op)
			TEST_FAIL("%s is missing", r->name);
		CHECK_STR(json_string_value(json_object_get(op, "operationId")), r->name);
		CHECK_STR(json_string_value(json_object_get(op, "x-ballast-role")),
			api_role_to_string(r->role));
		snprintf(status, sizeof(status), "%u", r->status);
		CHECK(json_object_get(json_object_get(op, "responses"), status));
		json_array_foreach (tags, i, tag)
			known = known || streq(json_string_value(json_object_get(tag, "name")),
						 openapi_tag(r->path));
		if (!known)
			TEST_FAIL("tag %s of %s has no description", openapi_tag(r->path), r->path);
	}
}

TEST(each_route_lists_all_its_problems)
{
	for (const struct route *r = routes; r < routes + n_routes; r++) {
		const json_t *responses = json_object_get(operation(r), "responses");
		_cleanup_free_ char *text = json_dumps(responses, JSON_COMPACT);

		for (int i = 0; i < API_PROBLEM_MAX; i++) {
			const char *code = api_problem_to_string((enum api_problem)i);
			char ref[96];
			bool there;

			snprintf(ref, sizeof(ref), "schemas/" OPENAPI_PROBLEM_PREFIX "%s\"", code);
			there = strstr(text, ref);
			if (there != (bool)(route_problems(r) >> i & 1))
				TEST_FAIL("%s: %s is %s", r->name, code,
					there ? "too much" : "missing");
		}
	}
}

/* ---- the tables ---- */

static void check_fields(const char *of, const struct schema_field *fields)
{
	for (const struct schema_field *f = fields; f && f->name; f++) {
		if ((f->type == SCHEMA_WORD) != (f->words != NULL) || (f->words && !f->words[0]))
			TEST_FAIL("%s.%s: words go with WORD", of, f->name);
		if ((f->type == SCHEMA_OBJECT) != (f->of != NULL))
			TEST_FAIL("%s.%s: of goes with OBJECT", of, f->name);
		for (const struct schema_field *e = fields; e < f; e++)
			if (streq(e->name, f->name))
				TEST_FAIL("%s.%s is there twice", of, f->name);
		if (f->of && f->of != &guest_schema)
			check_fields(f->of->name, f->of->fields);
	}
}

TEST(every_schema_is_whole)
{
	for (const struct route *r = routes; r < routes + n_routes; r++) {
		if (!r->answer) {
			CHECK_INT((int)r->status, 204);
			continue;
		}
		if (!r->answer->fields && !r->answer->media)
			TEST_FAIL("%s: neither fields nor a media type", r->name);
		check_fields(r->answer->name, r->answer->fields);
	}
	check_fields(guest_schema.name, guest_schema.fields);
	for (int i = 0; i < API_PROBLEM_MAX; i++)
		check_fields(api_problem_to_string((enum api_problem)i),
			problem_members((enum api_problem)i));
}

TEST(fields_become_json_schema)
{
	static const char *const words[] = {"a", "b", NULL};
	static const struct schema_field none[] = {SCHEMA_END};
	static const struct schema part = {"Part", NULL, none};
	static const struct schema_field fields[] = {
		{"size", SCHEMA_BYTES, "how big", .nullable = true},
		{"word", SCHEMA_WORD, .nullable = true, .words = words},
		{"parts", SCHEMA_OBJECT, .optional = true, .list = true, .of = &part},
		{"part", SCHEMA_OBJECT, .nullable = true, .of = &part},
		SCHEMA_END,
	};
	static const struct schema whole = {"Whole", "all", fields};
	_cleanup_json_out_ struct json_out o = {0};

	openapi_write_object(&o, &whole);
	CHECK_STR(o.buf,
		"{\"type\":\"object\",\"description\":\"all\",\"required\":[\"size\",\"word\",\"part\"],\"properties\":{"
		"\"size\":{\"description\":\"how big\",\"x-ballast-unit\":\"bytes\",\"type\":[\"integer\",\"null\"],"
		"\"minimum\":0},"
		"\"word\":{\"type\":[\"string\",\"null\"],\"enum\":[\"a\",\"b\",null]},"
		"\"parts\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Part\"}},"
		"\"part\":{\"anyOf\":[{\"$ref\":\"#/components/schemas/Part\"},{\"type\":\"null\"}]}}}");
}

TEST(bodies_become_json_schema_that_refuses_the_unknown)
{
	static const struct json_field inner[] = {
		{.name = "n", .type = JSON_WANT_COUNT, .min = 1, .max = 5},
		{.name = NULL},
	};
	static const struct json_field fields[] = {
		{.name = "id", .type = JSON_WANT_UUID, .required = true, .summary = "whose"},
		{.name = "in", .type = JSON_WANT_OBJECT, .fields = inner},
		{.name = "s", .type = JSON_WANT_STRING, .min = 1},
		{.name = NULL},
	};
	_cleanup_json_out_ struct json_out o = {0};

	openapi_write_body(&o, fields);
	CHECK_STR(o.buf,
		"{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"id\"],\"properties\":{"
		"\"id\":{\"description\":\"whose\",\"type\":\"string\",\"format\":\"uuid\"},"
		"\"in\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
		"\"n\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":5}}},"
		"\"s\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":256}}}");
}

/* ---- examples ---- */

TEST(what_is_asked_has_an_example_that_is_taken)
{
	for (const struct route *r = routes; r < routes + n_routes; r++) {
		const char *text = openapi_body_example(r);
		_cleanup_json_ json_t *body = NULL;
		struct problem p = {0};

		if (!r->body != !text)
			TEST_FAIL("%s: an example goes with a body", r->name);
		if (text && route_read_body(r, text, strlen(text), &body, &p) < 0)
			TEST_FAIL("%s: its example is refused: %s", r->name, p.detail);
	}
}

/* Each media type of each answer; tests/api/ holds their values against the schemas. */
TEST(every_answer_has_an_example)
{
	for (const struct route *r = routes; r < routes + n_routes; r++) {
		json_t *responses = json_object_get(operation(r), "responses");
		json_t *response, *media;
		const char *status, *type;

		json_object_foreach (responses, status, response) {
			if (*status != '2')
				continue;
			json_object_foreach (json_object_get(response, "content"), type, media)
				if (!json_object_get(media, "example"))
					TEST_FAIL(
						"%s: %s %s has no example", r->name, status, type);
		}
	}
}

/* What is shown of a field must be one of some schema: a slip in the table shows nothing. */
TEST(examples_are_made_of_what_is_declared)
{
	_cleanup_json_out_ struct json_out o = {0};
	_cleanup_json_ json_t *event = NULL;

	openapi_write_example(&o, &event_schema);
	event = json_loadb(o.buf, o.len, JSON_REJECT_DUPLICATES, NULL);
	CHECK(event);
	CHECK_STR(json_string_value(json_object_get(event, "guest")), "web1");
	CHECK(json_is_null(json_object_get(event, "by")));
	CHECK_INT(json_integer_value(json_object_get(json_object_get(event, "numbers"), "to")),
		1073741824);
	CHECK_STR(json_string_value(json_object_get(event, "severity")), "info");
}

/* ---- the list of ballast-api(7) ---- */

static void write_page_body(FILE *f, const struct route *r)
{
	if (!r->body)
		return;
	fprintf(f, "Body:");
	for (const struct json_field *b = r->body; b->name; b++)
		fprintf(f, "%s\n.I %s%s", b == r->body ? "" : ",", b->name,
			b->required ? "" : "\n(optional)");
	fprintf(f, "\n.br\n");
}

static void write_page_params(FILE *f, const struct route *r)
{
	const struct route_param *p = route_params(r);

	if (!p->name)
		return;
	fprintf(f, "Parameters:");
	for (const struct route_param *q = p; q->name; q++)
		fprintf(f, "%s\n.I %s\n(%s)", q == p ? "" : ",", q->name, q->summary);
	fprintf(f, "\n.br\n");
}

/* Each route, in the words of its row. */
static char *page_list(void)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (const struct route *r = routes; r < routes + n_routes; r++) {
		fprintf(f, ".TP\n.B %s %s\n", r->method, r->path);
		fprintf(f, "%c%s%s\n.br\n", toupper((unsigned char)r->summary[0]), r->summary + 1,
			r->summary[strlen(r->summary) - 1] == '?' ? "" : ".");
		write_page_params(f, r);
		write_page_body(f, r);
		fprintf(f, "Role %s; answer %u", api_role_to_string(r->role), r->status);
		if (r->answer)
			fprintf(f, " %s", r->answer->name);
		fprintf(f, "\n");
	}
	fclose(f);
	return text;
}

static char *read_whole(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	if (f && text && !fread(text, 1, (1 << 20) - 1, f))
		text[0] = '\0';
	if (f)
		fclose(f);
	return text;
}

TEST(the_manual_page_lists_every_route)
{
	static const char begin_mark[] = ".\\\" routes begin\n", end_mark[] = ".\\\" routes end\n";
	const char *srcdir = getenv("srcdir");
	_cleanup_free_ char *list = page_list(), *page = NULL;
	char path[4096], *begin, *end;

	snprintf(path, sizeof(path), "%s/man/ballast-api.7", srcdir ? srcdir : ".");
	page = read_whole(path);
	begin = strstr(page, begin_mark);
	end = strstr(page, end_mark);
	CHECK(list && begin && end && begin < end);
	begin += strlen(begin_mark);
	if (getenv("BALLAST_REGENERATE")) {
		FILE *f = fopen(path, "w");

		CHECK(f);
		fprintf(f, "%.*s%s%s", (int)(begin - page), page, list, end);
		fclose(f);
	} else if (strlen(list) != (size_t)(end - begin) ||
		   strncmp(list, begin, strlen(list)) != 0) {
		TEST_FAIL("%s lists other routes: BALLAST_REGENERATE=1 tests/unit/test-openapi",
			path);
	}
}

TEST_MAIN()
