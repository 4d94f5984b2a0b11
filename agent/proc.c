/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/proc.h"

#include <fcntl.h>
#include <limits.h>
#include <time.h>

#include "common/json-scan.h"

static const char *const names[PROC_FILE_MAX] = {
	[PROC_MEMINFO] = "meminfo",
	[PROC_VMSTAT] = "vmstat",
	[PROC_STAT] = "stat",
	[PROC_LOADAVG] = "loadavg",
	[PROC_PSI_MEMORY] = "pressure/memory",
	[PROC_PSI_CPU] = "pressure/cpu",
	[PROC_PSI_IO] = "pressure/io",
};

/* A key at the beginning of a line, and where its number is added. */
struct key {
	const char *name;
	uint16_t offset;
};
#define KEY(n, f)                              \
	{                                      \
		n, offsetof(struct figures, f) \
	}

static const struct key meminfo_keys[] = {
	KEY("MemTotal:", total_bytes),
	KEY("MemFree:", free_bytes),
	KEY("MemAvailable:", available_bytes),
	KEY("Active(file):", file_bytes),
	KEY("Inactive(file):", file_bytes),
	KEY("SwapTotal:", swap_total_bytes),
	KEY("SwapFree:", swap_free_bytes),
	KEY("Dirty:", dirty_bytes),
	KEY("AnonPages:", anon_bytes),
};

static const struct key vmstat_keys[] = {
	KEY("workingset_refault_file ", refaults_file),
	KEY("workingset_refault_anon ", refaults_anon),
	/* Before 5.9 there was one, and no anonymous page in it. */
	KEY("workingset_refault ", refaults_file),
	KEY("pgmajfault ", major_faults),
	KEY("oom_kill ", oom_kills),
};

uint64_t mono_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

int open_in(const char *dir, const char *name, int flags)
{
	size_t dir_len = strlen(dir), name_len = strlen(name);
	char path[512];
	int fd;

	if (dir_len + 1 + name_len >= sizeof(path))
		return -ENAMETOOLONG;
	memcpy(path, dir, dir_len);
	path[dir_len] = '/';
	memcpy(path + dir_len + 1, name, name_len + 1);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

ssize_t read_text(int fd, char *buf, size_t size)
{
	ssize_t n = pread(fd, buf, size - 1, 0);

	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return n;
}

void proc_open(struct proc *p, const char *dir)
{
	for (int i = 0; i < PROC_FILE_MAX; i++)
		if (!p->dir || p->fds[i] < 0)
			p->fds[i] = open_in(dir, names[i], O_RDONLY);
	p->dir = dir;
}

void proc_close(struct proc *p)
{
	for (int i = 0; i < PROC_FILE_MAX; i++)
		closep(&p->fds[i]);
}

/* The number at *s, after blanks, saturating at what JSON keeps; moves *s behind it. */
static uint64_t take_number(const char **s)
{
	uint64_t v = 0;

	while (**s == ' ' || **s == '\t')
		++*s;
	for (; **s >= '0' && **s <= '9'; ++*s)
		v = v > JSON_INTEGER_MAX / 10 ? JSON_INTEGER_MAX : v * 10 + (uint64_t)(**s - '0');
	return MIN(v, JSON_INTEGER_MAX);
}

static uint64_t scale(uint64_t v, uint64_t by)
{
	return v > JSON_INTEGER_MAX / by ? JSON_INTEGER_MAX : v * by;
}

static bool take_line(
	const char *line, const struct key *keys, size_t n, uint64_t unit, struct figures *f)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(keys[i].name);

		if (line[0] == keys[i].name[0] && strncmp(line, keys[i].name, len) == 0) {
			const char *number = line + len;

			*(uint64_t *)((char *)f + keys[i].offset) +=
				scale(take_number(&number), unit);
			return true;
		}
	}
	return false;
}

/* Adds up the keys of a file until it has them all. It may be longer than the buffer: what is left
 * of a line goes with the next piece. Returns 0 or -errno. */
static int take_file(
	int fd, const struct key *keys, size_t n_keys, uint64_t unit, struct figures *f)
{
	size_t found = 0;
	off_t at = 0;
	char buf[2048];

	for (;;) {
		ssize_t n = pread(fd, buf, sizeof(buf) - 1, at);
		char *line = buf, *end;

		if (n <= 0)
			return n < 0 ? -errno : at > 0 ? 0 : -ENODATA;
		buf[n] = '\0';
		for (; (end = strchr(line, '\n')); line = end + 1) {
			*end = '\0';
			found += take_line(line, keys, n_keys, unit, f);
			if (found == n_keys)
				return 0;
		}
		/* No newline in a whole buffer: skip it. */
		at += line == buf ? n : line - buf;
	}
}

