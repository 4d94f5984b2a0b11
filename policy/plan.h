/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/reason.h"
#include "policy/settings.h"
#include "policy/uuid.h"

/*
 * What decide() answers: what to do now, what happened, how each guest stands, and when to ask
 * again. Owns everything in it. Actions are to be carried out in the order given (what frees before
 * what is granted from what was already free).
 */

enum host_state {
	HOST_AMPLE,    /* room to spare: surplus may be handed out */
	HOST_TIGHT,    /* everybody has its want; surplus is being used up */
	HOST_SHORT,    /* wants do not fit: divided by weight */
	HOST_CRITICAL, /* floors do not fit, or the budget is exceeded */
	HOST_STATE_MAX,
	HOST_STATE_INVALID = -1,
};
DECLARE_STRTAB(host_state, enum host_state)

/* What catches a guest when its memory runs out, as the division counts it. */
enum guest_net {
	/* nothing was heard of its swap: counted as none from its first report on */
	GUEST_NET_UNKNOWN,
	GUEST_NET_AUTODEFLATE,
	GUEST_NET_SWAP,	       /* enough of it is free for a burst */
	GUEST_NET_SWAP_SHORT,  /* it has swap, too little of it free: none */
	GUEST_NET_NONE,
	GUEST_NET_MAX,
	GUEST_NET_INVALID = -1,
};
DECLARE_STRTAB(guest_net, enum guest_net)

enum action_kind {
	ACTION_MEMORY,      /* setMemory(to_bytes) on the guest */
	ACTION_CPU,         /* weight and quota */
	/* memory.high of the guest's cgroup to to_bytes; BYTES_UNLIMITED: lift it */
	ACTION_SOFT_LIMIT,
	ACTION_GRANT,       /* the reservation is granted */
	ACTION_REFUSE,      /* the reservation is refused */
	ACTION_KIND_MAX,
	ACTION_KIND_INVALID = -1,
};
DECLARE_STRTAB(action_kind, enum action_kind)

struct action {
	enum action_kind kind;
	struct uuid guest;
	size_t guest_index;    /* in the snapshot; SIZE_MAX: not there (a reservation's guest) */
	uint64_t reservation;  /* id, GRANT and REFUSE */
	uint64_t from_bytes;   /* MEMORY: previous target */
	uint64_t to_bytes;     /* MEMORY: a multiple of 1 MiB */
	uint64_t cpu_weight;
	uint64_t cpu_quota;
	struct reason reason;
};

enum event_kind {
	EVENT_STUCK,        /* the balloon does not move: out of the division */
	EVENT_UNSTUCK,
	EVENT_STALE,        /* three heartbeats of silence */
	EVENT_FRESH,        /* heard again */
	EVENT_BREAKER,      /* resident beyond its charge */
	EVENT_BREAKER_GONE,
	EVENT_NOT_CREDIBLE, /* claims need, but does not use what it got */
	EVENT_CREDIBLE,
	EVENT_TOOK_BACK,    /* grew by itself */
	EVENT_OOM,          /* the guest's kernel killed processes */
	EVENT_PRESSED,      /* stall above MaxStall */
	EVENT_RELIEVED,
	EVENT_HOST_STATE,   /* the host changed its state */
	EVENT_POLICY,       /* a policy became active or inactive for a guest */
	EVENT_REBOOT,       /* a new boot: charged at max until it answers */
	EVENT_FLOOR_CUT,    /* floors do not fit */
	EVENT_KIND_MAX,
	EVENT_KIND_INVALID = -1,
};
DECLARE_STRTAB(event_kind, enum event_kind)

struct plan_event {
	enum event_kind kind;
	bool of_guest;
	struct uuid guest;
	size_t guest_index;
	uint64_t arg[REASON_ARGS_MAX]; /* meaning in event_format()'s table */
	char detail[64];               /* a policy's name, a state; "" if none */
};
/* One sentence without a full stop. Returns buf. */
char *event_format(const struct plan_event *e, char buf[static REASON_TEXT_MAX]) _nonnull_;

/* How one guest stands, for show, explain, history. Index as in the snapshot. */
struct plan_guest {
	uint64_t used_bytes;     /* what it uses by its own word, its kernel's share included */
	uint64_t want_bytes;     /* of actual */
	uint64_t headroom_bytes; /* of that, beyond what it uses */
	/* with neither enough free swap nor autodeflate it lives on no less than this; 0: it has
	 * one, or that is not known */
	uint64_t no_net_bytes;
	uint64_t floor_bytes;    /* not shrunk below this */
	uint64_t min_bytes, max_bytes; /* effective */
	uint64_t share_bytes;    /* what the division gives it */
	uint64_t charge_bytes;   /* what it is counted at */
	uint64_t target_bytes;   /* commanded after this plan */
	uint64_t stall_permyriad; /* of memory, latest interval */
	uint64_t stall_on_permyriad; /* from so much on it is pressed, by its policy */
	uint64_t refaults_per_sec;
	uint64_t vcpu_delay_permyriad;
	uint64_t cpu_weight, cpu_quota; /* after this plan */
	/* for a report at once: it is to lend, and its last word is not of now */
	bool ask;
	bool proved;             /* seen short of late: what it wants is no guess */
	bool left_out;           /* of the division: stays as it is, charged where it is */
	bool refused;           /* of these: libvirt refused its last command a moment ago */
	bool pressed, stale, stuck, breaker, not_credible, booting, known;
	enum guest_net net;
	bool in_grace;           /* it started less than BootGraceSec= ago: keeps what it has */
	struct reason standing;  /* why its share is what it is */
};

struct plan {
	struct action *actions;
	size_t n_actions;
	struct plan_event *events;
	size_t n_events;
	struct plan_guest *guests; /* as many as the snapshot has */
	size_t n_guests;

	enum host_state host_state;
	uint64_t memory_bytes;    /* what guests and host share ([Host] Memory= or the host's) */
	uint64_t reserve_bytes;
	uint64_t other_bytes;
	uint64_t overhead_bytes;  /* all QEMU overhead */
	uint64_t budget_bytes;    /* memory - reserve - other - overhead */
	uint64_t charged_bytes;   /* sum of charges */
	uint64_t reserved_bytes;  /* granted reservations with their overhead */
	uint64_t wake_boot_usec;  /* ask again by then, whatever happens (BOOTTIME) */
	/* nothing is in flight and nobody is pressed: sampling may be lazy */
	bool settled;
};

struct plan *plan_free(struct plan *p); /* takes NULL, returns NULL */
DEFINE_CLEANUP(struct plan *, plan_free)
#define _cleanup_plan_ _cleanup_(plan_freep)
