/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "cli/endpoint.h"

#include <ctype.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cli/contexts.h"

/* The daemon's port for TLS, where an address names none. */
#define PORT_TEXT ":8006"

void endpoint_free(struct endpoint *e)
{
	if (!e)
		return;
	if (e->curl)
		curl_easy_cleanup(e->curl);
	if (e->token)
		explicit_bzero(e->token, strlen(e->token));
	free(e->token);
	free(e->socket);
	free(e->url);
	free(e->context);
	free(e->cert);
	free(e->key);
	free(e->ca);
	free(e);
}

const char *endpoint_name(const struct endpoint *e)
{
	return e->remote ? e->url : e->socket;
}

static char *copy(const char *text)
{
	char *s = text ? strdup(text) : NULL;

	if (text && !s)
		abort(); /* a client without memory has nothing to ask */
	return s;
}

/* The host of "HOST[:PORT]" is this machine. A name other than localhost could be pointed
 * elsewhere. */
static bool is_loopback(const char *authority)
{
	size_t n = authority[0] == '[' ? strcspn(authority, "]") + 1 : strcspn(authority, ":");

	return (n == 9 && strncasecmp(authority, "localhost", 9) == 0) ||
	       (n == 5 && strncmp(authority, "[::1]", 5) == 0) ||
	       (strncmp(authority, "127.", 4) == 0 && strspn(authority, "0123456789.") == n);
}

/* "HOST[:PORT]" and nothing else: no user, path or question. */
static int check_authority(const char *address, const char *authority, struct diag *d)
{
	size_t n = strspn(
		authority, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]");
	const char *port = strrchr(authority, ':');
	char shown[EXCERPT_MAX];

	if (!n || authority[n])
		return diag_set(d, EINVAL, NULL, 0, 0,
			"found \"%s\", expected https://HOST[:PORT] and nothing behind it",
			excerpt(address, shown));
	if (port && !strchr(port, ']') &&
		(!port[1] || strspn(port + 1, "0123456789") != strlen(port + 1) ||
			strlen(port + 1) > 5 || atoi(port + 1) > 65535 || !atoi(port + 1)))
		return diag_set(d, EINVAL, NULL, 0, 0, "found port \"%s\", expected 1 to 65535",
			excerpt(port + 1, shown));
	return 0;
}

int endpoint_parse(const char *address, struct endpoint *ret, struct diag *d)
{
	bool tls = strncasecmp(address, "https://", 8) == 0,
	     plain = strncasecmp(address, "http://", 7) == 0;
	const char *authority = address + (tls ? 8 : 7), *port;
	char url[512], host[400], shown[EXCERPT_MAX];
	int r;

	if (!tls && !plain) {
		const char *path = strncmp(address, "unix:", 5) == 0 ? address + 5 : address;

		if (*path != '/')
			return diag_set(d, EINVAL, NULL, 0, 0,
				"found \"%s\", expected https://HOST[:PORT], http://127.0.0.1:PORT, or the path of a socket",
				excerpt(address, shown));
		ret->remote = false;
		ret->socket = copy(path);
		return 0;
	}
	snprintf(host, sizeof(host), "%s", authority);
	if (*host && host[strlen(host) - 1] == '/')
		host[strlen(host) - 1] = '\0';
	r = check_authority(address, host, d);
	if (r < 0)
		return r;
	if (plain && !is_loopback(host))
		return diag_set(d, EINVAL, NULL, 0, 0,
			"found \"%s\": without TLS only this machine is asked (127.0.0.1, [::1] or localhost), for what is sent could be read and changed on its way; use https://%.200s",
			excerpt(address, shown), host);
	port = host[0] == '[' ? strchr(host, ']') : host;
	snprintf(url, sizeof(url), "%s%s%s", tls ? "https://" : "http://", host,
		port && strchr(port, ':') ? "" : PORT_TEXT);
	ret->remote = true;
	ret->url = copy(url);
	return 0;
}

static int check_token_mode(const char *file, const struct stat *st, struct diag *d)
{
	if (!S_ISREG(st->st_mode))
		return diag_set(d, EPERM, NULL, 0, 0, "%s is not a file", file);
	if (st->st_mode & (S_IRWXG | S_IRWXO))
		return diag_set(d, EPERM, NULL, 0, 0,
			"%s can be read by others (mode %04o), and whoever reads it can do what you can: chmod 600 %s, and have a new token made if somebody may have",
			file, st->st_mode & 07777U, file);
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return diag_set(d, EPERM, NULL, 0, 0,
			"%s belongs to somebody else (uid %u): chown it", file,
			(unsigned)st->st_uid);
	return 0;
}

int endpoint_read_token(const char *file, char **ret, struct diag *d)
{
	_cleanup_close_ int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char text[ENDPOINT_TOKEN_MAX + 2];
	struct stat st;
	ssize_t n;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0) {
		r = errno;
		return diag_set(d, r, NULL, 0, 0, "%s: %s", file,
			r == ENOENT ? "there is no such file" : strerror(r));
	}
	r = check_token_mode(file, &st, d);
	if (r < 0)
		return r;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return diag_set(d, errno, NULL, 0, 0, "%s: %s", file, strerror(errno));
	while (n && isspace((unsigned char)text[n - 1]))
		n--;
	text[n] = '\0';
	if (!n || n > ENDPOINT_TOKEN_MAX)
		r = diag_set(d, EINVAL, NULL, 0, 0, "%s: expected one token of 1 to %d bytes", file,
			ENDPOINT_TOKEN_MAX);
	/* Anything else would end the header that it goes into. */
	for (ssize_t i = 0; i < n && r == 0; i++)
		if (text[i] <= ' ' || text[i] == 127)
			r = diag_set(d, EINVAL, NULL, 0, 0,
				"%s: a token has no blanks and no lines; expected one token and nothing else",
				file);
	if (r == 0)
		*ret = copy(text);
	explicit_bzero(text, sizeof(text));
	return r;
}

