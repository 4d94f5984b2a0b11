/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/proc.h"

#include <stdio.h>
#include <sys/stat.h>

#include "agent/psi.h"
#include "tests/test.h"

/* Trees that look like /proc, made for each test. */
static char dir[64];

static void put(const char *name, const char *text)
{
	char path[128], *slash = path;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
	f = fopen(path, "we");
	if (f) {
		fputs(text, f);
		fclose(f);
	}
}

static void begin(void)
{
	strcpy(dir, "/tmp/test-agent-proc-XXXXXX");
	if (!mkdtemp(dir))
		abort();
	put("meminfo", "MemTotal:         481280 kB\nMemFree:          305152 kB\nMemAvailable:    "
	               " 392192 kB\n"
		       "Buffers:             512 kB\nCached:            92160 kB\nSwapCached:      "
	               "      0 kB\n"
		       "Active:            50000 kB\nInactive:          60000 kB\nActive(anon):    "
	               "   1000 kB\n"
		       "Inactive(anon):     7904 kB\nActive(file):      40960 kB\nInactive(file):  "
	               "  51200 kB\n"
		       "SwapTotal:          2048 kB\nSwapFree:           1024 kB\nDirty:           "
	               "      8 kB\n"
		       "AnonPages:          7904 kB\nHugePages_Total:       0\n");
	put("vmstat", "nr_free_pages 76288\nworkingset_nodes 5\nworkingset_refault_anon "
	              "3\nworkingset_refault_file 77\n"
		      "pgfault 1000\npgmajfault 214\npgmajfault_x 9\noom_kill 2\n");
	put("stat", "cpu  1 2 3 4 5 6 7 250 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\nintr 0\n");
	put("loadavg", "0.00 0.01 0.05 3/123 4567\n");
	put("pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=101\nfull avg10=0.00 "
	                       "avg60=0.00 avg300=0.00 total=102\n");
	put("pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=103\n");
	put("pressure/io", "some avg10=0.00 avg60=0.00 avg300=0.00 total=104\nfull avg10=0.00 "
	                   "avg60=0.00 avg300=0.00 total=105\n");
	put("sys/kernel/random/boot_id", "4a5ef2d0-9c1b-7e33-8000-000000000001\n");
}

static void drop(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	(void)remove(path);
}

static void end(void)
{
	static const char *const all[] = {"meminfo", "vmstat", "stat", "loadavg", "pressure/memory",
		"pressure/cpu", "pressure/io", "pressure", "sys/kernel/random/boot_id",
		"sys/kernel/random", "sys/kernel", "sys", "."};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		drop(all[i]);
	(void)rmdir(dir);
}

/* What is read of the tree as it is now. */
static int read_all(struct figures *f)
{
	struct proc p = {};
	int r;

	proc_open(&p, dir);
	r = proc_read(&p, f);
	proc_close(&p);
	return r;
}

TEST(every_figure_comes_from_its_key)
{
	struct figures f = {};

	begin();
	CHECK_INT(read_all(&f), 0);
	CHECK_U64(f.total_bytes, 481280 * KIB);
	CHECK_U64(f.available_bytes, 392192 * KIB);
	CHECK_U64(f.free_bytes, 305152 * KIB);
	CHECK_U64(f.anon_bytes, 7904 * KIB);
	CHECK_U64(f.file_bytes, (40960 + 51200) * KIB);
	CHECK_U64(f.dirty_bytes, 8 * KIB);
	CHECK_U64(f.swap_total_bytes, 2048 * KIB);
	CHECK_U64(f.swap_free_bytes, 1024 * KIB);
	CHECK(f.has_counters && f.has_psi);
	CHECK_U64(f.major_faults, 214);
	CHECK_U64(f.refaults_file, 77);
	CHECK_U64(f.refaults_anon, 3);
	CHECK_U64(f.oom_kills, 2);
	CHECK_U64(f.steal_usec, 250 * (USEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK)));
	CHECK_U64(f.running, 2);
	CHECK_U64(f.psi_mem_some_usec, 101);
	CHECK_U64(f.psi_mem_full_usec, 102);
	CHECK_U64(f.psi_cpu_some_usec, 103);
	CHECK_U64(f.psi_io_some_usec, 104);
	CHECK_U64(f.psi_io_full_usec, 105);
	CHECK(f.mono_usec > 0);
	CHECK_U64(proc_boot_id(dir), UINT64_C(0x4a5ef2d09c1b7e33));
	end();
}

TEST(a_kernel_without_psi_leaves_its_group_out)
{
	struct figures f = {};

	begin();
	drop("pressure/memory");
	drop("pressure/cpu");
	drop("pressure/io");
	CHECK_INT(read_all(&f), 0);
	CHECK(!f.has_psi && f.has_counters);
	CHECK(psi_open(dir, 1, 500000) == -ENOENT);
	end();
}

TEST(an_unreadable_vmstat_leaves_the_counters_out)
{
	struct figures f = {};

	begin();
	drop("vmstat");
	drop("stat");
	drop("loadavg");
	CHECK_INT(read_all(&f), 0);
	CHECK(!f.has_counters && f.has_psi);
	CHECK_U64(f.total_bytes, 481280 * KIB);
	end();
}

