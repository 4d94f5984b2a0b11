/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/path.h"

#include <stdio.h>

void path_add(char *path, size_t size, const char *name, const char *value)
{
	size_t n = strlen(path);
	char word[CLIENT_PATH_MAX];

	client_path("%s", value, word);
	snprintf(path + n, size - n, "%s%s=%s", strchr(path, '?') ? "&" : "?", name, word);
}
