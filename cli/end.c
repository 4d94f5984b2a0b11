/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/end.h"

#include <time.h>

#include "common/json.h"
#include "common/units.h"
#include "policy/what-if.h"

uint64_t end_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

int end_put(struct cli *c, json_t *body, unsigned max_days)
{
	const char *for_text = cli_value(c, OPT_FOR), *until_text = cli_value(c, OPT_UNTIL);
	_cleanup_diag_ struct diag d = {0};
	char time[JSON_TIME_MAX];
	uint64_t usec;

	if (for_text && span_parse(for_text, &usec, &d) < 0)
		return cli_usage(c, "--for: %s", d.text ? d.text : "not a span");
	if (for_text && (usec < USEC_PER_SEC || usec > max_days * USEC_PER_DAY))
		return cli_usage(
			c, "--for: found \"%s\", expected 1s to %u days", for_text, max_days);
	if (for_text)
		json_object_set_new(body, "for_s", json_integer((json_int_t)(usec / USEC_PER_SEC)));
	if (!until_text)
		return CLI_OK;
	if (json_time_parse(until_text, &usec) < 0 &&
		what_if_time(until_text, end_now(), NULL, &usec, &d) < 0)
		return cli_usage(c,
			"--until: found \"%s\", expected a time to come: 18:00, \"Mon 08:00\", \"2026-12-01 18:00\", or 2026-12-01T18:00:00Z in UTC; for a span there is --for=2h",
			until_text);
	json_object_set_new(body, "until", json_string(json_time_format(usec, time)));
	return CLI_OK;
}
