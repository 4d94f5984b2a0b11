/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/json.h"

#include "common/utf8.h"
#include "tests/test.h"

/* What the writer wrote must be what a strict reader reads. */
static json_t *read_back(const struct json_out *o)
{
	_cleanup_diag_ struct diag d = {0};
	json_t *value = NULL;

	if (o->failed || json_read(o->buf, o->len, &value, &d) < 0)
		printf("# not JSON: %s: %s\n", o->buf, d.text ? d.text : "failed");
	return value;
}

TEST(the_writer_puts_commas_where_they_belong)
{
	_cleanup_json_out_ struct json_out o = {0};

	json_out_open(&o, '{');
	json_out_key_u64(&o, "a", 1);
	json_out_key(&o, "b");
	json_out_open(&o, '[');
	json_out_open(&o, '{');
	json_out_close(&o, '}');
	json_out_null(&o);
	json_out_bool(&o, true);
	json_out_raw(&o, "[1]", 3);
	json_out_close(&o, ']');
	json_out_key_string(&o, "c", NULL);
	json_out_close(&o, '}');
	CHECK_STR(o.buf, "{\"a\":1,\"b\":[{},null,true,[1]],\"c\":null}");
	CHECK_U64(o.len, strlen(o.buf));
}

TEST(strings_are_escaped_and_bad_utf8_is_replaced)
{
	_cleanup_json_out_ struct json_out o = {0};

	json_out_string(
		&o, "a\"b\\c\n\t\x01 \x7f \xc3\xa9 \xf0\x9f\x98\x80 \xff \xc0\xaf \xed\xa0\x80");
	CHECK_STR(o.buf,
		"\"a\\\"b\\\\c\\n\\t\\u0001 \\u007f \xc3\xa9 \xf0\x9f\x98\x80 \xef\xbf\xbd "
		"\xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	json_decref(read_back(&o));
}

TEST(any_bytes_written_read_back_as_json)
{
	unsigned seed = 7;

	for (int round = 0; round < 2000; round++) {
		_cleanup_json_out_ struct json_out o = {0};
		char text[64];
		json_t *value;

		for (size_t i = 0; i < sizeof(text) - 1; i++)
			text[i] = (char)(rand_r(&seed) % 255 + 1);
		text[sizeof(text) - 1] = '\0';
		json_out_string(&o, text);
		value = read_back(&o);
		CHECK(value);
		CHECK(json_is_string(value));
		json_decref(value);
	}
}

TEST(numbers_are_exact_and_the_largest_is_null)
{
	_cleanup_json_out_ struct json_out o = {0};

	json_out_open(&o, '[');
	json_out_u64(&o, 0);
	json_out_u64(&o, UINT64_MAX - 1);
	json_out_u64(&o, UINT64_MAX);
	json_out_close(&o, ']');
	CHECK_STR(o.buf, "[0,18446744073709551614,null]");
}

TEST(times_are_written_and_read_as_rfc_3339)
{
	char buf[JSON_TIME_MAX];
	uint64_t t = 0;

	CHECK_STR(json_time_format(UINT64_C(1795334400123456), buf), "2026-11-22T08:00:00.123Z");
	CHECK_INT(json_time_parse("2026-11-22T08:00:00.123Z", &t), 0);
	CHECK_U64(t, UINT64_C(1795334400123000));
	CHECK_INT(json_time_parse("2026-11-22T09:30:00+01:30", &t), 0);
	CHECK_U64(t, UINT64_C(1795334400000000));
	CHECK_INT(json_time_parse("2026-11-22t03:00:00-05:00", &t), 0);
	CHECK_U64(t, UINT64_C(1795334400000000));
	CHECK_INT(json_time_parse("2028-02-29T00:00:00Z", &t), 0);
	CHECK_STR(json_time_format(UINT64_MAX, buf), "9999-12-31T23:59:59.551Z");
}

TEST(what_is_no_time_is_refused)
{
	static const char *const bad[] = {"", "2026-11-22", "2026-11-22T08:00:00",
		"2026-11-31T08:00:00Z", "2026-13-01T08:00:00Z", "2026-11-22T24:00:00Z",
		"2026-11-22T08:00:00Zx", "1969-12-31T23:59:59Z", "2026-11-22T08:00:60Z",
		"2026-11-22T08:00:00.Z", "2026-11-22T08:00:00+1:00", "9999-12-31T23:59:59-01:00",
		"2027-02-29T00:00:00Z", "1970-01-01T00:00:00+00:01"};
	uint64_t t = 42;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (json_time_parse(bad[i], &t) != -EINVAL)
			TEST_FAIL("\"%s\" was taken", bad[i]);
	CHECK_U64(t, 42);
}

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
		{"\"\\u0000\"", "\\u0000", 1, 9},
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
		{"{" UUID_OK ",\"memory\":{\"min\":-1}}", "/memory/min", "found -1"},
		{"{" UUID_OK ",\"memory\":{\"min\":0}}", "/memory/min",
			"found 0, expected at least 1"},
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
