/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each guest had before Ballast touched it, over a crash of the daemon and over the guest's
 * own end. */
#include "daemon/spare.h"
#include "tests/policy-dirs.h"
#include "tests/test.h"
#include "tests/unit/fake-manager.h"

/* The state file: one guest's row, and who waits for it to be on the disk. slow: that takes until
 * disk_answers(). */
static struct {
	struct store_original row;
	char run[GUEST_RUN_MAX];
	bool there, soon, slow;
	store_done waits[4];
	void *userdata[4];
	size_t n_waits;
} disk;

static void disk_answers(int error)
{
	size_t n = disk.n_waits;

	disk.n_waits = 0;
	for (size_t i = 0; i < n; i++)
		disk.waits[i](disk.userdata[i], error, "");
}

int store_put_original(
	struct store *s, const struct store_original *o, store_done done, void *userdata)
{
	snprintf(disk.run, sizeof(disk.run), "%s", o->run);
	disk.row = *o;
	disk.row.run = disk.run;
	disk.row.name = NULL;
	disk.there = true;
	disk.soon = done;
	if (done) {
		disk.waits[disk.n_waits] = done;
		disk.userdata[disk.n_waits++] = userdata;
	}
	if (!disk.slow)
		disk_answers(0);
	return 0;
}
int store_delete_original(struct store *s, const struct uuid *guest)
{
	disk.there = false;
	return 0;
}
int store_load_originals(struct store *s, store_original_fn fn, void *userdata)
{
	return disk.there ? fn(&disk.row, userdata) : 0;
}

#define _cleanup_manager_ _cleanup_(fake_manager_clear)

static struct manager start(void)
{
	fake_clear();
	memset(&disk, 0, sizeof(disk));
	return (struct manager){.hv = FAKE_HV,
		.hub = FAKE_HUB,
		.store = FAKE_STORE,
		.mode = MODE_ENFORCE,
		.connected = true,
		.synced = true};
}

/* A daemon finds this run of the guest with this weight and quota on it. */
static struct guest *found(struct manager *m, const char *run, uint64_t weight, uint64_t quota)
{
	struct guest *g = fake_guest(m, "web", 1024, 512);

	snprintf(g->run, sizeof(g->run), "%s", run);
	guest_sample(g)->cpu_weight = weight;
	guest_sample(g)->cpu_quota = quota;
	original_seen(g);
	return g;
}

static void cpu_arrives(struct guest *g)
{
	act_call_done(
		g, &(struct hv_result){
			   .id = g->cpu_id, .call = HV_CALL_SET_CPU, .guest = g->uuid, .text = ""});
}

TEST(a_weight_of_ours_is_known_again_after_a_crash)
{
	_cleanup_manager_ struct manager m = start(), next = start();
	struct guest *g = found(&m, "7:99", 100, 0);
	const struct reason reason = {.code = REASON_CPU_POLICY};

	CHECK(disk.there && disk.soon && !disk.row.cpu_ours);
	CHECK(!guest_sample(g)->cpu_ours);
	CHECK_INT(act_set_cpu(g, 400, 15000, &reason), 0);
	CHECK(disk.row.cpu_ours && disk.soon); /* before libvirt can have carried it out */
	CHECK_INT(original_load(&next), 0);
	g = found(&next, "7:99", 400, 15000);
	original_free(&next);
	CHECK(guest_sample(g)->cpu_ours);
	CHECK_U64(guest_sample(g)->cpu_original_weight, 100);
	CHECK_U64(guest_sample(g)->cpu_original_quota, 0);
	CHECK_INT(act_set_cpu(g, 100, 0, &reason), 0);
	CHECK(disk.row.cpu_ours); /* not there yet */
	cpu_arrives(g);
	CHECK(!disk.row.cpu_ours && !guest_sample(g)->cpu_ours);
}

TEST(another_run_of_the_guest_began_anew)
{
	_cleanup_manager_ struct manager m = start(), next = start();
	struct guest *g = found(&m, "7:99", 100, 0);
	const struct reason reason = {.code = REASON_CPU_POLICY};

	CHECK_INT(act_set_cpu(g, 400, 0, &reason), 0);
	CHECK_INT(original_load(&next), 0);
	g = found(&next, "8:120", 250, 0);
	original_free(&next);
	CHECK(!guest_sample(g)->cpu_ours);
	CHECK_U64(g->original.cpu_weight, 250);
}

