/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/agent.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <signal.h>
#include <sys/utsname.h>

#include "agent/psi.h"
#include "agent/rights.h"

/* How often it is looked for a port that is not there. */
#define PORT_RETRY_USEC USEC_PER_SEC
/* Without a host nothing is to be done until the port has an event; this is for kernels that lose
 * one. */
#define NO_HOST_USEC (10 * USEC_PER_SEC)
#define FS_USEC USEC_PER_MIN

static void read_os(char *buf, size_t size)
{
	_cleanup_close_ int fd = open("/etc/os-release", O_RDONLY | O_CLOEXEC);
	char text[1024], *name, *end;
	size_t len;

	if (fd < 0 || read_text(fd, text, sizeof(text)) <= 0)
		return;
	name = strncmp(text, "PRETTY_NAME=", 12) == 0 ? text : strstr(text, "\nPRETTY_NAME=");
	if (!name)
		return;
	name = strchr(name, '=') + 1;
	name += *name == '"' || *name == '\'';
	end = name + strcspn(name, "\"'\n");
	len = MIN((size_t)(end - name), size - 1);
	memcpy(buf, name, len);
	buf[len] = '\0';
}

static void close_psi(struct agent *a)
{
	closep(&a->psi_fd);
}

static void open_psi(struct agent *a)
{
	struct epoll_event event = {.events = EPOLLPRI, .data.fd = -1};
	int fd = psi_open(a->proc_dir, a->config.psi_stall_usec, a->config.psi_window_usec);

	/* Where it takes CAP_DAC_OVERRIDE to open (5.10), the trigger that there is goes on. */
	if (fd == -EACCES)
		return;
	close_psi(a);
	if (fd < 0)
		return;
	a->psi_fd = event.data.fd = fd;
	if (epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		close_psi(a);
}

void agent_init(struct agent *a, const char *port, const char *proc_dir, const char *sys_dir)
{
	struct utsname names;

	*a = (struct agent){
		.proc_dir = proc_dir,
		.port = {.target = port, .sys_dir = sys_dir, .fd = -1},
		.config = CONFIG_DEFAULT,
		.psi_fd = -1,
	};
	a->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	proc_open(&a->proc, proc_dir);
	open_psi(a);
	a->boot_id = proc_boot_id(proc_dir);
	/* So that it also grows over a restart of the agent: there are far fewer lines than
	 * milliseconds. */
	a->seq = mono_usec() / USEC_PER_MSEC;
	read_os(a->os, sizeof(a->os));
	if (uname(&names) == 0)
		memcpy(a->kernel, names.release, sizeof(names.release));
}

static void format_hello(const struct agent *a, struct text *t)
{
	struct hello h = {
		.os = a->os,
		.kernel = a->kernel,
		.page_bytes = (uint64_t)sysconf(_SC_PAGESIZE),
		.boot_id = a->boot_id,
		.psi = a->proc.fds[PROC_PSI_MEMORY] >= 0,
		.psi_trigger = a->psi_fd >= 0,
	};

	line_hello(t, &h);
}

/* Looks at the file systems when it is time; the list to tell, or NULL. */
static const struct fs_list *changed_fs(struct agent *a, struct fs_list *now)
{
	if (a->fs_told && a->figures.mono_usec - a->fs_usec < FS_USEC)
		return NULL;
	a->fs_usec = a->figures.mono_usec;
	fs_read(a->proc_dir, now);
	return a->fs_told && !fs_changed(&a->fs, now) ? NULL : now;
}

int agent_once(struct agent *a, struct text *t)
{
	struct fs_list fs;
	struct report report = {.seq = a->seq, .boot_id = a->boot_id, .why = WHY_REQUEST};
	int r = proc_read(&a->proc, &a->figures);

	if (r < 0)
		return r;
	report.figures = &a->figures;
	report.fs = changed_fs(a, &fs);
	format_hello(a, t);
	line_report(t, &report);
	return 0;
}

static void lose_port(struct agent *a)
{
	port_close(&a->port);
	a->host = false;
}

/* A line that does not fit is dropped: 0, or -EAGAIN. */
static int write_line(struct agent *a, const struct text *t)
{
	int r = t->cut ? -EAGAIN : port_write(&a->port, t->buf, t->len);

	if (r < 0 && r != -EAGAIN)
		lose_port(a);
	return r;
}

static void tell_hello(struct agent *a)
{
	struct text t = {.buf = a->line, .size = sizeof(a->line)};

	format_hello(a, &t);
	if (write_line(a, &t) < 0)
		return;
	a->want_hello = false;
	a->want_report = true;
	a->fs_told = false;
}

static void tell_report(struct agent *a, enum why why)
{
	struct text t = {.buf = a->line, .size = sizeof(a->line)};
	struct fs_list fs;
	struct report report = {
		.seq = ++a->seq,
		.boot_id = a->boot_id,
		.why = why,
		.has_ping = a->want_ping,
		.ping_id = a->ping_id,
		.figures = &a->figures,
	};

	if (proc_read(&a->proc, &a->figures) < 0)
		return;
	report.fs = changed_fs(a, &fs);
	line_report(&t, &report);
	/* Who asked, asks again. */
	a->want_ping = false;
	if (write_line(a, &t) < 0)
		return;
	a->want_report = false;
	look_reported(&a->look, &a->figures);
	if (report.fs) {
		a->fs = fs;
		a->fs_told = true;
	}
}

/* A host is there that was not, as far as we know. */
static void meet_host(struct agent *a)
{
	a->host = true;
	a->want_hello = true;
	a->port.dirty = true;
	hostline_reset(&a->hostline);
	proc_open(&a->proc, a->proc_dir);
}

static void obey(struct agent *a, const struct orders *orders)
{
	if (orders->has_config && memcmp(&orders->config, &a->config, sizeof(a->config)) != 0) {
		bool other_psi = orders->config.psi_stall_usec != a->config.psi_stall_usec ||
		                 orders->config.psi_window_usec != a->config.psi_window_usec;

		a->config = orders->config;
		if (other_psi)
			open_psi(a);
	}
	if (orders->has_ping) {
		a->want_ping = true;
		a->ping_id = orders->ping_id;
		a->want_hello = a->want_hello || orders->hello;
	}
}

/* Reads the port until it has nothing more: it is polled edge-triggered. */
static void listen_to_host(struct agent *a)
{
	struct orders orders = {.config = a->config};
	char buf[512];
	ssize_t n;

	do {
		n = port_read(&a->port, buf, sizeof(buf));
		if (n == -ENOTCONN) {
			a->host = false;
			break;
		}
		if (n < 0 && n != -EAGAIN) {
			lose_port(a);
			break;
		}
		if (!a->host)
			meet_host(a);
		if (n > 0)
			hostline_take(&a->hostline, buf, (size_t)n, &orders);
	} while (n > 0);
	obey(a, &orders);
}

static void find_port(struct agent *a)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};
	int r = port_open(&a->port);

	if (r == 0) {
		event.data.fd = a->port.fd;
		if (epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, a->port.fd, &event) < 0)
			r = -errno;
	}
	if (r < 0) {
		if (!a->told_port)
			say(a->port.target, r);
		a->told_port = true;
		lose_port(a);
		return;
	}
	a->told_port = false;
	listen_to_host(a);
}

