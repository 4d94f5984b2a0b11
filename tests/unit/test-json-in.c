/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Foreign text, and objects against their tables. */
#include "common/json.h"

#include "tests/test.h"

TEST(foreign_text_is_read_strictly)
{
	static const struct {
		const char *text, *says;
		unsigned line, col;
	} bad[] = {
		{"", "nothing", 1, 1},
		{"{\"a\":1,\n \"a\":2}", "duplicate", 2, 5},
		{"{\"a\":1} x", "end of file expected", 1, 10},
		{"{\"a\":", "unexpected token", 1, 6},
		{"\"\xff\"", "decode", 1, 2},
		{"\"\\u0000\"", "\\u0000 in a string, expected text without zero bytes", 1, 9},
		{"[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", "deeper", 1, 17},
		{"nul", "invalid token", 1, 4},
		{"99999999999999999999", "too big", 1, 21},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_diag_ struct diag d = {0};
		json_t *value = NULL;

		CHECK_INT(json_read(bad[i].text, strlen(bad[i].text), &value, &d), -EBADMSG);
		CHECK(!value);
		CHECK_CONTAINS(d.text, bad[i].says);
		if (d.line != bad[i].line || d.col != bad[i].col)
			TEST_FAIL("%s: place %u:%u, wanted %u:%u", bad[i].text, d.line, d.col,
				bad[i].line, bad[i].col);
	}
}

TEST(brackets_in_strings_do_not_nest)
{
	static const char text[] = "\"[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[[[[[[[[[[[[[[\"";
	json_t *value = NULL;

	CHECK_INT(json_read(text, strlen(text), &value, NULL), 0);
	CHECK(json_is_string(value));
	json_decref(value);
}

static const char *const colours[] = {"red", "green", NULL};
static const struct json_field inner[] = {
	{.name = "min", .type = JSON_WANT_SIZE, .min = 1},
	{.name = "weight", .type = JSON_WANT_COUNT, .min = 1, .max = 10000},
	{.name = NULL},
};
static const struct json_field outer[] = {
	{.name = "uuid", .type = JSON_WANT_UUID, .required = true},
	{.name = "colour", .type = JSON_WANT_ENUM, .words = colours},
	{.name = "memory", .type = JSON_WANT_OBJECT, .fields = inner},
	{.name = "until", .type = JSON_WANT_TIME},
	{.name = "dry", .type = JSON_WANT_BOOL},
	{.name = "why", .type = JSON_WANT_STRING, .min = 1, .max = 5},
	{.name = NULL},
};

#define UUID_OK "\"uuid\":\"3e0c6a52-8f0b-4c0e-9d0e-0242AC120002\""

TEST(objects_are_checked_against_their_table)
{
	static const struct {
		const char *text, *pointer, *says;
	} bad[] = {
		{"[]", "", "found an array, expected an object"},
		{"{}", "/uuid", "missing, expected a UUID"},
		{"{\"uuid\":\"x\"}", "/uuid", "found \"x\", expected a UUID"},
		{"{" UUID_OK ",\"color\":\"red\"}", "/color",
			"unknown field \"color\", did you mean \"colour\"?"},
		{"{" UUID_OK ",\"a/b~c\":1}", "/a~1b~0c", "unknown field"},
		{"{" UUID_OK ",\"colour\":\"grean\"}", "/colour", "did you mean \"green\"?"},
		{"{" UUID_OK ",\"colour\":\"ultraviolet\"}", "/colour",
			"not one of the known words"},
		{"{" UUID_OK ",\"memory\":{\"min\":\"512M\"}}", "/memory/min",
			"found \"512M\", expected a whole number of bytes"},
		{"{" UUID_OK ",\"memory\":{\"min\":-1}}", "/memory/min",
			"found -1, expected 1 to 72057594037927936"},
		{"{" UUID_OK ",\"memory\":{\"min\":0}}", "/memory/min",
			"found 0, expected 1 to 72057594037927936"},
		{"{" UUID_OK ",\"memory\":{\"min\":72057594037927937}}", "/memory/min",
			"found 72057594037927937, expected 1 to 72057594037927936"},
		{"{" UUID_OK ",\"memory\":{\"min\":1.5}}", "/memory/min", "found 1.5"},
		{"{" UUID_OK ",\"memory\":{\"weight\":10001}}", "/memory/weight",
			"found 10001, expected 1 to 10000"},
		{"{" UUID_OK ",\"memory\":null}", "/memory", "found null, expected an object"},
		{"{" UUID_OK ",\"until\":\"tomorrow\"}", "/until",
			"found \"tomorrow\", expected a time"},
		{"{" UUID_OK ",\"dry\":1}", "/dry", "found 1, expected true or false"},
		{"{" UUID_OK ",\"why\":\"\"}", "/why", "shorter than 1"},
		{"{" UUID_OK ",\"why\":\"123456\"}", "/why", "longer than 5"},
		{"{" UUID_OK ",\"why\":true}", "/why", "found true, expected a string"},
	};
	struct json_mistake m;
	json_t *value = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK_INT(json_read(bad[i].text, strlen(bad[i].text), &value, NULL), 0);
		CHECK_INT(json_check(value, outer, &m), -EINVAL);
		json_decref(value);
		CHECK_STR(m.pointer, bad[i].pointer);
		CHECK_CONTAINS(m.text, bad[i].says);
	}
}

TEST(numbers_that_no_reader_reads_become_null_and_text_stays)
{
	char text[] = "[18446744073709551614,9223372036854775807,9223372036854775808,1e30,"
		      "\"a\\\"18446744073709551614\",-9223372036854775808,"
		      "12345678901234567890.5,12345678901234567890]";
	json_t *value = NULL;

	CHECK_INT(json_calm_numbers(text, strlen(text)), 4);
	CHECK_INT(json_read(text, strlen(text), &value, NULL), 0);
	CHECK(json_is_null(json_array_get(value, 0)));
	CHECK_INT(json_integer_value(json_array_get(value, 1)), INT64_MAX);
	CHECK(json_is_null(json_array_get(value, 2)));
	CHECK_STR(json_string_value(json_array_get(value, 4)), "a\"18446744073709551614");
	CHECK(json_is_null(json_array_get(value, 7)));
	json_decref(value);
}

TEST(a_good_object_passes)
{
	static const char text[] =
		"{" UUID_OK ",\"colour\":\"red\",\"memory\":{\"min\":1,\"weight\":10000},"
		"\"until\":\"2026-11-22T08:00:00Z\",\"dry\":false,\"why\":\"12345\"}";
	struct json_mistake m;
	json_t *value = NULL;

	CHECK_INT(json_read(text, strlen(text), &value, NULL), 0);
	CHECK_INT(json_check(value, outer, &m), 0);
	CHECK_STR(m.text, "");
	json_decref(value);
}

TEST(a_long_key_leaves_a_pointer_that_is_cut_not_broken)
{
	char text[2048], key[1001];
	struct json_mistake m;
	json_t *value = NULL;

	memset(key, '/', 1000);
	key[1000] = '\0';
	snprintf(text, sizeof(text), "{\"%s\":1}", key);
	CHECK_INT(json_read(text, strlen(text), &value, NULL), 0);
	CHECK_INT(json_check(value, outer, &m), -EINVAL);
	json_decref(value);
	CHECK(strlen(m.pointer) < sizeof(m.pointer));
	CHECK_CONTAINS(m.pointer, "/~1~1");
}

TEST_MAIN()
