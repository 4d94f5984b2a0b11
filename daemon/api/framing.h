/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/units.h"
#include "daemon/api/http.h"

/*
 * Where a request begins and ends must be beyond doubt: a proxy before us that reads it otherwise
 * would hand us a request that nobody has judged (RFC 9112, 3.2, 5 and 6.3). The library reads what
 * is doubtful in its own way; here it is refused.
 */

/* Judges the header of a request before its body is looked at. Returns 0, or -1 with r->problem;
 * then the connection ends with the answer. HTTP thread. */
int framing_check(struct request *r, const char *version) _nonnull_ _must_check_;
/* Where request line and headers are so large that the library might have no room for an answer:
 * answers, and returns true: the connection is to be closed. HTTP thread. */
bool framing_refuse_large(struct request *r) _nonnull_ _must_check_;
/* The same by the request line alone, before the library takes its parameters apart. */
void framing_check_uri(struct request *r, const char *uri) _nonnull_;
#define HEADER_MAX_BYTES (12 * KIB)
/* The library has found something that it cannot read, maybe a Content-Length that is no number: of
 * that it would send its status line and headers twice (0.9.75). Answers such requests in its place
 * and ends their connections. HTTP thread. */
void framing_refuse_lengths(struct http *h) _nonnull_;
