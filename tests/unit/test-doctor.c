/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each check of doctor with facts that are made up. */
#include "cli/doctor.h"

#include "tests/test.h"

static void run(const char *name, const struct doctor_facts *f, struct doctor_result *r)
{
	*r = (struct doctor_result){0};
	for (size_t i = 0; i < doctor_n_checks; i++)
		if (streq(doctor_checks[i].name, name)) {
			doctor_checks[i].run(f, r);
			return;
		}
	CHECK(!"there is no such check");
}

/* A host on which all is well. */
static struct doctor_facts well(void)
{
	struct doctor_facts f = {.now_usec = 1000 * USEC_PER_DAY,
		.systemd = true,
		.cgroup = DOCTOR_CGROUP_V2,
		.cgroup_cpu = true,
		.clock = 1,
		.daemon = {"loaded", "active", "enabled"},
		.release = {"loaded", "inactive", "static"},
		.state_free_bytes = GIB,
		.state_files_free = 1000,
		.tokens_errno = ENOENT,
		.socket = "/run/ballast/api.sock",
		.socket_group = "ballast",
		.user = "anna",
		.libvirt_socket = "/run/libvirt/libvirt-sock",
		.hook = "/etc/libvirt/hooks/qemu.d/ballast"};

	f.host = json_loads(
		"{\"name\":\"h\",\"mode\":\"enforce\",\"ready\":true,\"problems\":[],\"memory\":{\"budget\":4294967296}}",
		0, NULL);
	f.version = json_loads("{\"version\":\"0.1.0\",\"libvirt\":\"9.0.0\"}", 0, NULL);
	f.whoami = json_loads("{\"name\":\"anna\",\"role\":\"admin\"}", 0, NULL);
	f.policies = json_loads(
		"{\"policies\":[{\"name\":\"a.policy\",\"matching\":1,\"has_match\":true,\"stale\":false}],\"bad\":[]}",
		0, NULL);
	f.guests = json_loads(
		"{\"guests\":[{\"name\":\"web1\",\"uuid\":\"u\",\"fixed\":null,\"net\":\"swap\",\"conditions\":[],"
		"\"memory\":{\"min\":1073741824,\"max\":2147483648},\"agent\":{\"enrolled\":true,\"connected\":true,\"version\":\"0.1.0\"},"
		"\"report\":{\"source\":\"agent\",\"psi\":{\"memory_some_usec\":0}}}]}",
		0, NULL);
	f.definitions = calloc(1, sizeof(*f.definitions));
	f.definitions[0] = (struct doctor_definition){"web1", true, true, true};
	f.n_definitions = 1;
	return f;
}

static json_t *guest(struct doctor_facts *f)
{
	return json_array_get(json_object_get(f->guests, "guests"), 0);
}

/* The one finding there is, of this state, with these words in what it says and in its remedy. */
static void finds(const char *name, const struct doctor_facts *f, enum doctor_state state,
	const char *text, const char *remedy)
{
	struct doctor_result r;

	run(name, f, &r);
	CHECK_INT(r.n, 1);
	CHECK_INT(doctor_worst(&r), state);
	if (!r.n)
		return;
	if (!strstr(r.findings[0].text, text) || !strstr(r.findings[0].remedy, remedy))
		printf("# found: %s -> %s\n", r.findings[0].text, r.findings[0].remedy);
	CHECK(strstr(r.findings[0].text, text));
	CHECK(strstr(r.findings[0].remedy, remedy));
}

TEST(nothing_is_found_where_all_is_well)
{
	_cleanup_doctor_facts_ struct doctor_facts f = well();

	for (size_t i = 0; i < doctor_n_checks; i++) {
		struct doctor_result r = {0};

		doctor_checks[i].run(&f, &r);
		if (r.n)
			printf("# %s: %s\n", doctor_checks[i].name, r.findings[0].text);
		CHECK_INT(r.n, 0);
	}
}

TEST(where_nothing_is_known_nothing_is_called_good_or_bad_that_was_not_looked_at)
{
	struct doctor_facts f = {.clock = -1,
		.api_problem = "unreachable",
		.hook_errno = EACCES,
		.state_errno = EACCES,
		.tokens_errno = EACCES,
		.psi_errno = EACCES,
		.socket_errno = ENOENT};

	for (size_t i = 0; i < doctor_n_checks; i++) {
		struct doctor_result r = {0};

		doctor_checks[i].run(&f, &r);
		if (streq(doctor_checks[i].name, "daemon") ||
			streq(doctor_checks[i].name, "access"))
			CHECK_INT(doctor_worst(&r), DOCTOR_BAD);
		else
			CHECK(doctor_worst(&r) <= DOCTOR_UNKNOWN);
	}
}

