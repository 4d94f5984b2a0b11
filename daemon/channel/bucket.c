/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/channel/bucket.h"

void bucket_init(struct bucket *b, uint64_t now_usec)
{
	*b = (struct bucket){.tokens_bytes = BUCKET_BURST_BYTES, .filled_usec = now_usec};
}

static void bucket_refill(struct bucket *b, uint64_t now_usec)
{
	const uint64_t full_usec = BUCKET_BURST_BYTES * USEC_PER_SEC / BUCKET_BYTES_PER_SEC;
	uint64_t passed_usec = now_usec > b->filled_usec ? now_usec - b->filled_usec : 0;
	uint64_t bytes;

	if (passed_usec >= full_usec) {
		bucket_init(b, now_usec);
		return;
	}
	/* Only whole bytes are filled in, and only their time (rounded up) is used up, so that many
	 * small refills add up to the rate, within 1 %, and never to more. */
	bytes = passed_usec * BUCKET_BYTES_PER_SEC / USEC_PER_SEC;
	b->filled_usec +=
		(bytes * USEC_PER_SEC + BUCKET_BYTES_PER_SEC - 1) / BUCKET_BYTES_PER_SEC;
	b->tokens_bytes = MIN(b->tokens_bytes + bytes, BUCKET_BURST_BYTES);
}

bool bucket_take(struct bucket *b, uint64_t now_usec, uint64_t bytes)
{
	bool within;

	bucket_refill(b, now_usec);
	within = bytes <= b->tokens_bytes;
	b->tokens_bytes -= within ? bytes : b->tokens_bytes;
	return within;
}
