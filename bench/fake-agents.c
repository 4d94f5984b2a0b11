/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plays many guests at once, for benchmarks: one UNIX socket each, as QEMU has one for its agent's
 * channel (one client at a time), and behind it an agent that says hello, answers pings, obeys the
 * configured heartbeat, and sends reports. Some may flood. One process, one thread, one epoll; the
 * lines are those of ballast-agent's own code.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "agent/hostline.h"
#include "agent/line.h"
#include "agent/proc.h"

struct fake {
	int listener, peer;
	unsigned long number; /* FIRST and on */
	bool floods;
	uint64_t seq, boot_id;
	uint64_t next_usec; /* when the next line is due; USEC_INFINITY without a host */
	uint64_t urgent_usec; /* when the next one for a change is due */
	struct config config;
	struct figures figures;
	struct hostline hostline;
};

struct options {
	unsigned long first, count, flood, flood_rate, flood_urgent, seconds, heartbeat_ms,
		total_mib, available_pct, urgent_ms;
	const char *path, *log;
};

/* What happened, printed at the end. */
static struct {
	uint64_t lines, bytes, dropped, flood_lines, pings, connects, hangups;
} totals;

/* "guest seq usec" of each line sent, CLOCK_BOOTTIME as the host stamps its arrival; NULL: none. */
static FILE *sent;

static volatile sig_atomic_t stopped;

static void on_stop(int sig)
{
	stopped = 1;
}

static const char usage[] =
	"fake-agents --path PATTERN [OPTION...]\n"
	"Listens on N UNIX sockets and plays an agent behind each of them.\n"
	"\n"
	"      --path=PATTERN       Sockets; %d in it is FIRST ... FIRST+N-1\n"
	"      --first=FIRST        (0)\n"
	"      --count=N            How many (100)\n"
	"      --heartbeat-ms=N     Instead of what the host configures\n"
	"      --flood=M            The last M of them flood, ...\n"
	"      --flood-rate=R       ... each with R lines a second (200)\n"
	"      --flood-urgent=1     ... which say that they matter (0)\n"
	"      --urgent-ms=N        Each reports a change every N ms as well (0: never)\n"
	"      --log=FILE           When each line was sent: guest, sequence, boot time in us\n"
	"      --total-mib=N        Memory of each (512)\n"
	"      --available-pct=N    Of that (60)\n"
	"      --seconds=N          End after N seconds (0: when told to)\n"
	"  -h, --help               Print this, and exit\n"
	"Who measures how well some are served while others flood runs two of these, else the "
        "flood holds up the answers here.\n"
	"Prints one line of totals at its end, and \"ready\" when all sockets are there.\n";

static int parse_number(const char *text, unsigned long *ret)
{
	char *end;

	errno = 0;
	*ret = strtoul(text, &end, 10);
	return errno || end == text || *end ? -EINVAL : 0;
}

static int parse_options(int argc, char **argv, struct options *o)
{
	enum {
		PATH = 256, LOG, FIRST, COUNT, HEARTBEAT, FLOOD, RATE, URGENT_FLOOD, URGENT, TOTAL,
		AVAILABLE, SECONDS
	};
	static const struct option longs[] = {
		{"path", required_argument, NULL, PATH},
		{"first", required_argument, NULL, FIRST},
		{"count", required_argument, NULL, COUNT},
		{"heartbeat-ms", required_argument, NULL, HEARTBEAT},
		{"flood", required_argument, NULL, FLOOD},
		{"flood-rate", required_argument, NULL, RATE},
		{"flood-urgent", required_argument, NULL, URGENT_FLOOD},
		{"urgent-ms", required_argument, NULL, URGENT},
		{"log", required_argument, NULL, LOG},
		{"total-mib", required_argument, NULL, TOTAL},
		{"available-pct", required_argument, NULL, AVAILABLE},
		{"seconds", required_argument, NULL, SECONDS},
		{"help", no_argument, NULL, 'h'},
		{},
	};
	unsigned long *const numbers[] = {&o->first, &o->count, &o->heartbeat_ms, &o->flood,
		&o->flood_rate, &o->flood_urgent, &o->urgent_ms, &o->total_mib, &o->available_pct,
		&o->seconds};
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) >= 0) {
		if (c == 'h') {
			fputs(usage, stdout);
			exit(0);
		}
		if (c == PATH)
			o->path = optarg;
		else if (c == LOG)
			o->log = optarg;
		else if (c < FIRST || parse_number(optarg, numbers[c - FIRST]) < 0)
			return -EINVAL;
	}
	if (!o->path || !strstr(o->path, "%d") || o->count == 0 || o->flood > o->count ||
		o->flood_rate == 0 || o->available_pct > 100)
		return -EINVAL;
	return 0;
}

