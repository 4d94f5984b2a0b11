/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/uuid.h"

/* A dash stands before these bytes. */
static bool dash_before(size_t byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

char *uuid_format(const struct uuid *u, char buf[static UUID_TEXT_MAX])
{
	static const char digits[] = "0123456789abcdef";
	char *p = buf;

	for (size_t i = 0; i < sizeof(u->bytes); i++) {
		if (dash_before(i))
			*p++ = '-';
		*p++ = digits[u->bytes[i] >> 4];
		*p++ = digits[u->bytes[i] & 15];
	}
	*p = '\0';
	return buf;
}

int uuid_parse(const char *s, struct uuid *ret)
{
	struct uuid u;

	for (size_t i = 0; i < sizeof(u.bytes); i++) {
		int hi, lo;

		if (dash_before(i) && *s++ != '-')
			return -EINVAL;
		hi = hex_digit(s[0]);
		if (hi < 0)
			return -EINVAL;
		lo = hex_digit(s[1]);
		if (lo < 0)
			return -EINVAL;
		u.bytes[i] = (uint8_t)(hi << 4 | lo);
		s += 2;
	}
	if (*s)
		return -EINVAL;
	*ret = u;
	return 0;
}
