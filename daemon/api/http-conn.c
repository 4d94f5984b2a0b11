/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "common/units.h"
#include "daemon/api/auth.h"
#include "daemon/api/http.h"
#include "daemon/sys/clock.h"

/* A request line that trickles in renews the library's time-out with every byte: this is final. */
#define IDLE_MAX_USEC (60 * USEC_PER_SEC)
/* A reader this slow holds memory that others need. */
#define SENDING_MAX_USEC (60 * USEC_PER_SEC)
/* From a TCP connection's acceptance to its first request: half-open handshakes end here, and so do
 * connections that a browser opened in advance. */
#define OPENING_MAX_USEC (10 * USEC_PER_SEC)
/* What the kernel keeps of an answer that its client has not taken, of one from another host; the
 * kernel doubles it. By itself it would keep up to 4 MiB for each, which is 1 GiB for one token's
 * connections. */
#define SEND_BUFFER_BYTES (128 * 1024)
/* Connections that only an admin gets: status at 2 a.m. must work. */
#define CONNECTIONS_RESERVED 8
/* New TCP connections of one address, whoever turns out to be there: a TLS handshake costs this
 * host a millisecond of its CPU before anything is known of who asks for it. A browser opens six, a
 * script that makes a connection for each request some tens a second. */
static const struct limit_rate connect_rate = {.per_sec = 100 * 1000, .burst = 500};

