/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/world.h"

#include "tests/test.h"

/* A world of one guest (and what it stands on) that goes away at the end of its test. */
struct fixture {
	struct scenario *scenario;
	struct world *world;
	struct world_guest *g;
};

static void fixture_clear(struct fixture *f)
{
	world_free(f->world);
	scenario_free(f->scenario);
}
#define _cleanup_fixture_ _cleanup_(fixture_clear)

static struct fixture world_of(const char *guest, const char *balloon)
{
	_cleanup_diag_ struct diag d = {0};
	_cleanup_free_ char *text = NULL;
	struct fixture f = {0};

	if (asprintf(&text,
		    "{\"duration_s\": 60, \"host\": {\"memory\": \"16G\", \"cpus\": 2, \"other\": "
		    "[[0, \"1G\"], [1, \"2G\"]]}, \"balloon\": {%s}, \"guests\": [{\"name\": \"a\", "
		    "\"overhead\": \"64M\", %s}]}",
		    balloon, guest) < 0)
		abort();
	if (scenario_parse("x.json", text, strlen(text), &f.scenario, &d) < 0) {
		printf("# %s\n", d.text);
		abort();
	}
	f.world = world_new(f.scenario);
	if (!f.world)
		abort();
	f.g = &f.world->guests[0];
	return f;
}

static void ticks(struct fixture *f, int n)
{
	while (n-- > 0)
		world_tick(f->world);
}

#define INSTANT "\"inflate_bytes_per_s\": 0, \"deflate_bytes_per_s\": 0"
#define MOVING  "\"inflate_bytes_per_s\": 104857600, \"deflate_bytes_per_s\": 209715200"

TEST(a_guest_that_ran_before_has_all_it_needs)
{
	_cleanup_fixture_ struct fixture f =
		world_of("\"max\": \"4G\", \"demand\": [[0, \"1000M\"]]", INSTANT);

	CHECK_U64(guest_used_bytes(f.g), 1000 * MIB);
	CHECK_U64(f.g->anon_bytes, 700 * MIB);
	CHECK_U64(f.g->cache_bytes, 300 * MIB);
	CHECK_U64(f.g->missing_bytes, 0);
	CHECK_U64(guest_available_bytes(f.g), 4096 * MIB - 64 * MIB - 700 * MIB - 30 * MIB);
	CHECK_U64(f.g->resident_bytes, 1064 * MIB);
	CHECK_INT(world_free_bytes(f.world), (int64_t)(11 * GIB));
	CHECK_U64(world_available_bytes(f.world), 15 * GIB - 1064 * MIB);
	CHECK_U64(world_promised_bytes(f.world), 4 * GIB);
}

TEST(cache_is_there_at_once_and_anonymous_memory_grows_by_a_gibibyte_a_second)
{
	_cleanup_fixture_ struct fixture f = world_of(
		"\"max\": \"8G\", \"demand\": [[0, 0], [1, \"4G\"]], \"anon_pct\": 50", INSTANT);

	ticks(&f, 10);
	CHECK_U64(f.world->now_msec, 1000);
	CHECK_U64(f.g->cache_bytes, 2 * GIB);
	CHECK_U64(f.g->anon_bytes, 0);
	CHECK_U64(f.world->other_bytes, 2 * GIB);
	ticks(&f, 5);
	CHECK_U64(f.g->anon_bytes, 5 * (GIB / 10));
	ticks(&f, 20);
	CHECK_U64(f.g->anon_bytes, 2 * GIB);
}

TEST(shortage_falls_on_the_cache_first_then_on_swap)
{
	_cleanup_fixture_ struct fixture f = world_of(
		"\"max\": \"4G\", \"demand\": [[0, \"1000M\"]], \"anon_pct\": 50", INSTANT);

	/* 100 MiB of cache are missing: 10 % stall; more pages are wanted than the disk has. */
	world_command(f.world, 0, 964 * MIB, 0);
	ticks(&f, 1);
	CHECK_U64(f.g->actual_bytes, 964 * MIB);
	CHECK_U64(f.g->missing_bytes, 100 * MIB);
	CHECK_U64(f.g->rates.stall_permyriad, 1000);
	CHECK_U64(f.g->rates.refaults_file_per_s, 12207);
	CHECK_U64(f.g->swapped_bytes, 0);
	/* 4 MiB missing: less than the disk could bring. */
	world_command(f.world, 0, 1060 * MIB, 100);
	ticks(&f, 1);
	CHECK_U64(f.g->rates.refaults_file_per_s, 1024);
	CHECK_U64(f.g->rates.stall_permyriad, 40);
	/* All cache and 100 MiB of anonymous memory. */
	world_command(f.world, 0, 464 * MIB, 200);
	ticks(&f, 1);
	CHECK_U64(f.g->cache_bytes, 0);
	CHECK_U64(f.g->swapped_bytes, 100 * MIB);
	CHECK_U64(f.g->rates.stall_permyriad, 6000);
	CHECK_U64(guest_available_bytes(f.g), 0);
	CHECK_U64(f.g->counters.psi_mem_some, (1000 + 40) * 100);
}

