/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which process is a guest's QEMU, among those that say so, in a made-up /proc whose directories
 * are all ours. */
#include "daemon/hv/hv-exec.h"

#include <pwd.h>

#include "tests/test.h"
#include "tests/unit/tree.h"

#define UUID "11111111-2222-4333-8444-555555555555"
#define STRANGER 54321U

/* One that has the guest's words on its command line, started by that user. */
static void put(struct tree *t, int pid, uid_t real)
{
	static const char args[] =
		"qemu\0-object\0{\"file\":\"/var/lib/libvirt/qemu/domain-7-a/master-key.aes\"}\0-uuid\0" UUID;
	char path[64], text[160];

	snprintf(path, sizeof(path), "proc/%d/cmdline", pid);
	tree_put_bytes(t, path, args, sizeof(args));
	snprintf(path, sizeof(path), "proc/%d/stat", pid);
	snprintf(text, sizeof(text),
		"%d (qemu) S 1 1 1 0 -1 0 1 0 0 0 7 8 0 0 20 0 4 0 %d 1000 200\n", pid, 4000 + pid);
	tree_put(t, path, text);
	snprintf(path, sizeof(path), "proc/%d/status", pid);
	snprintf(text, sizeof(text), "Name:\tqemu\nUid:\t%u\t%u\t%u\t%u\n", real, getuid(),
		getuid(), getuid());
	tree_put(t, path, text);
	snprintf(path, sizeof(path), "proc/%d/task/%d/comm", pid, pid + 1000);
	tree_put(t, path, "CPU 0/KVM\n");
}

/* The guest with this user in its label, and its process. */
static struct hv_guest *find(const struct tree *t, const char *user)
{
	static const struct hv_ops none;
	struct hv_config config = {.uri = "test:///default", .proc_root = t->root};
	_cleanup_hv_ struct hv *hv = NULL;
	struct hv_guest *g = hv_guest_new();

	if (!g || hv_new(&config, &none, NULL, &hv) < 0 || uuid_parse(UUID, &g->uuid) < 0)
		abort();
	g->id = 7;
	g->user = user ? strdup(user) : NULL;
	exec_find_process(hv, g);
	return g;
}

static const char *me(char buf[static 16])
{
	snprintf(buf, 16, "+%u", getuid());
	return buf;
}

TEST(a_strangers_process_is_passed_over_for_libvirts)
{
	_cleanup_hv_guest_new_ struct hv_guest *g = NULL;
	_cleanup_tree_ struct tree t;
	char user[16];

	tree_new(&t);
	put(&t, 100, STRANGER);
	put(&t, 101, getuid());
	put(&t, 102, STRANGER);
	g = find(&t, me(user));
	CHECK_INT(g->pid, 101);
	CHECK_U64(g->pid_start_ticks, 4101);
	CHECK_INT(g->n_vcpu_tids, 1);
	CHECK_INT(g->vcpu_tids[0], 1101);
	CHECK_INT(g->stranger_pid, 0);
}

TEST(where_there_are_but_strangers_none_is_it_and_the_first_is_named)
{
	_cleanup_hv_guest_new_ struct hv_guest *g = NULL, *other = NULL;
	_cleanup_tree_ struct tree t;
	char user[16];

	tree_new(&t);
	put(&t, 100, STRANGER);
	put(&t, 102, STRANGER + 1);
	g = find(&t, me(user));
	CHECK_INT(g->pid, 0);
	CHECK_INT(g->n_vcpu_tids, 0);
	CHECK_INT(g->stranger_pid, 100);
	CHECK_U64(g->stranger_uid, STRANGER);
	/* Its own directory tells on one that would have it from its status alone. */
	other = find(&t, "+54321");
	CHECK_INT(other->pid, 0);
	CHECK_INT(other->stranger_pid, 100);
}

TEST(a_label_may_name_its_user)
{
	_cleanup_hv_guest_new_ struct hv_guest *g = NULL;
	const struct passwd *pw = getpwuid(getuid());
	_cleanup_tree_ struct tree t;
	char number[16];

	tree_new(&t);
	put(&t, 100, getuid());
	snprintf(number, sizeof(number), "%u", getuid());
	g = find(&t, number);
	CHECK_INT(g->pid, 100);
	hv_guest_dropp(&g);
	g = find(&t, "+99999999999");
	CHECK_INT(g->pid, getuid() == 0 ? 100 : 0);
	if (!pw)
		TEST_SKIP("this user has no name");
	hv_guest_dropp(&g);
	g = find(&t, pw->pw_name);
	CHECK_INT(g->pid, 100);
}

TEST(without_a_label_it_is_roots_or_of_the_owner_of_libvirts_directory)
{
	_cleanup_hv_guest_new_ struct hv_guest *g = NULL;
	_cleanup_tree_ struct tree t;

	tree_new(&t);
	put(&t, 100, getuid());
	g = find(&t, NULL);
	CHECK_INT(g->pid, getuid() == 0 ? 100 : 0);
	hv_guest_dropp(&g);
	tree_put(&t, "var/lib/libvirt/qemu/x", "");
	g = find(&t, NULL);
	CHECK_INT(g->pid, 100);
	hv_guest_dropp(&g);
	g = find(&t, "+54321"); /* whom a label names, and nobody else */
	CHECK_INT(g->pid, 0);
	CHECK_U64(g->stranger_uid, getuid());
	hv_guest_dropp(&g);
	put(&t, 100, STRANGER);
	g = find(&t, NULL);
	CHECK_INT(g->pid, 0);
	CHECK_INT(g->stranger_pid, 100);
}

TEST_MAIN()
