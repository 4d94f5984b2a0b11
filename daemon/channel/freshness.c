/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/channel/freshness.h"

#define DRIFT_DIVISOR 1000 /* 1000 ppm */

void freshness_anchor(struct freshness *f, uint64_t arrival_usec, uint64_t guest_usec)
{
	f->anchored = true;
	f->least_usec = (int64_t)(arrival_usec - guest_usec);
	f->updated_usec = arrival_usec;
}

uint64_t freshness_age(struct freshness *f, uint64_t arrival_usec, uint64_t guest_usec)
{
	int64_t difference_usec = (int64_t)(arrival_usec - guest_usec);

	if (!f->anchored)
		return 0;
	if (arrival_usec > f->updated_usec) {
		f->least_usec += (int64_t)((arrival_usec - f->updated_usec) / DRIFT_DIVISOR);
		f->updated_usec = arrival_usec;
	}
	if (difference_usec <= f->least_usec) {
		f->least_usec = difference_usec;
		return 0;
	}
	return (uint64_t)(difference_usec - f->least_usec);
}
