/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/host/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>

#include "daemon/host/reader.h"

struct process {
	int statm;
	uint64_t page_bytes;
	bool live; /* of this very machine: its threads can be asked about */
	size_t n;
	struct vcpu_file {
		pid_t tid;
		int sched; /* schedstat; -1: it is gone */
	} vcpu[];
};

/* --- /proc/PID/stat --- */

/* The text after the name, which may hold anything, even blanks and brackets: "S 1 ...". NULL: not
 * of the form. */
static const char *stat_fields(const char *stat)
{
	const char *end = strrchr(stat, ')');

	return end && end[1] == ' ' ? end + 2 : NULL;
}

static int read_stat(const char *root, pid_t pid, char *buf, size_t size)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "proc/%d/stat", (int)pid);
	n = reader_read_path(root, path, buf, size);
	if (n < 0)
		return n == -ENOENT ? -ESRCH : (int)n;
	return 0;
}

static int stat_start_ticks(const char *stat, uint64_t *ret)
{
	const char *s = stat_fields(stat);

	/* The state is field 3; the start time is 22. */
	for (int field = 3; s && field < 22; field++) {
		s = strchr(s, ' ');
		s += s != NULL;
	}
	return s && reader_number(&s, ret) ? 0 : -EBADMSG;
}

int process_start_ticks(const char *root, pid_t pid, uint64_t *ret)
{
	char buf[1024];
	int r = read_stat(root, pid, buf, sizeof(buf));

	return r < 0 ? r : stat_start_ticks(buf, ret);
}

bool process_is_stopped(const char *root, pid_t pid)
{
	char buf[1024];
	const char *s;

	if (read_stat(root, pid, buf, sizeof(buf)) < 0)
		return false;
	s = stat_fields(buf);
	return s && *s == 'T';
}

/* --- Kept open --- */

struct process *process_close(struct process *p)
{
	if (!p)
		return NULL;
	closep(&p->statm);
	for (size_t i = 0; i < p->n; i++)
		closep(&p->vcpu[i].sched);
	free(p);
	return NULL;
}

int process_open(const char *root, pid_t pid, uint64_t start_ticks, const pid_t *tids,
	size_t n_tids, struct process **ret)
{
	_cleanup_process_ struct process *p = NULL;
	char path[64];
	uint64_t ticks;
	int r;

	p = malloc(sizeof(*p) + n_tids * sizeof(*p->vcpu));
	if (!p)
		return -ENOMEM;
	p->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	p->live = streq(root, "/");
	p->n = 0;
	snprintf(path, sizeof(path), "proc/%d/statm", (int)pid);
	p->statm = reader_open(root, path);
	if (p->statm < 0)
		return p->statm == -ENOENT ? -ESRCH : p->statm;
	for (size_t i = 0; i < n_tids; i++) {
		snprintf(path, sizeof(path), "proc/%d/task/%d/schedstat", (int)pid, (int)tids[i]);
		p->vcpu[p->n++] = (struct vcpu_file){tids[i], reader_open(root, path)};
	}
	/* After the files are open: now it is known that they are that process's. */
	r = process_start_ticks(root, pid, &ticks);
	if (r < 0)
		return r;
	if (start_ticks && ticks != start_ticks)
		return -ESRCH;
	*ret = TAKE_PTR(p);
	return 0;
}

/* Sums the threads' "run_nsec wait_nsec slices". False: none could be read. */
static bool read_vcpus(const struct process *p, struct process_reading *r)
{
	uint64_t run_nsec = 0, wait_nsec = 0;
	bool any = false;

	for (size_t i = 0; i < p->n; i++) {
		char buf[96];
		const char *s = buf;
		uint64_t run, wait;

		if (p->vcpu[i].sched < 0 ||
			reader_read_single(p->vcpu[i].sched, buf, sizeof(buf)) <= 0 ||
			!reader_number(&s, &run) || !reader_number(&s, &wait))
			continue;
		run_nsec += run;
		wait_nsec += wait;
		any = true;
	}
	r->vcpu_time_usec = run_nsec / 1000;
	r->vcpu_delay_usec = wait_nsec / 1000;
	return any;
}

/* A thread that is gone adds nothing; a host with more CPUs than the map holds is not told. */
static void read_affinity(const struct process *p, struct process_reading *r)
{
	for (size_t i = 0; p->live && i < p->n; i++) {
		cpu_set_t set;

		if (sched_getaffinity(p->vcpu[i].tid, sizeof(set), &set) < 0)
			continue;
		for (size_t cpu = 0; cpu < MIN((size_t)CPU_MAP_MAX, (size_t)CPU_SETSIZE); cpu++)
			if (CPU_ISSET(cpu, &set))
				r->cpus.word[cpu / 64] |= UINT64_C(1) << cpu % 64;
	}
	for (size_t i = 0; i < ARRAY_SIZE(r->cpus.word); i++)
		r->n_cpus += (uint32_t)__builtin_popcountll(r->cpus.word[i]);
}

