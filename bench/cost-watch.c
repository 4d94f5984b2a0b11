/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a process costs over a time: cost-watch PID SECONDS. CPU from its own CPU clock, which
 * counts every thread in nanoseconds, ended ones too (/proc/PID/schedstat is the first thread's
 * alone, utime is in ticks); memory and threads looked at once a second, and the largest told;
 * wake-ups are the voluntary context switches of the threads that are there at the end.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "common/macros.h"

struct look {
	uint64_t cpu_nsec, wall_nsec;
	uint64_t anon_kib, resident_kib, threads, wakeups;
};

static uint64_t clock_nsec(clockid_t clock)
{
	struct timespec ts;

	return clock_gettime(clock, &ts) < 0
		       ? 0
		       : (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* The number after KEY: in a status file; 0 where there is none. */
static uint64_t status_field(const char *path, const char *key)
{
	char line[256];
	uint64_t value = 0;
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':')
			value = strtoull(line + strlen(key) + 1, NULL, 10);
	if (f)
		fclose(f);
	return value;
}

static uint64_t count_wakeups(pid_t pid)
{
	char path[300];
	struct dirent *e;
	uint64_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/status", (int)pid, e->d_name);
		n += status_field(path, "voluntary_ctxt_switches");
	}
	if (dir)
		closedir(dir);
	return n;
}

static int look_at(pid_t pid, clockid_t clock, struct look *ret)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	*ret = (struct look){
		.cpu_nsec = clock_nsec(clock),
		.wall_nsec = clock_nsec(CLOCK_MONOTONIC),
		.anon_kib = status_field(path, "RssAnon"),
		.resident_kib = status_field(path, "VmRSS"),
		.threads = status_field(path, "Threads"),
	};
	return ret->threads && ret->cpu_nsec ? 0 : -ESRCH;
}

static void pause_until(uint64_t nsec)
{
	struct timespec ts = {
		.tv_sec = (time_t)(nsec / 1000000000), .tv_nsec = (long)(nsec % 1000000000)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

int main(int argc, char **argv)
{
	struct look first, last, most, now;
	uint64_t seconds, wakeups, busiest_nsec = 0;
	clockid_t clock;
	pid_t pid;

	if (argc != 3 || (pid = (pid_t)strtol(argv[1], NULL, 10)) <= 0 ||
		(seconds = strtoull(argv[2], NULL, 10)) == 0) {
		fputs("cost-watch PID SECONDS\n", stderr);
		return 2;
	}
	if (clock_getcpuclockid(pid, &clock) != 0 || look_at(pid, clock, &first) < 0) {
		fprintf(stderr, "cost-watch: there is no process %d\n", (int)pid);
		return 1;
	}
	wakeups = count_wakeups(pid);
	most = last = first;
	for (uint64_t s = 1; s <= seconds; s++) {
		pause_until(first.wall_nsec + s * 1000000000);
		if (look_at(pid, clock, &now) < 0) {
			fprintf(stderr, "cost-watch: process %d has ended\n", (int)pid);
			return 1;
		}
		most.anon_kib = MAX(most.anon_kib, now.anon_kib);
		most.resident_kib = MAX(most.resident_kib, now.resident_kib);
		most.threads = MAX(most.threads, now.threads);
		busiest_nsec = MAX(busiest_nsec, now.cpu_nsec - last.cpu_nsec);
		last = now;
	}
	printf("cpu_nsec=%" PRIu64 " wall_nsec=%" PRIu64 " busiest_nsec=%" PRIu64
	       " anon_kib=%" PRIu64 " resident_kib=%" PRIu64 " threads=%" PRIu64 " wakeups=%" PRIu64
	       "\n",
		last.cpu_nsec - first.cpu_nsec, last.wall_nsec - first.wall_nsec, busiest_nsec,
		most.anon_kib, most.resident_kib, most.threads, count_wakeups(pid) - wakeups);
	return 0;
}
