/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "policy/civil.h"

/* For tests of times: dates as one writes them. */

/* "2025-03-30 01:30:00" (the time may be left out, its seconds too) in seconds, counted as UTC. */
static inline int64_t sec_of(const char *text)
{
	int y, m, d, h = 0, min = 0, s = 0;

	if (sscanf(text, "%d-%d-%d %d:%d:%d", &y, &m, &d, &h, &min, &s) < 3) {
		fprintf(stderr, "the test's own time is wrong: %s\n", text);
		abort();
	}
	return civil_to_days(y, m, d) * SEC_PER_DAY + h * SEC_PER_HOUR + min * SEC_PER_MIN + s;
}

static inline uint64_t usec_of(const char *text)
{
	return (uint64_t)sec_of(text) * USEC_PER_SEC;
}

/* The other way round. Four buffers, used in turn. */
static inline const char *text_of_sec(int64_t sec)
{
	static char bufs[4][64];
	static unsigned turn;
	char *buf = bufs[turn++ % 4];
	int second;
	struct civil_date d = civil_from_days(civil_split(sec, &second));

	snprintf(buf, sizeof(bufs[0]), "%04d-%02d-%02d %02d:%02d:%02d", d.year, d.month, d.day,
		second / 3600, second / 60 % 60, second % 60);
	return buf;
}

static inline const char *text_of_usec(uint64_t usec)
{
	return usec == USEC_INFINITY ? "never" : text_of_sec((int64_t)(usec / USEC_PER_SEC));
}

/* splitmix64: a good stream from any seed. */
static inline uint64_t test_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline uint64_t test_below(uint64_t *state, uint64_t n)
{
	return test_random(state) % n;
}
