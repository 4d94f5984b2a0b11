/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/* A guest is its UUID everywhere; its name is an attribute. Raw bytes in the text's order (RFC
 * 9562). */
struct uuid {
	uint8_t bytes[16];
};
#define UUID_TEXT_MAX 37

static inline bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}
/* "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", lower case. Returns buf. */
char *uuid_format(const struct uuid *u, char buf[static UUID_TEXT_MAX]);
/* Takes the form above in either case. Returns 0 or -EINVAL; *ret untouched on failure. */
int uuid_parse(const char *s, struct uuid *ret) _nonnull_ _must_check_;
