/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/hv/hv-sched-priv.h"

#include <stdio.h>

/* How calls end: they return, take too long, or the connection goes; and what that says of their
 * guests. */

/* --- Returning --- */

/* The guest is to be read again before it is believed; at once, or after a pause that doubles. */
static void guest_retry(struct sched_guest *g, uint64_t now_usec, bool at_once)
{
	if (at_once) {
		g->retry_pause_usec = 0;
		g->retry_usec = now_usec;
		return;
	}
	g->retry_pause_usec =
		CLAMP(2 * g->retry_pause_usec, SCHED_RETRY_MIN_USEC, SCHED_RETRY_MAX_USEC);
	g->retry_usec = now_usec + g->retry_pause_usec;
}

/* bytes: the size that may yet take effect; 0: none. */
static void guest_quarantine(struct sched *s, struct sched_guest *g, const struct sched_task *t,
	uint64_t bytes, const char *why)
{
	struct hv_overdue o = {
		.guest = g->uuid,
		.call = t->req.call,
		.bytes = bytes,
		.overdue = s->n_overdue,
		.why = why,
	};

	if (g->trust == SCHED_QUARANTINED)
		return;
	sched_guest_trust(s, g, SCHED_QUARANTINED);
	s->out->quarantined(s->data, &o);
}

static bool is_probe(const struct sched_task *t)
{
	return t->id == 0 && t->req.call == HV_CALL_READ_BALLOON;
}

static void probe_ended(struct sched *s, struct sched_guest *g)
{
	if (!g->probing)
		return;
	g->probing = false;
	s->n_probing--;
}

/* A re-read came back in time. An error says at least that somebody answers: enough for one who was
 * only doubted. */
static void probe_returned(
	struct sched *s, struct sched_guest *g, struct sched_task *t, uint64_t now_usec)
{
	const struct sched_answer *a = &t->answer;
	bool quarantined = g->trust == SCHED_QUARANTINED;

	probe_ended(s, g);
	if (a->stopped) {
		guest_quarantine(s, g, t, 0, "its QEMU process is stopped");
		sched_queue_end_public(s, g, -EBUSY, "the guest does not answer");
		guest_retry(g, now_usec, false);
	} else if (a->error == 0 && a->n_balloons > 0) {
		sched_guest_trust(s, g, SCHED_TRUSTED);
		g->retry_pause_usec = 0;
		if (quarantined)
			s->out->recovered(s->data, g, &a->balloons[0]);
	} else if (quarantined || a->error == -ENOTCONN) {
		guest_retry(g, now_usec, false);
	} else {
		sched_guest_trust(s, g, SCHED_TRUSTED);
	}
}

/* The worker saw that the guest's process stands still and did not ask libvirt: nothing hangs,
 * nothing will take effect late. */
static void stopped_returned(
	struct sched *s, struct sched_guest *g, struct sched_task *t, uint64_t now_usec)
{
	guest_quarantine(s, g, t, 0, "its QEMU process is stopped");
	t->started_usec = 0;
	sched_task_tell(s, t, -ETIMEDOUT, "its QEMU process is stopped");
	sched_queue_end_public(s, g, -EBUSY, "the guest does not answer");
	guest_retry(g, now_usec, false);
}

static void guest_released(
	struct sched *s, struct sched_guest *g, struct sched_task *t, uint64_t now_usec)
{
	g->running = NULL;
	if (t->overdue || t->told) {
		/* Late, or its connection went: read again what it left behind. */
		if (is_probe(t))
			probe_ended(s, g);
		guest_retry(g, now_usec, t->answer.error != -ENOTCONN);
	} else if (is_probe(t)) {
		probe_returned(s, g, t, now_usec);
	} else if (t->answer.stopped) {
		stopped_returned(s, g, t, now_usec);
	}
	sched_ready_add(s, g);
}