/* The pattern with the number in place of %d. */
static int fake_path(const char *pattern, unsigned long i, char *buf, size_t size)
{
	const char *mark = strstr(pattern, "%d");
	int n = snprintf(buf, size, "%.*s%lu%s", (int)(mark - pattern), pattern, i, mark + 2);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

static int watch(int epoll_fd, int op, int fd, uint32_t events, struct fake *f)
{
	struct epoll_event e = {.events = events, .data.ptr = f};

	return epoll_ctl(epoll_fd, op, fd, &e) < 0 ? -errno : 0;
}

static int fake_init(struct fake *f, const struct options *o, unsigned long i, int epoll_fd)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int r = fake_path(o->path, o->first + i, a.sun_path, sizeof(a.sun_path));

	if (r < 0)
		return r;
	*f = (struct fake){
		.peer = -1,
		.number = o->first + i,
		.floods = i >= o->count - o->flood,
		.boot_id = mono_usec() << 16 | i,
		.seq = mono_usec() / USEC_PER_MSEC,
		.next_usec = USEC_INFINITY,
		.urgent_usec = USEC_INFINITY,
		.config = CONFIG_DEFAULT,
		.figures = {.total_bytes = o->total_mib * MIB,
			.available_bytes = o->total_mib * MIB / 100 * o->available_pct,
			.free_bytes = o->total_mib * MIB / 200 * o->available_pct,
			.anon_bytes = o->total_mib * MIB / 10,
			.file_bytes = o->total_mib * MIB / 10,
			.has_counters = true,
			.running = 1,
			.has_psi = true},
	};
	(void)unlink(a.sun_path);
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (f->listener < 0 || bind(f->listener, (struct sockaddr *)&a, sizeof(a)) < 0 ||
		listen(f->listener, 1) < 0)
		return -errno;
	return watch(epoll_fd, EPOLL_CTL_ADD, f->listener, EPOLLIN, f);
}

static void fake_hang_up(struct fake *f, int epoll_fd)
{
	closep(&f->peer);
	f->next_usec = f->urgent_usec = USEC_INFINITY;
	totals.hangups++;
	(void)watch(epoll_fd, EPOLL_CTL_ADD, f->listener, EPOLLIN, f);
}

/* All or nothing, as a virtio port takes it: a socket takes a small line whole or not at all as
 * well. */
static void fake_write(struct fake *f, const struct text *t)
{
	ssize_t n = send(f->peer, t->buf, t->len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n != (ssize_t)t->len) {
		totals.dropped++;
		return;
	}
	totals.lines++;
	totals.flood_lines += f->floods;
	totals.bytes += t->len;
}

static void fake_say_hello(struct fake *f)
{
	char buf[AGENT_LINE_MAX];
	struct text t = {.buf = buf, .size = sizeof(buf)};
	struct hello h = {.os = "fake",
		.kernel = "0",
		.page_bytes = 4096,
		.boot_id = f->boot_id,
		.psi = true,
		.psi_trigger = true};

	text_add_bytes(&t, "\xff", 1);
	line_hello(&t, &h);
	fake_write(f, &t);
}

