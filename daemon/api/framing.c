/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/framing.h"

#include <gnutls/gnutls.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

struct seen {
	unsigned lengths, encodings, hosts;
	bool chunked;
	const char *wrong; /* what it is called; NULL: nothing yet */
};

/* The library has memory for some 235; of more it says nothing at all (0.9.75). */
#define PARAMETERS_MAX 200

static bool is_token_char(char c)
{
	char lower = c | 0x20;

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_token_char(s[i]))
			return false;
	return n > 0;
}

/* A value that was folded lies no more behind its name: the library sticks the second line to the
 * name (0.9.75). */
static bool is_folded(const char *key, size_t key_size, const char *value)
{
	const char *p = key + key_size + 1;

	while (p < value && (*p == ' ' || *p == '\t'))
		p++;
	return p != value;
}

static bool is_text(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f)
			return false;
	return true;
}

static enum MHD_Result look(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_size,
	const char *value, size_t value_size)
{
	struct seen *seen = cls;

	if (!value || !is_token(key, key_size))
		seen->wrong = "a header's name has a character that none may have";
	else if (MHD_VERSION < 0x01000000 && is_folded(key, key_size, value))
		seen->wrong = "a header goes on in a second line";
	else if (!is_text(value, value_size))
		seen->wrong = "a header has a control character";
	else if (strcasecmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0)
		seen->lengths++;
	else if (strcasecmp(key, MHD_HTTP_HEADER_HOST) == 0)
		seen->hosts++;
	else if (strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
		seen->encodings++;
		seen->chunked = strcasecmp(value, "chunked") == 0;
	}
	return seen->wrong ? MHD_NO : MHD_YES;
}

static const char *judge(const struct seen *seen, bool http_1_1)
{
	if (seen->wrong)
		return seen->wrong;
	if (seen->lengths > 1)
		return "Content-Length is there twice";
	if (seen->encodings && seen->lengths)
		return "both Content-Length and Transfer-Encoding are there";
	if (seen->encodings && !http_1_1)
		return "HTTP/1.0 has no Transfer-Encoding";
	if (seen->encodings > 1 || (seen->encodings && !seen->chunked))
		return "Transfer-Encoding is not just \"chunked\"";
	if (seen->hosts > 1)
		return "Host is there twice";
	if (!seen->hosts && http_1_1)
		return "Host is missing";
	return NULL;
}

int framing_check(struct request *r, const char *version)
{
	struct seen seen = {0};
	const char *wrong;

	MHD_get_connection_values_n(r->connection, MHD_HEADER_KIND, look, &seen);
	wrong = judge(&seen, !streq(version, MHD_HTTP_VERSION_1_0));
	if (!wrong)
		return 0;
	r->closes = true;
	return problem_set(&r->problem, API_PROBLEM_REQUEST_MALFORMED, "%s", wrong);
}

/* As the library has it: digits only, of a number of 64 bits. */
static bool is_length(const char *s)
{
	size_t n = strspn(s, "0123456789");

	if (!n || s[n])
		return false;
	errno = 0;
	return strtoull(s, NULL, 10) != ULLONG_MAX || errno == 0;
}

/* In one piece: nothing else is on its way of a connection whose request is being read. */
static void send_all(struct conn *c, struct MHD_Connection *connection, const char *s, size_t n)
{
	const union MHD_ConnectionInfo *info =
		c->server->tls ? MHD_get_connection_info(
					 connection, MHD_CONNECTION_INFO_GNUTLS_SESSION)
			       : NULL;

	if (info && info->tls_session)
		(void)!gnutls_record_send(info->tls_session, s, n);
	else if (!c->server->tls)
		(void)!send(c->fd, s, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void refuse(struct request *r, const struct problem *p)
{
	_cleanup_json_out_ struct json_out o = {0};
	char answer[2048];
	size_t len;
	int n;

	problem_write(p, "/", &o);
	n = snprintf(answer, sizeof(answer), "HTTP/1.1 %u %s\r\n", problem_status(p->code),
		MHD_get_reason_phrase_for(problem_status(p->code)));
	len = (size_t)n + response_common_text(answer + n, sizeof(answer) - (size_t)n);
	n = snprintf(answer + len, sizeof(answer) - len,
		"Content-Type: application/problem+json\r\nConnection: close\r\n"
		"Content-Length: %zu\r\n\r\n%s",
		o.len, o.failed ? "" : o.buf);
	if (!o.failed)
		send_all(r->conn, r->connection, answer,
			MIN(len + (size_t)n, sizeof(answer) - 1));
	r->http->stats.problems[p->code]++;
	r->conn->lingers = true;
	r->closes = true;
	/* What the library would say next has nowhere to go. */
	shutdown(r->conn->fd, SHUT_WR);
}

void framing_refuse_lengths(struct http *h)
{
	_cleanup_problem_ struct problem p = {0};

	problem_set(&p, API_PROBLEM_REQUEST_MALFORMED,
		"Content-Length is no number, or too large a one");
	for (struct conn *c = h->conns; c; c = c->next) {
		struct request *r = c->request;
		const char *length;

		/* One whose header was read has a path. */
		if (!r || r->path || r->closes)
			continue;
		length = MHD_lookup_connection_value(
			r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
		if (length && !is_length(length) &&
			!MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND,
				MHD_HTTP_HEADER_TRANSFER_ENCODING))
			refuse(r, &p);
	}
}

/* What the library keeps for each header, cookie and parameter (0.9.75). */
#define HEADER_COST_BYTES 64
/* The head of an answer comes out of the same memory; without room for it there would be none. */
#define ANSWER_HEAD_BYTES 1536

void framing_check_uri(struct request *r, const char *uri)
{
	_cleanup_problem_ struct problem p = {0};
	size_t len = strlen(uri), n = 1;

	for (const char *s = uri; (s = strchr(s, '&')); s++)
		n++;
	if (len <= HEADER_MAX_BYTES && n <= PARAMETERS_MAX)
		return;
	problem_set(&p, API_PROBLEM_HEADERS_TOO_LARGE,
		"the request line has %zu bytes and up to %zu parameters: at most %llu and %d are taken",
		len, n, (unsigned long long)HEADER_MAX_BYTES, PARAMETERS_MAX);
	refuse(r, &p);
	shutdown(r->conn->fd, SHUT_RD);
}

bool framing_refuse_large(struct request *r)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		r->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	size_t bytes = info ? info->header_size : 0;
	int n = MHD_get_connection_values(r->connection,
		MHD_HEADER_KIND | MHD_COOKIE_KIND | MHD_GET_ARGUMENT_KIND, NULL, NULL);
	_cleanup_problem_ struct problem p = {0};

	if (r->closes) /* by its URI, and answered */
		return true;
	if (bytes <= HEADER_MAX_BYTES && bytes + (size_t)n * HEADER_COST_BYTES <=
						 CONNECTION_MEMORY_BYTES - ANSWER_HEAD_BYTES)
		return false;
	problem_set(&p, API_PROBLEM_HEADERS_TOO_LARGE,
		"request line and headers have %zu bytes, and %d headers, cookies and parameters: at most %llu bytes are taken, and with %d for each of these at most %llu",
		bytes, n, (unsigned long long)HEADER_MAX_BYTES, HEADER_COST_BYTES,
		(unsigned long long)(CONNECTION_MEMORY_BYTES - ANSWER_HEAD_BYTES));
	refuse(r, &p);
	return true;
}
