/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/channel/line.h"

#include <stdio.h>

#include "tests/test.h"

#define BOOT "\"boot\":\"4a5ef2d09c1b7e33\""
#define HEAD "{\"type\":\"report\",\"seq\":7,\"mono_us\":5000000," BOOT ",\"why\":\"heartbeat\""
#define MEMORY ",\"total\":1073741824,\"available\":536870912"
#define COUNTERS                                                                               \
	",\"major_faults\":1,\"refaults_file\":2,\"refaults_anon\":3,\"oom_kills\":4,\"steal_" \
	"us\":5,"                                                                              \
	"\"running\":6"
#define HELLO                                                                                      \
	"{\"type\":\"hello\",\"version\":\"1\",\"proto\":1,\"kernel\":\"6.1\",\"page\":4096," BOOT \
	",\"caps\":[\"psi\"]"

TEST_STRTAB(agent_cap, enum agent_cap, AGENT_CAP_MAX)
TEST_STRTAB(line_type, enum line_type, LINE_TYPE_MAX)

static struct line line;
static const char *reason;

static int parse(const char *text)
{
	reason = NULL;
	return line_parse(text, strlen(text), &line, &reason);
}

/* The n-th example of this type in the documentation, which is the authority. */
static bool documented(const char *type, char *buf, size_t size)
{
	char path[4096], mark[64];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/docs/agent-protocol.md", getenv("srcdir"));
	snprintf(mark, sizeof(mark), "    {\"type\":\"%s\"", type);
	f = fopen(path, "re");
	while (f && !found && fgets(buf, (int)size, f))
		found = strncmp(buf, mark, strlen(mark)) == 0;
	if (f)
		fclose(f);
	buf[strcspn(buf, "\n")] = '\0';
	return found;
}

TEST(the_documented_report_is_read)
{
	char text[2048];

	CHECK(documented("report", text, sizeof(text)));
	CHECK_INT(parse(text), 0);
	CHECK_INT(line.type, LINE_REPORT);
	CHECK_INT(line.report.source, REPORT_AGENT);
	CHECK_INT(line.report.why, REPORT_WHY_HEARTBEAT);
	CHECK_U64(line.report.seq, 81243);
	CHECK_U64(line.report.guest_usec, 81311412);
	CHECK_U64(line.report.boot_id, UINT64_C(0x4a5ef2d09c1b7e33));
	CHECK_U64(line.report.total_bytes, 492830720);
	CHECK_U64(line.report.available_bytes, 401604608);
	CHECK_U64(line.report.free_bytes, 312475648);
	CHECK_U64(line.report.anon_bytes, 8093696);
	CHECK_U64(line.report.file_bytes, 94371840);
	CHECK_U64(line.report.dirty_bytes, 8192);
	CHECK(line.report.has_swap); /* though it is 0 */
	CHECK(line.report.has_counters && line.report.has_psi && !line.has_ping &&
		!line.has_filesystems);
	CHECK_U64(line.report.major_faults, 214);
	CHECK_INT(line.report.running_tasks, 1);
	CHECK_U64(line.report.psi_cpu_some_usec, 112009);
	CHECK_U64(line.report.psi_io_some_usec, 80122);
	CHECK_U64(line.report.psi_io_full_usec, 79001);
}

TEST(the_documented_hello_is_read)
{
	char text[2048];

	CHECK(documented("hello", text, sizeof(text)));
	CHECK_INT(parse(text), 0);
	CHECK_INT(line.type, LINE_HELLO);
	CHECK_STR(line.hello.version, "0.1.0");
	CHECK_STR(line.hello.os, "Debian GNU/Linux 12 (bookworm)");
	CHECK_STR(line.hello.kernel, "6.1.0-18-cloud-amd64");
	CHECK_INT(line.hello.proto, 1);
	CHECK_INT(line.hello.page_bytes, 4096);
	CHECK_U64(line.hello.boot_id, UINT64_C(0x4a5ef2d09c1b7e33));
	CHECK_INT(line.hello.caps,
		1 << AGENT_CAP_PSI | 1 << AGENT_CAP_PSI_TRIGGER | 1 << AGENT_CAP_FILESYSTEMS);
}

TEST(the_least_report_has_no_counters_and_no_psi)
{
	CHECK_INT(parse(HEAD MEMORY "}"), 0);
	CHECK(!line.report.has_counters && !line.report.has_psi && !line.report.has_swap);
	CHECK_U64(line.report.swap_total_bytes, 0);
	CHECK_INT(line.report.page_bytes, 4096);
}

