/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/policy-set.h"

#include "policy/what-if.h"
#include "tests/policy-dirs.h"
#include "tests/test.h"

/* The one guest's Min as the set has it. */
static uint64_t min_of(const struct policy_set *set, const char *guest)
{
	const struct what_if q = {.id = {.name = guest}};
	_cleanup_what_if_answer_ struct what_if_answer *a = NULL;

	return what_if(set, &q, &a, NULL) == 0 ? what_if_settings(a)->mem_min_bytes : 0;
}

/* Names in order, joined; a stale one is marked. */
static const char *names_of(const struct policy_set *set, char buf[static 256])
{
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < policy_set_count(set); i++) {
		struct policy_info info;

		policy_set_info(set, i, &info);
		n += (size_t)snprintf(
			buf + n, 256 - n, "%s%s%s", i ? " " : "", info.name, info.stale ? "!" : "");
	}
	return buf;
}

TEST(a_change_is_read_as_if_it_were_there)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_policy_set_ struct policy_set *set = NULL, *gone = NULL, *below = NULL,
					       *masked = NULL, *bad = NULL;
	_cleanup_diag_list_ struct diag_list findings = {0};
	static const char text[] = "[Memory]\nMin=7G\n", mistake[] = "[Memory]\nMni=7G\n";
	struct policy_change change = {t.dirs.dirs[1], "10-a.policy", text, sizeof(text) - 1};
	struct policy_dirs dirs = t.dirs;

	dirs.change = &change;
	dirs_write(&t, "usr/10-a.policy", "[Memory]\nMin=1G\n");
	dirs_write(&t, "run/10-a.policy", "[Memory]\nMin=2G\n");
	CHECK_INT(policy_set_load(&dirs, NULL, &set, &findings), 0);
	CHECK_U64(min_of(set, "web1"), 7 * GIB);
	change.text = NULL; /* taken away: what is below it holds */
	CHECK_INT(policy_set_load(&dirs, NULL, &gone, &findings), 0);
	CHECK_U64(min_of(gone, "web1"), 1 * GIB);
	change.text = "";
	change.len = 0;
	CHECK_INT(policy_set_load(&dirs, NULL, &masked, &findings), 0);
	CHECK_INT((int)policy_set_count(masked), 0);
	change.text = mistake;
	change.len = sizeof(mistake) - 1;
	CHECK_INT(policy_set_load(&dirs, NULL, &bad, &findings), 1);
	CHECK_INT((int)findings.n, 1);
	CHECK_CONTAINS(findings.items[0].file, "run/10-a.policy");
	/* The file of a higher layer wins, and nobody reads this one. */
	dirs_write(&t, "etc/10-a.policy", "[Memory]\nMin=3G\n");
	CHECK_INT(policy_set_load(&dirs, NULL, &below, NULL), 0);
	CHECK_U64(min_of(below, "web1"), 3 * GIB);
}

TEST(names_decide_the_order_and_the_highest_layer_wins)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_policy_set_ struct policy_set *set = NULL;
	struct policy_info info;
	char names[256];

	dirs_write(&t, "etc/10-a.policy", "[Memory]\nMin=1G\n");
	dirs_write(&t, "usr/20-b.policy", "[Memory]\nMin=2G\n");
	dirs_write(&t, "usr/10-a.policy", "[Memory]\nMin=9G\n");
	dirs_write(&t, "run/15-c.policy", "[Memory]\nMin=3G\n");
	dirs_write(&t, "etc/README", "not a policy");
	dirs_write(&t, "etc/.hidden.policy", "neither");
	CHECK_INT(policy_set_load(&t.dirs, NULL, &set, NULL), 0);
	CHECK_STR(names_of(set, names), "10-a.policy 15-c.policy 20-b.policy");
	policy_set_info(set, 0, &info);
	CHECK_CONTAINS(info.path, "/etc/10-a.policy");
	CHECK_U64(min_of(set, "x"), 2 * GIB);
	CHECK_INT(policy_set_find(set, "15-c"), 1);
	CHECK_INT(policy_set_find(set, "15-c.policy"), 1);
	CHECK_INT(policy_set_find(set, "15"), -ENOENT);
}