TEST(a_weight_that_is_on_its_way_to_another_is_ours_still)
{
	_cleanup_manager_ struct manager m = start();
	struct guest *g = found(&m, "7:99", 100, 0);
	const struct reason reason = {.code = REASON_CPU_POLICY};
	struct hv_result first;

	CHECK_INT(act_set_cpu(g, 100, 0, &reason), 0);
	first = (struct hv_result){
		.id = g->cpu_id, .call = HV_CALL_SET_CPU, .guest = g->uuid, .text = ""};
	CHECK_INT(act_set_cpu(g, 200, 0, &reason), 0);
	act_call_done(g, &first);
	CHECK(guest_sample(g)->cpu_ours && disk.row.cpu_ours);
	cpu_arrives(g);
	CHECK(guest_sample(g)->cpu_ours && disk.row.cpu_ours);
}

TEST(the_size_of_one_that_ran_before_we_came_is_noted_once_it_was_read)
{
	_cleanup_manager_ struct manager m = start();
	struct guest *g = fake_guest(&m, "web", 1024, 512);

	g->found = true;
	guest_sample(g)->cpu_weight = 100;
	original_seen(g);
	CHECK_U64(disk.row.cpu_weight, 100); /* its weight may be commanded at once */
	CHECK_U64(disk.row.bytes, 0);
	guest_sample(g)->target_bytes = 256 * MIB;
	g->read_once = true;
	original_seen(g);
	CHECK_U64(disk.row.bytes, 256 * MIB);
	guest_sample(g)->target_bytes = 300 * MIB;
	original_seen(g);
	CHECK_U64(disk.row.bytes, 256 * MIB);
	original_gone(g);
	CHECK(!disk.there);
}

static void cpu_read(struct guest *g, uint64_t weight, uint64_t quota, uint64_t shares,
	uint64_t period, int64_t quota_usec)
{
	act_call_done(g, &(struct hv_result){.call = HV_CALL_GET_CPU,
				 .guest = g->uuid,
				 .text = "",
				 .cpu_weight = weight,
				 .cpu_quota_permyriad = quota,
				 .cpu = {shares, period, quota_usec}});
}

TEST(what_goes_back_is_what_it_was_to_the_letter_over_a_crash_too)
{
	_cleanup_manager_ struct manager m = start(), next = start();
	struct guest *g = fake_guest(&m, "web", 1024, 512);
	const struct reason reason = {.code = REASON_CPU_POLICY};
	const struct hv_request *req = &fake.submits[0].req;

	snprintf(g->run, sizeof(g->run), "7:99");
	cpu_read(g, 98, 2500, 1000, 40000, 10000);
	CHECK_U64(disk.row.cpu_shares, 1000);
	CHECK_U64(disk.row.cpu_period_usec, 40000);
	CHECK_INT(act_set_cpu(g, 400, 2500, &reason), 0);
	CHECK(req->set_weight && !req->set_quota); /* that is not ours, and stays */
	CHECK_U64(req->cpu.shares, 0);
	CHECK_INT(act_set_cpu(g, 400, 5000, &reason), 0);
	req = &fake.submits[1].req;
	CHECK(req->set_quota);
	CHECK_U64(req->cpu.period_usec, 0);
	CHECK_U64(req->cpu_period_usec, 40000); /* of the new quota, too */
	CHECK_INT(original_load(&next), 0);
	g = found(&next, "7:99", 400, 5000);
	CHECK_INT(act_set_cpu(g, 98, 2500, &reason), 0);
	req = &fake.submits[2].req;
	CHECK(req->set_weight && req->set_quota);
	CHECK_U64(req->cpu.shares, 1000);
	CHECK_U64(req->cpu.period_usec, 40000);
	CHECK_INT(req->cpu.quota_usec, 10000);
	/* 1003 shares are no 1000, though both make a weight of 98. */
	g->cpu_id = 0;
	cpu_read(g, 98, 2500, 1003, 40000, 10000);
	CHECK(g->original.cpu_ours);
	cpu_read(g, 98, 2500, 1000, 40000, 10000);
	CHECK(!g->original.cpu_ours && !disk.row.cpu_ours);
}

TEST(a_statistics_period_of_ours_is_known_again_after_a_crash)
{
	_cleanup_manager_ struct manager m = start(), next = start();
	struct guest *g = found(&m, "7:99", 100, 0);

	original_period_set(g, true);
	CHECK(disk.row.period_ours && disk.soon);
	CHECK_INT(original_load(&next), 0);
	g = found(&next, "7:99", 100, 0);
	CHECK(g->original.period_ours);
	original_period_set(g, false);
	CHECK(!disk.row.period_ours);
}

