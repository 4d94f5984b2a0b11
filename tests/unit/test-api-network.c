/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real server on TCP (loopback, without TLS: tests/unit/test-network.sh has TLS): tokens,
 * roles, browsers, rates. */
#include <grp.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/token-secret.h"
#include "daemon/sys/clock.h"
#include "tests/fixture/api-test.h"

/* Tokens by role, of which "gone" has expired. */
#define READ	"bst_read"
#define OPERATE "bst_operate"
#define ADMIN	"bst_admin"
#define GONE	"bst_gone"

static uint16_t port;

static void add_token(struct token_table *t, const char *name, enum api_role role,
	const char *secret, uint64_t expires)
{
	struct token_entry *e = &t->entries[t->n++];

	*e = (struct token_entry){.role = role, .expires_real_usec = expires};
	snprintf(e->name, sizeof(e->name), "%s", name);
	token_secret_hash(secret, e->hash);
}

static void set_tokens(bool with_read)
{
	struct token_table *t = calloc(1, sizeof(*t) + 4 * sizeof(t->entries[0]));

	if (with_read)
		add_token(t, "reader", API_ROLE_READ, READ, clock_real_usec() + USEC_PER_HOUR);
	add_token(t, "operator", API_ROLE_OPERATE, OPERATE, USEC_INFINITY);
	add_token(t, "boss", API_ROLE_ADMIN, ADMIN, USEC_INFINITY);
	add_token(t, "gone", API_ROLE_ADMIN, GONE, 1);
	api_set_tokens(fake->api, t);
}

static int listen_any(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) < 0 || listen(fd, 256) < 0 ||
		getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		exit(1);
	port = ntohs(a.sin_port);
	return fd;
}

static void begin(struct api_config c)
{
	static const char *const names[] = {"host1", NULL};

	c.listeners[0] = (struct api_listener){.fd = listen_any()};
	c.n_listeners = 1;
	c.host_names = names;
	c.access = (struct api_access){
		.admin_gid = GROUP_ADMIN, .operate_gid = GROUP_OPERATE, .read_gid = GROUP_READ};
	start(&c);
	set_tokens(true);
}

static int connect_tcp(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ? -1 : fd;
}

static char answer[65536];

