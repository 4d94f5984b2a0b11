/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lab-run SOCKET SECONDS run|job|wait|kill|list ARGS...: one command in a guest, through its
 * lab-mux. Waits at most SECONDS for the guest to be up. Ends with the command's exit code; 125
 * when the guest could not be asked. When it is killed, so is its command. run [-i] CMD...   in the
 * foreground; -i: with this standard input job CMD...        as a job; prints its number wait JOB
 * output and exit code of a job kill SIGNAL JOB   a job's process group list              all jobs
 */
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "lab/guest/frame.h"

#define EXIT_LAB 125

static int sock = -1;
static size_t window; /* input that may be sent now; 0 also when there is none to send */

static void fail(const char *text)
{
	fprintf(stderr, "lab run: %s\n", text);
	exit(EXIT_LAB);
}

static uint64_t now_msec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void say(uint8_t type, const void *data, size_t size)
{
	uint8_t packet[FRAME_PAYLOAD_MAX + 1] = {type};

	memcpy(packet + 1, data, size);
	if (send(sock, packet, size + 1, MSG_NOSIGNAL) < 0)
		fail("the guest went away");
}

static void say_text(uint8_t type, const char *text)
{
	say(type, text, strlen(text));
}

/* lab-mux may just be starting: tries until the deadline. */
static void open_socket(const char *path, uint64_t deadline)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(sa.sun_path))
		fail("the lab's directory has too long a name; set LAB_DIR to a shorter one");
	memcpy(sa.sun_path, path, strlen(path));
	for (;;) {
		sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
		if (sock >= 0 && connect(sock, (struct sockaddr *)&sa, sizeof(sa)) == 0)
			return;
		closep(&sock);
		if (now_msec() > deadline)
			fail("nobody listens for this guest (see lab/lab logs)");
		poll(NULL, 0, 20);
	}
}

static void await_guest(uint64_t deadline)
{
	struct pollfd fd = {.fd = sock, .events = POLLIN};
	uint64_t now = now_msec();
	uint8_t packet[FRAME_PAYLOAD_MAX + 1];

	if (now >= deadline || poll(&fd, 1, (int)(deadline - now)) <= 0)
		fail("the guest did not come up in time (lab/lab list shows its state, lab/lab logs its console)");
	if (recv(sock, packet, sizeof(packet), 0) < 1 || packet[0] != FRAME_ACK)
		fail("the guest went away");
}

static void say_command(char **argv, uint8_t flags)
{
	for (; *argv; argv++)
		for (size_t at = 0, size = strlen(*argv) + 1; at < size; at += FRAME_PAYLOAD_MAX)
			say(FRAME_ARG, *argv + at, MIN(size - at, (size_t)FRAME_PAYLOAD_MAX));
	say(FRAME_RUN, &flags, 1);
	if (flags & RUN_STDIN)
		window = FRAME_STDIN_WINDOW;
}

static void request(int argc, char **argv)
{
	char text[64];

	if (argc >= 2 && streq(argv[0], "run")) {
		bool input = streq(argv[1], "-i");

		say_command(argv + 1 + input, input ? RUN_STDIN : 0);
	} else if (argc >= 2 && streq(argv[0], "job")) {
		say_command(argv + 1, RUN_DETACHED);
	} else if (argc == 2 && streq(argv[0], "wait")) {
		say_text(FRAME_ATTACH, argv[1]);
	} else if (argc == 3 && streq(argv[0], "kill")) {
		snprintf(text, sizeof(text), "%s %s", argv[1], argv[2]);
		say_text(FRAME_SIGNAL, text);
	} else if (argc == 1 && streq(argv[0], "list")) {
		say(FRAME_LIST, "", 0);
	} else {
		fail("usage: lab-run SOCKET SECONDS run|job|wait|kill|list ARGS...");
	}
}

static void put(FILE *f, const void *data, size_t size)
{
	if (fwrite(data, 1, size, f) != size || fflush(f) != 0)
		exit(EXIT_LAB);
}

static void take(const uint8_t *packet, size_t size)
{
	switch (packet[0]) {
	case FRAME_OUT:
		put(stdout, packet + 1, size - 1);
		break;
	case FRAME_ERR:
		put(stderr, packet + 1, size - 1);
		break;
	case FRAME_JOB:
		printf("%s\n", (const char *)packet + 1);
		exit(fflush(stdout) != 0);
	case FRAME_CREDIT:
		window += strtoul((const char *)packet + 1, NULL, 10);
		break;
	case FRAME_EXIT:
		exit(size > 1 ? packet[1] : EXIT_LAB);
	case FRAME_FAIL:
		fail((const char *)packet + 1);
		break;
	default:
		break;
	}
}

/* False at the end of the input. */
static bool send_input(void)
{
	uint8_t data[FRAME_PAYLOAD_MAX];
	ssize_t n = read(0, data, MIN(sizeof(data), window));

	if (n < 0)
		n = 0;
	say(FRAME_STDIN, data, (size_t)n);
	window -= (size_t)n;
	return n > 0;
}

int main(int argc, char **argv)
{
	uint8_t packet[FRAME_PAYLOAD_MAX + 2] = {0};
	bool input;
	uint64_t deadline;

	if (argc < 4)
		fail("usage: lab-run SOCKET SECONDS run|job|wait|kill|list ARGS...");
	deadline = now_msec() + strtoul(argv[2], NULL, 10) * 1000;
	open_socket(argv[1], deadline);
	await_guest(deadline);
	request(argc - 3, argv + 3);
	input = window > 0;
	for (;;) {
		struct pollfd fds[2] = {
			{.fd = sock, .events = POLLIN},
			{.fd = input && window > 0 ? 0 : -1, .events = POLLIN},
		};
		ssize_t n;

		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents)
			input = send_input();
		if (!fds[0].revents)
			continue;
		n = recv(sock, packet, sizeof(packet) - 1, 0);
		if (n <= 0)
			fail("the guest went away");
		packet[n] = 0;
		take(packet, (size_t)n);
	}
}
