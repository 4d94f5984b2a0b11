/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/channel-model.h"

#define BYTES_PER_SEC    (8 * KIB)
#define BURST_BYTES      (64 * KIB)
#define LOOK_MSEC        UINT64_C(1000)
#define OVER_MSEC_MAX    UINT64_C(5000)
#define PENALTY_MSEC_MIN UINT64_C(60000)
#define PENALTY_MSEC_MAX UINT64_C(3600000)
#define FORGIVEN_MSEC    UINT64_C(3600000)

void channel_model_init(struct channel_model *c, uint64_t now_msec)
{
	*c = (struct channel_model){
		.tokens_bytes = BURST_BYTES * 1000,
		.filled_msec = now_msec,
		.over_since_msec = UINT64_MAX,
	};
}

bool channel_model_is_shut(const struct channel_model *c, uint64_t now_msec)
{
	return now_msec < c->shut_until_msec;
}

/* Takes the line's bytes out of the bucket; false: it holds less. */
static bool take(struct channel_model *c, uint64_t now_msec, uint64_t bytes)
{
	uint64_t full = BURST_BYTES * 1000, wanted = bytes * 1000;

	c->tokens_bytes = MIN(full, c->tokens_bytes + (now_msec - c->filled_msec) * BYTES_PER_SEC);
	c->filled_msec = now_msec;
	if (wanted > c->tokens_bytes) {
		c->tokens_bytes = 0;
		return false;
	}
	c->tokens_bytes -= wanted;
	return true;
}

static void shut(struct channel_model *c, uint64_t now_msec)
{
	bool forgiven = c->penalty_msec == 0 || now_msec - c->shut_until_msec >= FORGIVEN_MSEC;
	uint64_t penalty = forgiven ? PENALTY_MSEC_MIN : MIN(2 * c->penalty_msec, PENALTY_MSEC_MAX);

	channel_model_init(c, now_msec + penalty);
	c->penalty_msec = penalty;
	c->shut_until_msec = now_msec + penalty;
}

enum channel_verdict channel_model_take(struct channel_model *c, uint64_t now_msec, uint64_t bytes)
{
	bool within = take(c, now_msec, bytes);

	if (c->over_since_msec == UINT64_MAX) {
		if (within)
			return CHANNEL_READ;
		c->over_since_msec = now_msec;
		c->look_msec = now_msec + LOOK_MSEC;
		return CHANNEL_DROPPED;
	}
	if (now_msec - c->over_since_msec >= OVER_MSEC_MAX) {
		shut(c, now_msec);
		return CHANNEL_SHUT;
	}
	if (now_msec < c->look_msec) {
		/* What waits in the socket is paid for at the look. */
		c->tokens_bytes = 0;
		return CHANNEL_DROPPED;
	}
	if (within)
		c->over_since_msec = UINT64_MAX;
	c->look_msec = now_msec + LOOK_MSEC;
	return CHANNEL_READ;
}
