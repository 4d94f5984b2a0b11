/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/cpu.h"

#include "common/units.h"
#include "policy/settings.h"
#include "tests/test.h"

/* One guest with one vCPU, looked at once a second. */
struct trial {
	struct cpu_state state;
	struct guest_sample s;
	struct settings set;
	uint64_t now, entitled;
	struct reason reason;
	bool acted;
};

static struct trial trial(uint64_t domain_weight, uint64_t policy_weight)
{
	struct trial t = {.now = 100 * USEC_PER_SEC, .entitled = PERMYRIAD};

	t.s.running = true;
	t.s.vcpus = 1;
	t.s.cpu_weight = domain_weight;
	t.set.cpu_weight = policy_weight;
	t.set.cpu_weight_set = policy_weight != 100;
	return t;
}

/* A second passes in which it ran and waited for so much of it. */
static void look(struct trial *t, uint64_t ran_permyriad, uint64_t waited_permyriad)
{
	uint64_t weight, quota;

	t->now += USEC_PER_SEC;
	t->s.vcpu_sample_usec = t->now;
	t->s.vcpu_time_usec += ran_permyriad * 100;
	t->s.vcpu_delay_usec += waited_permyriad * 100;
	cpu_observe(&t->state, &t->s);
	t->acted = cpu_decide(
		&t->state, &t->s, &t->set, t->entitled, t->now, &weight, &quota, &t->reason);
	t->s.cpu_weight = weight;
	t->s.cpu_quota = quota;
}

static void look_often(
	struct trial *t, unsigned times, uint64_t ran_permyriad, uint64_t waited_permyriad)
{
	while (times--)
		look(t, ran_permyriad, waited_permyriad);
}

TEST(policy_sets_the_weight_and_what_was_there_comes_back)
{
	struct trial t = trial(50, 400);

	look(&t, 0, 0);
	CHECK(t.acted);
	CHECK_U64(t.s.cpu_weight, 400);
	CHECK_INT(t.reason.code, REASON_CPU_POLICY);
	look(&t, 0, 0);
	CHECK(!t.acted);
	t.set.cpu_weight_set = false; /* no policy says anything any more */
	look(&t, 0, 0);
	CHECK_U64(t.s.cpu_weight, 50);
}

TEST(what_was_there_before_a_crash_comes_back)
{
	struct trial t = trial(400, 400); /* set by the run of ours that crashed */

	t.s.cpu_original_weight = 70;
	look(&t, 0, 0);
	t.set.cpu_weight_set = false;
	look(&t, 0, 0);
	CHECK_U64(t.s.cpu_weight, 70);
}

TEST(what_a_crashed_run_set_goes_back_where_its_policy_is_gone)
{
	struct trial t = trial(400, 100);

	t.s.cpu_quota = 15000;
	t.s.cpu_original_weight = 70;
	t.s.cpu_ours = true;
	CHECK(!cpu_at_rest(&t.state, &t.s, &t.set));
	look(&t, 0, 0);
	CHECK(t.acted);
	CHECK_U64(t.s.cpu_weight, 70);
	CHECK_U64(t.s.cpu_quota, 0);
	look(&t, 0, 0);
	CHECK(!t.acted);
	t.s.cpu_ours = false; /* it arrived */
	CHECK(cpu_at_rest(&t.state, &t.s, &t.set));
}

TEST(what_the_administrator_set_meanwhile_stays)
{
	struct trial t = trial(400, 100);

	t.s.cpu_original_weight = 70;
	look(&t, 0, 0);
	CHECK(!t.acted);
	CHECK_U64(t.s.cpu_weight, 400);
}

TEST(a_way_back_that_was_refused_is_asked_again)
{
	struct trial t = trial(50, 400);

	look(&t, 0, 0);
	t.s.cpu_ours = true; /* as the daemon notes it */
	t.s.cpu_original_weight = 50;
	t.set.cpu_weight_set = false;
	look(&t, 0, 0);
	CHECK_U64(t.s.cpu_weight, 50);
	t.s.cpu_weight = 400; /* a job runs on it */
	look(&t, 0, 0);
	CHECK(t.acted);
	CHECK_U64(t.s.cpu_weight, 50);
}

