/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/output.h"

#include <inttypes.h>

void output_clear(struct output *o)
{
	free(o->state);
	*o = (struct output){0};
}

char *seconds_format(uint64_t msec, char buf[static SECONDS_TEXT_MAX])
{
	int len = snprintf(buf, SECONDS_TEXT_MAX, "%" PRIu64 ".%03" PRIu64, msec / 1000,
		msec % 1000);

	while (len > 2 && buf[len - 1] == '0' && buf[len - 2] != '.')
		buf[--len] = '\0';
	return buf;
}
