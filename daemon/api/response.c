/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/response.h"

#include <stdio.h>
#include <strings.h>

#include "daemon/api/tag.h"

/* Text that a response owns. */
struct text {
	char *buf;
	size_t len;
	struct response_account *account;
};

static void text_free(void *cls)
{
	struct text *t = cls;

	t->account->bytes -= t->len;
	free(t->buf);
	free(t);
}

/* JSON of an API is nothing a browser should guess about, keep, frame, run, or lend to another
 * site. */
static const char *const headers[][2] = {
	{"Ballast-Api", "1"},
	{MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache"},
	{"X-Content-Type-Options", "nosniff"},
	{"X-Frame-Options", "DENY"},
	{"Referrer-Policy", "no-referrer"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
};

void response_add_common(struct MHD_Response *r, const char *content_type)
{
	if (content_type)
		MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++)
		MHD_add_response_header(r, headers[i][0], headers[i][1]);
	/* A page brings its own, and of two both would hold. */
	if (!content_type || strncmp(content_type, "text/html", 9) != 0)
		MHD_add_response_header(
			r, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
}

size_t response_common_text(char *buf, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(headers) && len < size; i++)
		len += (size_t)snprintf(
			buf + len, size - len, "%s: %s\r\n", headers[i][0], headers[i][1]);
	return MIN(len, size - 1);
}

static bool has_room(const struct response_account *a, size_t len)
{
	return len <= RESPONSE_SHORT_BYTES ||
	       a->bytes + len <= RESPONSES_MAX_BYTES + (a->reserved ? RESPONSES_RESERVED_BYTES : 0);
}

struct MHD_Response *response_new(
	struct response_account *account, struct json_out *o, const char *content_type)
{
	struct text *t = calloc(1, sizeof(*t));
	struct MHD_Response *r;

	if (!t || o->failed || !o->buf || !has_room(account, o->len)) {
		free(t);
		json_out_clear(o);
		return NULL;
	}
	*t = (struct text){.buf = TAKE_PTR(o->buf), .len = o->len, .account = account};
	json_out_clear(o);
	account->bytes += t->len;
	r = MHD_create_response_from_buffer_with_free_callback_cls(t->len, t->buf, text_free, t);
	if (!r) {
		text_free(t);
		return NULL;
	}
	response_add_common(r, content_type);
	return r;
}

struct MHD_Response *response_new_empty(void)
{
	struct MHD_Response *r =
		MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);

	if (r)
		response_add_common(r, NULL);
	return r;
}

void response_add_number(struct MHD_Response *r, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	MHD_add_response_header(r, name, text);
}

static void body_free(struct body *b)
{
	if (!b)
		return;
	if (b->full)
		MHD_destroy_response(b->full);
	if (b->unchanged)
		MHD_destroy_response(b->unchanged);
	free(b);
}

void etag_format(const char *text, size_t len, char etag[static ETAG_TEXT_MAX])
{
	snprintf(etag, ETAG_TEXT_MAX, "\"%016llx\"", (unsigned long long)tag_hash(text, len));
}

/* state: what If-Match is held against stands before it; NULL: nothing is. */
static struct body *body_new(struct response_account *account, struct json_out *o,
	const char *content_type, const uint64_t *state)
{
	struct body *b = calloc(1, sizeof(*b));

	if (!b || o->failed || !o->buf) {
		free(b);
		return NULL;
	}
	etag_format(o->buf, o->len, b->etag);
	if (state) {
		char body[ETAG_TEXT_MAX], tag[API_TAG_MAX];

		memcpy(body, b->etag, sizeof(body));
		snprintf(b->etag, sizeof(b->etag), "\"%s-%.16s\"", tag_format(*state, tag),
			body + 1);
	}
	b->full = response_new(account, o, content_type);
	b->unchanged = response_new_empty();
	if (!b->full || !b->unchanged) {
		body_free(b);
		return NULL;
	}
	MHD_add_response_header(b->full, MHD_HTTP_HEADER_ETAG, b->etag);
	MHD_add_response_header(b->unchanged, MHD_HTTP_HEADER_ETAG, b->etag);
	return b;
}

/* How many answers a route has in this view. */
static size_t row_length(const struct view *v, const struct route *r)
{
	if (r->kind == ROUTE_METRICS)
		return METRICS_FORMS;
	switch (r->noun) {
	case NOUN_GUEST:
		return v->known.snapshot->n_guests;
	case NOUN_POLICY:
		return v->known.set ? policy_set_count(v->known.set) : 0;
	case NOUN_HOST:
	case NOUN_OVERRIDDEN:
	case NOUN_POLICY_NAME:
	case NOUN_OPERATION:
	case NOUN_RESERVATION:
	case NOUN_RECORDED:
	case NOUN_FILE:
	case NOUN_NONE:
		break;
	}
	return 1;
}