TEST(what_libvirt_does_not_take_is_not_ours)
{
	_cleanup_manager_ struct manager m = start();
	struct guest *g = found(&m, "7:99", 100, 0);

	fake.submit_error = -EBUSY;
	CHECK_INT(act_set_cpu(g, 400, 0, &(struct reason){.code = REASON_CPU_POLICY}), -EBUSY);
	CHECK(!guest_sample(g)->cpu_ours && !disk.row.cpu_ours);
}

TEST(nothing_is_commanded_before_what_it_had_is_on_the_disk)
{
	_cleanup_manager_ struct manager m = start();
	const struct reason reason = {.code = REASON_LEND};
	struct guest *g;

	disk.slow = true;
	g = found(&m, "7:99", 100, 0);
	CHECK_INT(act_set_memory(g, 300 * MIB, &reason), -EAGAIN);
	CHECK_U64(guest_sample(g)->target_bytes, 512 * MIB); /* decide() wants it again */
	CHECK_INT(fake.n_submits, 0);
	fake.decides_asked = 0;
	disk_answers(0);
	CHECK_INT(fake.decides_asked, 1);
	CHECK_INT(act_set_memory(g, 300 * MIB, &reason), 0);
	CHECK_INT(fake.n_submits, 1);
}

TEST(a_disk_that_cannot_be_written_or_hangs_keeps_no_guest_waiting)
{
	_cleanup_manager_ struct manager m = start();
	const struct reason reason = {.code = REASON_LEND};
	struct guest *g;

	disk.slow = true;
	g = found(&m, "7:99", 100, 0);
	disk_answers(-ENOSPC);
	CHECK_INT(act_set_memory(g, 300 * MIB, &reason), 0);
	g = found(&m, "8:99", 100, 0);
	CHECK_INT(act_set_memory(g, 300 * MIB, &reason), -EAGAIN);
	g->original_put_usec -= 2 * USEC_PER_SEC;
	CHECK_INT(act_set_memory(g, 300 * MIB, &reason), 0);
}

TEST(a_weight_and_a_limit_wait_for_the_disk_and_are_then_carried_out)
{
	_cleanup_manager_ struct manager m = start();
	struct guest *g = found(&m, "7:99", 100, 0);
	struct action actions[] = {
		{.kind = ACTION_CPU,
			.guest = g->uuid,
			.cpu_weight = 400,
			.reason = {.code = REASON_CPU_PRESSED}},
		{.kind = ACTION_SOFT_LIMIT,
			.guest = g->uuid,
			.to_bytes = GIB,
			.reason = {.code = REASON_BREAKER}},
	};
	struct plan plan = {.actions = actions, .n_actions = 2};

	disk.slow = true;
	m.plan = &plan;
	act_on_plan(&m);
	CHECK_INT(fake.n_submits, 0);
	CHECK(disk.row.cpu_ours && disk.row.soft_limited);
	CHECK(!guest_sample(g)->soft_limited);
	disk_answers(0);
	CHECK_INT(fake.n_submits, 2);
	CHECK_INT(fake.submits[0].req.call, HV_CALL_SET_CPU);
	CHECK_U64(fake.submits[0].req.cpu_weight, 400);
	CHECK_U64(fake.submits[1].req.bytes, GIB);
	CHECK(guest_sample(g)->soft_limited);
	CHECK_U64(m.n_waiting, 0);
}

TEST(letting_go_does_not_wait_for_the_disk)
{
	_cleanup_manager_ struct manager m = start();
	struct guest *g;

	disk.slow = true;
	g = found(&m, "7:99", 100, 0);
	m.letting_go = true;
	CHECK_INT(act_set_memory(g, 300 * MIB, &(struct reason){.code = REASON_RESTORE}), 0);
}

static bool runs;
bool hv_runs(struct hv *hv, const struct uuid *guest)
{
	return runs;
}

/* A daemon that finds the row of an earlier one. */
static struct manager next_daemon(void)
{
	struct manager m = start();

	disk.row = (struct store_original){.guest = {{1}},
		.run = "7:99",
		.bytes = 256 * MIB,
		.cpu_weight = 100,
		.target_bytes = 512 * MIB};
	disk.there = true;
	if (original_load(&m) < 0)
		abort();
	return m;
}

