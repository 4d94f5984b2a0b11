/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/calm.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

/* From linux/perf_event.h, which musl-gcc does not see. */
#define PERF_TYPE_SOFTWARE 1
#define PERF_COUNT_SW_PAGE_FAULTS 2
#define PERF_FLAG_FD_CLOEXEC 8UL
#define PERF_IOC_REFRESH 0x2402
#define PERF_ATTR_SIZE_VER0 64
#define PERF_ATTR_DISABLED 1

struct perf_attr {
	uint32_t type, size;
	uint64_t config, sample_period, sample_type, read_format, flags;
	uint32_t wakeup_events, bp_type;
	uint64_t config1;
};
_Static_assert(sizeof(struct perf_attr) == PERF_ATTR_SIZE_VER0, "the kernel's oldest layout");

/* A counter for each CPU, and what else is open. */
#define FDS_MAX (CALM_CPUS_MAX + 64)

/* Descriptors whose counter signalled. Written by the handler, which runs only while the process
 * sleeps in epoll_pwait(). A real-time signal is queued, so that two CPUs make two of them. */
static volatile uint64_t fired[FDS_MAX / 64];

static void on_signal(int sig, siginfo_t *info, void *context)
{
	if (info->si_fd >= 0 && info->si_fd < FDS_MAX)
		fired[info->si_fd / 64] |= UINT64_C(1) << info->si_fd % 64;
}

static int open_one(long cpu)
{
	struct perf_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = PERF_ATTR_SIZE_VER0,
		.config = PERF_COUNT_SW_PAGE_FAULTS,
		.sample_period = CALM_FAULTS,
		.wakeup_events = 1,
		.flags = PERF_ATTR_DISABLED,
	};
	_cleanup_close_ int fd = -1;

	fd = (int)syscall(SYS_perf_event_open, &attr, -1, (int)cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fd >= FDS_MAX)
		return -EMFILE;
	if (fcntl(fd, F_SETOWN, getpid()) < 0 || fcntl(fd, F_SETSIG, SIGRTMIN) < 0 ||
		fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK | O_ASYNC) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int catch_signal(void)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	if (sigaction(SIGRTMIN, &action, NULL) < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	return 0;
}

static int count_online(void)
{
	uint64_t mask[1024 / 64] = {0};
	long n = syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
	int count = 0;

	for (size_t i = 0; n > 0 && i < ARRAY_SIZE(mask); i++)
		count += __builtin_popcountll(mask[i]);
	return count;
}

/* Numbers of CPUs have gaps where some are switched off or may yet be plugged in: the kernel says
 * -ENODEV there, and -EINVAL beyond the last that could ever be. */
static int open_all(struct calm *c)
{
	for (long cpu = 0;; cpu++) {
		int fd = open_one(cpu);

		if (fd == -EINVAL && cpu > 0)
			return 0;
		if (fd == -ENODEV)
			continue;
		if (fd < 0)
			return fd;
		if (c->n == CALM_CPUS_MAX) {
			close(fd);
			return -ERANGE;
		}
		c->fds[c->n++] = fd;
	}
}

int calm_open(struct calm *c)
{
	int r = catch_signal();

	*c = (struct calm){.online = count_online()};
	if (r >= 0)
		r = open_all(c);
	if (r < 0)
		calm_close(c);
	return r;
}

void calm_close(struct calm *c)
{
	while (c->n > 0)
		closep(&c->fds[--c->n]);
}

int calm_arm(struct calm *c)
{
	if (c->n == 0)
		return -ENODEV;
	if (count_online() != c->online) {
		int r;

		calm_close(c);
		r = calm_open(c);
		if (r < 0)
			return r;
	}
	for (int i = 0; i < c->n; i++) {
		uint64_t bit = UINT64_C(1) << i % 64;

		/* What has not signalled yet is still armed: armed twice it would signal twice. */
		if (!(c->armed[i / 64] & bit) && ioctl(c->fds[i], PERF_IOC_REFRESH, 1) < 0)
			return -errno;
		c->armed[i / 64] |= bit;
	}
	return 0;
}

bool calm_fired(struct calm *c)
{
	uint64_t which[ARRAY_SIZE(fired)], any = 0;

	for (size_t i = 0; i < ARRAY_SIZE(which); i++) {
		which[i] = fired[i];
		any |= which[i];
		fired[i] = 0;
	}
	for (int i = 0; any && i < c->n; i++)
		if (which[c->fds[i] / 64] >> c->fds[i] % 64 & 1)
			c->armed[i / 64] &= ~(UINT64_C(1) << i % 64);
	return any != 0;
}
