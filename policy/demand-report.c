/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a report tells: rates since the last one, and how much of its memory the guest uses. */
#include "policy/demand.h"

#include "policy/demand-parts.h"

/* Rates are taken over at least this long, or a short interval would make a large one of a single
 * fault. */
#define INTERVAL_MIN_USEC     USEC_PER_SEC
#define INTERVAL_PRESSED_USEC (USEC_PER_SEC / 10)
#define PEAK_HALF_USEC  (60 * USEC_PER_SEC)
/* What must not be missed is counted at the top of the noise (3 % up and down): no command follows
 * each report. */
#define HIGH_PARTS 8
/* Above three percent of noise up and down. */
#define NET_PARTS 8
/* Actual counts as steady after this: totals and actual then belong together. */
#define STEADY_USEC  (2 * USEC_PER_SEC)
#define STEADY_BYTES (2 * MIB)

static uint64_t smooth(uint64_t average, uint64_t sample, unsigned shift)
{
	return average < sample ? average + ((sample - average) >> shift)
				: average - ((average - sample) >> shift);
}

static void base_set(struct demand *d, const struct guest_report *r)
{
	d->base_usec = r->guest_usec;
	d->base_mem_some = r->psi_mem_some_usec;
	d->base_mem_full = r->psi_mem_full_usec;
	d->base_cpu_some = r->psi_cpu_some_usec;
	d->base_io_some = r->psi_io_some_usec;
	d->base_refaults = r->refaults_file + r->refaults_anon;
	d->base_oom = r->oom_kills;
}

/*
 * Rates since the base. A line that was sent for a reason tells of the last second, whatever the
 * length of the quiet interval before it. What was counted before the guest grew tells nothing of
 * its new size: counting begins anew.
 */
static void rates_update(struct demand *d, const struct guest_report *r)
{
	uint64_t span = sub_sat(r->guest_usec, d->base_usec);
	bool first = !d->base_usec || !r->has_counters;

	d->rates_fresh = false;
	d->oom_kills = first ? 0 : sub_sat(r->oom_kills, d->base_oom);
	d->base_oom = r->oom_kills;
	if (first || d->grew) {
		base_set(d, r);
		d->rates_known = false;
		d->grew = false;
		return;
	}
	/* A short interval is not over yet: what it has so far is the least that its second will
	 * bring. One that is known to be short is looked at more closely. */
	d->rates_fresh = span >= INTERVAL_MIN_USEC;
	if (d->pressed && span < INTERVAL_MIN_USEC)
		span = MAX(span, INTERVAL_PRESSED_USEC);
	else if (r->why != REPORT_WHY_HEARTBEAT || !d->rates_fresh)
		span = INTERVAL_MIN_USEC;
	d->rates_known = true;
	d->stall_permyriad = MIN(PERMYRIAD, mul_div(sub_sat(r->psi_mem_some_usec, d->base_mem_some),
						    PERMYRIAD, span));
	d->stall_full_permyriad = MIN(PERMYRIAD,
		mul_div(sub_sat(r->psi_mem_full_usec, d->base_mem_full), PERMYRIAD, span));
	d->cpu_permyriad = MIN(PERMYRIAD,
		mul_div(sub_sat(r->psi_cpu_some_usec, d->base_cpu_some), PERMYRIAD, span));
	d->io_permyriad = MIN(PERMYRIAD,
		mul_div(sub_sat(r->psi_io_some_usec, d->base_io_some), PERMYRIAD, span));
	d->refaults_per_sec = mul_div(
		sub_sat(r->refaults_file + r->refaults_anon, d->base_refaults), USEC_PER_SEC, span);
	if (d->rates_fresh)
		base_set(d, r);
}

/* What its kernel keeps of it. That of a guest that was found is taken on trust, until it was seen
 * to stand still. */
static void overhead_update(struct demand *d, const struct guest_sample *s, bool found)
{
	uint64_t overhead = sub_sat(s->actual_bytes, s->report.total_bytes);

	if (s->autodeflate || !overhead)
		return;
	d->overhead_bytes = d->overhead_bytes && !d->overhead_found
				    ? smooth(d->overhead_bytes, overhead, 2)
				    : overhead;
	d->overhead_found = found;
}

