/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <sys/socket.h>

#include "common/units.h"
#include "daemon/api/http.h"

/* A request line that trickles in renews the library's time-out with every byte: this is final. */
#define IDLE_MAX_USEC (60 * USEC_PER_SEC)
/* A reader this slow holds memory that others need. */
#define SENDING_MAX_USEC (60 * USEC_PER_SEC)
/* Connections that only an admin gets, and what one other user may have of the rest: status at 2
 * a.m. must work. */
#define CONNECTIONS_RESERVED 8
#define CONNECTIONS_SHARE 4

static uint64_t phase_limit_usec(const struct conn *c)
{
	switch (c->phase) {
	case CONN_IDLE:
		return IDLE_MAX_USEC;
	case CONN_RECEIVING:
		return c->http->api->config.request_usec;
	case CONN_SENDING:
		return SENDING_MAX_USEC;
	case CONN_WAITING:
	case CONN_STREAMING:
		break;
	}
	return USEC_INFINITY;
}

void conn_set_phase(struct conn *c, enum conn_phase phase)
{
	c->phase = phase;
	c->since_usec = c->http->now_usec;
	if (phase_limit_usec(c) != USEC_INFINITY)
		http_check_by(c->http, c->since_usec + phase_limit_usec(c));
}

static void conn_free(struct conn *c)
{
	struct http *h = c->http;

	if (c->prev)
		c->prev->next = c->next;
	else
		h->conns = c->next;
	if (c->next)
		c->next->prev = c->prev;
	h->n_conns--;
	free(c);
}

void conns_notify(void *cls, struct MHD_Connection *connection, void **socket_context,
	enum MHD_ConnectionNotificationCode toe)
{
	struct http *h = cls;

	if (toe == MHD_CONNECTION_NOTIFY_STARTED) {
		*socket_context = TAKE_PTR(h->accepting);
	} else if (*socket_context) {
		conn_free(*socket_context);
		*socket_context = NULL;
	}
}

static bool may_connect(const struct http *h, const struct peer *peer)
{
	unsigned max = h->api->config.max_connections, mine = 0;

	if (peer->role == API_ROLE_ADMIN) /* when there is no room at all, nobody is accepted */
		return true;
	for (const struct conn *c = h->conns; c; c = c->next)
		mine += c->peer.uid == peer->uid;
	return h->n_conns + CONNECTIONS_RESERVED < max && mine < max / CONNECTIONS_SHARE;
}

/* Says so in one piece, if the socket takes it, and is done with it. */
static void refuse(int fd)
{
	static const char body[] =
		"{\"type\":\"urn:ballast:problem:busy\",\"title\":\"Too busy\",\"status\":503,"
		"\"code\":\"busy\",\"detail\":\"too many connections: try "
		"again\",\"instance\":\"/\"}";
	char answer[512];
	int n = snprintf(answer, sizeof(answer),
		"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n"
		"Retry-After: 1\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
		sizeof(body) - 1, body);

	if (send(fd, answer, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return;
}

static struct conn *conn_new(struct http *h, int fd, const struct peer *peer)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	*c = (struct conn){.http = h, .fd = fd, .peer = *peer, .next = h->conns};
	if (c->next)
		c->next->prev = c;
	h->conns = c;
	h->n_conns++;
	conn_set_phase(c, CONN_IDLE);
	return c;
}

bool conns_accept(struct http *h)
{
	_cleanup_close_ int fd = -1;
	struct sockaddr_storage address = {.ss_family = AF_UNIX};
	socklen_t len = sizeof(address);
	struct peer peer;

	fd = accept4(h->api->config.listen_fd, (struct sockaddr *)&address, &len,
		SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return errno == EINTR || errno == ECONNABORTED;
	if (peer_get(fd, &h->api->config.access, &peer) < 0 || !may_connect(h, &peer)) {
		refuse(fd);
		return true;
	}
	h->accepting = conn_new(h, fd, &peer);
	if (!h->accepting)
		return true;
	/* The library closes the socket also when it fails. */
	if (MHD_add_connection(h->mhd, TAKE_FD(fd), (struct sockaddr *)&address, len) != MHD_YES &&
		h->accepting)
		conn_free(h->accepting);
	h->accepting = NULL;
	return true;
}

void conns_check(struct http *h)
{
	for (struct conn *c = h->conns; c; c = c->next) {
		uint64_t limit = phase_limit_usec(c);

		if (limit == USEC_INFINITY)
			continue;
		if (h->now_usec < c->since_usec + limit) {
			http_check_by(h, c->since_usec + limit);
			continue;
		}
		/* The library sees the end of the stream and closes. */
		shutdown(c->fd, SHUT_RDWR);
		c->since_usec = h->now_usec;
		http_check_by(h, c->since_usec + limit);
	}
}