TEST(an_older_kernel_has_one_refault_counter)
{
	struct figures f = {};

	begin();
	put("vmstat", "workingset_refault 55\npgmajfault 1\n");
	CHECK_INT(read_all(&f), 0);
	CHECK(f.has_counters);
	CHECK_U64(f.refaults_file, 55);
	CHECK_U64(f.refaults_anon, 0);
	CHECK_U64(f.oom_kills, 0);
	end();
}

TEST(without_meminfo_there_is_no_report)
{
	struct figures f = {.total_bytes = 7}, empty = {};

	begin();
	drop("meminfo");
	CHECK_INT(read_all(&f), -ENOENT);
	CHECK_U64(f.total_bytes, 7);
	put("meminfo", "");
	CHECK_INT(read_all(&empty), -ENODATA);
	put("meminfo", "nothing of use\n");
	CHECK_INT(read_all(&empty), -ENODATA);
	end();
}

TEST(counters_stay_when_a_file_fails_later)
{
	struct proc p = {};
	struct figures f = {};

	begin();
	proc_open(&p, dir);
	CHECK_INT(proc_read(&p, &f), 0);
	closep(&p.fds[PROC_VMSTAT]);
	closep(&p.fds[PROC_PSI_MEMORY]);
	CHECK_INT(proc_read(&p, &f), 0);
	CHECK(f.has_counters && f.has_psi);
	CHECK_U64(f.refaults_file, 77);
	CHECK_U64(f.psi_mem_some_usec, 101);
	/* And are found again. */
	put("vmstat", "workingset_refault_file 78\n");
	proc_open(&p, dir);
	CHECK_INT(proc_read(&p, &f), 0);
	CHECK_U64(f.refaults_file, 78);
	proc_close(&p);
	end();
}

TEST(a_file_that_is_longer_than_the_buffer_is_read_to_its_end)
{
	static char text[20000];
	struct figures f = {};
	size_t n = 0;

	begin();
	while (n < 9000)
		n += (size_t)snprintf(
			text + n, sizeof(text) - n, "some_other_counter_%zu 12345\n", n);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "workingset_refault_file 99\n");
	while (n < 18000)
		n += (size_t)snprintf(
			text + n, sizeof(text) - n, "some_other_counter_%zu 12345\n", n);
	snprintf(text + n, sizeof(text) - n, "oom_kill 3\n");
	put("vmstat", text);
	CHECK_INT(read_all(&f), 0);
	CHECK_U64(f.refaults_file, 99);
	CHECK_U64(f.oom_kills, 3);
	end();
}

TEST(a_line_without_end_is_passed_over)
{
	static char text[10000];
	struct figures f = {};

	begin();
	memset(text, 'x', 9000);
	strcpy(text + 9000, "\npgmajfault 5\n");
	put("vmstat", text);
	CHECK_INT(read_all(&f), 0);
	CHECK_U64(f.major_faults, 5);
	end();
}

TEST(numbers_are_capped_at_what_json_keeps)
{
	struct figures f = {};

	begin();
	put("vmstat", "pgmajfault 18446744073709551615\noom_kill 99999999999999999999999999\n");
	put("stat", "cpu  1 2 3 4 5 6 7 18446744073709551615 9 10\n");
	CHECK_INT(read_all(&f), 0);
	CHECK_U64(f.major_faults, (UINT64_C(1) << 53) - 1);
	CHECK_U64(f.oom_kills, (UINT64_C(1) << 53) - 1);
	CHECK_U64(f.steal_usec, (UINT64_C(1) << 53) - 1);
	end();
}

TEST(without_a_boot_id_the_time_of_boot_stands_in)
{
	uint64_t first;

	begin();
	drop("sys/kernel/random/boot_id");
	first = proc_boot_id(dir);
	CHECK(first != 0);
	CHECK(proc_boot_id(dir) - first <= 1);
	put("sys/kernel/random/boot_id", "00000000-0000-0000-0000-000000000000\n");
	CHECK(proc_boot_id(dir) != 0);
	put("sys/kernel/random/boot_id", "short\n");
	CHECK(proc_boot_id(dir) != 0);
	end();
}

TEST(a_trigger_is_not_written_into_a_copy_of_proc)
{
	struct figures f = {};

	begin();
	CHECK_INT(psi_open(dir, 50000, 1000000), -ENOTSUP);
	CHECK_INT(read_all(&f), 0);
	CHECK_U64(f.psi_mem_some_usec, 101);
	end();
}

TEST(the_trigger_is_spelled_as_the_kernel_wants_it)
{
	char buf[64];

	CHECK_INT(psi_format(50000, 1000000, buf), sizeof("some 50000 1000000"));
	CHECK_STR(buf, "some 50000 1000000");
}

TEST(the_real_proc_can_be_read)
{
	struct figures f = {};
	struct proc p = {};
	int fd;

	proc_open(&p, "/proc");
	CHECK_INT(proc_read(&p, &f), 0);
	proc_close(&p);
	CHECK(f.total_bytes > f.available_bytes && f.available_bytes > 0);
	CHECK(f.has_counters);
	fd = psi_open("/proc", 50 * USEC_PER_MSEC, USEC_PER_SEC);
	closep(&fd);
	if (!f.has_psi)
		TEST_SKIP("this kernel has no PSI");
}

TEST_MAIN()