TEST(members_may_come_in_any_order)
{
	CHECK_INT(parse("{\"available\":536870912,\"total\":1073741824,\"why\":\"pressure\"," BOOT
			",\"mono_us\":5,\"seq\":1,\"type\":\"report\"}"),
		0);
	CHECK_INT(line.report.why, REPORT_WHY_PRESSURE);
	CHECK_U64(line.report.total_bytes, GIB);
}

TEST(unknown_members_are_skipped_whatever_they_hold)
{
	CHECK_INT(
		parse(HEAD MEMORY ",\"later\":{\"a\":[1,-2.5e3,null,\"}\"]},\"x\":-1,\"x\":true}"),
		0);
	CHECK_INT(parse(HELLO ",\"later\":[[[]]]}"), 0);
}

TEST(ping_and_file_systems_are_handed_out)
{
	CHECK_INT(
		parse(HEAD MEMORY
			",\"ping\":42,\"fs\":[{\"mount\":\"/\",\"size\":10,\"free\":4,\"new\":[]},"
			"{\"free\":0,\"size\":7,\"mount\":\"/var \\u001b[31m\"}]}"),
		0);
	CHECK(line.has_ping && line.has_filesystems);
	CHECK_U64(line.ping_id, 42);
	CHECK_INT(line.n_filesystems, 2);
	CHECK_STR(line.filesystems[0].mount, "/");
	CHECK_U64(line.filesystems[0].size_bytes, 10);
	CHECK_U64(line.filesystems[0].free_bytes, 4);
	CHECK_STR(line.filesystems[1].mount, "/var ?[31m");
	CHECK_INT(parse(HEAD MEMORY ",\"fs\":[]}"), 0);
	CHECK(line.has_filesystems && line.n_filesystems == 0);
}

TEST(what_is_not_of_the_form_is_refused_and_says_why)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"", "not a JSON object"},
		{"garbage", "not a JSON object"},
		{"[]", "not a JSON object"},
		{"{}", "lacks \"type\""},
		{"{\"type\":\"report\"}", "lacks one of seq"},
		{"{\"type\":\"hello\"}", "lacks one of version"},
		{"{\"type\":\"Report\"}", "unknown \"type\""},
		{"{\"type\":1}", "\"type\" is not a string"},
		{"{\"type\":\"r\\u0065port\"}", "unknown \"type\""},
		{HEAD MEMORY "} ,", "not a JSON object"},
		{HEAD MEMORY, "not a JSON object"},
		{HEAD MEMORY ",\"seq\":8}", "\"seq\" comes twice"},
		{HEAD MEMORY ",\"free\":-1}", "\"free\" is not an integer"},
		{HEAD MEMORY ",\"free\":1.0}", "\"free\" is not an integer"},
		{HEAD MEMORY ",\"free\":1e3}", "\"free\" is not an integer"},
		{HEAD MEMORY ",\"free\":\"1\"}", "\"free\" is not an integer"},
		{HEAD MEMORY ",\"free\":null}", "\"free\" is not an integer"},
		{HEAD MEMORY ",\"free\":9007199254740992}", "\"free\" is not an integer"},
		{HEAD MEMORY ",\"ping\":\"1\"}", "\"ping\" is not an integer"},
		{HEAD MEMORY ",\"major_faults\":1}", "some of its counters"},
		{HEAD MEMORY ",\"psi_mem_some_us\":1}", "some of its psi_ members"},
		{HEAD MEMORY ",\"fs\":{}}", "\"fs\" is not an array"},
		{HEAD MEMORY ",\"fs\":[1]}", "\"fs\" is not a list"},
		{HEAD MEMORY ",\"fs\":[{\"mount\":\"/\",\"size\":1}]}", "\"fs\" is not a list"},
		{HEAD MEMORY ",\"fs\":[{\"mount\":\"\",\"size\":1,\"free\":1}]}",
			"\"fs\" is not a list"},
		{HEAD MEMORY ",\"fs\":[{\"mount\":\"/\",\"size\":1,\"free\":2}]}",
			"\"fs\" is not a list"},
		{HEAD MEMORY ",\"fs\":[{\"mount\":\"/\",\"mount\":\"/\",\"size\":1,\"free\":1}]}",
			"\"fs\" is not a list"},
		{"{\"type\":\"report\",\"boot\":\"4A5EF2D09C1B7E33\"}", "\"boot\" is not 16"},
		{"{\"type\":\"report\",\"boot\":\"4a5ef2d09c1b7e3\"}", "\"boot\" is not 16"},
		{"{\"type\":\"report\",\"boot\":\"0000000000000000\"}", "\"boot\" is not 16"},
		{"{\"type\":\"report\",\"boot\":\"4a5ef2d09c1b7e3g\"}", "\"boot\" is not 16"},
		{"{\"type\":\"report\",\"why\":\"because\"}", "unknown \"why\""},
		{HELLO ",\"os\":5}", "\"os\" is not a string"},
		{"{\"type\":\"hello\",\"caps\":[1]}", "\"caps\" is not a list"},
		{"{\"type\":\"hello\",\"caps\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\","
	         "\"9\","
		 "\"10\",\"11\",\"12\",\"13\",\"14\",\"15\",\"16\",\"17\"]}",
			"\"caps\" is not a list"},
		{"{\"type\":\"report\",\"x\":\"\xff\"}", "not UTF-8"},
		{"{\"type\":\"report\",\"x\":\"\xc3\"}", "not UTF-8"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK_INT(parse(cases[i].text), -EBADMSG);
		CHECK_CONTAINS(reason, cases[i].why);
	}
}

