/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/timezone.h"

/* For tests that must not depend on the machine's zone files: a TZif file (RFC 8536) with one type
 * (UTC), no transition, and a rule in its footer that makes all others. buf has room for
 * TZIF_TEST_MAX bytes. Returns its length. */
#define TZIF_TEST_MAX 256

static inline size_t make_tzif(uint8_t *buf, const char *footer)
{
	static const uint8_t header[44] = {'T', 'Z', 'i', 'f', '2', [39] = 1, [43] = 4};
	static const uint8_t data[10] = {0, 0, 0, 0, 0, 0, 'U', 'T', 'C', 0};
	uint8_t *p = buf;

	for (int block = 0; block < 2; block++) {
		p = (uint8_t *)mempcpy(p, header, sizeof(header));
		p = (uint8_t *)mempcpy(p, data, sizeof(data));
	}
	*p++ = '\n';
	p = (uint8_t *)mempcpy(p, footer, strlen(footer));
	*p++ = '\n';
	return (size_t)(p - buf);
}

static inline struct zone *make_zone(const char *footer)
{
	uint8_t buf[TZIF_TEST_MAX];
	struct zone *z = NULL;

	if (zone_from_tzif(footer, buf, make_tzif(buf, footer), &z, NULL) < 0)
		abort();
	return z;
}
