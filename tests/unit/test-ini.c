/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/ini.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "tests/test.h"

/* What was handed on, as one text. */
struct seen {
	char text[4096];
	size_t len;
};

static int record(const struct ini_entry *e, void *userdata, struct diag *d)
{
	struct seen *s = userdata;

	if (!e->key)
		s->len += (size_t)snprintf(s->text + s->len, sizeof(s->text) - s->len,
			"%u:%u[%s]\n", e->line, e->key_col, e->section);
	else
		s->len += (size_t)snprintf(s->text + s->len, sizeof(s->text) - s->len,
			"%u:%u:%u %s.%s=<%s>\n", e->line, e->key_col, e->value_col, e->section,
			e->key, e->value);
	return 0;
}

static int parse(const char *text, struct seen *s, struct diag *d)
{
	*s = (struct seen){0};
	return ini_parse("f", text, strlen(text), record, s, d);
}

TEST(sections_keys_and_places_are_handed_on)
{
	struct seen s;

	CHECK_INT(
		parse("early=1\n# c\n; c\n\n[Memory]\nMin=512M\n  Max = 3 G \nEmpty=\n", &s, NULL),
		0);
	CHECK_STR(s.text, "1:1:7 .early=<1>\n5:1[Memory]\n6:1:5 Memory.Min=<512M>\n"
			  "7:3:9 Memory.Max=<3 G>\n8:1:7 Memory.Empty=<>\n");
}

TEST(the_last_line_needs_no_line_end_and_cr_is_blank)
{
	struct seen s;

	CHECK_INT(parse("\xef\xbb\xbf[A]\r\nB=1\r\nC=2", &s, NULL), 0);
	CHECK_STR(s.text, "1:1[A]\n2:1:3 A.B=<1>\n3:1:3 A.C=<2>\n");
}

TEST(a_backslash_joins_lines_and_comments_between_are_skipped)
{
	struct seen s;

	CHECK_INT(
		parse("[A]\nK=one\\\n  # no\n  two \\\r\nthree\nL=4\nM=x\\\\\nN=5\\", &s, NULL), 0);
	CHECK_STR(s.text, "1:1[A]\n2:1:3 A.K=<one two  three>\n6:1:3 A.L=<4>\n"
			  "7:1:3 A.M=<x\\\\>\n8:1:3 A.N=<5>\n");
}

static int place_of_x(const struct ini_entry *e, void *userdata, struct diag *d)
{
	unsigned *place = userdata;

	if (e->key)
		ini_entry_place(
			e, (size_t)(strchr(e->value, 'x') - e->value), &place[0], &place[1]);
	return 0;
}

TEST(a_byte_of_a_joined_value_has_the_place_where_it_stands)
{
	static const char text[] = "[A]\nK=aa \\\n   bb \\\n  c x\n";
	unsigned place[2] = {0};

	CHECK_INT(ini_parse("f", text, strlen(text), place_of_x, place, NULL), 0);
	CHECK_INT(place[0], 4);
	CHECK_INT(place[1], 5);
}

static const struct {
	const char *text;
	const char *want;
} bad[] = {
	{"[A]\nnonsense\n", "f:2:1: \"nonsense\" is no assignment; expected Key=Value"},
	{"[A]\n =5\n", "f:2:2: key missing before \"=\"; expected Key=Value"},
	{"\n[A\n", "f:2:3: section header does not end; expected \"]\" as its last character"},
	{"[]\n", "f:1:1: not a section header; expected one like [Memory]"},
	{"[a]b]\n", "f:1:1: not a section header; expected one like [Memory]"},
	{"[A]\nK=\xff\n", "f:2:3: not UTF-8; expected UTF-8 text"},
	{"[A]\nK=\xed\xa0\x80\n", "f:2:3: not UTF-8; expected UTF-8 text"},
};