TEST(a_link_to_dev_null_and_an_empty_file_mask)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_policy_set_ struct policy_set *set = NULL;
	char names[256];

	dirs_write(&t, "usr/10-a.policy", "[Memory]\nMin=1G\n");
	dirs_write(&t, "usr/20-b.policy", "[Memory]\nMin=2G\n");
	dirs_write(&t, "usr/30-c.policy", "[Memory]\nMin=3G\n");
	dirs_link(&t, "/dev/null", "etc/20-b.policy");
	dirs_write(&t, "run/30-c.policy", "");
	dirs_write(&t, "etc/20-b.policy.d/x.conf", "this would not parse");
	CHECK_INT(policy_set_load(&t.dirs, NULL, &set, NULL), 0);
	CHECK_STR(names_of(set, names), "10-a.policy");
}

TEST(dropins_of_all_layers_are_laid_over_by_name)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_policy_set_ struct policy_set *set = NULL;

	dirs_write(&t, "usr/10-a.policy", "[Match]\nGuest=web*\n[Memory]\nMin=1G\nMax=8G\n");
	dirs_write(&t, "etc/10-a.policy.d/10.conf", "[Memory]\nMin=2G\n");
	dirs_write(&t, "usr/10-a.policy.d/20.conf", "[Memory]\nMin=3G\n");
	dirs_write(&t, "usr/10-a.policy.d/30.conf", "[Memory]\nMin=4G\n");
	dirs_link(&t, "/dev/null", "run/10-a.policy.d/30.conf");
	dirs_write(&t, "run/10-a.policy.d/40.conf", "[Match]\nGuest=\nGuest=db*\n");
	dirs_write(&t, "run/10-a.policy.d/50.policy", "[Memory]\nMin=7G\n");
	CHECK_INT(policy_set_load(&t.dirs, NULL, &set, NULL), 0);
	CHECK_INT(policy_set_count(set), 1);
	CHECK_U64(min_of(set, "db1"), 3 * GIB);
	CHECK_U64(min_of(set, "web1"), 0);
}

TEST(a_dropin_without_a_policy_is_noted)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_policy_set_ struct policy_set *set = NULL;

	dirs_write(&t, "etc/10-a.policy.d/10.conf", "[Memory]\nMin=2G\n");
	CHECK_INT(policy_set_load(&t.dirs, NULL, &set, NULL), 0);
	CHECK_INT(policy_set_count(set), 0);
	CHECK_INT(policy_set_notes(set)->n, 1);
	CHECK_CONTAINS(policy_set_notes(set)->items[0].text, "a drop-in of 10-a.policy");
}

TEST(directories_that_are_not_there_are_empty)
{
	const char *const none[] = {"/nonexistent/a", "/nonexistent/b", NULL};
	const struct policy_dirs dirs = {.dirs = none};
	_cleanup_policy_set_ struct policy_set *set = NULL;

	CHECK_INT(policy_set_load(&dirs, NULL, &set, NULL), 0);
	CHECK_INT(policy_set_count(set), 0);
	CHECK(policy_set_host(set)->memory_bytes == BYTES_UNLIMITED);
}

TEST(a_bad_file_keeps_its_last_good_version_and_no_other_is_touched)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_policy_set_ struct policy_set *set = NULL, *second = NULL, *third = NULL;
	_cleanup_diag_list_ struct diag_list findings = {0};
	char names[256];

	dirs_write(&t, "etc/10-a.policy", "[Match]\nGuest=a\n[Memory]\nMin=1G\n");
	dirs_write(&t, "etc/20-b.policy", "[Match]\nGuest=b\n[Memory]\nMin=1G\n");
	CHECK_INT(policy_set_load(&t.dirs, NULL, &set, NULL), 0);

	dirs_write(&t, "etc/10-a.policy", "[Match]\nGuest=a\n[Memory]\nMin=5X\nMax=Y\n");
	dirs_write(&t, "etc/20-b.policy", "[Match]\nGuest=b\n[Memory]\nMin=2G\n");
	CHECK_INT(policy_set_load(&t.dirs, set, &second, &findings), 1);
	CHECK_INT(findings.n, 2);
	CHECK_CONTAINS(findings.items[0].file, "/etc/10-a.policy");
	CHECK_INT(findings.items[0].line, 4);
	CHECK_U64(min_of(second, "a"), GIB);
	CHECK_U64(min_of(second, "b"), 2 * GIB);
	CHECK_STR(names_of(second, names), "10-a.policy! 20-b.policy");
	CHECK_INT(policy_set_notes(second)->n, 1);
	CHECK_CONTAINS(policy_set_notes(second)->items[0].text, "last good version");

	/* Still bad at the next reload, with the first set long gone. */
	set = policy_set_unref(set);
	CHECK_INT(policy_set_load(&t.dirs, second, &third, NULL), 1);
	CHECK_U64(min_of(third, "a"), GIB);
	dirs_write(&t, "etc/10-a.policy", "[Match]\nGuest=a\n[Memory]\nMin=3G\n");
	CHECK_INT(policy_set_load(&t.dirs, third, &set, NULL), 0);
	CHECK_U64(min_of(set, "a"), 3 * GIB);
	CHECK_STR(names_of(set, names), "10-a.policy 20-b.policy");
}

