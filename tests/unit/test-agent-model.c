/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/agent-model.h"

#include "tests/test.h"

struct heard {
	uint64_t at_msec;
	struct guest_report report;
};
/* One guest, run to an end; every report that reached the host. */
struct fixture {
	struct scenario *scenario;
	struct world *world;
	struct agent_model agent;
	struct guest_report last;
	uint64_t age_msec;
	struct heard heard[4096];
	size_t n;
	uint64_t shut_msec; /* last time its channel was shut */
};

static void fixture_clear(struct fixture *f)
{
	world_free(f->world);
	scenario_free(f->scenario);
}
#define _cleanup_fixture_ _cleanup_(fixture_clear)

static void run(struct fixture *f, const char *guest, const char *noise, uint64_t until_msec)
{
	_cleanup_diag_ struct diag d = {0};
	_cleanup_free_ char *text = NULL;
	struct agent_model *a = &f->agent;

	if (asprintf(&text,
		    "{\"duration_s\": 600, \"noise_pct\": %s, \"host\": {\"memory\": \"16G\"}, "
		    "\"guests\": [{\"name\": \"a\", %s}]}",
		    noise, guest) < 0)
		abort();
	if (scenario_parse("x.json", text, strlen(text), &f->scenario, &d) < 0) {
		printf("# %s\n", d.text);
		abort();
	}
	f->world = world_new(f->scenario);
	if (!f->world)
		abort();
	agent_model_init(a, f->world, 0, 1, &f->last, &f->age_msec);
	for (uint64_t now = 1; now <= until_msec; now++) {
		struct guest_report r;

		if (now % MSEC_PER_TICK == 0) {
			world_tick(f->world);
			agent_model_tick(a, f->world);
		}
		if (agent_model_next(a) > now)
			continue;
		if (agent_model_receive(a, now, &r) && f->n < ARRAY_SIZE(f->heard))
			f->heard[f->n++] = (struct heard){now, r};
		agent_model_run(a, f->world, now);
		if (a->shut)
			f->shut_msec = now;
	}
}

static size_t count_why(const struct fixture *f, enum report_why why)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += f->heard[i].report.why == why;
	return n;
}

TEST(at_rest_only_the_heartbeat_speaks)
{
	_cleanup_fixture_ struct fixture f = {0};

	run(&f, "\"max\": \"4G\", \"demand\": [[0, \"1G\"]]", "0", 30000);
	CHECK_INT(f.last.source, REPORT_AGENT);
	CHECK(f.age_msec < 5000);
	CHECK_U64(f.n, 6);
	CHECK_U64(count_why(&f, REPORT_WHY_HEARTBEAT), 6);
	/* Five seconds after the one before time 0, then every five; a millisecond on the way. */
	for (size_t i = 0; i < f.n; i++)
		CHECK_U64(f.heard[i].at_msec, 5000 * (i + 1) - f.age_msec + 1);
	CHECK_U64(f.heard[0].report.total_bytes, 4 * GIB - 64 * MIB);
	CHECK_U64(f.heard[0].report.available_bytes, guest_available_bytes(&f.world->guests[0]));
	CHECK_U64(f.heard[0].report.swap_free_bytes, 4 * GIB);
	CHECK(f.heard[1].report.seq > f.heard[0].report.seq && f.heard[0].report.seq > f.last.seq);
	CHECK_U64(f.heard[1].report.guest_usec - f.heard[0].report.guest_usec, 5 * USEC_PER_SEC);
}

TEST(a_look_tells_when_available_moved)
{
	_cleanup_fixture_ struct fixture f = {0};
	uint64_t first = 0;

	/* 3.2 GiB are available: looked at every 267 ms. 200 MiB of anonymous memory more are 5
	 * %. */
	run(&f, "\"max\": \"4G\", \"anon_pct\": 100, \"demand\": [[0, \"700M\"], [10, \"900M\"]]",
		"0", 20000);
	for (size_t i = 0; i < f.n && !first; i++)
		if (f.heard[i].report.why == REPORT_WHY_AVAILABLE)
			first = f.heard[i].at_msec;
	CHECK(first > 10100 && first <= 10700);
	CHECK_U64(count_why(&f, REPORT_WHY_PRESSURE), 0);
}

