/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What bench/reaction runs inside its guests, and beside itself. Static; SIGTERM ends each early.
 *
 *   reaction-probe late SECONDS                        sleeps a millisecond, over and over, and
 * says how late it woke reaction-probe wave BYTES HALF_PERIOD_MS SECONDS   takes memory and gives
 * it back, over and over: thresholds are crossed reaction-probe watch SECONDS says when stall is
 * counted and when the kernel's memory changes: stall MONO_US TOTAL_US      psi "some" of memory
 * grew by 1 ms or more since it was told last total MONO_US BYTES         MemTotal is another one
 *
 * The watch looks at memory every 4 ms and at stall every 24 ms, stays in memory, and tells what it
 * saw when it is over: a pipe that nobody reads would hold it up. Times are of the guest's
 * CLOCK_MONOTONIC, as those in the agent's reports.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define LOOK_USEC 4000
/* Who reads PSI more often than a jiffy (4 ms) makes the kernel lose stall: it weighs each interval
 * between two reads by whole jiffies that were not idle. Seen: a watch that read every 4 ms let the
 * agent's own reading show 30 ms where the trigger saw 50. */
#define STALL_LOOKS 6
#define STALL_STEP_USEC 1000
#define EVENTS_MAX 20000
#define TICK_USEC 1000
/* Lateness is counted in steps of 10 us, up to a second. */
#define LATE_STEP_USEC 10
#define LATE_STEPS 100000

struct event {
	const char *what;
	uint64_t usec, value;
};

static struct event events[EVENTS_MAX];
static size_t n_events;
static uint32_t lates[LATE_STEPS];
static volatile sig_atomic_t stopped;

static void on_stop(int sig)
{
	stopped = 1;
}

static uint64_t now_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void sleep_until(uint64_t usec)
{
	struct timespec ts = {.tv_sec = (time_t)(usec / 1000000),
		.tv_nsec = (long)(usec % 1000000 * 1000)};

	while (!stopped && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

/* The upper end of the step that so much of the count is at or below. */
static uint64_t late_percentile(uint64_t n, uint64_t permyriad)
{
	uint64_t sum = 0, rank = n * permyriad / 10000;
	size_t i = 0;

	while (i < LATE_STEPS - 1 && (sum += lates[i]) <= rank)
		i++;
	return (i + 1) * LATE_STEP_USEC;
}

static int late(uint64_t seconds)
{
	uint64_t begin = now_usec(), end = begin + seconds * 1000000, n = 0, max = 0, now = begin;

	while (!stopped && now < end) {
		uint64_t due = now + TICK_USEC, by;

		sleep_until(due);
		now = now_usec();
		if (now < due)
			break; /* it was told to end */
		by = now - due;
		max = by > max ? by : max;
		lates[by / LATE_STEP_USEC < LATE_STEPS ? by / LATE_STEP_USEC : LATE_STEPS - 1]++;
		n++;
	}
	printf("samples=%" PRIu64 " p50_us=%" PRIu64 " p99_us=%" PRIu64 " max_us=%" PRIu64 "\n", n,
		late_percentile(n, 5000), late_percentile(n, 9900), max);
	return n ? 0 : -ENODATA;
}

/* Half periods differ by up to a quarter, so that they are in step with nobody's clock. */
static uint64_t jittered(uint64_t usec)
{
	return usec - usec / 4 + (uint64_t)rand() % (usec / 2 + 1);
}

static int wave(size_t bytes, uint64_t half_usec, uint64_t seconds)
{
	uint64_t end = now_usec() + seconds * 1000000;

	srand((unsigned)now_usec());
	while (!stopped && now_usec() < end) {
		char *at = mmap(
			NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (at == MAP_FAILED)
			return -errno;
		for (size_t i = 0; i < bytes; i += PAGE)
			at[i] = 1;
		sleep_until(now_usec() + jittered(half_usec));
		munmap(at, bytes);
		sleep_until(now_usec() + jittered(half_usec));
	}
	return 0;
}

/* The number after the word in a file of /proc; 0 where there is none. */
static uint64_t number(int fd, const char *word)
{
	char text[2048];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	const char *at;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	at = strstr(text, word);
	return at ? strtoull(at + strlen(word), NULL, 10) : 0;
}

static void note(const char *what, uint64_t usec, uint64_t value)
{
	if (n_events < EVENTS_MAX)
		events[n_events++] = (struct event){what, usec, value};
}

static int watch(uint64_t seconds)
{
	int psi = open("/proc/pressure/memory", O_RDONLY), info = open("/proc/meminfo", O_RDONLY);
	uint64_t end = now_usec() + seconds * 1000000, stall, total, told_stall, told_total;

	if (psi < 0 || info < 0 || mlockall(MCL_CURRENT) < 0)
		return -errno;
	memset(events, 0, sizeof(events)); /* every page is there before it is needed */
	note("stall", now_usec(), told_stall = number(psi, "total="));
	note("total", now_usec(), told_total = number(info, "MemTotal:") * 1024);
	for (uint64_t due = now_usec(), looks = 0; !stopped && due < end; due += LOOK_USEC) {
		sleep_until(due);
		stall = ++looks % STALL_LOOKS == 0 ? number(psi, "total=") : told_stall;
		if (stall >= told_stall + STALL_STEP_USEC)
			note("stall", now_usec(), told_stall = stall);
		total = number(info, "MemTotal:") * 1024;
		if (total != told_total)
			note("total", now_usec(), told_total = total);
		if (now_usec() > due + LOOK_USEC) /* what was slept through is not made up for */
			due = now_usec();
	}
	for (size_t i = 0; i < n_events; i++)
		printf("%s %" PRIu64 " %" PRIu64 "\n", events[i].what, events[i].usec,
			events[i].value);
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction stop = {.sa_handler = on_stop};
	int r = -EINVAL;

	sigaction(SIGTERM, &stop, NULL);
	if (argc == 5 && strcmp(argv[1], "wave") == 0 && strtoull(argv[3], NULL, 10) > 0)
		r = wave(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10) * 1000,
			strtoull(argv[4], NULL, 10));
	else if (argc == 3 && strcmp(argv[1], "late") == 0)
		r = late(strtoull(argv[2], NULL, 10));
	else if (argc == 3 && strcmp(argv[1], "watch") == 0)
		r = watch(strtoull(argv[2], NULL, 10));
	if (r < 0)
		fprintf(stderr, "reaction-probe: %s\n", strerror(-r));
	return r < 0;
}
