/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/calm.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>

#include "tests/test.h"

#define PAGES 64

static struct calm calm;

static void touch_memory(void)
{
	char *p = mmap(
		NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	(void)madvise(p, PAGES * 4096, MADV_NOHUGEPAGE);
	for (int i = 0; i < PAGES; i++)
		((volatile char *)p)[i * 4096] = 1;
	munmap(p, PAGES * 4096);
}

/* Lets signals in for a moment. */
static void doze(void)
{
	struct timespec moment = {.tv_nsec = 1000 * 1000};
	sigset_t none;

	sigemptyset(&none);
	(void)ppoll(NULL, 0, &moment, &none);
}

TEST(who_takes_memory_sets_the_alarm_off_once)
{
	int r = calm_open(&calm);
	bool fired = false;

	if (r == -EACCES || r == -EPERM || r == -ENOSYS || r == -ENOENT || r == -ERANGE)
		TEST_SKIP("no perf events here");
	CHECK_INT(r, 0);
	CHECK(calm.n > 0);
	/* At rest before it is armed. */
	touch_memory();
	doze();
	CHECK(!calm_fired(&calm));
	CHECK_INT(calm_arm(&calm), 0);
	touch_memory();
	for (int i = 0; i < 1000 && !fired; i++) {
		doze();
		fired = calm_fired(&calm);
	}
	CHECK(fired);
	/* Each counter once: after as many signals as there are CPUs it is silent, whoever else
	 * takes memory here. */
	for (int i = 0; i < 1000 && calm.armed[0]; i++) {
		cpu_set_t cpu;

		for (int k = 0; k < calm.n; k++) {
			CPU_ZERO(&cpu);
			CPU_SET(k, &cpu);
			if (sched_setaffinity(0, sizeof(cpu), &cpu) == 0)
				touch_memory();
		}
		doze();
		(void)calm_fired(&calm);
	}
	CHECK_U64(calm.armed[0], 0);
	touch_memory();
	doze();
	CHECK(!calm_fired(&calm));
	/* And armed again. */
	CHECK_INT(calm_arm(&calm), 0);
	touch_memory();
	fired = false;
	for (int i = 0; i < 1000 && !fired; i++) {
		doze();
		fired = calm_fired(&calm);
	}
	CHECK(fired);
	calm_close(&calm);
	CHECK_INT(calm_arm(&calm), -ENODEV);
}

TEST_MAIN()
