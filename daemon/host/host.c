/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/host/host.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "common/units.h"
#include "daemon/host/cgroup.h"
#include "daemon/host/reader.h"

/* A control group's memory.stat is the largest that is read: 2 KiB on 6.1. */
#define TEXT_MAX 8192

enum host_file {
	FILE_MEMINFO,
	FILE_STAT,
	FILE_ONLINE,
	FILE_PSI_MEMORY,
	FILE_PSI_CPU,
	FILE_PSI_IO,
	FILE_GROUP_LIMIT,
	FILE_GROUP_USED,
	FILE_GROUP_STAT,
	FILE_MAX,
};

struct host {
	int fds[FILE_MAX]; /* -1: there is no such file */
	bool group;	   /* memory and pressure come from a cgroup */
	int group_version;
	struct {
		uint32_t id;
		int fd;
	} nodes[HOST_NODES_MAX];
	size_t n_nodes;
	uint64_t usec_per_tick;
	char text[TEXT_MAX]; /* what is being read */
};

static bool host_text(struct host *h, enum host_file f)
{
	return h->fds[f] >= 0 && reader_read_single(h->fds[f], h->text, sizeof(h->text)) > 0;
}

/* --- Opening --- */

struct host *host_free(struct host *h)
{
	if (!h)
		return NULL;
	for (size_t i = 0; i < FILE_MAX; i++)
		closep(&h->fds[i]);
	for (size_t i = 0; i < h->n_nodes; i++)
		closep(&h->nodes[i].fd);
	free(h);
	return NULL;
}

static int open_group(struct host *h, const char *root, const char *path)
{
	static const char *const names[2][3] = {
		{"memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat"},
		{"memory.max", "memory.current", "memory.stat"},
	};
	static const char *const pressure[] = {"memory.pressure", "cpu.pressure", "io.pressure"};
	_cleanup_free_ char *dir = NULL, *pressure_dir = NULL;
	int r;

	h->group = true;
	h->group_version = cgroup_version(root, CGROUP_MEMORY);
	if (h->group_version < 0)
		return h->group_version;
	r = cgroup_dir(root, path, CGROUP_MEMORY, &dir);
	if (r < 0)
		return r;
	for (int i = 0; i < 3; i++)
		h->fds[FILE_GROUP_LIMIT + i] = reader_open(dir, names[h->group_version - 1][i]);
	if (h->fds[FILE_GROUP_USED] < 0)
		return h->fds[FILE_GROUP_USED];
	if (h->fds[FILE_GROUP_STAT] < 0)
		return h->fds[FILE_GROUP_STAT];
	r = cgroup_pressure_dir(root, path, &pressure_dir);
	if (r == -ENOENT)
		return 0; /* version 1 alone: no pressure */
	if (r < 0)
		return r;
	for (int i = 0; i < 3; i++)
		h->fds[FILE_PSI_MEMORY + i] = reader_open(pressure_dir, pressure[i]);
	return 0;
}

static int compare_numbers(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void open_nodes(struct host *h, const char *root)
{
	uint32_t ids[HOST_NODES_MAX];
	char path[PATH_MAX];
	struct dirent *e;
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/devices/system/node", root);
	dir = opendir(path);
	while (dir && n < HOST_NODES_MAX && (e = readdir(dir)))
		n += sscanf(e->d_name, "node%" SCNu32, &ids[n]) == 1;
	if (dir)
		closedir(dir);
	qsort(ids, n, sizeof(*ids), compare_numbers);
	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "sys/devices/system/node/node%" PRIu32 "/meminfo",
			ids[i]);
		h->nodes[h->n_nodes].id = ids[i];
		h->nodes[h->n_nodes].fd = reader_open(root, path);
		h->n_nodes += h->nodes[h->n_nodes].fd >= 0;
	}
}

