/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sizes, spans, ratios: what is accepted reads back as itself, what is refused has a place within
 * the text. */
#include "common/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_refusal(int r, const struct diag *d, uint64_t untouched, size_t len)
{
	if ((r != -EINVAL && r != -ERANGE) || untouched != 7 || !d->text || d->col < 1 ||
		d->col > len + 1)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *s = strndup((const char *)data, size);
	char size_text[SIZE_TEXT_MAX], span_text[SPAN_TEXT_MAX], ratio_text[RATIO_TEXT_MAX];
	_cleanup_diag_ struct diag d = {0};
	uint64_t v = 7, back;
	int r;

	if (!s)
		return 0;
	r = size_parse(s, &v, &d);
	if (r < 0)
		check_refusal(r, &d, v, strlen(s));
	else if (size_parse(size_format_exact(v, size_text), &back, NULL) < 0 || back != v)
		abort();
	size_format(v, size_text);

	v = 7;
	r = span_parse(s, &v, &d);
	if (r < 0)
		check_refusal(r, &d, v, strlen(s));
	else if (span_parse(span_format(v, span_text), &back, NULL) < 0 || back != v)
		abort();

	v = 7;
	r = ratio_parse(s, 20000, &v, &d);
	if (r < 0)
		check_refusal(r, &d, v, strlen(s));
	else if (v > 20000 || ratio_parse(ratio_format(v, ratio_text), 20000, &back, NULL) < 0 ||
		 back != v)
		abort();
	return 0;
}
