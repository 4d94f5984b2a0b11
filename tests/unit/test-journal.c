/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the journal is sent, seen by somebody in its place. */
#include "daemon/sys/journal.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tests/test.h"

static char path[64];

static int journald(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(path, sizeof(path), "/tmp/test-journal.%d", (int)getpid());
	memcpy(addr.sun_path, path, sizeof(path));
	unlink(path);
	return bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -1 : fd;
}

static void begin(void)
{
	char stream[64];
	struct stat st;

	alarm(120);
	fstat(STDERR_FILENO, &st);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	journal_init(LOG_INFO);
	journal_begin(path);
}

/* Once in a process: a journal is begun, and never ended but with it. */
TEST(lines_carry_their_fields_and_a_journal_that_stands_still_holds_nobody_up)
{
	static const struct uuid web = {{0xaa, 1}};
	struct journal_fields fields = {&web, "web", "stuck", "{\"seq\":7}"};
	_cleanup_close_ int fd = journald();
	char text[4096], wanted[4096];
	ssize_t n;

	CHECK(fd >= 0);
	begin();
	journal_debug("not of interest");
	journal_write(JOURNAL_COMMAND, LOG_NOTICE, &fields, "%d MiB", 512);
	n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	CHECK(n > 0);
	text[n] = '\0';
	snprintf(wanted, sizeof(wanted),
		"MESSAGE=web: 512 MiB\nPRIORITY=5\nSYSLOG_IDENTIFIER=%s\nMESSAGE_ID=%s\n"
		"BALLAST_GUEST_UUID=aa010000-0000-0000-0000-000000000000\nBALLAST_GUEST=web\nBALLAST_EVENT=stuck\nBALLAST_OBJECT={\"seq\":7}\n",
		program_invocation_short_name, journal_message_id(JOURNAL_COMMAND));
	CHECK_STR(text, wanted);

	/* Text from outside is one line, whoever reads it. */
	journal_write(JOURNAL_PLAIN, LOG_ERR, &fields, "x\x1b[2J\nall is %s", "\xe2\x80\xaellew");
	n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	CHECK(n > 0);
	text[n] = '\0';
	CHECK(strncmp(text, "MESSAGE=web: x\\x1b[2J\\nall is \\u202ellew\nPRIORITY=3\n", 52) == 0);

	for (int i = 0; i < 4000; i++)
		journal_info("%0900d", i);
	journal_end(); /* a second, not for ever */
	for (bool told = false; !told;) {
		n = recv(fd, text, sizeof(text) - 1, 0);
		CHECK(n > 0);
		text[n] = '\0';
		told = strstr(text, " lines are missing here");
	}
	CHECK_CONTAINS(text, "PRIORITY=4");
	unlink(path);
}

TEST_MAIN()
