/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/plan.h"
#include "policy/snapshot.h"

/*
 * What one guest needs, from what it reports and what the host sees of it. Two signals, because
 * each is blind where the other sees: available memory warns of anonymous need (which shows no
 * stall before the OOM killer comes), stall and refaults warn of a page cache that is too small
 * (while most memory still counts as available). A guest's word is bounded by what the host knows.
 */
struct demand {
	/* the report that was taken in last */
	uint64_t arrival_usec, guest_usec, boot_id, seq;
	enum report_source source;
	uint64_t available_bytes;
	uint64_t actual_bytes;      /* when it came */
	uint64_t steady_since_usec; /* actual has not moved since; 0: since it was first seen */
	bool reset;                 /* since it was first seen it was started anew, or reset */

	/* counters at the start of the interval that is being measured */
	uint64_t base_usec; /* guest clock; 0: none */
	uint64_t base_mem_some, base_mem_full, base_cpu_some, base_io_some;
	uint64_t base_refaults, base_oom;

	/* rates over the last interval */
	bool grew;         /* since the base was set: what it counted tells of the smaller size */
	bool rates_fresh;  /* the last report brought new ones */
	bool rates_known;
	uint64_t stall_permyriad, stall_full_permyriad, cpu_permyriad, io_permyriad;
	uint64_t refaults_per_sec;
	uint64_t oom_kills; /* new ones with the last report, for an event */
	uint64_t fill_bytes_per_sec;

	/* use, in bytes of actual (the guest kernel's own share included) */
	bool known;
	uint64_t size_bytes;     /* what it had when it reported */
	uint64_t overhead_bytes; /* actual - MemTotal, smoothed; 0: not known */
	bool overhead_found;     /* ... of its first word: the size may have been another one */
	uint64_t used_bytes;     /* latest word */
	uint64_t high_bytes;     /* the highest of late: falls by an eighth at least */
	uint64_t average_bytes;  /* smoothed */
	uint64_t peak_bytes;     /* rises at once, falls by half of the distance a minute */
	uint64_t peak_usec;
	uint64_t file_bytes;
	/* what its QEMU held of its memory at its last word; 0: not known */
	uint64_t heard_resident_bytes;
	uint64_t swapped_bytes;  /* what it has in its swap: used as well, but not there */
	bool has_net;            /* free swap, or autodeflate; with hysteresis */

	/* pressure */
	bool pressed;
	bool stalled;               /* pressed by stall: full release */
	/* the worst since that began: what people are told as the reason */
	uint64_t stall_worst_permyriad;
	uint64_t pressed_usec;      /* last evidence */
	/* MaxStall, as of the last decision: whoever decides sets it */
	struct stall_limit max_stall;
	uint64_t stall_since_usec;  /* stall of half of it since; 0: not */
	uint64_t over_since_usec;   /* stall above MaxStall since; 0: not */
	bool over_told;
	uint64_t need_bytes;        /* it was seen short at this size: it needs more */
	uint64_t need_used_bytes;   /* what it used by its own word then */
	uint64_t need_settled_bytes; /* and when it had filled what it was given for that */
	uint64_t need_usec;
	bool need_doubted;          /* it has used much less since */
	uint64_t boost_bytes;       /* want while pressed; fades afterwards */
	uint64_t boost_usec;
	uint64_t step_usec;         /* last time a refault step was asked */
	uint64_t grant_usec;        /* last grant under pressure */
	/* grants that followed each other closely and did not end the pressure */
	unsigned chase;

	/* credit: pressure counts only as far as what was granted is used */
	uint64_t credit_permyriad;
	uint64_t check_usec;        /* a grant under pressure was made then; 0: none to check */
	uint64_t check_from_usec;   /* ... that is, this one */
	uint64_t check_resident_bytes;
	uint64_t check_granted_bytes;
	uint64_t check_target_bytes; /* where it was to go then */
	uint64_t check_misery;      /* stall and refaults then */
	bool not_credible;
};

void demand_init(struct demand *d) _nonnull_;
/* A new boot, restore or reset: nothing that was learned holds. Keeps the credit, and the check
 * that is under way: a reset does not wash a liar. */
void demand_reset(struct demand *d) _nonnull_;

/* Takes in what the sample brings, once per report. now_usec is BOOTTIME. */
void demand_update(struct demand *d, const struct guest_sample *s, uint64_t now_usec) _nonnull_;
/* What catches it, by the report that was taken in last: has_net, told apart by what makes it
 * so. */
enum guest_net demand_net(const struct demand *d, const struct guest_sample *s) _nonnull_ _pure_;
/* A guest is pressed from so much stall on, permyriad: before its limit is reached. */
uint64_t demand_stall_on(const struct stall_limit *limit) _nonnull_ _pure_;
/* Stall above the policy's limit for the policy's time: 1 when that begins, -1 when it ends, 0
 * otherwise. */
int demand_judge_stall(struct demand *d, const struct stall_limit *limit, uint64_t now_usec)
	_nonnull_;
/* Tells that granted_bytes were given under pressure: the credit is checked ten seconds later. */
void demand_granted(struct demand *d, const struct guest_sample *s, uint64_t granted_bytes,
	uint64_t now_usec) _nonnull_;

/* Sizes of actual that follow from it, unaligned, unbounded by policy. */
struct demand_sizes {
	uint64_t least_bytes; /* it may die of less: not even policy Max takes that */
	uint64_t safe_bytes;  /* LEVEL_SAFE: that, and the noise of what it uses */
	uint64_t used_bytes;  /* LEVEL_USED */
	uint64_t want_bytes;  /* LEVEL_WANT */
	uint64_t soft_bytes;  /* LEVEL_SOFT: its page cache too */
	uint64_t boost_bytes; /* LEVEL_ASK: what it asks while it is short, or has just been */
	uint64_t recent_bytes; /* LEVEL_RECENT */
	uint64_t headroom_bytes;
	bool full_release;    /* stalled and credible: all there is, as far as it goes */
	bool proved;          /* it was seen short of late: what it wants is no guess */
	/* neither enough free swap nor autodeflate: between fine and dead there is no warning */
	bool no_net;
};
void demand_sizes(const struct demand *d, const struct guest_sample *s, const struct settings *set,
	bool stale, uint64_t now_usec, struct demand_sizes *ret) _nonnull_;

/* When its answer changes by itself (fading, checks), BOOTTIME; USEC_INFINITY: it does not. */
uint64_t demand_wake(const struct demand *d, uint64_t now_usec) _nonnull_ _pure_;

/* Silence of three heartbeats; of 5 s where nobody says how long they are. */
#define REPORT_STALE_HEARTBEATS 3
#define REPORT_STALE_USEC (15 * USEC_PER_SEC)