/* The status of one exchange on a connection of its own; headers: lines, or "". */
static int exchange(const char *method, const char *path, const char *headers, const char *body)
{
	char request[2048];
	int fd = connect_tcp(), status = 0;
	bool has_host = strstr(headers, "Host:");

	snprintf(request, sizeof(request),
		"%s %s HTTP/1.1\r\n%s%sConnection: close\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		method, path, has_host ? "" : "Host: localhost\r\n", headers, strlen(body), body);
	client_raw(fd, request, strlen(request), answer, sizeof(answer), 20000);
	close(fd);
	return sscanf(answer, "HTTP/1.1 %d", &status) == 1 ? status : -1;
}

static int get_with(const char *path, const char *token)
{
	char headers[256] = "";

	if (token)
		snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\n", token);
	return exchange("GET", path, headers, "");
}

TEST(a_token_is_who_it_says_until_it_ends)
{
	begin((struct api_config){0});
	CHECK_INT(get_with("/v1/whoami", READ), 200);
	CHECK_CONTAINS(answer, "{\"name\":\"token reader\",\"role\":\"read\",\"how\":\"token\"}");
	CHECK_INT(get_with("/v1/whoami", NULL), 401);
	CHECK_CONTAINS(answer, "WWW-Authenticate: Bearer realm=\"ballast\"\r\n");
	CHECK_CONTAINS(answer, "\"code\":\"unauthenticated\"");
	CHECK_INT(get_with("/v1/whoami", "bst_nobody"), 401);
	CHECK_CONTAINS(answer, "error=\"invalid_token\"");
	CHECK_INT(get_with("/v1/whoami", GONE), 401);
	CHECK_CONTAINS(answer, "token gone has expired");
	CHECK_INT(exchange("GET", "/v1/whoami", "Authorization: Basic cm9vdDo=\r\n", ""), 401);
	CHECK_CONTAINS(answer, "expected Authorization: Bearer TOKEN");
	CHECK_INT(exchange("GET", "/v1/whoami", "authorization: bearer " ADMIN "\r\n", ""), 200);
	CHECK_CONTAINS(answer, "\"role\":\"admin\"");
	/* Health needs none, and asks for none. */
	CHECK_INT(get_with("/healthz", NULL), 200);
	CHECK_INT(get_with("/healthz", "bst_nobody"), 200);
	/* One that is taken out is none any more. */
	set_tokens(false);
	CHECK_INT(get_with("/v1/whoami", READ), 401);
	CHECK_INT(get_with("/v1/whoami", OPERATE), 200);
	stop();
}

TEST(who_changes_something_is_named_by_his_token)
{
	begin((struct api_config){0});
	CHECK_INT(exchange("PUT", "/v1/mode", "Authorization: Bearer " ADMIN "\r\n",
			  "{\"mode\":\"enforce\"}"),
		200);
	CHECK_STR(fake->last_by, "token boss");
	stop();
}

TEST(a_token_counts_on_the_socket_too)
{
	_cleanup_reply_ struct reply r = {0};

	begin((struct api_config){0});
	client_request(socket_path, "GET", "/v1/whoami", NULL, "Authorization: Bearer " READ, &r);
	CHECK_AT(r, "/name", "token reader");
	CHECK_AT(r, "/role", "read");
	stop();
}

/* A path of the route with something in each of its places. */
static void fill_path(const struct route *r, char *path, size_t size)
{
	size_t n = 0;

	for (const char *p = r->path; *p && n + 8 < size; p++) {
		if (*p != '{') {
			path[n++] = *p;
			continue;
		}
		n += (size_t)snprintf(path + n, 8, "%s", r->noun == NOUN_GUEST ? "web1" : "self");
		p += strcspn(p, "}");
	}
	path[n] = '\0';
}

/* Every route of the table by every credential: a new route is covered by being there. */
TEST(each_credential_may_what_its_routes_say_and_no_more)
{
	static const struct {
		const char *headers;
		enum api_role role;
		bool known;
	} who[] = {
		{"", API_ROLE_NONE, false},
		{"Authorization: Bearer " READ "\r\n", API_ROLE_READ, true},
		{"Authorization: Bearer " OPERATE "\r\n", API_ROLE_OPERATE, true},
		{"Authorization: Bearer " ADMIN "\r\n", API_ROLE_ADMIN, true},
	};

	begin((struct api_config){0});
	for (size_t w = 0; w < ARRAY_SIZE(who); w++)
		for (size_t i = 0; i < n_routes; i++) {
			const struct route *r = &routes[i];
			bool needs = r->role > API_ROLE_NONE || r->kind == ROUTE_WHOAMI;
			int wanted = needs && !who[w].known  ? 401
				     : who[w].role < r->role ? 403
							     : 0,
			    got;
			char path[256];

			fill_path(r, path, sizeof(path));
			got = exchange(r->method, path, who[w].headers, r->body ? "{}" : "");
			if (wanted ? got != wanted
				   : got < 200 || got == 401 || got == 403 || got == 429)
				TEST_FAIL("%s with role %s%s: %d, wanted %d", r->name,
					api_role_to_string(who[w].role),
					who[w].known ? "" : " and no credential", got, wanted);
		}
	stop();
}

TEST(a_foreign_page_reaches_nothing)
{
	begin((struct api_config){0});
	CHECK_INT(exchange("GET", "/v1/guests",
			  "Authorization: Bearer " READ "\r\nOrigin: http://evil.example\r\n", ""),
		403);
	CHECK_CONTAINS(answer, "\"code\":\"foreign-origin\"");
	CHECK(!strstr(answer, "Access-Control"));
	CHECK_INT(exchange("POST", "/v1/reload",
			  "Authorization: Bearer " ADMIN "\r\nSec-Fetch-Site: same-site\r\n", ""),
		403);
	CHECK_INT(exchange("OPTIONS", "/v1/mode",
			  "Origin: http://evil.example\r\nAccess-Control-Request-Method: PUT\r\n",
			  ""),
		403);
	CHECK(!strstr(answer, "Access-Control"));
	CHECK_INT(exchange("GET", "/healthz", "Host: evil.example\r\n", ""), 421);
	CHECK_CONTAINS(answer, "\"code\":\"foreign-host\"");
	CHECK_INT(exchange("GET", "/v1/guests",
			  "Host: rebound.example:80\r\nAuthorization: Bearer " READ "\r\n", ""),
		421);
	CHECK_INT(exchange("GET", "/v1/guests",
			  "Host: host1:8006\r\nAuthorization: Bearer " READ "\r\n", ""),
		200);
	CHECK_INT(
		exchange("GET", "/v1/guests",
			"Origin: http://localhost\r\nSec-Fetch-Site: same-origin\r\nAuthorization: Bearer " READ
			"\r\n",
			""),
		200);
	CHECK_INT(fake->n_ops, 0);
	stop();
}

TEST(every_answer_has_the_headers_that_close_browsers)
{
	static const char *const headers[] = {"X-Content-Type-Options: nosniff\r\n",
		"X-Frame-Options: DENY\r\n", "Referrer-Policy: no-referrer\r\n",
		"Cross-Origin-Resource-Policy: same-origin\r\n", "Cache-Control: no-",
		"frame-ancestors 'none'"};
	static const char *const paths[] = {"/", "/healthz", "/nothing", "/v1/guests", "/v1/whoami",
		"/v1/events", "/v1/openapi.json", "/metrics"};

	begin((struct api_config){0});
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		for (int known = 0; known < 2; known++) {
			get_with(paths[i], known ? READ : NULL);
			for (size_t k = 0; k < ARRAY_SIZE(headers); k++)
				if (!strstr(answer, headers[k]))
					TEST_FAIL("%s lacks %s:\n%.400s", paths[i], headers[k],
						answer);
			/* Over plain HTTP nothing is promised about TLS. */
			CHECK(!strstr(answer, "Strict-Transport-Security"));
		}
	}
	stop();
}