TEST(stall_is_at_most_90_percent)
{
	_cleanup_fixture_ struct fixture f = world_of(
		"\"max\": \"4G\", \"demand\": [[0, \"1000M\"]], \"anon_pct\": 0", INSTANT);

	world_command(f.world, 0, 64 * MIB, 0);
	ticks(&f, 1);
	CHECK_U64(f.g->missing_bytes, 1000 * MIB);
	CHECK_U64(f.g->rates.stall_permyriad, 9000);
}

TEST(a_balloon_runs_out_of_puff_where_anonymous_memory_begins)
{
	_cleanup_fixture_ struct fixture f = world_of(
		"\"max\": \"4G\", \"demand\": [[0, \"1000M\"]], \"anon_pct\": 90, \"swap\": \"200M\"",
		INSTANT);

	world_command(f.world, 0, 128 * MIB, 0);
	ticks(&f, 1);
	CHECK_U64(f.g->actual_bytes, (64 + 900 - 200) * MIB);
	CHECK_U64(f.g->swapped_bytes, 200 * MIB);
	CHECK(!f.g->oom);
}

TEST(anonymous_need_that_fits_nowhere_kills_for_thirty_seconds)
{
	_cleanup_fixture_ struct fixture f = world_of(
		"\"max\": \"4G\", \"current\": \"1064M\", \"anon_pct\": 100, \"swap\": \"0\", "
		"\"demand\": [[0, \"950M\"], [1, \"2000M\"]]", INSTANT);
	int killed = 0;

	/* Without swap nothing is seen but available. */
	CHECK_U64(f.g->rates.stall_permyriad, 0);
	CHECK_U64(guest_available_bytes(f.g), 50 * MIB);
	for (int i = 0; i < 20; i++) {
		ticks(&f, 1);
		killed += f.g->oom;
	}
	CHECK_INT(killed, 1);
	CHECK_U64(f.g->anon_bytes, 0);
	CHECK_U64(f.g->demand_bytes, 0);
	CHECK_U64(f.g->counters.oom_kills, 1);
	ticks(&f, 291);
	CHECK_U64(f.g->demand_bytes, 2000 * MIB);
}

TEST(balloons_move_at_their_speed_from_the_command_on)
{
	_cleanup_fixture_ struct fixture f = world_of("\"max\": \"4G\", \"demand\": [[0, \"1G\"]]",
		MOVING);

	world_command(f.world, 0, 3 * GIB, 50);
	ticks(&f, 1);
	CHECK_U64(f.g->actual_bytes, 4 * GIB - 5 * MIB);
	ticks(&f, 1);
	CHECK_U64(f.g->actual_bytes, 4 * GIB - 15 * MIB);
	world_command(f.world, 0, 4 * GIB, 230);
	ticks(&f, 1);
	CHECK_U64(f.g->actual_bytes, 4 * GIB);
	CHECK_U64(f.world->moved_bytes, 30 * MIB);
}

TEST(a_slow_balloon_has_a_tenth_or_64_mebibytes_a_second)
{
	_cleanup_fixture_ struct fixture f = world_of(
		"\"max\": \"4G\", \"balloon\": \"slow\", \"demand\": [[0, \"1G\"]]", MOVING);
	_cleanup_fixture_ struct fixture i = world_of(
		"\"max\": \"4G\", \"balloon\": \"slow\", \"demand\": [[0, \"1G\"]]", INSTANT);

	world_command(f.world, 0, 3 * GIB, 0);
	world_command(i.world, 0, 3 * GIB, 0);
	ticks(&f, 10);
	ticks(&i, 10);
	CHECK_U64(f.g->actual_bytes, 4 * GIB - 10 * MIB);
	CHECK(i.g->actual_bytes <= 4 * GIB - 64 * MIB + 10 &&
		i.g->actual_bytes >= 4 * GIB - 64 * MIB);
}

