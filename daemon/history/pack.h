/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/history/series.h"

/*
 * How samples lie on the disk. Fine: all that was sampled at one time in one piece, about 17 bytes
 * a guest. Coarse: twelve points of five minutes of one guest, column by column, differences only,
 * a column that did not change as one value: 4 to 30 bytes a point (tests/unit/test-series measures
 * it). Pure; reading trusts nothing: a damaged piece is -EBADMSG.
 */
#define COARSE_POINTS 12
#define COARSE_STEP_SEC 300
#define COARSE_SEC (COARSE_POINTS * COARSE_STEP_SEC)

/* Grows as it is written to; zero it to begin. Whoever owns it frees buf. */
struct pack {
	uint8_t *buf;
	size_t len, allocated;
	bool failed; /* no memory */
};
void pack_clear(struct pack *p) _nonnull_;
#define _cleanup_pack_ _cleanup_(pack_clear)

/* First the host, then guests by rising id (never 0). Values as the columns say; UINT64_MAX: not
 * known. */
void fine_begin(struct pack *p, const uint64_t *host) _nonnull_;
void fine_guest(struct pack *p, uint64_t id, const uint64_t *values) _nonnull_;
/* Calls fn for the host (id 0) and each guest. Columns that the piece has not are not known. only:
 * nobody but this id (UINT64_MAX: all). Returns 0 or -EBADMSG. */
typedef void (*fine_visitor)(uint64_t id, const uint64_t *values, void *userdata);
int fine_read(const void *bytes, size_t len, uint64_t only, fine_visitor fn, void *userdata)
	_nonnull_args_(1, 4) _must_check_;

/* A series of COARSE_POINTS points. */
void coarse_pack(struct pack *p, const struct series *s) _nonnull_;
/* Into any other series of that kind; from_sec: of the piece; nothing at or after until_sec.
 * Returns 0 or -EBADMSG. */
int coarse_read(const void *bytes, size_t len, uint64_t from_sec, uint64_t until_sec,
	struct series *to) _nonnull_ _must_check_;
