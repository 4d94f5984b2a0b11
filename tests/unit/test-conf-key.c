/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each key of ballast.conf by itself; tests/unit/test-conf reads files. */
#include "common/conf-key.h"

#include <grp.h>

#include "tests/test.h"

static const struct conf_key *key_of(const char *name)
{
	for (size_t i = 0; i < CONF_KEYS; i++)
		if (streq(conf_keys[i].key, name))
			return &conf_keys[i];
	printf("Bail out! there is no key %s\n", name);
	exit(1);
}

static int set(struct conf *c, const char *key, const char *value, struct diag *d)
{
	diag_clear(d);
	return conf_set(c, key_of(key), value, d);
}

TEST(each_key_takes_its_default)
{
	_cleanup_conf_ struct conf c = {0};

	for (size_t i = 0; i < CONF_KEYS; i++) {
		_cleanup_diag_ struct diag d = {0};

		if (conf_set(&c, &conf_keys[i], "", &d) < 0)
			TEST_FAIL("%s=%s: %s", conf_keys[i].key, conf_keys[i].fallback,
				d.text ? d.text : "?");
		for (size_t k = 0; k < i; k++)
			CHECK(!streq(conf_keys[k].key, conf_keys[i].key) ||
				!streq(conf_keys[k].section, conf_keys[i].section));
	}
}

TEST(numbers_keep_to_their_bounds_and_a_field_that_is_refused_stays)
{
	_cleanup_conf_ struct conf c = {0};
	_cleanup_diag_ struct diag d = {0};

	CHECK_INT(set(&c, "MaxSize", "64M", &d), 0);
	CHECK_U64(c.max_bytes, 64 * MIB);
	CHECK_INT(set(&c, "MaxSize", "32M", &d), 0);
	CHECK_INT(set(&c, "MaxSize", "31M", &d), -ERANGE);
	CHECK_CONTAINS(d.text, "out of range, expected 32 MiB to 64 GiB");
	CHECK_INT(set(&c, "MaxSize", "65G", &d), -ERANGE);
	CHECK(set(&c, "MaxSize", "large", &d) < 0);
	CHECK_U64(c.max_bytes, 32 * MIB);
	CHECK_INT(set(&c, "SampleSec", "5s", &d), 0);
	CHECK_U64(c.sample_usec, 5 * USEC_PER_SEC);
	CHECK_INT(set(&c, "SampleSec", "4s", &d), -ERANGE);
	CHECK_CONTAINS(d.text, "expected 5s to 1min");
	for (size_t i = 0; i < 3; i++)
		CHECK_INT(set(&c, "Events", ((const char *const[]){"-1", "1e3", "ten"})[i], &d),
			-EINVAL);
	CHECK_INT(set(&c, "Events", "18446744073709551616", &d), -EINVAL);
	CHECK_INT(set(&c, "Events", "100", &d), 0);
	CHECK_INT(set(&c, "Events", "99", &d), -ERANGE);
}

TEST(paths_are_absolute_and_the_place_of_a_bad_one_is_told)
{
	_cleanup_conf_ struct conf c = {0};
	_cleanup_diag_ struct diag d = {0};

	CHECK_INT(set(&c, "StateDirectory", "var/lib", &d), -EINVAL);
	CHECK_INT(set(&c, "StateDirectory", "/var/lib/x", &d), 0);
	CHECK_INT(set(&c, "PolicyPath", "/a  /b", &d), 0);
	CHECK(c.policy_dirs[1] && !c.policy_dirs[2]);
	CHECK_STR(c.policy_dirs[1], "/b");
	CHECK_INT(set(&c, "PolicyPath", "/c d", &d), -EINVAL);
	CHECK_INT(d.col, 4);
	CHECK_STR(c.policy_dirs[0], "/a");
	CHECK_INT(set(&c, "Key", "dir/key.pem", &d), -EINVAL);
	CHECK_INT(set(&c, "Key", "key.pem", &d), 0); /* a credential of the unit */
}

TEST(yes_and_no_have_several_words_and_no_others)
{
	static const char *const yes[] = {"yes", "true", "on", "1"},
				 *const no[] = {"no", "false", "off", "0"},
				 *const none[] = {"Yes", "y", "2", "enabled"};
	_cleanup_conf_ struct conf c = {0};
	_cleanup_diag_ struct diag d = {0};

	for (size_t i = 0; i < 4; i++) {
		CHECK_INT(set(&c, "LoopbackWithoutTls", yes[i], &d), 0);
		CHECK(c.loopback_without_tls);
		CHECK_INT(set(&c, "LoopbackWithoutTls", none[i], &d), -EINVAL);
		CHECK(c.loopback_without_tls);
		CHECK_INT(set(&c, "LoopbackWithoutTls", no[i], &d), 0);
		CHECK(!c.loopback_without_tls);
	}
}

TEST(addresses_are_few_and_each_is_one)
{
	_cleanup_conf_ struct conf c = {0};
	_cleanup_diag_ struct diag d = {0};

	CHECK_INT(set(&c, "Listen",
			  "127.0.0.1:1 127.0.0.1:2 127.0.0.1:3 127.0.0.1:4 127.0.0.1:5"
			  " 127.0.0.1:6 127.0.0.1:7 127.0.0.1:8",
			  &d),
		0);
	CHECK_INT(set(&c, "Listen",
			  "127.0.0.1:1 127.0.0.1:2 127.0.0.1:3 127.0.0.1:4 127.0.0.1:5"
			  " 127.0.0.1:6 127.0.0.1:7 127.0.0.1:8 127.0.0.1:9",
			  &d),
		-EINVAL);
	CHECK_CONTAINS(d.text, "at most 8");
	CHECK(set(&c, "Listen", "127.0.0.1:1 nowhere:", &d) < 0);
	CHECK(d.col >= 13);
}

TEST(a_group_that_is_not_there_locks_nobody_out_in_silence)
{
	_cleanup_conf_ struct conf c = {0};
	_cleanup_diag_ struct diag d = {0};
	const struct group *g = getgrgid(0);

	CHECK_INT(set(&c, "ReadGroup", "no-such-group-here", &d), -EINVAL);
	CHECK_CONTAINS(d.text, "groupadd");
	if (!g)
		TEST_SKIP("group 0 has no name here");
	CHECK_INT(set(&c, "ReadGroup", g->gr_name, &d), 0);
	CHECK_INT(c.read_gid, 0);
	CHECK_INT(set(&c, "ReadGroup", "", &d), 0);
	CHECK(c.read_gid == (gid_t)-1);
}

TEST(what_waits_for_a_restart_is_what_has_changed_and_says_so)
{
	_cleanup_conf_ struct conf a = {0}, b = {0};
	_cleanup_diag_ struct diag d = {0};
	const char *keys[CONF_KEYS];

	for (size_t i = 0; i < CONF_KEYS; i++) {
		CHECK_INT(conf_set(&a, &conf_keys[i], "", &d), 0);
		CHECK_INT(conf_set(&b, &conf_keys[i], "", &d), 0);
	}
	CHECK_INT(conf_needs_restart(&a, &b, keys), 0);
	CHECK_INT(set(&b, "MaxSize", "64M", &d), 0);
	CHECK_INT(set(&b, "PolicyPath", "/x", &d), 0);
	CHECK_INT(conf_needs_restart(&a, &b, keys), 2);
	CHECK((streq(keys[0], "MaxSize") && streq(keys[1], "PolicyPath")) ||
		(streq(keys[1], "MaxSize") && streq(keys[0], "PolicyPath")));
}

TEST_MAIN()
