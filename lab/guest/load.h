/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * load: the load generators of a lab guest. Every one ends by itself (--seconds, --hold; an hour at
 * most) and prints "key=value" words, one line an interval, so that scripts need no more than a
 * shell to read them.
 */

/* Each takes what stands behind its name and returns the exit code. */
_nonnull_ int load_mem(char **args);
_nonnull_ int load_reread(char **args);
_nonnull_ int load_spin(char **args);
_nonnull_ int load_probe(char **args);

/* Says what is wrong with the arguments and ends the program with 2. */
__attribute__((noreturn)) _printf_(1, 2) void load_usage(const char *format, ...);

/* The value of an option; ends the program when there is none. Steps *args on to it. */
_nonnull_ const char *load_value(char ***args);

/* "64M": bytes; K, M, G are powers of 1024. Ends the program when it is no size. */
_nonnull_ uint64_t load_size(const char *text);

/* A number in min..max; ends the program when it is none. */
_nonnull_ uint64_t load_number(const char *text, uint64_t min, uint64_t max);

/* CLOCK_MONOTONIC. */
uint64_t load_now_usec(void);

void load_sleep_until(uint64_t usec);

/* A pseudo-random number (xorshift64*), good enough that zram cannot compress it and reads hit no
 * pattern. */
static inline uint64_t load_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

#define LOAD_SECONDS_MAX 3600
