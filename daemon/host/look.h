/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * When all guests' resident sizes are to be looked at, with the host's available memory of the same
 * instant: only both together say what the host itself uses, and what it uses is taken from what
 * guests may have. A look costs some 5 us a guest, so one is worth more the more memory has moved:
 * at once when it fell or rose by much, else every second while anything moves and every five at
 * rest. What the host takes in between, however little, is known by then. Pure.
 */
#define LOOK_BUSY_USEC USEC_PER_SEC
#define LOOK_REST_USEC (5 * USEC_PER_SEC)
/* A guest's look is worth a MiB; less than this is noise, 0.5 % (and at least 32 MiB) never is. */
#define LOOK_GUEST_BYTES MIB
#define LOOK_MIN_BYTES   (8 * MIB)
#define LOOK_PARTS       200
#define LOOK_MAX_BYTES   (32 * MIB)

/* The host's memory is read as often as it could be used up: its fastest filler takes 6 GiB/s (as
 * an agent's look has it, DESIGN 3), and half of what is available must not go unseen; while
 * anything moves as often as is ever useful. Each reading wakes the daemon. */
#define LOOK_FILL_BYTES_PER_SEC (6 * GIB)
#define LOOK_TICK_MIN_USEC      (500 * USEC_PER_MSEC)
#define LOOK_TICK_MAX_USEC      (2 * USEC_PER_SEC)

/* The last look. */
struct look {
	uint64_t usec; /* CLOCK_BOOTTIME; 0: none yet, or something new has to be looked at */
	uint64_t available_bytes;
};

/* How far available memory must have moved to be worth a look. */
uint64_t look_worth_bytes(uint64_t total_bytes, size_t n_guests) _const_;
bool look_due(const struct look *last, uint64_t now_usec, uint64_t available_bytes,
	uint64_t worth_bytes, bool busy) _nonnull_ _pure_;
/* The time until the host's memory is to be read again. */
uint64_t look_tick_usec(uint64_t available_bytes, bool busy) _const_;
