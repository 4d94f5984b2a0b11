/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/conf.h"

#include <stdio.h>
#include <sys/stat.h>

#include "tests/test.h"

static char dir[64];

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (f) {
		fputs(text, f);
		fclose(f);
	}
}

static const char *in_dir(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* A fresh directory with a main file, and what it reads as. */
static int load_text(const char *text, struct conf *c, struct diag_list *findings)
{
	snprintf(dir, sizeof(dir), "/tmp/test-conf.XXXXXX");
	if (!mkdtemp(dir))
		return -errno;
	write_file("ballast.conf", text);
	return conf_load(in_dir("ballast.conf"), true, c, findings);
}

static void remove_dir(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	(void)!system(cmd);
}

TEST(a_file_that_is_not_there_is_all_defaults_unless_it_was_named)
{
	_cleanup_conf_ struct conf c = {0};
	_cleanup_diag_list_ struct diag_list findings = {0};

	CHECK_INT(conf_load("/nonexistent/ballast.conf", false, &c, &findings), 0);
	CHECK_STR(c.uri, "qemu:///system");
	CHECK_U64(c.heartbeat_usec, 5 * USEC_PER_SEC);
	CHECK_U64(c.change_permyriad, 300);
	CHECK(!c.host_name);
	CHECK(c.policy_dirs[0] && c.policy_dirs[1] && c.policy_dirs[2] && c.policy_dirs[3] &&
		!c.policy_dirs[4]);
	CHECK_INT(conf_load("/nonexistent/ballast.conf", true, &c, &findings), -ENOENT);
	CHECK_INT(findings.n, 1);
	CHECK_CONTAINS(findings.items[0].file, "/nonexistent/ballast.conf");
}

TEST(values_are_taken_and_an_empty_assignment_resets)
{
	_cleanup_conf_ struct conf c = {0};
	_cleanup_diag_list_ struct diag_list findings = {0};

	CHECK_INT(
		load_text(
			"[Daemon]\nUri=test:///default\nPolicyPath=/a /b\nHostName=ship\nHostName=\n"
			"[Agent]\nHeartbeatSec=2s\nStallSec=100ms\nAvailableChange=5%\n"
			"[History]\nEvents=500\n",
			&c, &findings),
		0);
	remove_dir();
	CHECK_STR(c.uri, "test:///default");
	CHECK_STR(c.policy_dirs[0], "/a");
	CHECK_STR(c.policy_dirs[1], "/b");
	CHECK(!c.policy_dirs[2] && !c.host_name);
	CHECK_U64(c.heartbeat_usec, 2 * USEC_PER_SEC);
	CHECK_U64(c.stall_usec, 100 * USEC_PER_MSEC);
	CHECK_U64(c.change_permyriad, 500);
	CHECK_U64(c.max_events, 500);
}

TEST(drop_ins_are_read_in_order_after_the_file)
{
	_cleanup_conf_ struct conf c = {0}, again = {0};
	_cleanup_diag_list_ struct diag_list findings = {0};

	CHECK_INT(load_text("[History]\nEvents=500\nDecisions=600\n", &c, &findings), 0);
	CHECK_INT(mkdir(in_dir("ballast.conf.d"), 0755), 0);
	write_file("ballast.conf.d/20-b.conf", "[History]\nEvents=900\n");
	write_file("ballast.conf.d/10-a.conf", "[History]\nEvents=800\nDecisions=700\n");
	write_file("ballast.conf.d/30-not.txt", "[Nonsense]\n");
	CHECK_INT(conf_load(in_dir("ballast.conf"), true, &again, &findings), 0);
	remove_dir();
	CHECK_U64(again.max_events, 900);
	CHECK_U64(again.max_decisions, 700);
}

TEST(a_host_is_called_as_the_file_says_or_as_its_kernel_does)
{
	struct conf named = {.host_name = (char *)"ship"}, bare = {0};
	char name[256], kernel[256] = "";

	CHECK_INT(conf_host_name(&named, name, sizeof(name)), 0);
	CHECK_STR(name, "ship");
	CHECK_INT(gethostname(kernel, sizeof(kernel) - 1), 0);
	CHECK_INT(conf_host_name(&bare, name, sizeof(name)), 0);
	CHECK_STR(name, kernel);
}

TEST(every_mistake_is_found_with_its_place_and_the_nearest_word)
{
	_cleanup_conf_ struct conf c = {0};
	_cleanup_diag_list_ struct diag_list findings = {0};
	_cleanup_free_ char *unknown = NULL, *span = NULL, *range = NULL, *path = NULL,
			    *section = NULL;

	CHECK_INT(load_text("[Daemon]\nUry=x\n[Agent]\nHeartbeatSec=five\nStallSec=2s\n[API]\n"
			    "Socket=here\n[Agnet]\nHeartbeatSec=1s\n",
			  &c, &findings),
		-EBADMSG);
	remove_dir();
	CHECK_INT(findings.n, 5);
	unknown = diag_format(&findings.items[0]);
	CHECK_CONTAINS(unknown,
		"ballast.conf:2:1: unknown key \"Ury\" in [Daemon], did you mean \"Uri\"?");
	span = diag_format(&findings.items[1]);
	CHECK_CONTAINS(span, "ballast.conf:4:14: HeartbeatSec: ");
	range = diag_format(&findings.items[2]);
	CHECK_CONTAINS(range,
		"ballast.conf:5:10: StallSec: StallSec=2s is out of range, expected 1ms to 1s");
	path = diag_format(&findings.items[3]);
	CHECK_CONTAINS(path, "ballast.conf:7:8: Socket: \"here\" is not an absolute path");
	section = diag_format(&findings.items[4]);
	CHECK_CONTAINS(section, "ballast.conf:8:1: unknown section [Agnet], did you mean [Agent]?");
	CHECK(!c.uri); /* nothing is half-applied */
}

TEST(groups_are_looked_up_and_one_that_is_not_there_is_a_mistake)
{
	const char *keys[CONF_KEYS];
	_cleanup_conf_ struct conf c = {0}, none = {0}, wrong = {0};
	_cleanup_diag_list_ struct diag_list findings = {0};
	_cleanup_free_ char *text = NULL;

	CHECK_INT(load_text("[API]\nAdminGroup=root\nReadGroup=daemon\n", &c, &findings), 0);
	remove_dir();
	CHECK_U64(c.admin_gid, 0);
	CHECK(c.read_gid != 0 && c.read_gid != (gid_t)-1);
	CHECK_U64(c.operate_gid, (gid_t)-1);
	CHECK_INT(load_text("[API]\nAdminGroup=\n", &none, &findings), 0);
	remove_dir();
	CHECK_INT((int)conf_needs_restart(&none, &c, keys), 2);
	CHECK_STR(keys[0], "AdminGroup");
	CHECK_STR(keys[1], "ReadGroup");
	CHECK_INT(load_text("[API]\nOperateGroup=no-such-group\n", &wrong, &findings), -EBADMSG);
	remove_dir();
	text = diag_format(&findings.items[0]);
	CHECK_CONTAINS(
		text, "ballast.conf:2:14: OperateGroup: there is no group \"no-such-group\"");
}

TEST(what_needs_a_restart_is_named)
{
	const char *keys[CONF_KEYS];
	_cleanup_conf_ struct conf a = {0}, b = {0}, other = {0};
	_cleanup_diag_list_ struct diag_list findings = {0};

	CHECK_INT(load_text("[Agent]\nHeartbeatSec=2s\n", &a, &findings), 0);
	remove_dir();
	CHECK_INT(load_text("[Agent]\nHeartbeatSec=3s\n", &b, &findings), 0);
	remove_dir();
	CHECK_INT((int)conf_needs_restart(&a, &b, keys), 0);
	CHECK_INT(load_text("[Daemon]\nPolicyPath=/a\n[API]\nSocket=/s\n[History]\nEvents=500\n",
			  &other, &findings),
		0);
	remove_dir();
	CHECK_INT((int)conf_needs_restart(&a, &other, keys), 3);
	CHECK_STR(keys[0], "PolicyPath");
	CHECK_STR(keys[1], "Socket");
	CHECK_STR(keys[2], "Events");
}

struct pages {
	char *man, *example;
	int keys;
};

static char *slurp(const char *name)
{
	const char *srcdir = getenv("srcdir");
	char path[512];
	char *text = NULL;
	size_t len = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", srcdir ? srcdir : ".", name);
	f = fopen(path, "r");
	if (f) {
		if (getdelim(&text, &len, '\0', f) < 0)
			len = 0;
		fclose(f);
	}
	return text;
}

static int check_documented(
	const char *section, const char *key, const char *fallback, void *userdata)
{
	struct pages *p = userdata;
	char man[128], example[128], header[64];

	snprintf(header, sizeof(header), "[%s]", section);
	snprintf(man, sizeof(man), "\n.B %s=", key);
	snprintf(example, sizeof(example), "\n#%s=", key);
	p->keys++;
	if (!strstr(p->man, man) || !strstr(p->man, header)) {
		printf("# man/ballast.conf.5 lacks %s %s=\n", header, key);
		return -1;
	}
	if (!strstr(p->example, example) || !strstr(p->example, header)) {
		printf("# etc/ballast.conf lacks %s #%s=\n", header, key);
		return -1;
	}
	return 0;
}

TEST(every_key_is_in_the_manual_and_in_the_example)
{
	_cleanup_free_ char *man = slurp("man/ballast.conf.5"),
			    *example = slurp("etc/ballast.conf");
	struct pages p = {man, example, 0};

	CHECK(man && example);
	CHECK_INT(conf_visit(check_documented, &p), 0);
	CHECK(p.keys >= 10);
}

TEST(the_example_as_it_is_changes_nothing)
{
	_cleanup_conf_ struct conf c = {0}, defaults = {0};
	_cleanup_diag_list_ struct diag_list findings = {0};
	const char *srcdir = getenv("srcdir");
	char path[512];

	snprintf(path, sizeof(path), "%s/etc/ballast.conf", srcdir ? srcdir : ".");
	CHECK_INT(conf_load(path, true, &c, &findings), 0);
	CHECK_INT(conf_load("/nonexistent", false, &defaults, &findings), 0);
	CHECK_INT((int)conf_needs_restart(&c, &defaults, (const char *[CONF_KEYS]){0}), 0);
}

TEST(what_is_good_beside_mistakes_is_read_for_who_must_go_on)
{
	_cleanup_conf_ struct conf c = {0};
	_cleanup_diag_list_ struct diag_list findings = {0};

	CHECK_INT(load_text("[Daemon]\nUri=test:///default\n[Agent]\nHeartbeatSec=30x\n[Nonsense\n",
			  &c, &findings),
		-EBADMSG);
	diag_list_clear(&findings);
	CHECK_INT(conf_load_good(in_dir("ballast.conf"), true, &c, &findings), 0);
	remove_dir();
	CHECK_STR(c.uri, "test:///default");
	CHECK_U64(c.heartbeat_usec, 5 * USEC_PER_SEC);
	CHECK_INT((int)findings.n, 2);
}

TEST(a_file_that_cannot_be_read_leaves_defaults_and_its_drop_ins_to_who_must_go_on)
{
	_cleanup_conf_ struct conf c = {0};
	_cleanup_diag_list_ struct diag_list findings = {0};
	char d[160];

	CHECK_INT(load_text("", &c, &findings), 0);
	conf_clear(&c);
	snprintf(d, sizeof(d), "%s/absent.conf.d", dir);
	CHECK_INT(mkdir(d, 0700), 0);
	write_file("absent.conf.d/a.conf", "[Daemon]\nUri=test:///default\n");
	CHECK_INT(conf_load_good(in_dir("absent.conf"), true, &c, &findings), 1);
	remove_dir();
	CHECK_STR(c.uri, "test:///default");
	CHECK_INT((int)findings.n, 1);
}

TEST(a_directory_of_drop_ins_that_cannot_be_read_is_a_finding)
{
	_cleanup_conf_ struct conf c = {0}, again = {0}, good = {0}, file = {0};
	_cleanup_diag_list_ struct diag_list findings = {0};
	char d[160];

	CHECK_INT(load_text("[Daemon]\nUri=test:///default\n", &c, &findings), 0);
	snprintf(d, sizeof(d), "%s/ballast.conf.d", dir);
	/* Such a link root cannot follow either. */
	CHECK_INT(symlink("ballast.conf.d", d), 0);
	CHECK_INT(conf_load(in_dir("ballast.conf"), true, &again, &findings), -ELOOP);
	CHECK(!again.uri);
	CHECK_INT((int)findings.n, 1);
	CHECK_STR(findings.items[0].file, d);
	CHECK_CONTAINS(findings.items[0].text, "cannot be read: ");
	CHECK_CONTAINS(findings.items[0].text, "expected a directory that this user can read");
	CHECK_INT(conf_load_good(in_dir("ballast.conf"), true, &good, &findings), 1);
	CHECK_STR(good.uri, "test:///default");
	CHECK_INT((int)findings.n, 2);
	diag_list_clear(&findings);
	CHECK_INT(unlink(d), 0);
	write_file("ballast.conf.d", "");
	CHECK_INT(conf_load(in_dir("ballast.conf"), true, &file, &findings), -ENOTDIR);
	remove_dir();
	CHECK_INT((int)findings.n, 1);
	CHECK_CONTAINS(findings.items[0].text, "is not a directory");
}

TEST_MAIN()
