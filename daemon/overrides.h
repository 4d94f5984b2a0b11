/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/effective.h"

/*
 * The overrides of all guests (`guest set`), as decide() takes them: one array, which owns its
 * strings. Pure but for memory; expiry and storage are the manager's.
 */
struct overrides {
	struct override *items;
	size_t n;
	size_t allocated;
};

void overrides_free(struct overrides *o) _nonnull_;
size_t overrides_count(const struct overrides *o, const struct uuid *guest) _nonnull_ _pure_;
/* Puts these in the place of all that the guest has (n may be 0). Copies. Returns 0, or -ENOMEM
 * with nothing changed. */
int overrides_replace(struct overrides *o, const struct uuid *guest, const struct override *items,
	size_t n) _nonnull_args_(1, 2) _must_check_;
/* Are these what the guest has, by whom, why and until when they hold included, in any order? */
bool overrides_are(const struct overrides *o, const struct uuid *guest,
	const struct override *items, size_t n) _nonnull_args_(1, 2) _pure_;
/* True when its time is over, on whichever clock it runs. */
bool override_is_over(const struct override *o, uint64_t now_boot_usec, uint64_t now_real_usec)
	_nonnull_ _pure_;
/* Drops those that are over; the guests concerned are put into guests (at most max; call again
 * while it returns max). */
size_t overrides_expire(struct overrides *o, uint64_t now_boot_usec, uint64_t now_real_usec,
	struct uuid *guests, size_t max) _nonnull_;

/* The guest runs, under this name. Returns 0 or -ENOMEM. */
int overrides_see(struct overrides *o, const struct uuid *guest, const char *name,
	uint64_t real_usec) _nonnull_ _must_check_;

/* When this is, and on which boot of the host: an elapsed time goes on over a reboot. */
struct override_clock {
	const char *boot_id;
	uint64_t boot_usec, real_usec;
};
/* A guest's overrides as one text for the store; a new string, NULL without memory. */
char *overrides_to_text(const struct overrides *o, const struct uuid *guest,
	const struct override_clock *now) _nonnull_ _must_check_;
/* Reads it back, in the place of what the guest has. Settings that this version does not know are
 * left out: -EBADMSG with *d then, the others are taken. */
int overrides_from_text(struct overrides *o, const struct uuid *guest, const char *text,
	const struct override_clock *now, struct diag *d) _nonnull_ _must_check_;
