/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/shell-word.h"

static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+@%:,/-";

char *shell_word(const char *name, char buf[static SHELL_WORD_MAX])
{
	static const char quote[] = "'\\''"; /* ends the quoted part, a quote, begins it again */
	size_t n = 0;

	if (*name && strspn(name, plain) == strlen(name) && strlen(name) < SHELL_WORD_MAX)
		return strcpy(buf, name);
	buf[n++] = '\'';
	for (; *name; name++) {
		size_t len = *name == '\'' ? sizeof(quote) - 1 : 1;

		if (n + len + sizeof("'") > SHELL_WORD_MAX)
			return strcpy(buf, "NAME");
		memcpy(buf + n, *name == '\'' ? quote : name, len);
		n += len;
	}
	buf[n++] = '\'';
	buf[n] = '\0';
	return buf;
}
