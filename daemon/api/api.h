/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>
#include <sys/types.h>

#include "common/address.h"
#include "common/role.h"
#include "common/token-file.h"
#include "daemon/eventlog.h"
#include "daemon/past.h"
#include "daemon/view.h"

/*
 * The REST API: an HTTP thread that answers from views and events by itself, and hands commands to
 * the main loop. docs/API.md has the routes. The main loop polls api_fd() for POLLIN and calls
 * api_dispatch(), which calls the ops below: all of them run in the main loop's thread and never
 * block. Views are made on demand: while nobody asks, nothing is copied; while many ask, at most
 * one in API_VIEW_AGE_USEC.
 */
#define API_VIEW_AGE_USEC (50 * USEC_PER_MSEC)

struct api;
struct api_call; /* a command on its way; belongs to the main loop until it is answered, exactly
		    once */

/* What a problem is, for programs; each has its code, HTTP status and title in problem.c. */
enum api_problem {
	API_PROBLEM_ROUTE_UNKNOWN,	/* 404 */
	API_PROBLEM_METHOD_NOT_ALLOWED, /* 405 */
	API_PROBLEM_UNAUTHENTICATED,	/* 401: no credential, or one that does not hold */
	API_PROBLEM_DENIED,		/* 403 */
	API_PROBLEM_FOREIGN_ORIGIN,	/* 403: a page of another site asks */
	API_PROBLEM_FOREIGN_HOST,	/* 421: asked under a name that is not this host's */
	API_PROBLEM_TOO_MANY_REQUESTS,	/* 429 */
	API_PROBLEM_REQUEST_MALFORMED,	/* 400: where it ends, or whom it is for, is in doubt */
	API_PROBLEM_HEADERS_TOO_LARGE,	/* 431 */
	API_PROBLEM_QUERY_INVALID,	/* 400: a parameter */
	API_PROBLEM_BODY_MALFORMED,	/* 400: not JSON, not UTF-8, a key twice, too deep */
	API_PROBLEM_BODY_INVALID,   /* 422: unknown field, wrong type, out of range: `pointer` names
				       the place */
	API_PROBLEM_BODY_TOO_LARGE, /* 413 */
	API_PROBLEM_MEDIA_TYPE,	    /* 415 */
	API_PROBLEM_HOST_UNKNOWN,   /* 404 */
	API_PROBLEM_GUEST_UNKNOWN,  /* 404, `nearest` */
	API_PROBLEM_POLICY_UNKNOWN, /* 404, `nearest` */
	API_PROBLEM_OVERRIDE_UNKNOWN,	 /* 404: the guest has none (of that setting) */
	API_PROBLEM_RESERVATION_UNKNOWN, /* 404 */
	API_PROBLEM_OPERATION_UNKNOWN,	 /* 404 */
	/* 412: If-Match is of another state, `etag` is of this one */
	API_PROBLEM_PRECONDITION_FAILED,
	API_PROBLEM_PRECONDITION_REQUIRED, /* 428: say which state is to be replaced */
	API_PROBLEM_IDEMPOTENCY_MISMATCH,  /* 422: the key was another request's */
	API_PROBLEM_CONFLICT,		 /* 409: the state of things forbids it; detail says what */
	API_PROBLEM_NO_ROOM,		 /* 409: refused, even squeezed there is no room */
	API_PROBLEM_CANNOT_ENROLL,	 /* 409: no controller, shut off, ... with the remedy */
	API_PROBLEM_CONFIGURATION_BAD,	 /* 422: reload found bad files: `findings` */
	API_PROBLEM_NOT_READY,		 /* 503: just started */
	API_PROBLEM_BUSY,		 /* 503: too many commands wait */
	API_PROBLEM_STUCK,		 /* 503: the main loop does not turn (/healthz) */
	API_PROBLEM_STOPPING,		 /* 503 */
	API_PROBLEM_LIBVIRT,		 /* 503: libvirt cannot be reached or refused */
	API_PROBLEM_STATE_UNWRITABLE,	 /* 507: the state directory is full or read-only */
	API_PROBLEM_TIMEOUT,		 /* 504, code "timeout-still-running" */
	API_PROBLEM_INTERNAL,		 /* 500 */
	API_PROBLEM_MAX,
	API_PROBLEM_INVALID = -1,
};
DECLARE_STRTAB(api_problem, enum api_problem)

