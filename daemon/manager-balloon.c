/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

#include "common/units.h"

/*
 * What is read over libvirt: the live size of balloons that move (its own event comes once a second
 * only), and balloon statistics of guests whose agent does not speak. A guest at rest with an agent
 * is never asked.
 */

#define POLL_MOVING_USEC (100 * USEC_PER_MSEC)
/* A balloon within this of its target has arrived: the driver may end a page or a few off. As
 * decide()'s own. */
#define ARRIVED_BYTES (2 * MIB)
/* Statistics of a guest without an agent, spread: each guest has its own phase. */
#define FALLBACK_USEC (5 * USEC_PER_SEC)
#define FALLBACK_PERIOD_SEC 5
#define FALLBACK_PERIOD_TRIES 3
/* Three heartbeats of silence: readings begin. After a minute they stand for the agent's word. */
#define SILENCE_HEARTBEATS 3
#define SILENCE_DECIDES_USEC USEC_PER_MIN
/* An agent in a guest that boots speaks within this (20 s where two boot at once on a slow
 * machine). */
#define AGENT_BOOT_USEC (30 * USEC_PER_SEC)
/* Statistics that the driver has not renewed for this long are not its word any more. */
#define STATISTICS_OLD_USEC (30 * USEC_PER_SEC)

bool balloon_is_moving(const struct guest *g)
{
	const struct guest_sample *s = guest_sample(g);
	const struct plan *p = g->m->plan_fits ? g->m->plan : NULL;

	if (s->fixed != FIXED_NOT || !s->running)
		return false;
	if (s->inflight_bytes || !g->read_once)
		return true;
	if (!g->commanded || distance(s->target_bytes, s->actual_bytes) <= ARRIVED_BYTES)
		return false;
	/* One that is stuck is left out; while it is tried again it is not, and must be read, or
	 * nobody finds that it is stuck still. */
	return !(p && p->guests[g->index].stuck && p->guests[g->index].left_out);
}

void balloon_read(struct guest *g)
{
	if (g->reading || !g->m->connected || guest_sample(g)->quarantined)
		return;
	g->reading = manager_submit(g,
			     &(struct hv_request){.call = HV_CALL_READ_BALLOON, .guest = g->uuid},
			     NULL) >= 0;
}

/* Nothing is decided before all guests that ran were read, and those that have an agent were heard:
 * a condition on what a guest says does not hold before that, and its policy would lapse for a
 * moment. */
static void settle_check(struct manager *m, uint64_t now)
{
	if (!m->settling)
		return;
	for (size_t i = 0; i < m->n_guests && now < m->settle_until_usec; i++)
		if ((!m->guests[i]->read_once || m->guests[i]->spoke_early) &&
			!guest_sample(m->guests[i])->quarantined)
			return;
	m->settling = false;
	decide_soon(m);
}

/* In mode observe: it goes where we sent it before that, or is there, or a call of ours may move it
 * yet: QEMU has our target. */
static bool obeys_still(const struct guest *g, uint64_t before_bytes)
{
	const struct guest_sample *s = guest_sample(g);

	return g->was_commanded &&
	       (s->inflight_bytes ||
		       distance(s->actual_bytes, s->target_bytes) <=
			       MAX(distance(before_bytes, s->target_bytes), ARRIVED_BYTES));
}

/* The size that the driver claims, from a reading or an event. */
static void actual_set(struct guest *g, uint64_t actual_bytes, uint64_t when_usec)
{
	struct guest_sample *s = guest_sample(g);
	uint64_t before = s->actual_bytes;
	bool changed = before != actual_bytes;

	if (when_usec < s->actual_usec)
		return; /* an event that is older than a reading */
	s->actual_bytes = MIN(actual_bytes, s->max_bytes);
	s->actual_usec = when_usec;
	/* Whoever else moves this balloon: what it has become is what it was told to be. */
	if (!g->commanded && s->balloon_answered && !obeys_still(g, before)) {
		g->was_commanded = false;
		s->target_bytes = s->actual_bytes;
	}
	if (g->relief_under_way && s->actual_bytes + ARRIVED_BYTES >= s->target_bytes) {
		g->relief_under_way = false;
		agent_ask(g);
	}
	if (!changed)
		return;
	if (g->m->trace) {
		char uuid[UUID_TEXT_MAX];

		trace_line(g->m, "actual %s %llu %llu", uuid_format(&g->uuid, uuid),
			(unsigned long long)actual_bytes, (unsigned long long)when_usec);
	}
	decide_within(g->m, 20 * USEC_PER_MSEC);
}

