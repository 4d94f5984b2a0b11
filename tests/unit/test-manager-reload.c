/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a reload says of what it read: to who asked, in the event, and as the problem that stands
 * until it is mended. */
#include "daemon/worker.h"
#include "tests/policy-dirs.h"
#include "tests/test.h"
#include "tests/unit/fake-manager.h"

static char conf_path[512];

/* Two good policies are in force. */
static void start(struct manager *m, const struct test_dirs *t)
{
	_cleanup_diag_list_ struct diag_list findings = {0};
	char text[600];

	fake_clear();
	*m = (struct manager){.conf_path = dirs_path(t, "ballast.conf", conf_path)};
	dirs_write(t, "etc/10-a.policy", "[Memory]\nMin=1G\n");
	dirs_write(t, "etc/20-b.policy", "[Memory]\nMax=2G\n");
	snprintf(text, sizeof(text), "[Daemon]\nPolicyPath=%s/etc\n", t->root);
	dirs_write(t, "ballast.conf", text);
	if (conf_load(m->conf_path, true, &m->conf, &findings) < 0 ||
		policies_load(m, &findings) != 0)
		abort();
}

static void end(struct manager *m)
{
	policy_set_unref(m->set);
	conf_clear(&m->conf);
}
#define _cleanup_manager_ _cleanup_(end)
static void call_end(struct api_call *call)
{
	json_decref(call->body);
}
#define _cleanup_call_ _cleanup_(call_end)

static void write_bad(const struct test_dirs *t)
{
	dirs_write(t, "etc/10-a.policy", "[Memory]\nMni=1G\n");
	dirs_write(t, "etc/20-b.policy", "[Memory]\nMax=1Q\n");
	dirs_write(t, "etc/30-c.policy", "[Memory]\nMax=1Q\n");
	dirs_write(t, "etc/40-d.policy", "[Memory]\nMax=1Q\nMin=1Q\n");
}

TEST(what_is_in_force_in_no_version_is_not_said_to_be)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_call_ struct api_call dry = {.dry_run = true}, call = {0};
	_cleanup_manager_ struct manager m;

	start(&m, &t);
	write_bad(&t);
	reload_call(&m, &dry);
	CHECK_INT(dry.problem, API_PROBLEM_CONFIGURATION_BAD);
	CHECK_STR(dry.text,
		"4 files are bad: 2 would stay in force in their last good version, 2 would not be in force at all");
	CHECK_INT((int)m.policy_bad, 0);
	reload_call(&m, &call);
	CHECK_STR(call.text,
		"4 files are bad: 2 stay in force in their last good version, 2 are not in force at all; everything else was taken over");
	CHECK_INT((int)json_array_size(json_object_get(call.body, "findings")), 5);
	CHECK_INT((int)m.policy_bad, 4);
	CHECK_INT((int)m.policy_lost, 2);
}

TEST(event_and_problem_name_every_bad_file)
{
	static const char *const names[] = {
		"10-a.policy:2:1: ", "20-b.policy", "30-c.policy", "40-d.policy"};
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_call_ struct api_call call = {0};
	_cleanup_manager_ struct manager m;

	start(&m, &t);
	write_bad(&t);
	reload_call(&m, &call);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		CHECK_CONTAINS(m.policy_problem, names[i]);
	CHECK_INT((int)fake.n_told, 1);
	CHECK_CONTAINS(fake.told[0], "4 files are bad: 2 stay in force");
}

TEST(many_bad_files_are_counted_where_they_do_not_all_fit)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_call_ struct api_call call = {0};
	_cleanup_manager_ struct manager m;
	char name[64];

	start(&m, &t);
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "etc/%d-of-many-files.policy", 30 + i);
		dirs_write(&t, name, "[Memory]\nMax=1Q\n");
	}
	reload_call(&m, &call);
	CHECK_CONTAINS(m.policy_problem, "40 files are bad: 40 are not in force at all: ");
	CHECK_CONTAINS(m.policy_problem, " more (ballastctl reload -n)");
}

TEST(one_bad_file_is_told_of_in_the_singular)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_call_ struct api_call kept = {0}, lost = {0}, good = {0};
	_cleanup_manager_ struct manager m;

	start(&m, &t);
	dirs_write(&t, "etc/10-a.policy", "[Memory]\nMni=1G\n");
	reload_call(&m, &kept);
	CHECK_CONTAINS(kept.text, "1 file is bad: it stays in force in its last good version; ");
	dirs_write(&t, "etc/10-a.policy", "[Memory]\nMin=1G\n");
	dirs_write(&t, "etc/30-c.policy", "[Memory]\nMni=1G\n");
	reload_call(&m, &lost);
	CHECK_CONTAINS(lost.text, "1 file is bad: it is not in force at all; ");
	dirs_remove(&t, "etc/30-c.policy");
	dirs_remove(&t, "etc/20-b.policy");
	reload_call(&m, &good);
	CHECK_INT(good.status, 200);
	CHECK_STR(fake.told[2], "1 policy is in force");
	CHECK_U64(m.policy_problem_real_usec, 0);
}

