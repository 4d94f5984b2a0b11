/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/shell-word.h"

#include "tests/test.h"

TEST(plain_names_stand_as_they_are)
{
	char buf[SHELL_WORD_MAX];

	CHECK_STR(shell_word("web-1.example_2@x", buf), "web-1.example_2@x");
}

TEST(others_are_one_word_to_a_shell)
{
	static const char *const names[] = {"", "a b", "$(reboot)", "`id`", "it's", "''", "a\nb", "*",
		"<img src=x>", "a;b", "~root", "!!", "caf\303\251", "\\", "a\\'b"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char buf[SHELL_WORD_MAX], command[SHELL_WORD_MAX + 32], got[256] = "";
		FILE *f;

		snprintf(command, sizeof(command), "printf '%%s.' %s", shell_word(names[i], buf));
		f = popen(command, "r");
		CHECK(f);
		CHECK(fread(got, 1, sizeof(got) - 1, f) == strlen(names[i]) + 1);
		CHECK_INT(pclose(f), 0);
		got[strlen(got) - 1] = '\0';
		CHECK_STR(got, names[i]);
	}
}

TEST(what_does_not_fit_is_no_part_of_a_name)
{
	char buf[SHELL_WORD_MAX], name[SHELL_WORD_MAX + 8];

	memset(name, '\'', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	CHECK_STR(shell_word(name, buf), "NAME");
	name[SHELL_WORD_MAX / 4] = '\0';
	CHECK_STR(shell_word(name, buf), "NAME");
	name[SHELL_WORD_MAX / 4 - 1] = '\0';
	CHECK_U64(strlen(shell_word(name, buf)), SHELL_WORD_MAX - 2);
}

TEST_MAIN()
