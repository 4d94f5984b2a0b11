/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <microhttpd.h>

#include "daemon/api/route.h"

/* Bodies that clients have not read to their end yet hold memory: beyond this, further long answers
 * get 503 busy. */
#define RESPONSES_MAX_BYTES (32 * MIB)
/* Short ones always have room, or those who read nothing would keep everybody from hearing even
 * why: a connection has one at a time, so they are 8 MiB of 512 connections. */
#define RESPONSE_SHORT_BYTES (16 * KIB)
/* Long ones that only an admin on this host gets beyond that: he is who mends things. */
#define RESPONSES_RESERVED_BYTES (16 * MIB)

/* How much text is alive in responses; one for an api, HTTP thread only. */
struct response_account {
	size_t bytes;
	bool reserved; /* what is answered now may use what is reserved, too */
};

/* A response with the text of o (which is emptied) and the headers that all have; NULL without
 * memory or when the account is full. */
struct MHD_Response *response_new(struct response_account *account, struct json_out *o,
	const char *content_type) _nonnull_ _must_check_;
/* The headers that all have, for a response that is made elsewhere. NULL: without Content-Type. A
 * page (text/html) brings its own Content-Security-Policy. */
void response_add_common(struct MHD_Response *r, const char *content_type) _nonnull_args_(1);
/* The same as text, each with its end of line. Returns its length. */
size_t response_common_text(char *buf, size_t size) _nonnull_;
/* One without a body. */
struct MHD_Response *response_new_empty(void) _must_check_;
/* A header whose value is a number. */
void response_add_number(struct MHD_Response *r, const char *name, uint64_t value) _nonnull_;

#define ETAG_TEXT_MAX 40
/* The tag of a content: the same text, the same tag. */
void etag_format(const char *text, size_t len, char etag[static ETAG_TEXT_MAX]) _nonnull_;

/* One answer of a view route, and its 304. */
struct body {
	struct MHD_Response *full;
	struct MHD_Response *unchanged;
	char etag[ETAG_TEXT_MAX];
};

/* What was serialised: from one view, and what is the same for good. */
struct body_cache {
	struct response_account *account;
	struct body **fixed; /* one for each route of ROUTE_FIXED; made when first asked for */
	struct view *view; /* a reference; NULL: empty */
	struct body **
		*slots; /* a row for each route, a body for each index; made when first asked for */
	uint64_t used_usec; /* when it last answered */
};
int body_cache_init(struct body_cache *c, struct response_account *account) _nonnull_ _must_check_;
/* Drops everything, with the view. */
void body_cache_clear(struct body_cache *c) _nonnull_;
void body_cache_free(struct body_cache *c) _nonnull_;
/* Takes over the reference (NULL: no view yet); does nothing (but dropping it) when it is the same
 * view. */
void body_cache_set_view(struct body_cache *c, struct view *v) _nonnull_args_(1);
/* The answer of a view route for the noun's index in c->view. NULL as response_new(). */
const struct body *body_cache_get(
	struct body_cache *c, const struct route *r, size_t index) _nonnull_ _must_check_;
/* The answer of a route of ROUTE_FIXED; needs no view. */
const struct body *body_cache_get_fixed(
	struct body_cache *c, const struct route *r) _nonnull_ _must_check_;
/* What was put for that route and index since the view is this one, or NULL. */
const struct body *body_cache_find(
	const struct body_cache *c, const struct route *r, size_t index) _nonnull_ _must_check_;
/* The same for an answer that is made elsewhere: o is emptied. NULL as response_new(). */
const struct body *body_cache_put(struct body_cache *c, const struct route *r, size_t index,
	struct json_out *o, const char *content_type) _nonnull_ _must_check_;
/* How many forms /metrics has: index 1 is OpenMetrics. */
#define METRICS_FORMS 2
/* Does Accept (may be NULL) name this type, "text/event-stream"? Who names it wants it: its weight
 * is not compared with others', but 0. */
bool accept_names(const char *accept, const char *type) _nonnull_args_(2) _pure_;
/* Does If-None-Match (may be NULL) name this tag? */
bool etag_matches(const char *if_none_match, const char *etag) _nonnull_args_(2) _pure_;
