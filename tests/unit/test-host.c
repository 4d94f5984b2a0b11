/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/host/host.h"

#include <dirent.h>
#include <malloc.h>

#include "daemon/host/reader.h"
#include "tests/test.h"
#include "tests/unit/tree.h"

#define MEMINFO                                                                                   \
	"MemTotal:       16384000 kB\nMemFree:         1000000 kB\nMemAvailable:    9000000 kB\n" \
	"Buffers:             100 kB\nSwapCached:            0 kB\nSwapTotal:       2000000 kB\n" \
	"SwapFree:        1500000 kB\n"
#define PRESSURE(some, full)                                      \
	"some avg10=1.00 avg60=0.50 avg300=0.10 total=" some "\n" \
	"full avg10=0.00 avg60=0.00 avg300=0.00 total=" full "\n"

/* A hybrid machine: memory in a version 1 hierarchy, pressure in the unified one. */
static void put_host(struct tree *t)
{
	tree_new(t);
	tree_put(t, "proc/meminfo", MEMINFO);
	tree_put(t, "proc/stat", "cpu  100 10 50 1000 200 5 5 30 40 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n");
	tree_put(t, "sys/devices/system/cpu/online", "0-3,8,10-11\n");
	tree_put(t, "proc/pressure/memory", PRESSURE("1111", "222"));
	tree_put(t, "proc/pressure/cpu", PRESSURE("3333", "0"));
	tree_put(t, "proc/pressure/io", PRESSURE("4444", "555"));
	tree_put(t, "sys/devices/system/node/node0/meminfo",
		"Node 0 MemTotal:       8000000 kB\nNode 0 MemFree:         600000 kB\n");
	tree_put(t, "sys/devices/system/node/node10/meminfo",
		"Node 10 MemTotal:       8384000 kB\nNode 10 MemFree:         400000 kB\n");
	tree_put(t, "sys/devices/system/node/online", "0,10\n");
}

static int read_both(struct host *h, struct host_reading *r)
{
	*r = (struct host_reading){0};
	host_read_pressure(h, r);
	return host_read_memory(h, r);
}

/* What reader_read_single() stands on, on this very kernel. */
TEST(the_kernel_hands_a_small_file_out_at_once)
{
	static const char *const paths[] = {"proc/meminfo", "proc/pressure/memory",
		"proc/pressure/cpu", "proc/pressure/io", "proc/stat", "proc/self/statm",
		"proc/self/schedstat", "sys/devices/system/cpu/online",
		"sys/devices/system/node/node0/meminfo"};
	char text[65536], rest[16];
	unsigned seen = 0;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_close_ int fd = reader_open("/", paths[i]);
		ssize_t n = fd < 0 ? 0 : reader_read_single(fd, text, sizeof(text));

		if (n <= 0)
			continue; /* not on this machine */
		CHECK_INT(strlen(text), n);
		CHECK_INT(pread(fd, rest, sizeof(rest), n), 0);
		seen++;
	}
	CHECK(seen >= 3);
}

TEST(host_is_read_whole)
{
	_cleanup_host_ struct host *h = NULL;
	_cleanup_tree_ struct tree t;
	struct host_reading r;
	struct host_sample s = {0};
	struct host_load l;
	uint64_t tick = USEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);

	put_host(&t);
	CHECK_INT(host_new(t.root, NULL, &h), 0);
	CHECK_INT(read_both(h, &r), 0);
	CHECK_U64(r.total_bytes, 16384000 * KIB);
	CHECK_U64(r.available_bytes, 9000000 * KIB);
	CHECK_U64(r.used_bytes, 7384000 * KIB);
	CHECK_U64(r.free_bytes, 1000000 * KIB);
	CHECK_U64(r.swap_total_bytes, 2000000 * KIB);
	CHECK_U64(r.swap_free_bytes, 1500000 * KIB);
	CHECK(r.has_psi);
	CHECK_U64(r.psi_mem_some_usec, 1111);
	CHECK_U64(r.psi_mem_full_usec, 222);
	CHECK_U64(r.psi_cpu_some_usec, 3333);
	CHECK_U64(r.psi_io_some_usec, 4444);
	CHECK_U64(r.psi_io_full_usec, 555);
	CHECK_INT(r.cpus, 7);
	host_read_load(h, &l);
	CHECK(l.has_cpu);
	CHECK_U64(l.cpu_total_usec, 1400 * tick);
	CHECK_U64(l.cpu_busy_usec, 170 * tick);
	CHECK_U64(l.cpu_steal_usec, 30 * tick);
	CHECK_U64(l.n_nodes, 2);
	CHECK_INT(l.nodes[0].id, 0);
	CHECK_INT(l.nodes[1].id, 10);
	CHECK_U64(l.nodes[1].total_bytes, 8384000 * KIB);
	CHECK_U64(l.nodes[1].free_bytes, 400000 * KIB);
	host_reading_to_sample(&r, &s);
	CHECK_U64(s.memory_bytes, r.total_bytes);
	CHECK_U64(s.available_bytes, r.available_bytes);
	CHECK_U64(s.psi_mem_some_usec, 1111);
	CHECK_INT(s.cpus, 7);
}

