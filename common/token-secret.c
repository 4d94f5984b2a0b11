/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/token-secret.h"

#include <nettle/sha2.h>
#include <sys/random.h>

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int token_secret_new(char ret[static TOKEN_SECRET_LEN + 1])
{
	uint8_t random[33] = {0}; /* 256 bits, and padding to whole groups of three bytes */
	char *to = ret;

	if (getrandom(random, 32, 0) != 32)
		return -EIO;
	memcpy(to, TOKEN_SECRET_PREFIX, 4);
	to += 4;
	for (size_t i = 0; i < sizeof(random); i += 3) {
		uint32_t group =
			(uint32_t)random[i] << 16 | (uint32_t)random[i + 1] << 8 | random[i + 2];

		for (int shift = 18; shift >= 0 && to < ret + TOKEN_SECRET_LEN; shift -= 6)
			*to++ = base64url[group >> shift & 63];
	}
	*to = '\0';
	explicit_bzero(random, sizeof(random));
	return 0;
}

void token_secret_hash(const char *secret, uint8_t ret[static TOKEN_HASH_BYTES])
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, strlen(secret), (const uint8_t *)secret);
	sha256_digest(&ctx, TOKEN_HASH_BYTES, ret);
}
