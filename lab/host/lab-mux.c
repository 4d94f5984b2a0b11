/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lab-mux DIR NAME SOCKET: QEMU's end of a virtio-serial port takes one client at a time; this
 * holds it (socket NAME in DIR) for one guest and lets any number of lab-run in through the packet
 * socket SOCKET. Each client is a stream; its packets are a type byte and a payload as in frame.h,
 * without the framing. One process a guest, ended by `lab stop` or `lab down`; it outlives restarts
 * of the guest, and its clients are cut when the guest goes.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#include "lab/guest/frame.h"

#define CLIENTS_MAX	64
#define RETRY_MSEC	100
/* A client that does not read for so long is cut: it would hold up all others. */
#define CLIENT_WAIT_SEC 10

struct client {
	int fd; /* -1: free slot */
	uint32_t stream;
};

struct mux {
	int listener, link; /* link: QEMU's socket, -1 while the guest is not running */
	int dir;
	const char *name;
	bool up; /* the guest's end has answered our HELLO */
	uint64_t nonce;
	uint32_t last_stream;
	struct frame_decoder decoder;
	uint8_t queue[65536]; /* for the guest */
	size_t queued;
	struct client clients[CLIENTS_MAX];
};

static bool has_room(const struct mux *m)
{
	return sizeof(m->queue) - m->queued >= 4 * FRAME_WIRE_MAX;
}

static void queue_frame(struct mux *m, uint8_t type, uint32_t stream, const void *data, size_t size)
{
	struct frame f;

	if (m->link < 0 || sizeof(m->queue) - m->queued < FRAME_WIRE_MAX)
		return;
	frame_set(&f, type, stream, data, size);
	m->queued += frame_encode(&f, m->queue + m->queued);
}

static void client_close(struct mux *m, struct client *c)
{
	if (m->up)
		queue_frame(m, FRAME_DROP, c->stream, NULL, 0);
	closep(&c->fd);
}

static void client_send(
	struct mux *m, struct client *c, uint8_t type, const void *data, size_t size)
{
	uint8_t packet[FRAME_PAYLOAD_MAX + 1] = {type};

	if (size > 0)
		memcpy(packet + 1, data, size);
	if (send(c->fd, packet, size + 1, MSG_NOSIGNAL) < 0)
		client_close(m, c);
}

static void say_hello(struct mux *m)
{
	m->up = false;
	m->queued = 0;
	m->nonce++;
	queue_frame(m, FRAME_HELLO, 0, &m->nonce, sizeof(m->nonce));
}

/* Commands of these clients are gone with the guest or its lab-shell; those who wait for it to come
 * up may stay. */
static void cut_clients(struct mux *m)
{
	for (size_t i = 0; m->up && i < CLIENTS_MAX; i++)
		closep(&m->clients[i].fd);
	m->up = false;
}

static void link_close(struct mux *m)
{
	cut_clients(m);
	closep(&m->link);
	m->queued = 0;
	m->decoder = (struct frame_decoder){0};
}

static void link_open(struct mux *m)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* Through the directory's descriptor: the whole path may be longer than a socket
	 * address. */
	snprintf(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d/%s", m->dir, m->name);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return;
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return;
	m->link = TAKE_FD(fd);
	say_hello(m);
}

static void take_ack(struct mux *m, const struct frame *f)
{
	if (f->size == 0) { /* a lab-shell that just started */
		cut_clients(m);
		say_hello(m);
		return;
	}
	if (f->size != sizeof(m->nonce) || memcmp(f->data, &m->nonce, f->size) != 0 || m->up)
		return;
	m->up = true;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (m->clients[i].fd >= 0)
			client_send(m, &m->clients[i], FRAME_ACK, NULL, 0);
}

static void take_frame(struct mux *m, const struct frame *f)
{
	if (f->type == FRAME_ACK)
		take_ack(m, f);
	for (size_t i = 0; m->up && f->stream > 0 && i < CLIENTS_MAX; i++) {
		struct client *c = &m->clients[i];

		if (c->fd >= 0 && c->stream == f->stream)
			client_send(m, c, f->type, f->data, f->size);
	}
}

