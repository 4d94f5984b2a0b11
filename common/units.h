/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/diag.h"

/*
 * Sizes, spans and ratios as text. Sizes: "512M", "1.5G", "4096", suffixes B K M G T P, base 1024
 * (systemd's and SIMULATE's meaning), "infinity" = BYTES_UNLIMITED. Spans: systemd.time(7):
 * "90", "5s", "1min 30s", "2h", "500ms", "infinity"; a bare number is seconds. Ratios: "10%",
 * "12.5%", at most two decimals, kept in permyriad; 0 to 100 % unless the caller allows more.
 *
 * Parsers take a whole NUL-terminated string (surrounding blanks allowed), leave *ret untouched on
 * failure, return 0, -EINVAL (not of the form) or -ERANGE (too large), and fill *d (may be NULL)
 * with a column that counts from the start of s; the caller shifts it to its own place.
 */
int size_parse(const char *s, uint64_t *ret_bytes, struct diag *d)
	_nonnull_args_(1, 2) _must_check_;
int span_parse(const char *s, uint64_t *ret_usec, struct diag *d) _nonnull_args_(1, 2) _must_check_;
int ratio_parse(const char *s, uint64_t max_permyriad, uint64_t *ret_permyriad, struct diag *d)
	_nonnull_args_(1, 3) _must_check_;

/* Buffers that hold any formatted value. */
#define SIZE_TEXT_MAX  32
#define SPAN_TEXT_MAX  64
#define RATIO_TEXT_MAX 32

/* Shortest exact text that parses back to the same value: "512M", "1536M" -> "1.5G" where it is
 * exact, else bytes. For files and provenance. Returns buf. */
char *size_format_exact(uint64_t bytes, char buf[static SIZE_TEXT_MAX]);
/* For people: "512 MiB", "1.5 GiB", three significant digits. Returns buf. */
char *size_format(uint64_t bytes, char buf[static SIZE_TEXT_MAX]);
/* "1min 30s", parses back to the same value. Returns buf. */
char *span_format(uint64_t usec, char buf[static SPAN_TEXT_MAX]);
/* "12.5%", parses back to the same value. Returns buf. */
char *ratio_format(uint64_t permyriad, char buf[static RATIO_TEXT_MAX]);

/* a * b / c without overflow in between (128 bits), saturating at UINT64_MAX; c must not be 0. */
uint64_t mul_div(uint64_t a, uint64_t b, uint64_t c) _const_;
/* a - b, or 0 where b is larger. */
static inline uint64_t sub_sat(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}
/* How far apart they are. */
static inline uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}
/* a + b, or UINT64_MAX where it would wrap. */
static inline uint64_t add_sat(uint64_t a, uint64_t b)
{
	uint64_t r;

	return __builtin_add_overflow(a, b, &r) ? UINT64_MAX : r;
}
