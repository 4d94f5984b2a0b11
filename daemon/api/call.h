/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "daemon/api/client.h"
#include "daemon/api/route.h"

/*
 * The way from the HTTP thread to the main loop and back. Commands wait in a bounded queue; answers
 * in a list; an eventfd pokes each side. The queue outlives the api for as long as somebody keeps a
 * call.
 */
#define API_QUEUE_MAX 64
#define API_IF_MATCH_MAX 512

struct request; /* a connection's, in request.h */
struct replay;	/* replay.h */
struct api_past; /* past.h */

struct api_queue {
	atomic_uint refs; /* the api and each call */
	int command_fd;	  /* eventfd: the main loop polls it */
	int answer_fd;	  /* eventfd: the HTTP thread polls it */
	pthread_mutex_t lock;
	struct api_call *first, **last; /* commands that wait */
	unsigned n_waiting;
	struct api_call *answered;
	bool closed; /* nobody takes answers any more */
	/* CLOCK_MONOTONIC: the main loop has been asked since, and did not come yet; 0: it was
	 * not */
	uint64_t asked_usec;
	struct api_past *answered_past; /* what was read from the disk */
	bool view_wanted; /* the HTTP thread asks for a fresh view */
	bool view_made;	  /* the main loop looked (and published, if there was anything) */
	/* What the main loop read anew, for the HTTP thread to take over. */
	bool has_tokens;
	struct token_table *tokens; /* owned */
	struct server *server;	    /* owned: of a new certificate */
	struct names *names;	    /* owned: of users */
	bool names_wanted;	    /* the HTTP thread has somebody whom it cannot name */
};

struct api_call {
	struct api_queue *queue; /* a reference */
	struct api_call *next;
	const struct route *route;
	/* What was asked: written by the HTTP thread before the call is queued, constant from then
	 * on. */
	char value[ROUTE_VALUE_MAX]; /* the noun's word */
	char by[CLIENT_BY_MAX];
	enum api_role role; /* of who asks */
	bool dry_run;
	char if_match[API_IF_MATCH_MAX]; /* "": not given */
	bool if_none;			 /* If-None-Match: *: only where there is nothing */
	json_t *body; /* owned, or NULL */
	union {
		struct api_policy_request policy;
		uint64_t operation; /* its number */
		struct api_preview_request preview;
		struct api_mode_request mode;
		struct api_pause_request pause;
		struct api_override_request override;
		struct api_reserve_request reserve;
		struct api_unreserve_request unreserve;
		struct api_authorize_request authorize;
	} request;
	char values[API_OVERRIDE_SETTINGS_MAX][48]; /* what override.settings points to */
	uint64_t extra_usec;			    /* on top of the deadline */
	/* Who waits; under the queue's lock. NULL: nobody any more. */
	struct request *waiter;
	/* The HTTP thread's: nobody waits, and the answer is kept for who sends the request again;
	 * under the queue's lock */
	struct replay *replay;
	/*
	 * A call whose asker is to be told that it goes on has an acknowledgement, a call of its
	 * own behind it in the queue, which takes the waiter. Links between the two, until the
	 * acknowledgement runs; under the queue's lock.
	 */
	struct api_call *ack, *converts;
	bool ended; /* it was answered before that */
	api_call_ended on_end; /* main loop */
	void *on_end_userdata;
	/* The answer: written by the main loop before it goes into `answered`. */
	bool is_problem;
	struct problem problem;
	unsigned status;
	char location[64];	    /* "": none */
	char etag[API_TAG_MAX + 2]; /* with its quotes; "": none */
	char *text; /* owned; NULL: no body */
	size_t len;
};

struct api_queue *api_queue_new(void) _must_check_;
struct api_queue *api_queue_unref(struct api_queue *q); /* takes NULL, returns NULL */
/* HTTP thread, with the lock held: from now on the main loop is waited for. */
void api_queue_asked(struct api_queue *q) _nonnull_;
/* Wakes the other side. */
void api_poke(int event_fd);
/* Takes the pokes. */
void api_unpoke(int event_fd);

struct api_call *api_call_new(struct api_queue *q, const struct route *r) _nonnull_ _must_check_;
struct api_call *api_call_free(struct api_call *c); /* takes NULL, returns NULL */
DEFINE_CLEANUP(struct api_call *, api_call_free)
/* HTTP thread: queues a call; the queue owns it from then on. Returns 0, or -EBUSY (then it still
 * is the caller's). */
int api_call_submit(struct api_call *c, struct request *waiter) _nonnull_ _must_check_;
/* HTTP thread: the call goes on, and its waiter waits for the acknowledgement, which is queued.
 * Returns it, or NULL without memory, or where the answer is there already: then nothing has
 * changed. */
struct api_call *api_call_convert(struct api_call *c) _nonnull_ _must_check_;
/* Main loop, when an acknowledgement runs: the call that goes on; or NULL, where its answer was
 * there and has been given to the acknowledgement's asker. */
struct api_call *api_call_converted(struct api_call *ack) _nonnull_;
extern const struct route operation_ack_route;
/* HTTP thread: nobody waits any more. The answer, when it comes, is dropped; with a replay it comes
 * back without a waiter, to be kept there. Returns false when the answer is there already. */
bool api_call_abandon(struct api_call *c, struct replay *replay) _nonnull_args_(1);
/* The HTTP thread has ended: answers have nowhere to go. */
void api_queue_close(struct api_queue *q) _nonnull_;
/* Main loop: the next command, or NULL. */
struct api_call *api_queue_take(struct api_queue *q) _nonnull_;
/* Main loop: answers with a problem made elsewhere; p is emptied. */
void api_call_reply_problem(struct api_call *c, struct problem *p) _nonnull_;
