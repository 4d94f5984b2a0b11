/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/term.h"

#include <locale.h>

#include "tests/test.h"

/* Prints a table as one would see it; the caller frees. */
static char *printed(const struct table *t, const struct term *term)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	setlocale(LC_CTYPE, "C.UTF-8"); /* what the width of a letter is */
	table_print(t, term, f);
	fclose(f);
	return text;
}

static const struct term plain = {.utf8 = true};

TEST(columns_are_as_wide_as_their_widest_cell_and_numbers_stand_right)
{
	_cleanup_table_ struct table t = {.titles = {"GUEST", "N", "WHY"}, .right = {false, true}};
	_cleanup_free_ char *text = NULL;

	table_add(&t, STYLE_NAME, "web1");
	table_add(&t, STYLE_NONE, "7");
	table_add(&t, STYLE_NONE, "short");
	table_add(&t, STYLE_NAME, "a-longer-one");
	table_add(&t, STYLE_NONE, "1234");
	table_add(&t, STYLE_NONE, "");
	text = printed(&t, &plain);
	CHECK_STR(text, "GUEST            N  WHY\n"
			"web1             7  short\n"
			"a-longer-one  1234  \n");
}

TEST(a_wide_name_takes_the_columns_that_it_takes)
{
	_cleanup_table_ struct table t = {.titles = {"GUEST", "N"}};
	_cleanup_free_ char *text = NULL;

	table_add(&t, STYLE_NAME, "漢字漢字"); /* eight columns, twelve bytes */
	table_add(&t, STYLE_NONE, "x");
	table_add(&t, STYLE_NAME, "12345678");
	table_add(&t, STYLE_NONE, "y");
	text = printed(&t, &plain);
	CHECK_STR(text, "GUEST     N\n漢字漢字  x\n12345678  y\n");
}

TEST(the_last_cell_is_cut_where_the_line_ends)
{
	const struct term narrow = {.utf8 = true, .columns = 20};
	_cleanup_table_ struct table t = {.titles = {"GUEST", "WHY"}};
	_cleanup_free_ char *text = NULL;

	table_add(&t, STYLE_NAME, "web1");
	table_add(&t, STYLE_NONE, "it stalled twelve percent of the last second");
	text = printed(&t, &narrow);
	CHECK_STR(text, "GUEST  WHY\nweb1   it stalled t…\n");
}

TEST(a_name_that_is_too_long_for_the_line_is_cut_and_numbers_are_not)
{
	const struct term narrow = {.utf8 = true, .columns = 36};
	_cleanup_table_ struct table t = {
		.titles = {"GUEST", "HAS", "WHY"}, .right = {false, true}};
	_cleanup_free_ char *text = NULL, *whole = NULL;

	table_add(&t, STYLE_NAME, "a-guest-with-a-very-long-name-漢字");
	table_add(&t, STYLE_NONE, "512 MiB");
	table_add(&t, STYLE_NONE, "it stalled");
	table_add(&t, STYLE_NAME, "web1");
	table_add(&t, STYLE_NONE, "1 GiB");
	table_add(&t, STYLE_NONE, "ok");
	text = printed(&t, &narrow);
	CHECK_STR(text, "GUEST                  HAS  WHY\n"
			"a-guest-with-a-v…  512 MiB  it stal…\n"
			"web1                 1 GiB  ok\n");
	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		_cleanup_free_ char *one = strndup(line, strcspn(line, "\n"));

		CHECK(term_width(one) <= 36);
	}
	whole = printed(&t, &plain); /* what a program reads is whole */
	CHECK_CONTAINS(whole, "a-guest-with-a-very-long-name-漢字  512 MiB  it stalled\n");
}

/* "evil" and what turns the rest around, C1's CSI, and a mark that takes no column. */
TEST(what_would_turn_a_line_around_is_seen_and_takes_a_column)
{
	const struct term t = {0};
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	CHECK(f);
	term_print(&t, f, STYLE_NONE, "evil\xe2\x80\xaelmx\xc2\x9b" "31m\xe2\x80\x8f\xe2\x81\xa6");
	fclose(f);
	CHECK_STR(text, "evil?lmx?31m??");
	CHECK_INT((int)term_width("a\xe2\x80\xae" "b"), 3);
	free(text);
}

TEST(there_are_escape_sequences_only_where_there_are_colours)
{
	const struct term coloured = {.utf8 = true, .colour = true};
	_cleanup_table_ struct table t = {.titles = {"A", "B"}};
	_cleanup_free_ char *with = NULL, *without = NULL;

	table_add(&t, STYLE_BAD, "x\033[2J");
	table_add(&t, STYLE_GOOD, "y");
	with = printed(&t, &coloured);
	without = printed(&t, &plain);
	CHECK(strchr(with, '\033') && !strstr(with, "\033[2J"));
	CHECK(!strchr(without, '\033'));
	CHECK_CONTAINS(without, "x?[2J");
}

TEST(a_table_without_rows_is_its_titles)
{
	_cleanup_table_ struct table t = {.titles = {"A", "B"}};
	_cleanup_free_ char *text = printed(&t, &plain);

	CHECK_STR(text, "A  B\n");
}

TEST_MAIN()
