/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/history/series.h"
#include "policy/uuid.h"

/* All samples of one time, on their way from the main loop to the disk. Values as the columns of
 * series.h say, sizes in MiB. */
struct tick_guest {
	struct uuid uuid;
	const char *name; /* in the tick's own memory */
	uint64_t values[SERIES_COLUMNS_MAX];
};
struct tick {
	uint64_t at_sec; /* wall time, a multiple of the time between samples */
	uint64_t host[SERIES_COLUMNS_MAX];
	size_t n_guests;
	char *names;
	struct tick_guest guests[];
};

/* Room for n guests, whose names have names_len bytes with their NULs. All values are not known.
 * NULL without memory. */
struct tick *tick_new(size_t n, size_t names_len) _must_check_;
/* Takes NULL, returns NULL. */
struct tick *tick_free(struct tick *t);
DEFINE_CLEANUP(struct tick *, tick_free)
