/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/overrides.h"

#include "tests/test.h"

static const struct uuid web = {{1}}, db = {{2}};

static struct override item(const char *key, const char *value)
{
	return (struct override){
		.section = "Memory",
		.key = key,
		.value = value,
		.by = "uid 0 (root)",
		.reason = "so",
		.until_boot_usec = USEC_INFINITY,
		.until_real_usec = USEC_INFINITY,
	};
}

TEST(a_guests_overrides_are_replaced_as_a_whole)
{
	_cleanup_(overrides_free) struct overrides o = {0};
	struct override two[] = {item("Min", "1G"), item("Max", "2G")},
			one[] = {item("Weight", "300")};

	CHECK_INT(overrides_replace(&o, &web, two, 2), 0);
	CHECK_INT(overrides_replace(&o, &db, two, 2), 0);
	CHECK_INT(o.n, 4);
	CHECK_INT(overrides_replace(&o, &web, one, 1), 0);
	CHECK_INT(o.n, 3);
	CHECK_INT(overrides_count(&o, &web), 1);
	CHECK_INT(overrides_count(&o, &db), 2);
	CHECK_INT(overrides_replace(&o, &db, NULL, 0), 0);
	CHECK_INT(o.n, 1);
	CHECK_STR(o.items[0].value, "300");
}

TEST(who_sets_the_same_again_changes_nothing)
{
	_cleanup_(overrides_free) struct overrides o = {0};
	struct override two[] = {item("Min", "1G"), item("Max", "2G")}, other[2];

	two[0].guest = two[1].guest = web;
	CHECK(overrides_are(&o, &web, NULL, 0));
	CHECK(!overrides_are(&o, &web, two, 2));
	CHECK_INT(overrides_replace(&o, &db, two, 2), 0);
	CHECK_INT(overrides_replace(&o, &web, two, 2), 0);
	CHECK_INT(overrides_replace(&o, &db, NULL, 0), 0); /* and others lie elsewhere now */
	CHECK(overrides_are(&o, &web, two, 2));
	CHECK(!overrides_are(&o, &web, two, 1));
	memcpy(other, two, sizeof(other));
	other[0] = two[1];
	other[1] = two[0];
	CHECK(overrides_are(&o, &web, other, 2));
	other[1].value = "3G";
	CHECK(!overrides_are(&o, &web, other, 2));
	other[1] = two[0];
	other[1].until_boot_usec = 7;
	CHECK(!overrides_are(&o, &web, other, 2));
	other[1] = two[0];
	other[1].by = "uid 1000";
	CHECK(!overrides_are(&o, &web, other, 2));
}

TEST(each_clock_ends_its_own)
{
	_cleanup_(overrides_free) struct overrides o = {0};
	struct override items[] = {item("Min", "1G"), item("Max", "2G"), item("Weight", "3")};
	struct uuid gone[4];

	items[0].until_boot_usec = 100;
	items[1].until_real_usec = 200;
	CHECK_INT(overrides_replace(&o, &web, items, 3), 0);
	CHECK_INT(overrides_expire(&o, 99, 199, gone, 4), 0);
	CHECK_INT(overrides_expire(&o, 100, 0, gone, 4), 1);
	CHECK(uuid_equal(&gone[0], &web));
	CHECK_INT(o.n, 2);
	CHECK_INT(overrides_expire(&o, 0, 200, gone, 4), 1);
	CHECK_INT(o.n, 1);
	CHECK_STR(o.items[0].key, "Weight");
}

TEST(they_read_back_as_they_were_written)
{
	_cleanup_(overrides_free) struct overrides o = {0}, back = {0};
	_cleanup_diag_ struct diag d = {0};
	_cleanup_free_ char *text = NULL;
	struct override items[] = {item("Min", "1G"), item("Headroom", "30%")};
	struct override_clock now = {"boot-a", 1000, 5000000};

	items[0].until_boot_usec = 2000;
	items[0].guest_name = "web";
	items[0].seen_real_usec = 4000000;
	items[1].until_real_usec = 6000000;
	CHECK_INT(overrides_replace(&o, &web, items, 2), 0);
	text = overrides_to_text(&o, &web, &now);
	CHECK(text);
	CHECK_INT(overrides_from_text(&back, &web, text, &now, &d), 0);
	CHECK_INT(back.n, 2);
	CHECK_STR(back.items[0].key, "Min");
	CHECK_U64(back.items[0].until_boot_usec, 2000);
	CHECK_U64(back.items[1].until_real_usec, 6000000);
	CHECK_STR(back.items[1].by, "uid 0 (root)");
	CHECK_STR(back.items[1].reason, "so");
	CHECK_STR(back.items[0].guest_name, "web");
	CHECK_U64(back.items[0].seen_real_usec, 4000000);
	CHECK_INT(overrides_see(&back, &web, "web2", 7000000), 0);
	CHECK_STR(back.items[1].guest_name, "web2");
	CHECK_U64(back.items[0].seen_real_usec, 7000000);
}

TEST(an_elapsed_time_goes_on_over_a_reboot)
{
	_cleanup_(overrides_free) struct overrides o = {0}, back = {0};
	_cleanup_diag_ struct diag d = {0};
	_cleanup_free_ char *text = NULL;
	struct override items[] = {item("Min", "1G")};
	struct override_clock before = {"boot-a", 1000000, 50000000},
			      after = {"boot-b", 300, 54000000}, late = {"boot-b", 300, 99000000};

	items[0].until_boot_usec = 11000000; /* ten seconds */
	CHECK_INT(overrides_replace(&o, &web, items, 1), 0);
	text = overrides_to_text(&o, &web, &before);
	CHECK(text);
	CHECK_INT(overrides_from_text(&back, &web, text, &after, &d), 0);
	CHECK_U64(back.items[0].until_boot_usec, 300 + 6000000); /* four have passed */
	CHECK_INT(overrides_from_text(&back, &web, text, &late, &d), 0);
	CHECK(override_is_over(&back.items[0], 300, 99000000));
}

TEST(what_another_version_wrote_is_left_out_and_said)
{
	_cleanup_(overrides_free) struct overrides o = {0};
	_cleanup_diag_ struct diag d = {0};
	struct override_clock now = {"b", 0, 5};
	const char *text = "[{\"section\":\"Memory\",\"key\":\"Mim\",\"value\":\"1G\"},"
			   "{\"section\":\"Memory\",\"key\":\"Max\",\"value\":\"1G\"}]";

	CHECK_INT(overrides_from_text(&o, &web, text, &now, &d), -EBADMSG);
	CHECK_CONTAINS(d.text, "Mim");
	CHECK_INT(o.n, 1);
	CHECK_U64(o.items[0].seen_real_usec, 5); /* it did not say: now */
	CHECK_INT(overrides_from_text(&o, &web, "{", &now, &d), -EBADMSG);
	CHECK_INT(o.n, 1);
}

TEST_MAIN()
