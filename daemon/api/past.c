/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/past.h"

struct api_past *api_past_new(enum past_kind kind)
{
	struct api_past *p = calloc(1, sizeof(*p));

	if (p)
		p->query.kind = kind;
	return p;
}

static void past_free(struct api_past *p)
{
	past_query_clear(&p->query);
	free(p);
}

/* The reader's thread. The queue is held by the api, or by the calls that the main loop keeps;
 * should this be the last reference, what was just put there goes with it. */
static void on_done(struct past_query *q)
{
	struct api_past *p = (struct api_past *)q;
	struct api_queue *queue = p->queue;

	pthread_mutex_lock(&queue->lock);
	p->next = queue->answered_past;
	queue->answered_past = p;
	api_poke(queue->answer_fd);
	pthread_mutex_unlock(&queue->lock);
	api_queue_unref(queue);
}
_Static_assert(offsetof(struct api_past, query) == 0, "on_done() casts");

int api_past_ask(struct api *a, struct api_past *p, api_past_answered answered, void *owner)
{
	int r;

	if (!a->config.past_ask)
		return -ENOTSUP;
	p->answered = answered;
	p->owner = owner;
	p->query.done = on_done;
	p->queue = a->queue;
	p->under_way = true;
	atomic_fetch_add_explicit(&a->queue->refs, 1, memory_order_relaxed);
	r = a->config.past_ask(a->config.past, &p->query);
	if (r < 0) {
		p->under_way = false;
		api_queue_unref(a->queue);
	}
	return r;
}

struct api_past *api_past_drop(struct api_past *p)
{
	if (p && p->under_way)
		p->owner = NULL;
	else if (p)
		past_free(p);
	return NULL;
}

void api_past_take(struct api_past *first)
{
	for (struct api_past *p = first, *next; p; p = next) {
		next = p->next;
		p->under_way = false;
		if (p->owner)
			p->answered(p, p->owner);
		else
			past_free(p);
	}
}

void api_past_free_all(struct api_past *first)
{
	for (struct api_past *p = first, *next; p; p = next) {
		next = p->next;
		past_free(p);
	}
}
