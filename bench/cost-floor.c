/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the machine takes for reports that nobody even parses: cost-floor PATTERN COUNT SECONDS. It
 * connects to the sockets of fake-agents (%d in PATTERN) and does nothing but epoll_wait(2) and
 * recv(2), one wake-up a report unless two come together; after three seconds it prints its own CPU
 * over the time. The control that bench/cost sets beside ballastd.
 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "common/macros.h"

#define WARM_NSEC UINT64_C(3000000000)
#define EVENTS    32

static uint64_t clock_nsec(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* The socket stays open until the end of the process. */
static int join(int epoll_fd, const char *pattern, unsigned long i)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	const char *mark = strstr(pattern, "%d");
	struct epoll_event e = {.events = EPOLLIN};
	int n = mark ? snprintf(a.sun_path, sizeof(a.sun_path), "%.*s%lu%s", (int)(mark - pattern),
			       pattern, i, mark + 2)
		     : -1;

	if (n < 0 || (size_t)n >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	e.data.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (e.data.fd < 0 || connect(e.data.fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, e.data.fd, &e) < 0)
		return -errno;
	return 0;
}

/* Reads until then. Returns how often, adds up how often it woke. */
static uint64_t read_until(int epoll_fd, uint64_t end_nsec, uint64_t *wakeups)
{
	struct epoll_event events[EVENTS];
	uint64_t reads = 0;
	char data[4096];

	while (clock_nsec(CLOCK_MONOTONIC) < end_nsec) {
		int n = epoll_wait(epoll_fd, events, EVENTS, 1000);

		*wakeups += 1;
		for (int i = 0; i < n; i++)
			reads += recv(events[i].data.fd, data, sizeof(data), MSG_DONTWAIT) > 0;
	}
	return reads;
}

int main(int argc, char **argv)
{
	uint64_t begin, from, cpu, reads, wakeups = 0;
	_cleanup_close_ int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	unsigned long count = argc == 4 ? strtoul(argv[2], NULL, 10) : 0,
		      seconds = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;

	if (!count || !seconds || epoll_fd < 0) {
		fputs("cost-floor PATTERN COUNT SECONDS\n", stderr);
		return 2;
	}
	for (unsigned long i = 0; i < count; i++) {
		int r = join(epoll_fd, argv[1], i);

		if (r < 0) {
			fprintf(stderr, "cost-floor: socket %lu of %s: %s\n", i, argv[1],
				strerror(-r));
			return 1;
		}
	}
	begin = clock_nsec(CLOCK_MONOTONIC);
	(void)read_until(epoll_fd, begin + WARM_NSEC, &wakeups);
	from = clock_nsec(CLOCK_MONOTONIC);
	cpu = clock_nsec(CLOCK_PROCESS_CPUTIME_ID);
	wakeups = 0;
	reads = read_until(epoll_fd, from + seconds * 1000000000, &wakeups);
	printf("cpu_nsec=%" PRIu64 " wall_nsec=%" PRIu64 " reads=%" PRIu64 " wakeups=%" PRIu64 "\n",
		clock_nsec(CLOCK_PROCESS_CPUTIME_ID) - cpu, clock_nsec(CLOCK_MONOTONIC) - from,
		reads, wakeups);
	return 0;
}