TEST(a_bad_file_without_a_good_version_is_left_out)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_policy_set_ struct policy_set *set = NULL;
	char names[256];

	dirs_write(&t, "etc/10-a.policy", "[Memory]\nMni=1G\n");
	dirs_write(&t, "etc/20-b.policy", "[Memory]\nMin=2G\n");
	CHECK_INT(policy_set_load(&t.dirs, NULL, &set, NULL), 1);
	CHECK_STR(names_of(set, names), "20-b.policy");
}

TEST(what_is_bad_and_in_force_in_no_version_is_known_with_its_first_mistake)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_policy_set_ struct policy_set *set = NULL, *second = NULL, *third = NULL;
	const struct diag_list *lost;

	dirs_write(&t, "etc/10-a.policy", "[Memory]\nMin=1G\n");
	dirs_write(&t, "etc/20-b.policy", "[Memory]\nMin=2G\nMax=1G\n");
	CHECK_INT(policy_set_load(&t.dirs, NULL, &set, NULL), 1);
	CHECK_INT((int)policy_set_lost(set)->n, 1);
	CHECK_CONTAINS(policy_set_lost(set)->items[0].file, "/etc/20-b.policy");
	CHECK_CONTAINS(policy_set_lost(set)->items[0].text, "Min");

	/* this one has a last good version */
	dirs_write(&t, "etc/10-a.policy", "[Memory]\nMni=1G\n");
	dirs_write(&t, "etc/10-a.policy.d/x.conf", "[Memory]\nWieght=3\n");
	dirs_write(&t, "etc/30-c.policy", "[Memory]\nMin=1\nMin=1Q\nWieght=2\n");
	CHECK_INT(policy_set_load(&t.dirs, set, &second, NULL), 4);
	lost = policy_set_lost(second);
	CHECK_INT((int)lost->n, 3);
	CHECK_CONTAINS(lost->items[0].file, "/etc/10-a.policy.d/x.conf");
	CHECK_CONTAINS(lost->items[1].file, "/etc/20-b.policy");
	CHECK_CONTAINS(lost->items[2].file, "/etc/30-c.policy");
	CHECK_INT(lost->items[2].line, 3);

	dirs_write(&t, "etc/20-b.policy", "[Memory]\nMin=2G\n");
	CHECK_INT(policy_set_load(&t.dirs, second, &third, NULL), 3);
	CHECK_INT((int)policy_set_lost(third)->n, 2);
}

static const char *own_of(const struct policy_set *set, size_t i)
{
	size_t len = 0;
	const char *text = policy_set_own_text(set, i, &len);

	return text && strlen(text) == len ? text : "none";
}

TEST(what_the_api_has_is_known_where_a_higher_layer_hides_it)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_policy_set_ struct policy_set *set = NULL, *put = NULL, *gone = NULL;
	struct policy_change change = {t.dirs.dirs[1], "10-a.policy", "[Memory]\nMin=7G\n", 16};

	t.dirs.own = t.dirs.dirs[1];
	dirs_write(&t, "usr/10-a.policy", "[Memory]\nMin=1G\n");
	dirs_write(&t, "run/10-a.policy", "[Memory]\nMin=2G\n");
	dirs_write(&t, "etc/10-a.policy", "[Memory]\nMin=3G\n");
	dirs_write(&t, "run/20-b.policy", "[Memory]\nMax=2G\n"); /* in force itself */
	dirs_write(&t, "etc/30-c.policy", "[Memory]\nMax=3G\n");
	CHECK_INT(policy_set_load(&t.dirs, NULL, &set, NULL), 0);
	CHECK_U64(min_of(set, "x"), 3 * GIB);
	CHECK_STR(own_of(set, 0), "[Memory]\nMin=2G\n");
	CHECK_STR(own_of(set, 1), "none");
	CHECK_STR(own_of(set, 2), "none");
	t.dirs.change = &change;
	CHECK_INT(policy_set_load(&t.dirs, set, &put, NULL), 0);
	CHECK_STR(own_of(put, 0), "[Memory]\nMin=7G\n");
	change.text = NULL;
	CHECK_INT(policy_set_load(&t.dirs, set, &gone, NULL), 0);
	CHECK_STR(own_of(gone, 0), "none");
}

