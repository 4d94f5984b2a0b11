/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/address.h"

#include "tests/test.h"

TEST(addresses_read_and_write_as_themselves)
{
	static const struct {
		const char *text, *host;
		bool loopback;
	} good[] = {
		{"192.0.2.1:8006", "192.0.2.1", false},
		{"0.0.0.0:1", "0.0.0.0", false},
		{"127.0.0.1:65535", "127.0.0.1", true},
		{"127.9.9.9:80", "127.9.9.9", true},
		{"[::]:8006", "::", false},
		{"[::1]:8006", "::1", true},
		{"[2001:db8::1]:8006", "2001:db8::1", false},
		{"[::ffff:127.0.0.1]:8006", "127.0.0.1", true},
		{"[::ffff:192.0.2.1]:8006", "192.0.2.1", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		char text[ADDRESS_TEXT_MAX], host[ADDRESS_TEXT_MAX];
		_cleanup_diag_ struct diag d = {0};
		struct address a;

		CHECK_INT(address_parse(good[i].text, &a, &d), 0);
		CHECK_STR(address_format(&a, text), good[i].text);
		CHECK_STR(address_host_format(&a, host), good[i].host);
		CHECK_INT(address_is_loopback(&a), good[i].loopback);
	}
}

TEST(what_is_no_address_says_what_one_looks_like)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"", "expected one like [::]:8006 or 192.0.2.1:8006"},
		{"8006", "expected one like"},
		{"192.0.2.1", "expected one like"},
		{"192.0.2.1:", "\"\" is no port"},
		{"192.0.2.1:0", "\"0\" is no port"},
		{"192.0.2.1:65536", "is no port, expected 1 to 65535"},
		{"192.0.2.1:80x", "is no port"},
		{"192.0.2.1:-1", "is no port"},
		{"localhost:8006",
			"is no IPv4 address (names are not looked up; IPv6 stands in brackets)"},
		{"::1:8006", "is no IPv4 address"},
		{"[::1]8006", "expected one like"},
		{"[::1:8006", "expected one like"},
		{"[192.0.2.1]:80", "is no IPv6 address"},
		{"192.0.2.256:80", "is no IPv4 address"},
		{"1111111111111111111111111111111111111111111111111111111111111111:80",
			"expected one like"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_diag_ struct diag d = {0};
		struct address a;

		CHECK_INT(address_parse(bad[i].text, &a, &d), -EINVAL);
		CHECK_CONTAINS(d.text, bad[i].says);
	}
}

TEST_MAIN()
