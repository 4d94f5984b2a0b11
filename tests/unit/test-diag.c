/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/diag.h"

#include "tests/test.h"

TEST(setting_returns_the_negative_error_and_fills_the_place)
{
	_cleanup_diag_ struct diag d = {0};
	_cleanup_free_ char *s = NULL;

	CHECK_INT(diag_set(&d, EINVAL, "a.policy", 3, 7, "found %d", 5), -EINVAL);
	s = diag_format(&d);
	CHECK_STR(s, "a.policy:3:7: found 5");
}

TEST(setting_again_may_quote_what_was_there)
{
	_cleanup_diag_ struct diag d = {0};

	CHECK_INT(diag_set(&d, EINVAL, "f", 1, 1, "inner"), -EINVAL);
	CHECK_INT(diag_set(&d, ENOENT, d.file, 2, 0, "outer, %s", d.text), -ENOENT);
	CHECK_STR(d.text, "outer, inner");
	CHECK_STR(d.file, "f");
}

TEST(no_diag_is_fine)
{
	CHECK_INT(diag_set(NULL, ERANGE, NULL, 0, 0, "x"), -ERANGE);
	diag_clear(NULL);
	diag_list_clear(NULL);
}

static const struct {
	const char *file;
	unsigned line, col;
	const char *want;
} places[] = {
	{NULL, 0, 0, "text"},
	{"f", 0, 0, "f: text"},
	{"f", 4, 0, "f:4: text"},
	{"f", 4, 2, "f:4:2: text"},
	{NULL, 4, 2, "line 4:2: text"},
	{NULL, 0, 2, "column 2: text"},
	{"f", 0, 2, "f: column 2: text"},
};

TEST(unknown_parts_of_the_place_are_left_out)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		_cleanup_diag_ struct diag d = {0};
		_cleanup_free_ char *s = NULL;

		diag_set(&d, EINVAL, places[i].file, places[i].line, places[i].col, "text");
		s = diag_format(&d);
		CHECK_STR(s, places[i].want);
	}
}

TEST(a_list_keeps_order_and_owns_its_items)
{
	_cleanup_diag_list_ struct diag_list l = {0};

	for (unsigned i = 0; i < 100; i++) {
		struct diag d = {0};

		diag_set(&d, EINVAL, "f", i, 0, "%u", i);
		CHECK_INT(diag_list_take(&l, &d), 0);
		CHECK(!d.text && !d.file);
	}
	CHECK_INT(l.n, 100);
	CHECK_INT(l.items[99].line, 99);
	CHECK_STR(l.items[42].text, "42");
}

TEST(excerpts_are_printable_and_bounded)
{
	char buf[EXCERPT_MAX], longer[300];

	CHECK_STR(excerpt("plain", buf), "plain");
	CHECK_STR(excerpt("a\033[2Jb\n", buf), "a\\x1b[2Jb\\x0a");
	CHECK_STR(excerpt_n("abcdef", 3, buf), "abc");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	excerpt(longer, buf);
	CHECK(strlen(buf) < EXCERPT_MAX && strlen(buf) > 60);
	CHECK_STR(buf + strlen(buf) - 3, "...");
}

TEST(excerpts_do_not_cut_inside_a_character)
{
	char buf[EXCERPT_MAX], text[200];

	for (size_t lead = 0; lead < 4; lead++) {
		size_t n = lead;

		memset(text, 'x', lead);
		while (n + 3 < sizeof(text)) {
			memcpy(text + n, "€", 3);
			n += 3;
		}
		text[n] = '\0';
		excerpt(text, buf);
		CHECK_INT((strlen(buf) - 3 - lead) % 3, 0);
	}
	memset(text, 1, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	CHECK(strlen(excerpt(text, buf)) < EXCERPT_MAX);
}

static const char *const words[] = {"Min", "Max", "Weight", "Headroom", "MaxStall", NULL};

TEST(the_nearest_word_is_found)
{
	CHECK_STR(nearest_word("Wieght", words), "Weight");
	CHECK_STR(nearest_word("weight", words), "Weight");
	CHECK_STR(nearest_word("Headrom", words), "Headroom");
	CHECK_STR(nearest_word("Mix", words), "Min");
	CHECK_STR(nearest_word("MaxStal", words), "MaxStall");
}

TEST(a_word_too_far_away_is_not_meant)
{
	CHECK_STR(nearest_word("weig", words), "Weight"); /* cut short, not another word */
	CHECK(!nearest_word("Colour", words));
	CHECK(!nearest_word("Waihxx", words)); /* three of six letters */
	CHECK(!nearest_word("Mixx", words));   /* two of four */
	CHECK(!nearest_word("", words));
	CHECK(!nearest_word("M", words));
	CHECK(!nearest_word(
		"ThisWordIsLongerThanAnyNameThatWeHaveAndSoItCannotBeOneOfOursAtAll", words));
}

TEST_MAIN()
