/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real HTTP server on a real socket: bodies that are bad, too large, or without end. */
#include <poll.h>
#include <sys/socket.h>

#include "tests/fixture/api-test.h"

/* Reads to the end of the stream, for at most 20 s. Returns whether it ended. */
static bool ends(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char buf[4096];

	while (poll(&p, 1, 20000) > 0)
		if (read(fd, buf, sizeof(buf)) <= 0)
			return true;
	return false;
}

TEST(bad_bodies_are_refused_with_their_place)
{
	static char deep[200], large[70000];
	const struct {
		const char *body;
		size_t len;
		enum api_problem code;
	} bad[] = {
		{"", 0, API_PROBLEM_BODY_MALFORMED},
		{"{\"mode\":", 8, API_PROBLEM_BODY_MALFORMED},
		{"{\"mode\":\"observe\",\"mode\":\"enforce\"}", 35, API_PROBLEM_BODY_MALFORMED},
		{"{\"mode\":\"\xff\xfe\"}", 13, API_PROBLEM_BODY_MALFORMED},
		{"{\"mode\":\"observe\"}\0", 19, API_PROBLEM_BODY_MALFORMED},
		{"{\"mode\":\"observe\"}{}", 20, API_PROBLEM_BODY_MALFORMED},
		{deep, sizeof(deep), API_PROBLEM_BODY_MALFORMED},
		{large, sizeof(large), API_PROBLEM_BODY_TOO_LARGE},
		{"{\"mood\":\"observe\"}", 18, API_PROBLEM_BODY_INVALID},
		{"{\"mode\":1}", 10, API_PROBLEM_BODY_INVALID},
		{"[]", 2, API_PROBLEM_BODY_INVALID},
	};

	memset(deep, '[', sizeof(deep));
	memset(large, ' ', sizeof(large));
	start(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_reply_ struct reply r = {0};

		client_request_bytes(
			socket_path, "PUT", "/v1/mode", bad[i].body, bad[i].len, NULL, &r);
		CHECK_PROBLEM(r, bad[i].code);
		if (bad[i].code == API_PROBLEM_BODY_INVALID)
			CHECK(json_is_string(json_at(r.json, "/pointer")));
		if (bad[i].code == API_PROBLEM_BODY_MALFORMED)
			CHECK(json_is_integer(json_at(r.json, "/line")));
	}
	{
		_cleanup_reply_ struct reply alive = ask("GET", "/v1/mode", NULL);
		_cleanup_reply_ struct reply field =
			ask("PUT", "/v1/mode", "{\"mod\":\"observe\"}");

		CHECK_AT(alive, "/mode", "enforce");
		CHECK_AT(field, "/pointer", "/mod");
		CHECK_CONTAINS(field.body, "did you mean \\\"mode\\\"?");
	}
	stop();
}

/* Many times: an answer given before the body is read loses the race against it only now and
 * then. */
/* What becomes a line of a log, or a name on a screen. */
TEST(words_for_people_have_no_control_characters_and_names_are_names)
{
#define RESERVE(name)                                                                             \
	"{\"uuid\":\"11112222-3333-4444-8555-666677778888\",\"bytes\":1,\"name\":\"" name "\"}"
#define PAUSE(message) "{\"for_s\":60,\"message\":\"" message "\"}"
#define OVERRIDE(reason) "{\"memory\":{\"weight\":5},\"reason\":\"" reason "\"}"
	static const struct {
		const char *method, *path, *body, *pointer;
	} cases[] = {
		{"POST", "/v1/reservations", RESERVE("a\\nb"), "/name"},
		{"POST", "/v1/reservations", RESERVE("a/b"), "/name"},
		{"POST", "/v1/reservations", RESERVE(" "), "/name"},
		{"POST", "/v1/reservations", RESERVE("a b"), NULL},
		{"PUT", "/v1/pause", PAUSE("x\\u001b[2J"), "/message"},
		{"PUT", "/v1/pause", PAUSE("x\\nall is well"), "/message"},
		{"PUT", "/v1/pause", PAUSE("x\xe2\x80\xae"), "/message"},
		{"PUT", "/v1/pause", PAUSE("gr\xc3\xbc\xc3\x9f" "e"), NULL},
		{"PUT", "/v1/guests/web1/overrides", OVERRIDE("x\\u009b31m"), "/reason"},
		{"PUT", "/v1/guests/web1/overrides", OVERRIDE("for a while"), NULL},
	};

	start(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_reply_ struct reply r =
			ask(cases[i].method, cases[i].path, cases[i].body);

		if (cases[i].pointer) {
			CHECK_PROBLEM(r, API_PROBLEM_BODY_INVALID);
			CHECK_AT(r, "/pointer", cases[i].pointer);
		} else {
			CHECK_INT(r.status / 100, 2);
		}
	}
	stop();
}

