/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

#include "common/json.h"

/*
 * Requests to the daemon. Each function returns CLI_OK, or the exit code after a message that names
 * the remedy.
 */
#define CLIENT_PATH_MAX 1024
/* "/v1/guests/%s/policy" with the word percent-encoded. Returns buf. */
char *client_path(const char *format, const char *word, char buf[static CLIENT_PATH_MAX]) _nonnull_;
/* One request. */
#define CLIENT_TAG_MAX 128
struct client_ask {
	const char *method, *path;
	const char *body, *type;	/* text and its media type, or NULL */
	const char *if_match;		/* an entity tag, "*", or NULL */
	const char *if_none_match;	/* likewise */
	bool quiet;			/* says nothing where it fails */
	bool asks;			/* changes nothing, whatever its method */
};
/* What came back. */
struct client_answer {
	json_t *body;			/* owned; NULL: none */
	char tag[CLIENT_TAG_MAX];	/* the entity tag; "" for none */
	char problem[64]; /* the problem's code, "unreachable"; "" where it went well */
	long status;			/* 0: no answer */
};
void client_answer_clear(struct client_answer *a) _nonnull_;
#define _cleanup_answer_ _cleanup_(client_answer_clear)
/* With --dry-run a method other than GET asks to change nothing. *ret is filled whatever comes. */
int client_ask(struct cli *c, const struct client_ask *ask,
	struct client_answer *ret) _nonnull_ _must_check_;

/*
 * A stream of events, until it ends, is lost, or Ctrl-C comes: fn gets each (sse.h). last_id: what
 * was seen last, or "". Returns CLI_OK where it was open at all, however it ended; else the exit
 * code, without a message, and the problem's code as client_try().
 */
typedef void (*client_event)(const char *event, const char *id, const char *data, void *userdata);
int client_stream(struct cli *c, const char *path, const char *last_id, client_event fn,
	void *userdata, char ret_problem[static 64]) _nonnull_args_(1, 2, 3, 4, 6) _must_check_;

/* *ret: a new reference; NULL for an answer without a body. */
int client_get(struct cli *c, const char *path, json_t **ret) _nonnull_ _must_check_;
/* body (may be NULL) is taken. With --dry-run the daemon is asked to change nothing. */
int client_send(struct cli *c, const char *method, const char *path, json_t *body, json_t **ret)
	_nonnull_args_(1, 2, 3, 5) _must_check_;
/* Like client_get(), but says nothing: *ret_problem is the problem's code, "unreachable", or
 * NULL. */
int client_try(struct cli *c, const char *path, json_t **ret,
	char ret_problem[static 64]) _nonnull_ _must_check_;

