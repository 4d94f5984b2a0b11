/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/store/store.h"

#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>

#include "daemon/store/schema.h"
#include "daemon/store/store-internal.h"

/* Between two steps of a file that becomes smaller: 2 MiB each. */
#define SHRINK_USEC (250 * USEC_PER_MSEC)
/* History waits this long for company, so that a busy second is one fsync. */
#define GATHER_USEC USEC_PER_SEC
/* Between two looks at the whole file because readers ask for it. */
#define SUSPECT_USEC (10 * USEC_PER_SEC)
/* How long an orderly end waits for a disk that hangs. */
#define STOP_USEC (3 * USEC_PER_SEC)

static void queue_append(struct store_queue *q, struct store_write *w)
{
	w->next = NULL;
	*q->last = w;
	q->last = &w->next;
	q->n++;
	q->n_ticks += w->kind == STORE_ADD_TICK;
}

static void queue_append_all(struct store_queue *q, struct store_write *w)
{
	while (w) {
		struct store_write *next = w->next;

		queue_append(q, w);
		w = next;
	}
}

static struct store_write *queue_take(struct store_queue *q)
{
	struct store_write *first = q->first;

	*q = (struct store_queue){.last = &q->first};
	return first;
}

/* Main loop. Tells who waits, and frees. */
static void queue_answer(struct store_write *w, const char *text)
{
	while (w) {
		struct store_write *next = w->next;

		if (w->done)
			w->done(w->userdata, w->error, w->error < 0 ? text : "");
		store_write_free(w);
		w = next;
	}
}

static bool is_history(const struct store_write *w)
{
	return w->kind == STORE_ADD_EVENT || w->kind == STORE_ADD_DECISION ||
	       w->kind == STORE_ADD_TICK;
}

int store_submit(struct store *s, struct store_write *w)
{
	bool history = is_history(w), accepted;

	pthread_mutex_lock(&s->mutex);
	/* What must not be lost finds room even behind a flood of history. */
	accepted = s->queue.n < (history ? STORE_QUEUE_MAX : 2 * STORE_QUEUE_MAX) &&
		   (w->kind != STORE_ADD_TICK || s->queue.n_ticks < STORE_TICKS_MAX);
	if (accepted) {
		bool first = s->queue.n == 0;

		queue_append(&s->queue, w);
		if (w->soon)
			s->urgent = true;
		if (first || w->soon)
			pthread_cond_signal(&s->work);
	} else if (history) {
		s->counters.lost++;
	}
	pthread_mutex_unlock(&s->mutex);
	if (accepted)
		return 0;
	store_write_free(w);
	return -ENOBUFS;
}

static struct timespec deadline_in(uint64_t usec)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += (time_t)(usec / USEC_PER_SEC);
	ts.tv_nsec += (long)(usec % USEC_PER_SEC) * 1000;
	if (ts.tv_nsec >= 1000000000L) {
		ts.tv_nsec -= 1000000000L;
		ts.tv_sec++;
	}
	return ts;
}

/* Store thread. Waits for something to do; returns what waits (maybe nothing: a retry is due), or
 * false in *go_on at the end. */
static struct store_write *await_work(struct store *s, bool *go_on)
{
	struct store_write *batch;
	struct timespec until;

	pthread_mutex_lock(&s->mutex);
	until = deadline_in(!s->ok       ? STORE_RETRY_USEC
			    : s->shrinks ? SHRINK_USEC
					 : STORE_CHECK_USEC);
	while (!s->stop && !s->queue.n && !s->suspect) {
		if (pthread_cond_timedwait(&s->work, &s->mutex, &until) == ETIMEDOUT)
			break;
	}
	until = deadline_in(GATHER_USEC);
	while (!s->stop && !s->urgent && s->queue.n && !s->suspect)
		if (pthread_cond_timedwait(&s->work, &s->mutex, &until) == ETIMEDOUT)
			break;
	s->urgent = false;
	*go_on = !s->stop;
	batch = queue_take(&s->queue);
	pthread_mutex_unlock(&s->mutex);
	return batch;
}

void store_suspect(struct store *s)
{
	pthread_mutex_lock(&s->mutex);
	s->suspect = true;
	if (s->thread_runs)
		pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->mutex);
}

