/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * Names of an enum that runs 0.._MAX-1 with _INVALID = -1. DECLARE in the header, DEFINE beside the
 * table `static const char *const foo_table[FOO_MAX]`. to_string gives NULL out of range;
 * from_string gives -1 (FOO_INVALID) for an unknown name. tests/test.h has TEST_STRTAB to prove the
 * round trip.
 */
#define DECLARE_STRTAB(name, type)                                                                 \
	const char *name##_to_string(type v) _const_;                                              \
	type name##_from_string(const char *s) _nonnull_ _pure_;                                   \
	extern const char *const name##_names[]; /* NULL-terminated, for nearest_word() */

#define DEFINE_STRTAB(name, type, max, ...)                                                        \
	const char *const name##_names[(max) + 1] = {__VA_ARGS__};                                 \
	const char *name##_to_string(type v)                                                       \
	{                                                                                          \
		return (int)v >= 0 && (int)v < (int)(max) ? name##_names[v] : NULL;                \
	}                                                                                          \
	type name##_from_string(const char *s)                                                     \
	{                                                                                          \
		for (int i = 0; i < (int)(max); i++)                                               \
			if (name##_names[i] && streq(name##_names[i], s))                          \
				return (type)i;                                                    \
		return (type)-1;                                                                   \
	}
