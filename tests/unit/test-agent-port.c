/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/port.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tests/test.h"

static char dir[64], sock_path[96];

static void begin(void)
{
	strcpy(dir, "/tmp/test-agent-port-XXXXXX");
	if (!mkdtemp(dir))
		abort();
	snprintf(sock_path, sizeof(sock_path), "%s/s", dir);
}

static void put_port(const char *port, const char *name)
{
	static const char *const parts[] = {
		"/class", "/class/virtio-ports", "/class/virtio-ports/"};
	char path[192];
	FILE *f;

	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s%s", dir, parts[i], i == 2 ? port : "");
		(void)mkdir(path, 0700);
	}
	strcat(path, "/name");
	f = fopen(path, "we");
	if (f) {
		fputs(name, f);
		fclose(f);
	}
}

static void end(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	if (system(command) != 0)
		abort();
}

static int listen_at(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(a.sun_path, path);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 1) < 0)
		abort();
	return fd;
}

TEST(a_port_is_found_by_its_name)
{
	char path[64];

	begin();
	CHECK_INT(port_find(dir, "org.ballast.agent.0", path, sizeof(path)), -ENOENT);
	put_port("vport1p1", "org.qemu.guest_agent.0\n");
	put_port("vport1p2", "org.ballast.agent.0\n");
	put_port("vport2p1", "org.ballast.agent.01\n");
	CHECK_INT(port_find(dir, "org.ballast.agent.0", path, sizeof(path)), 0);
	CHECK_STR(path, "/dev/vport1p2");
	CHECK_INT(port_find(dir, "org.ballast", path, sizeof(path)), -ENOENT);
	CHECK_INT(port_find(dir, "org.ballast.agent.0", path, 5), -ENAMETOOLONG);
	end();
}

TEST(what_is_not_there_cannot_be_opened)
{
	struct port p = {.target = "org.ballast.agent.0", .sys_dir = "/no/such/place", .fd = -1};

	CHECK_INT(port_open(&p), -ENOENT);
	p.target = "/no/such/place";
	CHECK_INT(port_open(&p), -ENOENT);
	CHECK_INT(p.fd, -1);
}

TEST(a_socket_is_read_and_written_and_its_end_is_told)
{
	struct port p = {.target = sock_path, .sys_dir = "/sys", .fd = -1};
	_cleanup_close_ int listener = -1, peer = -1;
	char buf[64];

	begin();
	listener = listen_at(sock_path);
	CHECK_INT(port_open(&p), 0);
	peer = accept(listener, NULL, NULL);
	CHECK_INT(port_read(&p, buf, sizeof(buf)), -EAGAIN);
	CHECK_INT(port_write(&p, "line\n", 5), 0);
	CHECK_INT(read(peer, buf, sizeof(buf)), 5);
	CHECK_INT(write(peer, "host\n", 5), 5);
	CHECK_INT(port_read(&p, buf, sizeof(buf)), 5);
	closep(&peer);
	CHECK_INT(port_read(&p, buf, sizeof(buf)), -EPIPE);
	port_close(&p);
	CHECK_INT(p.fd, -1);
	end();
}

TEST(a_full_channel_drops_lines_and_what_is_read_later_is_whole)
{
	struct port p = {.target = sock_path, .sys_dir = "/sys", .fd = -1};
	_cleanup_close_ int listener = -1, peer = -1;
	char line[1000], c;
	unsigned dropped = 0, lines = 0, length = 0, broken = 0;

	begin();
	listener = listen_at(sock_path);
	CHECK_INT(port_open(&p), 0);
	peer = accept(listener, NULL, NULL);
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (int i = 0; i < 10000; i++)
		dropped += port_write(&p, line, sizeof(line)) == -EAGAIN;
	CHECK(dropped > 0 && dropped < 10000);
	/* Makes room: what comes next is preceded by 0xFF when the last line was cut. */
	CHECK_INT(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
	for (int round = 0; round < 2; round++) {
		while (read(peer, &c, 1) == 1) {
			if ((unsigned char)c == 0xff) {
				length = 0;
			} else if (c == '\n') {
				broken += length != sizeof(line) - 1;
				length = 0;
				lines++;
			} else {
				length++;
			}
		}
		if (round == 0)
			CHECK_INT(port_write(&p, line, sizeof(line)), 0);
	}
	CHECK_INT(broken, 0);
	CHECK(lines > 10);
	port_close(&p);
	end();
}

TEST(a_device_whose_host_is_away_is_not_gone)
{
	/* /dev/null reads 0, as a port does that nobody holds on the host. */
	struct port p = {.target = "/dev/null", .sys_dir = "/sys", .fd = -1};
	char buf[16];

	CHECK_INT(port_open(&p), 0);
	CHECK_INT(port_read(&p, buf, sizeof(buf)), -ENOTCONN);
	CHECK(p.fd >= 0);
	port_close(&p);
}

TEST_MAIN()
