/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>

#define STOP_SEC 3

struct job {
	worker_run run;
	worker_done done;
	void *job;
	struct job *next;
};

struct jobs {
	struct job *first, **last;
};

struct worker {
	char name[16];
	unsigned max;
	sd_event_source *source;
	int event_fd;
	pthread_t thread;
	bool runs;

	/* Under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct jobs waiting, ended;
	unsigned n_waiting;
	bool stop;
};

static void append(struct jobs *q, struct job *j)
{
	j->next = NULL;
	*q->last = j;
	q->last = &j->next;
}

static struct job *take(struct jobs *q)
{
	struct job *j = q->first;

	if (j && !(q->first = j->next))
		q->last = &q->first;
	return j;
}

static void *work(void *userdata)
{
	struct worker *w = userdata;
	uint64_t one = 1;

	prctl(PR_SET_NAME, w->name);
	pthread_mutex_lock(&w->lock);
	for (;;) {
		struct job *j;

		while (!w->stop && !w->waiting.first)
			pthread_cond_wait(&w->work, &w->lock);
		if (w->stop)
			break;
		j = take(&w->waiting);
		w->n_waiting--;
		pthread_mutex_unlock(&w->lock);
		j->run(j->job);
		pthread_mutex_lock(&w->lock);
		append(&w->ended, j);
		(void)!write(w->event_fd, &one, sizeof(one));
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void end_all(struct worker *w, struct jobs *q, bool ran)
{
	struct job *j;

	for (;;) {
		pthread_mutex_lock(&w->lock);
		j = take(q);
		pthread_mutex_unlock(&w->lock);
		if (!j)
			return;
		j->done(j->job, ran);
		free(j);
	}
}

static int on_ended(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct worker *w = userdata;
	uint64_t n;

	(void)!read(fd, &n, sizeof(n));
	end_all(w, &w->ended, true);
	return 0;
}

static int start(struct worker *w)
{
	sigset_t all, before;
	int r;

	/* Signals are the main loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&w->thread, NULL, work, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	w->runs = r == 0;
	return r;
}

int worker_new(sd_event *loop, const char *name, unsigned max, struct worker **ret)
{
	struct worker *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	snprintf(w->name, sizeof(w->name), "%s", name);
	w->max = max;
	w->waiting.last = &w->waiting.first;
	w->ended.last = &w->ended.first;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->work, NULL);
	w->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = w->event_fd < 0 ? -errno
			    : sd_event_add_io(loop, &w->source, w->event_fd, EPOLLIN, on_ended, w);
	if (r >= 0)
		r = start(w);
	if (r < 0) {
		worker_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

int worker_submit(struct worker *w, worker_run run, worker_done done, void *job)
{
	struct job *j = malloc(sizeof(*j));
	int r = 0;

	if (!j)
		return -ENOMEM;
	*j = (struct job){run, done, job, NULL};
	pthread_mutex_lock(&w->lock);
	if (w->n_waiting >= w->max) {
		r = -EBUSY;
	} else {
		append(&w->waiting, j);
		w->n_waiting++;
		pthread_cond_signal(&w->work);
	}
	pthread_mutex_unlock(&w->lock);
	if (r < 0)
		free(j);
	return r;
}

/* Returns false when the thread hangs in the kernel: then its memory is left to it. */
static bool stop(struct worker *w)
{
	struct timespec until;

	if (!w->runs)
		return true;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_SEC;
	return pthread_timedjoin_np(w->thread, NULL, &until) == 0;
}

struct worker *worker_free(struct worker *w)
{
	bool stopped;

	if (!w)
		return NULL;
	sd_event_source_disable_unref(w->source);
	stopped = stop(w);
	end_all(w, &w->ended, true);
	end_all(w, &w->waiting, false);
	if (!stopped)
		return NULL;
	if (w->event_fd >= 0)
		close(w->event_fd);
	pthread_cond_destroy(&w->work);
	pthread_mutex_destroy(&w->lock);
	free(w);
	return NULL;
}
