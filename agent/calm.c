/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/calm.h"

#include <fcntl.h>
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

/* Descriptors whose counter signalled. Written by the handler, which runs only while the process
 * sleeps in epoll_pwait(). A real-time signal is queued, so that two CPUs make two of them. */
static volatile uint64_t fired;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	if (info->si_fd >= 0 && info->si_fd < 64)
		fired |= UINT64_C(1) << info->si_fd;
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
	if (fd >= 64)
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

int calm_open(struct calm *c)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	int r;

	c->n = 0;
	c->armed = 0;
	if (cpus < 1 || cpus > CALM_CPUS_MAX)
		return -ERANGE;
	r = catch_signal();
	for (long cpu = 0; r >= 0 && cpu < cpus; cpu++) {
		r = open_one(cpu);
		if (r >= 0)
			c->fds[c->n++] = r;
		else if (r == -ENODEV)
			r = 0; /* a CPU that is not there takes no memory */
	}
	if (r < 0)
		calm_close(c);
	return r < 0 ? r : 0;
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
	for (int i = 0; i < c->n; i++) {
		uint32_t bit = UINT32_C(1) << i;

		/* What has not signalled yet is still armed: armed twice it would signal twice. */
		if (!(c->armed & bit) && ioctl(c->fds[i], PERF_IOC_REFRESH, 1) < 0)
			return -errno;
		c->armed |= bit;
	}
	return 0;
}

bool calm_fired(struct calm *c)
{
	uint64_t which = fired;

	fired = 0;
	for (int i = 0; i < c->n; i++)
		if (which >> c->fds[i] & 1)
			c->armed &= ~(UINT32_C(1) << i);
	return which != 0;
}
