/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/demand.h"

#include "policy/demand-parts.h"

void demand_init(struct demand *d)
{
	memset(d, 0, sizeof(*d));
	d->credit_permyriad = PERMYRIAD;
	d->max_stall = settings_default.mem_max_stall;
}

void demand_reset(struct demand *d)
{
	struct demand old = *d;

	demand_init(d);
	d->reset = true;
	d->credit_permyriad = old.credit_permyriad;
	d->not_credible = old.not_credible;
	d->max_stall = old.max_stall;
	/* or the credit would come back at once, as after a minute of calm */
	d->pressed_usec = old.pressed_usec;
	d->check_usec = old.check_usec;
	d->check_resident_bytes = old.check_resident_bytes;
	d->check_granted_bytes = old.check_granted_bytes;
	/* what its kernel keeps goes by its maximum, which is as it was */
	d->overhead_bytes = old.overhead_bytes;
}

void demand_update(struct demand *d, const struct guest_sample *s, uint64_t now_usec)
{
	const struct guest_report *r = &s->report;

	if (s->actual_bytes != d->actual_bytes) {
		d->grew |= s->actual_bytes > d->actual_bytes;
		d->steady_since_usec = d->actual_bytes || d->reset ? now_usec : 0;
		d->actual_bytes = s->actual_bytes;
	}
	d->oom_kills = 0;
	if (r->source != REPORT_NONE && (r->arrival_usec != d->arrival_usec || r->seq != d->seq)) {
		if (r->boot_id != d->boot_id || r->source != d->source) {
			d->boot_id = r->boot_id;
			d->source = r->source;
			d->base_usec = 0;
		}
		demand_take_report(d, s, now_usec);
		demand_take_pressure(d, s, now_usec);
		d->arrival_usec = r->arrival_usec;
		d->guest_usec = r->guest_usec;
		d->seq = r->seq;
	}
	demand_check_credit(d, s, now_usec);
}

uint64_t demand_wake(const struct demand *d, uint64_t now_usec)
{
	uint64_t wake = USEC_INFINITY;

	if (d->check_usec)
		wake = d->check_usec + CREDIT_CHECK_USEC;
	if (d->pressed)
		wake = MIN(wake, now_usec + USEC_PER_SEC);
	return wake;
}
