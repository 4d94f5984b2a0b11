/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

/* "8006" to 1..65535; 0: it is none. */
static in_port_t port_parse(const char *text)
{
	char *end;
	unsigned long port;

	if (*text < '1' || *text > '9' || strlen(text) > 5)
		return 0;
	port = strtoul(text, &end, 10);
	return *end || port > 65535 ? 0 : (in_port_t)port;
}

int address_parse(const char *text, struct address *ret, struct diag *d)
{
	bool six = *text == '[';
	const char *colon = strrchr(text, ':'), *host = text + six;
	const char *end = six ? strchr(text, ']') : colon;
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	char number[INET6_ADDRSTRLEN];
	in_port_t port;

	if (!colon || !end || (six && colon != end + 1) || (size_t)(end - host) >= sizeof(number))
		return diag_set(d, EINVAL, NULL, 0, 1,
			"\"%s\" is no address to listen on, expected one like [::]:8006 or 192.0.2.1:8006",
			text);
	port = port_parse(colon + 1);
	if (!port)
		return diag_set(d, EINVAL, NULL, 0, (unsigned)(colon + 1 - text) + 1,
			"\"%s\" is no port, expected 1 to 65535", colon + 1);
	memcpy(number, host, (size_t)(end - host));
	number[end - host] = '\0';
	if (inet_pton(six ? AF_INET6 : AF_INET, number,
		    six ? (void *)&in6.sin6_addr : (void *)&in.sin_addr) != 1)
		return diag_set(d, EINVAL, NULL, 0, (unsigned)six + 1,
			"\"%s\" is no IPv%d address%s", number, six ? 6 : 4,
			six ? "" : " (names are not looked up; IPv6 stands in brackets)");
	in.sin_port = in6.sin6_port = htons(port);
	*ret = (struct address){.len = six ? sizeof(in6) : sizeof(in)};
	memcpy(&ret->storage, six ? (void *)&in6 : (void *)&in, ret->len);
	return 0;
}

static const struct in6_addr *ip6(const struct address *a)
{
	return &((const struct sockaddr_in6 *)&a->storage)->sin6_addr;
}

/* The IPv4 address that it is or holds. */
static bool ip4(const struct address *a, struct in_addr *ret)
{
	if (a->storage.ss_family == AF_INET) {
		*ret = ((const struct sockaddr_in *)&a->storage)->sin_addr;
		return true;
	}
	if (a->storage.ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(ip6(a)))
		return false;
	memcpy(ret, ip6(a)->s6_addr + 12, sizeof(*ret));
	return true;
}

bool address_is_loopback(const struct address *a)
{
	struct in_addr four;

	if (ip4(a, &four))
		return ntohl(four.s_addr) >> 24 == 127;
	return a->storage.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(ip6(a));
}

char *address_host_format(const struct address *a, char buf[static ADDRESS_TEXT_MAX])
{
	struct in_addr four;

	snprintf(buf, ADDRESS_TEXT_MAX, "?");
	if (ip4(a, &four))
		(void)!inet_ntop(AF_INET, &four, buf, ADDRESS_TEXT_MAX);
	else if (a->storage.ss_family == AF_INET6)
		(void)!inet_ntop(AF_INET6, ip6(a), buf, ADDRESS_TEXT_MAX);
	return buf;
}

char *address_format(const struct address *a, char buf[static ADDRESS_TEXT_MAX])
{
	bool six = a->storage.ss_family == AF_INET6;
	unsigned port = ntohs(six ? ((const struct sockaddr_in6 *)&a->storage)->sin6_port
				  : ((const struct sockaddr_in *)&a->storage)->sin_port);
	char host[INET6_ADDRSTRLEN] = "?";

	(void)!inet_ntop(a->storage.ss_family,
		six ? (const void *)ip6(a)
		    : (const void *)&((const struct sockaddr_in *)&a->storage)->sin_addr,
		host, sizeof(host));
	snprintf(buf, ADDRESS_TEXT_MAX, six ? "[%s]:%u" : "%s:%u", host, port);
	return buf;
}
