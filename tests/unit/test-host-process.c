/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/host/process.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/test.h"
#include "tests/unit/tree.h"

#define STAT(state, ticks)                                                                   \
	"100 (qemu (x) 86) " state " 1 100 100 0 -1 4194560 1 0 0 0 7 8 0 0 20 0 4 0 " ticks \
	" 1000 200 18446744073709551615 1 1 0\n"
#define UUID_A "11111111-2222-4333-8444-555555555555"
#define UUID_B "00000000-2222-4333-8444-555555555555"

static void put_qemu(struct tree *t)
{
	static const char args[] =
		"/usr/bin/qemu-system-x86_64\0-name\0guest=a,debug-threads=on\0-object\0"
		"{\"file\":\"/var/lib/libvirt/qemu/domain-7-a/master-key.aes\"}\0-uuid\0" UUID_A
		"\0-m\0"
		"512\0-accel\0tcg,tb-size=64,x=\0-smp\0" "1,y=99999999999999999999";

	tree_new(t);
	tree_put_bytes(t, "proc/100/cmdline", args, sizeof(args));
	tree_put(t, "proc/100/stat", STAT("S", "4242"));
	tree_put(t, "proc/100/statm", "300000 70000 5000 100 0 60000 0\n");
	tree_put(t, "proc/100/task/100/comm", "qemu-system-x86\n");
	tree_put(t, "proc/100/task/112/comm", "CPU 0/KVM\n");
	tree_put(t, "proc/100/task/105/comm", "CPU 10/KVM\n");
	tree_put(t, "proc/100/task/107/comm", "CPU 2/TCG\n");
	tree_put(t, "proc/100/task/108/comm", "IO mon_iothread\n");
	tree_put(t, "proc/100/task/112/schedstat", "5000000 3000000 77\n");
	tree_put(t, "proc/100/task/105/schedstat", "1000000 500000 9\n");
}

TEST(qemu_is_found_by_its_uuid)
{
	_cleanup_tree_ struct tree t;
	_cleanup_free_ struct qemu_process *all = NULL;
	static const char twin[] = "kvm\0-uuid\0" UUID_A "\0";
	static const char other[] = "kvm\0-uuid\0" UUID_B "\0";
	static const char cut[] = "kvm\0-uuid";
	struct uuid a;
	size_t n;

	put_qemu(&t);
	tree_put_bytes(&t, "proc/101/cmdline", twin, sizeof(twin));
	tree_put(&t, "proc/101/stat", STAT("S", "1"));
	tree_put_bytes(&t, "proc/99/cmdline", other, sizeof(other));
	tree_put(&t, "proc/99/stat", STAT("S", "2"));
	tree_put_bytes(&t, "proc/98/cmdline", cut, sizeof(cut));
	tree_put(&t, "proc/98/stat", STAT("S", "2"));
	tree_put(&t, "proc/97/cmdline", "");
	tree_put(&t, "proc/self/cmdline", "no number");
	CHECK_INT(process_find_qemus(t.root, &all, &n), 0);
	CHECK_U64(n, 3);
	CHECK_INT(all[0].pid, 99);
	CHECK_INT(all[1].pid, 100);
	CHECK_INT(all[2].pid, 101);
	CHECK_INT(uuid_parse(UUID_A, &a), 0);
	CHECK(uuid_equal(&all[1].uuid, &a));
	CHECK_U64(all[1].start_ticks, 4242);
	CHECK(process_cmdline_contains(t.root, 100, "/domain-7-"));
	CHECK(!process_cmdline_contains(t.root, 100, "/domain-8-"));
	CHECK(!process_cmdline_contains(t.root, 12345, "/domain-7-"));
}

static int match(const struct tree *t, const struct qemu_process *q, const char *part, uid_t user,
	uid_t *ret_uid)
{
	const uid_t users[] = {77777, user};

	return process_is_qemu(t->root, q, part, users, ARRAY_SIZE(users), ret_uid);
}

