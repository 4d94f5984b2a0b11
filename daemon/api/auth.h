/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/api/http.h"

/* Who makes a request, whether it is a page of a foreign site, and whether it comes too often. All
 * on the HTTP thread. */

/* Judges Host and Origin. Returns 0, or -1 with r->problem. */
int auth_check_browser(
	struct request *r, const char *url, const char *method) _nonnull_ _must_check_;
/* Fills r->conn->peer from the request's token, the connection's certificate, or who connected.
 * Returns 0 (also for one who has shown nothing), or -1 with r->problem for a credential that does
 * not hold. */
int auth_identify(struct request *r) _nonnull_ _must_check_;
/* Takes one request out of the client's bucket. Returns 0, or -1 with r->problem. */
int auth_check_rate(struct request *r) _nonnull_ _must_check_;
/* Takes one out of the client's bucket for what changes something, and so is an event: a loop of
 * such requests would push all other events out of memory and off the disk. Returns 0, or -1 with
 * r->problem. */
int auth_check_changes(struct request *r) _nonnull_ _must_check_;
/* The same for a request that is refused before its client is known: what is refused costs, too.
 * Over its rate r->problem says so instead. */
void auth_count_refused(struct request *r) _nonnull_;
/* Does the route's role suffice, or could polkit grant it (then r->asks_grant)? Returns 0, or -1
 * with r->problem. */
int auth_check_role(struct request *r) _nonnull_ _must_check_;
/* The answer to one whose role is too small. Returns -1. */
int auth_deny(struct request *r) _nonnull_;
/* Is a credential that was accepted one still? */
bool auth_still_holds(
	const struct http *h, const struct client *c, uint64_t now_real_usec) _nonnull_;
