/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <curl/curl.h>

#include "cli/client.h"
#include "cli/endpoint.h"

/* Private to client*.c: client.c makes requests, client-stream.c follows events, client-say.c says
 * what went wrong. */

/* Longer than any deadline of the daemon (a reservation may wait 60 s, nothing of ours does). */
#define TIMEOUT_SEC 30
/* No answer of a sane daemon is larger: 10000 guests are 12 MB. */
#define ANSWER_MAX_BYTES (64 * MIB)

/* One exchange. */
struct exchange {
	char *text;
	size_t len;
	long status;
	CURLcode failed;
	long os_errno;
	long retry_after; /* seconds; 0: not said */
	char tag[CLIENT_TAG_MAX];
	char error[CURL_ERROR_SIZE];
};

/* What is sent with every request of this command: who asks, and how long it waits. */
long client_timeout_sec(const struct cli *c) _nonnull_ _pure_;
void client_set_endpoint(
	CURL *curl, const struct endpoint *e, struct curl_slist **headers) _nonnull_;
/* value NULL: no such header. */
void client_add_header(struct curl_slist **list, const char *name, const char *value)
	_nonnull_args_(1, 2);
/* Takes part of an answer into *userdata, a struct exchange. */
size_t client_take(char *data, size_t size, size_t n, void *userdata) _nonnull_;
/* Ctrl-C while one waits. */
int client_look_up(void *userdata, curl_off_t a, curl_off_t b, curl_off_t d, curl_off_t e);

/* client-say.c: the message and the exit code of an exchange without an answer, and of one that was
 * answered with a problem. */
int client_say_unreachable(
	struct cli *c, const struct endpoint *e, const struct exchange *x, bool changes) _nonnull_;
int client_say_problem(struct cli *c, const struct exchange *x, const json_t *body)
	_nonnull_args_(1, 2);