TEST(a_qemu_is_its_users_by_effective_and_by_real_user)
{
	_cleanup_tree_ struct tree t;
	struct qemu_process q = {.pid = 100, .start_ticks = 4242};
	uid_t me = getuid(), whose = 0;
	char status[64];

	put_qemu(&t);
	CHECK_INT(uuid_parse(UUID_A, &q.uuid), 0);
	snprintf(status, sizeof(status), "Name:\tqemu\nUid:\t%u\t%u\t%u\t%u\n", me, me, me, me);
	tree_put(&t, "proc/100/status", status);
	CHECK_INT(match(&t, &q, "/domain-7-", me, &whose), 0);
	CHECK_INT(match(&t, &q, "/domain-8-", me, &whose), -ENOENT);
	CHECK_INT(match(&t, &q, "/domain-7-", me + 1, &whose), -EPERM);
	CHECK_U64(whose, me);
	/* A set-user-ID program's directory is not its caller's, but the real user is. */
	snprintf(status, sizeof(status), "Name:\tsu\nUid:\t%u\t%u\t%u\t%u\n", me + 1, me, me, me);
	tree_put(&t, "proc/100/status", status);
	CHECK_INT(match(&t, &q, "/domain-7-", me, &whose), -EPERM);
	CHECK_U64(whose, me + 1);
	/* The directory counts as well. */
	CHECK_INT(match(&t, &q, "/domain-7-", me + 1, &whose), -EPERM);
	tree_put(&t, "proc/100/status", "Name:\tqemu\n");
	CHECK_INT(match(&t, &q, "/domain-7-", me, &whose), -EBADMSG);
	q.uuid.bytes[0] ^= 1;
	snprintf(status, sizeof(status), "Uid:\t%u\t%u\t%u\t%u\n", me, me, me, me);
	tree_put(&t, "proc/100/status", status);
	CHECK_INT(match(&t, &q, "/domain-7-", me, &whose), -ENOENT);
	q.uuid.bytes[0] ^= 1;
	q.start_ticks++;
	CHECK_INT(match(&t, &q, "/domain-7-", me, &whose), -ESRCH);
	q.pid = 12345;
	CHECK_INT(match(&t, &q, "/domain-7-", me, &whose), -ESRCH);
}

TEST(a_number_on_the_command_line)
{
	_cleanup_tree_ struct tree t;
	uint64_t n = 7;

	put_qemu(&t);
	CHECK_INT(process_cmdline_number(t.root, 100, "tcg,tb-size=", &n), 0);
	CHECK_U64(n, 64);
	CHECK_INT(process_cmdline_number(t.root, 100, ",x=", &n), -ENOENT);
	CHECK_INT(process_cmdline_number(t.root, 100, "nowhere=", &n), -ENOENT);
	CHECK_INT(process_cmdline_number(t.root, 12345, "tcg,tb-size=", &n), -ENOENT);
	CHECK_INT(process_cmdline_number(t.root, 100, ",y=", &n), -ERANGE);
	CHECK_U64(n, 64);
}

TEST(vcpus_come_in_their_order)
{
	_cleanup_tree_ struct tree t;
	_cleanup_free_ pid_t *tids = NULL;
	size_t n;

	put_qemu(&t);
	CHECK_INT(process_find_vcpus(t.root, 100, &tids, &n), 0);
	CHECK_U64(n, 3);
	CHECK_INT(tids[0], 112);
	CHECK_INT(tids[1], 107);
	CHECK_INT(tids[2], 105);
	CHECK_INT(process_find_vcpus(t.root, 55, &tids, &n), -ESRCH);
}

TEST(size_and_waiting_are_read)
{
	_cleanup_tree_ struct tree t;
	_cleanup_process_ struct process *p = NULL;
	struct process_reading r = {0};
	pid_t tids[] = {112, 107, 105}; /* the second has no schedstat */

	put_qemu(&t);
	CHECK_INT(process_open(t.root, 100, 4242, tids, 3, &p), 0);
	CHECK_INT(process_read(p, true, &r), 0);
	CHECK_U64(r.resident_bytes, 70000 * (uint64_t)sysconf(_SC_PAGESIZE));
	CHECK(r.has_vcpu);
	CHECK_U64(r.vcpu_time_usec, 6000);
	CHECK_U64(r.vcpu_delay_usec, 3500);
	CHECK_INT(process_read(p, false, &r), 0);
	CHECK(!r.has_vcpu);
	/* A zombie has no memory any more. */
	tree_put(&t, "proc/100/statm", "0 0 0 0 0 0 0\n");
	CHECK_INT(process_read(p, false, &r), -ESRCH);
}