TEST(numbers_that_cannot_be_are_refused_and_say_why)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{HEAD ",\"total\":1000,\"available\":5}", "\"total\" is not between"},
		{HEAD ",\"total\":1125899906842625,\"available\":5}", "\"total\" is not between"},
		{HEAD ",\"total\":1048576,\"available\":1048577}", "\"available\" is larger"},
		{HEAD MEMORY ",\"free\":1073741825}", "\"free\" is larger"},
		{HEAD MEMORY ",\"anon\":1073741825}", "\"anon\" is larger"},
		{HEAD MEMORY ",\"file\":1073741825}", "\"file\" is larger"},
		{HEAD MEMORY ",\"dirty\":1073741825}", "\"dirty\" is larger"},
		{HEAD MEMORY ",\"swap_total\":1,\"swap_free\":2}", "\"swap_free\" is larger"},
		{HEAD MEMORY ",\"swap_free\":2}", "\"swap_free\" is larger"},
		{HEAD MEMORY ",\"running\":4294967296}", "\"running\" is out of range"},
		{HEAD MEMORY
			",\"psi_mem_some_us\":15000001,\"psi_mem_full_us\":0,\"psi_cpu_some_us\":0,"
			"\"psi_io_some_us\":0,\"psi_io_full_us\":0}",
			"longer than the guest has been up"},
		{HEAD MEMORY
			",\"psi_mem_some_us\":1,\"psi_mem_full_us\":10000002,\"psi_cpu_some_us\":0,"
			"\"psi_io_some_us\":0,\"psi_io_full_us\":0}",
			"longer than its \"some\""},
		{"{\"type\":\"hello\",\"page\":5000}", "\"page\" is not a power of two"},
		{"{\"type\":\"hello\",\"page\":2048}", "\"page\" is not a power of two"},
		{"{\"type\":\"hello\",\"page\":131072}", "\"page\" is not a power of two"},
		{"{\"type\":\"hello\",\"proto\":2}", "\"proto\" is not 1"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK_INT(parse(cases[i].text), -ERANGE);
		CHECK_CONTAINS(reason, cases[i].why);
	}
}

TEST(the_borders_themselves_are_accepted)
{
	CHECK_INT(parse(HEAD ",\"total\":1048576,\"available\":1048576,\"free\":0}"), 0);
	CHECK_INT(parse(HEAD ",\"total\":1125899906842624,\"available\":0}"), 0);
	CHECK_INT(parse(HEAD MEMORY COUNTERS ",\"ping\":9007199254740991}"), 0);
	CHECK_U64(line.report.oom_kills, 4);
	CHECK_U64(line.report.steal_usec, 5);
	CHECK_INT(parse(HEAD MEMORY ",\"psi_mem_some_us\":15000000,\"psi_mem_full_us\":15000000,"
				    "\"psi_cpu_some_us\":15000000,\"psi_io_some_us\":15000000,"
				    "\"psi_io_full_us\":15000000}"),
		0);
	CHECK_INT(parse("{\"type\":\"hello\",\"version\":\"1\",\"proto\":1,\"kernel\":\"6.1\","
	                "\"page\":65536," BOOT ",\"caps\":[]}"),
		0);
	CHECK_INT(line.hello.page_bytes, 65536);
	CHECK_INT(line.hello.caps, 0);
}

