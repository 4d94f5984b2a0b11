/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the daemon's end of the agent channels costs by itself: N channels in one hub,
 * against fake-agents or real guests. Prints CPU per report (wake-up, read, parse, call back),
 * memory per channel, and how long a ping takes to come back while others flood. Usage:
 * channel-probe PATTERN COUNT SECONDS [PINGED], where the first PINGED channels are pinged ten
 * times a second in turn.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "daemon/channel/channel.h"

#define PING_USEC (100 * USEC_PER_MSEC)
#define SAMPLES_MAX 100000

struct guest {
	struct channel *c;
	uint64_t asked_usec; /* 0: no ping is out */
};

static struct guest *guests;
static unsigned long count, pinged, next;
static uint64_t samples[SAMPLES_MAX], reports, hellos, closed;
static size_t n_samples;

static uint64_t clock_usec(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

static void on_report(void *userdata, const struct guest_report *report)
{
	struct guest *g = userdata;

	reports++;
	if (!g->asked_usec || report->why != REPORT_WHY_REQUEST)
		return;
	if (n_samples < SAMPLES_MAX)
		samples[n_samples++] = clock_usec(CLOCK_MONOTONIC) - g->asked_usec;
	g->asked_usec = 0;
}

static void on_hello(void *userdata, const struct agent_hello *hello)
{
	hellos++;
}

static void on_filesystems(void *userdata, const struct guest_filesystem *fs, size_t n)
{
}

static void on_event(void *userdata, enum channel_event_kind kind, const char *detail)
{
	closed += kind == CHANNEL_EVENT_CLOSED;
}

static const struct channel_ops ops = {
	.on_report = on_report,
	.on_hello = on_hello,
	.on_filesystems = on_filesystems,
	.on_event = on_event,
};

static int on_tick(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct guest *g = &guests[next++ % pinged];

	g->asked_usec = clock_usec(CLOCK_MONOTONIC);
	if (channel_ping(g->c) < 0)
		g->asked_usec = 0;
	(void)sd_event_source_set_time(s, clock_usec(CLOCK_MONOTONIC) + PING_USEC);
	return sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

static uint64_t anon_kib(void)
{
	char line[256];
	uint64_t kib = 0;
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "RssAnon:", 8) == 0)
			kib = strtoull(line + 8, NULL, 10);
	if (f)
		fclose(f);
	return kib;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t percentile(unsigned permyriad)
{
	return n_samples ? samples[(n_samples - 1) * permyriad / 10000] : 0;
}

static int open_channels(struct hub *hub, const char *pattern)
{
	for (unsigned long i = 0; i < count; i++) {
		const char *mark = strstr(pattern, "%d");
		char path[256];
		int r;

		if (!mark)
			return -EINVAL;
		snprintf(path, sizeof(path), "%.*s%lu%s", (int)(mark - pattern), pattern, i,
			mark + 2);
		r = channel_new(hub, path, &ops, &guests[i], &guests[i].c);
		if (r < 0)
			return r;
	}
	return 0;
}

static int run_for(struct hub *hub, uint64_t usec)
{
	uint64_t end_usec = clock_usec(CLOCK_MONOTONIC) + usec, now_usec;
	int r = 0;

	while (r >= 0 && (now_usec = clock_usec(CLOCK_MONOTONIC)) < end_usec)
		r = hub_turn(hub, end_usec - now_usec);
	return r;
}

int main(int argc, char **argv)
{
	uint64_t seconds, cpu_usec, before_kib = anon_kib(), before_reports;
	struct rlimit files = {};
	sd_event *loop = NULL;
	struct hub *hub = NULL;
	int r;

	if (argc < 4) {
		fputs("channel-probe PATTERN COUNT SECONDS [PINGED]\n", stderr);
		return 2;
	}
	count = strtoul(argv[2], NULL, 10);
	seconds = strtoul(argv[3], NULL, 10);
	pinged = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
	(void)getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
	guests = calloc(count ? count : 1, sizeof(*guests));
	if (!guests || count == 0 || pinged > count || sd_event_new(&loop) < 0 ||
		hub_new(loop, &hub) < 0)
		return 1;
	r = open_channels(hub, argv[1]);
	/* The first seconds go to connecting and to hellos. */
	if (r >= 0)
		r = run_for(hub, 3 * USEC_PER_SEC);
	if (r >= 0 && pinged)
		r = sd_event_add_time(loop, NULL, CLOCK_MONOTONIC, 0, 1, on_tick, NULL);
	before_reports = reports;
	cpu_usec = clock_usec(CLOCK_PROCESS_CPUTIME_ID);
	if (r >= 0)
		r = run_for(hub, seconds * USEC_PER_SEC);
	cpu_usec = clock_usec(CLOCK_PROCESS_CPUTIME_ID) - cpu_usec;
	if (r < 0) {
		fprintf(stderr, "channel-probe: %s\n", strerror(-r));
		return 1;
	}
	reports -= before_reports;
	qsort(samples, n_samples, sizeof(samples[0]), compare);
	printf("channels=%lu hellos=%" PRIu64 " reports=%" PRIu64 " cpu_us=%" PRIu64
	       " cpu_ns_per_report=%" PRIu64 " cpu_ppm=%" PRIu64 " anon_kib=%" PRIu64
	       " anon_bytes_per_channel=%" PRIu64 " closed=%" PRIu64
	       " pings=%zu ping_p50_us=%" PRIu64 " ping_p99_us=%" PRIu64 " ping_max_us=%" PRIu64
	       "\n",
		count, hellos, reports, cpu_usec, reports ? cpu_usec * 1000 / reports : 0,
		cpu_usec / MAX(seconds, UINT64_C(1)), anon_kib(),
		(anon_kib() - before_kib) * 1024 / count, closed, n_samples, percentile(5000),
		percentile(9900), percentile(10000));
	for (unsigned long i = 0; i < count; i++)
		channel_free(guests[i].c);
	hub_free(hub);
	sd_event_unref(loop);
	free(guests);
	return 0;
}
