/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/setting-list.h"

#include "tests/test.h"

static int add(struct setting_list *l, const char *key, const char *value, const char *file)
{
	const struct origin origin = {.file = file, .line = 3};

	return setting_list_record("Memory", key, value, &origin, true, l);
}

struct seen {
	char text[256];
	int stop_after;
};

static int note(const struct setting_line *a, const struct setting_line *b, void *userdata)
{
	struct seen *s = userdata;
	size_t n = strlen(s->text);

	snprintf(s->text + n, sizeof(s->text) - n, "%s:%s->%s ", a ? a->key : b->key,
		a ? a->value : "-", b ? b->value : "-");
	return --s->stop_after == 0 ? 7 : 0;
}

TEST(a_diff_names_values_that_differ_in_order)
{
	_cleanup_setting_list_ struct setting_list a = {0}, b = {0};
	struct seen s = {"", 0};

	CHECK_INT(add(&a, "Min", "1G", "x") | add(&a, "Max", "2G", "x") | add(&a, "Old", "1", "x"),
		0);
	CHECK_INT(add(&b, "New", "5", "y") | add(&b, "Max", "3G", "y") | add(&b, "Min", "1G", "y"),
		0);
	CHECK_INT(setting_list_diff(&a, &b, note, &s), 0);
	CHECK_STR(s.text, "Max:2G->3G Old:1->- New:-->5 ");
	s = (struct seen){"", 2};
	CHECK_INT(setting_list_diff(&a, &b, note, &s), 7);
	CHECK_STR(s.text, "Max:2G->3G Old:1->- ");
}

TEST(lines_are_copies_with_their_origin)
{
	_cleanup_setting_list_ struct setting_list l = {0};
	char value[] = "1G";

	for (int i = 0; i < 100; i++)
		CHECK_INT(add(&l, "Min", value, NULL), 0);
	value[0] = '9';
	CHECK_STR(setting_list_find(&l, "Memory", "Min")->value, "1G");
	CHECK(!setting_list_find(&l, "Memory", "Min")->file);
	CHECK(!setting_list_find(&l, "CPU", "Min"));
}

TEST_MAIN()
