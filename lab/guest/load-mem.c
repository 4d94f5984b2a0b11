/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* load mem: anonymous memory, filled at once or over a given time, held, and re-touched in a loop
 * if wanted. */
#include "lab/guest/load.h"

#include <stdio.h>
#include <sys/mman.h>

#define PAGE      4096
#define HUGE_PAGE (2 * MIB)

/* Linux 5.14. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

struct mem {
	uint64_t size, fill_usec, hold_usec;
	bool touch; /* go over all pages again and again while holding */
	/* as quick as the kernel gives pages: one word each at most, which zram packs to nothing */
	bool fast;
	/* in pages of 2 MiB, where the guest has them: --cmdline transparent_hugepage=madvise */
	bool huge;
	uint8_t *at;
};

static struct mem parse(char **args)
{
	struct mem m = {.hold_usec = 30 * USEC_PER_SEC};

	for (; *args; args++)
		if (streq(*args, "--fill-ms"))
			m.fill_usec =
				1000 * load_number(load_value(&args), 0, LOAD_SECONDS_MAX * 1000);
		else if (streq(*args, "--hold"))
			m.hold_usec =
				USEC_PER_SEC * load_number(load_value(&args), 0, LOAD_SECONDS_MAX);
		else if (streq(*args, "--touch"))
			m.touch = true;
		else if (streq(*args, "--fast"))
			m.fast = true;
		else if (streq(*args, "--huge"))
			m.huge = true;
		else if (**args == '-')
			load_usage("unknown option %s", *args);
		else
			m.size = load_size(*args);
	if (m.size == 0)
		load_usage("how much memory?");
	return m;
}

static void fill_page(const struct mem *m, uint64_t offset, uint64_t *state)
{
	uint64_t *words = (uint64_t *)(m->at + offset);
	size_t n = m->fast ? 1 : PAGE / sizeof(*words);

	for (size_t i = 0; i < n; i++)
		words[i] = load_random(state);
}

/* In one call, without a fault for each page. False: this kernel cannot. */
static bool populate(const struct mem *m)
{
	return m->fast && m->fill_usec == 0 && madvise(m->at, m->size, MADV_POPULATE_WRITE) == 0;
}

/* Spreads the pages evenly over fill_usec, in steps of a millisecond or more. */
static void fill(const struct mem *m)
{
	uint64_t start = load_now_usec(), state = start | 1;

	for (uint64_t offset = populate(m) ? m->size : 0; offset < m->size; offset += PAGE) {
		uint64_t due = start + (uint64_t)((__uint128_t)m->fill_usec * offset / m->size);

		if (m->fill_usec > 0 && due > load_now_usec() + 1000)
			load_sleep_until(due);
		fill_page(m, offset, &state);
	}
	printf("filled_bytes=%llu fill_ms=%llu\n", (unsigned long long)m->size,
		(unsigned long long)((load_now_usec() - start) / 1000));
}

/* One pass reads and dirties a word of each page; a line a second says how many passes it was (in
 * thousandths). */
static void touch(const struct mem *m)
{
	uint64_t start = load_now_usec(), end = start + m->hold_usec, line = start, pages = 0, now;
	volatile uint8_t *at = m->at;

	for (uint64_t offset = 0; (now = load_now_usec()) < end;
		offset = (offset + 64 * PAGE) % m->size) {
		for (uint64_t i = 0; i < 64 && offset + i * PAGE < m->size; i++, pages++)
			at[offset + i * PAGE]++;
		if (now - line < USEC_PER_SEC)
			continue;
		printf("t_ms=%llu millipasses_per_s=%llu\n",
			(unsigned long long)((now - start) / 1000),
			(unsigned long long)((__uint128_t)pages * PAGE * 1000 * USEC_PER_SEC /
					     m->size / (now - line)));
		line = now;
		pages = 0;
	}
}

int load_mem(char **args)
{
	struct mem m = parse(args);

	m.size = (m.size + 64 * PAGE - 1) / (64 * PAGE) * (64 * PAGE);
	m.at = mmap(NULL, m.size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		-1, 0);
	if (m.at == MAP_FAILED) {
		perror("load: mmap");
		return 1;
	}
	m.at += -(uintptr_t)m.at % HUGE_PAGE;
	if (m.huge && madvise(m.at, m.size, MADV_HUGEPAGE) < 0) {
		perror("load: huge pages");
		return 1;
	}
	fill(&m);
	if (m.touch)
		touch(&m);
	else
		load_sleep_until(load_now_usec() + m.hold_usec);
	return 0;
}