TEST(missing_and_stuck_balloons_never_move)
{
	_cleanup_fixture_ struct fixture f =
		world_of("\"max\": \"4G\", \"current\": \"1G\", "
			 "\"balloon\": \"missing\", \"demand\": [[0, 1]]",
			INSTANT);
	_cleanup_fixture_ struct fixture s =
		world_of("\"max\": \"4G\", \"current\": \"1G\", "
			 "\"balloon\": \"stuck\", \"demand\": [[0, 1]]",
			INSTANT);

	CHECK_U64(f.g->actual_bytes, 4 * GIB);
	world_command(f.world, 0, 2 * GIB, 0);
	world_command(s.world, 0, 2 * GIB, 0);
	ticks(&f, 10);
	ticks(&s, 10);
	CHECK_U64(f.g->actual_bytes, 4 * GIB);
	CHECK_U64(s.g->actual_bytes, GIB);
	CHECK_U64(world_promised_bytes(s.world), 2 * GIB);
}

TEST(one_that_takes_back_grows_by_itself_and_stays_until_told)
{
	_cleanup_fixture_ struct fixture f = world_of(
		"\"max\": \"4G\", \"current\": \"1064M\", \"balloon\": \"back\", "
		"\"demand\": [[0, \"1000M\"], [1, \"1300M\"], [4, \"500M\"]]", MOVING);
	uint64_t changes;

	ticks(&f, 10);
	CHECK(f.g->grew_itself);
	changes = f.world->changes;
	ticks(&f, 20);
	CHECK_U64(f.g->actual_bytes, 1364 * MIB);
	CHECK(f.world->changes > changes);
	/* Needs less: it stays, until a command comes. */
	ticks(&f, 20);
	CHECK_U64(f.g->actual_bytes, 1364 * MIB);
	world_command(f.world, 0, 1064 * MIB, f.world->now_msec);
	ticks(&f, 1);
	CHECK_U64(f.g->actual_bytes, 1354 * MIB);
}

TEST(a_breaker_keeps_its_pages)
{
	_cleanup_fixture_ struct fixture f = world_of(
		"\"max\": \"4G\", \"balloon\": \"breaker\", \"demand\": [[0, \"3G\"], [1, \"1G\"]]",
		INSTANT);
	_cleanup_fixture_ struct fixture honest = world_of(
		"\"max\": \"4G\", \"demand\": [[0, \"3G\"], [1, \"1G\"]]", INSTANT);

	ticks(&f, 10);
	ticks(&honest, 10);
	CHECK_U64(honest.g->resident_bytes, 3 * GIB + 64 * MIB);
	world_command(f.world, 0, 2 * GIB, 1000);
	world_command(honest.world, 0, 2 * GIB, 1000);
	ticks(&f, 1);
	ticks(&honest, 1);
	CHECK_U64(f.g->actual_bytes, 2 * GIB);
	CHECK_U64(f.g->resident_bytes, 3 * GIB + 64 * MIB);
	CHECK_U64(honest.g->resident_bytes, 2 * GIB);
}

TEST(a_soft_limit_holds_a_breaker_where_it_is)
{
	_cleanup_fixture_ struct fixture f = world_of(
		"\"max\": \"4G\", \"balloon\": \"breaker\", \"demand\": [[0, \"1G\"], [1, \"3G\"]]",
		INSTANT);

	world_soft_limit(f.world, 0, 2 * GIB);
	ticks(&f, 40);
	CHECK_U64(f.g->resident_bytes, 2 * GIB);
}

TEST(a_start_is_asked_for_and_waits_for_the_grant)
{
	_cleanup_fixture_ struct fixture f = world_of(
		"\"max\": \"4G\", \"current\": \"2G\", \"qemu\": \"16M\", \"start_s\": 1, "
		"\"stop_s\": 5, \"demand\": [[0, \"1G\"]]", INSTANT);

	ticks(&f, 10);
	CHECK(f.g->asked && f.g->life == LIFE_ASKED);
	ticks(&f, 10);
	CHECK(!f.g->asked && f.g->life == LIFE_ASKED);
	CHECK_U64(world_promised_bytes(f.world), 0);
	world_grant(f.world, 0);
	CHECK_U64(world_promised_bytes(f.world), 2 * GIB + 16 * MIB);
	ticks(&f, 1);
	CHECK(f.g->started && f.g->life == LIFE_RUNNING);
	CHECK_U64(f.g->actual_bytes, 2 * GIB);
	CHECK_U64(f.g->anon_bytes, 0);
	CHECK_U64(world_promised_bytes(f.world), 2 * GIB + 16 * MIB);
	ticks(&f, 29);
	CHECK(f.g->stopped);
	CHECK_U64(world_promised_bytes(f.world), 0);
	CHECK_INT(world_free_bytes(f.world), (int64_t)(14 * GIB));
}