TEST(what_a_guest_had_is_kept_until_the_guest_can_be_read)
{
	_cleanup_manager_ struct manager m = next_daemon();
	struct guest *g;

	runs = true; /* libvirt lists it, and does not tell its definition */
	original_prune(&m);
	CHECK(disk.there);
	g = found(&m, "7:99", 100, 0);
	CHECK_U64(g->original.bytes, 256 * MIB);
	runs = false;
	original_prune(&m);
	CHECK(disk.there && !m.known_originals);
}

TEST(what_a_guest_had_is_forgotten_when_libvirt_has_it_no_more)
{
	_cleanup_manager_ struct manager m = next_daemon();

	original_prune(&m);
	CHECK(!disk.there && !m.known_originals);
}

TEST(what_a_guest_had_is_kept_until_it_is_known_which_run_this_is)
{
	_cleanup_manager_ struct manager m = next_daemon();
	const struct reason reason = {.code = REASON_LEND};
	struct guest *g = found(&m, "", 200, 0); /* its QEMU is not found in /proc */

	original_prune(&m);
	CHECK_INT(act_set_memory(g, 300 * MIB, &reason), 0);
	CHECK(disk.there);
	CHECK_U64(disk.row.bytes, 256 * MIB);
	snprintf(g->run, sizeof(g->run), "7:99");
	original_run_known(g);
	CHECK_U64(g->original.bytes, 256 * MIB);
	CHECK_U64(g->original.cpu_weight, 100);
	CHECK_U64(guest_sample(g)->target_bytes, 300 * MIB);
	CHECK_U64(disk.row.bytes, 256 * MIB);
	CHECK_U64(disk.row.target_bytes, 300 * MIB);
}

TEST(another_run_is_told_from_it_once_that_is_known)
{
	_cleanup_manager_ struct manager m = next_daemon();
	struct guest *g = found(&m, "", 200, 0);

	snprintf(g->run, sizeof(g->run), "8:120");
	original_run_known(g);
	CHECK_U64(g->original.bytes, 512 * MIB);
	CHECK_STR(disk.run, "8:120");
	CHECK_U64(disk.row.bytes, 512 * MIB);
}

TEST(the_row_of_a_run_that_was_never_told_goes_with_its_guest)
{
	_cleanup_manager_ struct manager m = next_daemon();
	struct guest *g = found(&m, "", 200, 0);

	original_gone(g);
	CHECK(!disk.there && !m.known_originals);
}

/* A socket in a directory of the test's own, beside which originals may be kept. */
static struct manager beside(const struct test_dirs *d)
{
	static char socket[512];
	struct manager m = start();

	m.conf.socket = (char *)dirs_path(d, "api.sock", socket);
	m.conf.state_dir = (char *)"/state";
	return m;
}

static bool is_spared(const struct test_dirs *d)
{
	char path[512];

	return access(dirs_path(d, "originals/01000000-0000-0000-0000-000000000000", path), F_OK) ==
	       0;
}

/* It answers all that waits, and has kept nothing. */
static void disk_refuses(void)
{
	disk_answers(-ENOSPC);
	disk.there = false;
}

static struct guest *found_at(struct manager *m, const char *run, uint64_t mib)
{
	struct guest *g = fake_guest(m, "web", 1024, mib);

	snprintf(g->run, sizeof(g->run), "%s", run);
	guest_sample(g)->cpu_weight = 100;
	original_seen(g);
	return g;
}

static const struct reason lend = {.code = REASON_LEND};

/* A guest of 512 MiB that a full disk could not note. */
static struct guest *refused(struct manager *m)
{
	struct guest *g;

	disk.slow = true;
	g = found_at(m, "7:99", 512);
	disk_refuses();
	return g;
}

TEST(what_a_full_disk_did_not_take_is_known_after_a_kill)
{
	_cleanup_dirs_ struct test_dirs d = dirs_new();
	_cleanup_manager_ struct manager m = beside(&d), next = beside(&d);
	struct guest *g = refused(&m);

	CHECK(is_spared(&d));
	CHECK_INT(act_set_memory(g, 300 * MIB, &lend), 0);
	disk_refuses();
	CHECK_INT((int)fake.n_told, 1); /* the command */
	CHECK_INT(original_load(&next), 0);
	g = found_at(&next, "7:99", 350);
	CHECK_U64(g->original.bytes, 512 * MIB);
	CHECK_U64(guest_sample(g)->target_bytes, 300 * MIB);
	CHECK(g->commanded && g->spared && !next.known_originals);
	CHECK(disk.there); /* tried at once */
	CHECK_U64(disk.row.bytes, 512 * MIB);
	disk_answers(0);
	CHECK(!is_spared(&d) && !g->spared);
}