TEST(a_daemon_that_tells_this_user_nothing_is_not_called_down)
{
	struct doctor_facts f = {.api_problem = "denied",
		.api_said = "uid 7 has role none here and needs read: join group \"ballast\""};

	finds("daemon", &f, DOCTOR_UNKNOWN, "it is up", "join group");
	finds("daemon-problems", &f, DOCTOR_UNKNOWN, "does not tell you", "");
	finds("mode", &f, DOCTOR_UNKNOWN, "does not tell you", "");
	finds("guest-balloon", &f, DOCTOR_UNKNOWN, "does not tell you", "");
}

TEST(whether_one_may_ask_is_not_known_of_a_daemon_that_hangs)
{
	struct doctor_facts f = {.api_problem = "unreachable"};

	finds("access", &f, DOCTOR_UNKNOWN, "does not answer", "");
	finds("daemon", &f, DOCTOR_BAD, "unreachable", "");
}

TEST(the_unit)
{
	_cleanup_doctor_facts_ struct doctor_facts f = well();

	strcpy(f.daemon.enabled, "disabled");
	finds("daemon-unit", &f, DOCTOR_BAD, "will not start when the host does",
		"systemctl enable ballastd");
	strcpy(f.daemon.enabled, "enabled");
	strcpy(f.daemon.active, "inactive");
	finds("daemon-unit", &f, DOCTOR_BAD, "it is inactive", "systemctl start ballastd");
	strcpy(f.daemon.active, "failed");
	finds("daemon-unit", &f, DOCTOR_BAD, "it has failed", "journalctl -u ballastd");
	strcpy(f.daemon.load, "masked");
	finds("daemon-unit", &f, DOCTOR_BAD, "masked", "unmask");
	strcpy(f.daemon.load, "not-found");
	finds("daemon-unit", &f, DOCTOR_BAD, "no such unit", "install");
	strcpy(f.release.load, "not-found");
	finds("release-unit", &f, DOCTOR_BAD, "it is not-found", "");
	strcpy(f.release.load, "loaded");
	strcpy(f.release.active, "failed");
	finds("release-unit", &f, DOCTOR_BAD, "it has failed", "systemctl restart ballast-release");
}

TEST(who_may)
{
	_cleanup_doctor_facts_ struct doctor_facts f = well();

	json_object_set_new(f.whoami, "role", json_string("none"));
	finds("access", &f, DOCTOR_BAD, "lets you do nothing", "ReadGroup=");
	json_decref(f.whoami);
	f.whoami = NULL;
	f.connect_errno = EACCES;
	finds("access", &f, DOCTOR_BAD, "you (anna) may not open it", "adduser anna ballast");
	f.connect_errno = ECONNREFUSED;
	finds("access", &f, DOCTOR_BAD, "nobody listens", "");
	f.socket_errno = ENOENT;
	finds("access", &f, DOCTOR_BAD, "no such socket", "is ballastd running");
}

TEST(the_daemon_and_what_it_complains_of)
{
	_cleanup_doctor_facts_ struct doctor_facts f = well();
	json_t *problems = json_object_get(f.host, "problems");

	json_array_append_new(problems, json_pack("{s:s,s:s,s:s}", "code", "state-unwritable",
						"text", "full", "remedy", "make room"));
	finds("daemon-problems", &f, DOCTOR_BAD, "full", "make room");
	json_array_clear(problems);
	json_array_append_new(problems, json_pack("{s:s,s:s,s:s}", "code", "restarted", "text",
						"killed", "remedy", "journalctl"));
	finds("daemon-problems", &f, DOCTOR_NOTE, "killed", "journalctl");
	json_array_clear(problems);
	json_array_append_new(problems, json_pack("{s:s,s:s,s:n}", "code", "libvirt-unreachable",
						"text", "refused", "remedy"));
	finds("libvirt", &f, DOCTOR_BAD, "refused", "group libvirt");
	f.libvirt_errno = ECONNREFUSED;
	finds("libvirt", &f, DOCTOR_BAD, "refused", "");
	json_object_set_new(f.host, "ready", json_false());
	finds("daemon", &f, DOCTOR_BAD, "not decided anything", "waits for libvirt");
	strcpy(f.api_problem, "stuck");
	finds("daemon", &f, DOCTOR_BAD, "stuck", "watchdog");
	json_object_set_new(f.host, "mode", json_string("observe"));
	finds("mode", &f, DOCTOR_NOTE, "observe", "");
}

