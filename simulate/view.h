/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/plan.h"
#include "simulate/agent-model.h"

/*
 * The host as the daemon sees it, and when it decides: what was reported, read or told, and when;
 * never what is true beyond that. The rules and their figures are the manager's
 * (daemon/manager-*.c): it looks at the host every 500 ms, reads resident sizes once a second while
 * anything moves and every five at rest, asks moving balloons every 100 ms and nobody else, and is
 * told of other changes at most once a second a guest (libvirt's BALLOON_CHANGE). A pressed guest
 * is asked for a report once a second, and when what it was given has come. An urgent report is
 * decided on at once, a size or a figure that moved 20 ms later.
 */

/* BOOTTIME at time 0 of the scenario: the host has been up for a day. */
#define BOOT_BASE_USEC USEC_PER_DAY

struct view_guest {
	struct agent_model agent;
	bool present;            /* libvirt says that it runs */
	bool identity_changed;   /* since the last snapshot */
	bool reserved;           /* a reservation stands */
	bool answered;           /* its balloon driver has spoken since it started */
	bool commanded;          /* by us, since it started */
	bool stuck, pressed;     /* by the last plan */
	uint64_t actual_bytes;   /* as last read or told */
	uint64_t actual_msec;
	uint64_t told_msec;      /* last BALLOON_CHANGE */
	uint64_t fallback_msec;  /* balloon statistics are due */
	uint64_t resident_msec;  /* its process is to be looked at */
	uint64_t resident_bytes; /* with QEMU's own */
	uint64_t vcpu_time_usec, vcpu_delay_usec;
	uint64_t vcpu_msec;      /* when these two were read */
	struct guest_report report;
	struct guest_report statistics; /* the last, while the agent's word still stands */
};

struct view {
	struct world *world;
	uint64_t seed;
	struct view_guest *guests; /* as the world's */
	uint64_t decide_msec;      /* when the daemon decides next */
	uint64_t look_msec;        /* next look at the host */
	uint64_t poll_msec;        /* next question to moving balloons; MSEC_NEVER: none moves */
	bool settled;              /* by the last plan */
	uint64_t sample_msec;      /* of the last look */
	uint64_t other_bytes, available_bytes;
	uint64_t available_sampled_bytes; /* when all residents were read together */
	uint64_t available_decided_bytes;

	struct snapshot snapshot;  /* of the last view_snapshot(), on the arrays below */
	struct guest_sample *samples;
	struct reservation *reservations;
	size_t *guest_of;          /* index of a sample's guest in the world */
};

/* Begins at time 0, at which all is looked at once and decided. world must outlive it. NULL without
 * memory. */
struct view *view_new(struct world *world, uint64_t seed) _nonnull_ _must_check_;
struct view *view_free(struct view *v); /* takes NULL, returns NULL */
DEFINE_CLEANUP(struct view *, view_free)
#define _cleanup_view_ _cleanup_(view_freep)

/* The world has ticked: what the daemon is told of that. */
void view_tick(struct view *v) _nonnull_;
/* Whatever else is due at this time. */
void view_run(struct view *v, uint64_t now_msec) _nonnull_;
/* When something is due next, a decision included. */
uint64_t view_next(const struct view *v) _nonnull_ _pure_;

/* A balloon was commanded: it is asked from now on. */
void view_watch(struct view *v, size_t guest, uint64_t now_msec) _nonnull_;
/* The reservation was refused: it is not asked for again. */
void view_drop_reservation(struct view *v, size_t guest) _nonnull_;
/* A decision was made on the last snapshot: when the next one is due follows from the plan and from
 * what comes in. */
void view_decided(struct view *v, const struct plan *plan, uint64_t now_msec) _nonnull_;

/* What decide() is shown now; valid until the next call. identity_changed is said once. */
const struct snapshot *view_snapshot(struct view *v, uint64_t now_msec) _nonnull_;
/* What the guest uses by its last word, its kernel's own included; 0: never heard. */
uint64_t view_known_used_bytes(const struct view *v, size_t guest) _nonnull_ _pure_;