TEST(what_a_disk_that_hangs_did_not_take_is_known_after_a_kill)
{
	_cleanup_dirs_ struct test_dirs d = dirs_new();
	_cleanup_manager_ struct manager m = beside(&d), next = beside(&d);
	struct guest *g;

	disk.slow = true;
	g = found_at(&m, "7:99", 512);
	CHECK_INT(act_set_memory(g, 300 * MIB, &lend), -EAGAIN);
	CHECK(!is_spared(&d));
	g->original_put_usec -= 2 * USEC_PER_SEC;
	CHECK_INT(act_set_memory(g, 300 * MIB, &lend), 0);
	CHECK(is_spared(&d));
	disk.there = false;
	CHECK_INT(original_load(&next), 0);
	CHECK_U64(found_at(&next, "7:99", 300)->original.bytes, 512 * MIB);
	disk.n_waits = 0;
}

TEST(with_a_disk_that_is_known_to_be_full_nobody_waits_for_its_answer)
{
	_cleanup_dirs_ struct test_dirs d = dirs_new();
	_cleanup_manager_ struct manager m = beside(&d);
	struct guest *g;

	snprintf(m.state_problem, sizeof(m.state_problem), "full");
	disk.slow = true;
	g = found_at(&m, "7:99", 512);
	CHECK(is_spared(&d));
	CHECK_INT(act_set_memory(g, 300 * MIB, &lend), 0);
	disk.n_waits = 0;
}

TEST(what_the_disk_takes_is_not_kept_beside_it)
{
	_cleanup_dirs_ struct test_dirs d = dirs_new();
	_cleanup_manager_ struct manager m = beside(&d);
	struct guest *g = refused(&m);

	disk.slow = false;
	CHECK(is_spared(&d));
	original_put_all(&m); /* it is well again */
	CHECK(!is_spared(&d) && !g->spared && disk.there);
	CHECK_INT(act_set_memory(g, 300 * MIB, &lend), 0);
	CHECK(!is_spared(&d));
	original_spare_all(&m); /* and ill once more, with what was gathered and not answered */
	CHECK(is_spared(&d));
}

TEST(an_answer_to_an_earlier_write_says_nothing_of_the_later)
{
	_cleanup_dirs_ struct test_dirs d = dirs_new();
	_cleanup_manager_ struct manager m = beside(&d);
	struct guest *g = refused(&m);
	store_done late;

	CHECK_INT(act_set_memory(g, 300 * MIB, &lend), 0);
	CHECK_INT(act_set_memory(g, 200 * MIB, &lend), 0);
	CHECK_INT((int)disk.n_waits, 2);
	late = disk.waits[0];
	late(disk.userdata[0], 0, "");
	CHECK(is_spared(&d));
	late(disk.userdata[1], 0, "");
	CHECK(!is_spared(&d));
	disk.n_waits = 0;
}

TEST(a_run_that_is_over_needs_nothing)
{
	_cleanup_dirs_ struct test_dirs d = dirs_new();
	_cleanup_manager_ struct manager m = beside(&d), again = beside(&d), next = beside(&d);
	struct guest *g = refused(&m);

	CHECK(is_spared(&d));
	original_gone(g);
	CHECK(!is_spared(&d));
	g = refused(&again);
	original_begins(g);
	CHECK(!is_spared(&d));
	CHECK_U64(g->original.bytes, 0);
	original_seen(g);
	disk_refuses();
	CHECK(is_spared(&d));
	CHECK_INT(original_load(&next), 0);
	runs = false; /* it ended while no daemon looked */
	original_prune(&next);
	CHECK(!is_spared(&d) && !next.known_originals);
}

