/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/api/problem.h"
#include "daemon/api/schema.h"

/*
 * Every route is declared once, in route.c's table: routing, roles, checks, the OpenAPI document
 * and the list of ballast-api(7) come from there. To add one: write its serializer (serve.h) or its
 * command (command.h), describe what it answers (schema.h), add a row, describe it in docs/API.md.
 */

/* What the {word} in a path names. Found before the handler runs: it gets an index. */
enum route_noun {
	NOUN_NONE,
	NOUN_HOST,
	NOUN_GUEST,
	/* a guest, or one that does not run and has overrides: their index, behind the guests' */
	NOUN_OVERRIDDEN,
	NOUN_POLICY,
	NOUN_POLICY_NAME, /* of a policy that need not be there: no index */
	NOUN_RESERVATION, /* a number: no index */
	NOUN_RECORDED,	  /* a guest of which there is a history: no index */
	NOUN_OPERATION,	  /* a number: no index */
	NOUN_FILE,	  /* of the dashboard: no index */
};

enum route_kind {
	ROUTE_VIEW,   /* serialised from a view in the HTTP thread, once per generation */
	ROUTE_EVENTS, /* read from the event log in the HTTP thread */
	/* from a view and what the HTTP thread counts, as text, once per generation */
	ROUTE_METRICS,
	ROUTE_HEALTH, /* does the main loop turn? */
	ROUTE_READY,
	ROUTE_WHOAMI, /* who asks: for everybody who has shown who he is */
	ROUTE_COMMAND, /* run in the main loop */
	/* the same as long as the daemon runs: made when first asked for; known is NULL */
	ROUTE_FIXED,
	ROUTE_HISTORY, /* read from the disk */
	ROUTE_FILE,    /* of the dashboard, from memory */
};

/* Values of query parameters, as the params tables say. Strings belong to the request. */
struct query {
	bool dry_run;
	bool newest;
	uint64_t limit;
	const char *after;
	const char *since;
	const char *until;
	const char *step;
	const char *guest;
	const char *kind;
	const char *name, *condition, *tag;
	uint64_t given; /* bit per entry of the route's table: to refuse one that is given twice */
};

struct route_param {
	const char *name;
	enum json_type_wanted type; /* BOOL, COUNT or STRING */
	size_t offset;		    /* in struct query */
	uint64_t min, max;	    /* COUNT */
	const char *summary;
};

/* Does a command look at If-Match and If-None-Match? */
enum route_match {
	ROUTE_MATCH_NOT,
	ROUTE_MATCH_MAY,    /* where it is given */
	ROUTE_MATCH_NEEDED, /* it must be given where something is replaced */
};

struct api_call;
struct view_input;
/* Writes the answer. index: of the noun. */
typedef void (*view_handler)(const struct view_input *known, size_t index, struct json_out *o);
/* The same where the request has parameters. Returns 0, or -1 with *p. */
typedef int (*view_query_handler)(const struct view_input *known, const struct query *q,
	struct json_out *o, struct problem *p);
/* HTTP thread: from the checked body to the call's request. Returns 0, or -1 with *p. */
typedef int (*command_prepare)(struct api_call *call, struct problem *p);
/* Main loop: does it, and answers now or later. known is NULL where the noun needs none. */
typedef void (*command_run)(
	struct api *a, struct api_call *call, const struct view_input *known, size_t index);

struct route {
	const char *method;
	const char *path;
	const char *name;    /* unique: "guest-policy" */
	const char *summary; /* one line */
	const struct schema *answer; /* NULL: no body, 204 */
	enum api_role role;
	enum route_kind kind;
	enum route_noun noun;
	unsigned status;		  /* when all is well */
	bool changes;			  /* takes dry_run; what is served afterwards is fresh */
	const struct route_param *params; /* NULL: none but dry_run where it changes */
	const struct json_field *body;	  /* NULL: takes none */
	view_handler view;
	command_prepare prepare; /* NULL: nothing to prepare */
	command_run run;
	/* What If-Match is held against (GET: its ETag begins with it). NULL: nothing. */
	uint64_t (*tag)(const struct view_input *known, size_t index);
	enum route_match match;
	bool takes_long; /* its asker need not wait: it may become an operation */
	view_query_handler view_some; /* NULL: takes no parameters */
	unsigned also_status; /* the other one, as 201 where a PUT made something new; 0: none */
	/* problems of its own, MAY(CONFLICT) | ...: those by rule are in route-problem.c */
	uint64_t may;
};
#define MAY(problem) (UINT64_C(1) << API_PROBLEM_##problem)
_Static_assert(API_PROBLEM_MAX <= 64, "a bit each");
extern const struct route routes[];
extern const size_t n_routes;
/* Query parameters that a route takes; ends with an entry without a name. */
const struct route_param *route_params(const struct route *r) _nonnull_ _pure_;

/* All problems that it may answer with: a bit per enum api_problem. */
uint64_t route_problems(const struct route *r) _nonnull_ _pure_;
/* Does its answer carry an ETag? */
static inline bool route_has_etag(const struct route *r)
{
	return r->kind == ROUTE_VIEW || r->kind == ROUTE_FIXED || r->kind == ROUTE_FILE ||
	       r->kind == ROUTE_METRICS;
}

#define ROUTE_VALUE_MAX 256
/* The route of a method (HEAD is GET) and a decoded path; value gets the noun's word. Returns it,
 * or NULL with *p. */
const struct route *route_find(const char *method, const char *path,
	char value[static ROUTE_VALUE_MAX], struct problem *p) _must_check_;
/* Takes one query parameter. value may be NULL ("?newest"). Returns 0, or -1 with *p. */
int route_take_param(const struct route *r, const char *name, const char *value, struct query *q,
	struct problem *p) _nonnull_args_(1, 2, 4, 5) _must_check_;
/* Checks a whole body against the route's table. *ret: a new reference, NULL where the route takes
 * none. Returns 0, or -1 with *p. */
int route_read_body(const struct route *r, const char *text, size_t len, json_t **ret,
	struct problem *p) _nonnull_args_(1, 4, 5) _must_check_;
/* Index of the noun's word in what is known. Returns 0, or -1 with *p. */
int route_resolve(const struct route *r, const struct view_input *known, const char *value,
	size_t *ret_index, struct problem *p) _nonnull_ _must_check_;