/* A batch goes back to where it came from, before what came since. */
static void queue_return(struct store *s, struct store_write *batch)
{
	struct store_write *rest;

	pthread_mutex_lock(&s->mutex);
	rest = queue_take(&s->queue);
	queue_append_all(&s->queue, batch);
	queue_append_all(&s->queue, rest);
	s->urgent = true;
	pthread_mutex_unlock(&s->mutex);
}

static void set_health(struct store *s, int err, const char *why)
{
	bool ok = err >= 0;

	pthread_mutex_lock(&s->mutex);
	/* Of what could not be read yet, or not be replaced, each new reason is told: it is worth a
	 * guest's sizes. */
	if (s->ok != ok || ((s->unread || s->damaged) && !streq(s->health, why))) {
		s->ok = ok;
		s->health_changed = true;
	}
	snprintf(s->health, sizeof(s->health), "%s", ok ? "" : why);
	pthread_mutex_unlock(&s->mutex);
}

bool store_unread(struct store *s)
{
	bool unread;

	pthread_mutex_lock(&s->mutex);
	unread = s->unread;
	pthread_mutex_unlock(&s->mutex);
	return unread;
}

void store_was_read(struct store *s)
{
	pthread_mutex_lock(&s->mutex);
	s->unread = false;
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->mutex);
}

/* Store thread. Leaves the file to the main loop until it has been read; false when we are to end
 * before that. */
static bool await_reader(struct store *s)
{
	uint64_t one = 1;
	bool read;

	pthread_mutex_lock(&s->mutex);
	if (s->unread && !s->stop) {
		s->ok = s->health_changed = true;
		s->health[0] = '\0';
		(void)!write(s->eventfd, &one, sizeof(one));
	}
	while (s->unread && !s->stop)
		pthread_cond_wait(&s->work, &s->mutex);
	read = !s->unread;
	pthread_mutex_unlock(&s->mutex);
	return read;
}

/* Store thread. Has the main loop put all that it knows into a file that is new, before anything
 * else is written into it; text: what was lost. False when we are to end before that. */
static bool await_putter(struct store *s, const char *text)
{
	uint64_t one = 1;
	bool put;

	pthread_mutex_lock(&s->mutex);
	s->unput = s->ok = s->health_changed = true;
	snprintf(s->health, sizeof(s->health), "%s", text);
	(void)!write(s->eventfd, &one, sizeof(one));
	while (s->unput && !s->stop)
		pthread_cond_wait(&s->work, &s->mutex);
	put = !s->unput;
	s->health[0] = '\0';
	pthread_mutex_unlock(&s->mutex);
	return put;
}

