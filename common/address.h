/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/socket.h>

#include "common/diag.h"

/* Addresses to listen on, as text: "192.0.2.1:8006", "[::]:8006", "127.0.0.1:8006". Numbers only: a
 * name would need a name service at start. */
struct address {
	struct sockaddr_storage storage;
	socklen_t len;
};
/* Returns 0, or -EINVAL with *d saying what was expected. */
int address_parse(const char *text, struct address *ret, struct diag *d) _nonnull_ _must_check_;
/* 127.0.0.0/8 or ::1: what no other host can send to. Also in its IPv6-mapped form. */
bool address_is_loopback(const struct address *a) _nonnull_ _pure_;
/* "192.0.2.1:8006". Returns buf. */
#define ADDRESS_TEXT_MAX 64
char *address_format(const struct address *a, char buf[static ADDRESS_TEXT_MAX]) _nonnull_;
/* Without the port, and an IPv4 address that came over an IPv6 socket as what it is. Returns
 * buf. */
char *address_host_format(const struct address *a, char buf[static ADDRESS_TEXT_MAX]) _nonnull_;