TEST(a_weight_that_libvirt_refused_waits_for_its_pause)
{
	struct trial t = trial(50, 400);

	t.s.cpu_refused_until_usec = t.now + 2 * USEC_PER_SEC;
	look(&t, 0, 0);
	CHECK(!t.acted);
	CHECK_U64(t.s.cpu_weight, 50);
	look(&t, 0, 0);
	CHECK(t.acted);
	CHECK_U64(t.s.cpu_weight, 400);
}

TEST(without_a_policy_the_domain_weight_stays)
{
	struct trial t = trial(30, 100);

	look_often(&t, 5, 0, 0);
	CHECK(!t.acted);
	CHECK_U64(t.s.cpu_weight, 30);
	CHECK_U64(cpu_base_weight(&t.state, &t.s, &t.set), 30);
}

TEST(one_that_gets_its_part_is_not_raised_however_long_it_waits)
{
	struct trial t = trial(100, 100);

	t.entitled = 2000;
	look_often(&t, 20, 2000, 8000);
	CHECK_U64(t.s.cpu_weight, 100);
}

TEST(one_that_gets_less_is_raised_fourfold_at_most_and_goes_back)
{
	struct trial t = trial(100, 100);

	t.entitled = 5000;
	look_often(&t, 5, 2000, 8000); /* the first only begins to count */
	CHECK_U64(t.s.cpu_weight, 200);
	CHECK_INT(t.reason.code, REASON_CPU_PRESSED);
	look_often(&t, 10, 2000, 8000);
	CHECK_U64(t.s.cpu_weight, 400);
	look_often(&t, 9, 2000, 0);
	CHECK_U64(t.s.cpu_weight, 400);
	look_often(&t, 3, 2000, 0);
	CHECK_U64(t.s.cpu_weight, 100);
}

TEST(three_looks_of_less_are_an_accident)
{
	struct trial t = trial(100, 100);

	t.entitled = 5000;
	for (int i = 0; i < 10; i++) {
		look_often(&t, 3, 2000, 8000);
		look(&t, 5000, 5000);
	}
	CHECK_U64(t.s.cpu_weight, 100);
}

/* How many looks it stays raised while it waits, but gets its part. */
static unsigned looks_raised(struct trial *t)
{
	unsigned n = 0;

	look_often(t, 8, 2000, 8000);
	while (t->s.cpu_weight > 100 && n++ < 1000)
		look(t, 5000, 5000);
	return n;
}

TEST(a_raised_one_that_waits_on_is_tried_without_less_and_less_often)
{
	struct trial t = trial(100, 100);
	unsigned n;

	t.entitled = 5000;
	n = looks_raised(&t);
	CHECK(n >= 25 && n <= 30);
	n = looks_raised(&t);
	CHECK(n >= 55 && n <= 60);
	look_often(&t, 3, 2000, 0);
	look_often(&t, 4, 2000, 8000);
	CHECK_U64(t.s.cpu_weight, 200);
	look_often(&t, 15, 2000, 0); /* relieved: the count begins again */
	CHECK_U64(t.s.cpu_weight, 100);
	n = looks_raised(&t);
	CHECK(n >= 25 && n <= 30);
}

TEST(another_policy_is_judged_anew)
{
	struct trial t = trial(100, 300);

	t.entitled = 5000;
	look_often(&t, 8, 2000, 8000);
	CHECK_U64(t.s.cpu_weight, 1200);
	t.set.cpu_weight = 200;
	look(&t, 2000, 8000);
	CHECK_U64(t.s.cpu_weight, 200);
	t.set.cpu_weight_set = false;
	look(&t, 2000, 8000);
	CHECK_U64(t.s.cpu_weight, 100);
}

TEST_MAIN()
