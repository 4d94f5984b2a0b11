/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/snapshot.h"

/*
 * Room that somebody asked for: a guest that starts or arrives. An entry lives until it is refused,
 * taken up by its guest, freed, or too old. Pure but for memory.
 */
#define RESERVATIONS_MAX 256
/* Granted room that no guest has taken up by then is free again: a start that failed after its
 * hook. Starting QEMU takes seconds, with preallocated memory a minute. */
#define RESERVATION_IDLE_USEC (2 * USEC_PER_MIN)

struct reservations {
	struct reservation *items;   /* as decide() takes them; guest_name is owned */
	struct reservation_owner {
		void *call;          /* who waits for the answer; NULL: answered */
		uint64_t wait_usec;  /* how long it is waited for when it is judged */
	} *owners;                   /* same index */
	size_t n;
	uint64_t last_id;
};

void reservations_free(struct reservations *r) _nonnull_;
/* Adds a copy and gives it an id. Returns its index, -ENOBUFS when there are too many, or
 * -ENOMEM. */
ssize_t reservations_add(struct reservations *r, const struct reservation *item, void *call)
	_nonnull_args_(1, 2) _must_check_;
/* Index, or -ENOENT. */
ssize_t reservations_find(const struct reservations *r, uint64_t id) _nonnull_ _pure_;
ssize_t reservations_find_guest(
	const struct reservations *r, const struct uuid *guest) _nonnull_ _pure_;
/* Marks it granted; it is charged from now on, until its deadline, which is RESERVATION_IDLE_USEC
 * from now. */
void reservations_grant(struct reservations *r, size_t i, uint64_t now_boot_usec) _nonnull_;
/* Granted ones are asked for again, now, each with as long a wait as before: what was granted while
 * nobody was held to it. Who has asked for them was answered. Returns how many. */
size_t reservations_reopen(struct reservations *r, uint64_t now_boot_usec) _nonnull_;
/* Forgets it. Returns who still waits for an answer, or NULL. */
void *reservations_remove(struct reservations *r, size_t i) _nonnull_;
/* Index of one that was granted and is past its deadline, or -ENOENT; *ret_next: when the next one
 * will be (USEC_INFINITY: none). */
ssize_t reservations_idle(
	const struct reservations *r, uint64_t now_boot_usec, uint64_t *ret_next) _nonnull_;
