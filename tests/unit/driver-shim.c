/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Preloaded before ballastd on libvirt's test driver, to give that driver what it lacks. In the
 * directory $DRIVER_SHIM:
 *
 *   hold      while it exists, a setMemory hangs
 *   late      while it exists, a setMemory that hung takes no effect, though it has returned
 *   NAME.cpu  "SHARES PERIOD QUOTA", the scheduler's parameters of a guest; without it those of a
 * new one log       each call that changes a guest, one line when it was begun: "memory NAME KIB",
 * "cpu NAME FIELD=VALUE ...", "period NAME SECONDS"
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvirt/libvirt.h>

static const char *path(char buf[static 512], const char *name, const char *end)
{
	const char *dir = getenv("DRIVER_SHIM");

	snprintf(buf, 512, "%s/%s%s", dir ? dir : "/nonexistent", name, end);
	return buf;
}

static bool there(const char *name)
{
	char buf[512];

	return access(path(buf, name, ""), F_OK) == 0;
}

static bool wait_gone(const char *name)
{
	bool waited = false;

	for (; there(name); waited = true)
		usleep(10000);
	return waited;
}

__attribute__((format(printf, 1, 2))) static void note(const char *fmt, ...)
{
	char buf[512], line[512];
	int fd = open(path(buf, "log", ""), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600), n;
	va_list ap;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (fd >= 0 && n > 0 && write(fd, line, (size_t)n) < 0)
		perror(buf);
	if (fd >= 0)
		close(fd);
}

typedef int (*set_memory_fn)(virDomainPtr, unsigned long, unsigned);

static int real_set_memory(virDomainPtr dom, unsigned long kib, unsigned flags)
{
	set_memory_fn fn = (set_memory_fn)dlsym(RTLD_NEXT, "virDomainSetMemoryFlags");

	return fn ? fn(dom, kib, flags) : -1;
}

struct late {
	virDomainPtr dom;
	unsigned long kib;
	unsigned flags;
};

static void *land(void *data)
{
	struct late *l = data;

	wait_gone("late");
	real_set_memory(l->dom, l->kib, l->flags);
	virDomainFree(l->dom);
	free(l);
	return NULL;
}

int virDomainSetMemoryFlags(virDomainPtr dom, unsigned long kib, unsigned flags)
{
	struct late *l;
	pthread_t thread;

	note("memory %s %lu\n", virDomainGetName(dom), kib);
	if (!wait_gone("hold") || !there("late"))
		return real_set_memory(dom, kib, flags);
	l = malloc(sizeof(*l));
	if (!l)
		return -1;
	*l = (struct late){dom, kib, flags};
	virDomainRef(dom);
	if (pthread_create(&thread, NULL, land, l) == 0)
		pthread_detach(thread);
	return 0;
}

int virDomainSetMemoryStatsPeriod(virDomainPtr dom, int period, unsigned flags)
{
	note("period %s %d\n", virDomainGetName(dom), period);
	return 0;
}

struct cpu {
	unsigned long long shares, period;
	long long quota;
};

static void cpu_read(virDomainPtr dom, struct cpu *c)
{
	char buf[512];
	FILE *f = fopen(path(buf, virDomainGetName(dom), ".cpu"), "re");

	*c = (struct cpu){1024, 100000, -1};
	if (!f)
		return;
	if (fscanf(f, "%llu %llu %lld", &c->shares, &c->period, &c->quota) != 3)
		fprintf(stderr, "%s: not three numbers\n", buf);
	fclose(f);
}

static void cpu_write(virDomainPtr dom, const struct cpu *c)
{
	char buf[512];
	FILE *f = fopen(path(buf, virDomainGetName(dom), ".cpu"), "we");

	if (!f)
		return;
	fprintf(f, "%llu %llu %lld\n", c->shares, c->period, c->quota);
	fclose(f);
}

int virDomainGetSchedulerParametersFlags(
	virDomainPtr dom, virTypedParameterPtr params, int *n, unsigned flags)
{
	virTypedParameterPtr list = NULL;
	int count = 0, max = 0;
	struct cpu c;

	cpu_read(dom, &c);
	if (virTypedParamsAddULLong(
		    &list, &count, &max, VIR_DOMAIN_SCHEDULER_CPU_SHARES, c.shares) < 0 ||
		virTypedParamsAddULLong(
			&list, &count, &max, VIR_DOMAIN_SCHEDULER_GLOBAL_PERIOD, c.period) < 0 ||
		virTypedParamsAddLLong(
			&list, &count, &max, VIR_DOMAIN_SCHEDULER_GLOBAL_QUOTA, c.quota) < 0 ||
		count > *n) {
		virTypedParamsFree(list, count);
		return -1;
	}
	memcpy(params, list, (size_t)count * sizeof(*params));
	free(list);
	*n = count;
	return 0;
}

int virDomainSetSchedulerParametersFlags(
	virDomainPtr dom, virTypedParameterPtr params, int n, unsigned flags)
{
	char line[256] = "";
	struct cpu c;

	cpu_read(dom, &c);
	for (int i = 0; i < n; i++) {
		const virTypedParameter *p = &params[i];
		size_t len = strlen(line);

		snprintf(line + len, sizeof(line) - len, " %s=%lld", p->field, p->value.l);
		if (strcmp(p->field, VIR_DOMAIN_SCHEDULER_CPU_SHARES) == 0)
			c.shares = p->value.ul;
		else if (strcmp(p->field, VIR_DOMAIN_SCHEDULER_GLOBAL_PERIOD) == 0)
			c.period = p->value.ul;
		else if (strcmp(p->field, VIR_DOMAIN_SCHEDULER_GLOBAL_QUOTA) == 0)
			c.quota = p->value.l;
	}
	note("cpu %s%s\n", virDomainGetName(dom), line);
	cpu_write(dom, &c);
	return 0;
}
