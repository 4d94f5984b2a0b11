/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * Idempotency-Key: the answers to requests of the last ten minutes, so that a client who does not
 * know whether his was carried out can send it again. A key is a client's own. HTTP thread only.
 * Bounded: REPLAY_MAX answers, of one client at most a quarter, REPLAY_BYTES_MAX of text; the
 * oldest go.
 */
#define REPLAY_MAX	  256
#define REPLAY_CLIENT_MAX 64
#define REPLAY_BYTES_MAX  ((size_t)4 * 1024 * 1024)
#define REPLAY_KEY_MAX	  128
#define REPLAY_USEC	  (UINT64_C(600) * 1000000)

struct replay {
	char *client, *key, *path; /* owned; path: what was asked, for its problems */
	uint64_t request;   /* a hash of all that it asks */
	uint64_t since_usec; /* its answer is there; before that, when it began */
	bool done;	     /* the rest is its answer. Before that it is some call's, and stays */
	unsigned status;
	bool is_problem;
	char *text; /* owned; NULL: no body */
	size_t len;
	char etag[40], location[128]; /* "": none */
	struct replay *next;
};

struct replay_table {
	struct replay *first; /* oldest first */
	unsigned n;
	size_t bytes;
};

enum replay_found {
	REPLAY_NEW,	  /* *ret is its entry: to be ended by replay_store() or replay_forget() */
	REPLAY_STORED,	  /* *ret has the answer, until the next call of these functions */
	REPLAY_UNDER_WAY, /* the same request has no answer yet */
	REPLAY_MISMATCH,  /* the key was another request's */
	REPLAY_FULL,	  /* too many are under way, or no memory */
};

/* 1 to REPLAY_KEY_MAX bytes that can be seen (RFC 8941 would have it in quotes; they are part of it
 * then). */
bool replay_key_is_good(const char *key) _nonnull_ _pure_;
/* What one asks, under which key. request: a hash of all of it. */
struct replay_ask {
	const char *client, *key, *path;
	uint64_t request;
};
enum replay_found replay_begin(struct replay_table *t, const struct replay_ask *ask,
	uint64_t now_usec, struct replay **ret) _nonnull_ _must_check_;
/* Its answer, kept for REPLAY_USEC from now; text is copied (NULL: no body). One that cannot be
 * kept is forgotten. */
void replay_store(struct replay_table *t, struct replay *r, unsigned status, bool is_problem,
	const char *text, size_t len, uint64_t now_usec) _nonnull_args_(1, 2);
/* It was not carried out: the next one is. */
void replay_forget(struct replay_table *t, struct replay *r) _nonnull_;
void replay_clear(struct replay_table *t) _nonnull_;
