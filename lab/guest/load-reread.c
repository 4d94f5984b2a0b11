/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * load reread: reads the first --size bytes of a file or disk over and over. While they fit into
 * the page cache it runs at the speed of memory, when they do not it runs at the speed of the disk
 * and the kernel counts refaults. Holds the file open: a block device's cache is dropped when
 * nobody does.
 */
#include "lab/guest/load.h"

#include <fcntl.h>
#include <stdio.h>

#define BLOCK ((size_t)65536)

struct reread {
	const char *path;
	uint64_t size, usec;
	bool random;
	int fd;
};

static struct reread parse(char **args)
{
	struct reread l = {.fd = -1};

	for (; *args; args++)
		if (streq(*args, "--size"))
			l.size = load_size(load_value(&args));
		else if (streq(*args, "--seconds"))
			l.usec = USEC_PER_SEC * load_number(load_value(&args), 1, LOAD_SECONDS_MAX);
		else if (streq(*args, "--random"))
			l.random = true;
		else if (**args == '-')
			load_usage("unknown option %s", *args);
		else
			l.path = *args;
	if (!l.path || l.size < BLOCK || l.usec == 0)
		load_usage("reread needs a file, --size of at least 64K and --seconds");
	return l;
}

static int run(const struct reread *l)
{
	static uint8_t block[BLOCK];
	uint64_t blocks = l->size / BLOCK, start = load_now_usec(), line = start, now = start;
	uint64_t state = start | 1, bytes = 0, total = 0;

	for (uint64_t i = 0; now < start + l->usec; i++) {
		uint64_t at = l->random ? load_random(&state) % blocks : i % blocks;
		ssize_t n = pread(l->fd, block, BLOCK, (off_t)(at * BLOCK));

		if (n != (ssize_t)BLOCK) {
			fprintf(stderr, "load: %s: %s\n", l->path,
				n < 0 ? strerror(errno) : "shorter than --size");
			return 1;
		}
		bytes += (uint64_t)n;
		now = load_now_usec();
		if (now - line < USEC_PER_SEC)
			continue;
		printf("t_ms=%llu bytes_per_s=%llu\n", (unsigned long long)((now - start) / 1000),
			(unsigned long long)(bytes * USEC_PER_SEC / (now - line)));
		total += bytes;
		bytes = 0;
		line = now;
	}
	total += bytes;
	printf("total_bytes=%llu total_ms=%llu mean_bytes_per_s=%llu\n", (unsigned long long)total,
		(unsigned long long)((now - start) / 1000),
		(unsigned long long)(total * USEC_PER_SEC / MAX(now - start, (uint64_t)1)));
	return 0;
}

int load_reread(char **args)
{
	struct reread l = parse(args);

	l.fd = open(l.path, O_RDONLY | O_CLOEXEC);
	if (l.fd < 0) {
		fprintf(stderr, "load: %s: %s\n", l.path, strerror(errno));
		return 1;
	}
	if (l.random)
		(void)posix_fadvise(l.fd, 0, 0, POSIX_FADV_RANDOM);
	return run(&l);
}
