/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "common/macros.h"

/* A made-up root directory for one test; removed at its end. */
struct tree {
	char root[64];
};

static inline void tree_new(struct tree *t)
{
	strcpy(t->root, "/tmp/test-tree-XXXXXX");
	if (!mkdtemp(t->root))
		abort();
}

/* Writes ROOT/path, making the directories on the way. */
static inline void tree_put_bytes(struct tree *t, const char *path, const char *text, size_t len)
{
	char full[1024];
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", t->root, path);
	for (char *slash = full + strlen(t->root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	f = fopen(full, "w");
	if (!f || fwrite(text, 1, len, f) != len || fclose(f) != 0)
		abort();
}

static inline void tree_put(struct tree *t, const char *path, const char *text)
{
	tree_put_bytes(t, path, text, strlen(text));
}

/* The text of ROOT/path, "" where it is not. Valid until the next call. */
static inline const char *tree_get(struct tree *t, const char *path)
{
	static char text[4096];
	char full[1024];
	size_t n = 0;
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", t->root, path);
	f = fopen(full, "r");
	if (f) {
		n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[n] = '\0';
	return text;
}

static inline int tree_remove_one(const char *path, const struct stat *st, int flag, struct FTW *w)
{
	(void)st;
	(void)flag;
	(void)w;
	return remove(path);
}

static inline void tree_remove(struct tree *t)
{
	nftw(t->root, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
#define _cleanup_tree_ _cleanup_(tree_remove)
