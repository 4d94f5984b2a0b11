/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/hv/hv-sched-priv.h"

DEFINE_STRTAB(sched_trust, enum sched_trust, SCHED_TRUST_MAX, "trusted", "doubted", "quarantined")

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

struct sched_task *sched_queue_unlink(struct sched_queue *q, struct sched_task **link)
{
	struct sched_task *t = *link;

	*link = t->next;
	if (q->tail == &t->next)
		q->tail = link;
	t->next = NULL;
	return t;
}

void sched_task_free(struct sched_task *t)
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

void sched_task_tell(struct sched *s, struct sched_task *t, int error, const char *text)
{
	if (t->told)
		return;
	t->told = true;
	s->out->done(s->data, t, error, text, NULL);
}

void sched_queue_end_public(struct sched *s, struct sched_guest *g, int error, const char *text)
{
	for (struct sched_task **link = &g->queue.head; *link;) {
		struct sched_task *t = *link;

		if (t->id == 0) {
			link = &t->next;
			continue;
		}
		sched_queue_unlink(&g->queue, link);
		g->n_queued--;
		s->n_queued--;
		sched_task_tell(s, t, error, text);
		sched_task_free(t);
	}
}

void sched_queue_end_own(struct sched *s, struct sched_guest *g, int error)
{
	while (g->queue.head && g->queue.head->id == 0) {
		struct sched_task *t = sched_queue_unlink(&g->queue, &g->queue.head);

		if (t->req.call == HV_CALL_READ_BALLOON) {
			g->probing = false;
			s->n_probing--;
		}
		sched_task_tell(s, t, error, "");
		sched_task_free(t);
	}
}

/* --- The ready list --- */

/* hv's own calls stand first in a queue and may run on a suspect, others may not. */
static bool guest_may_run(const struct sched_guest *g)
{
	return g->queue.head && !g->running &&
	       (g->trust == SCHED_TRUSTED || g->queue.head->id == 0);
}

void sched_ready_add(struct sched *s, struct sched_guest *g)
{
	if (g->ready || !guest_may_run(g))
		return;
	g->ready = true;
	g->ready_next = NULL;
	*s->ready_tail = g;
	s->ready_tail = &g->ready_next;
}

void sched_ready_remove(struct sched *s, struct sched_guest *g)
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
		sched_ready_remove(s, g);
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
		sched_task_free(sched_queue_unlink(q, &q->head));
}

void sched_clear(struct sched *s)
{
	struct sched_guest *g, *tmp;

	HASH_ITER (hh, s->guests, g, tmp) {
		HASH_DEL(s->guests, g);
		queue_free(&g->queue);
		free(g);
	}
	queue_free(&s->bulk);
	while (s->under_way) {
		struct sched_task *t = s->under_way;

		s->under_way = t->next;
		sched_task_free(t);
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

void sched_guest_trust(struct sched *s, struct sched_guest *g, enum sched_trust trust)
{
	s->n_suspects += (trust != SCHED_TRUSTED) - (g->trust != SCHED_TRUSTED);
	s->n_quarantined += (trust == SCHED_QUARANTINED) - (g->trust == SCHED_QUARANTINED);
	g->trust = trust;
}

void sched_guest_remove(struct sched *s, struct sched_guest *g)
{
	sched_queue_end_own(s, g, -ENOENT);
	sched_queue_end_public(s, g, -ENOENT, "the guest is gone");
	if (g->probing)
		s->n_probing--;
	sched_guest_trust(s, g, SCHED_TRUSTED);
	if (g->ready)
		sched_ready_remove(s, g);
	HASH_DEL(s->guests, g);
	free(g);
}

/* --- In --- */

static bool supersedes(const struct hv_request *newer, const struct hv_request *older)
{
	if (newer->call != older->call)
		return false;
	if (newer->call == HV_CALL_SET_CPU)
		return newer->set_weight >= older->set_weight &&
		       newer->set_quota >= older->set_quota;
	return newer->call == HV_CALL_SET_MEMORY;
}

static void supersede(struct sched *s, struct sched_guest *g, const struct hv_request *req)
{
	for (struct sched_task **link = &g->queue.head; *link; link = &(*link)->next) {
		struct sched_task *t = *link;

		if (t->id == 0 || !supersedes(req, &t->req))
			continue;
		sched_queue_unlink(&g->queue, link);
		g->n_queued--;
		s->n_queued--;
		sched_task_tell(s, t, -ECANCELED, "superseded by a newer one");
		sched_task_free(t);
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
	sched_ready_add(s, g);
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
	sched_ready_add(s, g);
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
		struct sched_task *t = sched_queue_unlink(&s->bulk, &s->bulk.head);

		bulk_choose(s, t);
		if (t->req.n_guests > 0) {
			task_start(s, t, now_usec);
			s->bulk_running = true;
			return t;
		}
		s->n_queued--;
		sched_task_tell(s, t, 0, "");
		sched_task_free(t);
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
		t = sched_queue_unlink(&g->queue, &g->queue.head);
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