/* PUT /v1/mode */
struct api_mode_request {
	enum daemon_mode mode;
	bool release; /* with observe: give each guest its original size back first */
};

/* PUT /v1/pause */
struct api_pause_request {
	uint64_t for_usec;	  /* elapsed time from now; USEC_INFINITY: not given */
	uint64_t until_real_usec; /* wall time; USEC_INFINITY: not given. One of the two is */
	const char *message;	  /* "" if none */
};

/* One setting to override: checked by override_check(), in policy text form ("512M", "300"). */
struct api_override_setting {
	const char *section; /* "Memory" */
	const char *key;     /* "Min" */
	const char *value;   /* "512M"; sizes come in bytes and leave as size_format_exact() */
};
#define API_OVERRIDE_SETTINGS_MAX 8
/* Limits of a policy that comes through the API; its file is the daemon's own. */
#define API_POLICY_NAME_MAX 128
#define API_POLICY_TEXT_MAX (48 * KIB)
/* PUT and DELETE /v1/policies/{policy}, POST /v1/policies/validate */
struct api_policy_request {
	char name[API_POLICY_NAME_MAX + 1]; /* with .policy */
	const char *text;		    /* NULL: it is to go */
	size_t len;
	uint64_t at_real_usec; /* validate: 0 is now */
};

/* PUT /v1/guests/{g}/overrides: replaces all overrides of the guest. */
struct api_override_request {
	struct uuid guest;
	struct api_override_setting settings[API_OVERRIDE_SETTINGS_MAX];
	size_t n_settings;	  /* at least 1 */
	uint64_t for_usec;	  /* elapsed time from now; USEC_INFINITY: not given */
	uint64_t until_real_usec; /* wall time; USEC_INFINITY: not given. Neither: until cleared */
	const char *reason;	  /* "" if none */
};

/* POST /v1/plan/preview: one of the three. */
struct api_preview_request {
	bool has_overrides, has_policy, has_mode;
	/* with overrides: by UUID or name; the op gets override.guest */
	const char *guest_name;
	struct api_override_request override; /* n_settings 0: as if they were cleared */
	struct api_policy_request policy;
	enum daemon_mode mode;
};

/* POST /v1/reservations: the start hook wants room for a guest. */
struct api_reserve_request {
	struct uuid guest;
	const char *guest_name;
	uint64_t bytes;	     /* its full memory */
	uint64_t qemu_bytes; /* QEMU's own beside it; 0: the daemon estimates */
	uint64_t wait_usec;  /* refuse if not granted by then; at most 60 s */
};

/* DELETE /v1/reservations/{id}: one of the two says which. */
struct api_unreserve_request {
	uint64_t id; /* 0: the guest's */
	struct uuid guest;
};

/* A client of the socket whose role is too small: may he all the same? */
struct api_authorize_request {
	enum api_role role; /* what it takes */
	uid_t uid;
	pid_t pid; /* started at start_ticks after boot (clock ticks, field 22 of /proc/PID/stat) */
	uint64_t start_ticks;
};

/*
 * What the main loop can do. Every entry is required; all run in api_dispatch(). Requests and their
 * strings are valid until the call is answered. With api_call_dry_run() an op checks all it would
 * check and answers what it would answer, but changes nothing. An op answers at once or keeps the
 * call and answers later. Bodies that ops answer with are in docs/API.md; the helper for each is
 * named here.
 */
