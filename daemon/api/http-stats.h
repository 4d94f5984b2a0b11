/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/histogram.h"
#include "daemon/api/route.h"

/* What the HTTP thread counts since the daemon's start. Its own: no lock. */
#define HTTP_STATUSES 28
struct http_row {
	struct histogram time;		 /* from the first line of a request to its answer */
	uint64_t answers[HTTP_STATUSES]; /* by status, as http_status[] has them */
};
struct http_stats {
	struct http_row *rows; /* one for each route; the last is of requests that fit none */
	uint64_t accepted, refused; /* connections */
	uint64_t problems[API_PROBLEM_MAX]; /* that were answered, by code */
	/* now: set before they are shown */
	unsigned connections, streams, waiting;
	size_t response_bytes;
};
/* What is answered; 0 stands for every other one. */
extern const unsigned short http_status[HTTP_STATUSES];

int http_stats_init(struct http_stats *s) _nonnull_ _must_check_;
void http_stats_free(struct http_stats *s) _nonnull_;
/* route: NULL where none fits. */
void http_stats_answered(struct http_stats *s, const struct route *route, unsigned status,
	uint64_t usec) _nonnull_args_(1);