/* Store thread. All of the batch or nothing. Returns 0 or -errno with the reason in why. */
static int write_batch(struct store *s, const struct store_write *batch, char *why, size_t size)
{
	_cleanup_diag_ struct diag d = {0};
	int r, err;

	if (!s->db || sqlite3_db_readonly(s->db, "main") == 1) {
		store_finalize(s);
		sqlite3_close(s->db);
		s->db = NULL;
		err = store_open_db(s, &d);
		if (err < 0) {
			store_describe(why, size, &d, err);
			return err;
		}
	}
	if (!await_reader(s)) {
		snprintf(why, size, "%s was not read", s->path);
		return -ECANCELED;
	}
	r = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	/* A row of our own, so that a batch that only probes the disk does write. */
	if (r == SQLITE_OK && !batch)
		r = sqlite3_exec(s->db,
			"INSERT OR REPLACE INTO text VALUES ('written', datetime('now'))", NULL,
			NULL, NULL);
	for (const struct store_write *w = batch; w && r == SQLITE_OK; w = w->next)
		r = store_run(s, w);
	if (r == SQLITE_OK)
		r = store_prune(s);
	/* With what the owner put it is complete. */
	if (r == SQLITE_OK && s->completes)
		r = sqlite3_exec(s->db, "DELETE FROM text WHERE key = '" STORE_ANEW_KEY "'", NULL,
			NULL, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
	if (r == SQLITE_OK) {
		/* Nothing is acknowledged that went into a file that is not there any more. */
		err = store_verify(s, why, size);
		if (err >= 0 && s->completes)
			s->fresh = false;
		return err;
	}
	err = schema_errno(s->db, r);
	snprintf(why, size, "cannot write %s: %s", s->path, sqlite3_errmsg(s->db));
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	history_forget(s);
	return err < 0 ? err : -EIO;
}

/* Store thread. Books the batch and hands it back to the main loop. */
static void answer_batch(struct store *s, struct store_write *batch, int err)
{
	uint64_t one = 1, rows = 0, lost = 0;

	for (struct store_write *w = batch; w; w = w->next) {
		w->error = err;
		if (err >= 0)
			rows++;
		else if (is_history(w))
			lost++;
	}
	pthread_mutex_lock(&s->mutex);
	s->counters.written += rows;
	s->counters.lost += lost;
	if (err < 0)
		s->counters.failures++;
	else
		s->counters.commits++;
	while (batch) {
		struct store_write *next = batch->next;

		if (batch->done)
			queue_append(&s->answered, batch);
		else
			store_write_free(batch);
		batch = next;
	}
	if (s->answered.n || s->health_changed)
		(void)!write(s->eventfd, &one, sizeof(one));
	pthread_mutex_unlock(&s->mutex);
}

/* Store thread. What the file is like after what was done. */
static void look_at_file(struct store *s)
{
	uint64_t bytes, oldest_sec;

	store_look(s, &bytes, &oldest_sec);
	pthread_mutex_lock(&s->mutex);
	s->counters.bytes = bytes;
	s->counters.oldest_sec = oldest_sec;
	pthread_mutex_unlock(&s->mutex);
}

static uint64_t now_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

static void note_damage(struct store *s, int err, const char *why)
{
	if (err != -EBADMSG && err != -ESTALE)
		return;
	s->damaged = true;
	snprintf(s->damage, sizeof(s->damage), "%s", why);
}

/* Store thread. Looks into the file where a reader found it damaged, and now and then. */
static void check_file(struct store *s)
{
	uint64_t now = now_usec();
	bool suspect, due = now >= s->check_usec;
	char why[sizeof(s->damage)] = "";
	int err = 0;

	pthread_mutex_lock(&s->mutex);
	/* Many readers may say so at once, and of what is seen to be whole. */
	suspect = s->suspect && now + STORE_CHECK_USEC >= s->check_usec + SUSPECT_USEC;
	s->suspect = false;
	pthread_mutex_unlock(&s->mutex);
	if (!s->db || s->damaged || (!suspect && !due))
		return;
	if (s->wal_ino)
		err = store_verify(s, why, sizeof(why));
	if (err >= 0)
		err = store_check(s, suspect, why, sizeof(why));
	note_damage(s, err, why);
	s->check_usec = now_usec() + STORE_CHECK_USEC;
}

/* Store thread. What was committed until now is in the owner's memory: from there it goes into a
 * new file. Returns -errno with the reason in why, or 0: the owner has put all into the queue. */
static int begin_anew(struct store *s, char *why, size_t size)
{
	int err;

	if (s->damaged) {
		store_leave(s);
		s->fresh = false;
		err = store_make_anew(s, why, size);
		if (err < 0)
			return err;
		s->damaged = false;
		snprintf(s->lost, sizeof(s->lost), "%.250s: %.250s", s->damage, why);
	}
	/* The owner is not asked before it can be written. */
	err = write_batch(s, NULL, why, size);
	if (err < 0)
		return err;
	return await_putter(s, s->lost) ? 0 : -ECANCELED;
}

/* Store thread. Does that, with what waits behind it, in one transaction. Takes the batch. */
static void write_anew(struct store *s, struct store_write *batch)
{
	char why[sizeof(s->health)] = "";
	int err;

	queue_return(s, batch);
	err = begin_anew(s, why, sizeof(why));
	if (err == -ECANCELED)
		return;
	pthread_mutex_lock(&s->mutex);
	batch = queue_take(&s->queue);
	s->urgent = false;
	pthread_mutex_unlock(&s->mutex);
	if (err >= 0) {
		s->completes = true;
		err = write_batch(s, batch, why, sizeof(why));
		s->completes = false;
		note_damage(s, err, why);
	}
	set_health(s, err, why);
	answer_batch(s, batch, err);
}

/* Store thread. Returns whether the file is still ours and whole. */
static bool write_some(struct store *s, struct store_write *batch)
{
	char why[sizeof(s->health)] = "";
	int err;

	if (!batch && s->ok) {
		if (s->shrinks) {
			s->shrinks = store_shrink(s) > 0;
			look_at_file(s);
		}
		return true;
	}
	err = write_batch(s, batch, why, sizeof(why));
	note_damage(s, err, why);
	set_health(s, err, why);
	answer_batch(s, batch, err);
	if (err >= 0) {
		s->shrinks = store_shrink(s) > 0;
		look_at_file(s);
	}
	return !s->damaged;
}

static void *store_thread(void *userdata)
{
	struct store *s = userdata;
	bool go_on = true;

	prctl(PR_SET_NAME, "store");
	s->check_usec = now_usec() + STORE_CHECK_USEC - SUSPECT_USEC;
	while (go_on) {
		struct store_write *batch = await_work(s, &go_on);

		if (!batch && !go_on)
			break;
		check_file(s);
		if (!s->damaged && !s->fresh) {
			if (write_some(s, batch))
				continue;
			batch = NULL;
		}
		/* At the end there is nobody who could put anything: the next start says what is
		 * wrong. */
		if (go_on)
			write_anew(s, batch);
		else
			answer_batch(s, batch, -EBADMSG);
	}
	return NULL;
}

/* Main loop. */
static int on_answers(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct store *s = userdata;
	struct store_write *w, *behind = NULL;
	char health[sizeof(s->health)];
	bool changed, ok, put;
	uint64_t n;

	(void)!read(fd, &n, sizeof(n));
	pthread_mutex_lock(&s->mutex);
	w = queue_take(&s->answered);
	changed = s->health_changed;
	s->health_changed = false;
	ok = s->ok;
	memcpy(health, s->health, sizeof(health));
	put = changed && ok && s->unput;
	pthread_mutex_unlock(&s->mutex);
	queue_answer(w, health);
	/* What was asked for and is not in the owner's memory yet goes behind what is. */
	if (put) {
		pthread_mutex_lock(&s->mutex);
		behind = queue_take(&s->queue);
		pthread_mutex_unlock(&s->mutex);
	}
	if (changed)
		s->ops.on_health(s->data, ok, health);
	if (put) {
		pthread_mutex_lock(&s->mutex);
		queue_append_all(&s->queue, behind);
		s->unput = false;
		pthread_cond_signal(&s->work);
		pthread_mutex_unlock(&s->mutex);
	}
	return 0;
}

int store_start(struct store *s, sd_event *loop)
{
	pthread_condattr_t attr;
	int r;

	s->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->eventfd < 0)
		return -errno;
	r = sd_event_add_io(loop, &s->answers, s->eventfd, EPOLLIN, on_answers, s);
	if (r < 0)
		return r;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->work, &attr);
	pthread_condattr_destroy(&attr);
	r = -pthread_create(&s->thread, NULL, store_thread, s);
	if (r < 0)
		pthread_cond_destroy(&s->work);
	s->thread_runs = r == 0;
	return r;
}

