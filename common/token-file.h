/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "common/diag.h"
#include "common/role.h"

/*
 * Who may use the API over the network, as the file of Tokens= in ballast.conf(5) says. One line
 * each:
 *
 *   NAME ROLE [EXPIRES] SHA256HEX   a bearer token; EXPIRES is RFC 3339 in UTC
 *   cert:SUBJECT-CN ROLE            a client certificate, by its subject's common name (which may
 * have blanks inside)
 *
 * The secret of a token is 256 random bits, so its plain SHA-256 is as good as a slow, salted hash:
 * there is nothing to guess. What is stored does not give the secret away. Read by the daemon,
 * edited by ballastctl.
 */
#define TOKEN_HASH_BYTES 32
#define TOKEN_NAME_MAX	 65 /* with the NUL: a common name has at most 64 */
#define TOKENS_MAX	 256
#define TOKEN_FILE_MAX	 (64 * KIB)

struct token_entry {
	char name[TOKEN_NAME_MAX];
	bool is_certificate;
	enum api_role role;		/* read, operate or admin */
	uint64_t expires_real_usec;	/* USEC_INFINITY: never */
	uint8_t hash[TOKEN_HASH_BYTES]; /* of a token */
	unsigned line;
};
/* Immutable once it is made, so that threads may share it. */
struct token_table {
	size_t n;
	struct token_entry entries[];
};

/* Reads the text of a file. Each bad line is a finding and gives nobody anything; the good ones are
 * taken. Returns a new table, which free() frees; NULL without memory. */
struct token_table *token_table_parse(const char *file, const char *text, size_t len,
	struct diag_list *findings) _nonnull_ _must_check_;
/* Who reads the file: the daemon's user and group. */
struct token_readers {
	uid_t uid;
	gid_t gid;
};
/* What the caller runs as; of root, who looks at the daemon's file before it does, user and group
 * `ballast` where there are such. Asks the user database. */
struct token_readers token_readers_get(void);
/* Reads a file that only its owner can write, and nobody but him and the readers' group can read;
 * the owner is root, the readers' user or the caller. One that is not there is an empty table.
 * Returns 0, -EPERM for one that others may read or write, -EFBIG, -errno: each with a finding that
 * names the remedy; then *ret is untouched. */
int token_table_load(const char *path, struct token_readers readers, struct token_table **ret,
	struct diag_list *findings) _nonnull_ _must_check_;
/* One line without its end, as token_table_parse() reads it. Returns buf. */
#define TOKEN_LINE_MAX 192
char *token_entry_format(const struct token_entry *e, char buf[static TOKEN_LINE_MAX]) _nonnull_;
/* May a token or certificate be called so? Names of tokens are 1 to 64 of A-Z a-z 0-9 . _ -; common
 * names are printable UTF-8. */
bool token_name_valid(const char *name, bool is_certificate) _nonnull_ _pure_;

const struct token_entry *token_table_find_certificate(
	const struct token_table *t, const char *common_name) _nonnull_args_(2) _pure_;
/* Compares with every entry, whether or not one before it fits, and each in constant time: how long
 * it takes says nothing. */
const struct token_entry *token_table_find_token(
	const struct token_table *t, const uint8_t hash[static TOKEN_HASH_BYTES]) _nonnull_args_(2);
