/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/sys/outbox.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "daemon/sys/clock.h"

/* Where no event tells that the reader reads again (nobody is bound there, the kernel is short of
 * memory), it is tried so often. */
#define RETRY_MSEC 200

struct message {
	struct message *next;
	size_t len, sent;
	char data[];
};

struct outbox {
	pthread_mutex_t lock; /* of all below; nothing waits while it holds it */
	pthread_cond_t work, empty;
	pthread_t thread;
	bool ending;
	outbox_gap gap;
	struct sockaddr_un addr; /* sun_family AF_UNSPEC: a stream */
	/* who empties the queue has it: the thread, or who puts into an empty one */
	int fd;
	struct message *first, **last;
	size_t bytes;            /* in the queue */
	uint64_t dropped;        /* since the queue was full, and not told yet */
	uint64_t dropped_ever;
};

static bool append(struct outbox *o, const char *data, size_t len)
{
	struct message *m = malloc(sizeof(*m) + len);

	if (!m)
		return false;
	*m = (struct message){.len = len};
	memcpy(m->data, data, len);
	*o->last = m;
	o->last = &m->next;
	o->bytes += len;
	return true;
}

/* Once one was dropped, so are the others until there is room for many: else every second one
 * is. */
static void tell_gap(struct outbox *o)
{
	char text[OUTBOX_MESSAGE_MAX];

	if (o->dropped && o->bytes <= OUTBOX_BYTES / 2 && append(o, text, o->gap(o->dropped, text)))
		o->dropped = 0;
}

static void drop_first(struct outbox *o)
{
	struct message *m = o->first;

	o->first = m->next;
	if (!o->first)
		o->last = &o->first;
	o->bytes -= m->len;
	free(m);
}

static int reconnect(struct outbox *o)
{
	closep(&o->fd);
	o->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (o->fd < 0 || connect(o->fd, (struct sockaddr *)&o->addr, sizeof(o->addr)) < 0)
		return -errno;
	return 0;
}

static int send_datagram(struct outbox *o, const struct message *m)
{
	if (o->fd >= 0 && send(o->fd, m->data, m->len, MSG_NOSIGNAL) >= 0)
		return 0;
	if (o->fd >= 0 && errno != ECONNREFUSED && errno != ENOTCONN && errno != ECONNRESET &&
		errno != EPIPE)
		return -errno;
	/* Who was bound there is gone: another one may be. */
	if (reconnect(o) < 0)
		return -ENOTCONN;
	return send(o->fd, m->data, m->len, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* The descriptor is shared with others, who may count on its blocking: it is written to only as far
 * as it takes at once (a pipe that can be written to takes PIPE_BUF). */
static int write_stream(struct outbox *o, struct message *m)
{
	while (m->sent < m->len) {
		struct pollfd p = {.fd = o->fd, .events = POLLOUT};
		ssize_t n;

		if (poll(&p, 1, 0) <= 0)
			return -EAGAIN;
		n = send(o->fd, m->data + m->sent, m->len - m->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == ENOTSOCK)
			n = write(
				o->fd, m->data + m->sent, MIN(m->len - m->sent, (size_t)PIPE_BUF));
		if (n < 0)
			return -errno;
		m->sent += (size_t)n;
	}
	return 0;
}

static bool may_pass(int error)
{
	return error == -EAGAIN || error == -EINTR || error == -ENOBUFS || error == -ENOMEM ||
	       error == -ENOTCONN;
}

/* Sends what goes without waiting. Returns 0 when that was all, or why it was not. */
static int flush(struct outbox *o)
{
	tell_gap(o);
	while (o->first) {
		int r = o->addr.sun_family == AF_UNIX ? send_datagram(o, o->first)
						      : write_stream(o, o->first);

		if (may_pass(r))
			return r;
		/* Any other error would be the same for ever: of this message, or of the stream. */
		drop_first(o);
		tell_gap(o);
	}
	pthread_cond_broadcast(&o->empty);
	return 0;
}

static void wait_for_reader(struct outbox *o, int error)
{
	struct pollfd p = {.fd = error == -EAGAIN ? o->fd : -1, .events = POLLOUT};

	pthread_mutex_unlock(&o->lock);
	poll(&p, 1, RETRY_MSEC);
	pthread_mutex_lock(&o->lock);
}

static void *run(void *userdata)
{
	struct outbox *o = userdata;

	pthread_mutex_lock(&o->lock);
	while (!o->ending) {
		int r = flush(o);

		if (r < 0)
			wait_for_reader(o, r);
		else
			pthread_cond_wait(&o->work, &o->lock);
	}
	pthread_mutex_unlock(&o->lock);
	return NULL;
}

int outbox_new(const char *path, int fd, outbox_gap gap, struct outbox **ret)
{
	struct outbox *o = calloc(1, sizeof(*o));
	pthread_condattr_t attr;
	int r;

	if (!o)
		return -ENOMEM;
	if (path && strlen(path) >= sizeof(o->addr.sun_path)) {
		free(o);
		return -ENAMETOOLONG;
	}
	o->gap = gap;
	o->last = &o->first;
	o->fd = path ? -1 : fd;
	o->addr.sun_family = path ? AF_UNIX : AF_UNSPEC;
	if (path)
		memcpy(o->addr.sun_path, path, strlen(path));
	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->work, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&o->empty, &attr);
	pthread_condattr_destroy(&attr);
	r = -pthread_create(&o->thread, NULL, run, o);
	if (r < 0) {
		free(o);
		return r;
	}
	*ret = o;
	return 0;
}

struct outbox *outbox_free(struct outbox *o)
{
	if (!o)
		return NULL;
	pthread_mutex_lock(&o->lock);
	o->ending = true;
	pthread_cond_signal(&o->work);
	pthread_mutex_unlock(&o->lock);
	pthread_join(o->thread, NULL);
	while (o->first)
		drop_first(o);
	if (o->addr.sun_family == AF_UNIX)
		closep(&o->fd);
	pthread_cond_destroy(&o->empty);
	pthread_cond_destroy(&o->work);
	pthread_mutex_destroy(&o->lock);
	free(o);
	return NULL;
}

void outbox_put(struct outbox *o, const char *data, size_t len)
{
	bool waits;

	pthread_mutex_lock(&o->lock);
	waits = o->first;
	if (o->dropped || o->bytes + len > OUTBOX_BYTES || !append(o, data, len)) {
		o->dropped++;
		o->dropped_ever++;
	}
	/* The thread need not be woken for one that goes at once. */
	if (!waits && flush(o) < 0)
		pthread_cond_signal(&o->work);
	pthread_mutex_unlock(&o->lock);
}

uint64_t outbox_dropped(struct outbox *o)
{
	uint64_t n;

	pthread_mutex_lock(&o->lock);
	n = o->dropped_ever;
	pthread_mutex_unlock(&o->lock);
	return n;
}

bool outbox_drain(struct outbox *o, uint64_t usec)
{
	uint64_t end = clock_usec(CLOCK_MONOTONIC) + usec;
	struct timespec until = {.tv_sec = (time_t)(end / USEC_PER_SEC),
		.tv_nsec = (long)(end % USEC_PER_SEC * 1000)};
	bool empty;

	pthread_mutex_lock(&o->lock);
	while (o->first && pthread_cond_timedwait(&o->empty, &o->lock, &until) != ETIMEDOUT)
		;
	empty = !o->first;
	pthread_mutex_unlock(&o->lock);
	return empty;
}