TEST(a_bad_file_that_shadows_a_good_one_changes_nothing)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_policy_set_ struct policy_set *set = NULL, *second = NULL;

	dirs_write(&t, "usr/10-a.policy", "[Memory]\nMin=1G\n");
	CHECK_INT(policy_set_load(&t.dirs, NULL, &set, NULL), 0);
	dirs_write(&t, "etc/10-a.policy", "[Memory]\nMin=big\n");
	CHECK_INT(policy_set_load(&t.dirs, set, &second, NULL), 1);
	CHECK_U64(min_of(second, "x"), GIB);
}

TEST(a_bad_dropin_keeps_its_own_last_version)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_policy_set_ struct policy_set *set = NULL, *second = NULL;

	dirs_write(&t, "etc/10-a.policy", "[Memory]\nMax=8G\n");
	dirs_write(&t, "etc/10-a.policy.d/x.conf", "[Memory]\nMin=2G\n");
	CHECK_INT(policy_set_load(&t.dirs, NULL, &set, NULL), 0);
	dirs_write(&t, "etc/10-a.policy", "[Memory]\nMax=4G\n");
	dirs_write(&t, "etc/10-a.policy.d/x.conf", "[Memory]\nMin=2Q\n");
	dirs_write(&t, "etc/10-a.policy.d/y.conf", "[Memory]\nWieght=2\n");
	CHECK_INT(policy_set_load(&t.dirs, set, &second, NULL), 2);
	CHECK_U64(min_of(second, "x"), 2 * GIB);
	{
		const struct what_if q = {.id = {.name = "x"}};
		_cleanup_what_if_answer_ struct what_if_answer *a = NULL;

		CHECK_INT(what_if(second, &q, &a, NULL), 0);
		CHECK_U64(what_if_settings(a)->mem_max_bytes, 4 * GIB);
	}
}

TEST(files_that_contradict_each_other_keep_the_policy_as_it_was)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_policy_set_ struct policy_set *set = NULL, *second = NULL, *fresh = NULL;
	_cleanup_diag_list_ struct diag_list findings = {0};
	char names[256];

	dirs_write(&t, "etc/10-a.policy", "[Memory]\nMax=2G\n");
	dirs_write(&t, "etc/10-a.policy.d/x.conf", "[Memory]\nMin=1G\n");
	CHECK_INT(policy_set_load(&t.dirs, NULL, &set, NULL), 0);
	dirs_write(&t, "etc/10-a.policy.d/y.conf", "[Memory]\nMin=3G\n");
	CHECK_INT(policy_set_load(&t.dirs, set, &second, &findings), 1);
	CHECK_INT(findings.n, 1);
	CHECK_CONTAINS(findings.items[0].file, "y.conf");
	CHECK_U64(min_of(second, "x"), GIB);
	CHECK_STR(names_of(second, names), "10-a.policy!");
	/* Never seen before: as much of it as is good. */
	CHECK_INT(policy_set_load(&t.dirs, NULL, &fresh, NULL), 1);
	CHECK_U64(min_of(fresh, "x"), GIB);
}

TEST(a_policy_may_be_completed_by_its_dropin)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_policy_set_ struct policy_set *set = NULL;

	dirs_write(&t, "usr/10-a.policy", "[Schedule]\nOnCalendar=20:00\n[Memory]\nMin=1G\n");
	CHECK_INT(policy_set_load(&t.dirs, NULL, &set, NULL), 1);
	set = policy_set_unref(set);
	dirs_write(&t, "etc/10-a.policy.d/x.conf", "[Schedule]\nUntil=08:00\n");
	CHECK_INT(policy_set_load(&t.dirs, NULL, &set, NULL), 0);
	CHECK_INT(policy_set_count(set), 1);
}

