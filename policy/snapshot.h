/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/effective.h"
#include "policy/uuid.h"

/*
 * Everything that a decision may look at, taken at one instant. Plain values: adapters fill it,
 * decide() reads it, the API shows it. Whoever builds a snapshot owns all it points to for as long
 * as the snapshot is used.
 */

/* Where a guest's figures come from. */
enum report_source {
	REPORT_NONE,    /* nothing was heard yet */
	REPORT_AGENT,   /* a line of ballast-agent */
	REPORT_BALLOON, /* balloon statistics by libvirt: no stall signal */
	REPORT_SOURCE_MAX,
	REPORT_SOURCE_INVALID = -1,
};
DECLARE_STRTAB(report_source, enum report_source)

/* Why an agent sent its line. */
enum report_why {
	REPORT_WHY_HEARTBEAT, /* nothing special */
	REPORT_WHY_AVAILABLE, /* available memory moved by more than the threshold */
	REPORT_WHY_PRESSURE,  /* a PSI trigger fired, or available ran low */
	REPORT_WHY_REQUEST,   /* the host asked (ping), or the first after hello */
	REPORT_WHY_MAX,
	REPORT_WHY_INVALID = -1,
};
DECLARE_STRTAB(report_why, enum report_why)

/* The newest credible report of one guest. Counters are cumulative since the guest's boot, so that
 * a lost line loses nothing. */
struct guest_report {
	enum report_source source;
	enum report_why why;
	uint64_t arrival_usec; /* host, CLOCK_BOOTTIME */
	uint64_t guest_usec;   /* agent's CLOCK_MONOTONIC; never compared with the host's */
	uint64_t seq;          /* agent's, grows by one a line */
	uint64_t boot_id;      /* changes with every boot of the guest; 0: not known */

	uint64_t total_bytes;     /* MemTotal */
	uint64_t available_bytes; /* MemAvailable (balloon statistics: usable) */
	uint64_t free_bytes;
	uint64_t anon_bytes;
	uint64_t file_bytes;
	uint64_t dirty_bytes;
	bool has_swap; /* the two below: not with REPORT_BALLOON; 0 there is not "none" */
	uint64_t swap_total_bytes;
	uint64_t swap_free_bytes;
	uint32_t page_bytes; /* 4096 unless told */

	bool has_counters; /* the ones below: not with REPORT_BALLOON */
	uint64_t major_faults;
	uint64_t refaults_file; /* pages */
	uint64_t refaults_anon; /* pages */
	uint64_t oom_kills;
	uint64_t steal_usec;
	uint32_t running_tasks;

	bool has_psi; /* the kernel has /proc/pressure */
	uint64_t psi_mem_some_usec;
	uint64_t psi_mem_full_usec;
	uint64_t psi_cpu_some_usec;
	uint64_t psi_io_some_usec;
	uint64_t psi_io_full_usec;
};

/* Why a guest's memory cannot be moved. */
enum fixed_reason {
	FIXED_NOT,       /* it can */
	FIXED_NO_BALLOON, /* no balloon device in the definition */
	FIXED_VFIO,      /* a passed-through device pins all memory */
	FIXED_LOCKED,    /* <locked/> */
	FIXED_HUGEPAGES, /* backed by huge pages */
	FIXED_REASON_MAX,
	FIXED_REASON_INVALID = -1,
};
DECLARE_STRTAB(fixed_reason, enum fixed_reason)

/* CPUs of the host by number. More than these are not told apart. */
#define CPU_MAP_MAX 1024
struct cpu_map {
	uint64_t word[CPU_MAP_MAX / 64];
};

struct guest_sample {
	struct guest_identity id;
	bool identity_changed;    /* since the last decision (name, tags, host) */
	/* BOOTTIME: start, restore or reset of this incarnation; 0: before we looked, for long */
	uint64_t started_usec;
	uint64_t incarnation;     /* counts starts, restores and resets as this host saw them */
	/* false: paused or shut off while still defined in memory: charged, never commanded */
	bool running;

