/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/fs.h"

#include <stdio.h>
#include <sys/stat.h>

#include "tests/test.h"

static char dir[64];

/* What is read when the kernel says that this is mounted. */
static void read_mounts(const char *text, struct fs_list *ret)
{
	char path[128];
	FILE *f;

	strcpy(dir, "/tmp/test-agent-fs-XXXXXX");
	if (!mkdtemp(dir))
		abort();
	snprintf(path, sizeof(path), "%s/self", dir);
	(void)mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/self/mounts", dir);
	f = fopen(path, "we");
	if (!f)
		abort();
	fputs(text, f);
	fclose(f);
	fs_read(dir, ret);
	unlink(path);
	snprintf(path, sizeof(path), "%s/self", dir);
	rmdir(path);
	rmdir(dir);
}

TEST(only_what_stands_on_a_block_device_is_asked)
{
	struct fs_list l;

	read_mounts("proc /proc proc rw 0 0\ntmpfs /run tmpfs rw 0 0\nserver:/x /tmp nfs4 rw 0 0\n"
		    "/dev/fuse /tmp fuse rw 0 0\n/dev/sdb1 /tmp fuseblk rw 0 0\n/dev/loop0 /tmp "
	            "squashfs ro 0 0\n"
		    "broken\n/dev/vda1 / ext4 rw 0 0\n",
		&l);
	CHECK_INT(l.n, 1);
	CHECK_STR(l.items[0].mount, "/");
	CHECK(l.items[0].size_bytes > 0 && l.items[0].free_bytes <= l.items[0].size_bytes);
}

TEST(a_device_that_is_mounted_twice_counts_once)
{
	struct fs_list l;

	read_mounts("/dev/vda1 / ext4 rw 0 0\n/dev/vda1 / ext4 rw 0 0\n", &l);
	CHECK_INT(l.n, 1);
}

TEST(what_cannot_be_asked_is_left_out)
{
	struct fs_list l;

	read_mounts("/dev/vda1 /no/such/place ext4 rw 0 0\n", &l);
	CHECK_INT(l.n, 0);
	fs_read("/no/such/place", &l);
	CHECK_INT(l.n, 0);
}

TEST(blanks_in_a_mount_point_are_undone)
{
	char path[] = "/tmp/test agent fs", text[128];
	struct fs_list l;

	(void)mkdir(path, 0700);
	snprintf(text, sizeof(text), "/dev/vda1 /tmp/test\\040agent\\040fs ext4 rw 0 0\n");
	read_mounts(text, &l);
	rmdir(path);
	CHECK_INT(l.n, 1);
	CHECK_STR(l.items[0].mount, path);
}

TEST(one_percent_or_another_mount_is_a_change)
{
	struct fs_list a = {.n = 1, .items = {{"/", 1000, 500}}}, b = a;

	CHECK(!fs_changed(&a, &b));
	b.items[0].free_bytes = 510;
	CHECK(!fs_changed(&a, &b));
	b.items[0].free_bytes = 511;
	CHECK(fs_changed(&a, &b));
	b.items[0].free_bytes = 489;
	CHECK(fs_changed(&a, &b));
	b = a;
	b.items[0].size_bytes = 1001;
	CHECK(fs_changed(&a, &b));
	b = a;
	strcpy(b.items[0].mount, "/a");
	CHECK(fs_changed(&a, &b));
	b.n = 0;
	CHECK(fs_changed(&a, &b));
}

TEST_MAIN()
