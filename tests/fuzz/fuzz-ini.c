/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* INI text: whatever comes in, each byte of a value is where its place says. */
#include "common/ini.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
	const char *bytes;
	size_t len;
};

/* The byte at a place, or NUL where there is none. */
static char byte_at(const struct text *t, unsigned line, unsigned col)
{
	const char *p = t->bytes, *end = p + t->len;

	for (; line > 1 && p; line--) {
		p = memchr(p, '\n', (size_t)(end - p));
		p = p ? p + 1 : NULL;
	}
	return p && (size_t)(end - p) >= col ? p[col - 1] : '\0';
}

static int check_entry(const struct ini_entry *e, void *userdata, struct diag *d)
{
	const struct text *t = userdata;
	unsigned line, col;

	if (!e->key)
		return 0;
	if (*e->key != byte_at(t, e->line, e->key_col))
		abort();
	/* The blank that stands for a joined line end has no byte of its own. */
	for (size_t i = 0; e->value[i] && i < 256; i++) {
		ini_entry_place(e, i, &line, &col);
		if (e->value[i] != ' ' && e->value[i] != byte_at(t, line, col))
			abort();
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_diag_list_ struct diag_list findings = {0};
	_cleanup_diag_ struct diag d = {0};
	/* A byte order mark is no column. */
	size_t bom = size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	struct text t = {(const char *)data + bom, size - bom};
	int first = ini_parse("input", (const char *)data, size, check_entry, &t, &d);
	int found = ini_parse_all("input", (const char *)data, size, check_entry, &t, &findings);

	if (found < 0 || (size_t)found != findings.n || (first < 0) != (found > 0))
		abort();
	if (first < 0 &&
		(d.line != findings.items[0].line || !streq(d.text, findings.items[0].text)))
		abort();
	return 0;
}
