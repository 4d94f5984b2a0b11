/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is shown, and how little of it is worked out for who asks about one guest. */
#include "policy/policy-set.h"
#include "tests/test.h"
#include "tests/unit/fake-manager.h"

void sample_pressure(struct manager *m)
{
}

void snapshot_fill(struct manager *m, struct snapshot *ret)
{
	*ret = (struct snapshot){
		.now_boot_usec = USEC_PER_HOUR,
		.now_real_usec = USEC_PER_DAY,
		.heartbeat_usec = 5 * USEC_PER_SEC,
		.host = {.name = "h1", .memory_bytes = 8 * GIB, .available_bytes = 4 * GIB},
		.guests = m->samples,
		.n_guests = m->n_guests,
	};
}

static void end(struct manager *m)
{
	policy_set_unref(m->set);
	plan_free(m->plan);
	decide_state_free(m->state);
	free(m->view_guests);
	free(m->view_policies);
	fake_manager_clear(m);
}
#define _cleanup_manager_ _cleanup_(end)

static int decide_again(struct manager *m)
{
	struct snapshot s;

	plan_free(m->plan);
	m->plan = NULL;
	m->decisions++;
	m->decided_generation = policy_set_generation(m->set);
	m->plan_fits = true;
	snapshot_fill(m, &s);
	return decide(&s, m->set, m->state, &m->plan);
}

static int start(struct manager *m)
{
	static const char web[] = "[Match]\nGuest=web*\n[Memory]\nWeight=300\n",
			  all[] = "[Memory]\nWeight=200\n";
	struct policy_text texts[] = {{.name = "10-all.policy", .text = all, .len = strlen(all)},
		{.name = "20-web.policy", .text = web, .len = strlen(web)}};
	struct diag_list findings = {0};
	int r;

	fake_clear();
	*m = (struct manager){.hv = FAKE_HV,
		.hub = FAKE_HUB,
		.connected = true,
		.synced = true,
		.state = decide_state_new()};
	fake_guest(m, "web1", 1024, 512);
	fake_guest(m, "db", 1024, 512);
	fake_guest(m, "web2", 1024, 512);
	m->guests_allocated = m->n_guests;
	r = policy_set_from_texts(texts, 2, NULL, &m->set, &findings);
	return r < 0 ? r : decide_again(m);
}

TEST(the_hosts_load_is_shown_as_it_was_seen_last)
{
	_cleanup_manager_ struct manager m;
	struct view_input k;

	CHECK_INT(start(&m), 0);
	view_look(&m, &k);
	CHECK(!k.has_cpu && !k.nodes && !k.n_nodes);
	m.has_cpu = true;
	m.cpu_busy_permyriad = 1234;
	m.cpu_steal_permyriad = 5;
	m.load.nodes[0] = (struct host_node){3, 2 * GIB, GIB};
	m.load.n_nodes = 1;
	view_look(&m, &k);
	CHECK(k.has_cpu);
	CHECK_U64(k.cpu_busy_permyriad, 1234);
	CHECK_U64(k.cpu_steal_permyriad, 5);
	CHECK_U64(k.n_nodes, 1);
	CHECK_INT(k.nodes[0].id, 3);
}

TEST(policies_are_counted_once_a_decision)
{
	_cleanup_manager_ struct manager m;
	struct view_input k;

	CHECK_INT(start(&m), 0);
	view_look(&m, &k);
	CHECK(k.policies && k.policies[0].open);
	CHECK_INT(k.policies[0].matching, 3);
	CHECK_INT(k.policies[1].matching, 2);
	CHECK_INT(k.policies[1].active, 2);
	m.view_policies[1].matching = 77;
	view_look(&m, &k);
	CHECK_INT(k.policies[1].matching, 77);
	CHECK_INT(decide_again(&m), 0);
	view_look(&m, &k);
	CHECK_INT(k.policies[1].matching, 2);
}

static const struct view_problem *problem(struct manager *m, const char *code)
{
	struct view_input k;

	view_look(m, &k);
	for (size_t i = 0; i < k.n_problems; i++)
		if (streq(k.problems[i].code, code))
			return &k.problems[i];
	return NULL;
}

static bool missed;
bool reserve_is_missed(const struct manager *m)
{
	return missed;
}

TEST(a_start_hook_that_is_not_in_force_is_a_problem)
{
	_cleanup_manager_ struct manager m;
	const struct view_problem *p;

	CHECK_INT(start(&m), 0);
	snprintf(m.unasked, sizeof(m.unasked), "web1");
	CHECK(!problem(&m, "start-hook"));
	missed = true;
	p = problem(&m, "start-hook");
	missed = false;
	CHECK(p);
	CHECK_CONTAINS(p->text, "web1 started without asking");
	CHECK_CONTAINS(p->remedy, "restart libvirtd");
}

TEST(who_asks_about_one_guest_has_no_other_looked_at)
{
	static const char unknown[] = "eeeeeeee-0000-4000-8000-000000000000";
	_cleanup_manager_ struct manager m;
	char uuid[UUID_TEXT_MAX];
	struct view_input k;

	CHECK_INT(start(&m), 0);
	for (size_t i = 0; i < m.n_guests; i++)
		m.guests[i]->original.bytes = GIB;
	view_look(&m, &k);
	for (size_t i = 0; i < m.n_guests; i++)
		m.guests[i]->original.bytes = 2 * GIB;
	CHECK_INT(view_look_guest(&m, "db", &k), 1);
	CHECK(!k.policies && k.snapshot->n_guests == 3 && k.plan && k.state);
	CHECK_U64(k.guests[1].original_bytes, 2 * GIB);
	CHECK_U64(k.guests[0].original_bytes, GIB);
	CHECK_INT(view_look_guest(&m, uuid_format(&m.guests[2]->uuid, uuid), &k), 2);
	CHECK_U64(k.guests[2].original_bytes, 2 * GIB);
	CHECK_INT(view_look_guest(&m, unknown, &k), -ENOENT);
	CHECK_INT(view_look_guest(&m, "we", &k), -ENOENT);
	CHECK(k.snapshot);
}

TEST_MAIN()
