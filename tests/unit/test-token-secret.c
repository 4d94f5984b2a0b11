/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/token-secret.h"

#include "tests/test.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

TEST(a_secret_has_its_prefix_its_length_and_letters_that_need_no_quoting)
{
	char secret[TOKEN_SECRET_LEN + 1];

	for (int i = 0; i < 100; i++) {
		CHECK_INT(token_secret_new(secret), 0);
		CHECK_INT(strlen(secret), TOKEN_SECRET_LEN);
		CHECK(strncmp(secret, TOKEN_SECRET_PREFIX, 4) == 0);
		CHECK_INT(strspn(secret + 4, alphabet), TOKEN_SECRET_LEN - 4);
	}
}

/* 256 bits are 42 letters and two thirds: of the last one the two lowest bits are none of them. */
TEST(the_last_letter_has_the_last_four_bits)
{
	bool seen[64] = {false};
	int n = 0;

	for (int i = 0; i < 1000; i++) {
		char secret[TOKEN_SECRET_LEN + 1];

		CHECK_INT(token_secret_new(secret), 0);
		seen[strchr(alphabet, secret[TOKEN_SECRET_LEN - 1]) - alphabet] = true;
	}
	for (int i = 0; i < 64; i++) {
		CHECK(!seen[i] || i % 4 == 0);
		n += seen[i];
	}
	CHECK_INT(n, 16); /* that one of them is missing: once in 10^27 */
}

/* Each place takes each letter: none of the random bytes is left out. */
TEST(every_bit_is_random)
{
	static bool seen[TOKEN_SECRET_LEN][128];
	char secret[TOKEN_SECRET_LEN + 1];

	for (int i = 0; i < 4000; i++) {
		CHECK_INT(token_secret_new(secret), 0);
		for (int k = 0; k < TOKEN_SECRET_LEN; k++)
			seen[k][(unsigned char)secret[k]] = true;
	}
	for (int k = 4; k < TOKEN_SECRET_LEN - 1; k++)
		for (size_t i = 0; i < 64; i++)
			CHECK(seen[k][(unsigned char)alphabet[i]]);
}

/* sha256sum says so. */
TEST(what_is_stored_is_the_sha_256_of_the_text)
{
	static const uint8_t of_abc[TOKEN_HASH_BYTES] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf,
		0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96,
		0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
	uint8_t hash[TOKEN_HASH_BYTES];

	token_secret_hash("abc", hash);
	CHECK(memcmp(hash, of_abc, sizeof(hash)) == 0);
	token_secret_hash("abd", hash);
	CHECK(memcmp(hash, of_abc, sizeof(hash)) != 0);
}

TEST_MAIN()
