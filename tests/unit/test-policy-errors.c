/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is said about bad policies, held to tests/golden/policy-errors.txt: policies, each with what
 * is said about it. Where a message changes on purpose, run this with GOLDEN_UPDATE=1 and read the
 * difference before it is committed.
 */
#include "policy/policy-set.h"

#include "common/ini.h"
#include "tests/test.h"

#define TITLE "=== "
#define SAYS "--- says\n"

static const char *golden_path(char buf[static 512])
{
	const char *srcdir = getenv("srcdir");

	snprintf(buf, 512, "%s/tests/golden/policy-errors.txt", srcdir ? srcdir : ".");
	return buf;
}

/* One line a finding, in a new string. */
static char *say(const char *text, size_t len)
{
	const struct policy_text policy = {.name = "t.policy", .text = text, .len = len};
	const struct policy_dirs dirs = {.localtime = "/nonexistent"};
	_cleanup_diag_list_ struct diag_list findings = {0};
	_cleanup_policy_set_ struct policy_set *set = NULL;
	char *said = NULL;
	size_t size;
	FILE *f = open_memstream(&said, &size);
	int r = policy_set_from_texts(&policy, 1, &dirs, &set, &findings);

	if (r == 0)
		fprintf(f, "good\n");
	for (size_t i = 0; i < findings.n; i++) {
		_cleanup_free_ char *line = diag_format(&findings.items[i]);

		fprintf(f, "%s\n", line);
	}
	fclose(f);
	return said;
}

/* One case of the golden file: what stands between p and end. */
struct golden_case {
	const char *title, *title_end;
	const char *text, *text_end;
	const char *says, *end;
};

static bool next_case(const char **p, const char *end, struct golden_case *ret)
{
	const char *next;

	ret->title = strstr(*p, TITLE);
	if (!ret->title)
		return false;
	ret->title_end = strchr(ret->title, '\n');
	ret->text = ret->title_end + 1;
	ret->text_end = strstr(ret->text, SAYS);
	if (!ret->text_end)
		return false;
	ret->says = ret->text_end + strlen(SAYS);
	next = strstr(ret->says - 1, "\n" TITLE); /* nothing may be said yet */
	ret->end = next ? next + 1 : end;
	*p = ret->end;
	return true;
}

TEST(every_kind_of_mistake_is_told_as_agreed)
{
	bool update = getenv("GOLDEN_UPDATE") != NULL;
	_cleanup_free_ char *golden = NULL, *updated = NULL;
	struct golden_case c;
	char path[512];
	size_t len, size;
	int n = 0, wrong = 0;
	const char *p;
	FILE *f;

	CHECK_INT(ini_read_file(golden_path(path), &golden, &len, NULL), 0);
	f = open_memstream(&updated, &size);
	for (p = golden; next_case(&p, golden + len, &c); n++) {
		_cleanup_free_ char *said = say(c.text, (size_t)(c.text_end - c.text));

		fwrite(c.title, 1, (size_t)(c.says - c.title), f);
		fputs(said, f);
		if (strlen(said) == (size_t)(c.end - c.says) &&
			memcmp(said, c.says, strlen(said)) == 0)
			continue;
		if (!update)
			printf("# %.*s\n# said: %s# agreed: %.*s", (int)(c.title_end - c.title),
				c.title, said, (int)(c.end - c.says), c.says);
		wrong++;
	}
	fclose(f);
	if (update) {
		f = fopen(path, "w");
		CHECK(f);
		fwrite(updated, 1, size, f);
		fclose(f);
		return;
	}
	CHECK_INT(p - golden, (ptrdiff_t)len);
	CHECK_INT(wrong, 0);
	CHECK(n > 50);
}

TEST_MAIN()
