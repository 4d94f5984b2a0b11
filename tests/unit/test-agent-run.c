/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The agent as it is shipped, static and all: run with a UNIX socket for a port and, where wanted,
 * a made-up /proc. The test plays the host; lines are read by the host's own parser.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

#include "daemon/channel/intake.h"
#include "tests/test.h"

#define DEADLINE_USEC (30 * USEC_PER_SEC)
/* Rest is counted for so long. */
#define REST_USEC (21 * USEC_PER_SEC)

struct host {
	char dir[64];
	char path[96];
	int listener, peer;
	pid_t agent;
	struct intake intake;
	char bytes[4096];
	const char *at;
	size_t left;
	unsigned bad;
	const char *reason;
	struct line line; /* the last one read */
};

static uint64_t now_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

static const char *binary(void)
{
	static char path[4096];
	const char *builddir = getenv("builddir");

	snprintf(path, sizeof(path), "%s/agent/ballast-agent", builddir ? builddir : ".");
	return path;
}

static void host_listen(struct host *h)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	memcpy(a.sun_path, h->path, sizeof(h->path));
	unlink(h->path);
	h->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bind(h->listener, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(h->listener, 1) < 0)
		abort();
}

static pid_t start(const char *const *argv)
{
	pid_t pid = fork();

	if (pid == 0) {
		/* A test that crashes leaves no agent behind. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	return pid;
}

/* With proc NULL the machine's own. */
static void host_begin(struct host *h, const char *proc)
{
	char port[128], proc_option[128];
	const char *argv[] = {binary(), port, proc ? proc_option : NULL, NULL};

	*h = (struct host){.listener = -1, .peer = -1, .agent = -1};
	strcpy(h->dir, "/tmp/test-agent-run-XXXXXX");
	if (!mkdtemp(h->dir))
		abort();
	snprintf(h->path, sizeof(h->path), "%s/s", h->dir);
	host_listen(h);
	snprintf(port, sizeof(port), "--port=%s", h->path);
	snprintf(proc_option, sizeof(proc_option), "--proc=%s", proc ? proc : "");
	h->agent = start(argv);
}

static void host_end(struct host *h)
{
	intake_reset(&h->intake);
	closep(&h->peer);
	closep(&h->listener);
	if (h->agent > 0) {
		kill(h->agent, SIGTERM);
		waitpid(h->agent, NULL, 0);
	}
	unlink(h->path);
	rmdir(h->dir);
}
#define _cleanup_host_ _cleanup_(host_end)

static bool wait_readable(int fd, uint64_t until_usec)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t now = now_usec();

	return now < until_usec && poll(&p, 1, (int)((until_usec - now) / USEC_PER_MSEC + 1)) > 0;
}

static bool host_accepts(struct host *h)
{
	if (!wait_readable(h->listener, now_usec() + DEADLINE_USEC))
		return false;
	h->peer = accept4(h->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	intake_reset(&h->intake);
	h->left = 0;
	return h->peer >= 0;
}

/* The next whole line that is in order, until a point in time; bad ones are counted. */
static bool host_reads_until(struct host *h, uint64_t until_usec)
{
	for (;;) {
		struct intake_line text;
		ssize_t n;

		while (intake_next(&h->intake, &h->at, &h->left, &text)) {
			if (text.text && line_parse(text.text, text.len, &h->line, &h->reason) == 0)
				return true;
			h->bad++;
		}
		if (!wait_readable(h->peer, until_usec))
			return false;
		n = read(h->peer, h->bytes, sizeof(h->bytes));
		if (n <= 0)
			return false;
		h->at = h->bytes;
		h->left = (size_t)n;
	}
}

static bool host_reads(struct host *h)
{
	return host_reads_until(h, now_usec() + DEADLINE_USEC);
}

static bool host_says(struct host *h, const char *text)
{
	return send(h->peer, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

/* Reads until the answer to this ping. */
static bool host_hears_answer(struct host *h, uint64_t id)
{
	while (host_reads(h))
		if (h->line.type == LINE_REPORT && h->line.has_ping && h->line.ping_id == id)
			return true;
	return false;
}

/* A figure of /proc/PID/status, 0 when it is not there. */
static uint64_t status(pid_t pid, const char *key, int base)
{
	char path[64], text[256];
	uint64_t v = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(text, sizeof(text), f))
		if (strncmp(text, key, strlen(key)) == 0)
			v = strtoull(text + strlen(key), NULL, base);
	if (f)
		fclose(f);
	return v;
}

/* CPU time so far, in ticks. */
static uint64_t cpu_ticks(pid_t pid)
{
	unsigned long user = 0, system = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f) {
		if (fscanf(f, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
			    &system) != 2)
			user = ULONG_MAX;
		fclose(f);
	}
	return user + system;
}

/* A made-up /proc: meminfo with this much available, vmstat, stat, loadavg, no PSI. */
static void put(const char *dir, const char *name, const char *text)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	if (!f)
		abort();
	fputs(text, f);
	fclose(f);
}

static void put_memory(const char *dir, unsigned available_mib)
{
	char text[256], path[160];

	int fd;

	/* In place: the agent keeps the file open. */
	snprintf(text, sizeof(text),
		"MemTotal: 1024000 kB\nMemFree: 1000 kB\nMemAvailable: %8u kB\n",
		available_mib * 1024);
	snprintf(path, sizeof(path), "%s/meminfo", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		abort();
	close(fd);
}

static void make_proc(char *dir)
{
	strcpy(dir, "/tmp/test-agent-proc-XXXXXX");
	if (!mkdtemp(dir))
		abort();
	put_memory(dir, 500);
	put(dir, "vmstat",
		"workingset_refault_file 0\nworkingset_refault_anon 0\npgmajfault 0\noom_kill 0\n");
	put(dir, "stat", "cpu  1 2 3 4 5 6 7 8 9 10\n");
	put(dir, "loadavg", "0.00 0.01 0.05 1/123 4567\n");
}

static void remove_proc(const char *dir)
{
	static const char *const names[] = {"meminfo", "vmstat", "stat", "loadavg"};
	char path[160];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

TEST(it_says_hello_and_a_full_report_first)
{
	_cleanup_host_ struct host h;
	char c;

	host_begin(&h, NULL);
	CHECK(host_accepts(&h));
	CHECK(wait_readable(h.peer, now_usec() + DEADLINE_USEC));
	CHECK_INT(read(h.peer, &c, 1), 1);
	CHECK_INT((unsigned char)c, 0xff);
	CHECK(host_reads(&h));
	CHECK_INT(h.line.type, LINE_HELLO);
	CHECK(h.line.hello.kernel[0] != '\0');
	CHECK(host_reads(&h));
	CHECK_INT(h.line.type, LINE_REPORT);
	CHECK_INT(h.line.report.why, REPORT_WHY_REQUEST);
	CHECK(h.line.has_filesystems);
	CHECK(h.line.report.has_counters);
	CHECK_INT(h.bad, 0);
}

TEST(a_ping_is_answered_and_hello_comes_when_asked)
{
	_cleanup_host_ struct host h;
	uint64_t seq;

	host_begin(&h, NULL);
	CHECK(host_accepts(&h));
	CHECK(host_reads(&h) && host_reads(&h));
	seq = h.line.report.seq;
	CHECK(host_says(&h, "{\"type\":\"ping\",\"id\":17}\n"));
	CHECK(host_reads(&h));
	CHECK(h.line.type == LINE_REPORT && h.line.has_ping && !h.line.has_filesystems);
	CHECK_U64(h.line.ping_id, 17);
	CHECK_U64(h.line.report.seq, seq + 1);
	CHECK(host_says(&h, "{\"type\":\"ping\",\"id\":18,\"hello\":true}\n"));
	CHECK(host_reads(&h));
	CHECK_INT(h.line.type, LINE_HELLO);
	CHECK(host_reads(&h));
	CHECK(h.line.has_ping && h.line.ping_id == 18 && h.line.has_filesystems);
}

TEST(a_configuration_is_obeyed)
{
	_cleanup_host_ struct host h;
	uint64_t last_usec = 0;

	host_begin(&h, NULL);
	CHECK(host_accepts(&h));
	CHECK(host_says(&h, "{\"type\":\"config\",\"heartbeat_ms\":1000,\"available_pct\":50}\n"
			    "{\"type\":\"ping\",\"id\":1}\n"));
	CHECK(host_hears_answer(&h, 1));
	for (int i = 0; i < 4; i++) {
		CHECK(host_reads(&h));
		CHECK_INT(h.line.report.why, REPORT_WHY_HEARTBEAT);
		if (last_usec)
			CHECK(h.line.report.guest_usec - last_usec < 2 * USEC_PER_SEC);
		last_usec = h.line.report.guest_usec;
	}
}

TEST(a_host_that_goes_is_waited_for_and_met_anew)
{
	_cleanup_host_ struct host h;
	uint64_t seq;

	host_begin(&h, NULL);
	CHECK(host_accepts(&h));
	CHECK(host_reads(&h) && host_reads(&h));
	seq = h.line.report.seq;
	/* The daemon is started again. */
	closep(&h.peer);
	CHECK(host_accepts(&h));
	CHECK(host_reads(&h));
	CHECK_INT(h.line.type, LINE_HELLO);
	CHECK(host_reads(&h));
	CHECK(h.line.report.seq > seq && h.line.has_filesystems);
	/* The channel is unplugged and plugged in. */
	closep(&h.peer);
	closep(&h.listener);
	unlink(h.path);
	usleep(1500 * 1000);
	host_listen(&h);
	CHECK(host_accepts(&h));
	CHECK(host_reads(&h));
	CHECK_INT(h.line.type, LINE_HELLO);
}

TEST(root_keeps_three_capabilities_and_gets_none_back)
{
	const uint64_t kept = UINT64_C(1) << CAP_IPC_LOCK | UINT64_C(1) << CAP_SYS_RESOURCE |
	                      UINT64_C(1) << CAP_PERFMON;
	_cleanup_host_ struct host h;

	host_begin(&h, NULL);
	/* It opens its port after it gave up the others. */
	CHECK(host_accepts(&h));
	CHECK_U64(status(h.agent, "CapPrm:", 16) & ~kept, 0);
	CHECK_U64(status(h.agent, "CapEff:", 16) & ~kept, 0);
	CHECK_U64(status(h.agent, "CapInh:", 16), 0);
	CHECK_U64(status(h.agent, "NoNewPrivs:", 10), 1);
}

TEST(a_restarted_agent_goes_on_with_a_higher_sequence)
{
	_cleanup_host_ struct host h;
	uint64_t seq, boot_id;

	host_begin(&h, NULL);
	CHECK(host_accepts(&h));
	CHECK(host_reads(&h) && host_reads(&h));
	seq = h.line.report.seq;
	boot_id = h.line.report.boot_id;
	host_end(&h);
	host_begin(&h, NULL);
	CHECK(host_accepts(&h));
	CHECK(host_reads(&h) && host_reads(&h));
	CHECK(h.line.report.seq > seq);
	CHECK_U64(h.line.report.boot_id, boot_id);
}

TEST(a_full_channel_loses_lines_but_never_breaks_one)
{
	_cleanup_host_ struct host h;
	char ping[64];
	unsigned lines = 0;

	host_begin(&h, NULL);
	CHECK(host_accepts(&h));
	CHECK(host_reads(&h) && host_reads(&h));
	/* Asks a thousand times one by one and reads nothing: far more than a socket holds. */
	for (int i = 0; i < 1000; i++) {
		snprintf(ping, sizeof(ping), "{\"type\":\"ping\",\"id\":%d,\"hello\":true}\n", i);
		CHECK(host_says(&h, ping));
		usleep(500);
	}
	while (host_reads_until(&h, now_usec() + 300 * USEC_PER_MSEC))
		lines++;
	CHECK(lines > 50 && lines < 2000);
	CHECK_INT(h.bad, 0);
	CHECK(host_says(&h, "{\"type\":\"ping\",\"id\":1001}\n"));
	CHECK(host_hears_answer(&h, 1001));
	CHECK_INT(h.bad, 0);
}

TEST(garbage_from_the_host_does_no_harm)
{
	_cleanup_host_ struct host h;

	host_begin(&h, NULL);
	CHECK(host_accepts(&h));
	CHECK(host_says(&h, "garbage\n{\"type\":\"config\",\"heartbeat_ms\":1}\n{\"type\":\"pi\xff"
			    "{\"type\":\"ping\",\"id\":3}\n"));
	CHECK(host_hears_answer(&h, 3));
}

TEST(memory_that_moves_is_told_within_a_look)
{
	_cleanup_host_ struct host h;
	uint64_t begin_usec, total;
	char dir[64];

	make_proc(dir);
	host_begin(&h, dir);
	CHECK(host_accepts(&h));
	CHECK(host_reads(&h) && host_reads(&h));
	total = h.line.report.total_bytes;
	CHECK_U64(total, 1024000 * KIB);
	CHECK_U64(h.line.report.available_bytes, 500 * MIB);
	CHECK(!h.line.report.has_psi);
	begin_usec = now_usec();
	put_memory(dir, 450);
	do
		CHECK(host_reads(&h));
	while (h.line.report.why != REPORT_WHY_AVAILABLE);
	CHECK_U64(h.line.report.available_bytes, 450 * MIB);
	/* A look takes 0.1 s at 500 MiB; the rest is this machine's scheduling. */
	CHECK(now_usec() - begin_usec < 2 * USEC_PER_SEC);
	put_memory(dir, 20);
	do
		CHECK(host_reads(&h));
	while (h.line.report.why != REPORT_WHY_PRESSURE);
	CHECK_U64(h.line.report.available_bytes, 20 * MIB);
	remove_proc(dir);
}

TEST(files_that_cannot_be_read_leave_the_rest)
{
	_cleanup_host_ struct host h;
	char dir[64], path[128];

	make_proc(dir);
	snprintf(path, sizeof(path), "%s/vmstat", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/stat", dir);
	unlink(path);
	host_begin(&h, dir);
	CHECK(host_accepts(&h));
	CHECK(host_reads(&h) && host_reads(&h));
	CHECK(!h.line.report.has_counters && !h.line.report.has_psi);
	CHECK_U64(h.line.report.available_bytes, 500 * MIB);
	remove_proc(dir);
}

TEST(without_meminfo_it_still_says_hello_and_does_not_spin)
{
	_cleanup_host_ struct host h;
	uint64_t before;

	host_begin(&h, "/no/such/place");
	CHECK(host_accepts(&h));
	CHECK(host_reads(&h));
	CHECK_INT(h.line.type, LINE_HELLO);
	before = status(h.agent, "voluntary_ctxt_switches:", 10);
	usleep(5 * USEC_PER_SEC);
	CHECK(status(h.agent, "voluntary_ctxt_switches:", 10) - before <= 7);
}

/* Wake-ups per 100 s, counted as voluntary context switches. */
static uint64_t wakeups_per_100s(pid_t pid, uint64_t usec)
{
	uint64_t before = status(pid, "voluntary_ctxt_switches:", 10), begin_usec = now_usec(),
		 passed_usec;

	usleep((useconds_t)usec);
	passed_usec = now_usec() - begin_usec;
	return (status(pid, "voluntary_ctxt_switches:", 10) - before) * 100 * USEC_PER_SEC /
	       passed_usec;
}

TEST(at_rest_it_wakes_once_a_second_and_stays_small)
{
	_cleanup_host_ struct host h;
	uint64_t rate, resident_kib, limit_kib = strstr(AGENT_CC_NAME, "musl") ? 128 : 1024;

	host_begin(&h, NULL);
	CHECK(host_accepts(&h));
	CHECK(host_says(
		&h, "{\"type\":\"config\",\"available_pct\":50}\n{\"type\":\"ping\",\"id\":1}\n"));
	CHECK(host_hears_answer(&h, 1));
	if (h.line.report.available_bytes < 12 * GIB || !h.line.report.has_psi)
		TEST_SKIP("a machine with PSI and 12 GiB available is needed for looks a second "
			  "apart");
	rate = wakeups_per_100s(h.agent, REST_USEC);
	resident_kib = status(h.agent, "VmRSS:", 10);
	printf("# %" PRIu64 ".%02" PRIu64 " wake-ups a second at rest, %" PRIu64 " KiB resident\n",
		rate / 100, rate % 100, resident_kib);
	CHECK(rate <= 110);
	CHECK(rate >= 80);
	CHECK(resident_kib > 0 && resident_kib <= limit_kib);
}

TEST(without_psi_it_wakes_four_times_a_second)
{
	_cleanup_host_ struct host h;
	uint64_t rate;
	char dir[64];

	make_proc(dir);
	/* 24 GiB, of which 20 are available. */
	put(dir, "meminfo", "MemTotal: 25165824 kB\nMemFree: 1000 kB\nMemAvailable: 20971520 kB\n");
	host_begin(&h, dir);
	CHECK(host_accepts(&h));
	CHECK(host_reads(&h) && host_reads(&h));
	rate = wakeups_per_100s(h.agent, 5 * USEC_PER_SEC);
	CHECK(rate > 200 && rate <= 440);
	remove_proc(dir);
}

TEST(without_a_port_it_looks_for_one_once_a_second)
{
	const char *argv[] = {binary(), "--port=/no/such/place", NULL};
	pid_t pid = start(argv);
	uint64_t rate;

	usleep(200 * 1000);
	rate = wakeups_per_100s(pid, 5 * USEC_PER_SEC);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	CHECK(rate > 50 && rate <= 140);
}

TEST(a_port_whose_host_is_away_lets_it_sleep)
{
	/* The slave of a pseudo-terminal whose master was closed polls POLLIN|POLLHUP and reads 0
	 * for ever, as a port does that nobody holds on the host: the trap in which a naive agent
	 * spins. */
	_cleanup_close_ int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	char name[64], port[80];
	const char *argv[] = {binary(), port, NULL};
	struct termios raw;
	uint64_t rate, ticks;
	pid_t pid;

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
		ptsname_r(master, name, sizeof(name)) != 0)
		TEST_SKIP("no pseudo-terminals here");
	CHECK_INT(tcgetattr(master, &raw), 0);
	cfmakeraw(&raw);
	CHECK_INT(tcsetattr(master, TCSANOW, &raw), 0);
	snprintf(port, sizeof(port), "--port=%s", name);
	pid = start(argv);
	CHECK(wait_readable(master, now_usec() + DEADLINE_USEC));
	closep(&master);
	usleep(200 * 1000);
	rate = wakeups_per_100s(pid, 5 * USEC_PER_SEC);
	ticks = cpu_ticks(pid);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	CHECK(rate <= 110);
	CHECK(ticks < 10);
}

/* Runs it to its end and takes what it prints. Returns its exit code. */
static int run(const char *option, char *out, size_t size)
{
	int fds[2], state = 0;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		abort();
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		execl(binary(), binary(), option, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	while (n + 1 < size && (got = read(fds[0], out + n, size - 1 - n)) > 0)
		n += (size_t)got;
	out[n] = '\0';
	close(fds[0]);
	waitpid(pid, &state, 0);
	return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

TEST(once_prints_a_hello_and_a_report)
{
	static char out[16384];
	const char *reason = "";
	struct line line;
	char *newline;

	CHECK_INT(run("--once", out, sizeof(out)), 0);
	newline = strchr(out, '\n');
	CHECK(newline != NULL);
	CHECK_INT(line_parse(out, (size_t)(newline - out), &line, &reason), 0);
	CHECK_INT(line.type, LINE_HELLO);
	CHECK(newline[strlen(newline) - 1] == '\n');
	CHECK_INT(line_parse(newline + 1, strlen(newline) - 2, &line, &reason), 0);
	CHECK_INT(line.type, LINE_REPORT);
}

/* Whether the long option that begins here, without its dashes, has its place in the manual. */
static bool manual_tells(const char *option)
{
	int len = (int)strcspn(option, "= \n");
	char path[4096], wanted[64], text[512];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/man/ballast-agent.8", getenv("srcdir"));
	snprintf(wanted, sizeof(wanted), "\\-\\-%.*s", len, option);
	f = fopen(path, "re");
	while (f && !found && fgets(text, sizeof(text), f))
		found = strncmp(text, ".B", 2) == 0 && strstr(text, wanted);
	if (f)
		fclose(f);
	return found;
}

TEST(options_are_told_and_wrong_ones_refused)
{
	static char out[4096];

	CHECK_INT(run("--help", out, sizeof(out)), 0);
	CHECK_CONTAINS(out, "--once");
	for (char *s = out; (s = strstr(s, "  --")); s += 2)
		CHECK(manual_tells(s + 4));
	CHECK_INT(run("--version", out, sizeof(out)), 0);
	CHECK_CONTAINS(out, "ballast-agent ");
	CHECK_INT(run("--onc", out, sizeof(out)), 2);
	CHECK_CONTAINS(out, "--onc: no such option");
	CHECK_INT(run("--port", out, sizeof(out)), 2);
	CHECK_CONTAINS(out, "--port: a value is missing");
}

TEST_MAIN()
