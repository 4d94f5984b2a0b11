/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/setting-table.h"

#include "policy/effective.h"
#include "policy/setting-list.h"
#include "tests/test.h"

TEST(every_row_is_whole)
{
	for (size_t i = 0; i < setting_table_n; i++) {
		const struct setting *s = &setting_table[i];
		char expected[EXPECTED_MAX];

		CHECK(setting_section_known(s->section));
		CHECK(s->key && *s->key && s->default_text);
		CHECK(s->help && *s->help && s->help[strlen(s->help) - 1] != '.');
		CHECK(*setting_value_expected(s, expected));
		CHECK(setting_find(s->section, s->key, NULL, NULL, 0, 0) == s);
		CHECK(s->in_force == (s->offset != SETTING_NOWHERE));
		CHECK((s->type == SETTING_CHOICE) == (s->names != NULL));
		CHECK(s->min <= s->max);
	}
}

TEST(settings_of_a_guest_stand_together)
{
	size_t n = 0;

	for (size_t i = 0; i < setting_table_n; i++) {
		if (setting_table[i].scope != SETTING_OF_GUEST)
			continue;
		CHECK_INT(setting_guest_index(&setting_table[i]), n);
		CHECK(setting_of_guest(n) == &setting_table[i]);
		n++;
	}
	CHECK_INT(n, SETTING_GUEST_MAX);
}

/* The default as text is the default as number, in the form in which it is shown. */
TEST(both_forms_of_a_default_agree)
{
	for (size_t i = 0; i < setting_table_n; i++) {
		const struct setting *s = &setting_table[i];
		const void *base = s->scope == SETTING_OF_HOST
					   ? (const void *)&host_settings_default
					   : &settings_default;
		union setting_value v, held;
		_cleanup_free_ char *text = NULL, *held_text = NULL;

		if (s->scope == SETTING_OF_POLICY || !*s->default_text)
			continue;
		CHECK_INT(setting_value_parse(s, s->default_text, &v, NULL), 0);
		text = setting_value_format(s, &v);
		setting_value_clear(s, &v);
		CHECK_STR(text, s->default_text);
		if (!s->in_force)
			continue;
		setting_value_load(s, base, &held);
		held_text = setting_value_format(s, &held);
		CHECK_STR(held_text, s->default_text);
	}
}

static const struct {
	const char *section, *key, *text, *shown;
} good[] = {
	{"Memory", "Min", "0", "0"},
	{"Memory", "Min", "1536M", "1.5G"},
	{"Memory", "Max", "infinity", "infinity"},
	{"Memory", "Weight", "10000", "10000"},
	{"Memory", "Headroom", "256M", "256M"},
	{"Memory", "Headroom", "12.5%", "12.5%"},
	{"Memory", "IdleTax", "0%", "0%"},
	{"Memory", "Surplus", "release", "release"},
	{"Memory", "MaxStall", "5% over 1min", "5% over 1min"},
	{"Memory", "BootGraceSec", "90", "1min 30s"},
	{"Memory", "Enforce", "no", "no"},
	{"CPU", "Quota", "150%", "150%"},
	{"CPU", "Quota", "infinity", "infinity"},
	{"Disk", "GrowBelow", "2G", "2G"},
	{"Migration", "Allow", "off", "no"},
	{"Migration", "Allow", "true", "yes"},
	{"Migration", "MaxDowntimeMSec", "500", "500"},
	{"Migration", "MaxDowntimeMSec", "1s", "1000"},
	{"Migration", "MaxDowntimeMSec", "10.5ms", "10ms 500us"},
	{"Placement", "Hosts", "host* !host3", "host* !host3"},
	{"Placement", "Apart", "db-1 db_2", "db-1 db_2"},
	{"Host", "MemoryFrom", "host", "host"},
	{"Host", "MemoryFrom", "cgroup:/machine.slice", "cgroup:/machine.slice"},
	{"Host", "MemoryFrom", "cgroup:/a/..b", "cgroup:/a/..b"},
	{"Host", "StartPolicy", "ignore", "ignore"},
	{"When", "LastingSec", "1.5s", "1s 500ms"},
};

TEST(good_values_are_shown_in_a_form_that_reads_back)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		const struct setting *s =
			setting_find(good[i].section, good[i].key, NULL, NULL, 0, 0);
		_cleanup_free_ char *shown = NULL, *again = NULL;
		union setting_value v;

		CHECK(s);
		CHECK_INT(setting_value_parse(s, good[i].text, &v, NULL), 0);
		shown = setting_value_format(s, &v);
		setting_value_clear(s, &v);
		CHECK_STR(shown, good[i].shown);
		CHECK_INT(setting_value_parse(s, shown, &v, NULL), 0);
		again = setting_value_format(s, &v);
		setting_value_clear(s, &v);
		CHECK_STR(again, shown);
	}
}