static char answers[4 * 1024 * 1024];

/* Pipelined on one connection, so that it is quick. Returns how many of n got this status; all are
 * in answers. */
static int flood(const char *path, const char *headers, int n, const char *status)
{
	static char requests[600 * 1024];
	char wanted[32];
	size_t len = 0;
	int fd = connect_tcp(), found = 0;

	for (int i = 0; i < n; i++)
		len += (size_t)snprintf(requests + len, sizeof(requests) - len,
			"GET %s HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n", path, headers,
			i == n - 1 ? "Connection: close\r\n" : "");
	/* Written and read in turns: neither side's buffer holds all. */
	for (size_t at = 0, got = 0;;) {
		struct pollfd p = {.fd = fd, .events = (short)(POLLIN | (at < len ? POLLOUT : 0))};
		ssize_t r;

		if (poll(&p, 1, 20000) <= 0)
			break;
		if (at < len && p.revents & POLLOUT &&
			(r = send(fd, requests + at, MIN(len - at, (size_t)4096),
				 MSG_NOSIGNAL | MSG_DONTWAIT)) > 0)
			at += (size_t)r;
		if (p.revents & (POLLIN | POLLHUP)) {
			r = recv(fd, answers + got, sizeof(answers) - 1 - got, MSG_DONTWAIT);
			if (r == 0 || (r < 0 && errno != EAGAIN))
				break;
			got += r > 0 ? (size_t)r : 0;
			answers[got] = '\0';
		}
	}
	close(fd);
	snprintf(wanted, sizeof(wanted), "HTTP/1.1 %s", status);
	for (const char *s = answers; (s = strstr(s, wanted)); s++)
		found++;
	return found;
}

