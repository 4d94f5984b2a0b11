/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/hv/hv-sched.h"

DEFINE_STRTAB(sched_trust, enum sched_trust, SCHED_TRUST_MAX,
	"trusted",
	"doubted",
	"quarantined")

/* --- Queues --- */

static void queue_init(struct sched_queue *q)
{
	q->head = NULL;
	q->tail = &q->head;
}

static void queue_append(struct sched_queue *q, struct sched_task *t)
{
	t->next = NULL;
	*q->tail = t;
	q->tail = &t->next;
}

static void queue_prepend(struct sched_queue *q, struct sched_task *t)
{
	t->next = q->head;
	q->head = t;
	if (q->tail == &q->head)
		q->tail = &t->next;
}

/* Takes out the task at *link, which is somewhere in q. */
static struct sched_task *queue_unlink(struct sched_queue *q, struct sched_task **link)
{
	struct sched_task *t = *link;

	*link = t->next;
	if (q->tail == &t->next)
		q->tail = link;
	t->next = NULL;
	return t;
}

static void task_free(struct sched_task *t)
{
	if (!t)
		return;
	free(t->answer.balloons);
	free(t);
}

static struct sched_task *task_new(const struct hv_request *req, uint64_t id)
{
	struct sched_task *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->req = *req;
	t->id = id;
	if (req->call == HV_CALL_READ_BALLOONS)
		memcpy(t->guests, req->guests, req->n_guests * sizeof(struct uuid));
	t->req.guests = t->guests;
	return t;
}

/* Tells the end of a call that does not bring anything home. */
static void task_tell(struct sched *s, struct sched_task *t, int error, const char *text)
{
	if (t->told)
		return;
	t->told = true;
	s->out->done(s->data, t, error, text, NULL);
}

static void queue_end_public(struct sched *s, struct sched_guest *g, int error, const char *text)
{
	for (struct sched_task **link = &g->queue.head; *link;) {
		struct sched_task *t = *link;

		if (t->id == 0) {
			link = &t->next;
			continue;
		}
		queue_unlink(&g->queue, link);
		g->n_queued--;
		s->n_queued--;
		task_tell(s, t, error, text);
		task_free(t);
	}
}

/* Drops hv's own calls that wait: their end is told too (a definition that was not read). */
static void queue_end_own(struct sched *s, struct sched_guest *g, int error)
{
	while (g->queue.head && g->queue.head->id == 0) {
		struct sched_task *t = queue_unlink(&g->queue, &g->queue.head);

		if (t->req.call == HV_CALL_READ_BALLOON) {
			g->probing = false;
			s->n_probing--;
		}
		task_tell(s, t, error, "");
		task_free(t);
	}
}

/* --- The ready list --- */

/* hv's own calls stand first in a queue and may run on a suspect, others may not. */
static bool guest_may_run(const struct sched_guest *g)
{
	return g->queue.head && !g->running &&
		(g->trust == SCHED_TRUSTED || g->queue.head->id == 0);
}

static void ready_add(struct sched *s, struct sched_guest *g)
{
	if (g->ready || !guest_may_run(g))
		return;
	g->ready = true;
	g->ready_next = NULL;
	*s->ready_tail = g;
	s->ready_tail = &g->ready_next;
}

static void ready_remove(struct sched *s, struct sched_guest *g)
{
	for (struct sched_guest **link = &s->ready; *link; link = &(*link)->ready_next) {
		if (*link != g)
			continue;
		*link = g->ready_next;
		if (s->ready_tail == &g->ready_next)
			s->ready_tail = link;
		break;
	}
	g->ready = false;
}

static struct sched_guest *ready_pop(struct sched *s)
{
	struct sched_guest *g = s->ready;

	if (g)
		ready_remove(s, g);
	return g;
}

/* --- Guests --- */

void sched_init(struct sched *s, const struct sched_out *out, void *data, unsigned workers,
	uint64_t deadline_usec)
{
	*s = (struct sched){
		.out = out,
		.data = data,
		.workers = workers,
		.deadline_usec = deadline_usec,
	};
	s->ready_tail = &s->ready;
	queue_init(&s->bulk);
}

static void queue_free(struct sched_queue *q)
{
	while (q->head)
		task_free(queue_unlink(q, &q->head));
}

void sched_clear(struct sched *s)
{
	struct sched_guest *g, *tmp;

	HASH_ITER(hh, s->guests, g, tmp) {
		HASH_DEL(s->guests, g);
		queue_free(&g->queue);
		free(g);
	}
	queue_free(&s->bulk);
	while (s->under_way) {
		struct sched_task *t = s->under_way;

		s->under_way = t->next;
		task_free(t);
	}
	sched_init(s, s->out, s->data, s->workers, s->deadline_usec);
}

struct sched_guest *sched_find(const struct sched *s, const struct uuid *uuid)
{
	struct sched_guest *g;

	HASH_FIND(hh, s->guests, uuid->bytes, sizeof(uuid->bytes), g);
	return g;
}

