/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/http-stats.h"

/* The frequent ones first. */
const unsigned short http_status[HTTP_STATUSES] = {200, 304, 204, 201, 202, 206, 400, 401, 403, 404,
	405, 406, 408, 409, 410, 411, 412, 413, 415, 422, 428, 429, 431, 500, 503, 504, 507, 0};

int http_stats_init(struct http_stats *s)
{
	s->rows = calloc(n_routes + 1, sizeof(*s->rows));
	return s->rows ? 0 : -ENOMEM;
}

void http_stats_free(struct http_stats *s)
{
	free(TAKE_PTR(s->rows));
}

void http_stats_answered(
	struct http_stats *s, const struct route *route, unsigned status, uint64_t usec)
{
	struct http_row *row = &s->rows[route ? (size_t)(route - routes) : n_routes];
	int i = 0;

	while (http_status[i] && http_status[i] != status)
		i++;
	row->answers[i]++;
	histogram_add(&row->time, usec);
}
