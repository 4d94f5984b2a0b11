/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/printable.h"

#include "tests/test.h"

static const char *shown(const char *s)
{
	static char buf[256];

	return printable(s, "", buf, sizeof(buf));
}

TEST(what_people_write_stays_as_it_is)
{
	static const char *const texts[] = {"", "web 1", "gr\xc3\xbc\xc3\x9f" "e, \xd0\xbc\xd0\xb8\xd1\x80",
		"\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d", "\xf0\x9f\x98\x80", "a\\x1b"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		CHECK_STR(shown(texts[i]), texts[i]);
		CHECK(printable_is(texts[i]));
	}
}

TEST(what_would_do_something_to_a_screen_or_a_line_is_an_escape)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{"x\x1b[2J\nguests are commanded", "x\\x1b[2J\\nguests are commanded"},
		{"a\tb\r\x01\x7f", "a\\tb\\x0d\\x01\\u007f"},
		{"csi\xc2\x9b" "31m", "csi\\u009b31m"},
		{"evil\xe2\x80\xaelmx", "evil\\u202elmx"},
		{"\xe2\x80\x8e\xe2\x80\x8f\xe2\x80\xaa\xe2\x81\xa6\xe2\x81\xa9\xd8\x9c",
			"\\u200e\\u200f\\u202a\\u2066\\u2069\\u061c"},
		{"\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029"},
		{"\xff\xc3", "\\xff\\xc3"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK_STR(shown(cases[i].text), cases[i].shown);
		CHECK(!printable_is(cases[i].text));
	}
}

TEST(what_may_stay_stays)
{
	char buf[32];

	CHECK_STR(printable("a\n\tb\x1b", "\n\t", buf, sizeof(buf)), "a\n\tb\\x1b");
}

TEST(it_is_cut_at_a_whole_character_or_escape)
{
	char buf[8];

	CHECK_STR(printable("abcde\xc3\xa9z", "", buf, sizeof(buf)), "abcde\xc3\xa9");
	CHECK_STR(printable("abcdef\xc3\xa9", "", buf, sizeof(buf)), "abcdef");
	CHECK_STR(printable("abcd\x1bz", "", buf, sizeof(buf)), "abcd");
	CHECK_STR(printable("abc", "", buf, 1), "");
}

TEST_MAIN()
