/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's memory from a control group that is not there when the daemon starts. */
#include "policy/policy-set.h"
#include "tests/test.h"
#include "tests/unit/fake-manager.h"

/* What host_new() finds: the host always, a group when the test says so. */
struct host {
	bool cgroup;
};
static bool group_is_there;

int host_new(const char *root, const char *memory_from, struct host **ret)
{
	if (memory_from && !group_is_there)
		return -ENOENT;
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	(*ret)->cgroup = memory_from != NULL;
	return 0;
}
struct host *host_free(struct host *h)
{
	free(h);
	return NULL;
}
int host_read_memory(struct host *h, struct host_reading *ret)
{
	*ret = (struct host_reading){
		.total_bytes = (h->cgroup ? 4 : 16) * GIB, .available_bytes = GIB};
	return 0;
}
/* Half of the time since the look before was busy. */
static unsigned loads;
void host_read_load(struct host *h, struct host_load *ret)
{
	*ret = (struct host_load){.has_cpu = true, .n_nodes = 1};
	loads++;
}
bool host_cpu_share(const struct host_load *from, const struct host_load *to,
	uint64_t *ret_busy_permyriad, uint64_t *ret_steal_permyriad)
{
	*ret_busy_permyriad = PERMYRIAD / 2;
	*ret_steal_permyriad = 7;
	return from->has_cpu && to->has_cpu;
}
void host_read_pressure(struct host *h, struct host_reading *ret)
{
}
void host_reading_to_sample(const struct host_reading *r, struct host_sample *ret)
{
	ret->memory_bytes = r->total_bytes;
	ret->available_bytes = r->available_bytes;
}
uint64_t host_other_bytes(
	uint64_t total_bytes, uint64_t available_bytes, uint64_t resident_sum_bytes)
{
	return total_bytes - available_bytes - resident_sum_bytes;
}
uint64_t host_qemu_bytes(uint64_t resident_bytes, uint64_t actual_bytes)
{
	return 0;
}

static int start(struct manager *m)
{
	static const char text[] = "[Host]\nMemoryFrom=cgroup:/guests\n";
	struct policy_text policy = {.name = "h", .text = text, .len = sizeof(text) - 1};
	struct diag_list findings = {0};

	fake_clear();
	*m = (struct manager){.hub = FAKE_HUB};
	return policy_set_from_texts(&policy, 1, NULL, &m->set, &findings);
}

static void end(struct manager *m)
{
	policy_set_unref(m->set);
	host_free(m->host);
}
#define _cleanup_manager_ _cleanup_(end)

TEST(a_group_that_comes_later_is_used_from_then_on)
{
	_cleanup_manager_ struct manager m;

	CHECK_INT(start(&m), 0);
	group_is_there = false;
	CHECK_INT(sample_open_host(&m), 0);
	CHECK_CONTAINS(m.host_problem, "/guests");
	sample_host(&m, true);
	CHECK_U64(m.host_sample.memory_bytes, 16 * GIB);
	CHECK(*m.host_problem);
	group_is_there = true;
	sample_host(&m, true);
	CHECK_STR(m.host_problem, "");
	CHECK_U64(m.host_sample.memory_bytes, 4 * GIB);
}

TEST(a_group_that_is_there_is_no_problem)
{
	_cleanup_manager_ struct manager m;

	CHECK_INT(start(&m), 0);
	group_is_there = true;
	CHECK_INT(sample_open_host(&m), 0);
	CHECK_STR(m.host_problem, "");
	sample_host(&m, true);
	CHECK_U64(m.host_sample.memory_bytes, 4 * GIB);
}

TEST(cpus_and_nodes_are_looked_at_every_ten_seconds_and_twice_at_the_start)
{
	_cleanup_manager_ struct manager m;
	uint64_t now = USEC_PER_HOUR;

	CHECK_INT(start(&m), 0);
	group_is_there = true;
	CHECK_INT(sample_open_host(&m), 0);
	loads = 0;
	sample_load(&m, now);
	CHECK_INT(loads, 1);
	CHECK(!m.has_cpu);
	CHECK_U64(m.load.n_nodes, 1);
	sample_load(&m, now += USEC_PER_SEC / 2);
	CHECK_INT(loads, 1);
	sample_load(&m, now += USEC_PER_SEC / 2);
	CHECK_INT(loads, 2);
	CHECK(m.has_cpu);
	CHECK_U64(m.cpu_busy_permyriad, PERMYRIAD / 2);
	CHECK_U64(m.cpu_steal_permyriad, 7);
	for (int i = 0; i < 19; i++)
		sample_load(&m, now += USEC_PER_SEC / 2);
	CHECK_INT(loads, 2);
	sample_load(&m, now += USEC_PER_SEC / 2);
	CHECK_INT(loads, 3);
}

/* The ticks that were set are told by what comes along from when on. */
TEST(the_next_look_is_hastened_once_when_something_begins_to_move)
{
	_cleanup_manager_ struct manager m;
	struct plan rest = {.settled = true}, moving = {.settled = false};
	sd_event *loop = NULL;

	CHECK_INT(start(&m), 0);
	CHECK_INT(sd_event_new(&loop), 0);
	m.loop = loop;
	m.plan = &rest;
	group_is_there = true;
	CHECK(sample_start(&m) >= 0);
	CHECK(m.tick_at_rest);
	fake.along_usec = 0;
	sample_hasten(&m);
	CHECK_U64(fake.along_usec, 0);
	m.plan = &moving;
	sample_hasten(&m);
	CHECK(!m.tick_at_rest);
	CHECK(fake.along_usec > 0 && fake.along_usec <= clock_boot_usec() + LOOK_TICK_MIN_USEC);
	fake.along_usec = 0;
	sample_hasten(&m);
	CHECK_U64(fake.along_usec, 0);
	/* So does a guest that was not looked at yet. */
	m.plan = &rest;
	m.tick_at_rest = true;
	m.look.usec = 0;
	sample_hasten(&m);
	CHECK(!m.tick_at_rest);
	m.plan = NULL;
	m.host_timer = sd_event_source_unref(m.host_timer);
	sd_event_unref(loop);
}

TEST_MAIN()
