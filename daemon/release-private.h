/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/channel/channel.h"
#include "common/conf.h"
#include "daemon/host/host.h"
#include "daemon/hv/hv.h"
#include "daemon/release-plan.h"
#include "daemon/store/store.h"
#include "policy/policy-set.h"

/* Private to release.c and release-guests.c. */

#define RELEASE_GUESTS_MAX 4096

struct released {
	struct release *r;
	const struct hv_guest *hv;
	struct channel *channel;
	uint64_t actual_bytes;
	struct guest_report report;
	/* as the state, or a spare file, says of this run; strings NULL */
	struct store_original original;
	bool known;                     /* it does */
	bool read, asked;
};

struct release {
	sd_event *loop;
	struct hub *hub;
	struct hv *hv;
	struct host *host;
	struct host_settings host_settings;
	struct policy_set *set; /* owns strings of host_settings */
	struct store *store;
	const struct conf *conf;
	enum release_goal goal;
	struct released *guests[RELEASE_GUESTS_MAX];
	size_t n;
	bool synced, commanded;
	unsigned waiting; /* commands */
	uint64_t started_usec, synced_usec;
};

/* release-guests.c: what libvirt, agents and the state file say of each guest goes into the table.
 * userdata: the struct release. */
extern const struct hv_ops release_hv_ops;
/* Of this very run: what an earlier one of the same UUID had says nothing of a guest that was
 * started, or defined, anew since. First what the state says, then what spare files do. Returns
 * 0. */
int release_take_original(const struct store_original *o, void *userdata) _nonnull_;
