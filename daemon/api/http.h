/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/api/client.h"
#include "daemon/api/http-stats.h"
#include "daemon/api/internal.h"
#include "daemon/api/limit.h"
#include "daemon/api/replay.h"
#include "daemon/api/response.h"
#include "daemon/api/server.h"
#include "daemon/api/www.h"

/*
 * The HTTP thread. It is ours and drives libmicrohttpd through its epoll descriptor (not the
 * library's own thread): so peers are judged before a connection costs anything, deadlines are kept
 * by the thread that can act on them, and nothing here needs a lock but the queue.
 */

/* A connection and what it is doing; each phase has its own limit, since the library's time-out
 * counts idle time only. */
enum conn_phase {
	CONN_OPENING,	/* over TCP: its handshake, and the first request, have not come */
	CONN_IDLE,	/* between requests */
	CONN_RECEIVING, /* a request has begun */
	CONN_WAITING,	/* for the main loop: the request has its own deadline */
	CONN_SENDING,
	CONN_STREAMING, /* as long as both sides like: stream.h has its limits */
};
struct conn {
	struct http *http;
	struct conn *prev, *next;
	int fd; /* libmicrohttpd's */
	struct server *server;
	const struct api_listener *listener; /* NULL: the UNIX socket */
	struct client base;		     /* as it was accepted */
	struct client peer;		     /* of the request that it makes now, or made last */
	uint64_t accepted_ticks; /* clock ticks after boot, rounded up */
	bool tls_judged;
	struct tls_peer tls; /* over TLS, once it is judged */
	enum api_role granted;	  /* by polkit, on top of peer.role */
	uint64_t granted_usec;	  /* until when */
	enum conn_phase phase;
	uint64_t since_usec;
	bool lingers; /* after its end */
	/* owned: from its first line until the library says that it ended, or the line goes */
	struct request *request;
};

/* A connection that has ended with bytes of its client unread: to close it resets it, and what the
 * client has not read yet of the answer may be lost. So the socket stays for a moment, unread; the
 * client sees the answer and its end, and goes. */
#define LINGERS_MAX 32
struct lingering {
	int fd;
	uint64_t until_usec;
};

#define BODY_MAX_BYTES (64 * KIB)

enum request_state {
	REQUEST_RECEIVING,
	REQUEST_WAITS_VIEW,
	REQUEST_WAITS_CALL,
	REQUEST_WAITS_GRANT, /* for polkit's word on a role that its client lacks */
	REQUEST_WAITS_PAST, /* for the disk */
	REQUEST_READY, /* all that the answer needs is here */
};
struct request {
	struct http *http;
	struct conn *conn;
	struct MHD_Connection *connection;
	char *path; /* as asked, decoded; owned */
	const struct route *route;
	bool head; /* HEAD: no body, and no stream */
	char value[ROUTE_VALUE_MAX];
	struct query query;
	bool bad_credential; /* it was shown one that does not hold */
	bool asks_grant; /* its role is too small: polkit is asked before anything is done */
	bool failed; /* problem is the answer */
	struct problem problem;
	char *body; /* owned */
	size_t body_len;
	uint64_t dropped_bytes; /* of its body, since it was refused */
	bool closes;		/* the connection ends with its answer */
	enum request_state state;
	uint64_t began_usec; /* CLOCK_MONOTONIC */
	bool acknowledged;     /* it became an operation: call is its acknowledgement */
	bool old_view;	       /* the main loop did not turn in time */
	struct replay *replay; /* its entry, until it is answered; NULL: it has no key */
	struct api_call *call; /* owned once it is answered */
	uint64_t deadline_usec;
	struct request *prev, *next; /* in http->waiting */
	struct stream *stream;	     /* owned: what it is answered with */
	/* asked and on its way, or owned once it is answered (READY) */
	struct api_past *past;
};

