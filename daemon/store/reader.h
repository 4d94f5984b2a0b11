/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sqlite3.h>

#include "daemon/past.h"

/*
 * Reads the state file for who asks (past.h): a thread of its own with a connection of its own,
 * which can only read. It is opened for each query: that takes a fraction of a millisecond, and
 * holds nothing while nobody asks. A query that takes longer than READER_QUERY_USEC is given up.
 */
#define READER_QUEUE_MAX 32
#define READER_QUERY_USEC (8 * USEC_PER_SEC)

struct reader;
/* dir: the store's. Returns 0 or -errno. */
int reader_new(const char *dir, struct reader **ret) _nonnull_ _must_check_;
/* on_damage is called on the reader's thread when a query finds the file damaged; NULL: nobody is
 * told from now on. */
void reader_watch(struct reader *r, void (*on_damage)(void *data), void *data)
	_nonnull_args_(1);
/* Ends the thread; what waits is handed back with -ESHUTDOWN. A disk that hangs is waited for 3 s,
 * then the thread is left to it. Takes NULL, returns NULL. */
struct reader *reader_free(struct reader *r);
DEFINE_CLEANUP(struct reader *, reader_free)
/* A past_ask; past is the reader. */
int reader_ask(void *past, struct past_query *q) _must_check_;

/* past-*.c: run a query on an open file; -errno goes into q->error. */
int past_events_read(sqlite3 *db, struct past_events *q) _nonnull_ _must_check_;
int past_history_read(sqlite3 *db, struct past_history *q) _nonnull_ _must_check_;