TEST(what_is_not_a_file_is_bad_and_a_link_to_one_is_good)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_policy_set_ struct policy_set *set = NULL;
	_cleanup_diag_list_ struct diag_list findings = {0};
	char names[256], target[512];

	dirs_write(&t, "elsewhere/real", "[Memory]\nMin=1G\n");
	dirs_link(&t, dirs_path(&t, "elsewhere/real", target), "etc/10-link.policy");
	dirs_link(&t, "/nonexistent", "etc/20-dangling.policy");
	dirs_write(&t, "etc/30-dir.policy/x", "");
	CHECK_INT(policy_set_load(&t.dirs, NULL, &set, &findings), 2);
	CHECK_STR(names_of(set, names), "10-link.policy");
	CHECK_INT(findings.n, 2);
}

TEST(a_directory_that_cannot_be_read_leaves_what_was_known_of_it)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_policy_set_ struct policy_set *set = NULL, *second = NULL, *none = NULL;
	char names[256];

	dirs_write(&t, "etc/10-a.policy", "[Memory]\nMin=1G\n");
	dirs_write(&t, "etc/10-a.policy.d/x.conf", "[Memory]\nMin=2G\n");
	dirs_write(&t, "usr/20-b.policy", "[Match]\nGuest=b\n[Memory]\nMin=3G\n");
	CHECK_INT(policy_set_load(&t.dirs, NULL, &set, NULL), 0);
	/* Also root cannot list a file. */
	dirs_remove(&t, "etc");
	dirs_write(&t, "etc", "not a directory");
	CHECK_INT(policy_set_load(&t.dirs, set, &second, NULL), 1);
	CHECK_STR(names_of(second, names), "10-a.policy! 20-b.policy");
	CHECK_U64(min_of(second, "x"), 2 * GIB);
	dirs_remove(&t, "usr");
	dirs_remove(&t, "run");
	CHECK_INT(policy_set_load(&t.dirs, NULL, &none, NULL), -ENOTDIR);
	CHECK(!none);
}

TEST(a_file_that_is_gone_is_gone)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_policy_set_ struct policy_set *set = NULL, *second = NULL;

	dirs_write(&t, "etc/10-a.policy", "[Memory]\nMin=1G\n");
	CHECK_INT(policy_set_load(&t.dirs, NULL, &set, NULL), 0);
	dirs_remove(&t, "etc/10-a.policy");
	CHECK_INT(policy_set_load(&t.dirs, set, &second, NULL), 0);
	CHECK_INT(policy_set_count(second), 0);
}

static struct policy_set *set_of(const char *name, const char *text)
{
	const struct policy_text t = {.name = name, .text = text, .len = strlen(text)};
	struct policy_set *set = NULL;

	return policy_set_from_texts(&t, 1, NULL, &set, NULL) == 0 ? set : NULL;
}

TEST(host_settings_merge_in_order_and_reset)
{
	static const char first[] = "[Host]\nMemory=8G\nReserve=10%\nMemoryFrom=cgroup:/machine\n";
	static const char second[] = "[Host]\nReserve=\nStartPolicy=refuse\n";
	const struct policy_text texts[] = {
		{"a", NULL, first, strlen(first)}, {"b", NULL, second, strlen(second)}};
	_cleanup_policy_set_ struct policy_set *one = set_of("a", first), *both = NULL;
	const struct host_settings *h;

	CHECK(one);
	h = policy_set_host(one);
	CHECK(h->reserve_set && h->reserve.is_ratio && h->reserve.value == 1000);
	CHECK_INT(policy_set_from_texts(texts, 2, NULL, &both, NULL), 0);
	h = policy_set_host(both);
	CHECK_U64(h->memory_bytes, 8 * GIB);
	CHECK(!h->reserve_set && h->reserve.value == 0);
	CHECK_STR(h->memory_cgroup, "/machine");
	CHECK_INT(h->start_policy, START_REFUSE);
}

TEST(the_digest_is_of_names_and_texts)
{
	_cleanup_policy_set_ struct policy_set *a = set_of("a", "[Memory]\nMin=1G\n");
	_cleanup_policy_set_ struct policy_set *b = set_of("a", "[Memory]\nMin=1G\n");
	_cleanup_policy_set_ struct policy_set *c = set_of("a", "[Memory]\nMin=2G\n");
	_cleanup_policy_set_ struct policy_set *d = set_of("d", "[Memory]\nMin=1G\n");

	CHECK_U64(policy_set_digest(a), policy_set_digest(b));
	CHECK(policy_set_digest(a) != policy_set_digest(c));
	CHECK(policy_set_digest(a) != policy_set_digest(d));
	CHECK(policy_set_generation(a) != policy_set_generation(b));
}