struct sched_guest *sched_guest_add(struct sched *s, const struct uuid *uuid, void *owner)
{
	struct sched_guest *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->uuid = *uuid;
	g->owner = owner;
	queue_init(&g->queue);
	HASH_ADD(hh, s->guests, uuid, sizeof(g->uuid), g);
	return g;
}

static void guest_trust(struct sched *s, struct sched_guest *g, enum sched_trust trust)
{
	s->n_suspects += (trust != SCHED_TRUSTED) - (g->trust != SCHED_TRUSTED);
	s->n_quarantined += (trust == SCHED_QUARANTINED) - (g->trust == SCHED_QUARANTINED);
	g->trust = trust;
}

void sched_guest_remove(struct sched *s, struct sched_guest *g)
{
	queue_end_own(s, g, -ENOENT);
	queue_end_public(s, g, -ENOENT, "the guest is gone");
	if (g->probing)
		s->n_probing--;
	guest_trust(s, g, SCHED_TRUSTED);
	if (g->ready)
		ready_remove(s, g);
	HASH_DEL(s->guests, g);
	free(g);
}

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

static void guest_quarantine(struct sched *s, struct sched_guest *g, const struct sched_task *t,
	const char *why)
{
	struct hv_overdue o = {
		.guest = g->uuid,
		.call = t->req.call,
		.bytes = t->req.call == HV_CALL_SET_MEMORY && !t->answer.stopped ? t->req.bytes : 0,
		.overdue = s->n_overdue,
		.why = why,
	};

	if (g->trust == SCHED_QUARANTINED)
		return;
	guest_trust(s, g, SCHED_QUARANTINED);
	s->out->quarantined(s->data, &o);
}

/* --- In --- */

static bool supersedes(const struct hv_request *newer, const struct hv_request *older)
{
	if (newer->call != older->call)
		return false;
	if (newer->call == HV_CALL_SET_CPU)
		return newer->set_weight >= older->set_weight && newer->set_quota >= older->set_quota;
	return newer->call == HV_CALL_SET_MEMORY;
}

static void supersede(struct sched *s, struct sched_guest *g, const struct hv_request *req)
{
	for (struct sched_task **link = &g->queue.head; *link; link = &(*link)->next) {
		struct sched_task *t = *link;

		if (t->id == 0 || !supersedes(req, &t->req))
			continue;
		queue_unlink(&g->queue, link);
		g->n_queued--;
		s->n_queued--;
		task_tell(s, t, -ECANCELED, "superseded by a newer one");
		task_free(t);
		return;
	}
}

int sched_submit(struct sched *s, const struct hv_request *req, uint64_t *ret_id)
{
	struct sched_guest *g = NULL;
	struct sched_task *t;

	if (!s->connected)
		return -ENOTCONN;
	if (s->n_queued >= HV_QUEUE_MAX)
		return -ENOBUFS;
	if (req->call != HV_CALL_READ_BALLOONS) {
		g = sched_find(s, &req->guest);
		if (!g)
			return -ENOENT;
		if (g->trust == SCHED_QUARANTINED)
			return -EBUSY;
		if (g->n_queued >= SCHED_GUEST_QUEUE_MAX)
			return -ENOBUFS;
	}
	t = task_new(req, s->last_id + 1);
	if (!t)
		return -ENOMEM;
	s->last_id++;
	if (ret_id)
		*ret_id = t->id;
	s->n_queued++;
	if (!g) {
		queue_append(&s->bulk, t);
		return 0;
	}
	supersede(s, g, req);
	queue_append(&g->queue, t);
	g->n_queued++;
	ready_add(s, g);
	return 0;
}

int sched_submit_own(struct sched *s, struct sched_guest *g, enum hv_call call)
{
	struct hv_request req = {.call = call, .guest = g->uuid};
	struct sched_task *t;

	if (!s->connected)
		return 0;
	for (t = g->queue.head; t && t->id == 0; t = t->next)
		if (t->req.call == call)
			return 0;
	t = task_new(&req, 0);
	if (!t)
		return -ENOMEM;
	queue_prepend(&g->queue, t);
	ready_add(s, g);
	return 0;
}

/* --- Running --- */

static void task_start(struct sched *s, struct sched_task *t, uint64_t now_usec)
{
	if (t->id)
		s->n_queued--;
	t->started_usec = now_usec;
	t->next = s->under_way;
	s->under_way = t;
	s->n_under_way++;
}

/* Leaves only those in it that may be asked now; a guest has one call at a time. */
static void bulk_choose(struct sched *s, struct sched_task *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->req.n_guests; i++) {
		struct sched_guest *g = sched_find(s, &t->guests[i]);

		if (!g || g->running || g->trust != SCHED_TRUSTED)
			continue;
		g->running = t;
		t->guests[n++] = g->uuid;
	}
	t->req.n_guests = n;
}

static struct sched_task *take_bulk(struct sched *s, uint64_t now_usec)
{
	while (s->bulk.head && !s->bulk_running) {
		struct sched_task *t = queue_unlink(&s->bulk, &s->bulk.head);

		bulk_choose(s, t);
		if (t->req.n_guests > 0) {
			task_start(s, t, now_usec);
			s->bulk_running = true;
			return t;
		}
		s->n_queued--;
		task_tell(s, t, 0, "");
		task_free(t);
	}
	return NULL;
}