struct api_ops {
	/* Fills *ret with pointers to what is known now: they are read before the loop goes on.
	 * Used for views. As long as nothing is known yet, ret->snapshot stays NULL. */
	void (*look)(void *userdata, struct view_input *ret);
	/* The same for a request about one guest, of which there may be thousands a second: in
	 * ret->guests only its own entry is filled, ret->policies stays NULL. Returns its index, or
	 * -ENOENT. */
	ssize_t (*look_guest)(
		void *userdata, const char *uuid_or_name, struct view_input *ret);
	/* 200, api_mode_json(). */
	void (*mode_set)(void *userdata, struct api_call *call, const struct api_mode_request *req);
	/* 200, api_pause_json(). */
	void (*pause_set)(
		void *userdata, struct api_call *call, const struct api_pause_request *req);
	/* 204, also where there is none. */
	void (*pause_clear)(void *userdata, struct api_call *call);
	/* 200, api_reload_json(); API_PROBLEM_CONFIGURATION_BAD with the findings when a file is
	 * bad (the good ones are in force). */
	void (*reload)(void *userdata, struct api_call *call);
	/* 200 or, where the API had no such file, 201: api_policy_put_json(). Durable and in force
	 * before it is answered. */
	void (*policy_put)(
		void *userdata, struct api_call *call, const struct api_policy_request *req);
	/* 204; API_PROBLEM_CONFLICT where another layer has it. */
	void (*policy_delete)(
		void *userdata, struct api_call *call, const struct api_policy_request *req);
	/* 200, docs/API.md's Validation. */
	void (*policy_validate)(
		void *userdata, struct api_call *call, const struct api_policy_request *req);
	/* 200, docs/API.md's Preview. */
	void (*plan_preview)(
		void *userdata, struct api_call *call, const struct api_preview_request *req);
	/* ack's asker does not wait for work any more, which goes on: answers ack with 202,
	 * Location and docs/API.md's Operation when that is durable, and takes what becomes of work
	 * (api_call_on_end()). kind: the route's name. */
	void (*operation_begin)(
		void *userdata, struct api_call *ack, struct api_call *work, const char *kind);
	/* 200, those that are known, newest first. */
	void (*operation_list)(void *userdata, struct api_call *call);
	/* 200; API_PROBLEM_OPERATION_UNKNOWN. */
	void (*operation_get)(void *userdata, struct api_call *call, uint64_t id);
	/* 204; API_PROBLEM_CONFLICT where it cannot be, or has ended, API_PROBLEM_DENIED to whom it
	 * would have been denied. */
	void (*operation_cancel)(void *userdata, struct api_call *call, uint64_t id);
	/* 200, api_overrides_json(). Durable before it is answered. */
	void (*override_set)(
		void *userdata, struct api_call *call, const struct api_override_request *req);
	/* 204 (body NULL); API_PROBLEM_OVERRIDE_UNKNOWN when there was none. */
	void (*override_clear)(void *userdata, struct api_call *call, const struct uuid *guest);
	/* 200 {"enrolled": bool, "changes": [text], "restart_needed": bool};
	 * API_PROBLEM_CANNOT_ENROLL. */
	void (*enroll)(void *userdata, struct api_call *call, const struct uuid *guest);
	/* 201 api_reservation_json() when granted; API_PROBLEM_NO_ROOM when refused. One that was
	 * asked for again (same guest) replaces the old. */
	void (*reserve)(
		void *userdata, struct api_call *call, const struct api_reserve_request *req);
	/* 204; API_PROBLEM_RESERVATION_UNKNOWN. */
	void (*unreserve)(
		void *userdata, struct api_call *call, const struct api_unreserve_request *req);
	/* There is a user whose name is not known: reads them anew elsewhere, for api_set_names().
	 * NULL: names stay those of the start. */
	void (*names_wanted)(void *userdata);
	/* 204: he may; any problem: he may not. */
	void (*authorize)(
		void *userdata, struct api_call *call, const struct api_authorize_request *req);
};