/* --host (or a variable); how: what named it. */
static int take_address(struct cli *c, struct endpoint *e, const char *how, const char *address)
{
	_cleanup_diag_ struct diag d = {0};

	if (endpoint_parse(address, e, &d) < 0)
		return cli_usage(c, "%s: %s", how, d.text ? d.text : "not an address");
	return CLI_OK;
}

static int take_context(
	struct cli *c, struct endpoint *e, const struct context *from, const char **ret_token_file)
{
	char how[128];
	int r;

	snprintf(how, sizeof(how), "context %.80s, Host", from->name);
	r = take_address(c, e, how, from->host);
	e->context = copy(from->name);
	e->cert = copy(from->cert);
	e->key = copy(from->key);
	e->ca = copy(from->ca);
	*ret_token_file = from->token_file;
	return r;
}

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* The context that is named, or in use; *ret is NULL for none. */
static int choose_context(struct cli *c, const struct contexts *all, const struct context **ret)
{
	const char *named = cli_value(c, OPT_CONTEXT);
	const char *name = named ? named : variable("BALLAST_CONTEXT");

	if (!name)
		name = all->current;
	*ret = NULL;
	if (!name || streq(name, CONTEXT_LOCAL))
		return CLI_OK;
	*ret = contexts_find(all, name);
	if (*ret)
		return CLI_OK;
	return cli_fail(c, CLI_NOT_FOUND,
		"there is no context \"%s\": ballastctl context list shows them, context add makes one",
		name);
}

static int choose(
	struct cli *c, struct endpoint *e, const struct contexts *all, const char **ret_token_file)
{
	const char *socket = cli_value(c, OPT_SOCKET), *host = cli_value(c, OPT_HOST);
	const struct context *context = NULL;
	int r;

	if (!!socket + !!host + cli_has(c, OPT_CONTEXT) > 1)
		return cli_usage(c, "give one of --socket, --host and --context");
	if (host)
		return take_address(c, e, "--host", host);
	if (!socket && !cli_has(c, OPT_CONTEXT) && variable("BALLAST_HOST"))
		return take_address(c, e, "$BALLAST_HOST", variable("BALLAST_HOST"));
	if (!socket && !cli_has(c, OPT_CONTEXT))
		socket = variable("BALLAST_SOCKET");
	if (!socket) {
		r = choose_context(c, all, &context);
		if (r != CLI_OK)
			return r;
	}
	if (context)
		return take_context(c, e, context, ret_token_file);
	e->socket = copy(socket ? socket : RUNSTATEDIR "/ballast/api.sock");
	return CLI_OK;
}

static void replace(char **text, const char *with)
{
	if (!with)
		return;
	free(*text);
	*text = copy(with);
}

/* Who one is. What would be sent in the clear, or to nobody, is refused. */
static int take_identity(struct cli *c, struct endpoint *e, const char *token_file)
{
	_cleanup_diag_ struct diag d = {0};
	int r;

	if (cli_value(c, OPT_TOKEN_FILE))
		token_file = cli_value(c, OPT_TOKEN_FILE);
	else if (!token_file && e->remote)
		token_file = variable("BALLAST_TOKEN_FILE");
	replace(&e->cert, cli_value(c, OPT_CERT));
	replace(&e->key, cli_value(c, OPT_KEY));
	replace(&e->ca, cli_value(c, OPT_CA));
	if (!e->remote && (cli_has(c, OPT_TOKEN_FILE) || cli_has(c, OPT_CERT) ||
				  cli_has(c, OPT_KEY) || cli_has(c, OPT_CA)))
		return cli_usage(c,
			"--token-file, --cert, --key and --ca go with --host=https://...: on a socket the kernel says who you are");
	if (!e->cert != !e->key)
		return cli_usage(c, "--cert and --key go together");
	if (!token_file || !e->remote)
		return CLI_OK;
	r = endpoint_read_token(token_file, &e->token, &d);
	if (r < 0)
		return cli_fail(c,
			r == -ENOENT   ? CLI_NOT_FOUND
			: r == -EINVAL ? CLI_USAGE
				       : CLI_DENIED,
			"%s", d.text ? d.text : token_file);
	return CLI_OK;
}

int endpoint_get(struct cli *c, struct endpoint **ret)
{
	_cleanup_contexts_ struct contexts all = {0};
	const char *token_file = NULL;
	struct endpoint *e;
	int r;

	if (c->endpoint) {
		*ret = c->endpoint;
		return CLI_OK;
	}
	/* Kept even half built: options_free() frees it. */
	e = c->endpoint = calloc(1, sizeof(*e));
	if (!e)
		return cli_fail(c, CLI_FAILED, "out of memory");
	r = contexts_read(c, &all);
	if (r == CLI_OK)
		r = choose(c, e, &all, &token_file);
	if (r == CLI_OK)
		r = take_identity(c, e, token_file);
	if (r != CLI_OK) {
		endpoint_free(e);
		c->endpoint = NULL;
		return r;
	}
	*ret = e;
	return CLI_OK;
}
