/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/api/internal.h"
#include "daemon/past.h"

/*
 * A question to the disk on its way from the HTTP thread and back. Who asked may go meanwhile: then
 * the answer is dropped when it comes. All of it is called on the HTTP thread but the reader's
 * `done`, which puts the answer where the thread finds it.
 */
typedef void (*api_past_answered)(struct api_past *past, void *owner);

struct api_past {
	struct past_query query;
	struct api_queue *queue; /* a reference, once it was asked */
	api_past_answered answered;
	void *owner; /* NULL: nobody waits any more */
	bool under_way;
	struct api_past *next; /* in queue->answered_past */
};

struct api_past *api_past_new(enum past_kind kind) _must_check_; /* NULL without memory */
/* Sends it off; `answered` is called with it once, unless it is dropped before, and the owner has
 * it from then on. Returns 0; -EBUSY, -ENOTSUP where nobody keeps anything, -ESHUTDOWN: then it
 * still is the caller's. */
int api_past_ask(struct api *a, struct api_past *past, api_past_answered answered,
	void *owner) _nonnull_ _must_check_;
/* Frees it, now or when its answer comes. Takes NULL, returns NULL. */
struct api_past *api_past_drop(struct api_past *past);
/* Answers that came: calls who waits. */
void api_past_take(struct api_past *first);
/* Of a queue that ends. */
void api_past_free_all(struct api_past *first);