int process_read(struct process *p, bool with_vcpus, struct process_reading *ret)
{
	struct process_reading r = {0};
	char buf[128];
	const char *s = buf;
	uint64_t size_pages, resident_pages;
	ssize_t n = reader_read_single(p->statm, buf, sizeof(buf));

	if (n < 0)
		return (int)n;
	if (!reader_number(&s, &size_pages) || !reader_number(&s, &resident_pages))
		return -EBADMSG;
	/* A zombie's file reads as zeros: its memory is gone, and so is it for us. */
	if (size_pages == 0)
		return -ESRCH;
	r.resident_bytes = resident_pages * p->page_bytes;
	if (with_vcpus) {
		r.has_vcpu = read_vcpus(p, &r);
		read_affinity(p, &r);
	}
	*ret = r;
	return 0;
}

/* --- Finding --- */

static bool is_number(const char *s)
{
	return *s && s[strspn(s, "0123456789")] == '\0';
}

/* The word after "-uuid" among NUL-separated arguments. */
static bool cmdline_uuid(const char *args, size_t len, struct uuid *ret)
{
	const char *end = args + len;

	for (const char *a = args; a < end; a += strlen(a) + 1)
		if (streq(a, "-uuid") && a + sizeof("-uuid") < end)
			return uuid_parse(a + sizeof("-uuid"), ret) == 0;
	return false;
}

static ssize_t read_cmdline(const char *root, pid_t pid, char *buf, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "proc/%d/cmdline", (int)pid);
	return reader_read_path(root, path, buf, size);
}

static int compare_qemus(const void *a, const void *b)
{
	const struct qemu_process *x = a, *y = b;
	int r = memcmp(x->uuid.bytes, y->uuid.bytes, sizeof(x->uuid.bytes));

	return r ? r : (x->pid > y->pid) - (x->pid < y->pid);
}

static DIR *open_dir(const char *root, const char *path)
{
	char full[PATH_MAX];
	int n = snprintf(full, sizeof(full), "%s/%s", root, path);

	if (n < 0 || (size_t)n >= sizeof(full)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	return opendir(full);
}

static inline void dir_closep(DIR **d)
{
	if (*d)
		closedir(*d);
}
#define _cleanup_dir_ _cleanup_(dir_closep)

/* Long enough for what libvirt puts before "-uuid" and for every path that names the run. */
#define CMDLINE_MAX (32 * KIB)

int process_find_qemus(const char *root, struct qemu_process **ret, size_t *ret_n)
{
	_cleanup_free_ struct qemu_process *all = NULL;
	_cleanup_free_ char *args = malloc(CMDLINE_MAX);
	_cleanup_dir_ DIR *dir = open_dir(root, "proc");
	size_t n = 0;
	struct dirent *e;

	if (!args)
		return -ENOMEM;
	if (!dir)
		return -errno;
	while ((e = readdir(dir))) {
		struct qemu_process p, *grown;
		ssize_t len;

		if (!is_number(e->d_name))
			continue;
		p.pid = (pid_t)strtol(e->d_name, NULL, 10);
		len = read_cmdline(root, p.pid, args, CMDLINE_MAX);
		if (len <= 0 || !cmdline_uuid(args, (size_t)len, &p.uuid) ||
			process_start_ticks(root, p.pid, &p.start_ticks) < 0)
			continue;
		grown = reallocarray(all, n + 1, sizeof(*all));
		if (!grown)
			return -ENOMEM;
		all = grown;
		all[n++] = p;
	}
	if (n > 0)
		qsort(all, n, sizeof(*all), compare_qemus);
	*ret = TAKE_PTR(all);
	*ret_n = n;
	return 0;
}

static ssize_t read_at(int dir, const char *name, char *buf, size_t size)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : reader_read(fd, buf, size);
}

/* The first of "Uid: real effective saved file-system". A name cannot feign that line: the kernel
 * escapes what ends one. */
static int real_user(int dir, uid_t *ret)
{
	static const struct reader_field field = {"Uid", 0, 1};
	char text[4096];
	uint64_t uid;
	ssize_t n = read_at(dir, "status", text, sizeof(text));

	if (n < 0)
		return (int)n;
	if (!reader_fields(text, &field, 1, &uid))
		return -EBADMSG;
	*ret = (uid_t)uid;
	return 0;
}

static bool is_among(uid_t uid, const uid_t *users, size_t n)
{
	while (n > 0 && users[n - 1] != uid)
		n--;
	return n > 0;
}

static int is_still(int dir, const struct qemu_process *q)
{
	char text[1024];
	uint64_t ticks;
	ssize_t n = read_at(dir, "stat", text, sizeof(text));

	return n > 0 && stat_start_ticks(text, &ticks) == 0 && ticks == q->start_ticks ? 0 : -ESRCH;
}

