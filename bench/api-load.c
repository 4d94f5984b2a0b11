/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What wrk cannot do, for bench/api: many clients that hold a stream of events open, one that makes
 * events (overrides of guests, one after the other), and one that asks the main loop for something
 * it must work out (a guest's policy). Over the UNIX socket; one process, one thread, one epoll.
 * Counts at each stream what came against what the daemon's log has in the end.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "common/macros.h"

#define LINE_MAX_BYTES 4096
#define REPLY_MAX_BYTES (64 * KIB)
#define SAMPLES_MAX 100000
#define CATCH_UP_USEC (10 * USEC_PER_SEC)

/* One that holds a stream. */
struct stream {
	int fd;
	bool open; /* its answer has begun, and was 200 */
	char line[LINE_MAX_BYTES];
	size_t len;
	uint64_t seq;  /* of the event that is being read; 0: it has none */
	uint64_t last; /* of the newest that was read whole */
	uint64_t events, lost, resets, bytes;
};

/* One that asks again and again, at a rate, over one connection. */
struct asker {
	int fd;
	uint64_t next_usec, asked_usec; /* asked_usec 0: nothing is under way */
	uint64_t gap_usec;		/* USEC_INFINITY: never asks */
	uint64_t n, refused;
	char reply[REPLY_MAX_BYTES + 1];
	size_t len;
	uint32_t samples_usec[SAMPLES_MAX];
};

struct options {
	unsigned long streams, guests, events, commands, seconds;
	const char *socket;
};

static struct asker maker, prober;

static uint64_t now_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

static int connect_to(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(a.sun_path))
		return -EINVAL;
	memcpy(a.sun_path, path, strlen(path));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/* ---- streams ---- */

static void take_line(struct stream *s, const char *line)
{
	const char *colon;

	if (!s->open) {
		s->open = strncmp(line, "HTTP/1.", 7) == 0 && strstr(line, " 200");
		return;
	}
	if (strncmp(line, "id: ", 4) == 0) {
		colon = strrchr(line, ':');
		s->seq = strtoull(colon + 1, NULL, 10);
	} else if (strncmp(line, "event: reset", 12) == 0) {
		s->resets++;
	} else if (!*line && s->seq) {
		if (s->last && s->seq > s->last + 1)
			s->lost += s->seq - s->last - 1;
		s->last = s->seq;
		s->seq = 0;
		s->events++;
	}
}

/* Returns false when the other side has closed. */
static bool stream_read(struct stream *s)
{
	char buf[64 * KIB];
	ssize_t n = recv(s->fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	s->bytes += (uint64_t)n;
	for (ssize_t i = 0; i < n; i++) {
		if (buf[i] == '\n') {
			s->line[s->len] = '\0';
			take_line(s, s->line);
			s->len = 0;
		} else if (buf[i] != '\r' && s->len < sizeof(s->line) - 1) {
			s->line[s->len++] = buf[i];
		}
	}
	return n > 0;
}

static int stream_open(struct stream *s, const char *path, int epoll_fd)
{
	/* HTTP/1.0: the text comes as it is, not in chunks. */
	static const char ask[] =
		"GET /v1/events HTTP/1.0\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n";
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = s};

	s->fd = connect_to(path);
	if (s->fd < 0 || send(s->fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL) < 0)
		return -1;
	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, s->fd, &e);
}

/* ---- askers ---- */

