/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ballast-start-hook NAME OPERATION SUBOPERATION EXTRA, as libvirt calls its hooks, with the domain's XML on standard input. Before a guest
 * starts ("prepare begin") it asks ballastd for room and waits for the answer, at most ten seconds. It talks to ballastd's socket only: a hook
 * that called libvirt would wait for itself. Exit status 0 lets the guest start, 1 does not, with the reason on standard error,
 * which libvirt shows to who started it.
 *
 * Where ballastd cannot be asked (not running, not ready, does not answer) the guest starts: Ballast is not what a start depends on.
 */
#include <ctype.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "common/units.h"
#include "policy/uuid.h"

#define WAIT_SEC   10
#define ANSWER_SEC (WAIT_SEC + 2) /* for the answer to arrive */
#define XML_MAX    (4 * MIB)
#define ANSWER_MAX (64 * KIB)

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

/*
 * The first element of this name. libvirt writes the XML itself: <uuid> and <memory unit='KiB'> of the domain come before anything that may be of
 * the same name inside, and text is escaped.
 */
static const char *find_element(const char *xml, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = strchr(xml, '<'); p; p = strchr(p + 1, '<'))
		if (strncmp(p + 1, name, len) == 0 && (p[1 + len] == '>' || p[1 + len] == ' '))
			return p;
	return NULL;
}

static const char *element_text(const char *xml, const char *name)
{
	const char *e = find_element(xml, name);

	e = e ? strchr(e, '>') : NULL;
	return e ? e + 1 : NULL;
}

static int find_uuid(const char *xml, struct uuid *ret)
{
	const char *text = element_text(xml, "uuid");
	char copy[UUID_TEXT_MAX];

	if (!text)
		return -EBADMSG;
	snprintf(copy, sizeof(copy), "%s", text);
	return uuid_parse(copy, ret);
}

/* libvirt always writes KiB. */
static int find_memory(const char *xml, uint64_t *ret_bytes)
{
	const char *element = find_element(xml, "memory"), *text = element_text(xml, "memory");
	unsigned long long kib;
	char *end;

	if (!text || !isdigit((unsigned char)*text) || !strstr(element, "unit='KiB'") ||
		strstr(element, "unit='KiB'") > text)
		return -EBADMSG;
	errno = 0;
	kib = strtoull(text, &end, 10);
	if (errno || *end != '<' || kib > UINT64_MAX / KIB)
		return -EBADMSG;
	*ret_bytes = kib * KIB;
	return 0;
}

/* A JSON string's inside: names may hold anything. What is no printable ASCII goes as '?': the name is for people only. */
static void escape(const char *name, char *buf, size_t size)
{
	size_t len = 0;

	for (; *name && len + 2 < size; name++) {
		if (*name == '"' || *name == '\\')
			buf[len++] = '\\';
		buf[len++] = isprint((unsigned char)*name) ? *name : '?';
	}
	buf[len] = '\0';
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

/* The HTTP status, with *ret_answer the whole answer; negative: no answer. */
static int ask(const char *path, const struct uuid *guest, const char *name, uint64_t bytes,
	char **ret_answer)
{
	_cleanup_close_ int fd = connect_daemon(path);
	char uuid[UUID_TEXT_MAX], safe[256], body[512], request[1024];
	int status = 0, r;

	if (fd < 0)
		return fd;
	escape(name, safe, sizeof(safe));
	snprintf(body, sizeof(body), "{\"uuid\":\"%s\",\"name\":\"%s\",\"bytes\":%llu,\"wait_s\":%d}",
		uuid_format(guest, uuid), safe, (unsigned long long)bytes, WAIT_SEC);
	snprintf(request, sizeof(request),
		"POST /v1/reservations HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
		"Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		strlen(body), body);
	r = send_all(fd, request);
	if (r < 0)
		return r;
	*ret_answer = read_all(fd, ANSWER_MAX);
	if (!*ret_answer || sscanf(*ret_answer, "HTTP/1.1 %d", &status) != 1)
		return -ETIMEDOUT;
	return status;
}

/* The detail of a problem, for who started the guest. */
static void print_detail(const char *name, char *answer)
{
	char *detail = strstr(answer, "\"detail\":"), *end;

	detail = detail ? strchr(detail + strlen("\"detail\":"), '"') : NULL;
	if (detail) {
		detail++;
		for (end = detail; *end && *end != '"'; end++)
			if (*end == '\\' && end[1])
				end++;
		*end = '\0';
	}
	fprintf(stderr, "ballast: %s cannot start here now: %s\n", name, detail ? detail : "no room");
}

int main(int argc, char **argv)
{
	const char *path = getenv("BALLAST_SOCKET");
	_cleanup_free_ char *xml = NULL, *answer = NULL;
	struct uuid guest;
	uint64_t bytes = 0;
	int status;

	if (argc < 4) {
		fputs("Usage: ballast-start-hook NAME OPERATION SUBOPERATION EXTRA <DOMAIN-XML\n"
		      "libvirt runs it before a guest starts; see ballastd(8).\n", stderr);
		return 2;
	}
	if (!streq(argv[2], "prepare") || !streq(argv[3], "begin"))
		return 0;
	xml = read_all(STDIN_FILENO, XML_MAX);
	if (!xml || find_uuid(xml, &guest) < 0 || find_memory(xml, &bytes) < 0) {
		fprintf(stderr, "ballast: the definition of %s was not understood: it starts unasked\n", argv[1]);
		return 0;
	}
	status = ask(path ? path : SOCKET_PATH, &guest, argv[1], bytes, &answer);
	if (status == 409 && strstr(answer, "\"no-room\"")) {
		print_detail(argv[1], answer);
		return 1;
	}
	if (status < 0 || status / 100 != 2)
		fprintf(stderr, "ballast: ballastd could not be asked for room for %s (%s %d): it starts unasked\n",
			argv[1], status < 0 ? strerror(-status) : "HTTP status", status < 0 ? 0 : status);
	return 0;
}
