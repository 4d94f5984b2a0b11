/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/counters.h"
#include "daemon/host/host.h"
#include "policy/decide.h"

/*
 * What the main loop knows, for others to read: an immutable, reference-counted copy of snapshot,
 * plan and a few facts beside them. The main loop publishes; the HTTP thread takes references and
 * serialises. A view is one block of memory, filled in one pass; blocks are used again, so that a
 * publication faults no new pages in.
 */

enum daemon_mode {
	MODE_OBSERVE, /* looks, never touches (default) */
	MODE_ENFORCE,
	MODE_MAX,
	MODE_INVALID = -1,
};
DECLARE_STRTAB(daemon_mode, enum daemon_mode)

/* What the manager knows of a guest beside the snapshot. Strings may be NULL. */
struct view_guest {
	const char *agent_version; /* of its hello; NULL: no agent was heard since it started */
	const char *os;		   /* "Debian GNU/Linux 12 (bookworm)" */
	const char *kernel;	   /* "6.1.0-28-amd64" */
	bool enrolled;		   /* its definition has the agent's channel */
	uint64_t original_bytes; /* what it had before Ballast first touched it; 0: never touched */
	/* The last memory command that was sent to it; changed_real_usec 0: none. */
	uint64_t changed_real_usec;
	uint64_t changed_from_bytes;
	uint64_t changed_to_bytes;
	struct reason changed_reason;
};

/* Something wrong with the host or the daemon itself, to be shown until it is gone. What is wrong
 * with a guest is in its plan_guest. */
struct view_problem {
	const char *code;	  /* stable, for programs: "libvirt-unreachable", "policy-bad",
				     "state-read-only" */
	const char *text;	  /* one sentence: what is wrong */
	const char *remedy;	  /* one sentence: what to do; NULL: nothing but wait */
	uint64_t since_real_usec; /* 0: not known */
};

/* "Not now": no guest is commanded until then. Strings may be NULL where it is off. */
struct view_pause {
	bool on;
	uint64_t since_real_usec, until_real_usec;
	uint64_t number; /* another one for another end */
	const char *by;
	const char *message; /* "" if none */
};

/* One policy as the main loop sees it now; index as in the set. */
struct view_policy {
	bool open;		   /* its schedule's window is open (no schedule: always) */
	uint32_t matching;	   /* guests its [Match] names */
	uint32_t active;	   /* guests it is in force for */
	uint64_t change_real_usec; /* its window closes or opens then; USEC_INFINITY: never */
};

/*
 * What is published. Pointers into the main loop's own state: read during the call, never kept (but
 * policy_set, which gets a reference). Every array but snapshot's may be NULL with its count 0
 * (guests, policies: not known).
 */
struct view_input {
	const struct snapshot *snapshot;
	const struct plan
		*plan; /* of that very snapshot: same guests, same order; NULL: none yet */
	const struct view_guest *guests;    /* NULL, or as many as the snapshot has */
	struct policy_set *set;		    /* NULL: none yet */
	const struct view_policy *policies; /* NULL, or policy_set_count() of them */
	/* the layers, lowest first; NULL: not known. As long as the daemon lives, like the next */
	const char *const *policy_dirs;
	const char *policy_own;		/* the one that the API writes; NULL: none */
	uint64_t policies_change_real_usec; /* when a window opens or closes next; USEC_INFINITY:
					       never */
	const struct view_problem *problems;
	size_t n_problems;
	/* The host's CPUs, over the last ten seconds, and its NUMA nodes: all of the machine,
	 * whatever part of it is managed. */
	bool has_cpu;
	uint64_t cpu_busy_permyriad, cpu_steal_permyriad; /* of all CPUs together */
	const struct host_node *nodes;			  /* NULL: not known */
	size_t n_nodes;
	const struct counters *counters; /* NULL: not counted */
	enum daemon_mode mode;
	struct view_pause pause;
	bool ready;		     /* libvirt was listed once and a decision was made: /readyz */
	uint64_t started_real_usec;  /* of the daemon */
	const char *libvirt_version; /* "9.0.0"; NULL: not connected */
	/* Main loop only, not copied: for what is answered there (effective policy, explain). NULL:
	 * nothing was decided yet. */
	const struct decide_state *state;
};

/* The published copy. Immutable. `known` points into the view itself (set: a reference it holds);
 * known.guests is always there, zeroed where nothing was given, and known.state is NULL. */
struct view {
	uint64_t generation; /* grows by one a publication; the first is 1 */
	struct view_input known;
};

/* Holds the current view and spare blocks. Any thread may get and unref; one thread publishes. */
struct view_store;
struct view_store *view_store_new(void) _must_check_;
/* Takes NULL, returns NULL. References that are still out stay valid until they are dropped. */
struct view_store *view_store_free(struct view_store *s);
DEFINE_CLEANUP(struct view_store *, view_store_free)

/* Copies in and makes it the current view (main loop). Returns 0 or -ENOMEM (the old view stays).
 * 1000 guests: bench/view. */
int view_publish(struct view_store *s, const struct view_input *in) _nonnull_ _must_check_;
/* Something that views show is other than before: counted only, nothing is made (any thread). Who
 * shows a view asks for the count once in a while, and for a view when it has grown. */
void view_store_touch(struct view_store *s); /* takes NULL */
uint64_t view_store_changes(const struct view_store *s) _nonnull_;
/* A reference to the current view; NULL before the first publication. Never blocks for longer than
 * a few instructions. */
struct view *view_get(struct view_store *s) _nonnull_ _must_check_;
struct view *view_ref(struct view *v) _nonnull_;
struct view *view_unref(struct view *v); /* takes NULL, returns NULL */
DEFINE_CLEANUP(struct view *, view_unref)
#define _cleanup_view_ _cleanup_(view_unrefp)

/* Index of a guest by UUID text or by name, or -ENOENT. A word that reads like a UUID is looked up
 * as one first. */
ssize_t snapshot_find_guest(const struct snapshot *s, const char *uuid_or_name) _nonnull_ _pure_;
/* The guest's name nearest to this word, or NULL; valid as long as the snapshot. */
const char *snapshot_nearest_guest(const struct snapshot *s, const char *word) _nonnull_;
/* A CLOCK_BOOTTIME as wall time, by the snapshot's own pair of clocks; 0 for 0, USEC_INFINITY for
 * itself. */
uint64_t snapshot_real_usec(const struct snapshot *s, uint64_t boot_usec) _nonnull_ _pure_;