TEST(the_trigger_fires_once_a_second_while_it_stalls)
{
	_cleanup_fixture_ struct fixture f = {0};
	uint64_t first = 0, fired = 0;

	run(&f, "\"max\": \"4G\", \"current\": \"1G\", \"demand\": [[0, \"512M\"], [10, \"3G\"]], "
		"\"anon_pct\": 50", "0", 20000);
	for (size_t i = 0; i < f.n; i++) {
		if (f.heard[i].report.why != REPORT_WHY_PRESSURE)
			continue;
		first = first ? first : f.heard[i].at_msec;
		/* One more tells of little that is left. */
		fired += f.heard[i].at_msec % 1000 == 201;
	}
	/* Half of the need is cache, of which 800 MiB are missing at once: 26 % stall; 50 ms are
	 * there after two ticks. */
	CHECK_U64(first, 10201);
	CHECK_U64(fired, 10);
	CHECK(count_why(&f, REPORT_WHY_PRESSURE) <= 11);
	CHECK(f.heard[f.n - 1].report.psi_mem_some_usec > 2 * USEC_PER_SEC);
	CHECK(f.heard[f.n - 1].report.refaults_file > 50000);
}

TEST(little_left_is_told_as_pressure)
{
	_cleanup_fixture_ struct fixture f = {0};

	/* Without swap and without a stall: from 49 to 9 MiB available. */
	run(&f, "\"max\": \"1064M\", \"swap\": \"0\", \"anon_pct\": 100, \"demand\": "
		"[[0, \"951M\"], [10, \"991M\"]]", "0", 12000);
	CHECK_U64(count_why(&f, REPORT_WHY_PRESSURE), 1);
	CHECK_U64(f.heard[f.n - 1].report.psi_mem_some_usec, 0);
}

TEST(an_agent_that_comes_later_says_so_at_once)
{
	_cleanup_fixture_ struct fixture f = {0};

	run(&f, "\"max\": \"4G\", \"demand\": [[0, \"1G\"]], \"agent_from_s\": 20", "0", 30000);
	CHECK_INT(f.last.source, REPORT_BALLOON);
	CHECK_INT(f.heard[0].report.why, REPORT_WHY_REQUEST);
	CHECK_U64(f.heard[0].at_msec, 20001);
	CHECK_U64(f.heard[1].at_msec, 25001);
}

TEST(statistics_know_no_stall)
{
	_cleanup_fixture_ struct fixture f = {0};
	struct guest_report r;

	run(&f, "\"max\": \"4G\", \"current\": \"1G\", \"agent\": \"none\", \"demand\": [[0, \"3G\"]]",
		"0", 20000);
	CHECK_U64(f.n, 0);
	CHECK(agent_model_statistics(&f.agent, 20000, &r));
	CHECK(!r.has_psi && !r.has_counters);
	CHECK_U64(r.total_bytes, GIB - 64 * MIB);
	CHECK_U64(r.available_bytes, 0);
}

TEST(a_silent_guest_was_heard_until_it_fell_silent)
{
	_cleanup_fixture_ struct fixture f = {0}, never = {0};

	run(&f, "\"max\": \"4G\", \"demand\": [[0, \"1G\"]], \"agent\": \"silent\", "
		"\"agent_from_s\": 12", "0", 40000);
	CHECK_INT(f.last.source, REPORT_AGENT);
	CHECK(f.n >= 2 && f.heard[f.n - 1].at_msec <= 12000);
	run(&never, "\"max\": \"4G\", \"demand\": [[0, \"1G\"]], \"agent\": \"silent\"", "0",
		40000);
	CHECK_INT(never.last.source, REPORT_NONE);
	CHECK_U64(never.n, 0);
	CHECK(!agent_model_statistics(&never.agent, 40000, &never.last));
}

TEST(a_liar_uses_all_and_stalls_without_end)
{
	_cleanup_fixture_ struct fixture f = {0};
	const struct guest_report *r;

	run(&f, "\"max\": \"4G\", \"current\": \"2G\", \"demand\": [[0, \"1G\"]], \"agent\": \"liar\"",
		"0", 10000);
	CHECK(count_why(&f, REPORT_WHY_PRESSURE) >= 9);
	r = &f.heard[f.n - 1].report;
	CHECK_U64(r->total_bytes, 4 * GIB - 64 * MIB);
	CHECK_U64(r->available_bytes, 0);
	CHECK_U64((r->psi_mem_some_usec - f.heard[0].report.psi_mem_some_usec) * 10 / 9,
		r->guest_usec - f.heard[0].report.guest_usec);
}