struct sched_task *sched_take(struct sched *s, uint64_t now_usec)
{
	struct sched_guest *g;

	if (!s->connected)
		return NULL;
	while ((g = ready_pop(s))) {
		struct sched_task *t;

		if (!guest_may_run(g))
			continue;
		t = queue_unlink(&g->queue, &g->queue.head);
		if (t->id)
			g->n_queued--;
		g->running = t;
		task_start(s, t, now_usec);
		return t;
	}
	return take_bulk(s, now_usec);
}

bool sched_has_work(const struct sched *s)
{
	return s->connected && (s->ready || (s->bulk.head && !s->bulk_running));
}

unsigned sched_concurrency(const struct sched *s)
{
	return s->workers + s->n_substituted;
}

/* --- Returning --- */

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

/* A re-read came back in time. An error says at least that somebody answers: enough for one who was only doubted. */
static void probe_returned(struct sched *s, struct sched_guest *g, struct sched_task *t,
	uint64_t now_usec)
{
	const struct sched_answer *a = &t->answer;
	bool quarantined = g->trust == SCHED_QUARANTINED;

	probe_ended(s, g);
	if (a->stopped) {
		guest_quarantine(s, g, t, "its QEMU process is stopped");
		queue_end_public(s, g, -EBUSY, "the guest does not answer");
		guest_retry(g, now_usec, false);
	} else if (a->error == 0 && a->n_balloons > 0) {
		guest_trust(s, g, SCHED_TRUSTED);
		g->retry_pause_usec = 0;
		if (quarantined)
			s->out->recovered(s->data, g, &a->balloons[0]);
	} else if (quarantined || a->error == -ENOTCONN) {
		guest_retry(g, now_usec, false);
	} else {
		guest_trust(s, g, SCHED_TRUSTED);
	}
}

/* The worker saw that the guest's process stands still and did not ask libvirt: nothing hangs, nothing will take effect late. */
static void stopped_returned(struct sched *s, struct sched_guest *g, struct sched_task *t,
	uint64_t now_usec)
{
	guest_quarantine(s, g, t, "its QEMU process is stopped");
	task_tell(s, t, -ETIMEDOUT, "its QEMU process is stopped");
	queue_end_public(s, g, -EBUSY, "the guest does not answer");
	guest_retry(g, now_usec, false);
}

static void guest_released(struct sched *s, struct sched_guest *g, struct sched_task *t,
	uint64_t now_usec)
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
	ready_add(s, g);
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
	task_free(t);
}

/* --- Time --- */

static void bulk_overdue(struct sched *s, struct sched_task *t, uint64_t now_usec)
{
	s->bulk_running = false;
	for (size_t i = 0; i < t->req.n_guests; i++) {
		struct sched_guest *g = sched_find(s, &t->guests[i]);

		if (!g || g->running != t)
			continue;
		/* One of them hangs: each is read by itself to find out which. That is a second call on the one that does. */
		g->running = NULL;
		if (g->trust == SCHED_TRUSTED)
			guest_trust(s, g, SCHED_DOUBTED);
		guest_retry(g, now_usec, true);
	}
}

static void task_overdue(struct sched *s, struct sched_task *t, uint64_t now_usec)
{
	struct sched_guest *g = sched_find(s, &t->req.guest);

	t->overdue = true;
	s->n_overdue++;
	s->timeouts++;
	if (t->told)
		return; /* libvirt itself is away: not the guest's fault */
	if (t->req.call == HV_CALL_READ_BALLOONS) {
		bulk_overdue(s, t, now_usec);
	} else if (g && g->running == t) {
		if (is_probe(t))
			probe_ended(s, g);
		guest_quarantine(s, g, t, "a call on it hangs");
		queue_end_public(s, g, -EBUSY, "the guest does not answer");
	}
	task_tell(s, t, -ETIMEDOUT, "no answer in time");
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
	HASH_ITER(hh, s->guests, g, tmp) {
		if (g->trust == SCHED_TRUSTED || g->running || g->probing)
			continue;
		if (now_usec < g->retry_usec) {
			next = MIN(next, g->retry_usec);
			continue;
		}
		/* Beyond the limit a suspect waits for one to come back; that is a sched_return(), and the
		 * owner ticks after it. */
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
			guest_trust(s, g, SCHED_DOUBTED);
			guest_retry(g, now_usec, true);
		}
		if (t->req.call == HV_CALL_READ_BALLOONS && !t->told)
			s->bulk_running = false;
		task_tell(s, t, error, text);
	}
	HASH_ITER(hh, s->guests, g, tmp) {
		queue_end_own(s, g, error);
		queue_end_public(s, g, error, text);
		if (g->ready)
			ready_remove(s, g);
	}
	while (s->bulk.head) {
		struct sched_task *t = queue_unlink(&s->bulk, &s->bulk.head);

		s->n_queued--;
		task_tell(s, t, error, text);
		task_free(t);
	}
}