TEST(a_client_that_asks_too_often_is_told_when_to_come_back)
{
	begin((struct api_config){0});
	/* 1000 at once, and 200 a second while it runs. */
	CHECK(flood("/v1/whoami", "Authorization: Bearer " READ "\r\n", 3000, "429") > 0);
	CHECK_CONTAINS(answers, "Retry-After: 1\r\n");
	CHECK_CONTAINS(answers, "token reader asks too often");
	/* Others are not his victims. */
	CHECK_INT(get_with("/v1/whoami", OPERATE), 200);
	stop();
}

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

/* Each on a connection of its own, until the answer is 429. Returns how many had this status. */
static int ask_for_too_much(const char *path, int wanted)
{
	int n = 0, status;

	while ((status = get_with(path, NULL)) == wanted && n < 1000)
		n++;
	return status == 429 ? n : INT_MAX;
}

TEST(what_is_refused_is_counted_too)
{
	begin((struct api_config){0});
	CHECK(ask_for_too_much("/v1/whoami", 401) < 300);
	CHECK_CONTAINS(answer, "127.0.0.1 asks too often without a credential");
	CHECK_CONTAINS(answer, "Retry-After: 1\r\n");
	CHECK(ask_for_too_much("/v1/nothing", 404) < 100);
	CHECK_INT(get_with("/v1/whoami", READ), 200);
	stop();
}

/* Connects n times and hangs up. Returns how many of them the daemon refused for being too many of
 * late, each with the answer that says so. */
static int knock(int n)
{
	int refused = 0;

	for (int i = 0; i < n; i++) {
		int fd = connect_tcp();
		char text[1024] = "";

		if (fd < 0)
			continue;
		/* Who is let in is not told anything before he asks. */
		client_raw(fd, "GET /healthz HTTP/1.0\r\n\r\n", 25, text, sizeof(text), 5000);
		refused += strstr(text, "HTTP/1.1 429") && strstr(text, "connects too often") &&
			   strstr(text, "Retry-After: 1\r\n");
		close(fd);
	}
	return refused;
}

TEST(an_address_that_connects_too_often_is_refused_before_it_costs_anything)
{
	_cleanup_reply_ struct reply local = {0};
	uint64_t begun, more;
	int refused;

	begin((struct api_config){0});
	begun = clock_usec(CLOCK_MONOTONIC);
	refused = knock(1500);
	/* 500 at once, and 100 a second while it runs. */
	more = (clock_usec(CLOCK_MONOTONIC) - begun) / 10000 + 1;
	CHECK(refused + 500 + (int)more >= 1500);
	CHECK(refused <= 1000);
	/* The socket has nothing to do with it. */
	local = ask("GET", "/healthz", NULL);
	CHECK_INT(local.status, 200);
	stop();
}

TEST(who_has_shown_nothing_and_asks_too_often_is_hung_up_on)
{
	static const char get[] = "GET /v1/whoami HTTP/1.1\r\nHost: localhost\r\n\r\n";
	int fd;

	begin((struct api_config){0});
	CHECK(ask_for_too_much("/v1/whoami", 401) < 300);
	/* One that would stay: the daemon closes it. */
	fd = connect_tcp();
	client_raw(fd, get, sizeof(get) - 1, answer, sizeof(answer), 5000);
	CHECK_CONTAINS(answer, "HTTP/1.1 429");
	CHECK_CONTAINS(answer, "Connection: close\r\n");
	CHECK(ends(fd));
	close(fd);
	/* Who has shown who he is is told to wait, and stays. */
	CHECK(flood("/v1/whoami", "Authorization: Bearer " READ "\r\n", 3000, "429") > 1);
	stop();
}

/* So many changes by this token, each an event. Returns how many were done. */
static int change(const char *token, int n)
{
	char headers[256];
	int done = 0, status;

	snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\n", token);
	for (int i = 0; i < n; i++) {
		status = exchange("PUT", "/v1/pause", headers, "{\"for_s\":60}");
		done += status == 200;
		if (status != 200 && status != 429)
			return -status;
	}
	return done;
}

