/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * The host's end of an agent channel as far as its limits go, by the figures of
 * docs/agent-protocol.md: 8 KiB/s with a burst of 64 KiB; over it one look a second, at which the
 * newest line counts; five seconds of that and it is shut for a minute, each time twice as long, an
 * hour at most, and an hour without trouble forgets.
 */
struct channel_model {
	uint64_t tokens_bytes;      /* times 1000, so that whole milliseconds fill exactly */
	uint64_t filled_msec;
	uint64_t over_since_msec;   /* UINT64_MAX: within the budget */
	uint64_t look_msec;         /* of a channel that is over it */
	uint64_t shut_until_msec;   /* 0: open */
	uint64_t penalty_msec;      /* of the last time */
};

enum channel_verdict {
	CHANNEL_READ,    /* the line is read */
	CHANNEL_DROPPED, /* a newer one will count */
	CHANNEL_SHUT,    /* that was the drop too much: shut from now on */
};

void channel_model_init(struct channel_model *c, uint64_t now_msec) _nonnull_;
/* A line of so many bytes arrives at an open channel. */
enum channel_verdict channel_model_take(struct channel_model *c, uint64_t now_msec,
	uint64_t bytes) _nonnull_;
bool channel_model_is_shut(const struct channel_model *c, uint64_t now_msec) _nonnull_ _pure_;
