/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/overrides.h"

/*
 * "Not now": for a while Ballast looks, decides and explains as ever and commands no guest; the
 * mode stays. It has an end by one of two clocks: an elapsed time goes on over a reboot of the
 * host. Pure: the manager keeps it.
 */
#define PAUSE_BY_MAX      256
#define PAUSE_MESSAGE_MAX 256          /* bytes, without the NUL */
#define PAUSE_MAX_SEC     (31 * 86400) /* longer is mode observe */

struct pause {
	bool on; /* false: the rest says nothing */
	uint64_t since_real_usec;
	uint64_t until_boot_usec; /* CLOCK_BOOTTIME; USEC_INFINITY: not by this clock */
	uint64_t until_real_usec; /* CLOCK_REALTIME; USEC_INFINITY: not by this clock */
	char by[PAUSE_BY_MAX];    /* who asked */
	char message[PAUSE_MESSAGE_MAX + 1]; /* "": none */
};

/* True when its time is over, on whichever clock it runs. */
bool pause_is_over(
	const struct pause *p, uint64_t now_boot_usec, uint64_t now_real_usec) _nonnull_ _pure_;
/* Its end as wall time. */
uint64_t pause_end(
	const struct pause *p, uint64_t now_boot_usec, uint64_t now_real_usec) _nonnull_ _pure_;
/* As one text for the store, "" where there is none; a new string, NULL without memory. */
char *pause_to_text(const struct pause *p, const struct override_clock *now) _nonnull_ _must_check_;
/* Reads it back; one that is over meanwhile is off. Returns 0 or -EBADMSG (then *ret is off). */
int pause_from_text(const char *text, const struct override_clock *now,
	struct pause *ret) _nonnull_ _must_check_;
