/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/history/series.h"
#include "policy/uuid.h"

/*
 * What is not in memory any more: asked by the HTTP thread, read from the disk by a thread of its
 * own (daemon/store/reader.c), handed back when it is there. This is all that the API and the store
 * know of each other.
 */
enum past_kind {
	PAST_EVENTS,
	PAST_HISTORY,
};

#define PAST_WORD_MAX 256 /* a name, or an event's id, with its NUL */
/* Objects of one answer, in bytes, at most (and one more object). */
#define PAST_TEXT_MAX (4 * MIB)

struct past_events {
	/* asked */
	/* an event's id, whole, or a number of an earlier run's; "": from the oldest that is
	 * kept */
	char after[PAST_WORD_MAX];
	uint64_t since_real_usec;  /* from the first of then or later on; 0: all */
	/* objects, and their text, at most; newest with no bytes: only where they begin */
	size_t limit, bytes;
	bool newest;		   /* of those that fit, the last `limit` instead of the first */
	char before[PAST_WORD_MAX]; /* with newest: an event's id; only what lies before it; "": all */
	char kind[64];		   /* "": all */
	bool of_guest;
	struct uuid guest;
	char guest_name[PAST_WORD_MAX]; /* "": all */
	/* answered */
	char *text; /* the objects, each ended by a newline; owned */
	size_t len, n;
	/* id of the last one looked at: the next `after`; as asked if there was none. newest: of
	 * the one before the first of them, "" where there is none */
	char last[PAST_WORD_MAX];
	/* that id's run of the daemon is none that is known: read from the oldest */
	bool unknown;
	bool guest_seen;	  /* with newest: some are the guest's, of whatever kind */
	bool lost;		  /* some after it are gone, or were never written */
	bool more;		  /* behind `last` */
};

struct past_history {
	/* asked */
	bool of_host;
	char word[PAST_WORD_MAX]; /* the guest's name or UUID; not of_host */
	uint64_t from_sec, until_sec, step_sec;
	/* answered */
	struct uuid guest;
	char name[PAST_WORD_MAX];
	struct series *series; /* owned; points from..until by step */
};

struct past_query {
	enum past_kind kind;
	union {
		struct past_events events;
		struct past_history history;
	};
	int error; /* -ENOENT: no such guest is known; -ETIMEDOUT; other -errno */
	/* Called once, on the reader's thread; the query is the owner's from then on. */
	void (*done)(struct past_query *q);
	struct past_query *next; /* the reader's until then */
};

/* Takes the query, unless it returns -EBUSY: too many wait; or -ESHUTDOWN. Any thread. */
typedef int (*past_ask)(void *past, struct past_query *q);
/* Frees what the answer has; the query itself is the owner's. */
void past_query_clear(struct past_query *q) _nonnull_;
