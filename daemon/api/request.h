/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/units.h"
#include "daemon/api/http.h"

/* One request, between its files: request.c receives it, request-wait.c lets it wait for the main
 * loop, request-send.c answers it. All on the HTTP thread. */

/* How long a view may keep a reader waiting; then the last one is shown, with its age. */
#define VIEW_WAIT_USEC (2 * USEC_PER_SEC)

/* Answers from the last view, at once if it is fresh, else after the main loop has looked. */
enum MHD_Result request_need_view(struct request *r) _nonnull_;
/* Hands the command to the main loop and waits for its answer. */
enum MHD_Result request_command(struct request *r) _nonnull_;

/* Lets polkit say whether the client may all the same; then the request goes on, or is denied. */
enum MHD_Result request_ask_grant(struct request *r) _nonnull_;
/* Hands r->past to whoever reads the disk, and waits; what it answers is sent then. */
enum MHD_Result request_ask_past(struct request *r) _nonnull_;

/* Where the request has a key that is known: answers it, into *ret, and returns true. */
bool request_replay(struct request *r, const struct api_call *c, enum MHD_Result *ret) _nonnull_;
/* c: its answer, to be kept for who sends it again; NULL: it was not carried out. */
void request_replay_end(struct request *r, const struct api_call *c) _nonnull_args_(1);
/* The same for a call whose asker was told that it goes on. */
void request_replay_late(struct http *h, struct api_call *c) _nonnull_;
/* Sends a response that is used once; takes it. */
enum MHD_Result request_send_response(
	struct request *r, unsigned status, struct MHD_Response *response) _nonnull_;
/* Before a response is queued: over TLS it says that this host speaks TLS. Of one that many
 * requests share, the library copies the headers while it is being queued, before the next request
 * is looked at. */
void request_fit_transport(const struct request *r, struct MHD_Response *response) _nonnull_;

/* The answer of a request that has all it needs: REQUEST_READY, or failed. */
enum MHD_Result request_send(struct request *r) _nonnull_;
enum MHD_Result request_send_whoami(struct request *r) _nonnull_;
enum MHD_Result request_send_events(struct request *r) _nonnull_;
enum MHD_Result request_send_file(struct request *r) _nonnull_;
enum MHD_Result request_send_problem(struct request *r, const struct problem *p) _nonnull_;
_printf_(3, 4) enum MHD_Result
	request_send_new_problem(struct request *r, enum api_problem code, const char *fmt, ...);