static uint64_t phase_limit_usec(const struct conn *c)
{
	switch (c->phase) {
	case CONN_OPENING:
		return OPENING_MAX_USEC;
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
	if (c->server)
		c->server->n_conns--;
	/* One whose parameters did not fit its memory never ends by the library's word (0.9.75). */
	request_free(c->request);
	free(c);
}

/* Longer than a client on the far side of the earth takes to read a short answer. */
#define LINGER_USEC USEC_PER_SEC

/* Those whose clients have gone need not wait. */
static void end_left_lingers(struct http *h)
{
	struct pollfd fds[LINGERS_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < h->n_lingers; i++)
		fds[i] = (struct pollfd){.fd = h->lingers[i].fd};
	if (poll(fds, h->n_lingers, 0) <= 0)
		return;
	for (unsigned i = 0; i < h->n_lingers; i++) {
		if (fds[i].revents)
			close(h->lingers[i].fd);
		else
			h->lingers[n++] = h->lingers[i];
	}
	h->n_lingers = n;
}

/* The library closes its descriptor, not this one. Of too many none lingers: they are short of
 * nothing but an answer. */
static void linger(struct http *h, int conn_fd)
{
	int fd = -1;

	if (h->n_lingers == LINGERS_MAX)
		end_left_lingers(h);
	if (h->n_lingers < LINGERS_MAX)
		fd = fcntl(conn_fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return;
	h->lingers[h->n_lingers++] = (struct lingering){fd, h->now_usec + LINGER_USEC};
	http_check_by(h, h->now_usec + LINGER_USEC);
}

void conns_end_lingers(struct http *h, bool all)
{
	unsigned n = 0;

	while (n < h->n_lingers && (all || h->now_usec >= h->lingers[n].until_usec))
		close(h->lingers[n++].fd);
	h->n_lingers -= n;
	memmove(h->lingers, h->lingers + n, h->n_lingers * sizeof(*h->lingers));
	if (h->n_lingers)
		http_check_by(h, h->lingers[0].until_usec);
}

void conns_notify(void *cls, struct MHD_Connection *connection, void **socket_context,
	enum MHD_ConnectionNotificationCode toe)
{
	struct http *h = cls;

	if (toe == MHD_CONNECTION_NOTIFY_STARTED) {
		*socket_context = TAKE_PTR(h->accepting);
	} else if (*socket_context) {
		struct conn *c = *socket_context;

		if (c->lingers)
			linger(h, c->fd);
		conn_free(*socket_context);
		*socket_context = NULL;
	}
}

bool conn_is_local_admin(const struct conn *c)
{
	return c->peer.role == API_ROLE_ADMIN && c->peer.how == CLIENT_SOCKET;
}

static unsigned count_of(const struct http *h, const char *key)
{
	unsigned n = 0;

	for (const struct conn *c = h->conns; c; c = c->next)
		n += streq(c->peer.key, key);
	return n;
}

/* What nobody has shown a credential on yet: at most half of all, and half of a share an
 * address. */
static unsigned count_unknown(const struct http *h)
{
	unsigned n = 0;

	for (const struct conn *c = h->conns; c; c = c->next)
		n += !client_is_known(&c->peer);
	return n;
}

bool conns_have_room(const struct http *h, const struct api_listener *l)
{
	unsigned max = h->api->config.max_connections;

	if (!l)
		return h->n_conns < max;
	return h->n_conns + CONNECTIONS_RESERVED < max &&
	       (h->n_conns < max / 2 || count_unknown(h) < max / 2);
}

static bool may_connect(const struct http *h, const struct client *client)
{
	unsigned max = h->api->config.max_connections, share = h->api->config.max_per_client;

	/* when there is no room at all, nobody is accepted */
	if (client->how == CLIENT_SOCKET && client->role == API_ROLE_ADMIN)
		return true;
	return h->n_conns + CONNECTIONS_RESERVED < max &&
	       count_of(h, client->key) < (client->how == CLIENT_NETWORK ? share / 2 : share);
}

bool conn_is_over_share(const struct conn *c)
{
	return !conn_is_local_admin(c) &&
	       count_of(c->http, c->peer.key) > c->http->api->config.max_per_client;
}

/* Says so in one piece, if the socket takes it, and is done with it. */
static void refuse(int fd, enum api_problem code, const char *detail)
{
	_cleanup_problem_ struct problem p = {.code = code};
	_cleanup_json_out_ struct json_out o = {0};
	char answer[1024];
	int n;

	snprintf(p.detail, sizeof(p.detail), "%s", detail);
	problem_write(&p, "/", &o);
	if (o.failed)
		return;
	n = snprintf(answer, sizeof(answer),
		"HTTP/1.1 %u %s\r\nContent-Type: application/problem+json\r\n"
		"Retry-After: 1\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
		problem_status(code), problem_title(code), o.len, o.buf);
	if (send(fd, answer, MIN((size_t)n, sizeof(answer) - 1), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return;
}

static struct conn *conn_new(
	struct http *h, int fd, const struct api_listener *l, const struct client *client)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	*c = (struct conn){.http = h,
		.fd = fd,
		.listener = l,
		.base = *client,
		.peer = *client,
		.next = h->conns};
	c->server = l && l->tls ? h->tls : h->plain;
	c->server->n_conns++;
	c->accepted_ticks =
		clock_usec(CLOCK_BOOTTIME) * (uint64_t)sysconf(_SC_CLK_TCK) / USEC_PER_SEC + 1;
	if (c->next)
		c->next->prev = c;
	h->conns = c;
	h->n_conns++;
	conn_set_phase(c, l ? CONN_OPENING : CONN_IDLE);
	return c;
}

/* Who is there, as far as that is known before he has said anything. */
static int judge(int fd, const struct api_listener *l, const struct address *address,
	const struct http *h, struct client *ret)
{
	if (!l)
		return client_of_socket(fd, &h->api->config.access, ret);
	if (l->tls && !h->tls)
		return -ENOENT;
	client_of_address(address, ret);
	if (ret->how == CLIENT_NETWORK)
		(void)!setsockopt(
			fd, SOL_SOCKET, SO_SNDBUF, &(int){SEND_BUFFER_BYTES}, sizeof(int));
	return 0;
}

/* Only what comes over TCP is counted: of the socket the kernel says who connects. */
static bool connects_too_often(struct http *h, const struct client *client)
{
	return client->how != CLIENT_SOCKET &&
	       limit_take(&h->connects, client->key, &connect_rate, h->now_usec);
}

/* Nobody is told over TLS: that would cost the handshake which is to be spared. */
static bool may_stay(struct http *h, int fd, bool tls, const struct client *client)
{
	if (connects_too_often(h, client)) {
		if (!tls)
			refuse(fd, API_PROBLEM_TOO_MANY_REQUESTS,
				"this address connects too often: at most 100 new connections a second, and 500 at once; keep one open for several requests");
		return false;
	}
	if (may_connect(h, client))
		return true;
	if (!tls)
		refuse(fd, API_PROBLEM_BUSY, "too many connections: try again");
	return false;
}

bool conns_accept(struct http *h, const struct api_listener *l)
{
	_cleanup_close_ int fd = -1;
	struct address address = {.storage.ss_family = AF_UNIX, .len = sizeof(address.storage)};
	struct client client;

	fd = accept4(l ? l->fd : h->api->config.listen_fd, (struct sockaddr *)&address.storage,
		&address.len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return errno == EINTR || errno == ECONNABORTED;
	if (judge(fd, l, &address, h, &client) < 0 || !may_stay(h, fd, l && l->tls, &client)) {
		h->stats.refused++;
		return true;
	}
	h->stats.accepted++;
	h->accepting = conn_new(h, fd, l, &client);
	if (!h->accepting)
		return true;
	/* The library closes the socket also when it fails. */
	if (MHD_add_connection(h->accepting->server->mhd, TAKE_FD(fd),
		    (struct sockaddr *)&address.storage, address.len) != MHD_YES &&
		h->accepting)
		conn_free(h->accepting);
	h->accepting = NULL;
	return true;
}

/* The library sees the end of the stream and closes. */
static void cut(struct conn *c)
{
	shutdown(c->fd, SHUT_RDWR);
	c->since_usec = c->http->now_usec;
}

void conns_cut(struct http *h, const struct server *s)
{
	for (struct conn *c = h->conns; c; c = c->next)
		if (c->server == s)
			cut(c);
}

void conns_check_credentials(struct http *h)
{
	uint64_t now = clock_real_usec();

	/* Between requests nothing flows: the next one is judged anew. */
	for (struct conn *c = h->conns; c; c = c->next)
		if (c->phase != CONN_OPENING && c->phase != CONN_IDLE &&
			!auth_still_holds(h, &c->peer, now))
			cut(c);
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
		cut(c);
		http_check_by(h, c->since_usec + limit);
	}
}