int host_new(const char *root, const char *memory_from, struct host **ret)
{
	static const char group_prefix[] = "cgroup:/";
	static const char *const paths[] = {
		[FILE_MEMINFO] = "proc/meminfo",
		[FILE_STAT] = "proc/stat",
		[FILE_ONLINE] = "sys/devices/system/cpu/online",
		[FILE_PSI_MEMORY] = "proc/pressure/memory",
		[FILE_PSI_CPU] = "proc/pressure/cpu",
		[FILE_PSI_IO] = "proc/pressure/io",
	};
	_cleanup_host_ struct host *h = NULL;
	bool group = memory_from && !streq(memory_from, "host");
	int r;

	if (group && strncmp(memory_from, group_prefix, strlen(group_prefix)) != 0)
		return -EINVAL;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	for (size_t i = 0; i < FILE_MAX; i++)
		h->fds[i] = -1;
	h->usec_per_tick = USEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (!group || i < FILE_PSI_MEMORY)
			h->fds[i] = reader_open(root, paths[i]);
	if (h->fds[FILE_MEMINFO] < 0)
		return h->fds[FILE_MEMINFO];
	open_nodes(h, root);
	if (group) {
		r = open_group(h, root, memory_from + strlen(group_prefix) - 1);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(h);
	return 0;
}

/* --- Reading --- */

static int read_meminfo(struct host *h, struct host_reading *r)
{
	static const struct reader_field fields[] = {
		{"MemTotal", offsetof(struct host_reading, total_bytes), KIB},
		{"MemAvailable", offsetof(struct host_reading, available_bytes), KIB},
		{"MemFree", offsetof(struct host_reading, free_bytes), KIB},
		{"SwapTotal", offsetof(struct host_reading, swap_total_bytes), KIB},
		{"SwapFree", offsetof(struct host_reading, swap_free_bytes), KIB},
	};
	ssize_t n = reader_read_single(h->fds[FILE_MEMINFO], h->text, sizeof(h->text));

	if (n < 0)
		return (int)n;
	/* Without the first two there is nothing to divide (MemAvailable: since 3.14). */
	return (reader_fields(h->text, fields, ARRAY_SIZE(fields), r) & 3) == 3 ? 0 : -EBADMSG;
}

struct group_memory {
	uint64_t limit, used;
	uint64_t inactive_file, active_file, slab_reclaimable;
};

/*
 * In place of the host's: total = the limit where that is smaller; available = total - used + what
 * of it can go (file pages on the LRU lists, reclaimable slab:
 * Documentation/admin-guide/cgroup-v2.rst, memory.stat).
 */
static int read_group(struct host *h, struct host_reading *r)
{
	static const struct reader_field fields[2][3] = {
		{{"total_inactive_file", offsetof(struct group_memory, inactive_file), 1},
			{"total_active_file", offsetof(struct group_memory, active_file), 1},
			{"total_slab_reclaimable", offsetof(struct group_memory, slab_reclaimable),
				1}},
		{{"inactive_file", offsetof(struct group_memory, inactive_file), 1},
			{"active_file", offsetof(struct group_memory, active_file), 1},
			{"slab_reclaimable", offsetof(struct group_memory, slab_reclaimable), 1}},
	};
	struct group_memory g = {.limit = UINT64_MAX};
	const char *s = h->text;
	ssize_t n;

	/* "max" is no number: no limit. Version 1 says "none" with the largest page-aligned one. */
	if (host_text(h, FILE_GROUP_LIMIT) && !reader_number(&s, &g.limit))
		g.limit = UINT64_MAX;
	n = reader_read_single(h->fds[FILE_GROUP_USED], h->text, sizeof(h->text));
	if (n < 0)
		return (int)n;
	s = h->text;
	if (!reader_number(&s, &g.used))
		return -EBADMSG;
	if (host_text(h, FILE_GROUP_STAT))
		reader_fields(h->text, fields[h->group_version - 1], ARRAY_SIZE(fields[0]), &g);
	r->total_bytes = MIN(r->total_bytes, g.limit);
	g.used = sub_sat(g.used, g.inactive_file + g.active_file + g.slab_reclaimable);
	r->available_bytes = sub_sat(r->total_bytes, g.used);
	r->free_bytes = MIN(r->free_bytes, r->available_bytes);
	return 0;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234". The averages lag; differences of the totals
 * do not. */
static bool pressure_total(const char *text, const char *kind, uint64_t *ret)
{
	const char *line = strstr(text, kind);
	const char *total = line ? strstr(line, "total=") : NULL;

	if (!total || memchr(line, '\n', (size_t)(total - line)))
		return false;
	total += strlen("total=");
	return reader_number(&total, ret);
}

/* How many CPUs a list such as "0-3,8" has. */
static uint32_t count_list(const char *s)
{
	uint64_t first, last, n = 0;

	while (reader_number(&s, &first)) {
		last = first;
		if (*s == '-') {
			s++;
			if (!reader_number(&s, &last))
				break;
		}
		n += last >= first ? last - first + 1 : 0;
		if (*s != ',')
			break;
		s++;
	}
	return (uint32_t)MIN(n, (uint64_t)UINT32_MAX);
}

void host_read_pressure(struct host *h, struct host_reading *r)
{
	if (host_text(h, FILE_ONLINE))
		r->cpus = count_list(h->text);
	r->has_psi = host_text(h, FILE_PSI_MEMORY) &&
		     pressure_total(h->text, "some ", &r->psi_mem_some_usec) &&
		     pressure_total(h->text, "full ", &r->psi_mem_full_usec);
	if (host_text(h, FILE_PSI_CPU))
		pressure_total(h->text, "some ", &r->psi_cpu_some_usec);
	if (host_text(h, FILE_PSI_IO)) {
		pressure_total(h->text, "some ", &r->psi_io_some_usec);
		pressure_total(h->text, "full ", &r->psi_io_full_usec);
	}
}

/* "cpu  user nice system idle iowait irq softirq steal guest guest_nice"; guest is in user
 * already. */
enum {
	CPU_IDLE = 3,
	CPU_IOWAIT,
	CPU_STEAL = 7,
	CPU_FIELDS,
};

static void read_cpu(struct host *h, struct host_load *l)
{
	uint64_t field[CPU_FIELDS] = {0}, busy = 0, total = 0;
	char line[256];
	const char *s = line;

	if (h->fds[FILE_STAT] < 0 ||
		reader_read_single(h->fds[FILE_STAT], line, sizeof(line)) <= 0 ||
		strncmp(s, "cpu ", 4) != 0)
		return;
	s += 4;
	for (int i = 0; i < CPU_FIELDS && reader_number(&s, &field[i]); i++) {
		total += field[i];
		if (i != CPU_IDLE && i != CPU_IOWAIT && i != CPU_STEAL)
			busy += field[i];
	}
	l->has_cpu = total > 0;
	l->cpu_busy_usec = busy * h->usec_per_tick;
	l->cpu_steal_usec = field[CPU_STEAL] * h->usec_per_tick;
	l->cpu_total_usec = total * h->usec_per_tick;
}

/* "Node 0 MemTotal:       24689640 kB": the field's name is the third word. */
static uint64_t node_field(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	uint64_t v;

	if (!at)
		return 0;
	at += strlen(name);
	return reader_number(&at, &v) ? v * KIB : 0;
}

static void read_nodes(struct host *h, struct host_load *l)
{
	for (size_t i = 0; i < h->n_nodes; i++) {
		if (reader_read_single(h->nodes[i].fd, h->text, sizeof(h->text)) <= 0)
			continue;
		l->nodes[l->n_nodes++] = (struct host_node){
			.id = h->nodes[i].id,
			.total_bytes = node_field(h->text, "MemTotal:"),
			.free_bytes = node_field(h->text, "MemFree:"),
		};
	}
}

int host_read_memory(struct host *h, struct host_reading *ret)
{
	struct host_reading r = *ret;
	int err = read_meminfo(h, &r);

	if (err == 0 && h->group)
		err = read_group(h, &r);
	if (err < 0)
		return err;
	r.used_bytes = sub_sat(r.total_bytes, r.available_bytes);
	*ret = r;
	return 0;
}

void host_read_load(struct host *h, struct host_load *ret)
{
	ret->has_cpu = false;
	ret->n_nodes = 0;
	read_cpu(h, ret);
	read_nodes(h, ret);
}

/* --- Pure --- */

/* The kernel lets iowait and steal go back a little at times: then the others' sum may be more than
 * the whole. */
bool host_cpu_share(const struct host_load *from, const struct host_load *to,
	uint64_t *ret_busy_permyriad, uint64_t *ret_steal_permyriad)
{
	uint64_t total = sub_sat(to->cpu_total_usec, from->cpu_total_usec), busy, steal;

	if (!from->has_cpu || !to->has_cpu || !total)
		return false;
	busy = MIN(sub_sat(to->cpu_busy_usec, from->cpu_busy_usec), total);
	steal = MIN(sub_sat(to->cpu_steal_usec, from->cpu_steal_usec), total - busy);
	*ret_busy_permyriad = mul_div(busy, PERMYRIAD, total);
	*ret_steal_permyriad = mul_div(steal, PERMYRIAD, total);
	return true;
}

void host_reading_to_sample(const struct host_reading *r, struct host_sample *ret)
{
	ret->memory_bytes = r->total_bytes;
	ret->available_bytes = r->available_bytes;
	ret->swap_total_bytes = r->swap_total_bytes;
	ret->swap_free_bytes = r->swap_free_bytes;
	ret->cpus = r->cpus;
	ret->has_psi = r->has_psi;
	ret->psi_mem_some_usec = r->psi_mem_some_usec;
	ret->psi_mem_full_usec = r->psi_mem_full_usec;
	ret->psi_cpu_some_usec = r->psi_cpu_some_usec;
	ret->psi_io_some_usec = r->psi_io_some_usec;
}

uint64_t host_other_bytes(
	uint64_t total_bytes, uint64_t available_bytes, uint64_t resident_sum_bytes)
{
	return sub_sat(sub_sat(total_bytes, available_bytes), resident_sum_bytes);
}

uint64_t host_qemu_bytes(uint64_t resident_bytes, uint64_t actual_bytes)
{
	return sub_sat(resident_bytes, actual_bytes);
}
