/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/auth.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "common/token-secret.h"
#include "common/units.h"
#include "daemon/api/browser.h"
#include "daemon/sys/clock.h"
#include "daemon/sys/journal.h"

/*
 * Requests of one client, whatever connections they come over. One with a screen that refreshes
 * each second asks for some five; a script that walks over 1000 guests fits into the burst. Admins
 * on this host have no limit: what they ask for costs nobody but them, and they are who mends
 * things.
 */
static const struct limit_rate request_rate = {.per_sec = 200 * 1000, .burst = 1000};
/* Changes of one client, each of which is an event or two: thirty at once, as a script that sets a
 * rack of guests, then one a second. The 2048 events in memory are then a quarter of an hour's at
 * least, and the disk's 10000 (Events=) more than an hour's, by its own events. */
static const struct limit_rate change_rate = {.per_sec = 1000, .burst = 30};
/* Of an address that has shown no credential: a page and what belongs to it, and health checks. */
static const struct limit_rate unknown_rate = {.per_sec = 20 * 1000, .burst = 200};
/* Credentials that do not hold, of one address: ten, then one in six seconds. 256 bits are guessed
 * at no rate; this keeps logs and CPU free. Good ones are accepted all the while, so nobody behind
 * the same address is locked out. */
static const struct limit_rate failure_rate = {.per_sec = 167, .burst = 10};
/* What the journal is told of refused credentials, of all addresses together. */
static const struct limit_rate journal_rate = {.per_sec = 100, .burst = 10};

