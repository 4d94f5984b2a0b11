/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sizes that follow from what is known of a guest's need. */
#include "policy/demand.h"

#include "policy/demand-parts.h"

/* Three percent up and down. */
#define NOISE_PARTS 16
/* Even with swap a guest is not taken below half of what it uses, nor below what its kernel needs
 * to swap with. */
#define CORE_BYTES (64 * MIB)

void demand_sizes(const struct demand *d, const struct guest_sample *s, const struct settings *set,
	bool stale, uint64_t now_usec, struct demand_sizes *ret)
{
	uint64_t resident = s->resident_bytes ? sub_sat(s->resident_bytes, s->qemu_bytes)
					      : s->actual_bytes;
	/* Never heard: the host's own figure is an upper bound of its use. */
	uint64_t used = d->known ? d->used_bytes
				 : MIN(s->actual_bytes, add_sat(resident, s->swapped_bytes));
	/* Without the noise of its reports. */
	uint64_t high = d->known ? MAX(d->high_bytes, used) : used;
	uint64_t burst = demand_burst(s), boost, need, low;

	memset(ret, 0, sizeof(*ret));
	ret->headroom_bytes = set->mem_headroom.is_ratio
				      ? mul_div(high, set->mem_headroom.value, PERMYRIAD)
				      : set->mem_headroom.value;
	/* Or whoever has what it wants would be under pressure for having little left there. */
	low = low_bytes(add_sat(high, ret->headroom_bytes));
	ret->headroom_bytes = MAX(ret->headroom_bytes, low + low / 8);
	ret->no_net = d->known && !d->has_net;
	ret->used_bytes = add_sat(used, ret->headroom_bytes / 4);
	/* What it has swapped out it uses as well, or each half would make the next one smaller. */
	ret->least_bytes = MAX(d->known ? add_sat(used, d->swapped_bytes) / 2 : used, CORE_BYTES);
	ret->safe_bytes = MIN(s->target_bytes, ret->least_bytes);
	/* What it has of the noise of its use is left to it, or it would be taken and owed by
	 * turns. Of who has never been heard no net is known. */
	if (d->known ? ret->no_net : !s->autodeflate) {
		ret->least_bytes = add_sat(high, MAX(ret->headroom_bytes, burst));
		ret->safe_bytes = ret->used_bytes = MAX(ret->least_bytes,
			MIN(s->target_bytes, ret->least_bytes + high / NOISE_PARTS));
	}
	/* What it took since its last word the host sees. */
	if (stale && d->heard_resident_bytes)
		used = MIN(add_sat(used, sub_sat(resident, d->heard_resident_bytes)),
			MAX(used, s->actual_bytes));
	if (stale)
		ret->used_bytes = MAX(ret->used_bytes, add_sat(used, ret->headroom_bytes));
	ret->want_bytes = add_sat(high, ret->headroom_bytes);
	if (d->fill_bytes_per_sec) /* what it will have filled before the next look */
		ret->want_bytes = add_sat(ret->want_bytes, d->fill_bytes_per_sec / 2);
	ret->soft_bytes = add_sat(ret->want_bytes, d->file_bytes);
	/* Where it was seen short it needs an eighth more at least; doubted after a long time. That
	 * is proved, and a want; how much more it takes is a guess, and comes after what others are
	 * known to use. */
	need = stale ? 0 : demand_need_now(d, now_usec);
	need += need / 8;
	ret->proved = !stale && demand_need_proved(d, now_usec);
	boost = stale ? 0 : fade(d->boost_bytes, d->boost_usec + BOOST_HOLD_USEC, now_usec,
				    BOOST_HALF_USEC);
	if (d->need_doubted) /* a guess: it may keep that, and does not grow for it */
		need = MIN(need, s->target_bytes);
	need = mul_div(sub_sat(need, ret->want_bytes), d->credit_permyriad, PERMYRIAD);
	boost = mul_div(sub_sat(boost, ret->want_bytes + need), d->credit_permyriad, PERMYRIAD);
	ret->want_bytes = add_sat(ret->want_bytes, need);
	ret->soft_bytes = MAX(ret->soft_bytes, ret->want_bytes);
	/* who has never been heard asks for nothing: its resident size would chase every grant */
	if (!d->known) {
		ret->want_bytes = ret->soft_bytes = MIN(ret->want_bytes, s->target_bytes);
		ret->used_bytes = MIN(ret->used_bytes, s->target_bytes);
		ret->safe_bytes = MIN(ret->safe_bytes, s->target_bytes);
	}
	ret->boost_bytes = add_sat(ret->want_bytes, boost);
	ret->recent_bytes = add_sat(MAX(d->peak_bytes, high), ret->headroom_bytes);
	ret->full_release = (d->stalled || d->chase >= CHASE_MAX) && d->pressed && !stale &&
			    d->credit_permyriad == PERMYRIAD;
}