TEST(a_body_too_large_never_costs_its_sender_the_answer)
{
	static char large[70000];

	memset(large, ' ', sizeof(large));
	start(NULL);
	for (int i = 0; i < 50; i++) {
		_cleanup_reply_ struct reply sent = {0}, asked = {0};

		client_request_bytes(
			socket_path, "PUT", "/v1/mode", large, sizeof(large), NULL, &sent);
		CHECK_PROBLEM(sent, API_PROBLEM_BODY_TOO_LARGE);
		client_request_bytes(socket_path, "PUT", "/v1/mode", large, sizeof(large),
			"Expect: 100-continue", &asked);
		CHECK_PROBLEM(asked, API_PROBLEM_BODY_TOO_LARGE);
	}
	stop();
}

/* For a fifth of a second: the server closes some turns of its loop after its last word. */
static bool takes_more(int fd)
{
	for (int i = 0; i < 20; i++) {
		if (send(fd, "x", 1, MSG_NOSIGNAL) < 0)
			return false;
		usleep(10000);
	}
	return true;
}

/* To close on what a client is still writing resets the line, and he may lose the answer: so the
 * socket stays for a second after it. */
TEST(who_announces_too_much_reads_the_answer_though_he_writes_on)
{
	static const char head[] =
		"PUT /v1/mode HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 67108864\r\n\r\n";
	char answer[4096];
	int whole = 0;

	start(NULL);
	for (int i = 0; i < 10; i++) {
		int fd = client_connect(socket_path);

		/* The answer, and its end. */
		client_raw(fd, head, sizeof(head) - 1, answer, sizeof(answer), 5000);
		CHECK_CONTAINS(answer, "body-too-large");
		whole += takes_more(fd);
		close(fd);
	}
	/* This process may be held up for longer than that, but not each time. */
	CHECK(whole >= 5);
	stop();
}

/* How much of a body without end is taken, until the line is cut. */
static uint64_t sent_until_cut(const char *head, const char *piece, size_t len)
{
	int fd = client_connect(socket_path);
	uint64_t sent = 0;
	char buf[4096];

	client_raw(fd, head, strlen(head), buf, sizeof(buf), 0);
	while (sent < 64 * MIB) {
		ssize_t n = send(fd, piece, len, MSG_NOSIGNAL);

		if (n < 0)
			break;
		sent += (uint64_t)n;
	}
	close(fd);
	return sent;
}

TEST(the_body_of_a_refused_request_is_not_read_for_long)
{
	static char piece[65536];
	static const char chunked
		[] = "%s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n4000000\r\n",
	 announced[] =
		 "%s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 67108864\r\n\r\n";
	/* No such route; a body that grows too large; one where none is taken. */
	static const char *const lines[] = {
		"PUT /v1/nothing", "PUT /v1/mode", "GET /v1/mode", "DELETE /v1/nothing"};
	char head[256], answer[4096] = "";
	int fd;

	memset(piece, ' ', sizeof(piece));
	start(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		snprintf(head, sizeof(head), chunked, lines[i]);
		CHECK(sent_until_cut(head, piece, sizeof(piece)) < 2 * MIB);
		snprintf(head, sizeof(head), announced, lines[i]);
		CHECK(sent_until_cut(head, piece, sizeof(piece)) < 2 * MIB);
	}
	/* Who only announces it is answered, and not waited for. */
	snprintf(head, sizeof(head), announced, "PUT /v1/mode");
	fd = client_connect(socket_path);
	client_raw(fd, head, strlen(head), answer, sizeof(answer), 5000);
	CHECK_CONTAINS(answer, "413");
	CHECK_CONTAINS(answer, "Connection: close");
	CHECK(ends(fd));
	close(fd);
	stop();
}

API_TEST_MAIN()
