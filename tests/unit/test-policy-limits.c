/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of limits in ballast.policy(5) has the figures of the code, row by row. */
#include <stdio.h>

#include "common/ini.h"
#include "common/units.h"
#include "policy/calendar-fields.h"
#include "policy/condition.h"
#include "policy/schedule.h"
#include "policy/timezone-table.h"
#include "tests/test.h"

/* The rows of the table, runs of blanks made one; NULL: no such table. */
static char *read_limits(void)
{
	const char *srcdir = getenv("srcdir"), *from, *to;
	_cleanup_free_ char *page = NULL;
	char path[512], *table, *out;
	size_t len;

	snprintf(path, sizeof(path), "%s/man/ballast.policy.5", srcdir ? srcdir : ".");
	if (ini_read_file(path, &page, &len, NULL) < 0)
		return NULL;
	from = strstr(page, "\n.SH LIMITS\n.EX\n");
	to = from ? strstr(from, "\n.EE\n") : NULL;
	if (!to)
		return NULL;
	from += strlen("\n.SH LIMITS\n.EX");
	table = strndup(from, (size_t)(to + 1 - from));
	out = table;
	for (const char *p = table; p && *p; p++)
		if (*p != ' ' || p[1] != ' ')
			*out++ = *p;
	if (out)
		*out = '\0';
	return table;
}

TEST(the_page_has_the_figures_of_the_code)
{
	_cleanup_free_ char *table = read_limits();
	char rows[10][80], min[SPAN_TEXT_MAX], max[SPAN_TEXT_MAX], size[SIZE_TEXT_MAX];
	size_t n = 0, lines = 0;

	CHECK(table != NULL);
	snprintf(rows[n++], 80, "\nlength of an event %d bytes\n", CALENDAR_TEXT_MAX);
	snprintf(rows[n++], 80, "\nOnCalendar= in one policy %d\n", SCHEDULE_EVENTS_MAX);
	snprintf(rows[n++], 80, "\nyears of an event %d to %d\n", CALENDAR_FIRST_YEAR,
		CALENDAR_LAST_YEAR);
	snprintf(rows[n++], 80, "\ndays counted from the month's end %d\n", CALENDAR_FROM_END_MAX);
	snprintf(rows[n++], 80, "\nDuration= %s to %s\n", span_format(SCHEDULE_DURATION_MIN, min),
		span_format(SCHEDULE_DURATION_MAX, max));
	snprintf(rows[n++], 80, "\njoined windows looked at in one go %d\n", SCHEDULE_STEPS_MAX);
	snprintf(rows[n++], 80, "\nsize of a zone file %s\n",
		size_format(ZONE_FILE_MAX_BYTES, size));
	snprintf(rows[n++], 80, "\nlength of a condition %d bytes\n", CONDITION_TEXT_MAX);
	snprintf(rows[n++], 80, "\nparentheses and \"not\" within each other %d\n",
		CONDITION_DEPTH_MAX);
	snprintf(rows[n++], 80, "\nvalues, facts and operators %d\n", CONDITION_NODES_MAX);
	for (size_t i = 0; i < n; i++)
		CHECK_CONTAINS(table, rows[i]);
	for (const char *p = table + 1; *p; p++)
		lines += *p == '\n';
	CHECK_INT(lines, n);
}

TEST_MAIN()
