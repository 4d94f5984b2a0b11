/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a fuzz target over its corpus, so that every past finding is a test: `fuzz-X-replay` reads
 * each file of $srcdir/tests/fuzz/corpus/X, where X is taken from its own name. Prints TAP; an
 * input that breaks the target ends the program.
 */
#include <dirent.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>

#include "common/macros.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	_cleanup_free_ uint8_t *data = NULL;
	FILE *f = fopen(path, "rb");
	long len;
	int r = -1;

	if (!f)
		return -1;
	if (fseek(f, 0, SEEK_END) == 0 && (len = ftell(f)) >= 0 && fseek(f, 0, SEEK_SET) == 0) {
		data = malloc((size_t)len ? (size_t)len : 1);
		if (data && fread(data, 1, (size_t)len, f) == (size_t)len)
			r = LLVMFuzzerTestOneInput(data, (size_t)len);
	}
	fclose(f);
	return r;
}

int main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir");
	char name[256], dir[PATH_MAX];
	struct dirent **entries;
	char *end;
	int n, count = 0, failed = 0;

	/* ".../fuzz-X-replay" -> "X" */
	snprintf(name, sizeof(name), "%s", basename(argv[0]) + strlen("fuzz-"));
	end = strstr(name, "-replay");
	if (end)
		*end = '\0';
	snprintf(dir, sizeof(dir), "%s/tests/fuzz/corpus/%s", srcdir ? srcdir : ".", name);
	n = scandir(dir, &entries, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		char path[PATH_MAX + 256];

		if (entries[i]->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
			if (replay_file(path) < 0)
				failed++, printf("# %s could not be replayed\n", path);
			count++;
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	printf("%sok 1 - %s: %d inputs replayed\n1..1\n", failed || !count ? "not " : "", name,
		count);
	return failed || !count;
}
