/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ballast-start-hook NAME OPERATION SUBOPERATION EXTRA, as libvirt calls its hooks, with the
 * domain's XML on standard input. Before a guest starts ("prepare begin") it asks ballastd for room
 * and waits for the answer, at most ten seconds. It talks to ballastd's socket only: a hook that
 * called libvirt would wait for itself. Exit status 0 lets the guest start, 1 does not, with the
 * reason on standard error, which libvirt shows to who started it.
 *
 * When a guest has ended, or its start has failed ("release end"), room that is still reserved for
 * it is given back, for which libvirt waits a tenth of a second at most: what is not given back is
 * free after two minutes all the same.
 *
 * Where ballastd cannot be asked (not running, not ready, does not answer) the guest starts:
 * Ballast is not what a start depends on.
 */
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "common/printable.h"
#include "common/units.h"
#include "daemon/hv/hv-guest-priv.h"

#define WAIT_SEC   10
#define ANSWER_SEC (WAIT_SEC + 2) /* for the answer to arrive */
#define XML_MAX    (4 * MIB)
#define ANSWER_MAX (64 * KIB)
#define FREE_MSEC  100
#define NAME_MAX_BYTES 256

/* All of it, NUL-terminated; NULL when it is too long or cannot be read. */
static char *read_all(int fd, size_t max)
{
	char *text = NULL;
	size_t len = 0, allocated = 0;
	ssize_t n = 1;

	while (n > 0 && len < max) {
		if (len + 4096 >= allocated) {
			char *grown = realloc(text, allocated += 65536);

			if (!grown)
				break;
			text = grown;
		}
		n = read(fd, text + len, allocated - len - 1);
		if (n > 0)
			len += (size_t)n;
	}
	if (n != 0) {
		free(text);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

static int connect_daemon(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct timeval wait = {.tv_sec = ANSWER_SEC};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int send_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The whole request; free() it. NULL without memory. A name is for people only: where it is no
 * UTF-8, or longer than the API takes it, its UUID serves as well. */
static char *make_request(const struct hv_guest *g, const char *name)
{
	_cleanup_free_ char *body = NULL;
	char uuid[UUID_TEXT_MAX], *request = NULL;
	json_t *named = strlen(name) <= NAME_MAX_BYTES ? json_string(name) : NULL, *object;

	uuid_format(&g->uuid, uuid);
	object = json_pack("{s:s,s:o,s:I,s:i}", "uuid", uuid, "name",
		named ? named : json_string(uuid), "bytes", (json_int_t)g->max_bytes, "wait_s",
		WAIT_SEC);
	body = object ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	if (!body ||
		asprintf(&request,
			"POST /v1/reservations HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
			"Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
			strlen(body), body) < 0)
		return NULL;
	return request;
}

/* The HTTP status, with *ret_answer the whole answer; negative: no answer. */
static int ask(const char *path, const struct hv_guest *g, const char *name, char **ret_answer)
{
	_cleanup_close_ int fd = connect_daemon(path);
	_cleanup_free_ char *request = make_request(g, name);
	int status = 0, r;

	if (fd < 0)
		return fd;
	if (!request)
		return -ENOMEM;
	r = send_all(fd, request);
	if (r < 0)
		return r;
	*ret_answer = read_all(fd, ANSWER_MAX);
	if (!*ret_answer || sscanf(*ret_answer, "HTTP/1.1 %d", &status) != 1)
		return -ETIMEDOUT;
	return status;
}

/* True if the answer is that there is no room, which it then tells who started the guest. Where
 * that binds nobody (mode observe, StartPolicy=ignore) it is a warning. */
static bool refused(const char *name, const char *answer, bool *ret_binding)
{
	const char *body = strstr(answer, "\r\n\r\n");
	json_t *problem = body ? json_loads(body + 4, 0, NULL) : NULL;
	const char *code = json_string_value(json_object_get(problem, "code"));
	const char *detail = json_string_value(json_object_get(problem, "detail"));
	bool no_room = code && streq(code, "no-room"),
	     binding = no_room && !json_is_false(json_object_get(problem, "binding"));
	char who[512], why[1024];

	if (no_room)
		fprintf(stderr, "ballast: %s%s: %s\n", printable(name, "", who, sizeof(who)),
			binding ? " cannot start here now" : " starts, but it does not fit",
			printable(detail ? detail : "no room", "", why, sizeof(why)));
	json_decref(problem);
	*ret_binding = binding;
	return no_room;
}

/* Nobody is told how it went: most guests that end have no room reserved. */
static void give_back(const char *path, const struct hv_guest *g)
{
	struct pollfd answer = {
		.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
		.events = POLLIN};
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = answer.fd;
	char uuid[UUID_TEXT_MAX], request[256];

	if (fd < 0 || strlen(path) >= sizeof(addr.sun_path))
		return;
	memcpy(addr.sun_path, path, strlen(path));
	snprintf(request, sizeof(request),
		"DELETE /v1/reservations/%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
		uuid_format(&g->uuid, uuid));
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || send_all(fd, request) < 0)
		return;
	/* A connection that is closed at once would be forgotten, not served. */
	poll(&answer, 1, FREE_MSEC);
}

static struct hv_guest *read_domain(void)
{
	_cleanup_free_ char *xml = read_all(STDIN_FILENO, XML_MAX);
	_cleanup_diag_ struct diag d = {0};
	struct hv_guest *g = NULL;

	return xml && hv_guest_parse(xml, strlen(xml), "", &g, &d) == 0 ? g : NULL;
}

int main(int argc, char **argv)
{
	const char *path = getenv("BALLAST_SOCKET");
	_cleanup_hv_guest_new_ struct hv_guest *g = NULL;
	_cleanup_free_ char *answer = NULL;
	bool ended, binding;
	int status;

	if (argc < 4) {
		fputs("Usage: ballast-start-hook NAME OPERATION SUBOPERATION EXTRA <DOMAIN-XML\n"
		      "libvirt runs it before a guest starts and after it ended; see ballastd(8).\n",
			stderr);
		return 2;
	}
	ended = streq(argv[2], "release") && streq(argv[3], "end");
	if (!ended && (!streq(argv[2], "prepare") || !streq(argv[3], "begin")))
		return 0;
	g = read_domain();
	if (ended) {
		if (g)
			give_back(path ? path : SOCKET_PATH, g);
		return 0;
	}
	if (!g) {
		fprintf(stderr,
			"ballast: the definition of %s was not understood: it starts unasked\n",
			argv[1]);
		return 0;
	}
	status = ask(path ? path : SOCKET_PATH, g, argv[1], &answer);
	if (status == 409 && refused(argv[1], answer, &binding))
		return binding ? 1 : 0;
	if (status < 0 || status / 100 != 2)
		fprintf(stderr,
			"ballast: ballastd could not be asked for room for %s (%s %d): it starts unasked\n",
			argv[1], status < 0 ? strerror(-status) : "HTTP status",
			status < 0 ? 0 : status);
	return 0;
}
