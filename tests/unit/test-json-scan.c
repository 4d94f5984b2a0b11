/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/json-scan.h"

#include <jansson.h>

#include "tests/test.h"

/* Walks a whole object: how many members, or -EBADMSG. */
static int walk(const char *text)
{
	struct json_value key, value;
	struct json_scan s;
	int r, n = 0;

	r = json_scan_begin(&s, '{', text, strlen(text));
	if (r < 0)
		return r;
	while ((r = json_scan_member(&s, &key, &value)) > 0)
		n++;
	return r < 0 ? r : n;
}

/* The value of the only member. */
static struct json_value only(const char *text)
{
	struct json_value key, value = {.kind = SCAN_NULL};
	struct json_scan s;

	if (json_scan_begin(&s, '{', text, strlen(text)) == 0)
		(void)json_scan_member(&s, &key, &value);
	return value;
}

TEST(objects_are_walked_member_by_member)
{
	CHECK_INT(walk("{}"), 0);
	CHECK_INT(walk(" { } "), 0);
	CHECK_INT(walk("{\"a\":1}"), 1);
	CHECK_INT(walk("{ \"a\" : 1 , \"b\" : [ 1 , {\"c\":null} ] ,\"d\":true,\"e\":false}"), 4);
}

TEST(what_is_not_json_is_refused)
{
	static const char *const texts[] = {"", "[]", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
		"{,}", "{\"a\":1 \"b\":2}", "{\"a\":1}}", "{\"a\":1} x", "{a:1}", "{\"a\":01}",
		"{\"a\":+1}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":1e}", "{\"a\":tru}",
		"{\"a\":[1,]}", "{\"a\":[1}", "{\"a\":\"x}", "{\"a\":\"\\x\"}",
		"{\"a\":\"\\u12g4\"}", "{\"a\":\"\\u12", "{\"a\":\"\t\"}", "{\"a\":nul",
		"{\"a\":-}", "{\"a\":1,\"b\"", "{\"a\":\"\\"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (walk(texts[i]) != -EBADMSG)
			TEST_FAIL("accepted: %s", texts[i]);
}

TEST(only_integers_that_every_reader_keeps_have_a_value)
{
	CHECK_INT(only("{\"a\":0}").kind, SCAN_INTEGER);
	CHECK_U64(only("{\"a\":9007199254740991}").number, JSON_INTEGER_MAX);
	CHECK_INT(only("{\"a\":9007199254740991}").kind, SCAN_INTEGER);
	CHECK_INT(only("{\"a\":9007199254740992}").kind, SCAN_OTHER_NUMBER);
	CHECK_INT(only("{\"a\":18446744073709551617}").kind, SCAN_OTHER_NUMBER);
	CHECK_INT(only("{\"a\":99999999999999999999999999999999999}").kind, SCAN_OTHER_NUMBER);
	CHECK_INT(only("{\"a\":-1}").kind, SCAN_OTHER_NUMBER);
	CHECK_INT(only("{\"a\":1.0}").kind, SCAN_OTHER_NUMBER);
	CHECK_INT(only("{\"a\":1e3}").kind, SCAN_OTHER_NUMBER);
}

TEST(nesting_ends_at_sixteen)
{
	char text[128];

	/* The object is one level, the arrays in it are the rest. */
	for (int depth = 1; depth <= 20; depth++) {
		int n = snprintf(text, sizeof(text), "{\"a\":");

		for (int i = 1; i < depth; i++)
			text[n++] = '[';
		if (depth == 1)
			text[n++] = '1';
		for (int i = 1; i < depth; i++)
			text[n++] = ']';
		text[n++] = '}';
		text[n] = '\0';
		CHECK_INT(walk(text), depth <= JSON_SCAN_DEPTH_MAX ? 1 : -EBADMSG);
	}
}

TEST(strings_are_copied_printable_and_cut)
{
	struct json_value v;
	char buf[8];

	v = only("{\"a\":\"a\\\"b\\\\c\"}");
	json_string_copy(&v, buf, sizeof(buf));
	CHECK_STR(buf, "a\"b\\c");
	v = only("{\"a\":\"\\u0041\\u0007\\n\\u00e9\"}");
	json_string_copy(&v, buf, sizeof(buf));
	CHECK_STR(buf, "A???");
	v = only("{\"a\":\"0123456789\"}");
	json_string_copy(&v, buf, sizeof(buf));
	CHECK_STR(buf, "0123456");
	CHECK_INT(walk("{\"a\":\"\x1b\"}"), -EBADMSG); /* a raw control character */
	v = only("{\"a\":\"\xc3\xa9\x7f\"}");
	json_string_copy(&v, buf, sizeof(buf));
	CHECK_STR(buf, "???");
}

TEST(utf8_is_what_rfc_3629_says)
{
	static const char *const good[] = {"", "plain ascii that is longer than eight", "\xc3\xa9",
		"\xe2\x82\xac", "\xf0\x9f\x9a\xa2", "1234567\xc3\xa9", "\xed\x9f\xbf",
		"\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80", "\xc3", "\xc0\xaf", "\xe0\x9f\xbf",
		"\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
		"1234567\xff", "12345678\xe2\x82", "\xe2\x28\xa1"};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		CHECK(json_utf8_valid(good[i], strlen(good[i])));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(!json_utf8_valid(bad[i], strlen(bad[i])));
}

/* Small texts made of JSON's own letters: this scanner and a whole JSON library agree on which are
 * objects. */
TEST(agrees_with_jansson_on_what_an_object_is)
{
	static const char *const pieces[] = {"{", "}", "[", "]", ":", ",", "\"a\"", "\"\\n\"", "1",
		"0", "-", "1.5", "e3", "true", "null", " ", "\"b\":", "\"\\u00e9\"", "\"\\ud800\""};
	uint64_t state = 20260222;
	unsigned accepted = 0;

	for (int round = 0; round < 300000; round++) {
		char text[160] = "{\"b\":";
		struct json_value key, value;
		struct json_scan s;
		bool ours;
		json_error_t error;
		json_t *theirs;
		int r;

		for (unsigned n = 1 + (unsigned)(state >> 60); n > 0; n--) {
			state = state * UINT64_C(6364136223846793005) +
			        UINT64_C(1442695040888963407);
			strcat(text, pieces[(state >> 33) % ARRAY_SIZE(pieces)]);
		}
		strcat(text, "}");
		if (strstr(text, "\\ud800"))
			continue; /* jansson looks for the other half of the pair, we do not */
		r = json_scan_begin(&s, '{', text, strlen(text));
		while (r >= 0 && (r = json_scan_member(&s, &key, &value)) > 0)
			;
		ours = r == 0;
		theirs = json_loads(text, 0, &error);
		if (!theirs && json_error_code(&error) == json_error_numeric_overflow)
			continue; /* it makes a double of 1e311 */
		accepted += ours;
		if (ours != (theirs != NULL)) {
			json_decref(theirs);
			TEST_FAIL("%s: ours %d", text, ours);
		}
		json_decref(theirs);
	}
	CHECK(accepted > 1000);
}

TEST_MAIN()
