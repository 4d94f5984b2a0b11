/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/text.h"

#include "common/json-scan.h"

void text_add_bytes(struct text *t, const char *s, size_t len)
{
	size_t room = t->size - 1 - t->len;

	if (len > room) {
		t->cut = true;
		len = room;
	}
	memcpy(t->buf + t->len, s, len);
	t->len += len;
	t->buf[t->len] = '\0';
}

void text_add(struct text *t, const char *s)
{
	text_add_bytes(t, s, strlen(s));
}

void text_add_number(struct text *t, uint64_t v)
{
	char digits[20], *p = digits + sizeof(digits);

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	text_add_bytes(t, p, (size_t)(digits + sizeof(digits) - p));
}

void text_add_hex(struct text *t, uint64_t v)
{
	char digits[16];

	for (int i = 0; i < 16; i++)
		digits[i] = "0123456789abcdef"[v >> (60 - 4 * i) & 15];
	text_add_bytes(t, digits, sizeof(digits));
}

void text_add_json(struct text *t, const char *s, size_t max)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + strnlen(s, max);

	text_add_bytes(t, "\"", 1);
	while (p < end) {
		size_t len = *p < 0x80 ? 1 : json_utf8_sequence(p, end);

		if (len == 0 || *p < 0x20 || *p == 0x7f) {
			text_add_bytes(t, "?", 1);
			p++;
			continue;
		}
		if (*p == '"' || *p == '\\')
			text_add_bytes(t, "\\", 1);
		text_add_bytes(t, (const char *)p, len);
		p += len;
	}
	text_add_bytes(t, "\"", 1);
}