/* Only the driver writes this figure. After a reset it may still be the one of the kernel that is
 * gone, whose balloon was on its way or whose event came late: but that lies between what was last
 * read and its target, and the new kernel's driver begins above both, at the maximum. */
static bool is_drivers_word(
	const struct guest *g, uint64_t before_bytes, uint64_t actual_bytes, uint64_t when_usec)
{
	return !g->was_reset ||
	       actual_bytes > MAX(before_bytes, guest_sample(g)->target_bytes) + ARRIVED_BYTES ||
	       when_usec >= g->boot_usec + DRIVER_USEC;
}

void balloon_told(struct guest *g, uint64_t actual_bytes, uint64_t when_usec)
{
	struct guest_sample *s = guest_sample(g);

	s->balloon_answered |= is_drivers_word(g, s->actual_bytes, actual_bytes, when_usec);
	/* The event comes up to a second late: while readings are under way they are the truth. */
	if (g->reading || balloon_is_moving(g)) {
		balloon_read(g);
		balloon_poll_soon(g->m);
		return;
	}
	actual_set(g, actual_bytes, when_usec);
}

/*
 * Has the driver renewed them of late? Their stamp is of the wall clock, which may be set: so it
 * only tells new ones from old ones, and their age is counted from when we saw the stamp change.
 * The first ones we see have the age that the wall clock says.
 */
static bool statistics_fresh(struct guest *g, uint64_t stamp_sec, uint64_t when_usec)
{
	uint64_t real_sec = clock_real_usec() / USEC_PER_SEC;
	/* at most: it has no fractions */
	uint64_t age_usec = (real_sec - MIN(real_sec, stamp_sec) + 1) * USEC_PER_SEC;

	if (stamp_sec != g->stats_update_sec) {
		g->stats_changed_usec =
			g->stats_update_sec ? when_usec : when_usec - MIN(when_usec, age_usec);
		g->stats_update_sec = stamp_sec;
	}
	/* Those of before a reset are the word of a kernel that is gone. */
	if (g->was_reset && g->stats_changed_usec <= g->boot_usec)
		return false;
	return when_usec - MIN(when_usec, g->stats_changed_usec) <= STATISTICS_OLD_USEC;
}

/* Statistics as a report: no stall signal, no counters, no swap. */
static void statistics_take(struct guest *g, const struct hv_balloon *b, uint64_t when_usec)
{
	const uint32_t needed = HV_HAS_TOTAL | HV_HAS_AVAILABLE | HV_HAS_LAST_UPDATE;
	struct guest_report *r = &g->balloon_report;

	if ((b->has & needed) != needed || !b->last_update_sec ||
		!statistics_fresh(g, b->last_update_sec, when_usec))
		return;
	*r = (struct guest_report){
		.source = REPORT_BALLOON,
		.arrival_usec = when_usec,
		.guest_usec = when_usec,
		.seq = r->seq + 1,
		.total_bytes = b->total_bytes,
		.available_bytes = b->available_bytes,
		.free_bytes = b->free_bytes,
		.file_bytes = b->caches_bytes,
		.page_bytes = 4096,
	};
}

/* One that ran before we came: what its QEMU says stands, not what libvirt heard last. Only of one
 * that is just starting libvirt's figure is what it was told to have, and the driver has yet to
 * obey. */
static void take_first(struct guest *g, uint64_t when_usec)
{
	struct guest_sample *s = guest_sample(g);
	bool long_since = s->started_usec && when_usec >= s->started_usec + DRIVER_USEC;

	if (g->found && !g->was_reset && !g->commanded &&
		(s->actual_bytes < s->max_bytes || long_since))
		s->target_bytes = s->actual_bytes;
}

void balloon_take(struct guest *g, const struct hv_balloon *b, uint64_t when_usec)
{
	struct guest_sample *s = guest_sample(g);
	bool first = !g->read_ok;
	uint64_t before = s->actual_bytes;

	if (!(b->has & HV_HAS_ACTUAL))
		return;
	g->read_ok = true;
	actual_set(g, b->actual_bytes, when_usec);
	if (first)
		take_first(g, when_usec);
	/* Below its maximum only a driver's word can have brought it there; one that was there
	 * before we came is taken at that word. */
	if (s->actual_bytes < s->max_bytes &&
		(first ? !g->was_reset
		       : s->actual_bytes != before &&
					is_drivers_word(g, before, s->actual_bytes, when_usec)))
		s->balloon_answered = true;
	statistics_take(g, b, when_usec);
	if (g->balloon_report.source == REPORT_BALLOON &&
		g->balloon_report.arrival_usec == when_usec) {
		s->balloon_answered = true;
		if (s->report.source != REPORT_AGENT)
			s->report = g->balloon_report;
	}
	sent_read(g, when_usec);
}

