/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/timezone.h"

#include <stdio.h>

#include "policy/timezone-table.h"

/*
 * TZif, RFC 8536: a block with 32-bit times for old readers, which is skipped, one with 64-bit
 * times, and a footer with the rule for the time after. Nothing in it is trusted: every count and
 * index is checked against what is there.
 */
#define TZIF_HEADER_BYTES 44
/* What zic itself allows are 2000 transitions and 256 types. */
#define TZIF_TIMES_MAX 65536

/* The middle of 2200: what begins later is never asked for. */
#define TABLE_UNTIL_SEC INT64_C(7273886400)

struct tzif_counts {
	uint32_t isut, isstd, leap, time, type, chars;
};

struct tzif {
	const uint8_t *times;	/* counts.time * 8 */
	const uint8_t *indexes; /* counts.time * 1 */
	const uint8_t *types;	/* counts.type * 6 */
	const uint8_t *chars;	/* counts.chars */
	const char *footer;
	size_t footer_len;
	struct tzif_counts counts;
};

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be64(const uint8_t *p)
{
	return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

static bool tzif_header(const uint8_t *p, size_t len, struct tzif_counts *ret, uint8_t *ret_version)
{
	if (len < TZIF_HEADER_BYTES || memcmp(p, "TZif", 4) != 0)
		return false;
	*ret_version = p[4];
	*ret = (struct tzif_counts){
		.isut = be32(p + 20),
		.isstd = be32(p + 24),
		.leap = be32(p + 28),
		.time = be32(p + 32),
		.type = be32(p + 36),
		.chars = be32(p + 40),
	};
	return true;
}

/* Bytes of a block's data whose times have this width. Counts are 32 bits wide: the sum cannot
 * wrap. */
static uint64_t tzif_block_bytes(const struct tzif_counts *c, uint64_t width)
{
	return c->time * (width + 1) + c->type * UINT64_C(6) + c->chars + c->leap * (width + 4) +
	       c->isstd + c->isut;
}

/* Finds the parts. NULL, or what is wrong. */
static const char *tzif_open(const void *data, size_t len, struct tzif *ret)
{
	const uint8_t *p = data, *end = p + len, *newline;
	struct tzif_counts *c = &ret->counts;
	uint8_t version;
	uint64_t bytes;

	if (!tzif_header(p, len, c, &version))
		return "does not begin like one";
	if (version < '2')
		return "is of version 1, without 64-bit times";
	bytes = TZIF_HEADER_BYTES + tzif_block_bytes(c, 4);
	if (bytes > len)
		return "ends within its first part";
	p += bytes;
	if (!tzif_header(p, (size_t)(end - p), c, &version))
		return "has no second header";
	p += TZIF_HEADER_BYTES;
	bytes = tzif_block_bytes(c, 8);
	if (bytes > (size_t)(end - p))
		return "ends within its second part";
	if (c->leap > 0)
		return "counts leap seconds, which no host clock does";
	if (c->type == 0 || c->type > 256 || c->chars == 0 || c->time > TZIF_TIMES_MAX)
		return "has impossible counts";
	ret->times = p;
	ret->indexes = ret->times + c->time * 8;
	ret->types = ret->indexes + c->time;
	ret->chars = ret->types + c->type * 6;
	p += bytes;
	if (p == end || *p++ != '\n')
		return "has no footer";
	newline = memchr(p, '\n', (size_t)(end - p));
	if (!newline)
		return "has no footer";
	ret->footer = (const char *)p;
	ret->footer_len = (size_t)(newline - p);
	return NULL;
}

static const char *tzif_type(const struct tzif *t, uint8_t index, struct zone_entry *ret)
{
	const uint8_t *p = t->types + 6 * index;
	const char *abbrev;
	size_t room;

	if (index >= t->counts.type)
		return "names a type that it lacks";
	if (p[4] > 1 || p[5] >= t->counts.chars)
		return "has an impossible type";
	abbrev = (const char *)t->chars + p[5];
	room = t->counts.chars - p[5];
	*ret = (struct zone_entry){.offset_sec = (int32_t)be32(p), .dst = p[4]};
	if (ret->offset_sec < ZONE_OFFSET_MIN || ret->offset_sec > ZONE_OFFSET_MAX)
		return "has an offset of more than a day";
	if (strnlen(abbrev, room) == room || strlen(abbrev) >= ZONE_ABBREV_MAX)
		return "has an endless abbreviation";
	strcpy(ret->abbrev, abbrev);
	return NULL;
}

/* Appends the table's own transitions; *ret_last_sec: the last one, or INT64_MIN. */
static const char *tzif_transitions(const struct tzif *t, struct zone *z, int64_t *ret_last_sec)
{
	int64_t last_sec = INT64_MIN;
	struct zone_entry e;
	const char *problem;

	problem = tzif_type(t, 0, &e);
	if (problem)
		return problem;
	e.from_sec = INT64_MIN;
	if (zone_append(z, &e) < 0)
		return "";
	for (uint32_t i = 0; i < t->counts.time; i++) {
		int64_t at_sec = be64(t->times + 8 * i);
		int r;

		problem = tzif_type(t, t->indexes[i], &e);
		if (problem)
			return problem;
		if (i > 0 && at_sec <= last_sec)
			return "has transitions out of order";
		last_sec = at_sec;
		if (at_sec > TABLE_UNTIL_SEC)
			break;
		e.from_sec = at_sec;
		r = zone_append(z, &e);
		if (r < 0)
			return "";
	}
	*ret_last_sec = last_sec;
	return NULL;
}

/* NULL; what is wrong; or "" without memory. */
static const char *tzif_fill(const struct tzif *t, struct zone *z, char problem[static 64])
{
	struct zone_rule rule;
	const char *text;
	int64_t last_sec;
	int r;

	text = tzif_transitions(t, z, &last_sec);
	if (text)
		return text;
	if (t->footer_len > 0) {
		r = zone_rule_parse(t->footer, t->footer_len, &rule, &text);
		if (r < 0) {
			snprintf(problem, 64, "has a bad rule in its footer: %s", text);
			return problem;
		}
		r = zone_rule_apply(&rule, z, last_sec);
		if (r < 0)
			return r == -ENOMEM ? "" : "has a rule whose years overlap";
	}
	zone_finish(z);
	return NULL;
}

int zone_from_tzif(
	const char *name, const void *data, size_t len, struct zone **ret, struct diag *d)
{
	_cleanup_zone_ struct zone *z = NULL;
	char shown[EXCERPT_MAX], buf[64];
	const char *problem;
	struct tzif t = {0};

	z = zone_new(name);
	if (!z)
		return -ENOMEM;
	problem = tzif_open(data, len, &t);
	if (!problem)
		problem = tzif_fill(&t, z, buf);
	if (problem && !*problem)
		return -ENOMEM;
	if (problem)
		return diag_set(d, EBADMSG, NULL, 0, 1,
			"time zone \"%s\": its file %s; expected a TZif file (RFC 8536)",
			excerpt(name, shown), problem);
	*ret = TAKE_PTR(z);
	return 0;
}