TEST(what_is_not_in_force_is_noted_with_its_place)
{
	_cleanup_policy_set_ struct policy_set *set =
		set_of("a.policy", "[Memory]\nMin=1G\n[Disk]\nGrowBy=5G\nMax=\n");
	_cleanup_free_ char *note = NULL;

	CHECK(set);
	CHECK_INT(policy_set_notes(set)->n, 1);
	note = diag_format(&policy_set_notes(set)->items[0]);
	CHECK_STR(note, "a.policy:4: GrowBy= in [Disk] is accepted, not in force in this version");
}

TEST(a_division_by_what_is_always_zero_is_noted)
{
	_cleanup_policy_set_ struct policy_set *set = set_of("a.policy",
		"[When]\nCondition=guest.vcpus / (2 - 2) > 1 or 1/0 > 1\n[Memory]\nMin=1G\n");
	_cleanup_policy_set_ struct policy_set *none = set_of("b.policy",
		"[When]\nCondition=1 / guest.vcpus > 0 and 0/1 < 1\n[Memory]\nMin=1G\n");
	_cleanup_free_ char *note = NULL;

	CHECK(set && none);
	CHECK_INT(policy_set_notes(set)->n, 1);
	note = diag_format(&policy_set_notes(set)->items[0]);
	CHECK_CONTAINS(note, "a.policy:2:23: Condition= divides by zero here");
	CHECK_INT(policy_set_notes(none)->n, 0);
}

TEST(a_size_that_lacks_its_sign_is_noted)
{
	_cleanup_policy_set_ struct policy_set *set = set_of("a.policy", "[Memory]\nHeadroom=20\n");
	_cleanup_policy_set_ struct policy_set *none = set_of("b.policy", "[Memory]\nHeadroom=0\n");
	_cleanup_policy_set_ struct policy_set *page =
		set_of("c.policy", "[Memory]\nHeadroom=4096\n");
	_cleanup_free_ char *note = NULL;

	CHECK(set && none && page);
	CHECK_INT(policy_set_notes(set)->n, 1);
	note = diag_format(&policy_set_notes(set)->items[0]);
	CHECK_STR(note,
		"a.policy:2:10: Headroom=20 in [Memory] is 20 bytes; 20% is a share, 20M a size");
	CHECK_INT(policy_set_notes(none)->n, 0);
	CHECK_INT(policy_set_notes(page)->n, 0);
}

TEST(a_policy_tells_what_it_is)
{
	_cleanup_policy_set_ struct policy_set *set = set_of("a.policy",
		"[Policy]\nDescription=Night\n[Match]\nTag=x\n[Schedule]\nOnCalendar=Mon 20:00\n"
		"OnCalendar=Tue 21:00\nDuration=2h\n[When]\nCondition=guest.vcpus > "
		"2\nLastingSec=30\n");
	struct policy_info info;

	CHECK(set);
	policy_set_info(set, 0, &info);
	CHECK_STR(info.description, "Night");
	CHECK_STR(info.condition, "guest.vcpus > 2");
	CHECK_STR(info.on_calendar, "Mon 20:00; Tue 21:00");
	CHECK_U64(info.lasting_usec, 30 * USEC_PER_SEC);
	CHECK(info.has_match && !info.stale);
}

TEST(one_bad_text_of_several_makes_no_set)
{
	const struct policy_text texts[] = {{"a", NULL, "[Memory]\nMin=1G\n", 16},
		{"b", "/x/b", "[Memory]\nMin=1\nMni=1\n", 21}, {"c", NULL, "x\n", 2}};
	_cleanup_diag_list_ struct diag_list findings = {0};
	_cleanup_policy_set_ struct policy_set *set = NULL;

	CHECK_INT(policy_set_from_texts(texts, 3, NULL, &set, &findings), -EBADMSG);
	CHECK(!set);
	CHECK_INT(findings.n, 2);
	CHECK_STR(findings.items[0].file, "/x/b");
	CHECK_STR(findings.items[1].file, "c");
}

TEST_MAIN()
