/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/effective.h"
#include "policy/policy-file.h"

/* Private to policy/: values set by hand, as assignments for the merge. */

/* As override_check(); *ret is what the merge takes (its value owns nothing). */
int override_parse(const char *section, const char *key, const char *value, struct assignment *ret,
	struct diag *d) _nonnull_args_(1, 2, 3, 4) _must_check_;
/* Has it not expired yet? *wake falls to when it will. */
bool override_holds(const struct override *o, uint64_t now_boot_usec, uint64_t now_real_usec,
	uint64_t *wake) _nonnull_;
/* A number for what those say that hold; 0: none does. */
uint64_t overrides_hash(const struct override *overrides, size_t n, uint64_t now_boot_usec,
	uint64_t now_real_usec, uint64_t *wake) _nonnull_args_(5);

/* One step of FNV-1a over a string and its end. */
static inline uint64_t hash_string(uint64_t h, const char *s)
{
	do
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	while (*s++);
	return h;
}