int body_cache_init(struct body_cache *c, struct response_account *account)
{
	*c = (struct body_cache){.account = account};
	c->slots = calloc(n_routes, sizeof(*c->slots));
	c->fixed = calloc(n_routes, sizeof(*c->fixed));
	return c->slots && c->fixed ? 0 : -ENOMEM;
}

void body_cache_clear(struct body_cache *c)
{
	for (size_t i = 0; i < n_routes && c->view; i++) {
		size_t n = row_length(c->view, &routes[i]);

		for (size_t k = 0; c->slots[i] && k < n; k++)
			body_free(c->slots[i][k]);
		free(c->slots[i]);
		c->slots[i] = NULL;
	}
	c->view = view_unref(c->view);
}

void body_cache_free(struct body_cache *c)
{
	if (c->slots)
		body_cache_clear(c);
	for (size_t i = 0; c->fixed && i < n_routes; i++)
		body_free(c->fixed[i]);
	free(TAKE_PTR(c->slots));
	free(TAKE_PTR(c->fixed));
}

void body_cache_set_view(struct body_cache *c, struct view *v)
{
	if (v == c->view) {
		view_unref(v);
		return;
	}
	body_cache_clear(c);
	c->view = v;
}

const struct body *body_cache_find(const struct body_cache *c, const struct route *r, size_t index)
{
	struct body **row = c->slots[r - routes];

	return row ? row[index] : NULL;
}

const struct body *body_cache_put(struct body_cache *c, const struct route *r, size_t index,
	struct json_out *o, const char *content_type)
{
	struct body ***row = &c->slots[r - routes];
	uint64_t state = r->tag ? r->tag(&c->view->known, index) : 0;

	if (!*row)
		*row = calloc(row_length(c->view, r), sizeof(**row));
	if (!*row) {
		json_out_clear(o);
		return NULL;
	}
	body_free((*row)[index]);
	(*row)[index] = body_new(c->account, o, content_type, r->tag ? &state : NULL);
	return (*row)[index];
}

const struct body *body_cache_get(struct body_cache *c, const struct route *r, size_t index)
{
	const struct body *found = body_cache_find(c, r, index);
	_cleanup_json_out_ struct json_out o = {0};

	if (found)
		return found;
	r->view(&c->view->known, index, &o);
	return body_cache_put(c, r, index, &o, schema_media(r->answer));
}

const struct body *body_cache_get_fixed(struct body_cache *c, const struct route *r)
{
	struct body **slot = &c->fixed[r - routes];
	_cleanup_json_out_ struct json_out o = {0};

	if (!*slot) {
		r->view(NULL, 0, &o);
		*slot = body_new(c->account, &o, schema_media(r->answer), NULL);
	}
	return *slot;
}

bool etag_matches(const char *if_none_match, const char *etag)
{
	size_t n = strlen(etag);

	/* A list of "tag" or W/"tag"; no tag of ours has a comma or a quote inside. */
	for (const char *s = if_none_match; s && *s; s += strcspn(s, ",")) {
		s += strspn(s, ", \t");
		if (*s == '*')
			return true;
		if (strncmp(s, "W/", 2) == 0)
			s += 2;
		if (strncmp(s, etag, n) == 0 && (!s[n] || strchr(", \t", s[n])))
			return true;
	}
	return false;
}

/* Its weight is 0: "; q=0", "; q=0.000". s: the parameters, up to the next comma. */
static bool weighs_nothing(const char *s, size_t len)
{
	const char *end = s + len;

	while (s < end && (s = memchr(s, ';', (size_t)(end - s)))) {
		s += 1 + strspn(s + 1, " \t");
		if (strncasecmp(s, "q=", 2) == 0)
			return s[2] == '0' && strspn(s + 2, "0.") == strcspn(s + 2, ",; \t");
	}
	return false;
}

bool accept_names(const char *accept, const char *type)
{
	size_t n = strlen(type);

	for (const char *s = accept; s && *s; s += strcspn(s, ",")) {
		s += strspn(s, ", \t");
		if (strncasecmp(s, type, n) == 0 && (!s[n] || strchr(",; \t", s[n])))
			return !weighs_nothing(s + n, strcspn(s + n, ","));
	}
	return false;
}
