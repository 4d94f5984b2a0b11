/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/browser.h"

#include "tests/test.h"

static const char *const names[] = {"host1.example", NULL};

TEST(what_a_browser_may_ask_is_judged_by_where_it_comes_from)
{
	static const struct {
		struct browser_facts f;
		enum browser_verdict verdict;
	} cases[] = {
		/* Programs send neither header. */
		{{"GET", "/v1/guests", "h:8006", NULL, NULL, true, false, NULL}, BROWSER_FINE},
		{{"PUT", "/v1/mode", "h:8006", NULL, NULL, true, false, NULL}, BROWSER_FINE},
		/* The page itself. */
		{{"GET", "/v1/guests", "h:8006", NULL, "same-origin", true, false, NULL},
			BROWSER_FINE},
		{{"PUT", "/v1/mode", "h:8006", "https://h:8006", "same-origin", true, false, NULL},
			BROWSER_FINE},
		{{"PUT", "/v1/mode", "H:8006", "https://h:8006", NULL, true, false, NULL},
			BROWSER_FINE},
		/* Typed into the address bar, or a bookmark. */
		{{"GET", "/v1/guests", "h:8006", NULL, "none", true, false, NULL}, BROWSER_FINE},
		/* A link on a foreign page to ours. */
		{{"GET", "/", "h:8006", NULL, "cross-site", true, false, NULL}, BROWSER_FINE},
		{{"HEAD", "/www/app.js", "h:8006", "https://evil", "cross-site", true, false, NULL},
			BROWSER_FINE},
		/* Foreign pages, other ports of the host, the same name without TLS, sandboxed
		   frames. */
		{{"GET", "/v1/guests", "h:8006", NULL, "cross-site", true, false, NULL},
			BROWSER_FOREIGN_ORIGIN},
		{{"GET", "/v1/guests", "h:8006", NULL, "same-site", true, false, NULL},
			BROWSER_FOREIGN_ORIGIN},
		{{"GET", "/v1/guests", "h:8006", "https://evil", NULL, true, false, NULL},
			BROWSER_FOREIGN_ORIGIN},
		{{"PUT", "/v1/mode", "h:8006", "http://h:8006", NULL, true, false, NULL},
			BROWSER_FOREIGN_ORIGIN},
		{{"PUT", "/v1/mode", "h:8006", "https://h", NULL, true, false, NULL},
			BROWSER_FOREIGN_ORIGIN},
		{{"PUT", "/v1/mode", "h:8006", "https://h:8006.evil", NULL, true, false, NULL},
			BROWSER_FOREIGN_ORIGIN},
		{{"PUT", "/v1/mode", "h:8006", "null", NULL, true, false, NULL},
			BROWSER_FOREIGN_ORIGIN},
		{{"POST", "/", "h:8006", "https://evil", NULL, true, false, NULL},
			BROWSER_FOREIGN_ORIGIN},
		{{"DELETE", "/nothing", "h:8006", NULL, "cross-site", true, false, NULL},
			BROWSER_FOREIGN_ORIGIN},
		{{"PUT", "/v1/mode", NULL, "https://h:8006", NULL, true, false, NULL},
			BROWSER_FOREIGN_ORIGIN},
		/* The port on loopback: names that somebody's DNS points at it. */
		{{"GET", "/", "localhost:8006", NULL, NULL, false, true, names}, BROWSER_FINE},
		{{"GET", "/", "LOCALHOST", NULL, NULL, false, true, names}, BROWSER_FINE},
		{{"GET", "/", "127.0.0.1:8006", NULL, NULL, false, true, names}, BROWSER_FINE},
		{{"GET", "/", "127.8.9.1", NULL, NULL, false, true, NULL}, BROWSER_FINE},
		{{"GET", "/", "[::1]:8006", NULL, NULL, false, true, names}, BROWSER_FINE},
		{{"GET", "/", "Host1.Example:8006", NULL, NULL, false, true, names}, BROWSER_FINE},
		{{"GET", "/", "evil.example:8006", NULL, NULL, false, true, names},
			BROWSER_FOREIGN_HOST},
		{{"GET", "/healthz", "127.0.0.1.evil.example", NULL, NULL, false, true, names},
			BROWSER_FOREIGN_HOST},
		{{"GET", "/", "localhost.evil", NULL, NULL, false, true, names},
			BROWSER_FOREIGN_HOST},
		{{"GET", "/", "192.0.2.1", NULL, NULL, false, true, names}, BROWSER_FOREIGN_HOST},
		{{"GET", "/", "localhost:evil", NULL, NULL, false, true, names},
			BROWSER_FOREIGN_HOST},
		{{"GET", "/", "[::1", NULL, NULL, false, true, names}, BROWSER_FOREIGN_HOST},
		{{"GET", "/", "", NULL, NULL, false, true, names}, BROWSER_FOREIGN_HOST},
		{{"GET", "/", NULL, NULL, NULL, false, true, names}, BROWSER_FOREIGN_HOST},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		enum browser_verdict verdict = browser_judge(&cases[i].f);

		if (verdict != cases[i].verdict)
			TEST_FAIL("case %zu: %s %s, Host %s, Origin %s, Sec-Fetch-Site %s: %d", i,
				cases[i].f.method, cases[i].f.path,
				cases[i].f.host ? cases[i].f.host : "-",
				cases[i].f.origin ? cases[i].f.origin : "-",
				cases[i].f.fetch_site ? cases[i].f.fetch_site : "-", verdict);
	}
}

TEST_MAIN()
