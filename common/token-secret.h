/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/token-file.h"

/* The secret itself: "bst_" (so that scanners of published text know it) and 256 random bits in
 * base64url. */
#define TOKEN_SECRET_PREFIX "bst_"
#define TOKEN_SECRET_LEN    (4 + 43)

/* A new one. Returns 0 or -errno. */
int token_secret_new(char ret[static TOKEN_SECRET_LEN + 1]) _nonnull_ _must_check_;
/* What is stored of it: the SHA-256 of its text. */
void token_secret_hash(const char *secret, uint8_t ret[static TOKEN_HASH_BYTES]) _nonnull_;
