/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/host/look.h"

uint64_t look_worth_bytes(uint64_t total_bytes, size_t n_guests)
{
	uint64_t much = MAX(total_bytes / LOOK_PARTS, LOOK_MAX_BYTES);

	return CLAMP((uint64_t)n_guests * LOOK_GUEST_BYTES, LOOK_MIN_BYTES, much);
}

bool look_due(const struct look *last, uint64_t now_usec, uint64_t available_bytes,
	uint64_t worth_bytes, bool busy)
{
	uint64_t moved = available_bytes > last->available_bytes
				 ? available_bytes - last->available_bytes
				 : last->available_bytes - available_bytes;

	return !last->usec || now_usec - last->usec >= (busy ? LOOK_BUSY_USEC : LOOK_REST_USEC) ||
	       moved >= worth_bytes;
}

uint64_t look_tick_usec(uint64_t available_bytes, bool busy)
{
	uint64_t half_usec =
		available_bytes / KIB * USEC_PER_SEC / (2 * LOOK_FILL_BYTES_PER_SEC / KIB);

	return busy ? LOOK_TICK_MIN_USEC : CLAMP(half_usec, LOOK_TICK_MIN_USEC, LOOK_TICK_MAX_USEC);
}
