/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/demand.h"

#include "common/units.h"

/* It is helped before its policy's MaxStall is reached: a guest is pressed from half of that percentage, for a tenth of that time (by default
 * 5 % of a second: the agent's trigger), and relieved below a tenth of it (1 %): "PSI > 0" never clears on a busy host. */
#define STALL_ON_PARTS   2
#define STALL_TIME_PARTS 10
#define STALL_OFF_PARTS  10
/* Refaults are exactly 0 when a cache is read cold, 12800 a second when it is cycled on a 50 MB/s disk; a few are noise. */
#define REFAULTS_ON  128
#define REFAULTS_OFF 32
/* Rates are taken over at least this long, or a short interval would make a large one of a single fault. */
#define INTERVAL_MIN_USEC     USEC_PER_SEC
#define INTERVAL_PRESSED_USEC (USEC_PER_SEC / 10)
/* Memory that was just released is still being filled: no judgement, no fading before this. */
#define BOOST_HOLD_USEC (10 * USEC_PER_SEC)
#define BOOST_HALF_USEC (30 * USEC_PER_SEC)
#define PEAK_HALF_USEC  (60 * USEC_PER_SEC)
/* A size at which a guest was seen short stays known that long before it is doubted. */
#define NEED_HOLD_USEC (30 * USEC_PER_MIN)
/* So long it fills what it was given for that. */
#define NEED_SETTLE_USEC USEC_PER_MIN
/* A fall of its use by an eighth is more than noise. */
#define NEED_USED_PARTS 8
/* Between two steps of growth for refaults: the balloon's time and the disk's to show an effect. */
#define STEP_USEC (2 * USEC_PER_SEC)
/* Two grants within that, and pressed still: it fills as fast as it is given, so measuring each step only keeps it short. */
#define CHASE_USEC (2 * USEC_PER_SEC)
#define CHASE_MAX  2
/* What was granted must be used within this (DESIGN: credible pressure). */
#define CREDIT_CHECK_USEC (10 * USEC_PER_SEC)
#define CREDIT_MIN        100
/* Actual counts as steady after this: totals and actual then belong together. */
#define STEADY_USEC  (2 * USEC_PER_SEC)
#define STEADY_BYTES (2 * MIB)
/* Kernels and drivers are late by pages: below this much available memory a guest is about to kill. */
#define LOW_MIN_BYTES (24 * MIB)
#define LOW_MAX_BYTES (512 * MIB)

/* Even with swap a guest is not taken below half of what it uses, nor below what its kernel needs to swap with. */
#define CORE_BYTES (64 * MIB)

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
	d->credit_permyriad = old.credit_permyriad;
	d->not_credible = old.not_credible;
	d->max_stall = old.max_stall;
	d->pressed_usec = old.pressed_usec; /* or the credit would come back at once, as after a minute of calm */
	d->check_usec = old.check_usec;
	d->check_resident_bytes = old.check_resident_bytes;
	d->check_granted_bytes = old.check_granted_bytes;
	d->overhead_bytes = old.overhead_bytes; /* what its kernel keeps goes by its maximum, which is as it was */
}

/* Halves x for every half_usec that passed since from_usec; between the halvings it falls in a straight line. */
static uint64_t fade(uint64_t x, uint64_t from_usec, uint64_t now_usec, uint64_t half_usec)
{
	uint64_t passed = sub_sat(now_usec, from_usec), halves = passed / half_usec;

	if (halves >= 63)
		return 0;
	x >>= halves;
	return x - mul_div(x / 2, passed % half_usec, half_usec);
}

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
 * Rates since the base. A line that was sent for a reason tells of the last second, whatever the length of the quiet interval
 * before it. What was counted before the guest grew tells nothing of its new size: counting begins anew.
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
	/* A short interval is not over yet: what it has so far is the least that its second will bring. One that is known to be
	 * short is looked at more closely. */
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

/* What it had at the moment of the report: total + overhead, while the host's figure may be newer. With autodeflate MemTotal stays at the
 * maximum, so the host's figure has to do. */
static uint64_t size_then(struct demand *d, const struct guest_sample *s, bool steady)
{
	const struct guest_report *r = &s->report;

	if (steady && !s->autodeflate && s->actual_bytes > r->total_bytes) {
		uint64_t overhead = s->actual_bytes - r->total_bytes;

		d->overhead_bytes = d->overhead_bytes ? smooth(d->overhead_bytes, overhead, 2)
						      : overhead;
	}
	if (steady || s->autodeflate || !d->overhead_bytes)
		return s->actual_bytes;
	return r->total_bytes + d->overhead_bytes;
}

