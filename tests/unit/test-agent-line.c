/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/line.h"

#include "daemon/channel/line.h"
#include "tests/test.h"

/* What the agent writes is read by the very parser of the host. */
static char buf[AGENT_LINE_MAX + 1];
static struct text text;
static struct line line;
static const char *reason;

static int parse(void)
{
	if (text.cut || text.len == 0 || text.buf[text.len - 1] != '\n')
		return -EMSGSIZE;
	return line_parse(text.buf, text.len - 1, &line, &reason);
}

static void begin(void)
{
	memset(buf, 0, sizeof(buf));
	text = (struct text){.buf = buf, .size = sizeof(buf)};
}

/* Every figure another value, so that a swapped pair shows. */
static const struct figures figures = {
	.mono_usec = 90000001,
	.page_bytes = 4096,
	.total_bytes = 100000001,
	.available_bytes = 90000002,
	.free_bytes = 80000003,
	.anon_bytes = 4004,
	.file_bytes = 5005,
	.dirty_bytes = 6006,
	.swap_total_bytes = 70007,
	.swap_free_bytes = 8008,
	.has_counters = true,
	.major_faults = 9,
	.refaults_file = 10,
	.refaults_anon = 11,
	.oom_kills = 12,
	.steal_usec = 13,
	.running = 14,
	.has_psi = true,
	.psi_mem_some_usec = 1015,
	.psi_mem_full_usec = 16,
	.psi_cpu_some_usec = 17,
	.psi_io_some_usec = 1018,
	.psi_io_full_usec = 19,
};

TEST(a_report_reads_back_as_it_was)
{
	static const struct fs_list fs = {.n = 1, .items = {{"/", 20, 21 - 2}}};
	struct report r = {.seq = 1,
		.boot_id = UINT64_C(0xfedcba9876543210),
		.why = WHY_PRESSURE,
		.has_ping = true,
		.ping_id = 22,
		.figures = &figures,
		.fs = &fs};
	const struct guest_report *g = &line.report;

	begin();
	line_report(&text, &r);
	CHECK_INT(parse(), 0);
	CHECK_INT(line.type, LINE_REPORT);
	CHECK(line.has_ping && line.has_filesystems && g->has_counters && g->has_psi);
	CHECK_INT(g->why, REPORT_WHY_PRESSURE);
	CHECK_U64(g->seq, 1);
	CHECK_U64(g->boot_id, r.boot_id);
	CHECK_U64(line.ping_id, 22);
	CHECK_U64(g->guest_usec, figures.mono_usec);
	CHECK_U64(g->total_bytes, figures.total_bytes);
	CHECK_U64(g->available_bytes, figures.available_bytes);
	CHECK_U64(g->free_bytes, figures.free_bytes);
	CHECK_U64(g->anon_bytes, figures.anon_bytes);
	CHECK_U64(g->file_bytes, figures.file_bytes);
	CHECK_U64(g->dirty_bytes, figures.dirty_bytes);
	CHECK_U64(g->swap_total_bytes, figures.swap_total_bytes);
	CHECK_U64(g->swap_free_bytes, figures.swap_free_bytes);
	CHECK_U64(g->major_faults, 9);
	CHECK_U64(g->refaults_file, 10);
	CHECK_U64(g->refaults_anon, 11);
	CHECK_U64(g->oom_kills, 12);
	CHECK_U64(g->steal_usec, 13);
	CHECK_U64(g->running_tasks, 14);
	CHECK_U64(g->psi_mem_some_usec, 1015);
	CHECK_U64(g->psi_mem_full_usec, 16);
	CHECK_U64(g->psi_cpu_some_usec, 17);
	CHECK_U64(g->psi_io_some_usec, 1018);
	CHECK_U64(g->psi_io_full_usec, 19);
	CHECK_INT(line.n_filesystems, 1);
	CHECK_U64(line.filesystems[0].size_bytes, 20);
	CHECK_U64(line.filesystems[0].free_bytes, 19);
}