void balloon_read_done(struct guest *g, const struct hv_result *r)
{
	bool first = !g->read_once;

	g->reading = false;
	if (r->error != -ENOTCONN)
		g->read_once = true; /* one that cannot be read does not hold the others up */
	if (r->error >= 0 && r->n_balloons == 1)
		balloon_take(g, &r->balloons[0], monotonic_to_boot(r->ended_usec));
	original_seen(g);
	if (first && g->spoke_early)
		agent_ask(g);
	settle_check(g->m, clock_boot_usec());
}

/* A period makes the driver send its statistics: a change to the guest, so in enforce mode only,
 * and undone when its agent is back. Returns 0 or -errno. */
static int period_set(struct guest *g, unsigned seconds)
{
	struct hv_request req = {
		.call = HV_CALL_SET_STATS_PERIOD, .guest = g->uuid, .period_sec = seconds};

	if (!manager_may_act(g->m) || g->period_id)
		return -EBUSY;
	/* Whoever comes after us has to bring it back. */
	if (seconds)
		original_period_set(g, true);
	if (seconds && !original_kept(g))
		return -EAGAIN;
	return manager_submit(g, &req, &g->period_id);
}

void balloon_period_done(struct guest *g, const struct hv_result *r)
{
	bool unknown = r->started_usec && (r->error == -ETIMEDOUT || r->error == -ENOTCONN);

	if (r->id != g->period_id)
		return;
	g->period_id = 0;
	/* It is as it was; one that failed to go back is ours still. */
	if (r->period_sec ? r->error < 0 && !unknown : r->error >= 0)
		original_period_set(g, false);
}

void balloon_period_back(struct guest *g)
{
	if (g->original.period_ours)
		(void)!period_set(g, 0);
}

void balloon_fallback(struct guest *g, uint64_t now)
{
	struct guest_sample *s = guest_sample(g);
	bool agent = s->report.source == REPORT_AGENT;
	uint64_t silence = agent ? now - MIN(now, s->report.arrival_usec) : USEC_INFINITY;

	if (silence < SILENCE_HEARTBEATS * g->m->conf.heartbeat_usec) {
		balloon_period_back(g);
		g->period_tries = 0;
		g->fallback_due_usec = 0;
		return;
	}
	if (now < g->fallback_due_usec || s->fixed != FIXED_NOT || !s->running)
		return;
	/* Give an agent that has just begun to boot the time to speak first. */
	if (!agent && g->channel && now < g->appeared_usec + AGENT_BOOT_USEC)
		return;
	g->fallback_due_usec = now + FALLBACK_USEC;
	if (!g->hv->stats_period_sec && g->period_tries < FALLBACK_PERIOD_TRIES &&
		period_set(g, FALLBACK_PERIOD_SEC) >= 0)
		g->period_tries++;
	balloon_read(g);
	if (silence >= SILENCE_DECIDES_USEC && g->balloon_report.source == REPORT_BALLOON &&
		g->balloon_report.arrival_usec > s->report.arrival_usec)
		s->report = g->balloon_report;
}

static int on_poll(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct manager *m = userdata;
	uint64_t now = clock_boot_usec();
	bool moving = false;

	for (size_t i = 0; i < m->n_guests; i++) {
		if (!balloon_is_moving(m->guests[i]))
			continue;
		moving = true;
		balloon_read(m->guests[i]);
	}
	settle_check(m, now);
	m->polling = moving || m->settling;
	if (!m->polling)
		return sd_event_source_set_enabled(source, SD_EVENT_OFF);
	sd_event_source_set_time(source, now + POLL_MOVING_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

void balloon_poll_soon(struct manager *m)
{
	if (m->polling)
		return;
	m->polling = true;
	sd_event_source_set_time(m->poll_timer, clock_boot_usec() + POLL_MOVING_USEC / 2);
	sd_event_source_set_enabled(m->poll_timer, SD_EVENT_ONESHOT);
}

int balloon_start(struct manager *m)
{
	int r = sd_event_add_time(m->loop, &m->poll_timer, CLOCK_BOOTTIME, USEC_INFINITY,
		5 * USEC_PER_MSEC, on_poll, m);

	return r < 0 ? r : sd_event_source_set_enabled(m->poll_timer, SD_EVENT_OFF);
}
