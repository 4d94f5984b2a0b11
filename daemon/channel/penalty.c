/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/channel/penalty.h"

bool penalty_bad_line(struct penalty *p, uint64_t now_usec)
{
	uint64_t *oldest;

	p->bad_usec[p->bad_next] = MAX(now_usec, UINT64_C(1));
	p->bad_next = (p->bad_next + 1) % PENALTY_BAD_LINES;
	oldest = &p->bad_usec[p->bad_next];
	return *oldest && now_usec - *oldest < PENALTY_BAD_WINDOW_USEC;
}

bool penalty_over(struct penalty *p, uint64_t now_usec)
{
	if (!p->over_since_usec)
		p->over_since_usec = MAX(now_usec, UINT64_C(1));
	return now_usec - p->over_since_usec >= PENALTY_OVER_USEC;
}

void penalty_within(struct penalty *p)
{
	p->over_since_usec = 0;
}

uint64_t penalty_begin(struct penalty *p, uint64_t now_usec)
{
	bool forgiven = !p->last_usec || now_usec - p->until_usec >= PENALTY_FORGIVEN_USEC;
	uint64_t length_usec =
		forgiven ? PENALTY_FIRST_USEC : MIN(2 * p->last_usec, PENALTY_MAX_USEC);

	*p = (struct penalty){.last_usec = length_usec, .until_usec = now_usec + length_usec};
	return length_usec;
}
