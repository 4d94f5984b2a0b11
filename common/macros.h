/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Small things that every file uses; nothing here does I/O. */

#define _cleanup_(f)         __attribute__((cleanup(f)))
#define _printf_(a, b)       __attribute__((format(printf, a, b)))
#define _nonnull_            __attribute__((nonnull))
#define _nonnull_args_(...)  __attribute__((nonnull(__VA_ARGS__)))
#define _must_check_         __attribute__((warn_unused_result))
#define _pure_               __attribute__((pure))
#define _const_              __attribute__((const))
#define _unused_             __attribute__((unused))
#define _fallthrough_        __attribute__((fallthrough))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Each use gets names of its own, so that they can be nested without shadowing. */
#define MACRO_CONCAT_(a, b) a##b
#define MACRO_CONCAT(a, b)  MACRO_CONCAT_(a, b)
#define MACRO_CHOOSE_(a, op, b, x, y)                                                              \
	({                                                                                         \
		__typeof__(a) x = (a);                                                             \
		__typeof__(b) y = (b);                                                             \
		x op y ? x : y;                                                                    \
	})
#define MACRO_CHOOSE(a, op, b, n)                                                                  \
	MACRO_CHOOSE_(a, op, b, MACRO_CONCAT(_choose_a_, n), MACRO_CONCAT(_choose_b_, n))
#define MIN(a, b) MACRO_CHOOSE(a, <, b, __COUNTER__)
#define MAX(a, b) MACRO_CHOOSE(a, >, b, __COUNTER__)
#define CLAMP(x, lo, hi) MIN(MAX((x), (lo)), (hi))

/* Hands the pointer over and leaves NULL behind, so that a _cleanup_ local does not free it. */
#define TAKE_PTR(p)                                                                                \
	({                                                                                         \
		__typeof__(p) _taken = (p);                                                        \
		(p) = NULL;                                                                        \
		_taken;                                                                            \
	})
#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int _taken_fd = (fd);                                                              \
		(fd) = -1;                                                                         \
		_taken_fd;                                                                         \
	})

/* Declares foo_freep() for _cleanup_(foo_freep), from a destructor that takes NULL. */
#define DEFINE_CLEANUP(type, func)                                                                 \
	static inline void func##p(type *p)                                                        \
	{                                                                                          \
		if (*p)                                                                            \
			func(*p);                                                                  \
	}

static inline void freep(void *p)
{
	free(*(void **)p);
}
#define _cleanup_free_ _cleanup_(freep)

static inline void closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}
#define _cleanup_close_ _cleanup_(closep)

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC  UINT64_C(1000000)
#define USEC_PER_MIN  (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MIN)
#define USEC_PER_DAY  (24 * USEC_PER_HOUR)
/* A point in time or a span that never comes. */
#define USEC_INFINITY UINT64_MAX

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)
/* No bound given: a size that nothing reaches. */
#define BYTES_UNLIMITED UINT64_MAX

/* Ratios are in permyriad: 10000 is the whole. */
#define PERMYRIAD UINT64_C(10000)
