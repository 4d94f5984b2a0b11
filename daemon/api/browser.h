/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * What a page of a foreign site could make somebody's browser do is refused: a browser says where a
 * request comes from (Origin, Sec-Fetch-Site) and which name it looked up (Host). Other programs
 * send neither of the first two. Pure.
 */
struct browser_facts {
	const char *method, *path;
	const char *host, *origin, *fetch_site; /* headers; NULL: not sent */
	bool tls;
	/* over the listener without TLS, where no certificate proves the name */
	bool loopback;
	/* that host may be besides localhost and loopback addresses; NULL-terminated, or NULL */
	const char *const *names;
};
enum browser_verdict {
	BROWSER_FINE,
	BROWSER_FOREIGN_ORIGIN, /* a page of another origin asks */
	BROWSER_FOREIGN_HOST,	/* the name is not ours: DNS rebinding */
};
enum browser_verdict browser_judge(const struct browser_facts *f) _nonnull_ _pure_ _must_check_;