TEST(every_why_is_known_to_the_host)
{
	static const enum report_why want[WHY_MAX] = {
		[WHY_HEARTBEAT] = REPORT_WHY_HEARTBEAT,
		[WHY_AVAILABLE] = REPORT_WHY_AVAILABLE,
		[WHY_PRESSURE] = REPORT_WHY_PRESSURE,
		[WHY_REQUEST] = REPORT_WHY_REQUEST,
	};

	for (int why = WHY_HEARTBEAT; why < WHY_MAX; why++) {
		struct report r = {.boot_id = 1, .why = (enum why)why, .figures = &figures};

		begin();
		line_report(&text, &r);
		CHECK_INT(parse(), 0);
		CHECK_INT(line.report.why, want[why]);
	}
}

TEST(groups_that_a_machine_lacks_are_left_out)
{
	struct figures few = figures;
	struct report r = {.boot_id = 1, .why = WHY_HEARTBEAT, .figures = &few};

	few.has_counters = few.has_psi = false;
	begin();
	line_report(&text, &r);
	CHECK_INT(parse(), 0);
	CHECK(!line.report.has_counters && !line.report.has_psi && !line.has_ping &&
		!line.has_filesystems);
}

TEST(a_hello_reads_back_as_it_was)
{
	struct hello h = {.os = "A \"quoted\" \\ name\x01\xff of \xc3\xa9",
		.kernel = "6.1.0",
		.page_bytes = 65536,
		.boot_id = 1,
		.psi = true};

	begin();
	line_hello(&text, &h);
	CHECK_INT(parse(), 0);
	CHECK_INT(line.type, LINE_HELLO);
	CHECK_STR(line.hello.os, "A \"quoted\" \\ name?? of ??");
	CHECK_STR(line.hello.kernel, "6.1.0");
	CHECK_INT(line.hello.page_bytes, 65536);
	CHECK_U64(line.hello.boot_id, 1);
	CHECK_INT(line.hello.caps, 1 << AGENT_CAP_PSI | 1 << AGENT_CAP_FILESYSTEMS);
	h = (struct hello){.os = "", .kernel = "6", .page_bytes = 4096, .boot_id = 1};
	h.psi_trigger = true;
	begin();
	line_hello(&text, &h);
	CHECK_INT(parse(), 0);
	CHECK_STR(line.hello.os, "");
	CHECK_INT(line.hello.caps, 1 << AGENT_CAP_PSI_TRIGGER | 1 << AGENT_CAP_FILESYSTEMS);
}

TEST(the_longest_report_fits_a_line)
{
	struct figures most;
	struct fs_list fs = {.n = FS_MAX};
	struct report r = {.seq = UINT64_MAX,
		.boot_id = UINT64_MAX,
		.why = WHY_HEARTBEAT,
		.has_ping = true,
		.ping_id = UINT64_MAX,
		.figures = &most,
		.fs = &fs};

	/* All bits set: the largest numbers, and true. */
	memset(&most, 0xff, sizeof(most));
	most.has_counters = most.has_psi = true;
	for (int i = 0; i < FS_MAX; i++) {
		memset(fs.items[i].mount, '"', FS_MOUNT_MAX - 1);
		fs.items[i].mount[FS_MOUNT_MAX - 1] = '\0';
		fs.items[i].size_bytes = fs.items[i].free_bytes = UINT64_MAX;
	}
	begin();
	line_report(&text, &r);
	CHECK(!text.cut);
	CHECK(text.len <= AGENT_LINE_MAX);
}

TEST(text_that_does_not_fit_is_cut_and_remembered)
{
	char small[8];
	struct text t = {.buf = small, .size = sizeof(small)};

	text_add(&t, "1234567");
	CHECK(!t.cut);
	text_add(&t, "8");
	CHECK(t.cut);
	CHECK_STR(small, "1234567");
	t = (struct text){.buf = small, .size = sizeof(small)};
	text_add_number(&t, UINT64_MAX);
	CHECK_STR(small, "1844674");
	CHECK(t.cut);
}

TEST_MAIN()
