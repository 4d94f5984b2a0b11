/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/policy-files.h"

#include <dirent.h>

#include "tests/policy-dirs.h"
#include "tests/test.h"

static int put(const char *dir, const char *name, const char *text, struct diag *d)
{
	return policy_file_write(dir, name, text, strlen(text), d);
}

static unsigned entries(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n - 2;
}

static const char *slurp(const char *dir, const char *name, char buf[static 128])
{
	char path[1024];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	if (f) {
		n = fread(buf, 1, 127, f);
		fclose(f);
	}
	buf[n] = '\0';
	return buf;
}

TEST(a_file_is_written_replaced_and_removed_and_nothing_else_stays)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_diag_ struct diag d = {0};
	char dir[512], text[128];

	dirs_path(&t, "own", dir); /* it is made */
	CHECK_INT(put(dir, "a.policy", "one", &d), 0);
	CHECK_STR(slurp(dir, "a.policy", text), "one");
	CHECK_INT(put(dir, "a.policy", "another", &d), 0);
	CHECK_STR(slurp(dir, "a.policy", text), "another");
	CHECK_INT((int)entries(dir), 1);
	CHECK(policy_file_is_there(dir, "a.policy"));
	CHECK_INT(policy_file_remove(dir, "a.policy", &d), 0);
	CHECK_INT(policy_file_remove(dir, "a.policy", &d), -ENOENT);
	CHECK(!policy_file_is_there(dir, "a.policy"));
	CHECK_INT((int)entries(dir), 0);
}

TEST(what_a_killed_daemon_left_is_written_over)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_diag_ struct diag d = {0};
	char dir[512], text[128];

	dirs_write(&t, "own/.new", "half of something that was much longer");
	dirs_path(&t, "own", dir);
	CHECK_INT(put(dir, "a.policy", "one", &d), 0);
	CHECK_STR(slurp(dir, "a.policy", text), "one");
	CHECK_INT((int)entries(dir), 1);
}

TEST(there_are_not_more_than_so_many)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_diag_ struct diag d = {0};
	char dir[512], name[64];

	dirs_path(&t, "own", dir);
	for (int i = 0; i < POLICY_FILES_MAX; i++) {
		snprintf(name, sizeof(name), "own/%d.policy", i);
		dirs_write(&t, name, "[Memory]\n");
	}
	CHECK_INT(put(dir, "one-more.policy", "x", &d), -EMFILE);
	CHECK_CONTAINS(d.text, "256 policies already");
	CHECK(!policy_file_is_there(dir, "one-more.policy"));
	CHECK_INT(put(dir, "7.policy", "x", &d), 0); /* a replacement is none more */
}

TEST(where_it_cannot_be_written_the_path_is_named_and_the_old_one_stays)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_diag_ struct diag d = {0};
	char dir[512], text[128];

	/* a directory in its place: rename fails, for root too */
	dirs_write(&t, "own/a.policy/x", "");
	dirs_path(&t, "own", dir);
	CHECK_INT(put(dir, "a.policy", "one", &d), -EISDIR);
	CHECK_CONTAINS(d.file, "own/a.policy");
	CHECK_INT((int)entries(dir), 1);
	dirs_write(&t, "file", "no directory");
	dirs_path(&t, "file", dir);
	CHECK_INT(put(dir, "a.policy", "one", &d), -ENOTDIR);
	CHECK_STR(slurp(t.root, "file", text), "no directory");
}

TEST(the_highest_layer_is_found)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_free_ char *above = NULL, *none = NULL, *any = NULL;

	dirs_write(&t, "usr/a.policy", "x");
	dirs_write(&t, "etc/a.policy", "x");
	CHECK_INT((int)policy_files_layer(t.dirs.dirs, t.dirs.dirs[1]), 1);
	CHECK_INT((int)policy_files_layer(t.dirs.dirs, "/nowhere"), -ENOENT);
	above = policy_file_above(t.dirs.dirs, 2, "a.policy");
	CHECK_CONTAINS(above, "/etc/a.policy");
	none = policy_file_above(t.dirs.dirs, 2, "b.policy");
	CHECK(!none);
	any = policy_file_above(t.dirs.dirs, 0, "a.policy");
	CHECK_STR(any, above);
}

TEST_MAIN()