/* Who gets which role on the socket. Root and the daemon's own user and group are admin. */
struct api_access {
	gid_t admin_gid;   /* (gid_t)-1: the daemon's own group */
	gid_t operate_gid; /* (gid_t)-1: nobody */
	gid_t read_gid;
	enum api_role others; /* who is in none of them but could open the socket; default none */
};

/* A listening TCP socket. */
struct api_listener {
	int fd;
	bool tls; /* else only loopback */
};
#define API_LISTENERS_MAX 8

struct api_config {
	int listen_fd;		  /* a listening UNIX stream socket; taken over on success */
	struct view_store *views; /* these two outlive the api */
	struct eventlog *events;
	past_ask past_ask; /* NULL: nothing is known but what is in memory */
	void *past;	   /* outlives the api's thread: api_stop() */
	uint64_t sample_sec; /* between two samples of the history; 0: 10 */
	const struct api_ops *ops;
	void *userdata;
	struct api_access access;
	uint64_t deadline_usec; /* of a command; 0: 10 s. A reservation gets its own wait on top */
	uint64_t request_usec;	/* from the first byte of a request to its last; 0: 10 s */
	unsigned max_connections; /* 0: 512 */
	unsigned max_per_client;  /* 0: half of all */
	struct api_listener listeners[API_LISTENERS_MAX]; /* taken over on success */
	size_t n_listeners;
	/* that loopback clients may ask under, beside localhost; outlives the api */
	const char *const *host_names;
};

/* Starts the HTTP thread. Returns 0 or -errno; on failure listen_fd still is the caller's. */
int api_start(const struct api_config *config, struct api **ret) _nonnull_ _must_check_;
/* Ends the thread; calls that are not answered yet are answered with API_PROBLEM_STOPPING and must
 * still be answered by whoever kept them, before or after (that answer is dropped). Takes NULL,
 * returns NULL. */
struct api *api_stop(struct api *a);
DEFINE_CLEANUP(struct api *, api_stop)
/* From now on these tokens and certificates hold, and no others (main loop). Takes the table over
 * (NULL: none hold). */
void api_set_tokens(struct api *a, struct token_table *tokens) _nonnull_args_(1);
struct names;
/* From now on users and groups are called so (main loop). Takes the table over. */
void api_set_names(struct api *a, struct names *names) _nonnull_;
struct tls;
/* New TLS connections get this certificate (main loop); those that there are go on with theirs.
 * Returns 0, or -EINVAL when the TLS library does not take it: then nothing has changed. tls stays
 * the caller's. */
int api_set_tls(struct api *a, const struct tls *tls) _nonnull_ _must_check_;
/* Readable when api_dispatch() has something to do. Belongs to the api. */
int api_fd(const struct api *a) _nonnull_;
/* How long what the HTTP thread asked of the main loop waited until that came to it (main loop). */
const struct histogram *api_wait(const struct api *a) _nonnull_ _const_;
/* Runs the commands that wait (main loop): at most 16 a time and none after the first millisecond,
 * so that a flood of requests cannot hold the loop. */
void api_dispatch(struct api *a) _nonnull_;

/* Who asked: "uid 1000 (anna)", "token grafana", "cert CN=ops". Valid until the call is
 * answered. */
const char *api_call_by(const struct api_call *call) _nonnull_;
/* The role that its route needs. */
enum api_role api_call_needs(const struct api_call *call) _nonnull_;
/* Has who asks this role, too, beside that of the route? Returns true, or answers the call (403)
 * and returns false. what: of which thing, for people: "Operation 3 is a policy-put". */
bool api_call_may(
	struct api_call *call, enum api_role needed, const char *what) _nonnull_ _must_check_;
