/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * What each guest is to have when nobody looks after it any more: after an orderly stop, in `mode
 * observe --release`, and when ballastd could not be started again (ballast-release.service). First
 * what everybody uses, with room to breathe; then what each had before; from what is free, nobody
 * is squeezed for another. In `mode observe` without --release everybody has what it has: a balloon
 * on its way down stops there, for its driver would take each page that the guest frees, and nobody
 * would look any more. Pure.
 */
enum release_goal {
	RELEASE_TO_USED,     /* what it uses and some room; who has it already stays as it is */
	RELEASE_TO_ORIGINAL, /* what it had before Ballast touched it, at least the above */
	/* what it has now, who is on its way down to less; who grows or is there is left alone */
	RELEASE_AS_IT_IS,
};

struct release_guest {
	uint64_t max_bytes;
	uint64_t have_bytes;     /* what it is counted at: the larger of actual and target */
	uint64_t settled_bytes;  /* what it will have if nothing is done: its target */
	uint64_t actual_bytes;   /* its balloon, as read last. For RELEASE_AS_IT_IS alone */
	uint64_t used_bytes;     /* of actual; 0: not known */
	uint64_t original_bytes; /* 0: not known, then what it will have anyway */
	uint64_t resident_bytes; /* of its QEMU; 0: not known. For release_free() alone */
	bool fixed;              /* cannot be moved */
	/* out: its target, whole MiB or its maximum; settled_bytes when it is to be left alone */
	uint64_t to_bytes;
};

/* What a guest needs that uses so much: a fifth more, at least a quarter of its maximum or 512 MiB,
 * whichever is less (between fine and dead there is no warning without swap); never beyond its
 * maximum. */
uint64_t release_need(uint64_t used_bytes, uint64_t max_bytes) _const_;

/* What the host says of its memory, for release_free(). */
struct release_host {
	uint64_t total_bytes, available_bytes; /* as struct host_reading */
	/* [Host] Memory=: what guests and host share; total_bytes and more: all */
	uint64_t memory_bytes;
	uint64_t reserve_bytes; /* kept free of it */
	/* total and available are a control group's: what it uses beside the guests counts in
	 * full */
	bool cgroup;
};

/*
 * What may be given out beyond what guests are counted at: memory less the reserve, the host's own
 * use and each guest's charge with its QEMU, as decide() counts its budget. What a guest has been
 * promised and has not touched yet is in MemAvailable still, and is its own.
 */
uint64_t release_free(const struct release_host *h, const struct release_guest *guests, size_t n)
	_nonnull_ _pure_;

/* Fills to_bytes of all. free_bytes: what may be given out beyond what guests are counted at. */
void release_plan(struct release_guest *guests, size_t n, uint64_t free_bytes,
	enum release_goal goal) _nonnull_;