TEST(another_process_of_the_same_number_is_not_it)
{
	_cleanup_tree_ struct tree t;
	struct process *p = NULL;

	put_qemu(&t);
	CHECK_INT(process_open(t.root, 100, 4241, NULL, 0, &p), -ESRCH);
	CHECK_INT(process_open(t.root, 1000, 0, NULL, 0, &p), -ESRCH);
	CHECK(!p);
}

TEST(stopped_is_seen_and_odd_names_do_not_matter)
{
	_cleanup_tree_ struct tree t;
	uint64_t ticks;

	put_qemu(&t);
	CHECK(!process_is_stopped(t.root, 100));
	tree_put(&t, "proc/100/stat", STAT("T", "4242"));
	CHECK(process_is_stopped(t.root, 100));
	CHECK_INT(process_start_ticks(t.root, 100, &ticks), 0);
	CHECK_U64(ticks, 4242);
	CHECK(!process_is_stopped(t.root, 4711));
	tree_put(&t, "proc/100/stat", "nonsense");
	CHECK(!process_is_stopped(t.root, 100));
	CHECK_INT(process_start_ticks(t.root, 100, &ticks), -EBADMSG);
}

/* A child of ours stands for a QEMU: it grows, is stopped, ends. */
TEST(live_process_grows_stops_and_ends)
{
	_cleanup_process_ struct process *p = NULL;
	struct process_reading before, after;
	char *memory =
		mmap(NULL, 32 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int go[2], done[2], status, r;
	cpu_set_t one;
	uint64_t ticks;
	pid_t pid, tids[1];
	char c;

	CHECK(memory != MAP_FAILED);
	CHECK_INT(pipe(go), 0);
	CHECK_INT(pipe(done), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (read(go[0], &c, 1) == 1)
			memset(memory, 1, 32 * MIB);
		if (write(done[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	tids[0] = pid;
	CHECK_INT(process_start_ticks("/", pid, &ticks), 0);
	CHECK_INT(process_open("/", pid, ticks, tids, 1, &p), 0);
	CHECK_INT(process_read(p, false, &before), 0);
	CHECK_INT(write(go[1], "x", 1), 1);
	CHECK_INT(read(done[0], &c, 1), 1);
	CHECK_INT(process_read(p, true, &after), 0);
	CHECK(after.resident_bytes >= before.resident_bytes + 30 * MIB);
	CHECK(after.n_cpus >= 1);
	CHECK_INT(sched_getaffinity(pid, sizeof(one), &one), 0);
	CHECK_INT(after.n_cpus, CPU_COUNT(&one));
	for (size_t i = CPU_SETSIZE; i-- > 0 && CPU_COUNT(&one) > 1;)
		CPU_CLR(i, &one);
	CHECK_INT(sched_setaffinity(pid, sizeof(one), &one), 0);
	CHECK_INT(process_read(p, true, &after), 0);
	CHECK_INT(after.n_cpus, 1);
	CHECK_U64(after.cpus.word[0] & 1, CPU_ISSET(0, &one) ? 1 : 0);
	CHECK(!process_is_stopped("/", pid));
	CHECK_INT(kill(pid, SIGSTOP), 0);
	CHECK_INT(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(process_is_stopped("/", pid));
	CHECK_INT(process_read(p, false, &after), 0); /* nothing hangs */
	CHECK_INT(kill(pid, SIGKILL), 0);
	CHECK_INT(waitpid(pid, &status, 0), pid);
	r = process_read(p, true, &after);
	CHECK_INT(r, -ESRCH);
	munmap(memory, 32 * MIB);
}

TEST_MAIN()
