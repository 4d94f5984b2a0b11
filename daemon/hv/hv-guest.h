/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "common/diag.h"
#include "common/strtab.h"
#include "policy/snapshot.h"
#include "policy/uuid.h"

/*
 * What libvirt says of one running guest: an immutable, reference-counted picture. A change makes a
 * new one.
 *
 * Tags are words in the domain's metadata, set with
 *   virsh metadata GUEST urn:ballast:tags:1 --key ballast --set '<tags>web gold</tags>' --live
 * --config that is, in the XML: <metadata><ballast:tags xmlns:ballast="urn:ballast:tags:1">web
 * gold</ballast:tags></metadata>. Words are parted by blanks or commas, or stand in child elements:
 * <tag>web</tag><tag>gold</tag>.
 */
#define HV_TAGS_NAMESPACE "urn:ballast:tags:1"
#define HV_TAGS_MAX 64	  /* more are left out */
#define HV_TAG_LEN_MAX 64 /* longer ones are left out */

enum hv_balloon_model {
	HV_BALLOON_NONE,
	HV_BALLOON_VIRTIO, /* also -transitional and -non-transitional */
	HV_BALLOON_OTHER,  /* xen: not ours to move */
	HV_BALLOON_MODEL_MAX,
	HV_BALLOON_MODEL_INVALID = -1,
};
DECLARE_STRTAB(hv_balloon_model, enum hv_balloon_model)

/* The agent's channel as libvirt saw it when the XML was read. libvirt sends no event when the
 * guest opens or closes a port of ours (AGENT_LIFECYCLE is for QEMU's own agent alone): the socket
 * itself tells. */
enum hv_channel_state {
	HV_CHANNEL_NONE,    /* the guest has no such channel */
	HV_CHANNEL_UNKNOWN, /* it has, libvirt does not say whether somebody listens (test driver)
			     */
	HV_CHANNEL_DISCONNECTED, /* nobody in the guest has it open */
	HV_CHANNEL_CONNECTED,
	HV_CHANNEL_STATE_MAX,
	HV_CHANNEL_STATE_INVALID = -1,
};
DECLARE_STRTAB(hv_channel_state, enum hv_channel_state)

struct hv_guest {
	struct uuid uuid;
	int id; /* libvirt's number of this run: another one = another incarnation */
	char *name;
	char *title;  /* "" if none */
	char **tags;  /* NULL-terminated, never NULL, each once, in the order written */
	bool running; /* false: paused (by hand, by an I/O error, by a migration coming in) */
	bool persistent;
	bool autostart;

	uint64_t max_bytes;    /* <memory>: what the balloon can give at most */
	uint64_t actual_bytes; /* <currentMemory>: follows BALLOON_CHANGE, up to 1 s late */
	enum fixed_reason fixed;
	enum hv_balloon_model balloon;
	bool autodeflate;
	bool free_page_reporting;
	uint64_t stats_period_sec; /* 0: the driver is not asked for statistics */

	uint32_t vcpus;	     /* online */
	uint64_t cpu_shares; /* <cputune><shares>, raw; 0: not set (the default) */

	char *user; /* whom its QEMU runs as, as libvirt's label has it: "+64055", or a name; NULL:
		       it does not say */
	pid_t pid; /* of its QEMU; 0: not found (test driver, foreign PID namespace) */
	uint64_t pid_start_ticks; /* field 22 of /proc/PID/stat: tells a reused pid */
	pid_t *vcpu_tids;	  /* n_vcpu_tids threads in the order of the vCPUs */
	size_t n_vcpu_tids;
	/* where pid is 0: a process that claims to be it, and is another user's; 0: none */
	pid_t stranger_pid;
	uid_t stranger_uid;

	enum hv_channel_state channel;
	char *channel_path; /* host side of the agent's port; NULL: none, or not a UNIX socket */
	bool has_virtio_serial; /* a controller that a channel can be plugged into */
};

/* Bits of guest_changed(). */
enum {
	HV_CHANGED_STATE = 1 << 0,    /* running */
	HV_CHANGED_IDENTITY = 1 << 1, /* name, title, tags */
	HV_CHANGED_MEMORY = 1 << 2,   /* max, fixed, balloon device, statistics period */
	HV_CHANGED_CPU = 1 << 3,      /* vCPUs, their threads, shares */
	HV_CHANGED_CHANNEL = 1 << 4,  /* path, state, controller */
	HV_CHANGED_CONFIG = 1 << 5,   /* persistent, autostart */
	HV_CHANGED_PROCESS = 1 << 6,  /* pid */
};

/* Atomic; takes any thread. */
const struct hv_guest *hv_guest_ref(const struct hv_guest *g);
const struct hv_guest *hv_guest_unref(const struct hv_guest *g); /* takes NULL, returns NULL */
DEFINE_CLEANUP(const struct hv_guest *, hv_guest_unref)
#define _cleanup_hv_guest_ _cleanup_(hv_guest_unrefp)

/* What differs, as HV_CHANGED_* bits; actual_bytes is not compared (it has its own event). */
unsigned hv_guest_compare(const struct hv_guest *a, const struct hv_guest *b) _nonnull_ _pure_;
