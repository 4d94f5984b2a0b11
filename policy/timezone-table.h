/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/civil.h"
#include "policy/timezone.h"

/* The inside of a zone, shared by the files timezone*.c and their tests alone. */

/* RFC 8536 section 3.2: an offset is more than -25 hours and less than 26. */
#define ZONE_OFFSET_MIN (-25 * SEC_PER_HOUR + 1)
#define ZONE_OFFSET_MAX (26 * SEC_PER_HOUR - 1)
/* What a table covers. Two days more on both sides: no offset reaches beyond. */
#define ZONE_FIRST_YEAR 1970
#define ZONE_LAST_YEAR 2199
/* The largest file of tzdata has some 4 KiB. */
#define ZONE_FILE_MAX_BYTES (256 * KIB)

/* "BST"; RFC 8536 asks for 3 to 6 characters, zic allows more. */
#define ZONE_ABBREV_MAX 16

/* One stretch of time with one offset; it ends where the next one begins. */
struct zone_entry {
	int64_t from_sec;    /* real; the first entry: INT64_MIN */
	int64_t high_before; /* the latest wall time shown before from_sec; the first entry:
				INT64_MIN */
	int32_t offset_sec;
	bool dst;
	char abbrev[ZONE_ABBREV_MAX];
};

struct zone {
	unsigned refs; /* atomic */
	char *name;
	struct zone_entry *entries; /* by from_sec */
	size_t n;
	size_t allocated;
};

/* An empty zone with one reference. NULL without memory. */
struct zone *zone_new(const char *name) _nonnull_ _must_check_;
/* Appends an entry in order of time. Entries that begin before the table does only say what the
 * first one is; one that begins when the last one does replaces it; one that equals the last one is
 * dropped. Returns 0, -ENOMEM, or -EBADMSG when it begins before the last one. */
int zone_append(struct zone *z, const struct zone_entry *e) _nonnull_ _must_check_;
/* To be called once after the last entry: fills high_before. */
void zone_finish(struct zone *z) _nonnull_;

/* The footer's rule, "GMT0BST,M3.5.0/1,M10.5.0". */
struct zone_rule_day {
	char kind;	  /* 'J': day 1..365 without 29 February; 'N': day 0..365; 'M': month, week,
			     weekday */
	int day;	  /* J and N: the day; M: the weekday, 0 = Sunday */
	int month;	  /* 1..12 */
	int week;	  /* 1..5, 5 = the last */
	int32_t time_sec; /* wall time of the change, -167..167 hours */
};
struct zone_rule {
	struct zone_entry std, dst; /* offset, abbreviation */
	bool has_dst;
	struct zone_rule_day start, end; /* of daylight saving */
};
/* Reads a rule of len bytes. Returns 0 or -EBADMSG with *ret_problem, a static text. */
int zone_rule_parse(const char *s, size_t len, struct zone_rule *ret,
	const char **ret_problem) _nonnull_ _must_check_;
/* Continues the table by the rule from after_sec (exclusive) to its end. Returns 0, -ENOMEM, or
 * -EBADMSG when the changes of two years overlap. */
int zone_rule_apply(
	const struct zone_rule *rule, struct zone *z, int64_t after_sec) _nonnull_ _must_check_;