static const char *header(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

int auth_check_browser(struct request *r, const char *url, const char *method)
{
	const struct conn *c = r->conn;
	struct browser_facts f = {
		.method = method,
		.path = url,
		.host = header(r, MHD_HTTP_HEADER_HOST),
		.origin = header(r, MHD_HTTP_HEADER_ORIGIN),
		.fetch_site = header(r, "Sec-Fetch-Site"),
		.tls = c->server->tls,
		.loopback = c->listener && !c->listener->tls,
		.names = r->http->api->config.host_names,
	};

	switch (browser_judge(&f)) {
	case BROWSER_FOREIGN_ORIGIN:
		return problem_set(&r->problem, API_PROBLEM_FOREIGN_ORIGIN,
			"a page of \"%.100s\" asked: only the page that this daemon serves may",
			f.origin ? f.origin : f.fetch_site);
	case BROWSER_FOREIGN_HOST:
		return problem_set(&r->problem, API_PROBLEM_FOREIGN_HOST,
			"this port answers to localhost, loopback addresses and HostName= of ballast.conf(5), not to \"%.100s\"",
			f.host ? f.host : "");
	case BROWSER_FINE:
		break;
	}
	return 0;
}

/* Of many, a few: who fills the log with failures hides his last one. */
static void tell_refused(struct request *r, const char *why)
{
	struct http *h = r->http;
	const char *from = *r->conn->base.address ? r->conn->base.address : r->conn->base.key;

	if (limit_take(&h->refusals, "all", &journal_rate, h->now_usec)) {
		h->n_refusals++;
		return;
	}
	if (h->n_refusals)
		journal_write(JOURNAL_ACCESS, LOG_NOTICE, NULL,
			"%u more credentials were refused meanwhile", h->n_refusals);
	h->n_refusals = 0;
	journal_write(
		JOURNAL_ACCESS, LOG_NOTICE, NULL, "refused a credential from %s: %s", from, why);
}

static int unauthenticated(struct request *r, const char *why)
{
	uint64_t wait_usec =
		limit_take(&r->http->failures, r->conn->base.key, &failure_rate, r->http->now_usec);

	tell_refused(r, why);
	r->conn->peer = r->conn->base;
	if (!wait_usec) {
		r->bad_credential = true;
		return problem_set(&r->problem, API_PROBLEM_UNAUTHENTICATED,
			"the credential is refused: %s", why);
	}
	problem_set(&r->problem, API_PROBLEM_TOO_MANY_REQUESTS,
		"too many credentials that do not hold: %s", why);
	r->problem.retry_usec = wait_usec;
	return -1;
}

static int identify_token(struct request *r, const char *authorization)
{
	static const char scheme[] = "Bearer ";
	const struct token_entry *e;
	uint8_t hash[TOKEN_HASH_BYTES];
	const char *secret;
	char why[160];

	if (strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
		return unauthenticated(r, "expected Authorization: Bearer TOKEN");
	secret = authorization + sizeof(scheme) - 1;
	token_secret_hash(secret + strspn(secret, " "), hash);
	e = token_table_find_token(r->http->tokens, hash);
	if (!e)
		return unauthenticated(r,
			"the token is not (or no longer) in the file of Tokens= in ballast.conf(5)");
	if (e->expires_real_usec <= clock_real_usec()) {
		snprintf(why, sizeof(why),
			"token %s has expired (ballastctl token new makes another)", e->name);
		return unauthenticated(r, why);
	}
	r->conn->peer = r->conn->base;
	client_of_token(e, &r->conn->peer);
	return 0;
}

/* The certificate is the connection's: its chain is verified once; its end and its role are looked
 * at with each request. */
static int identify_certificate(struct request *r)
{
	struct conn *c = r->conn;
	const struct token_entry *e;
	char why[256];

	if (!c->tls_judged) {
		const union MHD_ConnectionInfo *info =
			MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

		if (info && info->tls_session)
			tls_peer_judge(info->tls_session, &c->tls);
		c->tls_judged = true;
	}
	if (c->tls.verdict == TLS_PEER_NONE)
		return 0;
	if (c->tls.verdict == TLS_PEER_GOOD && c->tls.expires_real_usec <= clock_real_usec()) {
		c->tls.verdict = TLS_PEER_BAD;
		snprintf(c->tls.why, sizeof(c->tls.why), "its certificate has expired");
	}
	if (c->tls.verdict == TLS_PEER_BAD) {
		snprintf(why, sizeof(why), "%s%s%s%s", c->tls.why,
			*c->tls.common_name ? " (CN=" : "", c->tls.common_name,
			*c->tls.common_name ? ")" : "");
		return unauthenticated(r, why);
	}
	e = token_table_find_certificate(r->http->tokens, c->tls.common_name);
	client_of_certificate(c->tls.common_name, e ? e->role : API_ROLE_NONE,
		c->tls.expires_real_usec, &c->peer);
	return 0;
}

/* Who only asks for the daemon's health need not show who he is. */
static bool needs_client(const struct route *r)
{
	return r->role > API_ROLE_NONE || r->kind == ROUTE_WHOAMI;
}

int auth_identify(struct request *r)
{
	const char *authorization = header(r, MHD_HTTP_HEADER_AUTHORIZATION);
	struct conn *c = r->conn;
	char before[CLIENT_KEY_MAX];
	int result = 0;

	memcpy(before, c->peer.key, sizeof(before));
	c->peer = c->base;
	if (!needs_client(r->route))
		return 0;
	if (authorization)
		result = identify_token(r, authorization);
	else if (c->server->tls)
		result = identify_certificate(r);
	if (result < 0)
		return result;
	if (!client_is_known(&c->peer))
		return problem_set(&r->problem, API_PROBLEM_UNAUTHENTICATED,
			"show who you are: Authorization: Bearer TOKEN (ballastctl token new NAME --role read makes one)%s",
			c->server->tls ? ", or a client certificate" : "");
	/* To the process that connected: a token that it shows may be somebody else's, and has the
	 * role of its line. */
	if (c->peer.how == CLIENT_SOCKET && c->granted > c->peer.role &&
		r->http->now_usec < c->granted_usec)
		c->peer.role = c->granted;
	/* Counted when a connection becomes somebody's, not with each request. */
	if (streq(before, c->peer.key) || !conn_is_over_share(c))
		return 0;
	problem_set(&r->problem, API_PROBLEM_BUSY,
		"%s has %u connections already: close some, or raise MaxConnectionsPerClient= in ballast.conf(5)",
		c->peer.key, r->http->api->config.max_per_client);
	c->peer = c->base;
	return -1;
}

/* From this host: its own socket, or loopback. */
static bool is_local(const struct conn *c)
{
	return c->base.how == CLIENT_SOCKET || c->base.how == CLIENT_LOOPBACK;
}

int auth_check_rate(struct request *r)
{
	const struct client *c = &r->conn->peer;
	uint64_t wait_usec;

	if (is_local(r->conn) && c->role == API_ROLE_ADMIN)
		return 0;
	wait_usec = limit_take(&r->http->requests, c->key,
		client_is_known(c) ? &request_rate : &unknown_rate, r->http->now_usec);
	if (!wait_usec)
		return 0;
	problem_set(&r->problem, API_PROBLEM_TOO_MANY_REQUESTS,
		"%s asks too often: at most %u requests a second, and %u at once", c->key,
		(client_is_known(c) ? request_rate : unknown_rate).per_sec / 1000,
		(client_is_known(c) ? request_rate : unknown_rate).burst);
	r->problem.retry_usec = wait_usec;
	return -1;
}

int auth_check_changes(struct request *r)
{
	const struct client *c = &r->conn->peer;
	uint64_t wait_usec;

	if (is_local(r->conn) && c->role == API_ROLE_ADMIN)
		return 0;
	wait_usec = limit_take(&r->http->changes, c->key, &change_rate, r->http->now_usec);
	if (!wait_usec)
		return 0;
	problem_set(&r->problem, API_PROBLEM_TOO_MANY_REQUESTS,
		"%s changes too much: at most %u changes at once, then %u a second", c->key,
		change_rate.burst, change_rate.per_sec / 1000);
	r->problem.retry_usec = wait_usec;
	return -1;
}

void auth_count_refused(struct request *r)
{
	const struct client *base = &r->conn->base;
	uint64_t wait_usec;

	/* A credential that does not hold has a bucket of its own. */
	if (client_is_known(base) || client_is_known(&r->conn->peer) || r->bad_credential ||
		r->problem.code == API_PROBLEM_TOO_MANY_REQUESTS)
		return;
	wait_usec = limit_take(&r->http->requests, base->key, &unknown_rate, r->http->now_usec);
	if (!wait_usec)
		return;
	problem_set(&r->problem, API_PROBLEM_TOO_MANY_REQUESTS,
		"%s asks too often without a credential: at most %u requests a second, and %u at once",
		base->key, unknown_rate.per_sec / 1000, unknown_rate.burst);
	r->problem.retry_usec = wait_usec;
}

int auth_deny(struct request *r)
{
	const struct client *c = &r->conn->peer;
	char remedy[CLIENT_REMEDY_MAX];

	problem_set(&r->problem, API_PROBLEM_DENIED, "%s has role %s here and needs %s: %s", c->key,
		api_role_to_string(c->role), api_role_to_string(r->route->role),
		client_remedy(
			c, &r->http->api->config.access, r->http->names, r->route->role, remedy));
	r->problem.has_role = true;
	r->problem.role = c->role;
	r->problem.needed = r->route->role;
	return -1;
}

int auth_check_role(struct request *r)
{
	const struct client *c = &r->conn->peer;

	if (c->role >= r->route->role)
		return 0;
	/* polkit judges processes of this host. */
	r->asks_grant = c->how == CLIENT_SOCKET;
	return r->asks_grant ? 0 : auth_deny(r);
}

bool auth_still_holds(const struct http *h, const struct client *c, uint64_t now_real_usec)
{
	const struct token_entry *e;

	if (c->how != CLIENT_TOKEN && c->how != CLIENT_CERTIFICATE)
		return true;
	if (c->expires_real_usec <= now_real_usec)
		return false;
	if (c->how == CLIENT_TOKEN)
		e = token_table_find_token(h->tokens, c->hash);
	else
		e = token_table_find_certificate(h->tokens, c->key + strlen("cert CN="));
	return (e ? e->role : API_ROLE_NONE) >= c->role &&
	       (e ? e->expires_real_usec : USEC_INFINITY) > now_real_usec;
}
