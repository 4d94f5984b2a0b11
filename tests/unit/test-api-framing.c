/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests of which a proxy might think otherwise than we: by the byte, over a real socket. */
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/api/internal.h"
#include "tests/fixture/api-test.h"

#define ANSWER_MAX 8192
#define PUT	   "PUT /v1/mode HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
#define BEHIND	   "GET /v1/pause HTTP/1.1\r\nHost: localhost\r\n\r\n"

/* Returns whether the line was closed behind what is in buf. */
static bool say(const char *request, char buf[static ANSWER_MAX])
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t len = 0;
	ssize_t n = -1;

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", socket_path);
	buf[0] = '\0';
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
		send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		return false;
	while (len < ANSWER_MAX - 1 && poll(&(struct pollfd){fd, POLLIN, 0}, 1, 2000) > 0 &&
		(n = read(fd, buf + len, ANSWER_MAX - 1 - len)) > 0)
		len += (size_t)n;
	buf[len] = '\0';
	return n == 0;
}

static unsigned count(const char *in, const char *what)
{
	unsigned n = 0;

	for (const char *p = in; (p = strstr(p, what)); p++)
		n++;
	return n;
}

TEST(where_a_request_ends_or_whom_it_is_for_must_be_beyond_doubt)
{
	static const struct {
		const char *request, *why;
	} bad[] = {
		{PUT "Content-Length: 18\r\nContent-Length: 0\r\n\r\n{\"mode\":\"observe\"}" BEHIND,
			"Content-Length is there twice"},
		{PUT "Content-Length: 18\r\nContent-Length: 18\r\n\r\n{\"mode\":\"observe\"}" BEHIND,
			"Content-Length is there twice"},
		{PUT "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" BEHIND,
			"both Content-Length and Transfer-Encoding"},
		{PUT "Transfer-Encoding: chunked\r\ncontent-length: x\r\n\r\n0\r\n\r\n" BEHIND,
			"both Content-Length and Transfer-Encoding"},
		{PUT "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" BEHIND,
			"Transfer-Encoding is not just"},
		{PUT "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n" BEHIND,
			"Transfer-Encoding is not just"},
		{"PUT /v1/mode HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" BEHIND,
			"HTTP/1.0 has no Transfer-Encoding"},
		{"GET /v1/mode HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n" BEHIND,
			"Host is there twice"},
		{"GET /v1/mode HTTP/1.1\r\n\r\n" BEHIND, "Host is missing"},
		{"GET /v1/mode HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n" BEHIND,
			"goes on in a second line"},
		{PUT "Content-Length: 18\r\n \r\n\r\n{\"mode\":\"observe\"}" BEHIND,
			"goes on in a second line"},
		{PUT "Content-Length : 18\r\n\r\n{\"mode\":\"observe\"}" BEHIND,
			"a header's name has a character"},
		{"GET /v1/mode HTTP/1.1\r\n X: a\r\nHost: localhost\r\n\r\n" BEHIND,
			"a header's name has a character"},
		{"GET /v1/mode HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n" BEHIND,
			"a control character"},
		{PUT "Content-Length: 99999999999999999999999\r\n\r\n{" BEHIND,
			"Content-Length is no number"},
		{PUT "Content-Length: -1\r\n\r\n{" BEHIND, "Content-Length is no number"},
		{PUT "Content-Length: 1 \r\n\r\n{" BEHIND, "Content-Length is no number"},
		{PUT "Content-Length:\r\n\r\n{" BEHIND, "Content-Length is no number"},
	};

	start(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char answer[ANSWER_MAX];
		bool closed = say(bad[i].request, answer);

		if (!strstr(answer, bad[i].why))
			printf("# request %zu\n", i);
		CHECK_CONTAINS(answer, bad[i].why);
		CHECK_CONTAINS(answer, "HTTP/1.1 400 Bad Request\r\n");
		CHECK_CONTAINS(answer, "Content-Type: application/problem+json\r\n");
		CHECK_CONTAINS(answer, "\"code\":\"request-malformed\"");
		CHECK_CONTAINS(answer, "Ballast-Api: 1\r\n");
		CHECK_CONTAINS(answer, "X-Content-Type-Options: nosniff\r\n");
		CHECK_CONTAINS(answer, "Connection: close\r\n");
		CHECK_INT(count(answer, "HTTP/1.1 "), 1);
		CHECK_INT(count(answer, "\r\nContent-Length:"), 1);
		CHECK(closed);
	}
	stop();
}

