/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/printable.h"

#include <stdio.h>

#include "common/utf8.h"

bool printable_char(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} hidden[] = {
		{0, 0x1f},	  /* C0 */
		{0x7f, 0x9f},	  /* DEL, C1 */
		{0x61c, 0x61c},	  /* Arabic letter mark */
		{0x200e, 0x200f}, /* left-to-right and right-to-left mark */
		{0x2028, 0x202e}, /* separators, embeddings, overrides and their end */
		{0x2066, 0x2069}, /* isolates and their end */
	};

	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++)
		if (c >= hidden[i].first && c <= hidden[i].last)
			return false;
	return true;
}

/* The character at s, of which left bytes are there (not 0): its bytes, 0 if it is no UTF-8. */
static size_t next(const unsigned char *s, size_t left, uint32_t *ret)
{
	size_t n = utf8_length(s, left);

	if (n)
		*ret = n == 1 ? s[0] : s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++)
		*ret = *ret << 6 | (s[i] & 0x3fu);
	return n;
}

bool printable_is(const char *s)
{
	size_t left = strlen(s), n;
	uint32_t c = 0;

	for (; left; s += n, left -= n) {
		n = next((const unsigned char *)s, left, &c);
		if (!n || !printable_char(c))
			return false;
	}
	return true;
}

char *printable(const char *s, const char *keep, char *buf, size_t size)
{
	size_t left = strlen(s), len = 0;

	while (left) {
		uint32_t c = (unsigned char)*s;
		size_t n = next((const unsigned char *)s, left, &c), put;
		char escape[PRINTABLE_ESCAPE_MAX + 1];
		const char *from = escape;

		if (n && (printable_char(c) || (c < 0x80 && strchr(keep, (int)c))))
			from = s;
		else if (c == '\n' || c == '\t')
			snprintf(escape, sizeof(escape), "\\%c", c == '\n' ? 'n' : 't');
		else if (!n || c < 0x20)
			snprintf(escape, sizeof(escape), "\\x%02x", (unsigned)(c & 0xff));
		else
			snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)(c & 0xffff));
		put = from == s ? n : strlen(escape);
		if (len + put + 1 > size)
			break;
		memcpy(buf + len, from, put);
		len += put;
		n = n ? n : 1;
		s += n;
		left -= n;
	}
	if (size)
		buf[len] = '\0';
	return buf;
}