TEST(a_line_of_4096_bytes_with_its_newline_is_the_longest)
{
	static char text[LINE_BYTES_MAX + 1];
	size_t n = (size_t)snprintf(text, sizeof(text), HEAD MEMORY ",\"x\":\"");

	memset(text + n, 'x', sizeof(text) - 1 - n);
	memcpy(text + LINE_BYTES_MAX - 3, "\"}", 2);
	CHECK_INT(line_parse(text, LINE_BYTES_MAX - 1, &line, &reason), 0);
	memset(text + n, 'x', sizeof(text) - 1 - n);
	memcpy(text + LINE_BYTES_MAX - 2, "\"}", 2);
	CHECK_INT(line_parse(text, LINE_BYTES_MAX, &line, &reason), -EBADMSG);
	CHECK_CONTAINS(reason, "longer than 4096");
}

static struct guest_report report_of_boot(uint64_t boot_id)
{
	return (struct guest_report){
		.source = REPORT_AGENT,
		.seq = 10,
		.guest_usec = 100,
		.boot_id = boot_id,
		.has_counters = true,
		.major_faults = 5,
		.refaults_file = 5,
		.refaults_anon = 5,
		.oom_kills = 5,
		.steal_usec = 5,
		.has_psi = true,
		.psi_mem_some_usec = 5,
		.psi_mem_full_usec = 5,
		.psi_cpu_some_usec = 5,
		.psi_io_some_usec = 5,
		.psi_io_full_usec = 5,
	};
}

TEST(nothing_runs_backwards_within_a_boot)
{
	struct guest_report prev = report_of_boot(1), next;
	uint64_t *const figures[] = {&next.guest_usec, &next.major_faults, &next.refaults_file,
		&next.refaults_anon, &next.oom_kills, &next.psi_mem_some_usec,
		&next.psi_mem_full_usec, &next.psi_cpu_some_usec, &next.psi_io_some_usec,
		&next.psi_io_full_usec};

	next = prev;
	CHECK_INT(line_check_order(&prev, &next, &reason), -ERANGE);
	CHECK_CONTAINS(reason, "\"seq\" did not grow");
	next.seq = 9;
	CHECK_INT(line_check_order(&prev, &next, &reason), -ERANGE);
	next.seq = 11;
	CHECK_INT(line_check_order(&prev, &next, &reason), 0);
	for (size_t i = 0; i < ARRAY_SIZE(figures); i++) {
		next = prev;
		next.seq = 11;
		--*figures[i];
		CHECK_INT(line_check_order(&prev, &next, &reason), -ERANGE);
		CHECK_CONTAINS(reason, "back");
	}
}

TEST(another_boot_begins_anew)
{
	struct guest_report prev = report_of_boot(1), next = {.boot_id = 2, .seq = 1};

	CHECK_INT(line_check_order(&prev, &next, &reason), 0);
}

TEST(another_boot_that_nobody_told_of_is_believed_only_when_it_can_be)
{
	struct guest_report prev = report_of_boot(1), next = report_of_boot(2);
	uint64_t boot_usec = 100 * USEC_PER_SEC;

	/* Up for longer than the last word of the boot before is old: the same kernel under another
	 * name. */
	prev.arrival_usec = 200 * USEC_PER_SEC;
	next.arrival_usec = 210 * USEC_PER_SEC;
	next.guest_usec = 16 * USEC_PER_SEC;
	CHECK_INT(line_check_boot(&prev, &next, boot_usec, &reason), -ERANGE);
	CHECK_CONTAINS(reason, "did not begin anew");
	next.guest_usec = 12 * USEC_PER_SEC; /* the old line was under way for a moment */
	CHECK_INT(line_check_boot(&prev, &next, boot_usec, &reason), 0);
	/* However young it says it is: not twice a minute. */
	next.guest_usec = 1;
	boot_usec = next.arrival_usec - USEC_PER_MIN + 1;
	CHECK_INT(line_check_boot(&prev, &next, boot_usec, &reason), -ERANGE);
	CHECK_CONTAINS(reason, "within a minute");
	CHECK_INT(line_check_boot(&prev, &next, boot_usec - 1, &reason), 0);
}

TEST(steal_may_run_backwards_and_groups_may_be_missing)
{
	struct guest_report prev = report_of_boot(1), next = report_of_boot(1);

	next.seq++;
	next.steal_usec = 0;
	CHECK_INT(line_check_order(&prev, &next, &reason), 0);
	next.has_counters = next.has_psi = false;
	next.major_faults = next.psi_mem_some_usec = 0;
	CHECK_INT(line_check_order(&prev, &next, &reason), 0);
}

TEST_MAIN()