static int take_memory(const struct proc *p, struct figures *f)
{
	struct figures now = *f;
	int r;

	now.total_bytes = now.available_bytes = now.free_bytes = now.anon_bytes = now.file_bytes =
		0;
	now.dirty_bytes = now.swap_total_bytes = now.swap_free_bytes = 0;
	if (p->fds[PROC_MEMINFO] < 0)
		return -ENOENT;
	r = take_file(p->fds[PROC_MEMINFO], meminfo_keys, ARRAY_SIZE(meminfo_keys), KIB, &now);
	if (r < 0)
		return r;
	if (now.total_bytes == 0)
		return -ENODATA;
	*f = now;
	return 0;
}

static void take_vmstat(const struct proc *p, struct figures *f)
{
	struct figures now = *f;

	now.major_faults = now.refaults_file = now.refaults_anon = now.oom_kills = 0;
	if (p->fds[PROC_VMSTAT] < 0 ||
		take_file(p->fds[PROC_VMSTAT], vmstat_keys, ARRAY_SIZE(vmstat_keys), 1, &now) < 0)
		return;
	now.has_counters = true;
	*f = now;
}

/* "cpu  user nice system idle iowait irq softirq steal ..." in ticks. */
static void take_steal(const struct proc *p, struct figures *f)
{
	long ticks_per_sec = sysconf(_SC_CLK_TCK);
	const char *s;
	char buf[256];
	uint64_t v = 0;

	if (p->fds[PROC_STAT] < 0 || read_text(p->fds[PROC_STAT], buf, sizeof(buf)) <= 4 ||
		strncmp(buf, "cpu ", 4) != 0 || ticks_per_sec <= 0)
		return;
	s = buf + 4;
	for (int i = 0; i < 8; i++)
		v = take_number(&s);
	f->steal_usec = scale(v, USEC_PER_SEC / (uint64_t)ticks_per_sec);
}

/* "0.00 0.01 0.05 2/123 4567": the 2 counts ourselves, for we run as we read it. */
static void take_running(const struct proc *p, struct figures *f)
{
	const char *s;
	char buf[128];

	if (p->fds[PROC_LOADAVG] < 0 || read_text(p->fds[PROC_LOADAVG], buf, sizeof(buf)) <= 0)
		return;
	s = buf;
	for (int blanks = 0; blanks < 3 && *s; s++)
		blanks += *s == ' ';
	f->running = take_number(&s);
	f->running -= f->running > 0;
	f->running = MIN(f->running, (uint64_t)UINT32_MAX);
}

/* The "total=" of the line that begins with word, or what it was. */
static uint64_t psi_total(const char *text, const char *word, uint64_t was)
{
	const char *line = strstr(text, word), *total;

	total = line ? strstr(line, "total=") : NULL;
	if (!total)
		return was;
	total += strlen("total=");
	return take_number(&total);
}

static bool take_psi_file(const struct proc *p, enum proc_file file, uint64_t *some, uint64_t *full)
{
	char buf[256];

	if (p->fds[file] < 0 || read_text(p->fds[file], buf, sizeof(buf)) <= 0)
		return false;
	*some = psi_total(buf, "some ", *some);
	/* Before 5.13 there is no such line for the CPU. */
	if (full)
		*full = psi_total(buf, "full ", *full);
	return true;
}

static void take_psi(const struct proc *p, struct figures *f)
{
	if (take_psi_file(p, PROC_PSI_MEMORY, &f->psi_mem_some_usec, &f->psi_mem_full_usec))
		f->has_psi = true;
	(void)take_psi_file(p, PROC_PSI_CPU, &f->psi_cpu_some_usec, NULL);
	(void)take_psi_file(p, PROC_PSI_IO, &f->psi_io_some_usec, &f->psi_io_full_usec);
}

int proc_look(const struct proc *p, bool counters, struct figures *f)
{
	int r = take_memory(p, f);

	if (r < 0)
		return r;
	f->mono_usec = mono_usec();
	f->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	if (counters)
		take_vmstat(p, f);
	return 0;
}

int proc_read(const struct proc *p, struct figures *f)
{
	int r = proc_look(p, true, f);

	if (r < 0)
		return r;
	take_steal(p, f);
	take_running(p, f);
	take_psi(p, f);
	return 0;
}

uint64_t proc_boot_id(const char *dir)
{
	_cleanup_close_ int fd = open_in(dir, "sys/kernel/random/boot_id", O_RDONLY);
	struct timespec now, up;
	uint64_t id = 0;
	char buf[64];
	int digits = 0;

	if (fd >= 0 && read_text(fd, buf, sizeof(buf)) >= 19) {
		for (const char *s = buf; *s && digits < 16; s++) {
			int d = json_hex_digit(*s);

			if (d >= 0) {
				id = id << 4 | (uint64_t)d;
				digits++;
			}
		}
	}
	if (digits == 16 && id != 0)
		return id;
	/* Within a boot it moves only when the clock is set. */
	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	id = (uint64_t)(now.tv_sec - up.tv_sec);
	return id ? id : 1;
}