/* Returns how long to sleep. */
static uint64_t look(struct agent *a)
{
	struct look_events events = {
		.request = a->want_ping || a->want_report,
		.trigger = a->trigger,
		.counters = look_wants_counters(&a->look, mono_usec()),
	};
	enum why why;
	int r = proc_look(&a->proc, events.counters, &a->figures);

	a->trigger = false;
	if (r < 0) {
		if (!a->told_memory)
			say("cannot read meminfo", r);
		a->told_memory = true;
		return LOOK_MAX_USEC;
	}
	why = look_judge(&a->look, &a->figures, &events, &a->config);
	if (why != WHY_NOT)
		tell_report(a, why);
	return look_interval_usec(a->figures.available_bytes, a->psi_fd >= 0);
}

/* Whether somebody who takes memory will wake us. */
static bool arm(struct agent *a)
{
	int r = calm_arm(&a->calm);

	if (r < 0) {
		/* CPUs came or went, and what opened the counters was given up since. */
		say("page faults are not counted any more; a restart may help", r);
		a->has_calm = false;
	}
	return r == 0;
}

/* A guest that is at rest looks once a second, and at once when somebody begins to take memory.
 * Files that are read again take no memory: each look judges refaults, and without a trigger there
 * are more of them. */
static uint64_t rest(struct agent *a, uint64_t sleep_usec)
{
	uint64_t rest_usec = a->psi_fd >= 0 ? LOOK_MAX_USEC : LOOK_BLIND_USEC;
	uint64_t heartbeat_usec = a->look.reported.mono_usec + a->config.heartbeat_usec;
	uint64_t now_usec = a->figures.mono_usec;

	if (sleep_usec < rest_usec && a->has_calm &&
		look_is_calm(&a->look, &a->figures, &a->config) && arm(a))
		sleep_usec = rest_usec;
	if (heartbeat_usec > now_usec)
		sleep_usec = MIN(sleep_usec, heartbeat_usec - now_usec);
	return sleep_usec;
}

/* The one place where the agent sleeps. Returns 0 or -errno. */
static int doze(struct agent *a, uint64_t usec)
{
	struct epoll_event events[2];
	sigset_t none;
	int n;

	sigemptyset(&none);
	/* Rounded up: a millisecond too early would be one more wake-up. */
	n = epoll_pwait(
		a->epoll_fd, events, ARRAY_SIZE(events), (int)(usec / USEC_PER_MSEC + 1), &none);
	if (n < 0 && errno != EINTR)
		return -errno;
	if (calm_fired(&a->calm))
		look_alarmed(&a->look);
	for (int i = 0; i < n; i++) {
		if (events[i].data.fd == a->port.fd)
			listen_to_host(a);
		else if (events[i].events & EPOLLERR)
			close_psi(a);
		else
			a->trigger = true;
	}
	return 0;
}

int agent_run(struct agent *a)
{
	int r;

	/* Without it looks stay frequent. */
	a->has_calm = calm_open(&a->calm) == 0;
	r = rights_drop();
	if (r < 0)
		say("cannot give up capabilities", r);
	r = 0;
	while (r >= 0) {
		uint64_t sleep_usec;

		if (a->port.fd < 0)
			find_port(a);
		if (a->host && a->want_hello)
			tell_hello(a);
		if (a->host)
			sleep_usec = rest(a, look(a));
		else
			sleep_usec = a->port.fd < 0 ? PORT_RETRY_USEC : NO_HOST_USEC;
		r = doze(a, sleep_usec);
	}
	return r;
}