static void use_update(struct demand *d, const struct guest_sample *s, uint64_t now_usec)
{
	const struct guest_report *r = &s->report;
	/* On its way its size is not the one that it reported of, whatever was read last. */
	bool moving = MAX(s->actual_bytes, s->target_bytes) - MIN(s->actual_bytes, s->target_bytes) >
		      STEADY_BYTES;
	bool steady = !moving && sub_sat(r->arrival_usec, d->steady_since_usec) >= STEADY_USEC;
	uint64_t passed = sub_sat(r->arrival_usec, d->arrival_usec), used, rise;

	d->size_bytes = size_then(d, s, steady);
	used = sub_sat(d->size_bytes, r->available_bytes);
	/* Nobody uses what its QEMU never touched. */
	if (s->resident_bytes)
		used = MIN(used, s->resident_bytes);
	rise = sub_sat(used, d->used_bytes);

	d->fill_bytes_per_sec = 0;
	/* A rise of more than noise (3 % of actual, the agent's own threshold) is a fill that goes on. */
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
	d->file_bytes = MIN(r->file_bytes, sub_sat(s->actual_bytes, d->peak_bytes));
	d->available_bytes = r->available_bytes;
	d->known = true;
}

/* Below this a burst of allocations may meet nothing. */
static uint64_t low_bytes(uint64_t size_bytes)
{
	return CLAMP(size_bytes / 16, LOW_MIN_BYTES, LOW_MAX_BYTES);
}

/* The size at which it was last seen short. It shrinks with what it uses: programs that ended do not read their files again;
 * otherwise it is doubted only after a long time, or lender and borrower would swap places for ever. */
static uint64_t need_now(const struct demand *d, uint64_t now_usec)
{
	uint64_t need = fade(d->need_bytes, d->need_usec + NEED_HOLD_USEC, now_usec, NEED_HOLD_USEC);

	/* What its programs use more since then has left that much less for its cache. */
	need = need ? add_sat(need, sub_sat(d->average_bytes, d->need_settled_bytes)) : 0;
	if (d->average_bytes < d->need_used_bytes - d->need_used_bytes / NEED_USED_PARTS)
		need = mul_div(need, d->average_bytes, d->need_used_bytes);
	return need;
}

static uint64_t stall_off(const struct demand *d)
{
	return MAX(d->max_stall.permyriad / STALL_OFF_PARTS, UINT64_C(1));
}

/* Stalls enough, and for long enough. A line tells of the second before it. */
static bool stalls_now(struct demand *d, uint64_t now_usec)
{
	uint64_t on = MAX(d->max_stall.permyriad / STALL_ON_PARTS, UINT64_C(1));

	if (!d->rates_known || d->stall_permyriad < on) {
		d->stall_since_usec = 0;
		return false;
	}
	if (!d->stall_since_usec)
		d->stall_since_usec = now_usec;
	return add_sat(now_usec - d->stall_since_usec, USEC_PER_SEC) >=
	       d->max_stall.usec / STALL_TIME_PARTS;
}

static void pressure_update(struct demand *d, const struct guest_sample *s, uint64_t now_usec)
{
	const struct guest_report *r = &s->report;
	bool stall = stalls_now(d, now_usec);
	bool refault = d->rates_known && d->refaults_per_sec >= REFAULTS_ON;
	bool low = r->available_bytes < low_bytes(s->actual_bytes);

	if (stall || refault || low) {
		d->pressed = true;
		d->pressed_usec = now_usec;
	} else if (d->pressed && (d->rates_fresh || !r->has_counters) &&
		   d->stall_permyriad < stall_off(d) &&
		   d->refaults_per_sec < REFAULTS_OFF) {
		d->pressed = false;
		d->chase = 0;
	}
	/* It may be short on when its stall has ended. */
	d->stalled = d->pressed && (stall || (d->stalled && (!d->rates_fresh ||
								   d->stall_permyriad >= stall_off(d))));
	/* It fills what it was given then: that takes nothing from its cache. */
	if (d->pressed || now_usec - d->need_usec < NEED_SETTLE_USEC)
		d->need_settled_bytes = MAX(d->need_settled_bytes, d->average_bytes);
	if ((stall || refault) && d->size_bytes >= need_now(d, now_usec)) {
		d->need_bytes = d->size_bytes;
		d->need_used_bytes = d->need_settled_bytes = d->average_bytes;
		d->need_usec = now_usec;
	}
}

int demand_judge_stall(struct demand *d, const struct stall_limit *limit, uint64_t now_usec)
{
	if (!d->pressed || d->stall_permyriad <= limit->permyriad) {
		bool told = d->over_told;

		d->over_since_usec = 0;
		d->over_told = false;
		return told ? -1 : 0;
	}
	if (!d->over_since_usec)
		d->over_since_usec = now_usec;
	if (d->over_told || now_usec - d->over_since_usec < limit->usec)
		return 0;
	d->over_told = true;
	return 1;
}