struct http {
	struct api *api;
	pthread_t thread;
	bool started;
	atomic_bool stop;
	struct server *plain; /* UNIX socket, and loopback without TLS */
	/* the newest, before those that only end what they have; NULL: none */
	struct server *tls;
	struct token_table *tokens; /* NULL: none */
	struct names *names;	    /* NULL: none are known */
	uint64_t names_asked_usec;  /* for newer ones; 0: not yet */
	struct limit_table connects, requests, changes, failures, refusals;
	unsigned n_refusals; /* that the journal was not told of */
	struct conn *conns;
	unsigned n_conns;
	struct lingering lingers[LINGERS_MAX]; /* oldest first */
	unsigned n_lingers;
	struct conn *accepting; /* being handed to the library */
	struct request *waiting;
	uint64_t now_usec;   /* CLOCK_MONOTONIC of this turn */
	uint64_t check_usec; /* no deadline is due before */
	uint64_t credentials_usec; /* when credentials of open connections are looked at next */
	struct response_account account;
	struct body_cache cache;
	struct replay_table replays;
	struct www *www; /* the dashboard */
	struct http_stats stats;
	bool view_asked;    /* the main loop was asked and has not looked yet */
	bool view_outdated; /* a change was acknowledged since it last looked */
	uint64_t view_usec; /* when it last looked; 0: never */
	/* stream.c's */
	struct stream *streams;
	unsigned n_streams;
	int log_fd, gone_fd; /* the event log has something new; a client has gone */
	bool log_news;
	uint64_t spread_usec, streams_due_usec;
};

struct http *http_new(struct api *a) _nonnull_ _must_check_;
int http_start(struct http *h) _nonnull_ _must_check_;
/* NULL on every other thread. */
struct http *http_of_this_thread(void);
struct http *http_free(struct http *h); /* ends the thread; takes NULL, returns NULL */

/* ---- between http.c, http-conn.c and request*.c ---- */
/* One connection from a socket (NULL: the UNIX one) to the library. Returns false when none is
 * left. */
bool conns_accept(struct http *h, const struct api_listener *l) _nonnull_args_(1);
/* Is there room for it at all? An unknown client's is less, so that known ones find some. */
bool conns_have_room(const struct http *h, const struct api_listener *l) _nonnull_args_(1);
/* An admin on this host is nobody's victim. */
bool conn_is_local_admin(const struct conn *c) _nonnull_;
/* Has this client more connections than one may have, this one among them? */
bool conn_is_over_share(const struct conn *c) _nonnull_;
/* Tokens or the clock changed: ends the connections whose credential is none any more. */
void conns_check_credentials(struct http *h) _nonnull_;
/* Ends a server's connections. */
void conns_cut(struct http *h, const struct server *s) _nonnull_;
/* Closes the sockets that have lingered long enough; all: each. */
void conns_end_lingers(struct http *h, bool all) _nonnull_;
/* Ends the connections that are over the limit of their phase. */
void conns_check(struct http *h) _nonnull_;
/* Callback of libmicrohttpd: a connection begins or ends. */
void conns_notify(void *cls, struct MHD_Connection *connection, void **socket_context,
	enum MHD_ConnectionNotificationCode toe);
void conn_set_phase(struct conn *c, enum conn_phase phase) _nonnull_;
/* client_by() by the names that are known; asks for newer ones where there is none for it. */
char *http_by(struct http *h, const struct client *c, char buf[static CLIENT_BY_MAX]) _nonnull_;
/* A deadline at this time must not be missed. */
void http_check_by(struct http *h, uint64_t usec) _nonnull_;
/* Callbacks of libmicrohttpd. */
void *request_begin(void *cls, const char *uri, struct MHD_Connection *connection);
enum MHD_Result request_handle(void *cls, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **con_cls);
/* Takes NULL. Not while it waits. */
void request_free(struct request *r);
void request_end(void *cls, struct MHD_Connection *connection, void **con_cls,
	enum MHD_RequestTerminationCode toe);
/* The main loop has looked: all that waited for a view go on. */
void requests_view_made(struct http *h) _nonnull_;
/* An answer came, for who waits or for who will ask again; takes the call. */
void request_answered(struct http *h, struct api_call *c) _nonnull_;
/* A waiting request's deadline has passed. */
void request_expire(struct request *r) _nonnull_;
/* The api stops: all that wait are told so. */
void requests_stop(struct http *h) _nonnull_;