TEST(libvirt_while_the_daemon_is_down)
{
	_cleanup_doctor_facts_ struct doctor_facts f = well();
	struct doctor_result r;

	json_decref(f.host);
	f.host = NULL;
	run("libvirt", &f, &r);
	CHECK_INT(r.n, 0);
	f.libvirt_errno = ECONNREFUSED;
	finds("libvirt", &f, DOCTOR_BAD, "refused", "");
	f.libvirt_errno = EACCES;
	finds("libvirt", &f, DOCTOR_UNKNOWN, "ask as root", "");
}

TEST(the_hook)
{
	_cleanup_doctor_facts_ struct doctor_facts f = well();
	struct doctor_result r;

	f.libvirt_started_usec = 100 * USEC_PER_DAY;
	f.hook_changed_usec = 200 * USEC_PER_DAY;
	finds("start-hook", &f, DOCTOR_BAD, "started before it came", "systemctl restart libvirtd");
	f.hook_changed_usec = 2000 * USEC_PER_DAY; /* it was made while the clock was wrong */
	run("start-hook", &f, &r);
	CHECK_INT(r.n, 0);
	f.hook_errno = ENOEXEC;
	finds("start-hook", &f, DOCTOR_BAD, "cannot be run", "chmod 755");
	f.hook_errno = ENOENT;
	finds("start-hook", &f, DOCTOR_BAD, "not there", "make install");
}

TEST(the_kernel_and_the_clock)
{
	_cleanup_doctor_facts_ struct doctor_facts f = well();

	f.psi_errno = EOPNOTSUPP;
	finds("pressure", &f, DOCTOR_NOTE, "no pressure", "psi=1");
	f.cgroup_cpu = false;
	finds("cgroup", &f, DOCTOR_BAD, "no cpu controller", "cgroup_disable");
	f.cgroup = DOCTOR_CGROUP_NONE;
	finds("cgroup", &f, DOCTOR_BAD, "no control groups", "");
	f.clock = 0;
	finds("clock", &f, DOCTOR_NOTE, "nobody keeps", "");
}

TEST(files)
{
	_cleanup_doctor_facts_ struct doctor_facts f = well();
	_cleanup_diag_ struct diag d = {0};

	diag_set(&d, EINVAL, "/etc/ballast/ballast.conf", 3, 1, "unknown key");
	CHECK_INT(diag_list_take(&f.conf_findings, &d), 0);
	finds("configuration", &f, DOCTOR_BAD, "unknown key", "");
	diag_set(&d, EINVAL, "/etc/ballast/policy.d/a.policy", 4, 5, "unknown key");
	CHECK_INT(diag_list_take(&f.policy_findings, &d), 0);
	finds("policy-files", &f, DOCTOR_BAD, "unknown key", "");
	diag_set(&d, EINVAL, "/usr/lib/ballast/policy.d/a.policy", 0, 0,
		"/etc/ballast/policy.d/a.policy stands for it");
	CHECK_INT(diag_list_take(&f.shadowed, &d), 0);
	finds("policy-use", &f, DOCTOR_NOTE, "stands for it", "");
}

TEST(files_of_another_configuration_are_not_the_daemons)
{
	_cleanup_doctor_facts_ struct doctor_facts f = well();
	struct doctor_result r;
	_cleanup_diag_ struct diag d = {0};

	diag_set(&d, EINVAL, "/usr/lib/ballast/policy.d/a.policy", 0, 0,
		"/etc/ballast/policy.d/a.policy stands for it");
	CHECK_INT(diag_list_take(&f.shadowed, &d), 0);
	f.elsewhere = true;
	finds("policy-files", &f, DOCTOR_UNKNOWN, "ballastd has 1 policy, by another ballast.conf",
		"--config=FILE");
	run("policy-use", &f, &r);
	CHECK_INT(r.n, 0);
}

TEST(policies_that_are_for_nobody_or_bad)
{
	_cleanup_doctor_facts_ struct doctor_facts f = well();
	json_t *p = json_array_get(json_object_get(f.policies, "policies"), 0);

	json_object_set_new(p, "matching", json_integer(0));
	finds("policy-use", &f, DOCTOR_NOTE, "no guest of this host", "[Match]");
	json_object_set_new(p, "matching", json_integer(1));
	json_object_set_new(p, "stale", json_true());
	finds("policy-use", &f, DOCTOR_BAD, "last good version", "policy check");
	json_object_set_new(p, "stale", json_false());
	json_array_append_new(json_object_get(f.policies, "bad"),
		json_pack("{s:s,s:s}", "path", "/etc/x.policy", "text", "bad"));
	finds("policy-use", &f, DOCTOR_BAD, "nothing of it is in force", "policy check");
}

