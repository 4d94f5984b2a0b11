/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/balloon.h"

#include "common/units.h"

/* The driver may end a page or a few off (seen: 1279 of 1280 MiB for a moment). */
#define TOLERANCE_BYTES (2 * MIB)
#define PROGRESS_BYTES  MIB
/* The driver retries each 200 ms; 1.5 s without a page is "out of puff". */
#define SHORT_USEC (3 * USEC_PER_SEC / 2)
#define STUCK_USEC (5 * USEC_PER_SEC)
#define PAUSE_USEC (10 * USEC_PER_SEC)
#define PAUSES_MAX 6 /* 10 s doubling to 640 s */

static uint64_t pause_usec(unsigned failures)
{
	return PAUSE_USEC << MIN(failures, (unsigned)PAUSES_MAX);
}

static void target_adopt(struct balloon *b, const struct guest_sample *s, uint64_t now_usec)
{
	b->target_bytes = s->target_bytes;
	b->last_actual_bytes = s->actual_bytes;
	b->progress_usec = now_usec;
	b->reached = distance(s->actual_bytes, s->target_bytes) <= TOLERANCE_BYTES;
	b->zero_since_usec = 0; /* a command that never reached the driver condemns no balloon */
	b->retrying = false; /* nor was it tried */
}

/* Nothing moved for STUCK_USEC after a command: out of the division, and tried again later. */
static enum balloon_verdict found_stuck(struct balloon *b, uint64_t seen_usec)
{
	bool again = b->stuck;

	b->stuck = true;
	b->retrying = false;
	b->zero_since_usec = 0;
	b->retry_usec = seen_usec + pause_usec(b->failures++);
	if (again)
		return b->reached ? BALLOON_FINE : BALLOON_SHORT;
	return BALLOON_STUCK;
}

static bool zero_for_too_long(const struct balloon *b, uint64_t seen_usec)
{
	return b->zero_since_usec && sub_sat(seen_usec, b->zero_since_usec) >= STUCK_USEC;
}

static enum balloon_verdict moved_on(struct balloon *b)
{
	bool was_stuck = b->stuck;

	b->zero_since_usec = 0;
	b->stuck = b->retrying = false;
	return was_stuck ? BALLOON_UNSTUCK : BALLOON_FINE;
}

static enum balloon_verdict without_progress(struct balloon *b, const struct guest_sample *s,
	uint64_t seen_usec)
{
	uint64_t idle = sub_sat(seen_usec, MAX(b->progress_usec, b->commanded_usec));
	bool shrinking = s->actual_bytes > b->target_bytes;

	if (b->stuck && !b->retrying)
		return BALLOON_FINE;
	if (zero_for_too_long(b, seen_usec))
		return found_stuck(b, seen_usec);
	if (shrinking && idle >= SHORT_USEC) {
		b->floor_bytes = s->actual_bytes;
		if (!b->zero_since_usec)
			b->retry_usec = seen_usec + pause_usec(b->failures++);
		return BALLOON_SHORT;
	}
	return !shrinking && idle >= STUCK_USEC ? BALLOON_SHORT : BALLOON_FINE;
}

/* It stands no higher than an earlier target, too soon after that one for us to know that its
 * effect is over: a call can take its time, the driver as well, and an event can lag by a
 * second. */
static bool still_from_before(
	const struct balloon *b, const struct guest_sample *s, uint64_t seen_usec)
{
	return s->actual_bytes <= MAX(b->recent_bytes, s->inflight_bytes) + TOLERANCE_BYTES &&
	       sub_sat(seen_usec, b->sent_usec) < SHORT_USEC;
}

/* It grew, though it stood at its target or was on its way down. */
static bool grew_by_itself(const struct balloon *b, const struct guest_sample *s)
{
	return s->actual_bytes > b->target_bytes &&
	       (b->reached || s->actual_bytes > b->last_actual_bytes + TOLERANCE_BYTES);
}

/* What it took it needs: it is not asked for that again before a pause is over, each time a longer
 * one. What it takes in its pause belongs to what it took before: nothing was asked of it since. */
static enum balloon_verdict took_back(
	struct balloon *b, const struct guest_sample *s, uint64_t seen_usec)
{
	uint64_t since = sub_sat(seen_usec, b->took_usec);

	if (since > 2 * pause_usec(b->n_took))
		b->n_took = 0;
	else if (b->n_took && since < pause_usec(b->n_took - 1))
		b->n_took--;
	b->took_usec = seen_usec;
	b->last_actual_bytes = s->actual_bytes;
	b->floor_bytes = s->actual_bytes;
	b->retry_usec = seen_usec + pause_usec(b->n_took++);
	return BALLOON_TOOK_BACK;
}