	uint64_t max_bytes;       /* the domain's maximum memory */
	uint64_t actual_bytes;    /* the driver's claim (query-balloon) */
	uint64_t actual_usec;     /* BOOTTIME when that was read or told */
	/* last target known to libvirt or commanded by us; max when none was */
	uint64_t target_bytes;
	uint64_t resident_bytes;  /* host: RSS of its QEMU; 0: not known */
	/* at most so much of its QEMU lies in the host's swap: what is not resident for that is
	 * used all the same */
	uint64_t swapped_bytes;
	uint64_t qemu_bytes;      /* of that, QEMU's own beside guest memory (estimated overhead) */
	enum fixed_reason fixed;
	/* the driver has spoken since the start: without, charged at max */
	bool balloon_answered;
	/* deflate-on-oom: takes memory back by itself; MemTotal stays at the maximum */
	bool autodeflate;
	/* libvirt job (dump, migration): no setMemory now, it would hang 30 s */
	bool job_running;
	/* a call on it is overdue: no command; charged at max(old, new) */
	bool quarantined;
	/* BOOTTIME: libvirt refused its last setMemory: none before then; 0: it did not */
	uint64_t refused_until_usec;
	uint64_t inflight_bytes;  /* a setMemory to this size is on its way or overdue; 0: none */
	bool channel_open;        /* an agent is connected */
	/* BOOTTIME until which its agent is not listened to, for it misbehaved; 0: it is */
	uint64_t shut_out_usec;
	bool soft_limited;        /* a soft limit of ours is on it, as far as its calls went */

	struct guest_report report;

	uint32_t vcpus;
	uint64_t cpu_weight;      /* as set now in weight units (100 = default); 0: not known */
	uint64_t cpu_quota;       /* permyriad of one CPU; 0: none */
	/* before Ballast touched it, as far as that outlived a crash; 0: not known */
	uint64_t cpu_original_weight;
	uint64_t cpu_original_quota;
	uint64_t cpu_refused_until_usec; /* as refused_until_usec, of weight and quota */
	/* weight or quota that are on it are ours, or may be: known across a crash too */
	bool cpu_ours;
	const struct cpu_map *cpus; /* its vCPUs may run on these only; NULL: on any */
	uint64_t vcpu_time_usec;  /* cumulative, all vCPUs */
	uint64_t vcpu_delay_usec; /* cumulative time on the host's run queue, all vCPUs */
	uint64_t vcpu_sample_usec; /* BOOTTIME of these two; 0: not known */
};

struct host_sample {
	const char *name;
	uint64_t memory_bytes;    /* MemTotal, or the cgroup's */
	uint64_t available_bytes; /* MemAvailable */
	/* what the host itself uses: neither guests nor their QEMU overhead */
	uint64_t other_bytes;
	uint64_t swap_total_bytes;
	uint64_t swap_free_bytes;
	uint32_t cpus;
	bool has_psi;
	uint64_t psi_mem_some_usec;
	uint64_t psi_mem_full_usec;
	uint64_t psi_cpu_some_usec;
	uint64_t psi_io_some_usec;
	uint64_t sample_usec;     /* BOOTTIME of the above */
};

/* Somebody (the start hook, a migration's target side) wants room. Kept by the daemon until freed
 * or turned into a running guest. */
struct reservation {
	uint64_t id;
	struct uuid guest;     /* for whom */
	const char *guest_name;
	uint64_t bytes;        /* its full memory, with qemu_bytes beside it */
	uint64_t qemu_bytes;
	uint64_t asked_usec;   /* BOOTTIME */
	/* BOOTTIME: refused if not granted by then; of a granted one, free again if no guest has
	 * taken it up by then */
	uint64_t deadline_usec;
	bool granted;
};

struct snapshot {
	uint64_t now_boot_usec; /* CLOCK_BOOTTIME: every duration */
	uint64_t now_real_usec; /* CLOCK_REALTIME: schedules only */
	/* how often an agent has been told to report at least; 0: every 5 s */
	uint64_t heartbeat_usec;
	bool enforce;           /* false: plans are for show */
	struct host_sample host;
	struct guest_sample *guests;
	size_t n_guests;
	const struct reservation *reservations;
	size_t n_reservations;
	const struct override *overrides;
	size_t n_overrides;
};
