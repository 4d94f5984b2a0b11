/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lab/guest/load.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static const struct {
	const char *name;
	int (*run)(char **args);
	const char *usage;
} loads[] = {
	{"mem", load_mem, "SIZE [--fill-ms N] [--hold SECONDS] [--touch] [--fast] [--huge]"},
	{"reread", load_reread, "FILE --size SIZE --seconds N [--random]"},
	{"spin", load_spin, "[N] [--seconds N]"},
	{"probe", load_probe,
		"[--seconds N] [--warm N] [--by-second] [--read FILE --size SIZE | --mem SIZE]"},
};

void load_usage(const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "load: ");
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++)
		fprintf(stderr, "  load %s %s\n", loads[i].name, loads[i].usage);
	exit(2);
}

const char *load_value(char ***args)
{
	const char *option = **args;

	if (!(*args)[1])
		load_usage("%s needs a value", option);
	return *++*args;
}

uint64_t load_size(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 10);

	if (streq(end, "K"))
		n *= KIB;
	else if (streq(end, "M"))
		n *= MIB;
	else if (streq(end, "G"))
		n *= GIB;
	else if (*end)
		n = 0;
	if (n == 0)
		load_usage("'%s' is not a size, wanted e.g. 64M", text);
	return n;
}

uint64_t load_number(const char *text, uint64_t min, uint64_t max)
{
	char *end;
	uint64_t n = strtoull(text, &end, 10);

	if (*end || end == text || n < min || n > max)
		load_usage("'%s' is not a number in %llu..%llu", text, (unsigned long long)min,
			(unsigned long long)max);
	return n;
}

uint64_t load_now_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

void load_sleep_until(uint64_t usec)
{
	struct timespec ts = {
		.tv_sec = (time_t)(usec / USEC_PER_SEC),
		.tv_nsec = (long)(usec % USEC_PER_SEC * 1000),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(loads); i++)
		if (streq(argv[1], loads[i].name))
			return loads[i].run(argv + 2);
	load_usage("which load?");
}
