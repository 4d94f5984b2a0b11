/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/api/api.h"
#include "daemon/api/names.h"

/* Who asks: how he came, what he may, and what he is called. */
enum client_how {
	CLIENT_SOCKET,	    /* the kernel says who is at the other end of the UNIX socket */
	CLIENT_CERTIFICATE, /* TLS, with a certificate of ClientAuthority= */
	CLIENT_TOKEN,	    /* a bearer token, whatever it came over */
	/* from this host over TCP, without a credential: anybody who has an account */
	CLIENT_LOOPBACK,
	CLIENT_NETWORK,	    /* from another host, without a credential */
	CLIENT_HOW_MAX,
	CLIENT_HOW_INVALID = -1,
};
DECLARE_STRTAB(client_how, enum client_how)

#define CLIENT_KEY_MAX 80
struct client {
	enum client_how how;
	enum api_role role;
	uid_t uid; /* CLIENT_SOCKET */
	pid_t pid; /* who connected, which may be another one by now */
	/* "uid 1000", "token grafana", "cert CN=ops", "192.0.2.7", "2001:db8:0:1::/64": limits
	 * count by it. */
	char key[CLIENT_KEY_MAX];
	char address[ADDRESS_TEXT_MAX]; /* where from; "" on the socket */
	uint64_t expires_real_usec;	/* of the credential; USEC_INFINITY: never */
	uint8_t hash[TOKEN_HASH_BYTES]; /* CLIENT_TOKEN */
};

/* Returns 0 or -errno. Asks the kernel only: no name service, which could hang the HTTP thread. */
int client_of_socket(
	int fd, const struct api_access *access, struct client *ret) _nonnull_ _must_check_;
/* Before it has shown a credential. IPv6 clients count by their /64: each host has that many
 * addresses to itself. */
void client_of_address(const struct address *address, struct client *ret) _nonnull_;
/* The same client with a credential that was checked. role: what the file says. */
void client_of_token(const struct token_entry *e, struct client *ret) _nonnull_;
void client_of_certificate(const char *common_name, enum api_role role, uint64_t expires_real_usec,
	struct client *ret) _nonnull_;
/* Has it shown who it is? */
static inline bool client_is_known(const struct client *c)
{
	return c->how != CLIENT_LOOPBACK && c->how != CLIENT_NETWORK;
}

/* What somebody can do who lacks this role: which group to join, which token to make. names: as
 * client_by(). Returns buf. */
#define CLIENT_REMEDY_MAX 256
char *client_remedy(const struct client *c, const struct api_access *access,
	const struct names *names, enum api_role needed, char buf[static CLIENT_REMEDY_MAX])
	_nonnull_args_(1, 2, 5);

#define CLIENT_BY_MAX 96
/* "uid 1000 (anna)", "uid 1000" where names (may be NULL) have none, "token grafana", "cert
 * CN=ops". Returns buf. */
char *client_by(const struct client *c, const struct names *names, char buf[static CLIENT_BY_MAX])
	_nonnull_args_(1, 3);