/* What it asks while it is short. Rises at once; held, then faded by demand_sizes() when the pressure is gone. */
static void boost_update(struct demand *d, const struct guest_sample *s, uint64_t now_usec)
{
	uint64_t ask;

	if (!d->pressed || now_usec != d->pressed_usec)
		return;
	if (d->stalled)
		ask = 2 * s->target_bytes; /* and a full release from what nobody wants */
	else if (d->refaults_per_sec >= REFAULTS_ON && sub_sat(now_usec, d->step_usec) >= STEP_USEC)
		/* the gain has a cliff (256 -> 360 MiB: 2.5 times, -> 400: 31 times): step wide, then look again */
		ask = s->actual_bytes + MAX(s->actual_bytes / 8, 64 * MIB);
	else if (d->refaults_per_sec < REFAULTS_ON)
		ask = s->actual_bytes + MAX(s->actual_bytes / 4, low_bytes(s->actual_bytes));
	else
		return;
	if (d->refaults_per_sec >= REFAULTS_ON)
		d->step_usec = now_usec;
	d->boost_bytes = MAX(ask, fade(d->boost_bytes, d->boost_usec + BOOST_HOLD_USEC, now_usec,
					  BOOST_HALF_USEC));
	d->boost_usec = now_usec;
}

/* Ten seconds after a grant under pressure: was it used, or did it help? */
static void credit_update(struct demand *d, const struct guest_sample *s, uint64_t now_usec)
{
	if (!d->pressed && sub_sat(now_usec, d->pressed_usec) >= 60 * USEC_PER_SEC) {
		d->credit_permyriad = PERMYRIAD;
		d->not_credible = false;
	}
	if (!d->check_usec || sub_sat(now_usec, d->check_usec) < CREDIT_CHECK_USEC)
		return;
	d->check_usec = 0;
	if (!d->pressed)
		return;
	if (!s->resident_bytes ||
		sub_sat(s->resident_bytes, d->check_resident_bytes) >= d->check_granted_bytes / 2) {
		d->credit_permyriad = PERMYRIAD;
		d->not_credible = false;
		return;
	}
	d->credit_permyriad /= 2;
	d->not_credible = true;
	if (d->credit_permyriad < CREDIT_MIN) {
		d->credit_permyriad = 0;
		return;
	}
	d->check_usec = now_usec; /* and again in ten seconds, for what it was given by then */
	d->check_resident_bytes = s->resident_bytes;
}

void demand_granted(struct demand *d, const struct guest_sample *s, uint64_t granted_bytes,
	uint64_t now_usec)
{
	if (!d->pressed)
		return;
	d->chase = sub_sat(now_usec, d->grant_usec) < CHASE_USEC ? d->chase + 1 : 0;
	d->grant_usec = now_usec;
	if (d->check_usec || !s->resident_bytes)
		return;
	d->check_usec = now_usec;
	d->check_resident_bytes = s->resident_bytes;
	d->check_granted_bytes = granted_bytes;
}

void demand_update(struct demand *d, const struct guest_sample *s, uint64_t now_usec)
{
	const struct guest_report *r = &s->report;

	if (s->actual_bytes != d->actual_bytes) {
		d->grew |= s->actual_bytes > d->actual_bytes;
		d->actual_bytes = s->actual_bytes;
		d->steady_since_usec = now_usec;
	}
	d->oom_kills = 0;
	if (r->source != REPORT_NONE && (r->arrival_usec != d->arrival_usec || r->seq != d->seq)) {
		if (r->boot_id != d->boot_id || r->source != d->source) {
			d->boot_id = r->boot_id;
			d->source = r->source;
			d->base_usec = 0;
		}
		rates_update(d, r);
		use_update(d, s, now_usec);
		pressure_update(d, s, now_usec);
		boost_update(d, s, now_usec);
		d->arrival_usec = r->arrival_usec;
		d->guest_usec = r->guest_usec;
		d->seq = r->seq;
	}
	credit_update(d, s, now_usec);
}

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
			add_sat(used, MAX(ret->headroom_bytes, burst));
	if (stale)
		ret->used_bytes = MAX(ret->used_bytes, add_sat(used, ret->headroom_bytes));
	ret->want_bytes = add_sat(peak, ret->headroom_bytes);
	if (d->fill_bytes_per_sec) /* what it will have filled before the next look */
		ret->want_bytes = add_sat(ret->want_bytes, d->fill_bytes_per_sec / 2);
	ret->soft_bytes = add_sat(ret->want_bytes, d->file_bytes);
	/* Where it was seen short it needs an eighth more at least; doubted after a long time. That is proved, and a want; how much
	 * more it takes is a guess, and comes after what others are known to use. */
	need = stale ? 0 : need_now(d, now_usec);
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

uint64_t demand_wake(const struct demand *d, uint64_t now_usec)
{
	uint64_t wake = USEC_INFINITY;

	if (d->check_usec)
		wake = d->check_usec + CREDIT_CHECK_USEC;
	if (d->pressed)
		wake = MIN(wake, now_usec + USEC_PER_SEC);
	return wake;
}
