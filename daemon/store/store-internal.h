/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <pthread.h>
#include <sqlite3.h>

#include "daemon/store/store.h"

/* What can be written; each has one SQL statement in statements.c. */
enum store_kind {
	STORE_PUT_TEXT,
	STORE_PUT_OVERRIDES,
	STORE_DELETE_OVERRIDES,
	STORE_PUT_ORIGINAL,
	STORE_DELETE_ORIGINAL,
	STORE_ADD_EVENT,
	STORE_ADD_DECISION,
	STORE_ADD_TICK, /* several statements: history.c */
	STORE_KIND_MAX,
};
#define STORE_PARAMS_MAX 13
#define STORE_TEXT_MAX   (4 * KIB)  /* of one row of history */
#define STORE_QUEUE_MAX 8192 /* waiting writes: history beyond it is dropped, the rest refused */
#define STORE_TICKS_MAX  6          /* of these, samples: one of 1000 guests is 160 kB */
#define STORE_RETRY_USEC (10 * USEC_PER_SEC)
/* Now and then the tables that matter are read from the disk: a handful of pages. */
#define STORE_CHECK_USEC (10 * 60 * USEC_PER_SEC)
/* The row of `text` that a file has which is written in place of a damaged one, until all is in
 * it. */
#define STORE_ANEW_KEY "incomplete"

/* One bound value. Texts and blobs are owned by the write. */
struct store_param {
	enum { PARAM_INT, PARAM_TEXT, PARAM_BLOB } type;
	int64_t number;
	char *bytes;
	size_t len;
};

/* One write on its way: made in the main loop, run in the store thread, answered and freed in the
 * main loop. */
struct store_write {
	enum store_kind kind;
	struct store_param params[STORE_PARAMS_MAX];
	unsigned n_params;
	struct tick *tick; /* owned; of ADD_TICK */
	store_done done;
	bool soon; /* not gathered with others, though nobody waits */
	void *userdata;
	int error;
	struct store_write *next;
};
struct store_queue {
	struct store_write *first, **last;
	unsigned n, n_ticks;
};

struct store {
	/* Set before the thread starts, then read only. */
	struct store_config config;
	char *dir, *path;
	struct store_ops ops;
	void *data;
	sd_event_source *answers;
	int eventfd;

	/* The store thread's own once it runs. */
	int lock_fd; /* flock'ed for as long as we live: one daemon a state directory */
	sqlite3 *db; /* NULL: could not be opened for writing; tried again */
	sqlite3_stmt *statements[STORE_KIND_MAX];
	unsigned since_prune;
	ino_t wal_ino; /* of the log beside the open file; 0: not seen yet */
	dev_t wal_dev;
	bool damaged; /* what is there is not ours any more, or not whole: a new one is due */
	bool fresh;   /* a new one in place of a damaged one, in which not all is yet */
	bool completes; /* what is written now is the rest */
	char damage[256]; /* what was wrong with it */
	char lost[512];   /* the same, and what that cost */
	uint64_t check_usec; /* when it is looked at next; 0: now */
	bool shrinks; /* the file is larger than it may be, and becomes smaller step by step */
	char run[128]; /* of the daemon, that `runs` has; "": not known */
	struct history_guest *history_guests; /* those that have a number on the disk */
	uint64_t history_hour;		      /* of the last tick; 0: none yet */

	/* Under the mutex. */
	pthread_mutex_t mutex;
	pthread_cond_t work;
	struct store_queue queue, answered;
	bool stop, urgent;
	bool ok, health_changed;
	bool unread; /* nothing is written until the owner has read */
	bool unput;  /* nor until the owner has put all into a new file */
	bool suspect; /* a reader found it damaged */
	char health[512];
	struct store_counters counters;

	pthread_t thread;
	bool thread_runs;
};

/* store.c: puts a write into the queue; takes it also on failure. */
int store_submit(struct store *s, struct store_write *w) _nonnull_ _must_check_;
/* statements.c: runs one write in the open transaction. Returns an SQLite result. */
int store_run(struct store *s, const struct store_write *w) _nonnull_ _must_check_;
/* history.c: the same for a tick. */
int history_run(struct store *s, const struct tick *t) _nonnull_ _must_check_;
/* What is known of the file, once it is closed or a transaction failed. */
void history_forget(struct store *s) _nonnull_;
/* bound.c: takes the oldest away until the file is small enough. Returns an SQLite result. */
int store_bound(struct store *s) _nonnull_ _must_check_;
/* bound.c: a file of before it could shrink is written anew, once; where that fails it stays as it
 * is. */
void store_make_shrinkable(struct store *s) _nonnull_;
/* bound.c: gives a few MiB of what is free in the file back to the file system, where it is larger
 * than it may be. Outside of a transaction. Returns 1 while there is more to give back, 0, or
 * -errno (nothing is lost then). */
int store_shrink(struct store *s) _nonnull_ _must_check_;
/* bound.c: how large the file is with what is beside it, and from when its oldest sample is. 0: not
 * known, none. */
void store_look(struct store *s, uint64_t *ret_bytes, uint64_t *ret_oldest_sec) _nonnull_;
/* The rest of store_prune(): of one table, all but the newest `keep` rows. */
int store_prune_table(struct store *s, const char *table, uint64_t keep) _nonnull_ _must_check_;
/* Takes old history out so that the bounds hold. Returns an SQLite result. */
int store_prune(struct store *s) _nonnull_ _must_check_;
void store_finalize(struct store *s) _nonnull_;
struct store_write *store_write_free(struct store_write *w);
/* "host:boot:number" of an object that begins with its id: the part before the number, and the
 * number. False: it has none. */
bool store_place(const char *text, char run[static 128], uint64_t *ret_number) _must_check_;
/* open.c: opens for writing and migrates. Returns 0 or -errno as store_open(). */
int store_open_db(struct store *s, struct diag *d) _nonnull_ _must_check_;
/* whole.c. Of what is there: -ENODATA where a state was made in this directory and is gone or
 * empty; the same where an open file is not complete. */
int store_check_there(const struct store *s, struct diag *d) _nonnull_ _must_check_;
int store_check_complete(struct store *s, struct diag *d) _nonnull_ _must_check_;
/* From now on its absence is an error. */
void store_mark_made(struct store *s) _nonnull_;
/* After a commit: 0, -ESTALE where the open file or its log is not at its place any more, -EBADMSG
 * where either does not begin as it should. Two calls and two reads of a page that is in memory. */
int store_verify(struct store *s, char *why, size_t size) _nonnull_ _must_check_;
/* Reads the tables that matter, or all, from the disk, for at most 5 s. 0 or -EBADMSG. */
int store_check(struct store *s, bool all, char *why, size_t size) _nonnull_ _must_check_;
/* Closes what is damaged as it is. */
void store_leave(struct store *s) _nonnull_;
/* Puts what is at the path aside and opens a new, incomplete file there (s->fresh). Returns 0 (why
 * says what was done) or -errno. At every moment of it a start would be refused, not silent. */
int store_make_anew(struct store *s, char *why, size_t size) _nonnull_ _must_check_;
/* What failed, with the path, as on_health() tells it. */
void store_describe(char *buf, size_t size, const struct diag *d, int err) _nonnull_;