TEST(keys_that_need_a_restart_are_in_the_answer_all_of_them)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_call_ struct api_call call = {0}, dry = {.dry_run = true}, bad = {0};
	_cleanup_manager_ struct manager m;
	const json_t *keys;
	char text[600];

	start(&m, &t);
	snprintf(text, sizeof(text),
		"[Daemon]\nPolicyPath=%s/etc\nUri=test:///default\n[API]\nSocket=/s\n[Agent]\nHeartbeatSec=2s\n",
		t.root);
	dirs_write(&t, "ballast.conf", text);
	reload_call(&m, &dry);
	CHECK_INT((int)json_array_size(json_object_get(dry.body, "restart_needed")), 2);
	reload_call(&m, &call);
	CHECK_INT(call.status, 200);
	keys = json_object_get(call.body, "restart_needed");
	CHECK_INT((int)json_array_size(keys), 2);
	CHECK_STR(json_string_value(json_array_get(keys, 0)), "Uri");
	CHECK_STR(json_string_value(json_array_get(keys, 1)), "Socket");
	dirs_write(&t, "etc/10-a.policy", "[Memory]\nMni=1G\n");
	reload_call(&m, &bad);
	CHECK_CONTAINS(bad.text,
		"; Uri= and Socket= have changed: they take effect when ballastd is restarted");
	CHECK_INT((int)json_array_size(json_object_get(bad.body, "restart_needed")), 2);
}

/* A worker that does its job when the test says so. */
static worker_run held_run;
static worker_done held_done;
static void *held_job;
static bool holds; /* else it is busy */

int worker_submit(struct worker *w, worker_run run, worker_done done, void *job)
{
	if (!holds || held_job)
		return -EBUSY;
	held_run = run;
	held_done = done;
	held_job = job;
	return 0;
}

void policy_next(struct manager *m)
{
	reload_next(m);
}

static void work(void)
{
	void *job = held_job;

	held_job = NULL;
	held_run(job);
	held_done(job, true);
}

static void start_with_worker(struct manager *m, const struct test_dirs *t)
{
	start(m, t);
	m->worker = (struct worker *)&holds;
	holds = true;
	held_job = NULL;
}

TEST(the_disk_is_read_by_the_worker_one_reading_at_a_time)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_call_ struct api_call first = {0}, second = {0};
	_cleanup_manager_ struct manager m;

	start_with_worker(&m, &t);
	reload_call(&m, &first);
	reload_call(&m, &second);
	CHECK_INT(first.status, 0);
	CHECK(m.policy_running); /* a change of a policy waits, too */
	/* Nothing was read yet. */
	dirs_write(&t, "etc/30-c.policy", "[Memory]\nMin=1M\n");
	work();
	CHECK_INT(first.status, 200);
	CHECK_INT((int)policy_set_count(m.set), 3);
	CHECK_INT(second.status, 0);
	dirs_write(&t, "etc/10-a.policy", "[Memory]\nMni=1G\n");
	work();
	CHECK_INT(second.problem, API_PROBLEM_CONFIGURATION_BAD);
	CHECK(!m.policy_running && !held_job);
}

TEST(reloads_of_the_api_have_a_rate_and_those_that_wait_a_number)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_manager_ struct manager m;
	struct api_call calls[30] = {0};
	int asked = 0, busy = 0, often = 0;

	start_with_worker(&m, &t);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		reload_call(&m, &calls[i]);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		asked += !calls[i].status;
		busy += calls[i].problem == API_PROBLEM_BUSY && calls[i].status;
		often += calls[i].problem == API_PROBLEM_TOO_MANY_REQUESTS && calls[i].status;
	}
	CHECK_INT(asked, 9); /* one is being read, eight wait */
	CHECK_INT(busy, 1);
	CHECK_INT(often, 20);
	work();
	CHECK_INT(calls[0].status, 200);
	/* The daemon stops: who waits is told. */
	reload_stop(&m);
	CHECK_INT(calls[8].problem, API_PROBLEM_STOPPING);
	held_done(held_job, false);
	held_job = NULL;
	CHECK_INT(calls[1].problem, API_PROBLEM_STOPPING);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		json_decref(calls[i].body);
}

TEST(signals_have_no_rate_and_what_they_ask_for_is_done_in_any_case)
{
	_cleanup_dirs_ struct test_dirs t = dirs_new();
	_cleanup_manager_ struct manager m;

	start_with_worker(&m, &t);
	for (int i = 0; i < 40; i++)
		manager_reload(&m);
	CHECK_INT((int)m.n_reload_waiting, 1); /* it reads what all the others would */
	dirs_write(&t, "etc/30-c.policy", "[Memory]\nMin=1M\n");
	work();
	CHECK_INT((int)policy_set_count(m.set), 3);
	dirs_remove(&t, "etc/30-c.policy");
	work();
	CHECK_INT((int)policy_set_count(m.set), 2);
	CHECK(!held_job);
	/* A worker that has too much to do. */
	holds = false;
	dirs_remove(&t, "etc/20-b.policy");
	manager_reload(&m);
	CHECK_INT((int)policy_set_count(m.set), 1);
}

TEST_MAIN()
