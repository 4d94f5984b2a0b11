/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "daemon/sys/credentials.h"
#include "daemon/sys/journal.h"
#include "daemon/sys/listen.h"
#include "daemon/sys/notify.h"
#include "tests/test.h"

static char *slurp(const char *name)
{
	const char *srcdir = getenv("srcdir");
	char path[512];
	char *text = NULL;
	size_t len = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", srcdir ? srcdir : ".", name);
	f = fopen(path, "r");
	if (f) {
		if (getdelim(&text, &len, '\0', f) < 0)
			len = 0;
		fclose(f);
	}
	return text;
}

TEST(every_message_has_its_own_id_and_a_text_in_the_catalog)
{
	_cleanup_free_ char *catalog = slurp("systemd/ballast.catalog");
	int in_catalog = 0;

	CHECK(catalog);
	CHECK(!journal_message_id(JOURNAL_PLAIN));
	for (int i = 1; i < JOURNAL_MESSAGE_MAX; i++) {
		const char *id = journal_message_id((enum journal_message)i);
		char entry[64];

		CHECK(id && strlen(id) == 32);
		for (int k = 1; k < i; k++)
			CHECK(!streq(id, journal_message_id((enum journal_message)k)));
		snprintf(entry, sizeof(entry), "\n-- %s\nSubject: ", id);
		CHECK(strstr(catalog, entry));
	}
	for (const char *p = catalog; (p = strstr(p, "\n-- ")); p++)
		in_catalog++;
	CHECK_INT(in_catalog, JOURNAL_MESSAGE_MAX - 1);
}

TEST(a_credential_is_read_whole_and_only_by_its_name)
{
	char dir[] = "/tmp/test-sys.XXXXXX", path[64];
	_cleanup_free_ char *text = NULL;
	FILE *f;

	unsetenv("CREDENTIALS_DIRECTORY");
	CHECK_INT(credential_read("key", &text), -ENXIO);
	CHECK(mkdtemp(dir));
	setenv("CREDENTIALS_DIRECTORY", dir, 1);
	CHECK_INT(credential_read("key", &text), -ENOENT);
	CHECK_INT(credential_read("../key", &text), -EINVAL);
	snprintf(path, sizeof(path), "%s/key", dir);
	f = fopen(path, "w");
	CHECK(f);
	fputs("secret\n", f);
	fclose(f);
	CHECK_INT(credential_read("key", &text), 7);
	CHECK_STR(text, "secret\n");
	unlink(path);
	rmdir(dir);
}

/* What a service manager would see: a datagram socket. */
static int manager_socket(char *path, size_t size)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(path, size, "/tmp/test-sys-notify.%d", (int)getpid());
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	unlink(path);
	return fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 ? fd : -1;
}

static const char *receive(int fd)
{
	static char text[512];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

TEST(the_manager_is_told_what_changes_and_nothing_twice)
{
	char path[108];
	_cleanup_close_ int fd = manager_socket(path, sizeof(path));

	CHECK(fd >= 0);
	setenv("NOTIFY_SOCKET", path, 1);
	notify_ready("observe, 0 guests");
	CHECK_STR(receive(fd), "READY=1\nSTATUS=observe, 0 guests");
	notify_status("%s, %d guests", "observe", 0);
	CHECK_STR(receive(fd), "");
	notify_status("%s, %d guests", "enforce", 2);
	CHECK_STR(receive(fd), "STATUS=enforce, 2 guests");
	notify_reloading();
	CHECK_CONTAINS(receive(fd), "RELOADING=1\nMONOTONIC_USEC=");
	notify_stopping();
	CHECK_STR(receive(fd), "STOPPING=1");
	notify_extend_timeout(5000000);
	CHECK_STR(receive(fd), "EXTEND_TIMEOUT_USEC=5000000");
	unsetenv("NOTIFY_SOCKET");
	unlink(path);
}

/* In a child, because descriptors 3 and up are the manager's to give. */
static int activated_child(const char *name, int type)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, type, 0), fd;
	char pid[16];

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%c/test-sys-%d", 0, (int)getpid());
	memcpy(addr.sun_path + 1, "test-sys", 8);
	if (s < 0 || bind(s, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
		(type == SOCK_STREAM && listen(s, 1) < 0))
		return 100;
	if (dup2(s, 3) < 0)
		return 101;
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_FDNAMES", name, 1);
	fd = listen_take("api");
	if (getenv("LISTEN_FDS"))
		return 102;
	return fd == 3 ? 3 : fd == -ENOENT ? 1 : fd == -EINVAL ? 2 : 103;
}

static int activated(const char *name, int type)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(activated_child(name, type));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(a_socket_is_taken_by_name_and_kind)
{
	CHECK_INT(activated("api", SOCK_STREAM), 3);
	CHECK_INT(activated("other", SOCK_STREAM), 1);
	CHECK_INT(activated("api", SOCK_DGRAM), 2);
	unsetenv("LISTEN_FDS");
	CHECK_INT(listen_take("api"), -ENOENT);
}

TEST_MAIN()
