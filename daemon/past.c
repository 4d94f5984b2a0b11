/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/past.h"

void past_query_clear(struct past_query *q)
{
	if (q->kind == PAST_EVENTS) {
		free(q->events.text);
		q->events.text = NULL;
	} else {
		free(q->history.series);
		q->history.series = NULL;
	}
}