TEST(what_is_not_of_the_form_is_named_with_its_place)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_diag_ struct diag d = {0};
		_cleanup_free_ char *text = NULL;
		struct seen s;

		CHECK_INT(parse(bad[i].text, &s, &d), -EBADMSG);
		text = diag_format(&d);
		CHECK_STR(text, bad[i].want);
	}
}

TEST(nul_and_oversize_are_refused)
{
	_cleanup_diag_ struct diag d = {0};
	_cleanup_free_ char *big = malloc(2 * MIB);
	struct seen s = {0};

	CHECK(big);
	CHECK_INT(ini_parse("f", "[A]\nK=\0x\n", 9, record, &s, &d), -EBADMSG);
	CHECK_CONTAINS(d.text, "NUL byte");
	CHECK_INT(d.line, 2);
	memset(big, '\n', 2 * MIB);
	CHECK_INT(ini_parse("f", big, MIB + 1, record, &s, &d), -EBADMSG);
	CHECK_CONTAINS(d.text, "1 MiB");
	CHECK_INT(ini_parse("f", big, MIB, record, &s, &d), 0);
	memset(big, 'x', 70000);
	big[1] = '=';
	CHECK_INT(ini_parse("f", big, 65536, record, &s, &d), 0);
	CHECK_INT(ini_parse("f", big, 65537, record, &s, &d), -EBADMSG);
	CHECK_CONTAINS(d.text, "64 KiB");
}

static int refuse_b(const struct ini_entry *e, void *userdata, struct diag *d)
{
	++*(int *)userdata;
	if (e->key && streq(e->key, "B"))
		return diag_set(d, ENOENT, e->file, e->line, e->key_col, "no B");
	return 0;
}

TEST(a_handler_ends_the_reading)
{
	_cleanup_diag_ struct diag d = {0};
	int calls = 0;

	CHECK_INT(ini_parse("f", "A=1\nB=2\nC=3\n", 12, refuse_b, &calls, &d), -ENOENT);
	CHECK_INT(calls, 2);
	CHECK_STR(d.text, "no B");
}

TEST(reading_all_finds_every_mistake)
{
	static const char text[] = "A=1\nB=2\nbad\n[x\nC=3\nB=4\n[y]\nB=5\n";
	_cleanup_diag_list_ struct diag_list l = {0};
	int calls = 0;

	CHECK_INT(ini_parse_all("f", text, strlen(text), refuse_b, &calls, &l), 4);
	CHECK_INT(calls, 4); /* A B [y] B: not what stands below the bad header */
	CHECK_INT(l.n, 4);
	CHECK_INT(l.items[0].line, 2);
	CHECK_INT(l.items[1].line, 3);
	CHECK_INT(l.items[2].line, 4);
	CHECK_INT(l.items[3].line, 8);
}

TEST(files_are_read_whole_and_errors_name_the_remedy)
{
	char path[] = "/tmp/test-ini-XXXXXX";
	_cleanup_close_ int fd = mkstemp(path);
	_cleanup_free_ char *text = NULL, *big = calloc(1, MIB + 1);
	_cleanup_diag_ struct diag d = {0};
	size_t len = 0;
	int r_good, r_big;

	CHECK(fd >= 0 && big);
	CHECK_INT(write(fd, "[A]\n", 4), 4);
	r_good = ini_read_file(path, &text, &len, &d);
	CHECK_INT(write(fd, big, MIB), MIB);
	r_big = ini_read_file(path, &big, &len, &d);
	unlink(path);
	CHECK_INT(r_good, 0);
	CHECK_STR(text, "[A]\n");
	CHECK_INT(len, 4);
	CHECK_INT(r_big, -EFBIG);
	CHECK_CONTAINS(d.text, "at most 1 MiB");
	CHECK_STR(d.file, path);
	CHECK_INT(ini_read_file("/nonexistent/x", &text, &len, &d), -ENOENT);
	CHECK_CONTAINS(d.text, "check the path");
	CHECK_INT(ini_read_file("/", &text, &len, &d), -EISDIR);
}

TEST_MAIN()
