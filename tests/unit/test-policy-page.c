/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* man/ballast.policy.5 says what the setting table says: each key in its section, with what it
 * takes and its default; each fact; and its examples are good policies. */
#include "policy/setting-table.h"

#include "common/ini.h"
#include "policy/facts.h"
#include "policy/policy-set.h"
#include "tests/test.h"

/* The page without font escapes, its lines joined by single blanks within paragraphs as they are;
 * NULL: not to be read. */
static char *read_page(void)
{
	const char *srcdir = getenv("srcdir");
	char path[512], *page = NULL, *out;
	size_t len;

	snprintf(path, sizeof(path), "%s/man/ballast.policy.5", srcdir ? srcdir : ".");
	if (ini_read_file(path, &page, &len, NULL) < 0)
		return NULL;
	out = page;
	for (const char *p = page; *p; p++)
		if (*p != '\\' || p[1] != '-')
			*out++ = *p;
	*out = '\0';
	return page;
}

/* A copy of what stands after the line `start` up to the next line that begins with one of both
 * ends. */
static char *part_of(const char *text, const char *start, const char *end_a, const char *end_b)
{
	const char *from = strstr(text, start), *a, *b;

	if (!from)
		return NULL;
	from += strlen(start);
	a = strstr(from, end_a);
	b = strstr(from, end_b);
	if (!a || (b && b < a))
		a = b;
	return a ? strndup(from, (size_t)(a - from)) : strdup(from);
}

static bool says(const char *part, const char *words)
{
	if (strstr(part, words))
		return true;
	printf("# \"%s\" is not in: %s\n", words, part);
	return false;
}

static bool setting_is_told(const char *page, const struct setting *s)
{
	char header[64], key[64], takes[EXPECTED_MAX + 16], expected[EXPECTED_MAX], def[64];
	_cleanup_free_ char *section = NULL, *entry = NULL;

	snprintf(header, sizeof(header), "\n.SH \"[%s]\"\n", s->section);
	section = part_of(page, header, "\n.SH ", "\n.SH ");
	snprintf(key, sizeof(key), ".TP\n.B %s=\n", s->key);
	entry = section ? part_of(section, key, "\n.TP\n", "\n.SH ") : NULL;
	if (!entry) {
		printf("# [%s] %s= is not in the page\n", s->section, s->key);
		return false;
	}
	snprintf(takes, sizeof(takes), "Takes %s", setting_value_expected(s, expected));
	snprintf(def, sizeof(def), "Default: %s", s->default_text);
	if (s->type != SETTING_CALENDAR && s->type != SETTING_CONDITION && !says(entry, takes))
		return false;
	if (*s->default_text && !says(entry, def))
		return false;
	return s->in_force || says(section, "not in force in this version");
}

TEST(each_setting_is_told_with_what_it_takes_and_its_default)
{
	_cleanup_free_ char *page = read_page();

	CHECK(page);
	for (size_t i = 0; i < setting_table_n; i++)
		CHECK(setting_is_told(page, &setting_table[i]));
}

TEST(each_key_that_is_told_is_known)
{
	_cleanup_free_ char *page = read_page();
	char section[32] = "", key[64];
	int n = 0;

	CHECK(page);
	for (const char *p = page; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
		if (strncmp(p, ".SH ", 4) == 0 && sscanf(p, ".SH \"[%31[A-Za-z]]\"", section) != 1)
			section[0] = '\0';
		if (strncmp(p, ".TP\n", 4) != 0 || !section[0])
			continue;
		CHECK_INT(sscanf(p, ".TP\n.B %63[A-Za-z]=", key), 1);
		CHECK(setting_find(section, key, NULL, NULL, 0, 0));
		n++;
	}
	CHECK_INT(n, (int)setting_table_n);
}

TEST(each_fact_is_told)
{
	_cleanup_free_ char *page = read_page();
	_cleanup_free_ char *part =
		page ? part_of(page, "\n.SH CONDITIONS\n", "\n.SH ", "\n.SH ") : NULL;

	CHECK(part);
	for (int f = 0; f < FACT_MAX; f++)
		CHECK(says(part, fact_to_string((enum fact)f)));
}

TEST(the_examples_are_good_policies)
{
	_cleanup_free_ char *page = read_page();
	int n = 0;

	CHECK(page);
	for (const char *p = strstr(page, "\n.SH EXAMPLES\n"); (p = strstr(p, "\n.EX\n")); n++) {
		_cleanup_free_ char *example = part_of(p, "\n.EX\n", "\n.EE\n", "\n.EE\n");
		struct policy_text t = {.name = "example", .text = example};
		_cleanup_policy_set_ struct policy_set *set = NULL;
		_cleanup_diag_list_ struct diag_list findings = {0};

		CHECK(example);
		t.len = strlen(example);
		if (policy_set_from_texts(&t, 1, NULL, &set, &findings) < 0)
			TEST_FAIL("%u:%u: %s", findings.items[0].line, findings.items[0].col,
				findings.items[0].text);
		p++;
	}
	CHECK(n >= 3);
}

TEST_MAIN()
