/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file of tokens: what is taken reads back from what is written of it, what is refused has its
 * place, and no entry is without name and role. */
#include "common/token-file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_diag_list_ struct diag_list findings = {0};
	_cleanup_free_ struct token_table *t = NULL;

	if (size > TOKEN_FILE_MAX)
		return 0;
	t = token_table_parse("f", (const char *)data, size, &findings);
	if (!t || t->n > TOKENS_MAX)
		abort();
	for (size_t i = 0; i < findings.n; i++)
		if (!findings.items[i].line || !findings.items[i].col || !findings.items[i].text)
			abort();
	for (size_t i = 0; i < t->n; i++) {
		_cleanup_diag_list_ struct diag_list none = {0};
		_cleanup_free_ struct token_table *again = NULL;
		const struct token_entry *e = &t->entries[i];
		char line[TOKEN_LINE_MAX];

		token_entry_format(e, line);
		again = token_table_parse("f", line, strlen(line), &none);
		if (!again || none.n || again->n != 1 || e->role <= API_ROLE_NONE ||
			e->role >= API_ROLE_MAX || !token_name_valid(e->name, e->is_certificate))
			abort();
		if (!streq(again->entries[0].name, e->name) || again->entries[0].role != e->role ||
			memcmp(again->entries[0].hash, e->hash, TOKEN_HASH_BYTES) != 0 ||
			(again->entries[0].expires_real_usec == USEC_INFINITY) !=
				(e->expires_real_usec == USEC_INFINITY))
			abort();
		if (!e->is_certificate && token_table_find_token(t, e->hash) != e)
			abort();
	}
	return 0;
}
