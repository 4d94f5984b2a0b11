/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/browser.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <strings.h>

/* "localhost:8006" -> "localhost", "[::1]:8006" -> "::1". False for what is no host. */
static bool host_name(const char *host, char *buf, size_t size)
{
	bool six = *host == '[';
	size_t n = strcspn(host + six, six ? "]" : ":");
	const char *rest = host + six + n;

	if (six && *rest++ != ']')
		return false;
	if (!n || n >= size ||
		(*rest && (*rest != ':' || !rest[1] || rest[1 + strspn(rest + 1, "0123456789")])))
		return false;
	memcpy(buf, host + six, n);
	buf[n] = '\0';
	return true;
}

static bool is_loopback(const char *name)
{
	struct in6_addr six;
	struct in_addr four;

	return strcasecmp(name, "localhost") == 0 ||
	       (inet_pton(AF_INET, name, &four) == 1 && ntohl(four.s_addr) >> 24 == 127) ||
	       (inet_pton(AF_INET6, name, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six));
}

static bool host_is_ours(const struct browser_facts *f)
{
	char name[256];

	if (!f->host || !host_name(f->host, name, sizeof(name)))
		return false;
	if (is_loopback(name))
		return true;
	for (const char *const *n = f->names; n && *n; n++)
		if (strcasecmp(*n, name) == 0)
			return true;
	return false;
}

/* Is the origin the very place that was asked? */
static bool origin_is_own(const struct browser_facts *f)
{
	const char *scheme = f->tls ? "https://" : "http://";
	size_t n = strlen(scheme);

	return f->host && strncasecmp(f->origin, scheme, n) == 0 &&
	       strcasecmp(f->origin + n, f->host) == 0;
}

enum browser_verdict browser_judge(const struct browser_facts *f)
{
	bool reads = streq(f->method, "GET") || streq(f->method, "HEAD");

	if (f->loopback && !host_is_ours(f))
		return BROWSER_FOREIGN_HOST;
	/* A link on a foreign page may lead to ours; what it answers nobody but the browser's own
	 * tab can read. */
	if (reads && strncmp(f->path, "/v1/", 4) != 0)
		return BROWSER_FINE;
	if (f->origin && !origin_is_own(f))
		return BROWSER_FOREIGN_ORIGIN;
	/* "same-site" is another port or a neighbour's name: not us. */
	if (f->fetch_site && !streq(f->fetch_site, "same-origin") && !streq(f->fetch_site, "none"))
		return BROWSER_FOREIGN_ORIGIN;
	return BROWSER_FINE;
}
