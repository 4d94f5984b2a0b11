/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/diag.h"

/*
 * Time zones as immutable tables, read once from TZif files (RFC 8536, version 2 and later, with
 * the POSIX rule of the footer). No tzset(), no TZ variable, no state of libc: any number of zones
 * side by side, in any thread.
 *
 * Two scales, both in whole seconds: *real* time counts from 1970-01-01 00:00 UTC; *wall* time is
 * what a clock on the wall of that zone shows, counted as if it were UTC. Both run from 1970 to the
 * end of 2199, the years of systemd's calendar; the table is complete for them, outside the nearest
 * rule is used.
 *
 * The struct is not called timezone because <sys/time.h> has one.
 */
struct zone;

struct zone *zone_ref(struct zone *z);   /* takes NULL */
struct zone *zone_unref(struct zone *z); /* takes NULL, returns NULL */
DEFINE_CLEANUP(struct zone *, zone_unref)
#define _cleanup_zone_ _cleanup_(zone_unrefp)

/* Where zones are read from. NULL members (or a NULL pointer to all): /usr/share/zoneinfo and
 * /etc/localtime. */
struct zone_source {
	const char *zoneinfo;  /* directory of TZif files */
	const char *localtime; /* the file of the machine's own zone */
};

/*
 * Reads zone name ("Europe/London"), or the local one for NULL. "UTC" needs no file; a local file
 * that does not exist means UTC, as for systemd. Returns 0 and a reference in *ret, or fills *d and
 * returns -ENOENT (no such zone; *d names the nearest known one), -EINVAL (not a name), -EBADMSG
 * (the file is not TZif, is damaged, or counts leap seconds), -ENOMEM, or -errno of the reading.
 * Columns of *d are 1: the name as a whole.
 */
int zone_load(const char *name, const struct zone_source *source, struct zone **ret, struct diag *d)
	_nonnull_args_(3) _must_check_;
/* The same from memory: the text of one TZif file. For tests and fuzzers. */
int zone_from_tzif(const char *name, const void *data, size_t len, struct zone **ret,
	struct diag *d) _nonnull_args_(1, 2, 4) _must_check_;

/* "Europe/London"; for the local zone the name its link points to, else "local". Lives as long as
 * the zone. */
const char *zone_name(const struct zone *z) _nonnull_ _pure_;

/* What holds in a zone at one instant. */
struct zone_period {
	int32_t offset_sec;  /* wall - real */
	bool dst;            /* daylight saving */
	const char *abbrev;  /* "BST"; lives as long as the zone */
	int64_t from_sec;    /* real: first second of this period; INT64_MIN: it always was */
	int64_t until_sec;   /* real: first second after it; INT64_MAX: no change is known */
};
void zone_at(const struct zone *z, int64_t real_sec, struct zone_period *ret) _nonnull_;
/* real -> wall: always exists, is unique. */
int64_t zone_wall(const struct zone *z, int64_t real_sec) _nonnull_ _pure_;

/* wall -> real: a wall time occurs once, never (the clock was set forward over it) or twice (it was
 * set back). */
enum zone_match {
	ZONE_ONCE,
	ZONE_SKIPPED,
	ZONE_DOUBLED,
	ZONE_MATCH_MAX,
	ZONE_MATCH_INVALID = -1,
};
/* *ret_first: the (first) instant that shows wall_sec; for a skipped one the end of the gap.
 * *ret_second: the last instant that shows it; for ONCE and SKIPPED the same as the first. */
enum zone_match zone_resolve(const struct zone *z, int64_t wall_sec, int64_t *ret_first,
	int64_t *ret_second) _nonnull_;

/*
 * The pair on which schedules stand. zone_reach(wall): the earliest instant at which the wall clock
 * shows wall or later: the end of the gap for a skipped time, the first pass for a doubled one.
 * zone_high(real): the latest wall time that was shown at or before real (in the second pass of a
 * doubled hour that is the end of the first). Both never decrease, and
 *     zone_reach(w) <= t  <=>  w <= zone_high(t)
 */
int64_t zone_reach(const struct zone *z, int64_t wall_sec) _nonnull_ _pure_;
int64_t zone_high(const struct zone *z, int64_t real_sec) _nonnull_ _pure_;
