/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/strtab.h"

/*
 * What a Condition= may ask: one table of names. decide() fills the values, condition.c reads them.
 * Names read "host.mem_available"; a size may be compared with a ratio, which is then a ratio of
 * its whole
 * ("host.mem_available < 40%" is 40 % of host.mem_total).
 */
enum fact {
	FACT_HOST_MEM_TOTAL,     /* size: what the guests share */
	/* size: neither used by host nor charged to a guest; whole: mem_total */
	FACT_HOST_MEM_AVAILABLE,
	FACT_HOST_SWAP_USED,     /* size; whole: swap total */
	FACT_HOST_SWAP_TOTAL,    /* size */
	FACT_HOST_PSI_MEM_SOME,  /* ratio, over the last second or more */
	FACT_HOST_PSI_CPU_SOME,  /* ratio */
	FACT_HOST_PSI_IO_SOME,   /* ratio */
	FACT_HOST_GUESTS,        /* count: running guests */
	FACT_GUEST_MEM_MAX,      /* size: the domain's own maximum */
	FACT_GUEST_MEM_ACTUAL,   /* size; whole: guest.mem_max */
	FACT_GUEST_MEM_USED,     /* size; whole: guest.mem_actual */
	FACT_GUEST_MEM_AVAILABLE, /* size; whole: guest.mem_actual */
	FACT_GUEST_SWAP_USED,    /* size; whole: guest.swap_total */
	FACT_GUEST_SWAP_TOTAL,   /* size */
	FACT_GUEST_PSI_MEM_SOME, /* ratio, between its last two reports */
	FACT_GUEST_PSI_MEM_FULL, /* ratio */
	FACT_GUEST_PSI_CPU_SOME, /* ratio */
	FACT_GUEST_PSI_IO_SOME,  /* ratio */
	FACT_GUEST_REFAULTS,     /* count a second: file and anonymous pages read back too soon */
	/* ratio: time its vCPUs waited for a host CPU; 10000 = one vCPU all the time */
	FACT_GUEST_VCPU_DELAY,
	FACT_GUEST_VCPUS,        /* count */
	FACT_GUEST_AGE,          /* span: since it started */
	FACT_MAX,
	FACT_INVALID = -1,
};
DECLARE_STRTAB(fact, enum fact)

enum fact_type {
	FACT_TYPE_SIZE,
	FACT_TYPE_RATIO,
	FACT_TYPE_SPAN,
	FACT_TYPE_COUNT,
	FACT_TYPE_MAX,
	FACT_TYPE_INVALID = -1,
};
DECLARE_STRTAB(fact_type, enum fact_type)

enum fact_type fact_type(enum fact f) _const_;
/* The fact that is 100 % of this size, or FACT_INVALID. */
enum fact fact_whole(enum fact f) _const_;
/* True when it differs from guest to guest. */
bool fact_is_of_guest(enum fact f) _const_;

/* Values in bytes, permyriad, microseconds or plain counts. A fact that is not known (no report
 * yet) makes every comparison that names it false, and `not` of such a comparison false as well
 * (three-valued logic: unknown is never acted on). */
struct facts {
	uint64_t value[FACT_MAX];
	uint64_t known; /* bit per fact */
};
static inline void facts_set(struct facts *f, enum fact id, uint64_t value)
{
	f->value[id] = value;
	f->known |= UINT64_C(1) << id;
}
