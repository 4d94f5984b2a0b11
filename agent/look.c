/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/look.h"

/* Nobody was seen to fill memory faster than 6 GiB/s: earlyoom's figure, which it took from DDR4
 * with huge pages. */
#define FILLER_BYTES_PER_SEC (6 * GIB)
/* Refaults of a second that are worth a report, trigger or not: so many permyriad of total. A file
 * that is cycled on a slow disk was seen to stall too little for the trigger. A thrashing guest of
 * 256 MiB has twenty times as many; a first cold read has none. */
#define REFAULT_PERMYRIAD 50
/* Looks in a row that must find nothing moved by more than a thousandth of total. */
#define CALM_LOOKS 5

uint64_t look_interval_usec(uint64_t available_bytes, bool has_trigger)
{
	uint64_t half_usec = available_bytes / (2 * FILLER_BYTES_PER_SEC / USEC_PER_SEC);

	return CLAMP(half_usec, LOOK_MIN_USEC, has_trigger ? LOOK_MAX_USEC : LOOK_BLIND_USEC);
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

static uint64_t threshold_bytes(const struct figures *f, const struct config *config)
{
	return f->total_bytes / 100 * config->available_pct;
}

static bool is_low(const struct figures *f, const struct config *config)
{
	return f->available_bytes < 2 * threshold_bytes(f, config);
}

/* Available fell by a quarter where little was left: a step of 3 % of total would be too coarse
 * there. */
static bool fell_deep(const struct figures *reported, const struct figures *now)
{
	return now->available_bytes < reported->available_bytes / 4 * 3 &&
	       reported->available_bytes - now->available_bytes > now->total_bytes / 1000;
}

bool look_wants_counters(const struct look *l, uint64_t now_usec)
{
	return !l->refaults_usec || now_usec >= l->refaults_usec + USEC_PER_SEC;
}

static bool refaults_much(struct look *l, const struct figures *now)
{
	uint64_t refaults = now->refaults_file + now->refaults_anon;
	uint64_t passed_usec = now->mono_usec - l->refaults_usec, more;

	if (!now->has_counters || !look_wants_counters(l, now->mono_usec))
		return false;
	more = l->refaults_usec && refaults > l->refaults ? refaults - l->refaults : 0;
	passed_usec = l->refaults_usec ? passed_usec : USEC_PER_SEC;
	l->refaults = refaults;
	l->refaults_usec = now->mono_usec;
	return more * now->page_bytes / (passed_usec / USEC_PER_MSEC) * 1000 >
	       now->total_bytes / 10000 * REFAULT_PERMYRIAD;
}

static void take_quiet(struct look *l, const struct figures *now)
{
	bool moved = distance(now->available_bytes, l->previous_bytes) > now->total_bytes / 1000;

	l->quiet = moved ? 0 : l->quiet + (l->quiet < CALM_LOOKS);
	l->previous_bytes = now->available_bytes;
}

enum why look_judge(struct look *l, const struct figures *now, const struct look_events *events,
	const struct config *config)
{
	bool refaulting = events->counters && refaults_much(l, now);
	const struct figures *reported = &l->reported;
	uint64_t step_bytes = threshold_bytes(now, config);

	take_quiet(l, now);
	if (events->request || !l->has_reported)
		return WHY_REQUEST;
	if (events->trigger || refaulting)
		return WHY_PRESSURE;
	if (is_low(now, config) && (fell_deep(reported, now) || now->available_bytes + step_bytes <=
									reported->available_bytes))
		return WHY_PRESSURE;
	if (distance(now->available_bytes, reported->available_bytes) >= step_bytes ||
		distance(now->total_bytes, reported->total_bytes) >= step_bytes)
		return WHY_AVAILABLE;
	if (now->mono_usec - reported->mono_usec >= config->heartbeat_usec)
		return WHY_HEARTBEAT;
	return WHY_NOT;
}

void look_reported(struct look *l, const struct figures *now)
{
	l->reported = *now;
	l->has_reported = true;
}

void look_alarmed(struct look *l)
{
	l->quiet = MIN(l->quiet, CALM_LOOKS - 2U);
}

bool look_is_calm(const struct look *l, const struct figures *now, const struct config *config)
{
	return l->quiet >= CALM_LOOKS && !is_low(now, config);
}