TEST(the_state_file_says_what_the_guest_had_and_the_spare_where_it_was_sent)
{
	_cleanup_dirs_ struct test_dirs d = dirs_new();
	_cleanup_manager_ struct manager m = beside(&d);
	struct store_original o = {.guest = {{1}},
		.run = "7:99",
		.bytes = 400 * MIB,
		.cpu_weight = 70,
		.target_bytes = 300 * MIB,
		.soft_limited = true};
	struct guest *g;

	disk.row = (struct store_original){.guest = {{1}},
		.run = "7:99",
		.bytes = 1024 * MIB,
		.cpu_weight = 100,
		.target_bytes = 900 * MIB};
	disk.there = true;
	CHECK_INT(spare_put(&m.conf, &o), 0);
	CHECK_INT(original_load(&m), 0);
	g = found_at(&m, "7:99", 300);
	CHECK_U64(g->original.bytes, 1024 * MIB);
	CHECK_U64(g->original.cpu_weight, 100);
	CHECK_U64(guest_sample(g)->target_bytes, 300 * MIB);
	CHECK(g->original.soft_limited);
	CHECK_U64(disk.row.target_bytes, 300 * MIB);
}

TEST(a_row_of_an_earlier_run_does_not_hide_what_was_spared_of_this_one)
{
	_cleanup_dirs_ struct test_dirs d = dirs_new();
	_cleanup_manager_ struct manager m = beside(&d);
	struct store_original o = {
		.guest = {{1}}, .run = "7:99", .bytes = 400 * MIB, .cpu_weight = 70};

	disk.row = (struct store_original){
		.guest = {{1}}, .run = "6:50", .bytes = 1024 * MIB, .cpu_weight = 100};
	disk.there = true; /* it could not delete that */
	CHECK_INT(spare_put(&m.conf, &o), 0);
	CHECK_INT(original_load(&m), 0);
	CHECK_U64(found_at(&m, "7:99", 300)->original.bytes, 400 * MIB);
}

TEST(a_spare_that_cannot_be_renewed_stays_until_the_disk_has_all)
{
	_cleanup_dirs_ struct test_dirs d = dirs_new();
	_cleanup_manager_ struct manager m = beside(&d);
	struct guest *g = refused(&m);

	/* A directory in the place of what is written before it is renamed: to root, too, that is
	 * in the way. */
	dirs_write(&d, "originals/.new/x", "");
	CHECK_INT(act_set_memory(g, 300 * MIB, &lend), 0);
	CHECK(is_spared(&d) && !g->spared);
	CHECK_INT(act_set_memory(g, 200 * MIB, &lend), -EAGAIN); /* the disk is asked first */
	disk_answers(0);
	CHECK(!is_spared(&d));
	CHECK_INT(act_set_memory(g, 200 * MIB, &lend), 0);
	disk.n_waits = 0;
}

TEST(where_an_original_can_be_kept_nowhere_that_is_said_once_with_both_places)
{
	_cleanup_dirs_ struct test_dirs d = dirs_new();
	_cleanup_manager_ struct manager m = beside(&d);
	struct guest *g;

	dirs_write(&d, "originals", "a file in its place");
	g = refused(&m);
	CHECK_INT((int)fake.n_told, 1);
	CHECK_CONTAINS(fake.told[0], "neither in /state nor in /tmp/");
	CHECK_CONTAINS(fake.told[0], "/originals");
	CHECK_CONTAINS(fake.told[0], "make room");
	CHECK_INT(act_set_memory(g, 300 * MIB, &lend), 0); /* it is looked after all the same */
	refused(&m);
	CHECK_INT((int)fake.n_told, 2); /* that command */
}

TEST(garbage_keeps_no_daemon_from_starting)
{
	_cleanup_dirs_ struct test_dirs d = dirs_new();
	_cleanup_manager_ struct manager m = beside(&d);

	dirs_write(&d, "originals/01000000-0000-0000-0000-000000000000", "bytes 1\n");
	CHECK_INT(original_load(&m), 0);
	CHECK_U64(found_at(&m, "7:99", 300)->original.bytes, 300 * MIB);
}

TEST(who_was_given_all_back_needs_no_spare_and_who_was_not_does)
{
	_cleanup_dirs_ struct test_dirs d = dirs_new();
	_cleanup_manager_ struct manager m = beside(&d);
	struct guest *g = refused(&m);
	struct guest_sample *s = guest_sample(g);

	original_tick(&m); /* guests are commanded */
	CHECK(is_spared(&d));
	m.mode = MODE_OBSERVE;
	s->actual_bytes = 300 * MIB; /* on its way back */
	original_tick(&m);
	CHECK(is_spared(&d));
	s->actual_bytes = 511 * MIB;
	g->original.cpu_ours = true;
	original_tick(&m);
	CHECK(is_spared(&d));
	g->original.cpu_ours = false;
	original_tick(&m);
	CHECK(!is_spared(&d));
}

TEST_MAIN()
