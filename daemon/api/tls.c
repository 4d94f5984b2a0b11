/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/tls.h"

#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "common/token-file.h"
#include "daemon/sys/credentials.h"

/* A chain of certificates is some 5 kB. */
#define PEM_MAX_BYTES MIB

static int found(struct diag_list *findings, const char *file, const char *text)
{
	_cleanup_diag_ struct diag d = {0};

	diag_set(&d, EBADMSG, file, 0, 0, "%s", text);
	return diag_list_take(findings, &d) < 0 ? -ENOMEM : -EBADMSG;
}

_printf_(3, 4) static int bad(struct diag_list *findings, const char *file, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return found(findings, file, text);
}

/* Returns 0 with *ret, or -errno. secret: others may not read it. */
static int read_file(const char *path, bool secret, char **ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	_cleanup_free_ char *text = NULL;
	struct stat st;
	ssize_t n = 1;
	size_t len = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > (off_t)PEM_MAX_BYTES)
		return -EFBIG;
	if (secret && st.st_mode & (S_IWGRP | S_IRWXO))
		return -EPERM;
	text = calloc(1, (size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	for (; n > 0 && len < (size_t)st.st_size; len += (size_t)n)
		if ((n = read(fd, text + len, (size_t)st.st_size - len)) < 0)
			return -errno;
	*ret = TAKE_PTR(text);
	return 0;
}

/* key: "Certificate". A credential's file is the service manager's: its mode is right. */
static int read_part(
	const char *key, const char *path, bool secret, char **ret, struct diag_list *findings)
{
	int r;

	if (!path)
		return bad(findings, NULL,
			"%s= in ballast.conf(5) names no file: Listen= needs Certificate= and Key= for TLS, or, for a loopback address alone, LoopbackWithoutTls=yes",
			key);
	if (strchr(path, '/'))
		r = read_file(path, secret, ret);
	else
		r = (int)MIN(credential_read(path, ret), 0);
	if (r == -ENOMEM || r >= 0)
		return r;
	if (r == -ENXIO || (r == -ENOENT && !strchr(path, '/')))
		return bad(findings, path,
			"the unit passes no credential of this name: Listen= needs %s= for TLS; give it a file's path, or put LoadCredential=%s:/path/to/file into a drop-in of ballastd.service, or, for a loopback address alone, set LoopbackWithoutTls=yes",
			key, path);
	if (r == -EPERM)
		return bad(
			findings, path, "others may read or write this key: chmod o=,g-w %s", path);
	if (r == -EFBIG)
		return bad(findings, path, "is no regular file of at most 1 MiB, expected PEM");
	return bad(findings, path, "cannot be read: %s; %s= in ballast.conf(5) names it%s",
		strerror(-r), key,
		r == -EACCES
			? ", and user ballast must be able to read it (or pass it by LoadCredential=)"
			: "");
}

static gnutls_datum_t datum(const char *text)
{
	return (gnutls_datum_t){(unsigned char *)(uintptr_t)text, (unsigned)strlen(text)};
}

static int judge_certificate(struct tls *t, const char *path, struct diag_list *findings)
{
	gnutls_datum_t pem = datum(t->certificate);
	gnutls_x509_crt_t *chain = NULL;
	unsigned n = 0;
	int r = gnutls_x509_crt_list_import2(&chain, &n, &pem, GNUTLS_X509_FMT_PEM, 0);
	time_t end;

	if (r < 0)
		return bad(findings, path, "is no PEM certificate: %s", gnutls_strerror(r));
	end = gnutls_x509_crt_get_expiration_time(chain[0]);
	t->expires_real_usec = end <= 0 ? USEC_INFINITY : (uint64_t)end * USEC_PER_SEC;
	for (unsigned i = 0; i < n; i++)
		gnutls_x509_crt_deinit(chain[i]);
	gnutls_free(chain);
	return 0;
}

/* As the server will do it: only so a key that is another certificate's is found. */
static int judge_pair(
	const struct tls *t, const struct tls_paths *paths, struct diag_list *findings)
{
	gnutls_datum_t certificate = datum(t->certificate), key = datum(t->key), authority;
	gnutls_certificate_credentials_t credentials;
	int r = gnutls_certificate_allocate_credentials(&credentials), n = 1;

	if (r < 0)
		return -ENOMEM;
	r = gnutls_certificate_set_x509_key_mem(
		credentials, &certificate, &key, GNUTLS_X509_FMT_PEM);
	if (r >= 0 && t->client_authority) {
		authority = datum(t->client_authority);
		n = gnutls_certificate_set_x509_trust_mem(
			credentials, &authority, GNUTLS_X509_FMT_PEM);
	}
	gnutls_certificate_free_credentials(credentials);
	if (r == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		return bad(findings, paths->key, "is not the key of the certificate %s",
			paths->certificate);
	if (r < 0)
		return bad(findings, paths->key, "is no usable PEM key: %s", gnutls_strerror(r));
	if (n < 1)
		return bad(findings, paths->client_authority,
			"has no PEM certificate of an authority%s%s", n < 0 ? ": " : "",
			n < 0 ? gnutls_strerror(n) : "");
	return 0;
}

static int take_digest(struct tls *t)
{
	const char *parts[] = {
		t->certificate, t->key, t->client_authority ? t->client_authority : ""};
	gnutls_hash_hd_t hash;
	int r = gnutls_hash_init(&hash, GNUTLS_DIG_SHA256);

	if (r < 0)
		return -ENOMEM;
	/* Each with its NUL: what ends one does not begin the next. */
	for (size_t i = 0; i < ARRAY_SIZE(parts) && r >= 0; i++)
		r = gnutls_hash(hash, parts[i], strlen(parts[i]) + 1);
	gnutls_hash_deinit(hash, t->digest);
	return r < 0 ? -ENOMEM : 0;
}

int tls_load(const struct tls_paths *paths, struct tls **ret, struct diag_list *findings)
{
	_cleanup_(tls_freep) struct tls *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	r = read_part("Certificate", paths->certificate, false, &t->certificate, findings);
	if (r >= 0)
		r = read_part("Key", paths->key, true, &t->key, findings);
	if (r >= 0 && paths->client_authority)
		r = read_part("ClientAuthority", paths->client_authority, false,
			&t->client_authority, findings);
	if (r >= 0)
		r = judge_certificate(t, paths->certificate, findings);
	if (r >= 0)
		r = judge_pair(t, paths, findings);
	if (r >= 0)
		r = take_digest(t);
	if (r < 0)
		return r;
	snprintf(t->name, sizeof(t->name), "%s", paths->certificate);
	*ret = TAKE_PTR(t);
	return 0;
}

struct tls *tls_free(struct tls *t)
{
	if (!t)
		return NULL;
	if (t->key)
		explicit_bzero(t->key, strlen(t->key));
	free(t->key);
	free(t->certificate);
	free(t->client_authority);
	free(t);
	return NULL;
}

static void read_name(const gnutls_datum_t *der, struct tls_peer *ret)
{
	size_t size = sizeof(ret->common_name);
	gnutls_x509_crt_t crt;

	ret->verdict = TLS_PEER_BAD;
	snprintf(ret->why, sizeof(ret->why), "its certificate cannot be read");
	if (gnutls_x509_crt_init(&crt) < 0)
		return;
	if (gnutls_x509_crt_import(crt, der, GNUTLS_X509_FMT_DER) >= 0) {
		time_t end = gnutls_x509_crt_get_expiration_time(crt);
		int r = gnutls_x509_crt_get_dn_by_oid(
			crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, ret->common_name, &size);

		ret->expires_real_usec = end <= 0 ? USEC_INFINITY : (uint64_t)end * USEC_PER_SEC;
		/* A NUL inside would make one name look like another. */
		if (r < 0 || strlen(ret->common_name) != size ||
			!token_name_valid(ret->common_name, true)) {
			*ret->common_name = '\0'; /* nothing to be shown */
			snprintf(ret->why, sizeof(ret->why),
				"its certificate has no usable common name (CN)");
		} else {
			ret->verdict = TLS_PEER_GOOD;
		}
	}
	gnutls_x509_crt_deinit(crt);
}

void tls_peer_judge(void *session, struct tls_peer *ret)
{
	gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT};
	gnutls_datum_t text = {0};
	unsigned n = 0, status = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n);
	int r;

	*ret = (struct tls_peer){.verdict = TLS_PEER_NONE, .expires_real_usec = USEC_INFINITY};
	if (!chain || !n)
		return;
	read_name(chain, ret);
	r = gnutls_certificate_verify_peers(session, &purpose, 1, &status);
	if (r >= 0 && !status)
		return;
	ret->verdict = TLS_PEER_BAD;
	if (r >= 0 && status & GNUTLS_CERT_EXPIRED)
		snprintf(ret->why, sizeof(ret->why), "its certificate has expired");
	else if (r >= 0 && status & (GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNER_NOT_CA))
		snprintf(ret->why, sizeof(ret->why), "its certificate is not of ClientAuthority=");
	else if (r >= 0 && gnutls_certificate_verification_status_print(
				   status, GNUTLS_CRT_X509, &text, 0) >= 0)
		snprintf(ret->why, sizeof(ret->why), "%.*s",
			(int)MIN((size_t)text.size, sizeof(ret->why) - 1), (const char *)text.data);
	else
		snprintf(ret->why, sizeof(ret->why), "its certificate cannot be verified: %s",
			gnutls_strerror(r));
	gnutls_free(text.data);
}
