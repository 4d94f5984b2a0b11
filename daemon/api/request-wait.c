/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>

#include <strings.h>

#include "common/units.h"
#include "daemon/api/auth.h"
#include "daemon/api/command.h"
#include "daemon/api/past.h"
#include "daemon/api/request.h"

/* What polkit has granted holds for the connection so long: a client that works its way through a
 * list asks once. */
#define GRANT_USEC (30 * USEC_PER_SEC)
/* polkit is another process, and may ask an identity service; then nothing is granted. */
#define GRANT_WAIT_USEC (5 * USEC_PER_SEC)

static void request_wait(struct request *r, enum request_state state, uint64_t usec)
{
	struct http *h = r->http;

	r->state = state;
	r->deadline_usec = h->now_usec + usec;
	r->prev = NULL;
	r->next = h->waiting;
	if (r->next)
		r->next->prev = r;
	h->waiting = r;
	http_check_by(h, r->deadline_usec);
	conn_set_phase(r->conn, CONN_WAITING);
	MHD_suspend_connection(r->connection);
}

static void request_unlink(struct request *r)
{
	if (r->prev)
		r->prev->next = r->next;
	else
		r->http->waiting = r->next;
	if (r->next)
		r->next->prev = r->prev;
	r->prev = r->next = NULL;
}

static void request_wake(struct request *r)
{
	request_unlink(r);
	r->state = REQUEST_READY;
	MHD_resume_connection(r->connection);
}

void requests_view_made(struct http *h)
{
	struct request *next;

	body_cache_set_view(&h->cache, view_get(h->api->config.views));
	for (struct request *r = h->waiting; r; r = next) {
		next = r->next;
		if (r->state == REQUEST_WAITS_VIEW)
			request_wake(r);
	}
}

/* From here on the request is one that was never asked about, or a refused one. */
static void grant_end(struct request *r, bool granted)
{
	struct conn *c = r->conn;

	r->asks_grant = false;
	if (granted) {
		c->granted = c->peer.role = r->route->role;
		c->granted_usec = r->http->now_usec + GRANT_USEC;
	} else {
		r->failed = true;
		auth_deny(r);
	}
	request_wake(r);
	r->state = REQUEST_RECEIVING;
}

static void grant_answered(struct request *r, struct api_call *c)
{
	bool granted = !c->is_problem;

	api_call_free(c);
	r->call = NULL;
	grant_end(r, granted);
}

void request_answered(struct http *h, struct api_call *c)
{
	struct request *r = c->waiter;

	if (r && r->state == REQUEST_WAITS_GRANT) {
		grant_answered(r, c);
		return;
	}
	/* Also with a problem: a reload that found a bad file has taken over the others. */
	if (c->route->changes && !c->dry_run) {
		h->view_outdated = true;
		view_store_touch(h->api->config.views);
	}
	if (!r) {
		request_replay_late(h, c);
		api_call_free(c);
		return;
	}
	request_replay_end(r, c);
	r->call = c;
	request_wake(r);
}

static void past_answered(struct api_past *past, void *owner)
{
	struct request *r = owner;

	r->past = past;
	request_wake(r);
}

static int ask_past(struct request *r)
{
	int e = api_past_ask(r->http->api, r->past, past_answered, r);

	if (e >= 0)
		return 0;
	r->past = api_past_drop(r->past);
	return problem_set(&r->problem, e == -EBUSY ? API_PROBLEM_BUSY : API_PROBLEM_INTERNAL,
		e == -EBUSY ? "too many ask for what is on the disk: try again"
			    : "the disk cannot be asked");
}

enum MHD_Result request_ask_past(struct request *r)
{
	if (ask_past(r) < 0)
		return request_send_problem(r, &r->problem);
	request_wait(r, REQUEST_WAITS_PAST, r->http->api->config.deadline_usec);
	return MHD_YES;
}

/* Nobody waits for it any more. */
static void leave_past(struct request *r)
{
	r->past = api_past_drop(r->past);
	r->failed = true;
	problem_set(&r->problem, API_PROBLEM_BUSY, "the disk has not answered in time: try again");
}

/* The main loop has this long to note it as an operation. */
#define ACK_USEC (3 * USEC_PER_SEC)

