/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sizes that follow from what is known of a guest's need. */
#include "policy/demand.h"

#include "policy/demand-parts.h"

/* Even with swap a guest is not taken below half of what it uses, nor below what its kernel needs to swap with. */
#define CORE_BYTES (64 * MIB)

/* A net that is not known of is none. */
static bool net_missing(const struct guest_sample *s, uint64_t wanted_bytes)
{
	return !s->autodeflate && s->report.swap_free_bytes < wanted_bytes;
}

void demand_sizes(const struct demand *d, const struct guest_sample *s, const struct settings *set,
	bool stale, uint64_t now_usec, struct demand_sizes *ret)
{
	uint64_t resident = s->resident_bytes ? sub_sat(s->resident_bytes, s->qemu_bytes)
					      : s->actual_bytes;
	/* Never heard: the host's own figure is an upper bound of its use. */
	uint64_t used = d->known ? d->used_bytes : MIN(s->actual_bytes, resident);
	uint64_t peak = d->known ? MAX(d->peak_bytes, d->average_bytes) : used;
	uint64_t burst = MIN(512 * MIB, s->max_bytes / 4), boost, need, low;

	memset(ret, 0, sizeof(*ret));
	ret->headroom_bytes = set->mem_headroom.is_ratio
				      ? mul_div(MAX(peak, used), set->mem_headroom.value, PERMYRIAD)
				      : set->mem_headroom.value;
	/* Or whoever has what it wants would be under pressure for having little left there. */
	low = low_bytes(add_sat(MAX(peak, used), ret->headroom_bytes));
	ret->headroom_bytes = MAX(ret->headroom_bytes, low + low / 8);
	ret->no_net = d->known && net_missing(s, burst);
	ret->used_bytes = add_sat(used, ret->headroom_bytes / 4);
	ret->safe_bytes = MIN(s->target_bytes, MAX(used / 2, CORE_BYTES));
	if (ret->no_net)
		ret->safe_bytes = ret->used_bytes =
			add_sat(MAX(used, d->high_bytes), MAX(ret->headroom_bytes, burst));
	if (stale)
		ret->used_bytes = MAX(ret->used_bytes, add_sat(used, ret->headroom_bytes));
	ret->want_bytes = add_sat(peak, ret->headroom_bytes);
	if (d->fill_bytes_per_sec) /* what it will have filled before the next look */
		ret->want_bytes = add_sat(ret->want_bytes, d->fill_bytes_per_sec / 2);
	ret->soft_bytes = add_sat(ret->want_bytes, d->file_bytes);
	/* Where it was seen short it needs an eighth more at least; doubted after a long time. That is proved, and a want; how much
	 * more it takes is a guess, and comes after what others are known to use. */
	need = stale ? 0 : demand_need_now(d, now_usec);
	need += need / 8;
	boost = stale ? 0 : fade(d->boost_bytes, d->boost_usec + BOOST_HOLD_USEC, now_usec,
				    BOOST_HALF_USEC);
	need = mul_div(sub_sat(need, ret->want_bytes), d->credit_permyriad, PERMYRIAD);
	boost = mul_div(sub_sat(boost, ret->want_bytes + need), d->credit_permyriad, PERMYRIAD);
	ret->want_bytes = add_sat(ret->want_bytes, need);
	ret->soft_bytes = MAX(ret->soft_bytes, ret->want_bytes);
	if (!d->known) { /* who has never been heard asks for nothing: its resident size would chase every grant */
		ret->want_bytes = ret->soft_bytes = MIN(ret->want_bytes, s->target_bytes);
		ret->used_bytes = MIN(ret->used_bytes, s->target_bytes);
	}
	ret->boost_bytes = add_sat(ret->want_bytes, boost);
	ret->full_release = (d->stalled || d->chase >= CHASE_MAX) && d->pressed && !stale && d->credit_permyriad == PERMYRIAD;
}
