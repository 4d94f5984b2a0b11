/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lab-shell: runs commands for `lab run` inside a lab guest, any number at a time, over one
 * virtio-serial port. Started and respawned by the guest's init; locked in memory and shielded from
 * the OOM killer, because the guest is usually asked just when it has no memory left. Sleeps in
 * poll() with no time-out.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/signalfd.h>

#include "lab/guest/command.h"

static struct port port;

static void fail(uint32_t stream, const char *text)
{
	port_send(&port, FRAME_FAIL, stream, text, strlen(text));
}

static void take_run(const struct frame *f)
{
	struct command *c = command_for_stream(f->stream, true);

	if (c)
		command_run(c, &port, f->size > 0 ? f->data[0] : 0);
	else
		fail(f->stream, "too many commands at once in this guest");
}

static void take_args(const struct frame *f)
{
	struct command *c = command_for_stream(f->stream, true);

	if (c)
		command_add_args(c, f->data, f->size);
}

static void take_input(const struct frame *f)
{
	struct command *c = command_for_stream(f->stream, false);

	if (c)
		command_input(c, f->data, f->size);
}

static void take_attach(const struct frame *f)
{
	int r = command_attach(f->stream, (unsigned int)strtoul((const char *)f->data, NULL, 10));

	if (r < 0)
		fail(f->stream, r == -ENOENT ? "no such job" : "somebody else waits for this job");
}

static void take_signal(const struct frame *f)
{
	unsigned int job = 0;
	uint8_t ok = 0;
	int sig = 0;

	if (sscanf((const char *)f->data, "%d %u", &sig, &job) != 2 || sig < 1 || sig > 64)
		fail(f->stream, "not a signal");
	else if (command_signal(job, sig) < 0)
		fail(f->stream, "no such job");
	else
		port_send(&port, FRAME_EXIT, f->stream, &ok, 1);
}

static void take_list(const struct frame *f)
{
	char text[FRAME_PAYLOAD_MAX];
	size_t n = command_list(text, sizeof(text));
	uint8_t ok = 0;

	if (n > 0)
		port_send(&port, FRAME_OUT, f->stream, text, n);
	port_send(&port, FRAME_EXIT, f->stream, &ok, 1);
}

static void take(const struct frame *f)
{
	switch (f->type) {
	case FRAME_HELLO:
		command_drop_all();
		port.queued = 0; /* for the host end that went */
		port_send(&port, FRAME_ACK, 0, f->data, f->size);
		break;
	case FRAME_ARG:
		take_args(f);
		break;
	case FRAME_RUN:
		take_run(f);
		break;
	case FRAME_STDIN:
		take_input(f);
		break;
	case FRAME_ATTACH:
		take_attach(f);
		break;
	case FRAME_SIGNAL:
		take_signal(f);
		break;
	case FRAME_LIST:
		take_list(f);
		break;
	case FRAME_DROP:
		command_drop(f->stream);
		break;
	default:
		break;
	}
}

/* SIGCHLD: somebody ended. SIGIO: the host's end of the port opened or closed. */
static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGIO);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void take_signals(int fd)
{
	struct signalfd_siginfo si;

	while (read(fd, &si, sizeof(si)) == sizeof(si))
		if (si.ssi_signo == SIGIO)
			port.closed = false; /* the next poll() tells */
	command_reap();
}

static void turn(int signals)
{
	struct pollfd fds[2 + 3 * COMMANDS_MAX];
	size_t n = 2;

	fds[0] = (struct pollfd){.fd = signals, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = port.closed ? -1 : port.fd, .events = POLLIN};
	if (port.queued > 0)
		fds[1].events |= POLLOUT;
	n += command_poll(&port, fds + n);
	if (poll(fds, n, -1) < 0)
		return;
	if (fds[0].revents)
		take_signals(signals);
	if (fds[1].revents & POLLHUP) {
		port_hangup(&port);
		command_drop_all();
	} else if (fds[1].revents & POLLIN) {
		port_read(&port, take);
	}
	if (fds[1].revents & POLLOUT)
		port_flush(&port);
	command_advance_all(&port);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "org.ballast.lab.0";
	int signals = open_signals(), r;

	if (signals < 0) {
		perror("lab-shell: signalfd");
		return 1;
	}
	r = port_open(&port, name);
	if (r < 0) {
		fprintf(stderr, "lab-shell: port %s: %s\n", name, strerror(-r));
		return 1;
	}
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		perror("lab-shell: mlockall");
	/* No nonce: tells a host end that was here before that its commands are gone and a HELLO is
	 * due. */
	port_send(&port, FRAME_ACK, 0, NULL, 0);
	for (;;)
		turn(signals);
}