TEST(what_is_beyond_doubt_is_answered_and_the_line_stays)
{
	static const char *const good[] = {
		PUT "Content-Length:\t18\r\n\r\n{\"mode\":\"observe\"}",
		PUT "Transfer-Encoding: Chunked\r\n\r\n12\r\n{\"mode\":\"observe\"}\r\n0\r\n\r\n",
		"GET /v1/mode HTTP/1.1\r\nHost:\r\n\r\n",
		"GET /v1/mode HTTP/1.1\r\nHOST: a\r\nX-Empty:\r\nX_y!: \t \r\n\r\n",
	};
	char answer[ANSWER_MAX];

	start(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		char two[1024];

		snprintf(two, sizeof(two), "%s" BEHIND, good[i]);
		CHECK(!say(two, answer));
		CHECK_INT(count(answer, "HTTP/1.1 200 OK\r\n"), 2);
	}
	/* of the socket: who says HTTP/1.0 needs no Host */
	CHECK(say("GET /v1/mode HTTP/1.0\r\n\r\n", answer));
	CHECK_INT(count(answer, " 200 OK\r\n"), 1);
	stop();
}

/* No size in between is answered by silence. */
TEST(what_is_too_large_is_told_so)
{
	static char request[40000], many[40000], answer[ANSWER_MAX];
	static const struct {
		size_t header, uri, headers, parameters;
		bool good;
	} sizes[] = {
		{12000, 0, 0, 0, .good = true}, {0, 11900, 0, 0, .good = true},
		{0, 0, 180, 0, .good = true}, {0, 0, 0, 180, .good = true},
		{12400, 0, 0, 0}, {15000, 0, 0, 0}, {16000, 0, 0, 0}, {16200, 0, 0, 0},
		{0, 12400, 0, 0}, {0, 15000, 0, 0}, {0, 16000, 0, 0}, {0, 16300, 0, 0},
		{0, 0, 215, 0}, {0, 0, 230, 0}, {0, 0, 0, 205}, {0, 0, 0, 240}, {0, 0, 0, 400},
	};

	start(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t n = 0, len = 0;

		memset(many, 'a', sizeof(many));
		len += (size_t)sprintf(request, "GET /v1/mode?%.*s", (int)sizes[i].uri, many);
		for (n = 0; n < sizes[i].parameters; n++)
			len += (size_t)sprintf(request + len, "&p%zu=1", n);
		len += (size_t)sprintf(request + len, " HTTP/1.1\r\nHost: x\r\n");
		for (n = 0; n < sizes[i].headers; n++)
			len += (size_t)sprintf(request + len, "A: b\r\n");
		sprintf(request + len, "X: %.*s\r\n\r\n", (int)sizes[i].header, many);
		if (sizes[i].good) {
			CHECK(!say(request, answer));
			CHECK(strncmp(answer, "HTTP/1.1 200", 12) == 0 ||
				strstr(answer, "query-invalid"));
			continue;
		}
		if (!say(request, answer) || !strstr(answer, "headers-too-large"))
			printf("# size %zu\n", i);
		CHECK_CONTAINS(answer, "HTTP/1.1 431 Request Header Fields Too Large\r\n");
		CHECK_CONTAINS(answer, "\"code\":\"headers-too-large\"");
		CHECK_INT(count(answer, "HTTP/1.1 "), 1);
	}
	stop();
}

API_TEST_MAIN()