enum balloon_verdict balloon_observe(struct balloon *b, const struct guest_sample *s,
	uint64_t now_usec)
{
	uint64_t seen_usec = s->actual_usec ? MIN(s->actual_usec, now_usec) : now_usec;
	bool forward, first = b->before_bytes;

	if (s->inflight_bytes)
		b->sent_usec = now_usec;
	if (s->actual_usec > b->commanded_usec)
		b->before_bytes = 0;
	/* A driver that has not spoken since its guest's start finds its target in the device and
	 * goes there from the maximum: that is not taking anything back. */
	if (!b->known || s->target_bytes != b->target_bytes) {
		b->known = s->balloon_answered;
		target_adopt(b, s, now_usec);
		return BALLOON_FINE;
	}
	forward = s->actual_bytes > b->target_bytes
			  ? s->actual_bytes + PROGRESS_BYTES <= b->last_actual_bytes
			  : s->actual_bytes >= b->last_actual_bytes + PROGRESS_BYTES;
	if (distance(s->actual_bytes, b->target_bytes) <= TOLERANCE_BYTES) {
		bool moved = distance(s->actual_bytes, b->last_actual_bytes) >= PROGRESS_BYTES;

		b->last_actual_bytes = s->actual_bytes;
		b->reached = true;
		if (moved) {
			b->failures = 0;
			return moved_on(b);
		}
		/* At rest nobody reads it any more: the clock alone judges. */
		return zero_for_too_long(b, now_usec) ? found_stuck(b, now_usec) : BALLOON_FINE;
	}
	if (grew_by_itself(b, s)) {
		if (!still_from_before(b, s, seen_usec))
			return took_back(b, s, seen_usec);
		b->reached = false; /* on its way, as far as we know */
		if (first) /* what was known of it was of before the command */
			b->last_actual_bytes = s->actual_bytes;
		return BALLOON_FINE;
	}
	if (forward) {
		b->last_actual_bytes = s->actual_bytes;
		b->progress_usec = seen_usec;
		return moved_on(b);
	}
	return without_progress(b, s, seen_usec);
}

void balloon_commanded(struct balloon *b, const struct guest_sample *s, uint64_t to_bytes,
	uint64_t now_usec)
{
	bool moves = distance(to_bytes, s->actual_bytes) > TOLERANCE_BYTES;
	uint64_t before = MAX(MAX(b->target_bytes, s->target_bytes), s->actual_bytes);

	b->before_bytes = MAX(b->before_bytes, MAX(b->target_bytes, s->target_bytes));
	b->recent_bytes = sub_sat(now_usec, b->sent_usec) < SHORT_USEC
				  ? MAX(b->recent_bytes, before)
				  : before;
	b->sent_usec = now_usec;
	b->known = true;
	b->target_bytes = to_bytes;
	b->commanded_usec = now_usec;
	b->last_actual_bytes = s->actual_bytes;
	b->progress_usec = now_usec;
	b->reached = !moves;
	if (moves)
		b->asked_bytes = to_bytes;
	if (moves && b->stuck)
		b->retrying = true;
	if (moves && (!b->zero_since_usec || b->retrying))
		b->zero_since_usec = now_usec;
	else if (!moves && now_usec - b->zero_since_usec < SHORT_USEC)
		/* taken back before it could show that it moves: that says nothing */
		b->zero_since_usec = 0;
	if (to_bytes >= b->floor_bytes + PROGRESS_BYTES) /* not where it stopped, in whole MiB */
		b->floor_bytes = 0;
}

bool balloon_resting(const struct balloon *b, uint64_t now_usec)
{
	/* A target that was taken back after a command that moved nothing: wait for the verdict. */
	if (b->zero_since_usec && b->reached)
		return true;
	return b->stuck && !b->retrying && now_usec < b->retry_usec;
}

bool balloon_moving(const struct balloon *b)
{
	return b->known && !b->reached && !(b->stuck && !b->retrying);
}

uint64_t balloon_wake(const struct balloon *b, uint64_t now_usec)
{
	if (balloon_moving(b))
		return now_usec + USEC_PER_SEC / 4;
	if (b->zero_since_usec)
		return b->zero_since_usec + STUCK_USEC;
	if ((b->stuck || b->floor_bytes) && b->retry_usec > now_usec)
		return b->retry_usec;
	return USEC_INFINITY;
}
