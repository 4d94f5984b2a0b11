/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lab/guest/command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

/* What a job keeps of its output while nobody watches: the newest part. */
#define TAIL_SIZE 65536
#define ARGS_MAX  32768

struct command {
	bool used;
	uint32_t stream;  /* 0: nobody watches */
	unsigned int job; /* 0: a foreground command */
	pid_t pid;        /* 0: not started or reaped */
	bool exited;
	uint8_t code;
	int in, out, err;
	char *args;
	size_t args_size;
	char title[64];
	uint8_t *tail;
	size_t tail_size, tail_lost;
	uint8_t *input;
	size_t input_size;
	bool input_ends;
};

static struct command commands[COMMANDS_MAX];
static unsigned int last_job;

static void command_free(struct command *c)
{
	closep(&c->in);
	closep(&c->out);
	closep(&c->err);
	free(c->args);
	free(c->tail);
	free(c->input);
	*c = (struct command){0};
}

/* A slot that is free, or that of the oldest job which ended with nobody watching. */
static struct command *take_slot(void)
{
	struct command *oldest = NULL;

	for (size_t i = 0; i < COMMANDS_MAX; i++) {
		struct command *c = &commands[i];

		if (!c->used)
			return c;
		if (c->job > 0 && c->exited && c->stream == 0 && (!oldest || c->job < oldest->job))
			oldest = c;
	}
	if (oldest)
		command_free(oldest);
	return oldest;
}

struct command *command_for_stream(uint32_t stream, bool make)
{
	struct command *c;

	for (size_t i = 0; stream > 0 && i < COMMANDS_MAX; i++)
		if (commands[i].used && commands[i].stream == stream)
			return &commands[i];
	c = make && stream > 0 ? take_slot() : NULL;
	if (c)
		*c = (struct command){
			.used = true, .stream = stream, .in = -1, .out = -1, .err = -1};
	return c;
}

static struct command *find_job(unsigned int job)
{
	for (size_t i = 0; job > 0 && i < COMMANDS_MAX; i++)
		if (commands[i].used && commands[i].job == job)
			return &commands[i];
	return NULL;
}

void command_add_args(struct command *c, const void *data, size_t size)
{
	char *args;

	if (c->pid > 0 || c->args_size + size > ARGS_MAX)
		return;
	args = realloc(c->args, c->args_size + size + 1);
	if (!args)
		return;
	memcpy(args + c->args_size, data, size);
	c->args = args;
	c->args_size += size;
	args[c->args_size] = 0;
}

/* In the child: never returns. The server is shielded from the OOM killer, what it runs is not. */
static void exec_child(char **argv, int in, int out, int err)
{
	_cleanup_close_ int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	sigset_t none;

	if (fd >= 0 && write(fd, "0", 1) < 0)
		_exit(126);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0 || chdir("/") < 0)
		_exit(126);
	execvp(argv[0], argv);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* One word is a line for the shell, more are a program and its arguments. */
static char **split_args(struct command *c)
{
	size_t n = 0;
	char **argv;

	for (size_t i = 0; i < c->args_size; i++)
		n += c->args[i] == 0;
	argv = n > 0 ? calloc(n + 4, sizeof(*argv)) : NULL;
	if (!argv)
		return NULL;
	if (n == 1) {
		argv[0] = (char *)"/bin/sh";
		argv[1] = (char *)"-c";
		argv[2] = c->args;
		return argv;
	}
	for (size_t i = 0, at = 0; i < n; i++, at += strlen(c->args + at) + 1)
		argv[i] = c->args + at;
	return argv;
}