TEST(without_a_grant_it_starts_after_sixty_seconds)
{
	_cleanup_fixture_ struct fixture f = world_of(
		"\"max\": \"4G\", \"start_s\": 1, \"demand\": [[0, \"1G\"]]", INSTANT);

	ticks(&f, 609);
	CHECK(f.g->life == LIFE_ASKED);
	ticks(&f, 1);
	CHECK(f.g->started);
}

TEST(a_reset_guest_has_everything_until_its_driver_is_back)
{
	_cleanup_fixture_ struct fixture f = world_of(
		"\"max\": \"4G\", \"current\": \"2G\", \"reset_s\": 1, \"demand\": [[0, \"1G\"]]",
		INSTANT);

	ticks(&f, 10);
	CHECK(f.g->reset);
	CHECK_U64(f.g->actual_bytes, 4 * GIB);
	CHECK_U64(f.g->figure_bytes, 2 * GIB);
	CHECK_U64(f.g->demand_bytes, 0);
	CHECK_U64(f.g->incarnation, 2);
	ticks(&f, 70);
	CHECK_U64(f.g->actual_bytes, 2 * GIB);
	CHECK_U64(f.g->figure_bytes, 2 * GIB);
	CHECK_U64(f.g->demand_bytes, GIB);
}

TEST(cpus_go_by_weight_up_to_what_is_wanted)
{
	static const char text[] =
		"{\"duration_s\": 60, \"host\": {\"memory\": \"16G\", \"cpus\": 2}, \"guests\": ["
		"{\"name\": \"a\", \"max\": \"1G\", \"vcpus\": 2, \"demand\": [[0, 0]], "
		"\"cpu_demand\": [[0, 200]]},"
		"{\"name\": \"b\", \"max\": \"1G\", \"vcpus\": 1, \"demand\": [[0, 0]], "
		"\"cpu_demand\": [[0, 300]]},"
		"{\"name\": \"c\", \"max\": \"1G\", \"vcpus\": 2, \"demand\": [[0, 0]], "
		"\"cpu_demand\": [[0, 20]]}]}";
	_cleanup_fixture_ struct fixture f = {0};
	_cleanup_diag_ struct diag d = {0};

	CHECK_INT(scenario_parse("x.json", text, strlen(text), &f.scenario, &d), 0);
	f.world = world_new(f.scenario);
	CHECK(f.world);
	f.world->guests[0].cpu_weight = 200;
	ticks(&f, 1);
	/* c has its 20 %; of the other 180 % a could have two thirds, b one, of which it takes 60
	 * %. */
	CHECK_U64(f.world->guests[2].cpu_got_permyriad, 2000);
	CHECK_U64(f.world->guests[0].cpu_got_permyriad, 12000);
	CHECK_U64(f.world->guests[1].cpu_got_permyriad, 6000);
	/* Three tasks on one vCPU: two of three wait inside the guest. */
	CHECK_U64(f.world->guests[1].rates.cpu_stall_permyriad, 6666);
	f.world->guests[0].cpu_quota_permyriad = 5000;
	ticks(&f, 1);
	CHECK_U64(f.world->guests[0].cpu_got_permyriad, 5000);
	CHECK_U64(f.world->guests[1].cpu_got_permyriad, 10000);
}

TEST(one_that_is_stopped_before_its_start_waits_no_more)
{
	_cleanup_fixture_ struct fixture f = world_of(
		"\"max\": \"4G\", \"current\": \"2G\", \"start_s\": 1, \"stop_s\": 3, \"demand\": [[0, \"1G\"]]",
		INSTANT);

	ticks(&f, 29);
	CHECK(f.g->life == LIFE_ASKED && !f.g->stopped);
	world_grant(f.world, 0);
	CHECK_U64(world_promised_bytes(f.world), 2 * GIB);
	/* Granted or not, it is told as a stop, and its room is free. */
	ticks(&f, 1);
	CHECK(f.g->life == LIFE_STOPPED && f.g->stopped && !f.g->changed);
	CHECK_U64(world_promised_bytes(f.world), 0);
	ticks(&f, 1);
	CHECK(!f.g->stopped);
}

TEST_MAIN()