static const struct {
	const char *section, *key, *text;
	int err;
	unsigned col;
} bad[] = {
	{"Memory", "Min", "infinity", -ERANGE, 1},
	{"Memory", "Min", "-1", -EINVAL, 1},
	{"Memory", "Max", "1023K", -ERANGE, 1},
	{"Memory", "Weight", "0", -ERANGE, 1},
	{"Memory", "Weight", "10001", -ERANGE, 1},
	{"Memory", "Weight", "100000000000000000000", -ERANGE, 1},
	{"Memory", "Weight", "1.5", -EINVAL, 2},
	{"Memory", "Headroom", "1001%", -ERANGE, 1},
	{"Memory", "Headroom", "infinity", -ERANGE, 1},
	{"Memory", "Headroom", "ten", -EINVAL, 1},
	{"Memory", "IdleTax", "100%", -ERANGE, 1},
	{"Memory", "IdleTax", "75", -EINVAL, 3},
	{"Memory", "Surplus", "grwo", -EINVAL, 1},
	{"Memory", "MaxStall", "10%", -EINVAL, 1},
	{"Memory", "MaxStall", "0% over 10s", -ERANGE, 1},
	{"Memory", "MaxStall", "10% over 10x", -EINVAL, 12},
	{"Memory", "MaxStall", "10 over 10s", -EINVAL, 3},
	{"Memory", "MaxStall", "10% over 0s", -ERANGE, 10},
	{"Memory", "BootGraceSec", "2h", -ERANGE, 1},
	{"CPU", "Quota", "0%", -ERANGE, 1},
	{"CPU", "Quota", "2", -EINVAL, 2},
	{"Migration", "Allow", "maybe", -EINVAL, 1},
	{"Migration", "MaxDowntimeMSec", "5", -ERANGE, 1},
	{"Placement", "Hosts", "a, b", -EINVAL, 1},
	{"Placement", "Apart", "a, b", -EINVAL, 2},
	{"Host", "MemoryFrom", "cgroup:x", -EINVAL, 1},
	{"Host", "MemoryFrom", "cgroup:/a/../b", -EINVAL, 11},
	{"Host", "MemoryFrom", "cgroup:/..", -EINVAL, 9},
	{"Host", "Reserve", "91%", -ERANGE, 1},
	{"When", "LastingSec", "25h", -ERANGE, 1},
};

TEST(bad_values_say_where_and_what_is_expected)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct setting *s =
			setting_find(bad[i].section, bad[i].key, NULL, NULL, 0, 0);
		_cleanup_diag_ struct diag d = {0};
		union setting_value v;

		CHECK(s);
		CHECK_INT(setting_value_parse(s, bad[i].text, &v, &d), bad[i].err);
		setting_value_clear(s, &v);
		CHECK_CONTAINS(d.text, "expected");
		if (d.col != bad[i].col)
			TEST_FAIL("%s=%s: column %u, wanted %u (%s)", bad[i].key, bad[i].text,
				d.col, bad[i].col, d.text);
	}
}

TEST(unknown_names_come_with_the_nearest_known_one)
{
	_cleanup_diag_ struct diag d = {0};

	CHECK(!setting_find("Memroy", "Min", &d, "f", 1, 2));
	CHECK_CONTAINS(d.text, "unknown section [Memroy]; expected one of Policy, Match,");
	CHECK_CONTAINS(d.text, "did you mean [Memory]?");
	CHECK(!setting_find("Memory", "Wieght", &d, "f", 1, 2));
	CHECK_CONTAINS(d.text, "unknown key \"Wieght\" in [Memory]; expected one of Min, Max,");
	CHECK_CONTAINS(d.text, "did you mean Weight?");
	CHECK(!setting_find("CPU", "Headroom", &d, "f", 1, 2));
	CHECK_CONTAINS(d.text, "Headroom belongs in [Memory]");
	CHECK_STR(d.file, "f");
	CHECK_INT(d.col, 2);
}

TEST(the_message_names_every_section)
{
	_cleanup_diag_ struct diag d = {0};

	CHECK(!setting_find("No such section", "", &d, NULL, 0, 0));
	for (const char *const *p = setting_sections; *p; p++)
		CHECK_CONTAINS(d.text, *p);
}

TEST(all_known_settings_are_visited)
{
	_cleanup_setting_list_ struct setting_list l = {0};

	CHECK_INT(settings_visit_known(setting_list_record, &l), 0);
	CHECK_INT(l.n, setting_table_n);
	CHECK(setting_list_find(&l, "Schedule", "OnCalendar"));
	CHECK(!setting_list_find(&l, "Placement", "Apart")->in_force);
	CHECK_STR(setting_list_find(&l, "Memory", "MaxStall")->value, "10% over 10s");
}

TEST_MAIN()