/* Our end does not block, the command's does. */
static int make_pipe(int *read_end, int *write_end, int *ours)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	*read_end = fds[0];
	*write_end = fds[1];
	return fcntl(*ours, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int spawn(struct command *c, unsigned int flags)
{
	_cleanup_close_ int in = -1, out = -1, err = -1;
	_cleanup_free_ char **argv = split_args(c);
	int r;

	if (!argv)
		return -EINVAL;
	r = make_pipe(&in, &c->in, &c->in);
	if (r == 0)
		r = make_pipe(&c->out, &out, &c->out);
	if (r == 0)
		r = make_pipe(&c->err, &err, &c->err);
	if (r < 0)
		return r;
	c->pid = fork();
	if (c->pid == 0)
		exec_child(argv, in, out, flags & RUN_DETACHED ? out : err);
	if (c->pid < 0) {
		c->pid = 0;
		return -errno;
	}
	if (!(flags & RUN_STDIN))
		closep(&c->in);
	return 0;
}

static void make_title(struct command *c)
{
	size_t n = MIN(c->args_size, sizeof(c->title) - 1);

	for (size_t i = 0; i < n; i++)
		c->title[i] = c->args[i] >= ' ' ? c->args[i] : ' ';
}

void command_run(struct command *c, struct port *p, unsigned int flags)
{
	char text[64];
	int r;

	make_title(c);
	if (flags & RUN_DETACHED)
		c->tail = malloc(TAIL_SIZE);
	r = flags & RUN_DETACHED && !c->tail ? -ENOMEM : spawn(c, flags);
	if (r < 0) {
		snprintf(text, sizeof(text), "cannot start a command: %s", strerror(-r));
		port_send(p, FRAME_FAIL, c->stream, text, strlen(text));
		command_free(c);
		return;
	}
	if (flags & RUN_DETACHED) {
		c->job = ++last_job;
		snprintf(text, sizeof(text), "%u", c->job);
		port_send(p, FRAME_JOB, c->stream, text, strlen(text));
		c->stream = 0;
	}
}

void command_input(struct command *c, const void *data, size_t size)
{
	uint8_t *input;

	if (size == 0)
		c->input_ends = true;
	if (size == 0 || c->in < 0 || c->input_size + size > FRAME_STDIN_WINDOW)
		return;
	input = realloc(c->input, c->input_size + size);
	if (!input)
		return;
	memcpy(input + c->input_size, data, size);
	c->input = input;
	c->input_size += size;
}

int command_attach(uint32_t stream, unsigned int job)
{
	struct command *c = find_job(job);

	if (!c)
		return -ENOENT;
	if (c->stream != 0)
		return -EBUSY;
	c->stream = stream;
	return 0;
}

int command_signal(unsigned int job, int sig)
{
	struct command *c = find_job(job);

	if (!c)
		return -ENOENT;
	if (c->pid > 0)
		kill(-c->pid, sig);
	return 0;
}

static void let_go(struct command *c)
{
	c->stream = 0;
	if (c->job > 0)
		return;
	if (c->pid > 0)
		kill(-c->pid, SIGKILL);
	else
		command_free(c);
}

void command_drop(uint32_t stream)
{
	struct command *c = command_for_stream(stream, false);

	if (c)
		let_go(c);
}

void command_drop_all(void)
{
	for (size_t i = 0; i < COMMANDS_MAX; i++)
		if (commands[i].used && commands[i].stream != 0)
			let_go(&commands[i]);
}

size_t command_list(char *text, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < COMMANDS_MAX && n < size; i++) {
		const struct command *c = &commands[i];

		if (!c->used || c->job == 0)
			continue;
		if (c->exited)
			n += (size_t)snprintf(
				text + n, size - n, "%u exit:%u %s\n", c->job, c->code, c->title);
		else
			n += (size_t)snprintf(text + n, size - n, "%u pid:%d %s\n", c->job,
				(int)c->pid, c->title);
	}
	return MIN(n, size);
}

void command_reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < COMMANDS_MAX; i++) {
			struct command *c = &commands[i];

			if (!c->used || c->pid != pid)
				continue;
			c->pid = 0;
			c->exited = true;
			c->code = (uint8_t)(WIFEXITED(status) ? WEXITSTATUS(status)
							      : 128 + WTERMSIG(status));
		}
}

