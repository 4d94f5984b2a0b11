/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "policy/policy-set.h"

/* A tree of policy directories of a test's own: layers usr < run < etc below a new directory, which
 * goes when the test ends. What cannot be written ends the program: then no test means anything. */
struct test_dirs {
	char root[64];
	struct policy_dirs dirs;
};

static inline const char *dirs_path(
	const struct test_dirs *t, const char *name, char buf[static 512])
{
	snprintf(buf, 512, "%s/%s", t->root, name);
	return buf;
}

/* dirs.dirs points into a static table, so that the struct can be returned: one test at a time has
 * one. */
static inline struct test_dirs dirs_new(void)
{
	static char layers[3][80];
	static const char *const list[] = {layers[0], layers[1], layers[2], NULL};
	static const char *const names[] = {"usr", "run", "etc"};
	struct test_dirs t = {.root = "/tmp/test-policy-XXXXXX", .dirs = {.dirs = list}};

	if (!mkdtemp(t.root))
		abort();
	for (int i = 0; i < 3; i++)
		snprintf(layers[i], sizeof(layers[i]), "%s/%s", t.root, names[i]);
	return t;
}

static inline void dirs_make_parents(char *path)
{
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			abort();
		*p = '/';
	}
}

/* Writes a file and the directories above it. */
static inline void dirs_write_n(
	const struct test_dirs *t, const char *name, const char *text, size_t len)
{
	char path[512];
	FILE *f;

	dirs_path(t, name, path);
	dirs_make_parents(path);
	f = fopen(path, "w");
	if (!f || fwrite(text, 1, len, f) != len || fclose(f) != 0)
		abort();
}

static inline void dirs_write(const struct test_dirs *t, const char *name, const char *text)
{
	dirs_write_n(t, name, text, strlen(text));
}

static inline void dirs_link(const struct test_dirs *t, const char *target, const char *name)
{
	char path[512];

	dirs_path(t, name, path);
	dirs_make_parents(path);
	if (symlink(target, path) < 0)
		abort();
}

static inline int dirs_remove_one(
	const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static inline void dirs_remove(const struct test_dirs *t, const char *name)
{
	char path[512];

	nftw(dirs_path(t, name, path), dirs_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void dirs_clear(struct test_dirs *t)
{
	dirs_remove(t, ".");
	rmdir(t->root);
}
#define _cleanup_dirs_ _cleanup_(dirs_clear)