static void ask(struct asker *a, const char *text, uint64_t now)
{
	a->asked_usec = now;
	a->len = 0;
	if (send(a->fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		a->refused++;
}

static void make_event(const struct options *o, uint64_t now)
{
	char body[128], text[512];
	int n = snprintf(body, sizeof(body),
		"{\"memory\": {\"weight\": %llu}, \"for_s\": 3600, \"reason\": \"bench\"}",
		(unsigned long long)(100 + maker.n % 900));

	snprintf(text, sizeof(text),
		"PUT /v1/guests/guest%llu/overrides HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
		"If-Match: *\r\nContent-Length: %d\r\n\r\n%s",
		(unsigned long long)(maker.n * 7 % o->guests), n, body);
	ask(&maker, text, now);
}

static void probe(const struct options *o, uint64_t now)
{
	char text[256];

	snprintf(text, sizeof(text),
		"GET /v1/guests/guest%llu/policy HTTP/1.1\r\nHost: localhost\r\n\r\n",
		(unsigned long long)(prober.n * 13 % o->guests));
	ask(&prober, text, now);
}

/* Is the whole answer there? */
static bool is_whole(const struct asker *a)
{
	const char *body = strstr(a->reply, "\r\n\r\n");
	const char *length = strcasestr(a->reply, "\r\nContent-Length:");

	if (!body)
		return false;
	if (!length || length > body)
		return true;
	return a->len >= (size_t)(body + 4 - a->reply) + strtoull(length + 17, NULL, 10);
}

static bool asker_read(struct asker *a, uint64_t now)
{
	ssize_t n = recv(a->fd, a->reply + a->len, REPLY_MAX_BYTES - a->len, MSG_DONTWAIT);

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	a->len += (size_t)n;
	a->reply[a->len] = '\0';
	if (!is_whole(a))
		return true;
	if (a->n < SAMPLES_MAX)
		a->samples_usec[a->n] = (uint32_t)(now - a->asked_usec);
	a->n++;
	if (strncmp(a->reply, "HTTP/1.1 2", 10) != 0 && !a->refused++)
		fprintf(stderr, "api-load: refused: %.600s\n", a->reply);
	a->asked_usec = 0;
	return true;
}

static int asker_open(
	struct asker *a, const char *path, unsigned long rate, uint64_t now, int epoll_fd)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = a};

	a->gap_usec = rate ? USEC_PER_SEC / rate : USEC_INFINITY;
	a->next_usec = rate ? now : USEC_INFINITY;
	a->fd = connect_to(path);
	return a->fd < 0 ? -1 : epoll_ctl(epoll_fd, EPOLL_CTL_ADD, a->fd, &e);
}

/* Asks when it is time and the last answer has come. */
static bool asker_due(struct asker *a, uint64_t now)
{
	if (a->asked_usec || now < a->next_usec)
		return false;
	a->next_usec = MAX(a->next_usec + a->gap_usec, now);
	return true;
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static uint32_t percentile(struct asker *a, unsigned p)
{
	size_t n = MIN(a->n, (uint64_t)SAMPLES_MAX);

	qsort(a->samples_usec, n, sizeof(*a->samples_usec), by_size);
	return n ? a->samples_usec[(n - 1) * p / 100] : 0;
}

/* ---- all ---- */

static bool turn(struct stream *streams, int epoll_fd, int msec)
{
	struct epoll_event events[64];
	int n = epoll_wait(epoll_fd, events, ARRAY_SIZE(events), msec);
	uint64_t now = now_usec();

	for (int i = 0; i < n; i++) {
		void *who = events[i].data.ptr;
		bool open =
			who == &maker || who == &prober ? asker_read(who, now) : stream_read(who);

		if (!open) {
			fprintf(stderr, "api-load: a connection was closed by the daemon\n");
			return false;
		}
	}
	return true;
}

static bool all_open(const struct options *o, const struct stream *streams)
{
	for (unsigned long i = 0; i < o->streams; i++)
		if (!streams[i].open)
			return false;
	return true;
}

static bool all_have(const struct options *o, const struct stream *streams, uint64_t seq)
{
	for (unsigned long i = 0; i < o->streams; i++)
		if (streams[i].last < seq)
			return false;
	return true;
}

/* The sequence of the newest event of the log, asked over a connection of its own; 0 on failure. */
static uint64_t newest(const char *path)
{
	static const char text[] =
		"GET /v1/events?newest=true&limit=1 HTTP/1.0\r\nHost: localhost\r\n\r\n";
	_cleanup_close_ int fd = connect_to(path);
	char reply[8192] = "";
	const char *seq;
	size_t len = 0;
	ssize_t n;

	if (fd < 0 || send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL) < 0)
		return 0;
	while (len < sizeof(reply) - 1 &&
		(n = recv(fd, reply + len, sizeof(reply) - 1 - len, 0)) > 0)
		len += (size_t)n;
	seq = strstr(reply, "\"seq\":");
	return seq ? strtoull(seq + 6, NULL, 10) : 0;
}