static void link_read(struct mux *m)
{
	uint8_t raw[8192];
	ssize_t n = read(m->link, raw, sizeof(raw));
	struct frame f;

	if (n == 0 || (n < 0 && errno != EAGAIN)) {
		link_close(m);
		return;
	}
	for (ssize_t i = 0; i < n; i++)
		if (frame_decode(&m->decoder, raw[i], &f))
			take_frame(m, &f);
}

static void link_flush(struct mux *m)
{
	ssize_t n = send(m->link, m->queue, m->queued, MSG_NOSIGNAL);

	if (n <= 0)
		return;
	m->queued -= (size_t)n;
	memmove(m->queue, m->queue + n, m->queued);
}

static void client_accept(struct mux *m)
{
	const struct timeval wait = {.tv_sec = CLIENT_WAIT_SEC};
	_cleanup_close_ int fd = accept4(m->listener, NULL, NULL, SOCK_CLOEXEC);
	struct client *c = NULL;

	for (size_t i = 0; i < CLIENTS_MAX && !c; i++)
		if (m->clients[i].fd < 0)
			c = &m->clients[i];
	if (fd < 0 || !c || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0)
		return;
	*c = (struct client){.fd = TAKE_FD(fd), .stream = ++m->last_stream};
	if (m->up)
		client_send(m, c, FRAME_ACK, NULL, 0);
}

static void client_read(struct mux *m, struct client *c)
{
	uint8_t packet[FRAME_PAYLOAD_MAX + 1];
	ssize_t n = recv(c->fd, packet, sizeof(packet), MSG_DONTWAIT);

	if (n > 0)
		queue_frame(m, packet[0], c->stream, packet + 1, (size_t)n - 1);
	else if (n == 0 || errno != EAGAIN)
		client_close(m, c);
}

/* What a client says waits in its socket until the guest is there and there is room; that it went
 * is always seen. */
static void turn(struct mux *m)
{
	struct pollfd fds[2 + CLIENTS_MAX];
	bool wanted = false;

	fds[0] = (struct pollfd){.fd = m->listener, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = m->link, .events = POLLIN};
	if (m->queued > 0)
		fds[1].events |= POLLOUT;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		fds[2 + i] = (struct pollfd){.fd = m->clients[i].fd};
		if (m->up && has_room(m))
			fds[2 + i].events = POLLIN;
		wanted = wanted || m->clients[i].fd >= 0;
	}
	if (poll(fds, ARRAY_SIZE(fds), m->link < 0 && wanted ? RETRY_MSEC : -1) < 0)
		return;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &m->clients[i];

		if (fds[2 + i].revents & POLLIN)
			client_read(m, c);
		else if (fds[2 + i].revents & (POLLHUP | POLLERR))
			client_close(m, c);
	}
	if (m->link >= 0 && fds[1].revents & POLLOUT)
		link_flush(m);
	if (m->link >= 0 && fds[1].revents & (POLLIN | POLLHUP | POLLERR))
		link_read(m);
	if (fds[0].revents)
		client_accept(m);
	if (m->link < 0 && wanted)
		link_open(m);
}

static int open_listener(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, strlen(path));
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, CLIENTS_MAX) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int main(int argc, char **argv)
{
	static struct mux m = {.link = -1};
	struct timespec now;

	if (argc != 4) {
		fprintf(stderr, "usage: lab-mux DIR NAME SOCKET\n");
		return 2;
	}
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		m.clients[i].fd = -1;
	m.name = argv[2];
	m.dir = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (m.dir < 0) {
		perror(argv[1]);
		return 1;
	}
	m.listener = open_listener(argv[3]);
	if (m.listener < 0) {
		fprintf(stderr, "lab-mux: %s: %s\n", argv[3], strerror(-m.listener));
		return 1;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	m.nonce = (uint64_t)now.tv_sec << 32 | (uint64_t)now.tv_nsec;
	for (;;)
		turn(&m);
}
