/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/when.h"

#include <stdio.h>

#include "common/units.h"

int when_parse(const char *parameter, const char *text, uint64_t now_real_usec,
	uint64_t *ret_real_usec, struct problem *p)
{
	_cleanup_diag_ struct diag d = {0};
	char why[200];
	uint64_t span;

	if (json_time_parse(text, ret_real_usec) == 0) {
		*ret_real_usec = MAX(*ret_real_usec, UINT64_C(1)); /* 0 is no time */
		return 0;
	}
	if (span_parse(text, &span, &d) == 0 && span != USEC_INFINITY) {
		*ret_real_usec = MAX(sub_sat(now_real_usec, span), UINT64_C(1));
		return 0;
	}
	snprintf(why, sizeof(why),
		"found \"%.60s\", expected a time (2026-11-22T08:00:00Z) or a span before now (1h)",
		text);
	return problem_set_query(p, parameter, why);
}