/* What it had at the moment of the report: total + overhead, while the host's figure may be newer.
 * With autodeflate MemTotal stays at the maximum, so the host's figure has to do. */
static uint64_t size_then(const struct demand *d, const struct guest_sample *s, bool steady)
{
	if (steady || s->autodeflate || !d->overhead_bytes)
		return s->actual_bytes;
	return s->report.total_bytes + d->overhead_bytes;
}

static void use_update(struct demand *d, const struct guest_sample *s, uint64_t now_usec)
{
	const struct guest_report *r = &s->report;
	/* On its way its size is not the one that it reported of, whatever was read last. */
	bool moving =
		MAX(s->actual_bytes, s->target_bytes) - MIN(s->actual_bytes, s->target_bytes) >
		STEADY_BYTES;
	/* Its first word, and exactly where it was sent: it has stood there for long. */
	bool found = !d->known && !d->steady_since_usec && s->actual_bytes == s->target_bytes;
	bool steady =
		!moving && (found || sub_sat(r->arrival_usec, d->steady_since_usec) >= STEADY_USEC);
	uint64_t passed = sub_sat(r->arrival_usec, d->arrival_usec), used, rise;

	if (steady)
		overhead_update(d, s, found);
	d->size_bytes = size_then(d, s, steady);
	used = sub_sat(d->size_bytes, r->available_bytes);
	/* Nobody uses what its QEMU never touched. */
	if (s->resident_bytes)
		used = MIN(used, add_sat(s->resident_bytes, s->swapped_bytes));
	rise = sub_sat(used, d->used_bytes);

	d->fill_bytes_per_sec = 0;
	/* A rise of more than noise (3 % of actual, the agent's own threshold) is a fill that goes
	 * on. */
	if (d->known && passed && passed < 6 * USEC_PER_SEC && rise > s->actual_bytes / 32)
		d->fill_bytes_per_sec = mul_div(rise, USEC_PER_SEC, MAX(passed, USEC_PER_SEC / 10));
	d->average_bytes = d->known ? smooth(d->average_bytes, used, 2) : used;
	/* A jump is believed at once, noise is not. */
	if (used > d->average_bytes + s->actual_bytes / 16)
		d->average_bytes = used;
	d->peak_bytes = d->average_bytes +
			fade(sub_sat(d->peak_bytes, d->average_bytes), d->peak_usec, now_usec,
				PEAK_HALF_USEC);
	d->peak_usec = now_usec;
	d->used_bytes = used;
	if (used > d->high_bytes || used < d->high_bytes - d->high_bytes / HIGH_PARTS)
		d->high_bytes = used;
	d->heard_resident_bytes = sub_sat(s->resident_bytes, s->qemu_bytes);
	d->file_bytes = MIN(r->file_bytes, sub_sat(s->actual_bytes, d->high_bytes));
	d->available_bytes = r->available_bytes;
	d->known = true;
}

uint64_t demand_burst(const struct guest_sample *s)
{
	return MIN(512 * MIB, s->max_bytes / 4);
}

/* A net that is not known of is none. One that is gone for less than a burst's room has to come
 * back with more, or the noise of a report would tear and mend it. */
static void net_update(struct demand *d, const struct guest_sample *s)
{
	uint64_t burst = demand_burst(s);

	d->has_net = s->autodeflate ||
		     s->report.swap_free_bytes >= (d->has_net ? burst : burst + burst / NET_PARTS);
	d->swapped_bytes = s->report.has_swap
				   ? sub_sat(s->report.swap_total_bytes, s->report.swap_free_bytes)
				   : 0;
}

enum guest_net demand_net(const struct demand *d, const struct guest_sample *s)
{
	if (s->autodeflate)
		return GUEST_NET_AUTODEFLATE;
	if (!d->known)
		return GUEST_NET_UNKNOWN;
	if (d->has_net)
		return GUEST_NET_SWAP;
	if (!s->report.has_swap)
		return GUEST_NET_UNKNOWN;
	return s->report.swap_total_bytes ? GUEST_NET_SWAP_SHORT : GUEST_NET_NONE;
}

void demand_take_report(struct demand *d, const struct guest_sample *s, uint64_t now_usec)
{
	rates_update(d, &s->report);
	use_update(d, s, now_usec);
	net_update(d, s);
}