static int run(const struct options *o, struct stream *streams, int epoll_fd)
{
	uint64_t start = now_usec(), head, end;

	for (unsigned long i = 0; i < o->streams; i++)
		if (stream_open(&streams[i], o->socket, epoll_fd) < 0)
			return -1;
	while (!all_open(o, streams))
		if (!turn(streams, epoll_fd, 100) || now_usec() > start + CATCH_UP_USEC)
			return -1;
	printf("ready\n");
	fflush(stdout);
	start = now_usec();
	end = start + o->seconds * USEC_PER_SEC;
	if (asker_open(&maker, o->socket, o->events, start, epoll_fd) < 0 ||
		asker_open(&prober, o->socket, o->commands, start, epoll_fd) < 0)
		return -1;
	for (uint64_t now = start; now < end || maker.asked_usec || prober.asked_usec;
		now = now_usec()) {
		if (now < end && asker_due(&maker, now))
			make_event(o, now);
		if (now < end && asker_due(&prober, now))
			probe(o, now);
		if (!turn(streams, epoll_fd, 2) || now > end + CATCH_UP_USEC)
			return -1;
	}
	head = newest(o->socket);
	end = now_usec() + CATCH_UP_USEC;
	while (head && !all_have(o, streams, head) && now_usec() < end)
		if (!turn(streams, epoll_fd, 20))
			return -1;
	for (unsigned long i = 0; i < o->streams; i++)
		streams[i].lost += streams[i].last < head ? head - streams[i].last : 0;
	return head ? 0 : -1;
}

static void report(const struct options *o, const struct stream *streams)
{
	uint64_t least = UINT64_MAX, most = 0, lost = 0, resets = 0, bytes = 0;

	for (unsigned long i = 0; i < o->streams; i++) {
		least = MIN(least, streams[i].events);
		most = MAX(most, streams[i].events);
		lost += streams[i].lost;
		resets += streams[i].resets;
		bytes += streams[i].bytes;
	}
	printf("streams=%lu events_least=%" PRIu64 " events_most=%" PRIu64 " lost=%" PRIu64
	       " resets=%" PRIu64 " bytes=%" PRIu64 " made=%" PRIu64 " made_refused=%" PRIu64
	       " made_p50_usec=%u made_p99_usec=%u commands=%" PRIu64 " commands_refused=%" PRIu64
	       " command_p50_usec=%u command_p99_usec=%u\n",
		o->streams, o->streams ? least : 0, most, lost, resets, bytes, maker.n,
		maker.refused, percentile(&maker, 50), percentile(&maker, 99), prober.n,
		prober.refused, percentile(&prober, 50), percentile(&prober, 99));
}

static const char usage[] =
	"api-load --socket=PATH [OPTION...]\n"
	"Holds streams of ballastd's events open, makes events, and counts what each stream was told.\n"
	"\n"
	"      --streams=N    Streams (200)\n"
	"      --events=R     Overrides set a second (20); each is an event\n"
	"      --commands=R   Questions a second that the main loop answers (50)\n"
	"      --guests=N     Guests guest0 ... guestN-1 (1000)\n"
	"      --seconds=N    For so long (10)\n"
	"Prints \"ready\" when all streams are open, and one line of key=value in the end.\n";

int main(int argc, char **argv)
{
	static const struct option longs[] = {{"socket", 1, NULL, 's'}, {"streams", 1, NULL, 'n'},
		{"events", 1, NULL, 'e'}, {"commands", 1, NULL, 'c'}, {"guests", 1, NULL, 'g'},
		{"seconds", 1, NULL, 't'}, {"help", 0, NULL, 'h'}, {}};
	struct options o = {
		.streams = 200, .guests = 1000, .events = 20, .commands = 50, .seconds = 10};
	_cleanup_free_ struct stream *streams = NULL;
	_cleanup_close_ int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct rlimit files = {};
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) >= 0) {
		unsigned long n = optarg && c != 's' ? strtoul(optarg, NULL, 10) : 0;

		if (c == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		if (c == 's')
			o.socket = optarg;
		else if (c == 'n')
			o.streams = n;
		else if (c == 'e')
			o.events = n;
		else if (c == 'c')
			o.commands = n;
		else if (c == 'g')
			o.guests = n;
		else if (c == 't')
			o.seconds = n;
		else
			return 2;
	}
	if (!o.socket || !o.guests) {
		fputs(usage, stderr);
		return 2;
	}
	(void)getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
	streams = calloc(o.streams + 1, sizeof(*streams));
	if (!streams || epoll_fd < 0)
		return 1;
	if (run(&o, streams, epoll_fd) < 0) {
		fprintf(stderr, "api-load: the daemon did not do what is asked of it\n");
		return 1;
	}
	report(&o, streams);
	return 0;
}
