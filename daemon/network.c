/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/network.h"

#include "daemon/sys/journal.h"
#include "daemon/sys/listen.h"

/* conf_load() has checked them. */
static bool read_address(const char *text, struct address *ret)
{
	_cleanup_diag_ struct diag d = {0};

	return address_parse(text, ret, &d) >= 0;
}

static bool is_plain(const struct conf *c, const struct address *a)
{
	return c->loopback_without_tls && address_is_loopback(a);
}

int network_load_tls(const struct conf *c, struct tls **ret, struct diag_list *findings)
{
	struct tls_paths paths = {c->certificate, c->key, c->client_authority};
	bool needed = false;
	struct address a;

	for (char **text = c->listen; text && *text; text++)
		needed = needed || (read_address(*text, &a) && !is_plain(c, &a));
	if (needed)
		return tls_load(&paths, ret, findings);
	*ret = NULL;
	return 0;
}

int network_load_tokens(const struct conf *c, struct token_table **ret, struct diag_list *findings)
{
	return token_table_load(c->tokens, token_readers_get(), ret, findings);
}

void network_read(const struct conf *start, const struct conf *next, struct network_reading *ret,
	struct diag_list *findings)
{
	struct conf both = *next; /* borrowed, all of it */

	both.listen = start->listen;
	both.loopback_without_tls = start->loopback_without_tls;
	(void)!network_load_tls(&both, &ret->tls, findings);
	ret->no_memory = network_load_tokens(next, &ret->tokens, &ret->token_findings) == -ENOMEM;
	ret->names = names_load();
}

void network_reading_clear(struct network_reading *r)
{
	tls_free(r->tls);
	free(r->tokens);
	diag_list_clear(&r->token_findings);
	names_free(r->names);
	*r = (struct network_reading){0};
}

/* What will be so at every further start as well, until somebody changes the configuration. */
static bool is_lasting(int error)
{
	return error == EACCES || error == EAFNOSUPPORT;
}

static const char *remedy(int error)
{
	switch (error) {
	case EADDRINUSE:
		return " (another program listens there: choose another port)";
	case EACCES:
		return " (ports below 1024 are not ballastd's to take: choose a higher one, or see Listen= in ballast.conf(5))";
	case EAFNOSUPPORT:
		return " (the unit forbids it: RestrictAddressFamilies= must name AF_INET and AF_INET6)";
	default:
		return "";
	}
}

int network_listen(const struct conf *c, struct api_listener listeners[static API_LISTENERS_MAX],
	size_t *ret_n)
{
	size_t n = 0;

	for (char **text = c->listen; text && *text && n < API_LISTENERS_MAX; text++) {
		struct address a;
		bool absent = false;
		int fd = read_address(*text, &a) ? listen_tcp(&a, &absent) : -EINVAL;

		if (fd < 0) {
			journal_error(
				"cannot listen on %s, as Listen= in ballast.conf(5) says: %s%s",
				*text, strerror(-fd), remedy(-fd));
			while (n)
				closep(&listeners[--n].fd);
			return is_lasting(-fd) ? -EBADMSG : fd;
		}
		if (absent)
			journal_warning(
				"no interface has the address of Listen=%s now: it is listened on for when one has",
				*text);
		listeners[n++] = (struct api_listener){.fd = fd, .tls = !is_plain(c, &a)};
	}
	*ret_n = n;
	return 0;
}