TEST(the_state_directory)
{
	_cleanup_doctor_facts_ struct doctor_facts f = well();

	f.state_free_bytes = 10 * MIB;
	finds("state", &f, DOCTOR_BAD, "only 10 MiB free", "make room");
	f.state_free_bytes = GIB;
	f.state_files_free = 0;
	finds("state", &f, DOCTOR_BAD, "no inodes", "");
	f.state_errno = ENOENT;
	finds("state", &f, DOCTOR_BAD, "not there", "systemctl start");
}

TEST(the_network)
{
	_cleanup_doctor_facts_ struct doctor_facts f = well();
	struct doctor_listener *l = &f.listeners[0];

	f.n_listeners = 1;
	strcpy(l->address, "0.0.0.0:8006");
	f.client_authority = true;
	l->expires_usec = f.now_usec + 3 * USEC_PER_DAY;
	finds("network", &f, DOCTOR_NOTE, "ends in 3d", "reload");
	l->expires_usec = f.now_usec - USEC_PER_DAY;
	finds("network", &f, DOCTOR_BAD, "has ended 1d ago", "reload");
	l->expires_usec = f.now_usec + 300 * USEC_PER_DAY;
	strcpy(l->error, "nobody answers there");
	finds("network", &f, DOCTOR_BAD, "nobody answers", "journalctl");
	*l->error = '\0';
	f.client_authority = false;
	finds("network", &f, DOCTOR_BAD, "nobody can ask", "ballast.conf(5)");
	f.tokens_errno = 0;
	f.tokens_mode = 0644;
	finds("network", &f, DOCTOR_BAD, "mode 0644", "chmod 640");
	f.tokens_mode = 0640;
	struct doctor_result r;
	run("network", &f, &r);
	CHECK_INT(r.n, 0);
}

TEST(sizes)
{
	_cleanup_doctor_facts_ struct doctor_facts f = well();

	json_object_set_new(
		json_object_get(guest(&f), "memory"), "min", json_integer((json_int_t)(5 * GIB)));
	finds("sizes", &f, DOCTOR_BAD, "must have 5 GiB in all", "lower Min=");
	/* What cannot be moved counts whole. */
	json_object_set_new(json_object_get(guest(&f), "memory"), "min", json_integer(0));
	json_object_set_new(
		json_object_get(guest(&f), "memory"), "max", json_integer((json_int_t)(6 * GIB)));
	json_object_set_new(guest(&f), "fixed", json_string("huge-pages"));
	finds("sizes", &f, DOCTOR_BAD, "must have 6 GiB in all", "");
}

TEST(guests)
{
	_cleanup_doctor_facts_ struct doctor_facts f = well();
	json_t *g = guest(&f), *agent = json_object_get(g, "agent");

	json_object_set_new(agent, "version", json_string("0.0.9"));
	finds("guest-agent", &f, DOCTOR_NOTE, "version 0.0.9, the daemon 0.1.0", "");
	json_object_set_new(agent, "connected", json_false());
	finds("guest-agent", &f, DOCTOR_BAD, "no agent speaks", "enable --now ballast-agent");
	json_object_set_new(agent, "enrolled", json_false());
	finds("guest-agent", &f, DOCTOR_NOTE, "no channel", "ballastctl guest enroll web1");
	json_object_set_new(g, "net", json_string("none"));
	finds("guest-net", &f, DOCTOR_NOTE, "neither swap nor autodeflate", "512 MiB");
	json_object_set_new(json_object_get(g, "report"), "psi", json_null());
	finds("guest-pressure", &f, DOCTOR_NOTE, "no pressure", "psi=1");
	f.definitions[0].reporting = false;
	finds("guest-reporting", &f, DOCTOR_NOTE, "no free page reporting",
		"freePageReporting='on'");
	json_array_append_new(json_object_get(g, "conditions"), json_string("stuck"));
	finds("guest-balloon", &f, DOCTOR_BAD, "does not move", "virtio_balloon");
	json_array_clear(json_object_get(g, "conditions"));
	json_object_set_new(g, "fixed", json_string("no-balloon"));
	finds("guest-balloon", &f, DOCTOR_NOTE, "no-balloon", "virsh edit web1");
}

TEST(more_than_a_screen_of_findings_are_counted)
{
	struct doctor_result r = {0};

	for (int i = 0; i < DOCTOR_FINDINGS_MAX + 3; i++) {
		doctor_say(&r, DOCTOR_NOTE, "x", "%d", i);
		doctor_mend(&r, "mend %d", i);
	}
	CHECK_INT(r.n, DOCTOR_FINDINGS_MAX);
	CHECK_INT(r.more, 3);
	CHECK_STR(r.findings[DOCTOR_FINDINGS_MAX - 1].remedy, "mend 39");
}

TEST_MAIN()