/* Keeps the newest TAIL_SIZE bytes. */
static void keep_tail(struct command *c, const uint8_t *data, size_t size)
{
	if (c->tail_size + size > TAIL_SIZE) {
		size_t lose = c->tail_size + size - TAIL_SIZE;

		memmove(c->tail, c->tail + lose, c->tail_size - lose);
		c->tail_size -= lose;
		c->tail_lost += lose;
	}
	memcpy(c->tail + c->tail_size, data, size);
	c->tail_size += size;
}

static void show_tail(struct command *c, struct port *p)
{
	size_t at = 0;

	while (at < c->tail_size && port_has_room(p, 2)) {
		size_t n = MIN(c->tail_size - at, (size_t)FRAME_PAYLOAD_MAX);

		port_send(p, FRAME_OUT, c->stream, c->tail + at, n);
		at += n;
	}
	c->tail_size -= at;
	memmove(c->tail, c->tail + at, c->tail_size);
}

/* Reads one pipe of the command until it is empty or there is no room; closes it at its end. */
static void move_output(struct command *c, struct port *p, int *fd, uint8_t type)
{
	uint8_t data[FRAME_PAYLOAD_MAX];

	while (*fd >= 0 && (c->tail || c->stream == 0 || port_has_room(p, 2))) {
		ssize_t n = read(*fd, data, sizeof(data));

		if (n < 0)
			return;
		if (n == 0)
			closep(fd);
		else if (c->tail)
			keep_tail(c, data, (size_t)n);
		else if (c->stream != 0)
			port_send(p, type, c->stream, data, (size_t)n);
	}
}

static void move_input(struct command *c, struct port *p)
{
	ssize_t n = c->in >= 0 && c->input_size > 0 ? write(c->in, c->input, c->input_size) : 0;
	char text[24];

	if (n < 0 && errno != EAGAIN) {
		closep(&c->in); /* it does not want more; what comes is thrown away */
		n = (ssize_t)c->input_size;
	}
	if (n > 0) {
		c->input_size -= (size_t)n;
		memmove(c->input, c->input + n, c->input_size);
		snprintf(text, sizeof(text), "%zd", n);
		if (c->stream != 0 && port_has_room(p, 1))
			port_send(p, FRAME_CREDIT, c->stream, text, strlen(text));
	}
	if (c->input_ends && c->input_size == 0)
		closep(&c->in);
}

static void advance(struct command *c, struct port *p)
{
	bool exited = c->exited; /* asked first: what it wrote before its end is read after this */

	move_input(c, p);
	move_output(c, p, &c->out, FRAME_OUT);
	move_output(c, p, &c->err, FRAME_ERR);
	if (c->tail && c->stream != 0)
		show_tail(c, p);
	if (!exited || (c->job > 0 && c->stream == 0) || c->tail_size > 0 || !port_has_room(p, 2))
		return;
	if (c->stream != 0)
		port_send(p, FRAME_EXIT, c->stream, &c->code, 1);
	command_free(c);
}

void command_advance_all(struct port *p)
{
	for (size_t i = 0; i < COMMANDS_MAX; i++)
		if (commands[i].used)
			advance(&commands[i], p);
}

size_t command_poll(const struct port *p, struct pollfd *fds)
{
	bool room = port_has_room(p, 2);
	size_t n = 0;

	for (size_t i = 0; i < COMMANDS_MAX; i++) {
		const struct command *c = &commands[i];

		if (!c->used)
			continue;
		if (c->out >= 0 && (room || c->tail))
			fds[n++] = (struct pollfd){.fd = c->out, .events = POLLIN};
		if (c->err >= 0 && (room || c->tail))
			fds[n++] = (struct pollfd){.fd = c->err, .events = POLLIN};
		if (c->in >= 0 && c->input_size > 0)
			fds[n++] = (struct pollfd){.fd = c->in, .events = POLLOUT};
	}
	return n;
}
