/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The alarm on a machine with many CPUs, some of them not there: the kernel's part is played
 * here. */
#include "agent/calm.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "tests/test.h"

static int possible, online; /* the first so many are online */
static int armed[1024];      /* by descriptor */

static long real_syscall(long number, long a, long b, const void *c)
{
	long (*real)(long, ...);

	*(void **)&real = dlsym(RTLD_NEXT, "syscall");
	return real(number, a, b, c);
}

/* In place of the C library's. */
long syscall(long number, ...)
{
	va_list ap;
	long r = -1;

	va_start(ap, number);
	if (number == SYS_perf_event_open) {
		int cpu = ((void)va_arg(ap, void *), (void)va_arg(ap, int), va_arg(ap, int));

		if (cpu < online)
			r = open("/dev/null", O_RDWR | O_CLOEXEC);
		else
			errno = cpu < possible ? ENODEV : EINVAL;
	} else if (number == SYS_sched_getaffinity) {
		uint64_t *mask =
			((void)va_arg(ap, int), (void)va_arg(ap, size_t), va_arg(ap, uint64_t *));

		for (int i = 0; i < online; i++)
			mask[i / 64] |= UINT64_C(1) << i % 64;
		r = 128;
	}
	va_end(ap);
	return r;
}

int ioctl(int fd, unsigned long request, ...)
{
	armed[fd]++;
	return 0;
}

/* As the kernel tells that a counter has counted. */
static void signal_of(int fd)
{
	siginfo_t info = {.si_signo = SIGRTMIN, .si_code = POLL_IN};
	struct timespec moment = {0};
	sigset_t none;

	info.si_fd = fd;
	if (real_syscall(SYS_rt_sigqueueinfo, getpid(), SIGRTMIN, &info) < 0)
		abort();
	sigemptyset(&none);
	(void)ppoll(NULL, 0, &moment, &none);
}

static int sum_armed(void)
{
	int sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(armed); i++)
		sum += armed[i];
	return sum;
}

static void begin(int n, int of)
{
	memset(armed, 0, sizeof(armed));
	online = n;
	possible = of;
}

TEST(many_cpus_are_all_watched)
{
	struct calm c;

	begin(200, 255);
	CHECK_INT(calm_open(&c), 0);
	CHECK_INT(c.n, 200);
	CHECK_INT(calm_arm(&c), 0);
	CHECK_INT(sum_armed(), 200);
	CHECK(!calm_fired(&c));
	signal_of(c.fds[3]);
	signal_of(c.fds[199]);
	CHECK(calm_fired(&c));
	CHECK(!calm_fired(&c));
	/* Those two and no other are armed once more. */
	CHECK_INT(calm_arm(&c), 0);
	CHECK_INT(sum_armed(), 202);
	CHECK_INT(armed[c.fds[3]], 2);
	CHECK_INT(armed[c.fds[199]], 2);
	calm_close(&c);
}

TEST(cpus_that_are_not_there_yet_do_not_count)
{
	struct calm c;

	begin(2, 1024);
	CHECK_INT(calm_open(&c), 0);
	CHECK_INT(c.n, 2);
	CHECK_INT(calm_arm(&c), 0);
	online = 5; /* three are plugged in */
	CHECK_INT(calm_arm(&c), 0);
	CHECK_INT(c.n, 5);
	CHECK_INT(sum_armed(), 2 + 5);
	online = 1;
	CHECK_INT(calm_arm(&c), 0);
	CHECK_INT(c.n, 1);
	calm_close(&c);
}

TEST(more_than_there_is_room_for_are_not_watched_by_halves)
{
	struct calm c;

	begin(CALM_CPUS_MAX + 1, CALM_CPUS_MAX + 1);
	CHECK_INT(calm_open(&c), -ERANGE);
	CHECK_INT(calm_arm(&c), -ENODEV);
}

TEST_MAIN()