TEST(what_is_missing_is_just_not_there)
{
	_cleanup_host_ struct host *h = NULL;
	_cleanup_tree_ struct tree t;
	struct host_reading r;
	struct host_load l = {.has_cpu = true, .n_nodes = 3};

	tree_new(&t);
	CHECK_INT(host_new(t.root, NULL, &h), -ENOENT);
	tree_put(&t, "proc/meminfo", MEMINFO);
	CHECK_INT(host_new(t.root, NULL, &h), 0);
	CHECK_INT(read_both(h, &r), 0);
	CHECK(!r.has_psi);
	CHECK_INT(r.cpus, 0);
	host_read_load(h, &l);
	CHECK(!l.has_cpu);
	CHECK_U64(l.n_nodes, 0);
	CHECK_U64(r.total_bytes, 16384000 * KIB);
}

TEST(meminfo_without_its_two_figures_is_an_error_and_touches_nothing)
{
	_cleanup_host_ struct host *h = NULL;
	_cleanup_tree_ struct tree t;
	struct host_reading r = {.total_bytes = 7};

	tree_new(&t);
	tree_put(&t, "proc/meminfo", "MemTotal: 100 kB\nMemFree: 50 kB\n");
	CHECK_INT(host_new(t.root, NULL, &h), 0);
	CHECK_INT(host_read_memory(h, &r), -EBADMSG);
	CHECK_U64(r.total_bytes, 7);
}

#define V1_MOUNTS                                                           \
	"30 25 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" \
	"31 25 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"       \
	"32 25 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
#define V1_SELF "8:memory:/lab\n2:cpu:/lab\n1:name=systemd:/\n0::/lab\n"

TEST(cgroup_of_version_1_stands_for_the_host)
{
	_cleanup_host_ struct host *h = NULL;
	_cleanup_tree_ struct tree t;
	struct host_reading r;

	put_host(&t);
	tree_put(&t, "proc/self/cgroup", V1_SELF);
	tree_put(&t, "proc/self/mountinfo", V1_MOUNTS);
	CHECK_INT(host_new(t.root, "cgroup:/lab/a", &h), -ENOENT);
	tree_put(&t, "sys/fs/cgroup/memory/lab/a/memory.limit_in_bytes", "4294967296\n");
	tree_put(&t, "sys/fs/cgroup/memory/lab/a/memory.usage_in_bytes", "3221225472\n");
	tree_put(&t, "sys/fs/cgroup/memory/lab/a/memory.stat",
		"cache 7\ninactive_file 1\ntotal_inactive_file 536870912\ntotal_active_file "
		"268435456\n");
	CHECK_INT(host_new(t.root, "cgroup:/lab/a", &h), 0);
	CHECK_INT(read_both(h, &r), 0);
	CHECK_U64(r.total_bytes, 4 * GIB);
	CHECK_U64(r.available_bytes, GIB + 768 * MIB);
	CHECK_U64(r.used_bytes, 2 * GIB + 256 * MIB);
	CHECK(!r.has_psi);
	h = host_free(h);
	tree_put(&t, "sys/fs/cgroup/unified/lab/a/memory.pressure", PRESSURE("77", "7"));
	CHECK_INT(host_new(t.root, "cgroup:/lab/a", &h), 0);
	CHECK_INT(read_both(h, &r), 0);
	CHECK(r.has_psi);
	CHECK_U64(r.psi_mem_some_usec, 77);
	/* No limit of its own: the host's size. */
	tree_put(&t, "sys/fs/cgroup/memory/lab/a/memory.limit_in_bytes", "9223372036854771712\n");
	CHECK_INT(read_both(h, &r), 0);
	CHECK_U64(r.total_bytes, 16384000 * KIB);
}