/* Its asker need not wait any more. Returns whether he goes on waiting, for the acknowledgement. */
static bool becomes_operation(struct request *r)
{
	struct api_call *ack;

	if (!r->route->takes_long || r->query.dry_run || r->acknowledged)
		return false;
	ack = api_call_convert(r->call);
	if (!ack)
		return false;
	r->acknowledged = true;
	r->call = ack;
	r->deadline_usec = r->http->now_usec + ACK_USEC;
	http_check_by(r->http, r->deadline_usec);
	return true;
}

/* RFC 7240; what stands behind the word is not looked at. */
static bool prefers_async(const struct request *r)
{
	static const char word[] = "respond-async";
	const char *prefer = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Prefer");

	for (const char *s = prefer; s && *s; s += strcspn(s, ",")) {
		s += strspn(s, ", \t");
		if (strncasecmp(s, word, sizeof(word) - 1) == 0 &&
			(!s[sizeof(word) - 1] || strchr(",; \t", s[sizeof(word) - 1])))
			return true;
	}
	return false;
}

void request_expire(struct request *r)
{
	if (r->state == REQUEST_WAITS_PAST) {
		leave_past(r);
	} else if (r->state == REQUEST_WAITS_VIEW) {
		r->old_view = true;
		if (!r->http->cache.view)
			body_cache_set_view(&r->http->cache, view_get(r->http->api->config.views));
		r->http->cache.used_usec = r->http->now_usec;
	} else {
		if (r->state == REQUEST_WAITS_CALL && becomes_operation(r))
			return;
		if (!api_call_abandon(r->call, r->replay))
			return; /* its answer is being taken just now */
		r->replay = NULL; /* the call's */
		r->call = NULL;
		if (r->state == REQUEST_WAITS_GRANT) {
			grant_end(r, false);
			return;
		}
		r->failed = true;
		problem_set(&r->problem, API_PROBLEM_TIMEOUT,
			"%s %s takes longer than its deadline and goes on: watch /v1/events",
			r->route->method, r->path);
	}
	request_wake(r);
}

void requests_stop(struct http *h)
{
	struct request *next;

	for (struct request *r = h->waiting; r; r = next) {
		next = r->next;
		if (r->state == REQUEST_WAITS_CALL || r->state == REQUEST_WAITS_GRANT) {
			if (!api_call_abandon(r->call, NULL))
				continue;
			r->call = NULL;
		}
		if (r->state == REQUEST_WAITS_PAST)
			r->past = api_past_drop(r->past);
		r->failed = true;
		r->asks_grant = false;
		problem_set(&r->problem, API_PROBLEM_STOPPING,
			"ballastd is stopping; what was asked may or may not have been done");
		request_wake(r);
	}
}
static bool view_is_fresh(const struct http *h)
{
	return h->view_usec && !h->view_outdated && h->now_usec - h->view_usec < API_VIEW_AGE_USEC;
}

static void ask_for_view(struct http *h)
{
	struct api_queue *q = h->api->queue;

	if (h->view_asked)
		return;
	h->view_asked = true;
	/* What is acknowledged from here on may miss the view that is made now. */
	h->view_outdated = false;
	pthread_mutex_lock(&q->lock);
	q->view_wanted = true;
	api_queue_asked(q);
	pthread_mutex_unlock(&q->lock);
	api_poke(q->command_fd);
}

enum MHD_Result request_need_view(struct request *r)
{
	if (view_is_fresh(r->http)) {
		r->state = REQUEST_READY;
		return request_send(r);
	}
	ask_for_view(r->http);
	request_wait(r, REQUEST_WAITS_VIEW, VIEW_WAIT_USEC);
	return MHD_YES;
}

