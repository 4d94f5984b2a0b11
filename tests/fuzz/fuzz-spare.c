/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest had, as it is kept in /run: what is accepted is what would be written for it, what
 * is refused has a place within the text. */
#include "daemon/spare.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store_original o = {.bytes = 7};
	char run[SPARE_RUN_MAX], text[SPARE_TEXT_MAX];
	_cleanup_diag_ struct diag d = {0};
	int r = spare_parse("f", (const char *)data, size, run, &o, &d);

	if (r < 0) {
		if (r != -EBADMSG || !d.text || !d.line || !d.col || o.bytes != 7)
			abort();
		return 0;
	}
	if (spare_format(&o, text) != size || memcmp(text, data, size) != 0)
		abort();
	return 0;
}
