/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/diag.h"

/*
 * What TLS needs: certificate, key, and the authority of client certificates; and what a client's
 * certificate says. TLS 1.2 and 1.3 only, with forward secrecy and authenticated encryption: what
 * the last ten years' clients speak.
 */
#define TLS_PRIORITIES \
	"SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL:" \
	"+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:-MAC-ALL:+AEAD:%SERVER_PRECEDENCE"

/* Where they are. A name without a slash is that of a credential of the unit (LoadCredential=). */
struct tls_paths {
	const char *certificate, *key;
	const char *client_authority; /* NULL: no client certificates */
};

struct tls {
	char *certificate, *key; /* PEM, NUL-terminated; owned */
	char *client_authority;	 /* NULL: none */
	uint64_t expires_real_usec;
	char name[256]; /* of the certificate's file */
	uint8_t digest[32]; /* of all three: SHA-256 */
};
/* Reads and judges them: they are PEM, certificate and key belong together, nobody else can read
 * the key. Returns 0, or -EBADMSG with a finding that names the file and the remedy, -ENOMEM. A
 * certificate that has expired is taken: some clients may still do with it, and it is told
 * elsewhere. */
int tls_load(const struct tls_paths *paths, struct tls **ret,
	struct diag_list *findings) _nonnull_ _must_check_;
struct tls *tls_free(struct tls *t); /* takes NULL, returns NULL; the key's memory is cleared */
DEFINE_CLEANUP(struct tls *, tls_free)

/* What a TLS session's client has shown. session: a gnutls_session_t. */
enum tls_peer_verdict {
	TLS_PEER_NONE, /* no certificate */
	TLS_PEER_GOOD,
	TLS_PEER_BAD, /* foreign, expired, not for clients, without a usable name */
};
struct tls_peer {
	enum tls_peer_verdict verdict;
	char common_name[72];
	uint64_t expires_real_usec;
	char why[160]; /* BAD: in words */
};
void tls_peer_judge(void *session, struct tls_peer *ret) _nonnull_;