/* Only say what would be done? */
bool api_call_dry_run(const struct api_call *call) _nonnull_;
/* Has the asker been told that it takes too long, or gone? Then nobody reads the answer, which is
 * due all the same. */
bool api_call_is_late(const struct api_call *call) _nonnull_;
/*
 * What the request says of the state that it replaces. tag: of the state that there is (below);
 * NULL: there is nothing. needed: where there is something, If-Match must name it. Returns true, or
 * answers the call (412, 428) and returns false.
 */
bool api_call_may_replace(struct api_call *call, const uint64_t *tag, bool needed)
	_nonnull_args_(1) _must_check_;
/* The answer's ETag names this state. */
void api_call_tag(struct api_call *call, uint64_t tag) _nonnull_;
/* The answer's Location. */
void api_call_location(struct api_call *call, const char *location) _nonnull_;
/* Called when a call that nobody waits for is answered, before it is freed. answer: JSON of its
 * body, or of the problem; NULL: none. */
typedef void (*api_call_ended)(void *userdata, struct api_call *call, unsigned status,
	bool is_problem, const char *answer);
void api_call_on_end(struct api_call *call, api_call_ended fn, void *userdata) _nonnull_args_(1, 2);
/* Names states, as tag.h says. */
#define API_TAG_MAX 17
uint64_t api_tag_mode(enum daemon_mode mode) _const_;
uint64_t api_tag_pause(const struct view_pause *p) _nonnull_ _pure_;
uint64_t api_tag_overrides(const struct override *overrides, size_t n, const struct uuid *guest)
	_nonnull_args_(3) _pure_;
uint64_t api_tag_policy(const struct policy_set *set, size_t i) _nonnull_;
/* Answers and frees the call (main loop). body is taken (NULL: no body, status 204). */
void api_call_reply(struct api_call *call, unsigned status, json_t *body) _nonnull_args_(1);
/* The same with text that is JSON already; o is emptied. */
struct json_out;
void api_call_reply_text(struct api_call *call, unsigned status, struct json_out *o) _nonnull_;
/* Answers with a problem. fmt: the detail, a sentence or two that name what was found and the
 * remedy. */
void api_call_problem(struct api_call *call, enum api_problem problem, const char *fmt, ...)
	_nonnull_args_(1, 3) _printf_(3, 4);
/* The same with more members ("findings", "nearest"); more is taken. */
void api_call_problem_with(struct api_call *call, enum api_problem problem, json_t *more,
	const char *fmt, ...) _nonnull_args_(1, 4) _printf_(4, 5);

/* Bodies that ops answer with; new references, NULL without memory. */
json_t *api_mode_json(enum daemon_mode mode);
json_t *api_pause_json(const struct view_pause *p) _nonnull_;
json_t *api_reload_json(const struct policy_set *set, const struct diag_list *findings,
	const char *const *restart, size_t n_restart) _nonnull_args_(2);
/* ["Uri", ...] */
json_t *api_words_json(const char *const *words, size_t n);
/* [{"pointer": ..}] of a reload's findings: file, line, column, text. For
 * API_PROBLEM_CONFIGURATION_BAD. */
json_t *api_findings_json(const struct diag_list *findings) _nonnull_;
/* Overrides of one guest among all; now_*: to turn times of CLOCK_BOOTTIME into wall time. */
json_t *api_overrides_json(const struct override *overrides, size_t n, const struct uuid *guest,
	uint64_t now_boot_usec, uint64_t now_real_usec) _nonnull_args_(3);
/* What became of a policy's file. shadowed_by: a file of a higher layer that is in force in its
 * place, or NULL. notes may be NULL. */
json_t *api_policy_put_json(const char *name, const char *path, bool created,
	const char *shadowed_by, const struct diag_list *notes) _nonnull_args_(1, 2);
json_t *api_reservation_json(
	const struct reservation *r, uint64_t now_boot_usec, uint64_t now_real_usec) _nonnull_;