/* Returns false when the thread hangs in the kernel: then its memory is left to it. */
static bool stop_thread(struct store *s)
{
	struct timespec until;

	if (!s->thread_runs)
		return true;
	pthread_mutex_lock(&s->mutex);
	s->stop = true;
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->mutex);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += (time_t)(STOP_USEC / USEC_PER_SEC);
	if (pthread_timedjoin_np(s->thread, NULL, &until) != 0)
		return false;
	pthread_cond_destroy(&s->work);
	return true;
}

struct store *store_free(struct store *s)
{
	if (!s)
		return NULL;
	sd_event_source_disable_unref(s->answers);
	if (!stop_thread(s))
		return NULL;
	if (s->damaged)
		store_leave(s);
	store_finalize(s);
	sqlite3_close(s->db);
	for (struct store_write *w = s->queue.first; w; w = w->next)
		w->error = -ECANCELED;
	queue_answer(s->answered.first, s->health);
	queue_answer(s->queue.first, "stopped");
	pthread_mutex_destroy(&s->mutex);
	if (s->eventfd >= 0)
		close(s->eventfd);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s->path);
	free(s->dir);
	free(s);
	return NULL;
}

void store_counters(struct store *s, struct store_counters *ret)
{
	pthread_mutex_lock(&s->mutex);
	*ret = s->counters;
	ret->max_bytes = s->config.max_bytes;
	ret->waiting = s->queue.n;
	pthread_mutex_unlock(&s->mutex);
}
