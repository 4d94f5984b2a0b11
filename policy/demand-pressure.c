/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a guest is short of memory, how short, and how far its word counts. */
#include "policy/demand.h"

#include "policy/demand-parts.h"

/* It is helped before its policy's MaxStall is reached: a guest is pressed from half of that
 * percentage, for a tenth of that time (by default 5 % of a second: the agent's trigger), and
 * relieved below a tenth of it (1 %): "PSI > 0" never clears on a busy host. */
#define STALL_ON_PARTS   2
#define STALL_TIME_PARTS 10
#define STALL_OFF_PARTS  10
/* Refaults are exactly 0 when a cache is read cold, 12800 a second when it is cycled on a 50 MB/s
 * disk; a few are noise. */
#define REFAULTS_ON  128
#define REFAULTS_OFF 32
/* A size at which a guest was seen short stays known that long before it is doubted. */
#define NEED_HOLD_USEC (30 * USEC_PER_MIN)
/* So long it fills what it was given for that. */
#define NEED_SETTLE_USEC USEC_PER_MIN
/* A fall of its use by an eighth is more than noise. */
#define NEED_USED_PARTS 8
/* One by so much makes what it needed then a guess, until it is seen short again. */
#define NEED_DOUBT_PARTS 4
/* Between two steps of growth for refaults: the balloon's time and the disk's to show an effect,
 * seen in every second of its lines. */
#define STEP_USEC (1500 * USEC_PER_MSEC)
#define STEP_SECONDS UINT64_C(2)
#define CREDIT_MIN 100
/* What it says so long after a grant tells of the size after it: the balloon's time, and a second's
 * rates. */
#define CREDIT_EVIDENCE_USEC (3 * USEC_PER_SEC)

/* What it is believed to use at least: a fall of it at once. */
static uint64_t uses(const struct demand *d)
{
	return MIN(d->average_bytes, d->high_bytes);
}

static bool use_fell(const struct demand *d, uint64_t parts)
{
	return uses(d) < d->need_used_bytes - d->need_used_bytes / parts;
}

/* The size at which it was last seen short. It shrinks with what it uses: programs that ended do
 * not read their files again; otherwise it is doubted only after a long time, or lender and
 * borrower would swap places for ever. */
uint64_t demand_need_now(const struct demand *d, uint64_t now_usec)
{
	uint64_t need =
		fade(d->need_bytes, d->need_usec + NEED_HOLD_USEC, now_usec, NEED_HOLD_USEC);

	/* What its programs use more since then has left that much less for its cache. */
	need = need ? add_sat(need, sub_sat(d->average_bytes, d->need_settled_bytes)) : 0;
	return use_fell(d, NEED_USED_PARTS) ? mul_div(need, uses(d), d->need_used_bytes) : need;
}

bool demand_need_proved(const struct demand *d, uint64_t now_usec)
{
	return d->need_bytes && now_usec - d->need_usec < NEED_HOLD_USEC && !d->need_doubted;
}

uint64_t demand_stall_on(const struct stall_limit *limit)
{
	return MAX(limit->permyriad / STALL_ON_PARTS, UINT64_C(1));
}

static uint64_t stall_off(const struct demand *d)
{
	return MAX(d->max_stall.permyriad / STALL_OFF_PARTS, UINT64_C(1));
}

/* Stalls enough, and for long enough. A line tells of the second before it. */
static bool stalls_now(struct demand *d, uint64_t now_usec)
{
	if (!d->rates_known || d->stall_permyriad < demand_stall_on(&d->max_stall)) {
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
	/* of that size, not of the one that it is sent to */
	bool low = r->available_bytes < low_bytes(d->size_bytes);

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
	d->stalled =
		d->pressed &&
		(stall || (d->stalled && (!d->rates_fresh || d->stall_permyriad >= stall_off(d))));
	d->stall_worst_permyriad =
		d->stalled ? MAX(d->stall_worst_permyriad, d->stall_permyriad) : 0;
	/* It fills what it was given then: that takes nothing from its cache. */
	if (d->pressed || now_usec - d->need_usec < NEED_SETTLE_USEC)
		d->need_settled_bytes = MAX(d->need_settled_bytes, d->average_bytes);
	d->need_doubted |= use_fell(d, NEED_DOUBT_PARTS);
	if ((stall || refault) &&
		(d->need_doubted || d->size_bytes >= demand_need_now(d, now_usec))) {
		d->need_bytes = d->size_bytes;
		d->need_doubted = false;
		d->need_used_bytes = uses(d);
		d->need_settled_bytes = d->average_bytes;
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

/* The gain of a cache has a cliff (256 -> 360 MiB: 2.5 times, -> 400: 31 times): step wide, then
 * look again, and no less wide than what it reads back until then, at most its own size. */
static uint64_t refault_step(const struct demand *d, const struct guest_sample *s)
{
	uint64_t reads =
		mul_div(mul_div(d->refaults_per_sec, s->report.page_bytes, 1), STEP_SECONDS, 1);

	return MAX(MAX(s->actual_bytes / 8, 64 * MIB), MIN(reads, s->actual_bytes));
}

/* What it asks while it is short. Rises at once; held, then faded by demand_sizes() when the
 * pressure is gone. */
static void boost_update(struct demand *d, const struct guest_sample *s, uint64_t now_usec)
{
	uint64_t ask;

	if (!d->pressed || now_usec != d->pressed_usec)
		return;
	if (d->stalled)
		ask = 2 * s->target_bytes; /* and a full release from what nobody wants */
	else if (d->refaults_per_sec >= REFAULTS_ON && sub_sat(now_usec, d->step_usec) >= STEP_USEC)
		ask = s->actual_bytes + refault_step(d, s);
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

static void check_begin(struct demand *d, const struct guest_sample *s, uint64_t now_usec)
{
	d->check_usec = d->check_from_usec = now_usec;
	d->check_resident_bytes = s->resident_bytes;
	d->check_misery = d->stall_permyriad + d->refaults_per_sec;
}

void demand_check_credit(struct demand *d, const struct guest_sample *s, uint64_t now_usec)
{
	if (!d->pressed && sub_sat(now_usec, d->pressed_usec) >= 60 * USEC_PER_SEC) {
		d->credit_permyriad = PERMYRIAD;
		d->not_credible = false;
	}
	if (!d->check_usec || sub_sat(now_usec, d->check_usec) < CREDIT_CHECK_USEC)
		return;
	d->check_usec = 0;
	/* Relieved, or nothing has shown since that it is not; or what it was given was taken
	 * back. */
	if (!d->pressed || d->pressed_usec < d->check_from_usec + CREDIT_EVIDENCE_USEC ||
		s->target_bytes + d->check_granted_bytes / 2 < d->check_target_bytes)
		return;
	if (!s->resident_bytes || d->stall_permyriad + d->refaults_per_sec < d->check_misery / 2 ||
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
	check_begin(d, s, now_usec); /* and again in ten seconds, for what it was given by then */
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
	check_begin(d, s, now_usec);
	d->check_granted_bytes = granted_bytes;
	d->check_target_bytes = s->target_bytes + granted_bytes;
}

void demand_take_pressure(struct demand *d, const struct guest_sample *s, uint64_t now_usec)
{
	pressure_update(d, s, now_usec);
	boost_update(d, s, now_usec);
}
