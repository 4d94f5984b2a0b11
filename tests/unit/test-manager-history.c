/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of the manager's state goes into the history. */
#include "tests/test.h"
#include "tests/unit/fake-manager.h"

#define NOW UINT64_C(1795334404800000) /* 4.8 s past a full ten */

static unsigned pressures;

void sample_pressure(struct manager *m)
{
	pressures++;
}

/* The fakes have no store that takes samples. */
int store_add_tick(struct store *s, struct tick *t)
{
	tick_free(t);
	return -ENOBUFS;
}

static struct manager *start(void)
{
	static struct manager m;
	static struct plan_guest of_plan[2];
	static struct plan plan;

	fake_clear();
	m = (struct manager){.hv = FAKE_HV, .conf.sample_usec = 10 * USEC_PER_SEC};
	fake_guest(&m, "web1", 1024, 512);
	fake_guest(&m, "db", 2048, 2048);
	of_plan[0] = (struct plan_guest){.known = true,
		.used_bytes = 300 * MIB + 700 * KIB,
		.want_bytes = 400 * MIB,
		.target_bytes = 640 * MIB,
		.stall_permyriad = 77,
		.refaults_per_sec = 5,
		.cpu_weight = 200};
	of_plan[1] = (struct plan_guest){.want_bytes = 2 * GIB, .target_bytes = 2 * GIB};
	plan = (struct plan){.guests = of_plan,
		.n_guests = 2,
		.budget_bytes = 8 * GIB,
		.charged_bytes = 3 * GIB,
		.reserved_bytes = GIB};
	m.plan = &plan;
	m.plan_fits = true;
	return &m;
}

static void end(struct manager *m)
{
	m->plan = NULL;
	fake_manager_clear(m);
}

TEST(a_sample_has_what_is_known_and_nothing_else)
{
	struct manager *m = start();
	struct tick *t = history_sample(m, NOW);

	CHECK(t);
	CHECK_U64(t->at_sec, 1795334400);
	CHECK_INT(t->n_guests, 2);
	CHECK_STR(t->guests[0].name, "web1");
	CHECK_STR(t->guests[1].name, "db");
	CHECK_U64(t->guests[0].values[0], 512);
	CHECK_U64(t->guests[0].values[1], 301); /* to the nearest MiB */
	CHECK_U64(t->guests[0].values[2], 400);
	CHECK_U64(t->guests[0].values[3], 640);
	CHECK_U64(t->guests[0].values[4], 77);
	CHECK_U64(t->guests[0].values[6], 200);
	CHECK_U64(t->guests[0].values[7], UINT64_MAX); /* no look before this one */
	CHECK_U64(t->guests[1].values[1], UINT64_MAX); /* never heard of */
	CHECK_U64(t->host[1], 3072);
	CHECK_U64(t->host[2], 4096);
	CHECK_U64(t->host[9], 2);
	CHECK(pressures);
	tick_free(t);
	t = history_sample(m, NOW + 300 * USEC_PER_MSEC);
	CHECK_U64(t->at_sec, 1795334410);
	tick_free(t);
	end(m);
}

TEST(counters_count_from_the_sample_before)
{
	struct manager *m = start();
	struct guest_sample *s = &m->samples[0];
	struct tick *t;

	s->vcpu_sample_usec = USEC_PER_HOUR;
	s->vcpu_time_usec = 100;
	s->report = (struct guest_report){.source = REPORT_AGENT,
		.has_psi = true,
		.has_counters = true,
		.arrival_usec = USEC_PER_HOUR,
		.psi_mem_some_usec = 1000,
		.refaults_file = 10};
	m->host_sample = (struct host_sample){.has_psi = true, .sample_usec = USEC_PER_HOUR};
	m->decisions = 7;
	tick_free(history_sample(m, NOW));
	s->vcpu_sample_usec += 10 * USEC_PER_SEC;
	s->vcpu_time_usec += 15 * USEC_PER_SEC; /* one and a half CPUs */
	s->vcpu_delay_usec += USEC_PER_SEC;
	s->report.arrival_usec += 5 * USEC_PER_SEC;
	s->report.psi_mem_some_usec += USEC_PER_SEC; /* a fifth of the time */
	s->report.refaults_file += 30;
	s->report.refaults_anon += 20;
	m->host_sample.sample_usec += 10 * USEC_PER_SEC;
	m->host_sample.psi_mem_some_usec = USEC_PER_SEC;
	m->decisions = 12;
	m->commands = 3;
	t = history_sample(m, NOW + 10 * USEC_PER_SEC);
	CHECK_U64(t->guests[0].values[4], 2000);
	CHECK_U64(t->guests[0].values[5], 10);
	CHECK_U64(t->guests[0].values[7], 15000);
	CHECK_U64(t->guests[0].values[8], 1000);
	CHECK_U64(t->host[4], 1000);
	CHECK_U64(t->host[10], 5);
	CHECK_U64(t->host[11], 3);
	tick_free(t);
	/* A new boot counts from nothing: that is no wrap. */
	s->incarnation++;
	s->report.arrival_usec += 5 * USEC_PER_SEC;
	s->report.psi_mem_some_usec = 5;
	s->vcpu_time_usec = 3;
	s->vcpu_sample_usec += 10 * USEC_PER_SEC;
	t = history_sample(m, NOW + 20 * USEC_PER_SEC);
	CHECK_U64(t->guests[0].values[4], 77); /* what the decision saw of it */
	CHECK_U64(t->guests[0].values[7], UINT64_MAX);
	tick_free(t);
	end(m);
}

/* Sums that do not fit say so; they do not begin again at nothing. */
TEST(sums_of_large_figures_do_not_wrap)
{
	struct manager *m = start();
	struct plan plan = *m->plan;
	struct tick *t;

	plan.charged_bytes = UINT64_MAX - GIB;
	plan.reserved_bytes = UINT64_MAX - 1;
	m->plan = &plan;
	t = history_sample(m, NOW);
	CHECK(t);
	CHECK_U64(t->host[2], 0);
	CHECK(t->host[3] > UINT64_C(1) << 36);
	tick_free(t);
	end(m);
}

/* Indexes of a plan of other guests would show one as another. */
TEST(a_plan_that_does_not_fit_says_nothing)
{
	struct manager *m = start();
	struct tick *t;

	m->plan_fits = false;
	t = history_sample(m, NOW);
	CHECK_U64(t->guests[0].values[1], UINT64_MAX);
	CHECK_U64(t->guests[0].values[0], 512);
	tick_free(t);
	end(m);
}

TEST_MAIN()
