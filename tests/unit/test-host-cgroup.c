/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/host/cgroup.h"

#include "tests/test.h"
#include "tests/unit/tree.h"

TEST(version_is_the_controllers_own)
{
	_cleanup_tree_ struct tree t;

	tree_new(&t);
	CHECK_INT(cgroup_version(t.root, CGROUP_CPU), -ENOENT);
	tree_put(&t, "proc/self/cgroup", "0::/a\n");
	CHECK_INT(cgroup_version(t.root, CGROUP_CPU), 2);
	CHECK_INT(cgroup_version(t.root, CGROUP_MEMORY), 2);
	tree_put(&t, "proc/self/cgroup", "5:cpuset:/\n4:cpuacct,cpu:/\n1:name=systemd:/x\n0::/a\n");
	CHECK_INT(cgroup_version(t.root, CGROUP_CPU), 1);
	CHECK_INT(cgroup_version(t.root, CGROUP_MEMORY), 2);
	tree_put(&t, "proc/self/cgroup", "5:cpuset:/\n");
	CHECK_INT(cgroup_version(t.root, CGROUP_CPU), -ENOENT);
	tree_put(&t, "proc/self/cgroup", "junk\n::\n0:x\n");
	CHECK_INT(cgroup_version(t.root, CGROUP_CPU), -ENOENT);
}

TEST(weights_become_shares_and_come_back)
{
	CHECK_U64(cgroup_shares_from_weight(1, 100), 1024);
	CHECK_U64(cgroup_shares_from_weight(1, 400), 4096);
	CHECK_U64(cgroup_shares_from_weight(1, 1), 10);
	CHECK_U64(cgroup_shares_from_weight(1, 0), 2);
	CHECK_U64(cgroup_shares_from_weight(1, 10000), 102400);
	CHECK_U64(cgroup_shares_from_weight(2, 100), 100);
	CHECK_U64(cgroup_shares_from_weight(2, 1), 2);
	CHECK_U64(cgroup_shares_from_weight(2, 10000), 10000);
	for (uint64_t w = 1; w <= 10000; w++) {
		CHECK_U64(cgroup_weight_from_shares(1, cgroup_shares_from_weight(1, w)), w);
		CHECK_U64(cgroup_weight_from_shares(2, cgroup_shares_from_weight(2, w)),
			MAX(w, UINT64_C(2)));
	}
	CHECK_U64(cgroup_weight_from_shares(1, 2), 1);
	CHECK_U64(cgroup_weight_from_shares(1, UINT64_MAX), 10000);
}

#define MOUNTS                                                                                \
	"22 1 0:20 / /proc rw,nosuid shared:1 - proc proc rw\n"                               \
	"30 25 0:26 / /sys/fs/cgroup/memory rw shared:2 - cgroup cgroup rw,memory\n"          \
	"31 25 0:27 /sub/tree /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n" \
	"32 25 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n"

TEST(directory_of_a_process_follows_the_mount)
{
	_cleanup_tree_ struct tree t;
	_cleanup_free_ char *memory = NULL, *cpu = NULL, *pressure = NULL;
	char *none = NULL;

	tree_new(&t);
	tree_put(&t, "proc/self/cgroup", "8:memory:/\n2:cpu,cpuacct:/\n0::/\n");
	tree_put(&t, "proc/self/mountinfo", MOUNTS);
	tree_put(&t, "proc/100/cgroup",
		"8:memory:/machine/qemu-1-a.libvirt-qemu\n2:cpu,cpuacct:/sub/tree/machine/x\n0::/"
		"m\n");
	tree_put(&t, "proc/101/cgroup", "8:memory:/../../outside\n0::/m\n");
	CHECK_INT(cgroup_of_pid(t.root, 100, CGROUP_MEMORY, &memory), 0);
	CHECK_STR(memory + strlen(t.root), "/sys/fs/cgroup/memory/machine/qemu-1-a.libvirt-qemu");
	CHECK_INT(cgroup_of_pid(t.root, 100, CGROUP_CPU, &cpu), 0);
	CHECK_STR(cpu + strlen(t.root), "/sys/fs/cgroup/cpu,cpuacct/machine/x");
	CHECK_INT(cgroup_pressure_dir(t.root, "/m", &pressure), 0);
	CHECK_STR(pressure + strlen(t.root), "/sys/fs/cgroup/unified/m");
	CHECK_INT(cgroup_of_pid(t.root, 101, CGROUP_MEMORY, &none), -ENOENT);
	CHECK_INT(cgroup_of_pid(t.root, 102, CGROUP_MEMORY, &none), -ESRCH);
	CHECK(!none);
}

TEST(soft_limit_is_written_for_either_version)
{
	_cleanup_tree_ struct tree t;
	char dir[128];

	tree_new(&t);
	snprintf(dir, sizeof(dir), "%s/two", t.root);
	CHECK_INT(cgroup_set_soft_limit(dir, GIB), -ENOENT);
	tree_put(&t, "two/memory.high", "");
	CHECK_INT(cgroup_set_soft_limit(dir, GIB), 0);
	CHECK_STR(tree_get(&t, "two/memory.high"), "1073741824");
	tree_put(&t, "two/memory.high", "");
	CHECK_INT(cgroup_set_soft_limit(dir, BYTES_UNLIMITED), 0);
	CHECK_STR(tree_get(&t, "two/memory.high"), "max");
	snprintf(dir, sizeof(dir), "%s/one", t.root);
	tree_put(&t, "one/memory.soft_limit_in_bytes", "");
	CHECK_INT(cgroup_set_soft_limit(dir, BYTES_UNLIMITED), 0);
	CHECK_STR(tree_get(&t, "one/memory.soft_limit_in_bytes"), "-1");
	tree_put(&t, "three/other", "");
	snprintf(dir, sizeof(dir), "%s/three", t.root);
	CHECK_INT(cgroup_set_soft_limit(dir, GIB), -ENOENT);
}

TEST(this_machine_has_a_cpu_controller_and_a_directory_of_ours)
{
	_cleanup_free_ char *dir = NULL;
	int version = cgroup_version("/", CGROUP_MEMORY);

	if (version == -ENOENT)
		TEST_SKIP("no memory controller here");
	CHECK(version == 1 || version == 2);
	if (cgroup_of_pid("/", getpid(), CGROUP_MEMORY, &dir) < 0)
		TEST_SKIP("our own group is not mounted here");
	CHECK_CONTAINS(dir, "/sys/fs/cgroup");
}

TEST_MAIN()