static const char *header(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

/* What the request says of the state that it replaces. What is not understood is refused: it was
 * said to keep something from being done. */
static int take_conditions(const struct request *r, struct api_call *c, struct problem *p)
{
	const char *match = header(r, MHD_HTTP_HEADER_IF_MATCH),
		   *none = header(r, MHD_HTTP_HEADER_IF_NONE_MATCH);

	if (r->route->match == ROUTE_MATCH_NOT)
		return 0;
	if (none && !streq(none, "*")) {
		problem_set(p, API_PROBLEM_QUERY_INVALID,
			"header If-None-Match: \"%.60s\" found, only * is possible here", none);
		snprintf(p->parameter, sizeof(p->parameter), MHD_HTTP_HEADER_IF_NONE_MATCH);
		return -1;
	}
	if (match && (!*match || strlen(match) >= sizeof(c->if_match))) {
		problem_set(p, API_PROBLEM_QUERY_INVALID,
			"header If-Match: 1 to %zu bytes are possible", sizeof(c->if_match) - 1);
		snprintf(p->parameter, sizeof(p->parameter), MHD_HTTP_HEADER_IF_MATCH);
		return -1;
	}
	c->if_none = none;
	if (match)
		snprintf(c->if_match, sizeof(c->if_match), "%s", match);
	return 0;
}

/* The call that the request asks for, or NULL with r->problem. */
static struct api_call *make_call(struct request *r)
{
	struct api_call *c = api_call_new(r->http->api->queue, r->route);

	if (!c) {
		problem_set(&r->problem, API_PROBLEM_INTERNAL, "out of memory");
		return NULL;
	}
	memcpy(c->value, r->value, sizeof(c->value));
	c->dry_run = r->query.dry_run;
	c->role = r->conn->peer.role;
	if (!streq(r->route->method, "GET"))
		http_by(r->http, &r->conn->peer, c->by);
	if (take_conditions(r, c, &r->problem) < 0 ||
		route_read_body(r->route, r->body, r->body_len, &c->body, &r->problem) < 0 ||
		(r->route->prepare && r->route->prepare(c, &r->problem) < 0))
		return api_call_free(c);
	return c;
}

enum MHD_Result request_command(struct request *r)
{
	struct api_call *c = make_call(r);
	uint64_t deadline_usec = r->http->api->config.deadline_usec;
	enum MHD_Result sent;

	if (!c)
		return request_send_problem(r, &r->problem);
	if (request_replay(r, c, &sent)) {
		api_call_free(c);
		return sent;
	}
	if (r->route->changes && !c->dry_run && auth_check_changes(r) < 0) {
		api_call_free(c);
		request_replay_end(r, NULL);
		return request_send_problem(r, &r->problem);
	}
	deadline_usec += c->extra_usec;
	r->call = c;
	if (api_call_submit(c, r) < 0) {
		r->call = api_call_free(c);
		request_replay_end(r, NULL);
		return request_send_new_problem(r, API_PROBLEM_BUSY,
			"%d commands wait for the main loop already: try again", API_QUEUE_MAX);
	}
	request_wait(r, REQUEST_WAITS_CALL, deadline_usec);
	if (prefers_async(r))
		(void)!becomes_operation(r);
	return MHD_YES;
}

/* When the process started, in clock ticks after boot. Returns 0 or -errno. */
static int read_start(pid_t pid, uint64_t *ret)
{
	char path[32], text[1024], *at;
	_cleanup_close_ int fd = -1;
	unsigned long long start;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return -ESRCH;
	text[n] = '\0';
	/* Its name, in parentheses, may have anything inside; field 22 is the 20th behind it. */
	at = strrchr(text, ')');
	for (int i = 0; at && i < 20; i++)
		at = strchr(at + 1, ' ');
	if (!at || sscanf(at, " %llu", &start) != 1)
		return -EBADMSG;
	*ret = start;
	return 0;
}

/* The process that connected may have ended, and its number be another's: one that started after
 * the connection was made is not it. */
static int fill_authorize(const struct request *r, struct api_authorize_request *ret)
{
	const struct conn *c = r->conn;

	*ret = (struct api_authorize_request){
		.role = r->route->role, .uid = c->peer.uid, .pid = c->peer.pid};
	if (c->peer.pid <= 0 || read_start(c->peer.pid, &ret->start_ticks) < 0)
		return -ESRCH;
	return ret->start_ticks > c->accepted_ticks ? -ESRCH : 0;
}

enum MHD_Result request_ask_grant(struct request *r)
{
	static const struct route authorize = {.method = "",
		.path = "",
		.name = "authorize",
		.kind = ROUTE_COMMAND,
		.run = run_authorize};
	struct api_call *c = api_call_new(r->http->api->queue, &authorize);

	if (!c || fill_authorize(r, &c->request.authorize) < 0 || api_call_submit(c, r) < 0) {
		api_call_free(c);
		r->asks_grant = false;
		auth_deny(r);
		return request_send_problem(r, &r->problem);
	}
	r->call = c;
	request_wait(r, REQUEST_WAITS_GRANT, GRANT_WAIT_USEC);
	return MHD_YES;
}