int process_is_qemu(const char *root, const struct qemu_process *q, const char *part,
	const uid_t *users, size_t n_users, uid_t *ret_uid)
{
	_cleanup_free_ char *args = malloc(CMDLINE_MAX);
	_cleanup_close_ int dir = -1;
	char path[64];
	struct uuid uuid;
	struct stat st;
	ssize_t len;
	uid_t real;
	int r;

	if (!args)
		return -ENOMEM;
	snprintf(path, sizeof(path), "proc/%d", (int)q->pid);
	dir = reader_open(root, path);
	if (dir < 0)
		return dir == -ENOENT ? -ESRCH : dir;
	/* Of one that has ended it is root's. What is read after this shows that it has not. */
	if (fstat(dir, &st) < 0)
		return -errno;
	r = real_user(dir, &real);
	if (r < 0)
		return r;
	r = is_still(dir, q);
	if (r < 0)
		return r;
	len = read_at(dir, "cmdline", args, CMDLINE_MAX);
	if (len < 0)
		return (int)len;
	if (!cmdline_uuid(args, (size_t)len, &uuid) || !uuid_equal(&uuid, &q->uuid) ||
		!memmem(args, (size_t)len, part, strlen(part)))
		return -ENOENT;
	if (is_among(st.st_uid, users, n_users) && is_among(real, users, n_users))
		return 0;
	*ret_uid = is_among(st.st_uid, users, n_users) ? real : st.st_uid;
	return -EPERM;
}

bool process_cmdline_contains(const char *root, pid_t pid, const char *part)
{
	_cleanup_free_ char *args = malloc(CMDLINE_MAX);
	ssize_t len = args ? read_cmdline(root, pid, args, CMDLINE_MAX) : -ENOMEM;

	return len > 0 && memmem(args, (size_t)len, part, strlen(part));
}

int process_cmdline_number(const char *root, pid_t pid, const char *part, uint64_t *ret)
{
	_cleanup_free_ char *args = malloc(CMDLINE_MAX + 1);
	ssize_t len = args ? read_cmdline(root, pid, args, CMDLINE_MAX) : -ENOMEM;
	const char *at = len > 0 ? memmem(args, (size_t)len, part, strlen(part)) : NULL;
	unsigned long long n;
	char *end;

	if (!at)
		return -ENOENT;
	args[len] = '\0';
	at += strlen(part);
	if (*at < '0' || *at > '9')
		return -ENOENT;
	errno = 0;
	n = strtoull(at, &end, 10);
	if (errno)
		return -errno;
	*ret = n;
	return 0;
}

struct vcpu_thread {
	unsigned vcpu;
	pid_t tid;
};

static int compare_vcpus(const void *a, const void *b)
{
	const struct vcpu_thread *x = a, *y = b;

	return (x->vcpu > y->vcpu) - (x->vcpu < y->vcpu);
}

/* "CPU 3/KVM", "CPU 3/TCG". */
static bool thread_is_vcpu(const char *root, pid_t pid, const char *tid, unsigned *ret_vcpu)
{
	char path[96], comm[32], accel[8];

	snprintf(path, sizeof(path), "proc/%d/task/%.20s/comm", (int)pid, tid);
	return reader_read_path(root, path, comm, sizeof(comm)) > 0 &&
	       sscanf(comm, "CPU %u/%7s", ret_vcpu, accel) == 2;
}

int process_find_vcpus(const char *root, pid_t pid, pid_t **ret, size_t *ret_n)
{
	_cleanup_free_ struct vcpu_thread *all = NULL;
	_cleanup_free_ pid_t *tids = NULL;
	_cleanup_dir_ DIR *dir = NULL;
	char path[64];
	size_t n = 0;
	struct dirent *e;

	snprintf(path, sizeof(path), "proc/%d/task", (int)pid);
	dir = open_dir(root, path);
	if (!dir)
		return errno == ENOENT ? -ESRCH : -errno;
	while ((e = readdir(dir))) {
		struct vcpu_thread t, *grown;

		if (!is_number(e->d_name) || !thread_is_vcpu(root, pid, e->d_name, &t.vcpu))
			continue;
		t.tid = (pid_t)strtol(e->d_name, NULL, 10);
		grown = reallocarray(all, n + 1, sizeof(*all));
		if (!grown)
			return -ENOMEM;
		all = grown;
		all[n++] = t;
	}
	if (n > 0) {
		qsort(all, n, sizeof(*all), compare_vcpus);
		tids = calloc(n, sizeof(*tids));
		if (!tids)
			return -ENOMEM;
		for (size_t i = 0; i < n; i++)
			tids[i] = all[i].tid;
	}
	*ret = TAKE_PTR(tids);
	*ret_n = n;
	return 0;
}