/* Else a loop of them pushes all that happened before out of memory, and off the disk. */
TEST(who_changes_things_in_a_loop_is_held_to_a_rate)
{
	uint64_t began;
	int done;

	begin((struct api_config){0});
	began = clock_boot_usec();
	done = change(OPERATE, 200);
	CHECK(done >= 30);
	CHECK(done <= 31 + (int)((clock_boot_usec() - began) / USEC_PER_SEC));
	/* Where this host is slow, one came free meanwhile. */
	while (exchange("PUT", "/v1/pause", "Authorization: Bearer " OPERATE "\r\n",
		       "{\"for_s\":60}") == 200)
		;
	CHECK_CONTAINS(answer, "HTTP/1.1 429");
	CHECK_CONTAINS(answer, "\r\nRetry-After: 1\r\n");
	CHECK_CONTAINS(answer, "token operator changes too much: at most 30 changes at once");
	/* To look, and to try, is free; who mends things on this host is not held up. */
	CHECK_INT(get_with("/v1/pause", OPERATE), 200);
	CHECK_INT(exchange("PUT", "/v1/pause?dry_run=true",
			  "Authorization: Bearer " OPERATE "\r\n", "{\"for_s\":60}"),
		200);
	CHECK_INT(change(ADMIN, 60), 60);
	stop();
}

TEST(an_admin_on_this_host_has_no_limit)
{
	begin((struct api_config){0});
	CHECK_INT(flood("/v1/whoami", "Authorization: Bearer " ADMIN "\r\n", 3000, "200"), 3000);
	stop();
}

TEST(guesses_are_slowed_and_good_credentials_pass_all_the_same)
{
	begin((struct api_config){0});
	CHECK(flood("/v1/whoami", "Authorization: Bearer bst_guess\r\n", 150, "401") <= 12);
	CHECK_CONTAINS(answers, "HTTP/1.1 429");
	CHECK_CONTAINS(answers, "too many credentials that do not hold");
	CHECK_CONTAINS(answers, "Retry-After: ");
	CHECK_INT(get_with("/v1/whoami", READ), 200);
	stop();
}

TEST(one_token_cannot_take_all_connections)
{
	struct api_config c = {.max_connections = 64, .max_per_client = 8};
	static const char get[] =
		"GET /v1/whoami HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " READ
		"\r\n\r\n";
	int fds[12], good = 0, busy = 0;

	begin(c);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		char text[2048] = "";
		struct pollfd p = {.events = POLLIN};

		p.fd = fds[i] = connect_tcp();
		if (send(fds[i], get, sizeof(get) - 1, MSG_NOSIGNAL) < 0 ||
			poll(&p, 1, 20000) <= 0 || recv(fds[i], text, sizeof(text) - 1, 0) <= 0)
			text[0] = '\0';
		good += strstr(text, " 200 OK") != NULL;
		busy += strstr(text, " 503 ") != NULL;
	}
	CHECK_INT(good, 8);
	CHECK_INT(busy, 4);
	/* Neither his nor the others' requests hang: another client is served. */
	CHECK_INT(get_with("/v1/whoami", OPERATE), 200);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	stop();
}

TEST(a_stream_ends_when_its_token_is_taken_out)
{
	static const char get[] =
		"GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nAuthorization: Bearer %s\r\n\r\n";
	char request[512], text[8192];
	int reader, operator;

	begin((struct api_config){0});
	reader = connect_tcp();
	operator = connect_tcp();
	snprintf(request, sizeof(request), get, READ);
	client_raw(reader, request, strlen(request), text, sizeof(text), 500);
	CHECK_CONTAINS(text, "text/event-stream");
	snprintf(request, sizeof(request), get, OPERATE);
	client_raw(operator, request, strlen(request), text, sizeof(text), 500);
	CHECK_CONTAINS(text, "text/event-stream");
	set_tokens(false);
	CHECK(ends(reader));
	/* The other goes on. */
	CHECK_INT(send(operator, "", 0, MSG_NOSIGNAL), 0);
	CHECK(recv(operator, text, sizeof(text), MSG_DONTWAIT) != 0);
	close(reader);
	close(operator);
	stop();
}

