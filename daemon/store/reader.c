/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/store/reader.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <time.h>

#include "daemon/store/schema.h"

#define STOP_SEC 3
/* How many of SQLite's steps pass between two looks at the clock: some ten microseconds. */
#define STEPS 1000

struct reader {
	char *path;
	pthread_t thread;
	bool thread_runs;
	/* Under the mutex. */
	pthread_mutex_t mutex;
	pthread_cond_t work;
	struct past_query *first, **last;
	unsigned n;
	bool stop;
	void (*on_damage)(void *data);
	void *data;
	/* The thread's. */
	uint64_t until_usec;
};

static uint64_t now_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

static bool is_stopping(struct reader *r)
{
	bool stop;

	pthread_mutex_lock(&r->mutex);
	stop = r->stop;
	pthread_mutex_unlock(&r->mutex);
	return stop;
}

/* SQLite asks now and then whether to go on. */
static int on_progress(void *userdata)
{
	struct reader *r = userdata;

	return now_usec() > r->until_usec || is_stopping(r);
}

static int run_query(sqlite3 *db, struct past_query *q)
{
	return q->kind == PAST_EVENTS ? past_events_read(db, &q->events)
				      : past_history_read(db, &q->history);
}

static void run(struct reader *r, struct past_query *q)
{
	sqlite3 *db = NULL;
	int result =
		sqlite3_open_v2(r->path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);

	r->until_usec = now_usec() + READER_QUERY_USEC;
	if (result == SQLITE_OK) {
		sqlite3_busy_timeout(db, 500);
		sqlite3_progress_handler(db, STEPS, on_progress, r);
		/* What is read is seen as of one moment. */
		result = sqlite3_exec(
			db, "PRAGMA cache_size=-512; PRAGMA query_only=1; BEGIN", NULL, NULL, NULL);
	}
	q->error = result == SQLITE_OK ? run_query(db, q) : schema_errno(db, result);
	if (q->error == -EIO && now_usec() > r->until_usec)
		q->error = -ETIMEDOUT;
	sqlite3_close(db);
	/* Whoever writes can do something about it. */
	if (q->error == -EBADMSG || q->error == -EIO) {
		pthread_mutex_lock(&r->mutex);
		if (r->on_damage && !r->stop)
			r->on_damage(r->data);
		pthread_mutex_unlock(&r->mutex);
	}
}

void reader_watch(struct reader *r, void (*on_damage)(void *data), void *data)
{
	pthread_mutex_lock(&r->mutex);
	r->on_damage = on_damage;
	r->data = data;
	pthread_mutex_unlock(&r->mutex);
}

static struct past_query *take(struct reader *r)
{
	struct past_query *q;

	pthread_mutex_lock(&r->mutex);
	while (!r->stop && !r->first)
		pthread_cond_wait(&r->work, &r->mutex);
	q = r->stop ? NULL : r->first;
	if (q) {
		r->first = q->next;
		if (!r->first)
			r->last = &r->first;
		r->n--;
	}
	pthread_mutex_unlock(&r->mutex);
	return q;
}

static void *reader_thread(void *userdata)
{
	struct reader *r = userdata;
	struct past_query *q;

	prctl(PR_SET_NAME, "store-reader");
	while ((q = take(r))) {
		run(r, q);
		q->done(q);
	}
	return NULL;
}

int reader_new(const char *dir, struct reader **ret)
{
	struct reader *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	r->last = &r->first;
	pthread_mutex_init(&r->mutex, NULL);
	pthread_cond_init(&r->work, NULL);
	if (asprintf(&r->path, "%s/state.db", dir) < 0) {
		r->path = NULL;
		reader_free(r);
		return -ENOMEM;
	}
	e = -pthread_create(&r->thread, NULL, reader_thread, r);
	if (e < 0) {
		reader_free(r);
		return e;
	}
	r->thread_runs = true;
	*ret = r;
	return 0;
}

static bool stop_thread(struct reader *r)
{
	struct timespec until;

	if (!r->thread_runs)
		return true;
	pthread_mutex_lock(&r->mutex);
	r->stop = true;
	pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->mutex);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_SEC;
	return pthread_timedjoin_np(r->thread, NULL, &until) == 0;
}

struct reader *reader_free(struct reader *r)
{
	if (!r || !stop_thread(r))
		return NULL;
	for (struct past_query *q = r->first, *next; q; q = next) {
		next = q->next;
		q->error = -ESHUTDOWN;
		q->done(q);
	}
	pthread_cond_destroy(&r->work);
	pthread_mutex_destroy(&r->mutex);
	free(r->path);
	free(r);
	return NULL;
}

int reader_ask(void *past, struct past_query *q)
{
	struct reader *r = past;
	int e = 0;

	q->next = NULL;
	q->error = 0;
	pthread_mutex_lock(&r->mutex);
	if (r->stop) {
		e = -ESHUTDOWN;
	} else if (r->n >= READER_QUEUE_MAX) {
		e = -EBUSY;
	} else {
		*r->last = q;
		r->last = &q->next;
		r->n++;
		pthread_cond_signal(&r->work);
	}
	pthread_mutex_unlock(&r->mutex);
	return e;
}