static void under_way_unlink(struct sched *s, struct sched_task *t)
{
	struct sched_task **link = &s->under_way;

	while (*link && *link != t)
		link = &(*link)->next;
	if (*link)
		*link = t->next;
	s->n_under_way--;
	s->n_substituted -= t->substituted;
	s->n_overdue -= t->overdue;
}

void sched_return(struct sched *s, struct sched_task *t, uint64_t now_usec)
{
	bool bulk = t->req.call == HV_CALL_READ_BALLOONS;

	under_way_unlink(s, t);
	if (bulk && !t->told)
		s->bulk_running = false;
	for (size_t i = 0; i < (bulk ? t->req.n_guests : 1); i++) {
		struct sched_guest *g = sched_find(s, bulk ? &t->guests[i] : &t->req.guest);

		if (g && g->running == t)
			guest_released(s, g, t, now_usec);
	}
	if (!t->told) {
		t->told = true;
		s->out->done(s->data, t, t->answer.error, t->answer.text, &t->answer);
	}
	sched_task_free(t);
}

/* --- Withdrawing --- */

#define WITHDRAWN "withdrawn before it was made"

bool sched_may_change(struct sched_task *t)
{
	if (!t->withdrawn) {
		t->changing = true;
		return true;
	}
	/* Made before, over a connection that broke: what became of that is not known. */
	t->answer.error = t->changing ? -ENOTCONN : -ECANCELED;
	snprintf(t->answer.text, sizeof(t->answer.text), WITHDRAWN);
	return false;
}

unsigned sched_changing(const struct sched *s, uint64_t until_id)
{
	unsigned n = 0;

	for (const struct sched_task *t = s->under_way; t; t = t->next)
		n += t->changing && !t->told && t->id <= until_id;
	return n;
}

static void queue_withdraw(struct sched *s, struct sched_guest *g)
{
	for (struct sched_task **link = &g->queue.head; *link;) {
		struct sched_task *t = *link;

		if (!hv_call_mutates(t->req.call)) {
			link = &t->next;
			continue;
		}
		sched_queue_unlink(&g->queue, link);
		g->n_queued--;
		s->n_queued--;
		sched_task_tell(s, t, -ECANCELED, WITHDRAWN);
		sched_task_free(t);
	}
	if (g->ready && !g->queue.head)
		sched_ready_remove(s, g);
}

unsigned sched_withdraw(struct sched *s, uint64_t *ret_until_id)
{
	struct sched_guest *g, *tmp;

	HASH_ITER (hh, s->guests, g, tmp)
		queue_withdraw(s, g);
	for (struct sched_task *t = s->under_way; t; t = t->next) {
		if (!hv_call_mutates(t->req.call))
			continue;
		t->withdrawn = true;
		if (!t->changing)
			sched_task_tell(s, t, -ECANCELED, WITHDRAWN);
	}
	*ret_until_id = s->last_id;
	return sched_changing(s, s->last_id);
}

/* --- Time --- */

static void bulk_overdue(struct sched *s, struct sched_task *t, uint64_t now_usec)
{
	s->bulk_running = false;
	for (size_t i = 0; i < t->req.n_guests; i++) {
		struct sched_guest *g = sched_find(s, &t->guests[i]);

		if (!g || g->running != t)
			continue;
		/* One of them hangs: each is read by itself to find out which. That is a second
		 * call on the one that does. */
		g->running = NULL;
		if (g->trust == SCHED_TRUSTED)
			sched_guest_trust(s, g, SCHED_DOUBTED);
		guest_retry(g, now_usec, true);
	}
}

/* One that was withdrawn before libvirt had it never goes out. */
static bool may_land(const struct sched_task *t)
{
	return t->req.call == HV_CALL_SET_MEMORY && (t->changing || !t->withdrawn);
}

