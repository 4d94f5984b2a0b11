/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/figures.h"

/*
 * When to look and when to speak. Pure: figures and events are passed in.
 */

/* A look may be this rare or frequent. */
#define LOOK_MIN_USEC (100 * USEC_PER_MSEC)
#define LOOK_MAX_USEC USEC_PER_SEC
/* Without a PSI trigger nothing else tells of pressure. */
#define LOOK_BLIND_USEC (250 * USEC_PER_MSEC)

/* How long to sleep until the next look: half of the time that the fastest filler would need to use
 * up what is available. */
uint64_t look_interval_usec(uint64_t available_bytes, bool has_trigger) _const_;

struct look {
	struct figures reported; /* as the last report said */
	bool has_reported;
	/* a second ago or longer: who reads a file again and again may stall too little for the
	 * trigger */
	uint64_t refaults;
	uint64_t refaults_usec;  /* when that was, or 0 */
	uint64_t previous_bytes; /* available at the last look */
	unsigned quiet;          /* looks in a row that found nothing moved */
};

struct look_events {
	bool request; /* a ping, or the first report of a connection */
	bool trigger; /* the PSI trigger fired */
	bool counters; /* they were read with this look */
};

/* Whether a look now is to read the counters: a second has passed since they were judged. */
bool look_wants_counters(const struct look *l, uint64_t now_usec) _nonnull_ _pure_;
/* Takes the figures of a look in and says whether to report, and why. */
enum why look_judge(struct look *l, const struct figures *now, const struct look_events *events,
	const struct config *config) _nonnull_;

/* The report was written: later ones are measured against it. (One that was dropped is still
 * due.) */
void look_reported(struct look *l, const struct figures *now) _nonnull_;

/* Somebody faulted pages in: one look more than this wake-up's has to find nothing moved before
 * looks are rare again. Faults that come to little cost two wake-ups, and a fill that goes on
 * alarms again. */
void look_alarmed(struct look *l) _nonnull_;

/* Whether memory stands still and there is enough of it, so that looks may be rare as long as
 * nobody faults pages in. */
bool look_is_calm(
	const struct look *l, const struct figures *now, const struct config *config) _nonnull_;
