/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/strtab.h"
#include "policy/uuid.h"

/* Everything that libvirt is ever asked. The first group is for hv_submit(), the second hv does for
 * itself. */
enum hv_call {
	HV_CALL_SET_MEMORY, /* mutates: bytes, a multiple of 1 KiB. Asks for a running job first */
	HV_CALL_READ_BALLOON,	  /* query-balloon and its statistics */
	HV_CALL_READ_BALLOONS,	  /* several guests, no waiting: the size may be 1 s old */
	HV_CALL_SET_STATS_PERIOD, /* mutates: seconds, 0 = stop */
	HV_CALL_SET_CPU,	  /* mutates: weight and quota, live only */
	HV_CALL_GET_CPU,
	HV_CALL_SET_SOFT_LIMIT, /* mutates: bytes; memory.high (v2), soft_limit_in_bytes (v1) */
	HV_CALL_ATTACH_CHANNEL, /* mutates: live and, of a persistent guest, its definition */
	HV_CALL_DETACH_CHANNEL, /* mutates: likewise */
	HV_CALL_JOB_INFO,

	HV_CALL_OPEN, /* a connection */
	HV_CALL_LIST,
	HV_CALL_GET_XML, /* definition, with state, autostart, persistence */
	HV_CALL_MAX,
	HV_CALL_INVALID = -1,
};
DECLARE_STRTAB(hv_call, enum hv_call)

/* True for what changes anything about a guest: observe mode makes none of these. */
bool hv_call_mutates(enum hv_call c) _const_;
/* True for what hv_submit() takes. */
bool hv_call_is_public(enum hv_call c) _const_;

#define HV_BULK_MAX 16 /* guests in one READ_BALLOONS: about 1.5 ms each, one after the other */

/* A guest's CPU settings in libvirt's own words, as they are given back. A weight says less: of
 * 1000 shares it makes 1003. */
struct hv_cpu {
	uint64_t shares;      /* 0: not known */
	uint64_t period_usec; /* 0: not known, and quota_usec neither */
	int64_t quota_usec;   /* -1: none */
};

struct hv_request {
	enum hv_call call;
	struct uuid guest;	      /* all but READ_BALLOONS */
	uint64_t bytes;		      /* SET_MEMORY, SET_SOFT_LIMIT (BYTES_UNLIMITED: lift it) */
	unsigned period_sec;	      /* SET_STATS_PERIOD */
	bool set_weight, set_quota;   /* SET_CPU: which of the two */
	uint64_t cpu_weight;	      /* 1..10000, 100 = default */
	uint64_t cpu_quota_permyriad; /* of one CPU, for the whole guest; 0: none */
	uint64_t cpu_period_usec;     /* of that quota; 0: libvirt's default */
	/* SET_CPU: as far as it is known, it goes out in the place of weight and quota */
	struct hv_cpu cpu;
	const struct uuid *guests;    /* READ_BALLOONS: n_guests of them, at most HV_BULK_MAX */
	size_t n_guests;
	void *cookie; /* handed back */
};

/* Balloon statistics. A figure that is not there is 0 and its bit in `has` is not set (a guest that
 * has just booted has but actual and resident). */
enum {
	HV_HAS_ACTUAL = 1 << 0,
	HV_HAS_TOTAL = 1 << 1,
	HV_HAS_AVAILABLE = 1 << 2,
	HV_HAS_FREE = 1 << 3,
	HV_HAS_CACHES = 1 << 4,
	HV_HAS_SWAP_IN = 1 << 5,
	HV_HAS_SWAP_OUT = 1 << 6,
	HV_HAS_MAJOR_FAULTS = 1 << 7,
	HV_HAS_RESIDENT = 1 << 8,
	HV_HAS_LAST_UPDATE = 1 << 9,
};
struct hv_balloon {
	struct uuid guest;
	uint32_t has;
	uint64_t actual_bytes;
	uint64_t total_bytes;	  /* "available": MemTotal as the driver sees it */
	uint64_t available_bytes; /* "usable": MemAvailable */
	uint64_t free_bytes;	  /* "unused" */
	uint64_t caches_bytes;	  /* "disk_caches" */
	uint64_t swap_in_bytes;	  /* cumulative */
	uint64_t swap_out_bytes;  /* cumulative */
	uint64_t major_faults;	  /* cumulative */
	uint64_t resident_bytes;  /* of its QEMU */
	uint64_t last_update_sec; /* CLOCK_REALTIME of the driver's last answer; 0: never */
};

struct hv_job {
	bool running;
	bool migration_out; /* the job is this guest's way to another host */
	uint64_t elapsed_usec;
};

struct hv_result {
	uint64_t id;
	enum hv_call call;
	struct uuid guest; /* all 0: READ_BALLOONS */
	void *cookie;
	/* 0, or -ETIMEDOUT (quarantined now), -EBUSY (a job runs), -ENOENT (the guest is gone),
	 * -ENOTCONN (connection lost: the effect is unknown), -ECANCELED (superseded, withdrawn, or
	 * stopped), -EOPNOTSUPP, -EACCES, -EIO (see text). */
	int error;
	const char *text;      /* libvirt's words when error is not 0, else "" */
	uint64_t started_usec; /* CLOCK_MONOTONIC: handed to libvirt; 0: never was */
	uint64_t ended_usec;

	/* READ_BALLOON: one; READ_BALLOONS: those that answered. */
	const struct hv_balloon *balloons;
	size_t n_balloons;
	uint64_t bytes;		      /* SET_MEMORY, SET_SOFT_LIMIT: as asked */
	uint64_t cpu_weight;	      /* GET_CPU: weight, 0 if not known; SET_CPU: as asked */
	uint64_t cpu_quota_permyriad; /* GET_CPU; 0: none */
	struct hv_cpu cpu;	      /* GET_CPU: what the two were made of */
	unsigned period_sec;	      /* SET_STATS_PERIOD: as asked */
	struct hv_job job;	      /* JOB_INFO */
	bool plugged; /* ATTACH_CHANNEL, DETACH_CHANNEL: done live, whatever error says of the
			 definition */
	bool at_next_start; /* ATTACH_CHANNEL: written into the definition only (no controller to
			     * plug into); DETACH_CHANNEL: not there live */
};
