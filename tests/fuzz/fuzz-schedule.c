/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Schedules: lines "until EVENT", "for SPAN", "at SECONDS", and any other an OnCalendar= event. The
 * answer holds up to the next change that is named with it, and the next change is later.
 */
#include "policy/schedule.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(what)                                             \
	do {                                                      \
		if (!(what)) {                                    \
			fprintf(stderr, "not true: %s\n", #what); \
			abort();                                  \
		}                                                 \
	} while (0)

static const struct zone_source no_zones = {"/nonexistent", "/nonexistent"};

static void check(const struct schedule *s, uint64_t now)
{
	for (int i = 0; i < 4; i++) {
		uint64_t next, later;
		bool open, still;

		schedule_judge(s, now, &open, &next);
		REQUIRE(next > now);
		/* Half-way and at its very end the answer still holds, and ends where it was
		 * said. */
		schedule_judge(s, now + (next - now) / 2, &still, &later);
		REQUIRE(still == open);
		REQUIRE(later >= next);
		if (next == USEC_INFINITY)
			return;
		schedule_judge(s, next - 1, &still, &later);
		REQUIRE(still == open);
		REQUIRE(later >= next);
		now = next;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = strndup((const char *)data, size);
	struct schedule_value events[SCHEDULE_EVENTS_MAX + 1];
	struct schedule_spec spec = {.on_calendar = events,
		.timezone = {.text = "UTC"},
		.section = {.line = 1, .col = 1}};
	_cleanup_schedule_ struct schedule *s = NULL;
	_cleanup_diag_ struct diag d = {0};
	uint64_t now = UINT64_C(1766361600); /* 2025-12-22 */
	char *rest = text, *line;
	int r;

	while (text && (line = strsep(&rest, "\n"))) {
		struct schedule_value v = {.text = line, .file = "f", .line = 2, .col = 5};

		if (strncmp(line, "until ", 6) == 0) {
			v.text += 6;
			spec.until = v;
		} else if (strncmp(line, "for ", 4) == 0) {
			v.text += 4;
			spec.duration = v;
		} else if (strncmp(line, "at ", 3) == 0) {
			now = strtoull(line + 3, NULL, 10);
		} else if (*line && spec.n_on_calendar < ARRAY_SIZE(events)) {
			events[spec.n_on_calendar++] = v;
		}
	}
	r = schedule_new(&spec, &no_zones, &s, &d);
	if (r < 0) {
		REQUIRE(r == -EINVAL || r == -ERANGE || r == -ENOENT);
		REQUIRE(d.text && d.line && d.col >= 1);
		return 0;
	}
	check(s, now % UINT64_C(8000000000) * USEC_PER_SEC);
	check(s, now % UINT64_C(1000000007) * USEC_PER_SEC + now % USEC_PER_SEC);
	return 0;
}