static void task_overdue(struct sched *s, struct sched_task *t, uint64_t now_usec)
{
	struct sched_guest *g = sched_find(s, &t->req.guest);

	t->overdue = true;
	s->n_overdue++;
	s->timeouts++;
	if (t->lost)
		return; /* libvirt itself is away: not the guest's fault */
	if (t->req.call == HV_CALL_READ_BALLOONS) {
		bulk_overdue(s, t, now_usec);
	} else if (g && g->running == t) {
		if (is_probe(t))
			probe_ended(s, g);
		guest_quarantine(s, g, t, may_land(t) ? t->req.bytes : 0, "a call on it hangs");
		sched_queue_end_public(s, g, -EBUSY, "the guest does not answer");
	}
	sched_task_tell(s, t, -ETIMEDOUT, "no answer in time");
}

static uint64_t tick_under_way(struct sched *s, uint64_t now_usec)
{
	uint64_t next = USEC_INFINITY;
	struct sched_task *following;

	for (struct sched_task *t = s->under_way; t; t = following) {
		uint64_t slow_usec = t->started_usec + MIN(SCHED_SLOW_USEC, s->deadline_usec);
		uint64_t due_usec = t->started_usec + s->deadline_usec;

		following = t->next;
		t->slow |= now_usec >= slow_usec;
		if (t->slow && !t->substituted && s->n_substituted < SCHED_OVERDUE_MAX) {
			t->substituted = true;
			s->n_substituted++;
		}
		if (now_usec >= due_usec && !t->overdue)
			task_overdue(s, t, now_usec);
		if (!t->slow)
			next = MIN(next, slow_usec);
		else if (!t->overdue)
			next = MIN(next, due_usec);
	}
	return next;
}

static uint64_t tick_suspects(struct sched *s, uint64_t now_usec)
{
	uint64_t next = USEC_INFINITY;
	struct sched_guest *g, *tmp;

	if (s->n_suspects == 0 || !s->connected)
		return next;
	HASH_ITER (hh, s->guests, g, tmp) {
		if (g->trust == SCHED_TRUSTED || g->running || g->probing)
			continue;
		if (now_usec < g->retry_usec) {
			next = MIN(next, g->retry_usec);
			continue;
		}
		/* Beyond the limit a suspect waits for one to come back; that is a sched_return(),
		 * and the owner ticks after it. */
		if (s->n_overdue + s->n_probing >= SCHED_OVERDUE_MAX)
			continue;
		if (sched_submit_own(s, g, HV_CALL_READ_BALLOON) < 0) {
			next = MIN(next, now_usec + SCHED_RETRY_MIN_USEC);
			continue;
		}
		g->probing = true;
		s->n_probing++;
	}
	return next;
}

uint64_t sched_tick(struct sched *s, uint64_t now_usec)
{
	uint64_t calls = tick_under_way(s, now_usec);
	uint64_t suspects = tick_suspects(s, now_usec);

	return MIN(calls, suspects);
}

/* --- The connection --- */

void sched_connect(struct sched *s)
{
	s->connected = true;
}

void sched_disconnect(struct sched *s, uint64_t now_usec, int error)
{
	struct sched_guest *g, *tmp;
	const char *text = error == -ECANCELED ? "stopped" : "the connection to libvirt was lost";

	s->connected = false;
	for (struct sched_task *t = s->under_way; t; t = t->next) {
		g = sched_find(s, &t->req.guest);
		if (g && g->running == t && hv_call_mutates(t->req.call) &&
			g->trust == SCHED_TRUSTED) {
			sched_guest_trust(s, g, SCHED_DOUBTED);
			guest_retry(g, now_usec, true);
		}
		if (t->req.call == HV_CALL_READ_BALLOONS && !t->told)
			s->bulk_running = false;
		t->lost = true;
		sched_task_tell(s, t, error, text);
	}
	HASH_ITER (hh, s->guests, g, tmp) {
		sched_queue_end_own(s, g, error);
		sched_queue_end_public(s, g, error, text);
		if (g->ready)
			sched_ready_remove(s, g);
	}
	while (s->bulk.head) {
		struct sched_task *t = sched_queue_unlink(&s->bulk, &s->bulk.head);

		s->n_queued--;
		sched_task_tell(s, t, error, text);
		sched_task_free(t);
	}
}
