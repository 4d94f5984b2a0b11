/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/strtab.h"

/*
 * What policies can say about one guest, all resolved to numbers. settings_default() is what holds
 * where no policy says anything. One table (setting-table.c) declares each setting once: section,
 * key, type, place in this struct, whether a part acts on it in this version; parser, `policy
 * show`, the man page's test and completion come from it.
 */

/* A size, or a ratio of something that the setting names. */
struct amount {
	bool is_ratio;
	uint64_t value; /* bytes, or permyriad */
};
/* A stall of more than this over that long. */
struct stall_limit {
	uint64_t permyriad;
	uint64_t usec;
};

/* What becomes of memory beyond a guest's want while nobody else needs it. */
enum surplus {
	SURPLUS_KEEP,    /* it keeps what it has (default) */
	SURPLUS_GROW,    /* free memory is handed out up to Max, by weight */
	SURPLUS_RELEASE, /* it goes back to the host */
	SURPLUS_MAX,
	SURPLUS_INVALID = -1,
};
DECLARE_STRTAB(surplus, enum surplus)

/* What is done to a guest that is resident beyond its charge. */
enum enforce {
	ENFORCE_NO,
	ENFORCE_HIGH, /* a soft limit (memory.high) on its cgroup; the default in enforce mode */
	ENFORCE_MAX,
	ENFORCE_INVALID = -1,
};
DECLARE_STRTAB(enforce, enum enforce)

/* What a start by hand meets while there is no room ([Host] StartPolicy). */
enum start_policy {
	START_WAIT,   /* wait up to 10 s while others are squeezed, then refuse (default) */
	START_REFUSE, /* refuse at once */
	START_IGNORE, /* let it start; charge it */
	START_POLICY_MAX,
	START_POLICY_INVALID = -1,
};
DECLARE_STRTAB(start_policy, enum start_policy)

struct settings {
	/* [Memory] */
	uint64_t mem_min_bytes;       /* Min: of actual. 0: none */
	uint64_t mem_max_bytes;       /* Max: of actual; BYTES_UNLIMITED: the guest's own maximum */
	uint64_t mem_weight;          /* Weight 1..10000 */
	struct amount mem_headroom;   /* Headroom: over what it uses; ratio of used */
	uint64_t mem_idle_tax;        /* IdleTax: permyriad */
	enum surplus mem_surplus;     /* Surplus */
	struct stall_limit mem_max_stall; /* MaxStall: "10% over 10s" */
	uint64_t mem_boot_grace_usec; /* BootGraceSec */
	enum enforce mem_enforce;     /* Enforce */
	/* [CPU] */
	uint64_t cpu_weight;          /* Weight 1..10000 */
	/* Quota: permyriad of one CPU; 0: no quota; may exceed 10000 */
	uint64_t cpu_quota;
	/* somebody said so; else the guest's own definition holds */
	bool cpu_weight_set, cpu_quota_set;
	/* [Disk], [Migration], [Availability], [Placement]: checked and shown, in force in later
	 * versions. They live in the provenance table only (policy/effective.h), as their checked
	 * text. */
};

/* One value a host. */
struct host_settings {
	/* Memory: what the guests share; BYTES_UNLIMITED: the host's own */
	uint64_t memory_bytes;
	struct amount reserve;        /* Reserve: kept free; ratio of memory */
	bool reserve_set;             /* false: the default of decide() holds */
	/* MemoryFrom=cgroup:PATH; NULL: host. Owned by the policy set */
	const char *memory_cgroup;
	enum start_policy start_policy;
};

/* Defaults: Min 0, Max unlimited, Weight 100, Headroom 20 %, IdleTax 75 %, Surplus keep, MaxStall
 * 10 % over 10 s, BootGraceSec 60 s, Enforce high, CPU Weight 100, no quota. */
extern const struct settings settings_default;
extern const struct host_settings host_settings_default;