TEST(a_flood_is_shut_out)
{
	_cleanup_fixture_ struct fixture f = {0};
	struct guest_report r;

	run(&f, "\"max\": \"4G\", \"demand\": [[0, \"1G\"]], \"agent\": \"flood\"", "0", 60000);
	CHECK(f.shut_msec > 5000 && f.shut_msec < 7000);
	CHECK(f.n > 150 && f.heard[f.n - 1].at_msec <= f.shut_msec);
	CHECK(!agent_model_is_connected(&f.agent, 60000));
	CHECK(agent_model_statistics(&f.agent, 60000, &r));
}

TEST(noise_is_on_sizes_only_and_contradicts_nothing)
{
	_cleanup_fixture_ struct fixture f = {0};
	uint64_t total = 4 * GIB - 64 * MIB;
	bool off = false;

	run(&f, "\"max\": \"4G\", \"demand\": [[0, \"100M\"]]", "3", 200000);
	for (size_t i = 0; i < f.n; i++) {
		const struct guest_report *r = &f.heard[i].report;

		CHECK(r->total_bytes >= total - total / 33 && r->total_bytes <= total + total / 33);
		CHECK(r->available_bytes <= r->total_bytes && r->free_bytes <= r->total_bytes);
		CHECK(r->swap_free_bytes <= r->swap_total_bytes);
		off |= r->total_bytes != total;
	}
	CHECK(off);
	/* What it compares is exact: noise makes no reports. */
	CHECK_U64(count_why(&f, REPORT_WHY_HEARTBEAT), f.n);
	CHECK_U64(f.n, 40);
}

TEST(with_deflate_on_oom_the_total_is_the_maximum)
{
	_cleanup_fixture_ struct fixture f = {0};

	run(&f, "\"max\": \"4G\", \"current\": \"2G\", \"balloon\": \"back\", \"demand\": [[0, \"1G\"]]",
		"0", 6000);
	CHECK_U64(f.heard[0].report.total_bytes, 4 * GIB - 64 * MIB);
	CHECK(f.heard[0].report.available_bytes < 2 * GIB);
}

/* The time of the answer to a question at this time; 0: none. */
static uint64_t answer(struct fixture *f, uint64_t now_msec)
{
	struct guest_report r;

	agent_model_ask(&f->agent, f->world, now_msec);
	for (uint64_t t = now_msec; t < now_msec + 10; t++)
		if (agent_model_receive(&f->agent, t, &r) && r.why == REPORT_WHY_REQUEST)
			return t;
	return 0;
}

TEST(it_answers_a_question_there_and_back_and_not_each_of_many)
{
	_cleanup_fixture_ struct fixture f = {0};

	run(&f, "\"max\": \"4G\", \"demand\": [[0, \"1G\"]]", "0", 6000);
	CHECK_U64(answer(&f, 6000), 6002);
	CHECK_U64(answer(&f, 6500), 0);
	CHECK_U64(answer(&f, 6899), 0);
	CHECK_U64(answer(&f, 6900), 6902);
	/* The next heartbeat is five seconds after that. */
	CHECK_U64(f.agent.heartbeat_msec, 11900);
}

TEST(it_answers_no_question_while_it_is_silent_or_floods_or_speaks_anyway)
{
	_cleanup_fixture_ struct fixture silent = {0}, flood = {0}, speaks = {0};
	struct guest_report r;

	run(&silent,
		"\"max\": \"4G\", \"demand\": [[0, \"1G\"]], \"agent\": \"silent\", \"agent_from_s\": 2",
		"0", 6000);
	CHECK_U64(answer(&silent, 6000), 0);
	run(&flood, "\"max\": \"4G\", \"demand\": [[0, \"1G\"]], \"agent\": \"flood\"", "0", 2000);
	CHECK_U64(answer(&flood, 2000), 0);
	run(&speaks, "\"max\": \"4G\", \"demand\": [[0, \"1G\"]]", "0", 6000);
	agent_model_run(&speaks.agent, speaks.world, speaks.agent.heartbeat_msec);
	agent_model_ask(&speaks.agent, speaks.world, speaks.agent.heartbeat_msec);
	CHECK(agent_model_receive(&speaks.agent, speaks.agent.arrival_msec, &r));
	CHECK_INT(r.why, REPORT_WHY_HEARTBEAT);
}

TEST_MAIN()