TEST(cgroup_of_version_2_stands_for_the_host)
{
	_cleanup_host_ struct host *h = NULL;
	_cleanup_tree_ struct tree t;
	struct host_reading r;

	put_host(&t);
	tree_put(&t, "proc/self/cgroup", "0::/user.slice\n");
	tree_put(
		&t, "proc/self/mountinfo", "25 24 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	tree_put(&t, "sys/fs/cgroup/a/memory.max", "max\n");
	tree_put(&t, "sys/fs/cgroup/a/memory.current", "1073741824\n");
	tree_put(&t, "sys/fs/cgroup/a/memory.stat",
		"anon 5\ninactive_file 104857600\nactive_file 52428800\nslab_reclaimable "
		"1048576\n");
	tree_put(&t, "sys/fs/cgroup/a/memory.pressure", PRESSURE("88", "8"));
	tree_put(&t, "sys/fs/cgroup/a/cpu.pressure", PRESSURE("99", "9"));
	CHECK_INT(host_new(t.root, "cgroup:/a", &h), 0);
	CHECK_INT(read_both(h, &r), 0);
	CHECK_U64(r.total_bytes, 16384000 * KIB);
	CHECK_U64(r.used_bytes, GIB - 151 * MIB);
	CHECK(r.has_psi);
	CHECK_U64(r.psi_mem_some_usec, 88);
	CHECK_U64(r.psi_cpu_some_usec, 99);
	tree_put(&t, "sys/fs/cgroup/a/memory.max", "536870912\n");
	CHECK_INT(read_both(h, &r), 0);
	CHECK_U64(r.total_bytes, 512 * MIB);
	CHECK_U64(r.available_bytes, 0);
}

TEST(memory_from_something_else_is_refused)
{
	struct host *h = NULL;

	CHECK_INT(host_new("/", "cgroup:lab", &h), -EINVAL);
	CHECK_INT(host_new("/", "cgroup:", &h), -EINVAL);
	CHECK_INT(host_new("/", "guest", &h), -EINVAL);
	CHECK(!h);
}

/* busy, steal, total */
static struct host_load load(uint64_t busy, uint64_t steal, uint64_t total)
{
	return (struct host_load){.has_cpu = true,
		.cpu_busy_usec = busy,
		.cpu_steal_usec = steal,
		.cpu_total_usec = total};
}

TEST(busy_is_a_part_of_the_time_between_two_looks)
{
	struct host_load from = load(1000, 100, 5000), to = load(1600, 110, 7000), none = {0};
	struct host_load odd = load(1590, 2000, 7100), after_odd = load(1890, 2100, 7300);
	uint64_t busy = 1, steal = 2;

	CHECK(!host_cpu_share(&from, &from, &busy, &steal));
	CHECK(!host_cpu_share(&none, &to, &busy, &steal));
	CHECK(!host_cpu_share(&from, &none, &busy, &steal));
	CHECK(!host_cpu_share(&to, &from, &busy, &steal));
	CHECK_U64(busy, 1);
	CHECK_U64(steal, 2);
	CHECK(host_cpu_share(&from, &to, &busy, &steal));
	CHECK_U64(busy, 3000);
	CHECK_U64(steal, 50);
	/* A counter that goes back by itself, and one that makes the whole too small. */
	CHECK(host_cpu_share(&to, &odd, &busy, &steal));
	CHECK_U64(busy, 0);
	CHECK_U64(steal, PERMYRIAD);
	CHECK(host_cpu_share(&odd, &after_odd, &busy, &steal));
	CHECK_U64(busy, PERMYRIAD);
	CHECK_U64(steal, 0);
}

TEST(other_is_what_neither_guests_nor_cache_use)
{
	CHECK_U64(host_other_bytes(16 * GIB, 9 * GIB, 4 * GIB), 3 * GIB);
	CHECK_U64(host_other_bytes(16 * GIB, 9 * GIB, 8 * GIB), 0);
	CHECK_U64(host_other_bytes(16 * GIB, 17 * GIB, 0), 0);
	CHECK_U64(host_other_bytes(16 * GIB, 0, 0), 16 * GIB);
	CHECK_U64(host_qemu_bytes(700 * MIB, 512 * MIB), 188 * MIB);
	CHECK_U64(host_qemu_bytes(100 * MIB, 512 * MIB), 0);
}

static unsigned count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

TEST(this_machine_can_be_read_again_and_again_without_allocating)
{
	struct host *h = NULL;
	struct host_reading r = {0};
	struct host_load l = {0};
	unsigned fds = count_fds();
	struct mallinfo2 before, after;

	CHECK_INT(host_new("/", NULL, &h), 0);
	CHECK_INT(read_both(h, &r), 0);
	before = mallinfo2();
	for (int i = 0; i < 100; i++) {
		CHECK_INT(read_both(h, &r), 0);
		host_read_load(h, &l);
	}
	after = mallinfo2();
	CHECK_U64(after.uordblks, before.uordblks);
	CHECK(r.total_bytes > 64 * MIB);
	CHECK(r.available_bytes > 0 && r.available_bytes <= r.total_bytes);
	CHECK(r.cpus >= 1);
	CHECK(l.has_cpu && l.cpu_busy_usec + l.cpu_steal_usec <= l.cpu_total_usec);
	h = host_free(h);
	CHECK_INT(count_fds(), fds);
}

TEST_MAIN()
