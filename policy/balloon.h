/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/snapshot.h"

/*
 * One balloon's progress. setMemory returning success proves nothing: what moved is read from
 * actual. A balloon that stops short ("out of puff") is left where it stopped, or the driver eats
 * every page the guest frees and its OOM killer follows; one that does not move at all leaves the
 * division and is tried again with growing pauses.
 */
struct balloon {
	bool known;
	uint64_t target_bytes;
	uint64_t commanded_usec; /* 0: not by us */
	/* it may have come as far as that on its way to an earlier target: no reading since; 0: one
	 * was */
	uint64_t before_bytes;
	/* the last time that a command was given out, or seen to be on its way still */
	uint64_t sent_usec;
	/* the highest target before this one that may still have an effect */
	uint64_t recent_bytes;
	uint64_t last_actual_bytes;
	uint64_t progress_usec;
	bool reached;
	uint64_t zero_since_usec; /* a command that moved nothing stands since; 0: none */
	/* what that asked for: the target may have been taken back since */
	uint64_t asked_bytes;
	bool stuck;
	bool retrying;
	unsigned failures;
	/* not asked to shrink before this, if floor_bytes; not asked at all, if stuck */
	uint64_t retry_usec;
	uint64_t floor_bytes;     /* it stopped there, or took as much back; 0: nowhere */
	/* it took memory back so often, each time soon after the pause before */
	unsigned n_took;
	uint64_t took_usec;       /* the last time; 0: never */
};

enum balloon_verdict {
	BALLOON_FINE,      /* at its target, or on its way */
	BALLOON_SHORT,     /* stopped short: its target has to become what it reached */
	BALLOON_STUCK,     /* does not move at all: just now found so */
	BALLOON_UNSTUCK,   /* moves again */
	BALLOON_TOOK_BACK, /* grew by itself */
};

/* Judges the sample; time is taken from when actual was read. */
enum balloon_verdict balloon_observe(struct balloon *b, const struct guest_sample *s,
	uint64_t now_usec) _nonnull_;
/* A command to this size is given out now. */
void balloon_commanded(struct balloon *b, const struct guest_sample *s, uint64_t to_bytes,
	uint64_t now_usec) _nonnull_;
/* Not to be asked now: stuck and its pause not over. */
bool balloon_resting(const struct balloon *b, uint64_t now_usec) _nonnull_ _pure_;
/* On its way to a target. */
bool balloon_moving(const struct balloon *b) _nonnull_ _pure_;
/* When to judge again; USEC_INFINITY: when something changes. */
uint64_t balloon_wake(const struct balloon *b, uint64_t now_usec) _nonnull_ _pure_;
