/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <uthash.h>

#include "common/macros.h"

/* Private to ganeti*.c: what a name of a file stands for. Names are borrowed. */
struct names {
	struct name {
		const char *text;
		size_t value;
		UT_hash_handle hh;
	} *first;
	size_t n;
};

/* Returns 0, -EEXIST, or -ENOMEM. */
int names_add(struct names *n, const char *text, size_t value) _nonnull_ _must_check_;
bool names_find(const struct names *n, const char *text, size_t *ret) _nonnull_ _must_check_;
void names_clear(struct names *n) _nonnull_;
