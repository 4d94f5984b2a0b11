/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * load probe: how this guest feels to a small latency-bound program. Every millisecond it wakes up
 * and does one small thing: nothing (how late the timer was), a read of 4 KiB at a random place
 * (--read), or a touch of a random page of its own memory (--mem). Prints the percentiles of the
 * time each took; before, with --by-second, the last of each second. With --warm its first seconds
 * do not count: then it has its own code and pages.
 */
#include "lab/guest/load.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

#define PAGE        4096
#define PERIOD_USEC 1000

struct probe {
	uint64_t seconds, warm_seconds, size;
	const char *file;
	int fd;
	uint8_t *mem;
	uint32_t *samples; /* microseconds */
	size_t n;
	bool by_second;
	size_t *ends; /* by second: of so many samples the first ones are up to its end */
};

static struct probe parse(char **args)
{
	struct probe p = {.seconds = 10, .fd = -1};
	bool mem = false;

	for (; *args; args++)
		if (streq(*args, "--seconds")) {
			p.seconds = load_number(load_value(&args), 1, LOAD_SECONDS_MAX);
		} else if (streq(*args, "--read")) {
			p.file = load_value(&args);
		} else if (streq(*args, "--size")) {
			p.size = load_size(load_value(&args));
		} else if (streq(*args, "--mem")) {
			p.size = load_size(load_value(&args));
			mem = true;
		} else if (streq(*args, "--warm")) {
			p.warm_seconds = load_number(load_value(&args), 0, LOAD_SECONDS_MAX);
		} else if (streq(*args, "--by-second")) {
			p.by_second = true;
		} else {
			load_usage("unknown option %s", *args);
		}
	if ((p.file != NULL) != (p.size > 0 && !mem) || (p.size > 0 && p.size < PAGE))
		load_usage("--read needs --size of at least 4K, and --mem goes without both");
	return p;
}

static int prepare(struct probe *p)
{
	p->samples = calloc(p->seconds * USEC_PER_SEC / PERIOD_USEC, sizeof(*p->samples));
	p->ends = calloc(p->seconds, sizeof(*p->ends));
	if (!p->samples || !p->ends)
		return -ENOMEM;
	if (p->file) {
		p->fd = open(p->file, O_RDONLY | O_CLOEXEC);
		return p->fd < 0 ? -errno : 0;
	}
	if (p->size == 0)
		return 0;
	p->mem = mmap(NULL, p->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p->mem == MAP_FAILED)
		return -errno;
	for (uint64_t at = 0; at < p->size; at += PAGE)
		p->mem[at] = (uint8_t)at;
	return 0;
}

/* The small thing; returns when it counts from: its own start, or when the timer was due. */
static uint64_t act(struct probe *p, uint64_t due, uint64_t *state)
{
	uint64_t at = p->size > 0 ? load_random(state) % (p->size / PAGE) * PAGE : 0;
	uint64_t start = load_now_usec();
	uint8_t page[PAGE];

	if (p->fd >= 0 && pread(p->fd, page, PAGE, (off_t)at) != PAGE)
		load_usage("%s: cannot read at %llu", p->file, (unsigned long long)at);
	if (p->mem)
		((volatile uint8_t *)p->mem)[at]++;
	return p->size > 0 ? start : due;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint32_t percentile(const uint32_t *sorted, size_t n, unsigned percent)
{
	return sorted[n * percent / 100];
}

static void print_seconds(struct probe *p)
{
	size_t from = 0;

	for (uint64_t s = 0; s < p->seconds; from = MAX(from, p->ends[s]), s++) {
		if (p->ends[s] <= from)
			continue;
		qsort(p->samples + from, p->ends[s] - from, sizeof(*p->samples), compare);
		printf("second=%llu samples=%zu second_p99_us=%u\n", (unsigned long long)s,
			p->ends[s] - from, percentile(p->samples + from, p->ends[s] - from, 99));
	}
}

int load_probe(char **args)
{
	struct probe p = parse(args);
	uint64_t begin, start, end, state;
	int r = prepare(&p);

	if (r < 0) {
		fprintf(stderr, "load: %s\n", strerror(-r));
		return 1;
	}
	begin = load_now_usec();
	start = begin + p.warm_seconds * USEC_PER_SEC;
	end = start + p.seconds * USEC_PER_SEC;
	state = begin | 1;
	/* A tick that was slept through is not repeated: the next one is due a period from now. */
	for (uint64_t due = begin + PERIOD_USEC; due < end;
		due = MAX(due, load_now_usec()) + PERIOD_USEC) {
		uint64_t from, took;

		load_sleep_until(due);
		from = act(&p, due, &state);
		took = load_now_usec() - from;
		if (due <= start)
			continue;
		p.samples[p.n++] = (uint32_t)took;
		p.ends[MIN((due - start) / USEC_PER_SEC, p.seconds - 1)] = p.n;
	}
	if (p.n == 0) {
		fprintf(stderr, "load: not one tick in %llu s\n", (unsigned long long)p.seconds);
		return 1;
	}
	if (p.by_second)
		print_seconds(&p);
	qsort(p.samples, p.n, sizeof(*p.samples), compare);
	printf("samples=%zu p50_us=%u p99_us=%u max_us=%u\n", p.n, percentile(p.samples, p.n, 50),
		percentile(p.samples, p.n, 99), p.samples[p.n - 1]);
	return 0;
}