static void note_sent(const struct fake *f)
{
	struct timespec ts;

	if (!sent)
		return;
	clock_gettime(CLOCK_BOOTTIME, &ts);
	fprintf(sent, "%lu %" PRIu64 " %" PRIu64 "\n", f->number, f->seq,
		(uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000);
}

static void fake_report(struct fake *f, enum why why, const uint64_t *ping_id)
{
	char buf[AGENT_LINE_MAX];
	struct text t = {.buf = buf, .size = sizeof(buf)};
	struct report r = {.seq = ++f->seq,
		.boot_id = f->boot_id,
		.why = why,
		.has_ping = ping_id,
		.ping_id = ping_id ? *ping_id : 0,
		.figures = &f->figures};

	f->figures.mono_usec = mono_usec();
	line_report(&t, &r);
	note_sent(f);
	fake_write(f, &t);
}

static void fake_accept(struct fake *f, const struct options *o, int epoll_fd)
{
	uint64_t interval_usec =
		f->floods ? USEC_PER_SEC / o->flood_rate : f->config.heartbeat_usec;

	f->peer = accept4(f->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (f->peer < 0)
		return;
	totals.connects++;
	/* One client: the next one waits in the backlog, as with QEMU. */
	(void)epoll_ctl(epoll_fd, EPOLL_CTL_DEL, f->listener, NULL);
	(void)watch(epoll_fd, EPOLL_CTL_ADD, f->peer, EPOLLIN, f);
	hostline_reset(&f->hostline);
	fake_say_hello(f);
	/* Heartbeats of guests that met their host at the same time are spread. */
	f->next_usec = mono_usec() + (uint64_t)random() % interval_usec;
	if (o->urgent_ms)
		f->urgent_usec = mono_usec() + (uint64_t)random() % (o->urgent_ms * USEC_PER_MSEC);
}

static void fake_listen(struct fake *f, const struct options *o, int epoll_fd)
{
	struct orders orders = {.config = f->config};
	char buf[1024];
	ssize_t n = recv(f->peer, buf, sizeof(buf), MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN)) {
		fake_hang_up(f, epoll_fd);
		return;
	}
	if (n < 0)
		return;
	hostline_take(&f->hostline, buf, (size_t)n, &orders);
	f->config = orders.config;
	if (o->heartbeat_ms)
		f->config.heartbeat_usec = o->heartbeat_ms * USEC_PER_MSEC;
	if (!orders.has_ping)
		return;
	totals.pings++;
	if (orders.hello)
		fake_say_hello(f);
	fake_report(f, WHY_REQUEST, &orders.ping_id);
}

/* Sends what is due; returns when the next line is. */
static uint64_t run_due(struct fake *fakes, const struct options *o)
{
	uint64_t now_usec = mono_usec(), next_usec = USEC_INFINITY;

	for (unsigned long i = 0; i < o->count; i++) {
		struct fake *f = &fakes[i];

		while (f->next_usec <= now_usec) {
			fake_report(f, f->floods && o->flood_urgent ? WHY_AVAILABLE : WHY_HEARTBEAT,
				NULL);
			f->next_usec +=
				f->floods ? USEC_PER_SEC / o->flood_rate : f->config.heartbeat_usec;
		}
		if (f->urgent_usec <= now_usec) {
			fake_report(f, WHY_AVAILABLE, NULL);
			f->urgent_usec += o->urgent_ms * USEC_PER_MSEC;
		}
		next_usec = MIN(next_usec, MIN(f->next_usec, f->urgent_usec));
	}
	return next_usec;
}

static void run(struct fake *fakes, const struct options *o, int epoll_fd)
{
	uint64_t end_usec = o->seconds ? mono_usec() + o->seconds * USEC_PER_SEC : USEC_INFINITY;
	struct epoll_event events[64];

	while (!stopped && mono_usec() < end_usec) {
		uint64_t next_usec = MIN(run_due(fakes, o), end_usec), now_usec = mono_usec();
		uint64_t wait_usec =
			next_usec > now_usec ? MIN(next_usec - now_usec, USEC_PER_SEC) : 0;
		int n = epoll_wait(epoll_fd, events, ARRAY_SIZE(events),
			(int)((wait_usec + 999) / USEC_PER_MSEC));

		for (int i = 0; i < n; i++) {
			struct fake *f = events[i].data.ptr;

			if (f->peer < 0)
				fake_accept(f, o, epoll_fd);
			else
				fake_listen(f, o, epoll_fd);
		}
	}
}

int main(int argc, char **argv)
{
	struct options o = {.count = 100, .flood_rate = 200, .total_mib = 512, .available_pct = 60};
	struct rlimit files = {};
	_cleanup_free_ struct fake *fakes = NULL;
	_cleanup_close_ int epoll_fd = -1;
	char path[108];

	if (parse_options(argc, argv, &o) < 0) {
		fputs("fake-agents: wrong options; --help lists them\n", stderr);
		return 2;
	}
	(void)getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
	(void)signal(SIGTERM, on_stop);
	(void)signal(SIGINT, on_stop);
	if (o.log && !(sent = fopen(o.log, "we"))) {
		fprintf(stderr, "fake-agents: %s: %s\n", o.log, strerror(errno));
		return 1;
	}
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	fakes = calloc(o.count, sizeof(*fakes));
	if (!fakes || epoll_fd < 0)
		return 1;
	for (unsigned long i = 0; i < o.count; i++) {
		int r = fake_init(&fakes[i], &o, i, epoll_fd);

		if (r < 0) {
			fprintf(stderr, "fake-agents: socket %lu of %s: %s\n", i, o.path,
				strerror(-r));
			return 1;
		}
	}
	printf("ready\n");
	fflush(stdout);
	run(fakes, &o, epoll_fd);
	if (sent)
		fclose(sent);
	printf("agents=%lu connects=%" PRIu64 " hangups=%" PRIu64 " pings=%" PRIu64
	       " lines=%" PRIu64 " flood_lines=%" PRIu64 " bytes=%" PRIu64 " dropped=%" PRIu64 "\n",
		o.count, totals.connects, totals.hangups, totals.pings, totals.lines,
		totals.flood_lines, totals.bytes, totals.dropped);
	for (unsigned long i = 0; i < o.count; i++)
		if (fake_path(o.path, o.first + i, path, sizeof(path)) == 0)
			(void)unlink(path);
	return 0;
}
