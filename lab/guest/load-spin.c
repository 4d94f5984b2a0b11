/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* load spin: busy processes, each counting until the time is over. */
#include "lab/guest/load.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void spin(uint64_t end_usec)
{
	volatile uint64_t sink = 0;

	while (load_now_usec() < end_usec)
		for (int i = 0; i < 100000; i++)
			sink++;
}

int load_spin(char **args)
{
	uint64_t n = 1, usec = 60 * USEC_PER_SEC, start = load_now_usec();
	struct rusage ru;

	for (; *args; args++)
		if (streq(*args, "--seconds"))
			usec = USEC_PER_SEC * load_number(load_value(&args), 1, LOAD_SECONDS_MAX);
		else
			n = load_number(*args, 1, 256);
	for (uint64_t i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			spin(start + usec);
			_exit(0);
		}
		if (pid < 0) {
			perror("load: fork");
			return 1;
		}
	}
	while (wait(NULL) > 0)
		;
	getrusage(RUSAGE_CHILDREN, &ru);
	printf("processes=%llu cpu_ms=%llu wall_ms=%llu\n", (unsigned long long)n,
		(unsigned long long)ru.ru_utime.tv_sec * 1000 +
			(unsigned long long)ru.ru_utime.tv_usec / 1000,
		(unsigned long long)(load_now_usec() - start) / 1000);
	return 0;
}