/* The status of the last request on one connection to the socket by user nobody, or 299 where he
 * cannot be him. */
static int ask_as_nobody(const char *request)
{
	const char *last = answer;
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		int fd, code = 0;

		if (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
			_exit(99);
		fd = client_connect(socket_path);
		client_raw(fd, request, strlen(request), answer, sizeof(answer), 20000);
		for (const char *next = answer; (next = strstr(next, "HTTP/1.1 ")); next++)
			last = next;
		_exit(sscanf(last, "HTTP/1.1 %d", &code) == 1 && code >= 200 ? code - 200 : 98);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status) + 200;
}

TEST(whom_polkit_lets_goes_on_with_his_body_and_the_others_are_denied)
{
	static const char body[] =
		"PUT /v1/mode HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %s\r\n\r\n%s";
	char request[512];

	if (geteuid() != 0)
		TEST_SKIP("needs root, to ask as another user");
	begin((struct api_config){0});
	snprintf(request, sizeof(request), body, "18", "{\"mode\":\"enforce\"}");
	CHECK_INT(ask_as_nobody(request), 403);
	CHECK_INT(fake->n_authorize, 1);
	CHECK_INT(fake->n_ops, 0);
	CHECK_INT(fake->authorize.uid, 65534);
	CHECK_INT(fake->authorize.role, API_ROLE_OPERATE);
	CHECK(fake->authorize.pid > 0 && fake->authorize.start_ticks > 0);
	fake->polkit_grants = API_ROLE_OPERATE;
	CHECK_INT(ask_as_nobody(request), 200);
	CHECK_INT(fake->n_ops, 1);
	CHECK_STR(fake->last_by, "uid 65534 (nobody)");
	/* What is granted is no licence for nonsense. */
	snprintf(request, sizeof(request), body, "18", "{\"mood\":\"enforce\"}");
	CHECK_INT(ask_as_nobody(request), 422);
	/* A main loop that does not turn grants nothing. */
	fake_daemon_freeze(fake, true);
	snprintf(request, sizeof(request), body, "18", "{\"mode\":\"enforce\"}");
	CHECK_INT(ask_as_nobody(request), 403);
	fake_daemon_freeze(fake, false);
	CHECK_INT(fake->n_ops, 1);
	stop();
}

TEST(what_polkit_grants_to_a_process_is_no_tokens_that_it_shows)
{
	static const char reload[] = "POST /v1/reload HTTP/1.1\r\nHost: x\r\n%s\r\n";
	char request[512];
	int n;

	if (geteuid() != 0)
		TEST_SKIP("needs root, to ask as another user");
	begin((struct api_config){0});
	fake->polkit_grants = API_ROLE_ADMIN;
	n = snprintf(request, sizeof(request), reload, "");
	snprintf(request + n, sizeof(request) - (size_t)n, reload, "Connection: close\r\n");
	CHECK_INT(ask_as_nobody(request), 200);
	CHECK_INT(fake->n_authorize, 1); /* for both */
	CHECK_INT(fake->n_ops, 2);
	snprintf(request + n, sizeof(request) - (size_t)n, reload,
		"Authorization: Bearer " READ "\r\nConnection: close\r\n");
	CHECK_INT(ask_as_nobody(request), 403);
	CHECK_INT(fake->n_ops, 3);
	stop();
}

TEST(polkit_is_asked_about_users_of_the_socket_alone)
{
	begin((struct api_config){0});
	fake->polkit_grants = API_ROLE_ADMIN;
	CHECK_INT(exchange("POST", "/v1/reload", "Authorization: Bearer " READ "\r\n", ""), 403);
	CHECK_INT(fake->n_authorize, 0);
	CHECK_INT(get_with("/v1/guests", NULL), 401);
	CHECK_INT(fake->n_authorize, 0);
	stop();
}

API_TEST_MAIN()
