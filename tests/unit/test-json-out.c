/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the writer writes is what a strict reader reads. */
#include "common/json.h"

#include "common/utf8.h"
#include "tests/test.h"

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

TEST(numbers_are_exact_as_far_as_readers_read_them_and_the_largest_is_null)
{
	_cleanup_json_out_ struct json_out o = {0};

	json_out_open(&o, '[');
	json_out_u64(&o, 0);
	json_out_u64(&o, INT64_MAX);
	json_out_u64(&o, (uint64_t)INT64_MAX + 1);
	json_out_u64(&o, UINT64_MAX - 1);
	json_out_u64(&o, UINT64_MAX);
	json_out_close(&o, ']');
	CHECK_STR(o.buf,
		"[0,9223372036854775807,9223372036854775807,9223372036854775807,null]");
	json_decref(read_back(&o));
}

TEST_MAIN()
