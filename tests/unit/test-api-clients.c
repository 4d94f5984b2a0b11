/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real HTTP server on a real socket: clients that are wrong, slow, many, gone, or not
 * allowed. */
#include <grp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "daemon/api/internal.h"
#include "tests/fixture/api-test.h"

TEST(what_is_no_json_by_its_own_word_is_refused)
{
	start(NULL);
	{
		static const char body[] = "{\"mode\":\"enforce\"}";
		_cleanup_reply_ struct reply form = {0}, none = {0}, like = {0}, charset = {0},
					     get = {0};

		client_request(socket_path, "PUT", "/v1/mode", body,
			"Content-Type: application/x-www-form-urlencoded", &form);
		CHECK_PROBLEM(form, API_PROBLEM_MEDIA_TYPE);
		client_request(socket_path, "PUT", "/v1/mode", body, "Content-Type:", &none);
		CHECK_PROBLEM(none, API_PROBLEM_MEDIA_TYPE);
		client_request(socket_path, "PUT", "/v1/mode", body,
			"Content-Type: application/jsonp", &like);
		CHECK_PROBLEM(like, API_PROBLEM_MEDIA_TYPE);
		client_request(socket_path, "PUT", "/v1/mode", body,
			"Content-Type: Application/JSON; charset=utf-8", &charset);
		CHECK_INT(charset.status, 200);
		client_request(socket_path, "GET", "/v1/mode", "{}", NULL, &get);
		CHECK_PROBLEM(get, API_PROBLEM_BODY_MALFORMED);
	}
	stop();
}

TEST(wrong_paths_methods_and_parameters)
{
	start(NULL);
	{
		_cleanup_reply_ struct reply path = ask("GET", "/v2/guests", NULL);
		_cleanup_reply_ struct reply root = ask("GET", "/nothing", NULL);
		_cleanup_reply_ struct reply method = ask("DELETE", "/v1/mode", NULL);
		_cleanup_reply_ struct reply odd = ask("BREW", "/v1/mode", NULL);
		_cleanup_reply_ struct reply param = ask("GET", "/v1/plan?limit=3", NULL);
		_cleanup_reply_ struct reply twice = ask("GET", "/v1/events?limit=3&limit=4", NULL);
		_cleanup_reply_ struct reply nul = ask("GET", "/v1/guests/web1%00x", NULL);
		_cleanup_reply_ struct reply broken = ask("GET", "/v1/guests/web1%zz", NULL);

		CHECK_PROBLEM(path, API_PROBLEM_ROUTE_UNKNOWN);
		CHECK_AT(path, "/instance", "/v2/guests");
		CHECK_PROBLEM(root, API_PROBLEM_ROUTE_UNKNOWN);
		CHECK_PROBLEM(method, API_PROBLEM_METHOD_NOT_ALLOWED);
		CHECK_STR(method.allow, "GET, PUT");
		CHECK_PROBLEM(odd, API_PROBLEM_METHOD_NOT_ALLOWED);
		CHECK_PROBLEM(param, API_PROBLEM_QUERY_INVALID);
		CHECK_AT(param, "/parameter", "limit");
		CHECK_PROBLEM(twice, API_PROBLEM_QUERY_INVALID);
		CHECK_PROBLEM(nul, API_PROBLEM_GUEST_UNKNOWN);
		CHECK_PROBLEM(broken, API_PROBLEM_GUEST_UNKNOWN);
	}
	stop();
}

static int slow_looks;

static ssize_t slow_look(void *userdata, const char *word, struct view_input *ret)
{
	slow_looks++;
	usleep(600);
	return -ENOENT;
}

TEST(a_turn_of_the_loop_runs_slow_commands_for_a_millisecond_only)
{
	const struct api_ops slow = {.look_guest = slow_look};
	char value[ROUTE_VALUE_MAX];
	struct problem p = {0};
	const struct route *r = route_find("GET", "/v1/guests/web1/explain", value, &p);
	struct api a = {.config.ops = &slow, .queue = api_queue_new()};

	CHECK(r && a.queue);
	for (int i = 0; i < 10; i++) {
		struct api_call *c = api_call_new(a.queue, r);

		CHECK(c && api_call_submit(c, (struct request *)&a) == 0);
		CHECK(api_call_abandon(c, NULL));
	}
	api_dispatch(&a);
	CHECK(slow_looks >= 1 && slow_looks <= 2);
	/* The loop is told that there are more. */
	CHECK_INT(poll(&(struct pollfd){.fd = api_fd(&a), .events = POLLIN}, 1, 0), 1);
	for (int i = 0; i < 10; i++)
		api_dispatch(&a);
	CHECK_INT(slow_looks, 10);
	api_queue_unref(a.queue);
}

TEST(a_command_that_takes_too_long_goes_on_and_says_so)
{
	struct api_config c = {
		.deadline_usec = 200 * USEC_PER_MSEC, .access = {.admin_gid = GROUP_ADMIN}};

	start(&c);
	fake_daemon_hold(fake, true);
	{
		_cleanup_reply_ struct reply late = ask("PUT", "/v1/pause", "{\"for_s\":1}");
		_cleanup_reply_ struct reply operation = ask("POST", "/v1/reload", NULL);
		_cleanup_reply_ struct reply other = ask("GET", "/v1/guests", NULL);

		CHECK_PROBLEM(late, API_PROBLEM_TIMEOUT);
		/* What may take long becomes an operation then. */
		CHECK_INT(operation.status, 202);
		CHECK_AT(operation, "/state", "running");
		CHECK_INT(other.status, 200);
	}
	pthread_mutex_lock(&fake->lock);
	CHECK_INT(fake->n_held, 2);
	CHECK(api_call_is_late(fake->held[0]));
	CHECK(api_call_is_late(fake->held[1]));
	pthread_mutex_unlock(&fake->lock);
	fake_daemon_release(fake);
	{
		_cleanup_reply_ struct reply next = ask("POST", "/v1/reload", NULL);

		CHECK_INT(next.status, 200);
	}
	stop();
}

static struct reply pause_with_key(const char *key)
{
	struct reply r;
	char header[64];

	snprintf(header, sizeof(header), "Idempotency-Key: %s", key);
	client_request(socket_path, "PUT", "/v1/pause", "{\"for_s\":1}", header, &r);
	return r;
}

/* The answer is on its way from another thread. */
static struct reply pause_until_answered(const char *key)
{
	struct reply r = {0};

	for (int i = 0; i < 200; i++) {
		reply_clear(&r);
		r = pause_with_key(key);
		if (r.status != 409)
			break;
		usleep(10000);
	}
	return r;
}

TEST(a_request_with_a_key_that_took_too_long_is_answered_when_it_ends)
{
	struct api_config c = {
		.deadline_usec = 200 * USEC_PER_MSEC, .access = {.admin_gid = GROUP_ADMIN}};

	start(&c);
	fake_daemon_hold(fake, true);
	{
		_cleanup_reply_ struct reply late = pause_with_key("k1"),
					     under_way = pause_with_key("k1");

		CHECK_PROBLEM(late, API_PROBLEM_TIMEOUT);
		CHECK_PROBLEM(under_way, API_PROBLEM_CONFLICT);
	}
	fake_daemon_release(fake);
	{
		_cleanup_reply_ struct reply ended = pause_until_answered("k1");

		/* The outcome of the first: it was not done once more. */
		CHECK_INT(ended.status, 200);
		CHECK(json_is_true(json_at(ended.json, "/held")));
	}
	/* A main loop that has not even seen it. */
	fake_daemon_freeze(fake, true);
	{
		_cleanup_reply_ struct reply late = pause_with_key("k2");

		CHECK_PROBLEM(late, API_PROBLEM_TIMEOUT);
	}
	fake_daemon_freeze(fake, false);
	{
		_cleanup_reply_ struct reply ended = pause_until_answered("k2");

		CHECK_INT(ended.status, 200);
		CHECK(json_is_true(json_at(ended.json, "/paused")));
	}
	CHECK_INT((int)fake->n_ops, 2);
	/* And one whose answer comes when nobody takes it any more. */
	fake_daemon_hold(fake, true);
	{
		_cleanup_reply_ struct reply late = pause_with_key("k3");

		CHECK_PROBLEM(late, API_PROBLEM_TIMEOUT);
	}
	stop();
}

TEST(who_prefers_it_does_not_wait)
{
	start(NULL);
	{
		struct reply held, quick;

		fake_daemon_hold(fake, true);
		client_request(socket_path, "POST", "/v1/reload", NULL,
			"Prefer: respond-async, wait=5", &held);
		fake_daemon_release(fake);
		client_request(
			socket_path, "POST", "/v1/reload", NULL, "Prefer: respond-async", &quick);
		CHECK_INT(held.status, 202);
		/* What is done at once is answered at once. */
		CHECK_INT(quick.status, 200);
		CHECK_INT(json_integer_value(json_at(quick.json, "/policies")), 3);
		reply_clear(&held);
		reply_clear(&quick);
	}
	/* An acknowledgement that the end comes before, and one whose work never ends. */
	fake_daemon_hold(fake, true);
	fake_daemon_freeze(fake, true);
	stop();
}

struct exchange {
	const char *method, *path, *body;
	struct reply reply;
	pthread_t thread;
};

static void *exchange(void *arg)
{
	struct exchange *e = arg;

	client_request(socket_path, e->method, e->path, e->body, NULL, &e->reply);
	return NULL;
}

static void wait_held(unsigned n)
{
	for (;;) {
		unsigned held;

		pthread_mutex_lock(&fake->lock);
		held = fake->n_held;
		pthread_mutex_unlock(&fake->lock);
		if (held >= n)
			return;
		poll(NULL, 0, 1);
	}
}

TEST(a_late_answer_of_the_main_loop_reaches_who_waits)
{
	struct exchange e[3];

	start(NULL);
	fake_daemon_hold(fake, true);
	for (size_t i = 0; i < ARRAY_SIZE(e); i++) {
		e[i] = (struct exchange){"POST", "/v1/reload", NULL, {0}, 0};
		CHECK_INT(pthread_create(&e[i].thread, NULL, exchange, &e[i]), 0);
	}
	wait_held(ARRAY_SIZE(e));
	fake_daemon_release(fake);
	for (size_t i = 0; i < ARRAY_SIZE(e); i++) {
		pthread_join(e[i].thread, NULL);
		CHECK_INT(e[i].reply.status, 200);
		CHECK(json_is_true(json_at(e[i].reply.json, "/held")));
		reply_clear(&e[i].reply);
	}
	stop();
}

TEST(stopping_answers_those_who_wait)
{
	struct exchange e = {"POST", "/v1/reload", NULL, {0}, 0};

	start(NULL);
	fake_daemon_hold(fake, true);
	CHECK_INT(pthread_create(&e.thread, NULL, exchange, &e), 0);
	wait_held(1);
	stop(); /* answers the held call after the api is gone */
	pthread_join(e.thread, NULL);
	CHECK_PROBLEM(e.reply, API_PROBLEM_STOPPING);
	reply_clear(&e.reply);
}

TEST(a_client_that_leaves_does_no_harm)
{
	char buf[64];
	int fd;

	start(NULL);
	fake_daemon_hold(fake, true);
	fd = client_connect(socket_path);
	CHECK(fd >= 0);
	client_raw(fd, "POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 57, buf,
		sizeof(buf), 0);
	wait_held(1);
	close(fd);
	fake_daemon_release(fake);
	{
		_cleanup_reply_ struct reply r = ask("POST", "/v1/reload", NULL);

		CHECK_INT(r.status, 200);
	}
	stop();
}

#define CLIENTS 8
#define REQUESTS 150

struct hammer {
	pthread_t thread;
	unsigned seed;
	int bad;
};

static void *hammer(void *arg)
{
	static const struct {
		const char *method, *path, *body;
		long status;
	} kinds[] = {
		{"GET", "/v1/guests", NULL, 200},
		{"GET", "/v1/guests/web1", NULL, 200},
		{"GET", "/v1/guests/nobody", NULL, 404},
		{"GET", "/v1/guests/backup1/policy", NULL, 200},
		{"GET", "/v1/guests/web1/explain", NULL, 200},
		{"GET", "/v1/events?limit=3", NULL, 200},
		{"GET", "/v1/hosts/self", NULL, 200},
		{"PUT", "/v1/mode", "{\"mode\":\"enforce\"}", 200},
		{"PUT", "/v1/mode", "{\"mode\":\"enforc\"}", 422},
		{"POST", "/v1/reload", NULL, 200},
		{"GET", "/healthz", NULL, 200},
	};
	struct hammer *h = arg;

	for (int i = 0; i < REQUESTS; i++) {
		size_t k = (size_t)rand_r(&h->seed) % ARRAY_SIZE(kinds);
		_cleanup_reply_ struct reply r = ask(kinds[k].method, kinds[k].path, kinds[k].body);

		if (r.status != kinds[k].status || !r.json) {
			printf("# %s %s: %ld\n", kinds[k].method, kinds[k].path, r.status);
			h->bad++;
		}
	}
	return NULL;
}

TEST(many_clients_at_once_all_get_their_answers)
{
	struct hammer h[CLIENTS];
	int bad = 0;

	start(NULL);
	for (unsigned i = 0; i < CLIENTS; i++) {
		h[i] = (struct hammer){.seed = i + 1};
		CHECK_INT(pthread_create(&h[i].thread, NULL, hammer, &h[i]), 0);
	}
	for (unsigned i = 0; i < CLIENTS; i++) {
		pthread_join(h[i].thread, NULL);
		bad += h[i].bad;
	}
	CHECK_INT(bad, 0);
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

TEST(a_request_that_trickles_in_is_cut_off_and_others_are_served)
{
	struct api_config c = {
		.request_usec = 300 * USEC_PER_MSEC, .access = {.admin_gid = GROUP_ADMIN}};
	static const char begin[] =
		"PUT /v1/mode HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
		"Content-Length: 30\r\n\r\n{";
	char buf[64];
	int fds[20];

	start(&c);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = client_connect(socket_path);
		CHECK(fds[i] >= 0);
		client_raw(fds[i], begin, sizeof(begin) - 1, buf, sizeof(buf), 0);
	}
	{
		_cleanup_reply_ struct reply r = ask("GET", "/v1/guests", NULL);

		CHECK_INT(r.status, 200);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		CHECK(ends(fds[i]));
		close(fds[i]);
	}
	stop();
}

TEST(headers_that_never_end_are_cut_off)
{
	struct api_config c = {
		.request_usec = 300 * USEC_PER_MSEC, .access = {.admin_gid = GROUP_ADMIN}};
	static const char begin[] = "GET /v1/mode HTTP/1.1\r\nHost: x\r\nX: ";
	char buf[64];
	int fd;

	start(&c);
	fd = client_connect(socket_path);
	client_raw(fd, begin, sizeof(begin) - 1, buf, sizeof(buf), 0);
	/* A byte now and then renews the library's idle time-out, not the deadline. */
	for (int i = 0; i < 2000; i++)
		if (client_raw(fd, "x", 1, buf, sizeof(buf), 10) ||
			send(fd, "x", 1, MSG_NOSIGNAL) < 0)
			break;
	CHECK(ends(fd));
	close(fd);
	stop();
}

TEST(endless_bodies_and_headers_are_bounded)
{
	static const char chunked[] =
		"PUT /v1/mode HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
		"Transfer-Encoding: chunked\r\n\r\n";
	static char chunk[4200], header[40000], answer[4096];
	int fd;

	start(NULL);
	snprintf(chunk, sizeof(chunk), "1000\r\n");
	memset(chunk + 6, ' ', 4096);
	memcpy(chunk + 6 + 4096, "\r\n", 2);
	fd = client_connect(socket_path);
	client_raw(fd, chunked, sizeof(chunked) - 1, answer, sizeof(answer), 0);
	for (int i = 0; i < 20; i++)
		client_raw(fd, chunk, 6 + 4096 + 2, answer, sizeof(answer), 0);
	client_raw(fd, "0\r\n\r\n", 5, answer, sizeof(answer), 2000);
	CHECK_CONTAINS(answer, "413");
	CHECK_CONTAINS(answer, "body-too-large");
	close(fd);

	memset(header, 'x', sizeof(header));
	memcpy(header, "GET /v1/mode HTTP/1.1\r\nHost: x\r\nX-Long: ", 41);
	fd = client_connect(socket_path);
	client_raw(fd, header, sizeof(header), answer, sizeof(answer), 2000);
	CHECK_CONTAINS(answer, "HTTP/1.1 4");
	close(fd);

	/* More parameters than its memory holds: the line goes dead, and nothing may stay behind
	 * (the sanitizer looks). */
	strcpy(header, "GET /v1/events?");
	for (int i = 0; i < 1000; i++)
		strcat(header, "p=&");
	strcat(header, " HTTP/1.1\r\nHost: x\r\n\r\n");
	fd = client_connect(socket_path);
	client_raw(fd, header, strlen(header), answer, sizeof(answer), 2000);
	CHECK(!strstr(answer, "HTTP/1.1 2"));
	close(fd);
	{
		_cleanup_reply_ struct reply r = ask("GET", "/v1/mode", NULL);

		CHECK_INT(r.status, 200);
	}
	stop();
}

TEST(what_is_no_http_is_dropped)
{
	static const char *const bytes[] = {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"\r\n\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
		"GET /v1/mode HTTP/1.1\r\nContent-Length: -5\r\n\r\n"};
	char answer[4096];

	start(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
		int fd = client_connect(socket_path);

		client_raw(fd, bytes[i], strlen(bytes[i]), answer, sizeof(answer), 50);
		close(fd);
	}
	{
		_cleanup_reply_ struct reply r = ask("GET", "/v1/mode", NULL);

		CHECK_INT(r.status, 200);
	}
	stop();
}

TEST(more_connections_than_allowed_wait_their_turn)
{
	struct api_config c = {.max_connections = 16, .access = {.admin_gid = GROUP_ADMIN}};
	static const char get[] = "GET /v1/mode HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	char answer[4096];
	int fds[40];

	start(&c);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = client_connect(socket_path);
		CHECK(fds[i] >= 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		client_raw(fds[i], get, sizeof(get) - 1, answer, sizeof(answer), 20000);
		CHECK_CONTAINS(answer, "200 OK");
		close(fds[i]);
	}
	stop();
}

/* Runs fn in a process of another user and group; its exit status is the answer, -1 for none. */
static int as_user(uid_t uid, gid_t gid, int (*fn)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (setgroups(0, NULL) < 0 || setgid(gid) < 0 || setuid(uid) < 0)
			_exit(99);
		_exit(fn());
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static const struct route *asked_route;

/* The status of a request to asked_route, by raw bytes (no library state is shared with the
 * parent), less 200. */
static int ask_route(void)
{
	const char *body =
		asked_route->body ? "{\"mode\":\"enforce\",\"memory\":{\"min\":1048576}}" : "";
	char path[256], request[1024], answer[4096];
	const char *p = asked_route->path;
	size_t n = 0;
	int fd = client_connect(socket_path), status = 0;

	for (; *p && n < sizeof(path) - 8; p++) {
		if (*p != '{') {
			path[n++] = *p;
			continue;
		}
		n += (size_t)snprintf(
			path + n, 8, "%s", asked_route->noun == NOUN_GUEST ? "web1" : "self");
		p += strcspn(p, "}");
	}
	path[n] = '\0';
	snprintf(request, sizeof(request),
		"%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: "
		"application/json\r\n"
		"Content-Length: %zu\r\n\r\n%s",
		asked_route->method, path, strlen(body), body);
	if (fd < 0)
		return 98;
	client_raw(fd, request, strlen(request), answer, sizeof(answer), 20000);
	if (sscanf(answer, "HTTP/1.1 %d", &status) != 1)
		return 97;
	return status == 403 ? 3 : 0;
}

TEST(each_role_may_what_its_routes_say_and_no_more)
{
	static const struct {
		gid_t gid;
		enum api_role role;
	} who[] = {{65534, API_ROLE_NONE}, {GROUP_READ, API_ROLE_READ},
		{GROUP_OPERATE, API_ROLE_OPERATE}, {GROUP_ADMIN, API_ROLE_ADMIN}};

	if (geteuid() != 0)
		TEST_SKIP("needs root, to ask as other users");
	start(NULL);
	for (size_t w = 0; w < ARRAY_SIZE(who); w++)
		for (size_t i = 0; i < n_routes; i++) {
			int denied;

			asked_route = &routes[i];
			denied = as_user(65534, who[w].gid, ask_route);
			if (denied != (who[w].role >= routes[i].role ? 0 : 3))
				TEST_FAIL("role %s on %s: %d", api_role_to_string(who[w].role),
					routes[i].name, denied);
		}
	stop();
}

static int ask_mode(void)
{
	for (size_t i = 0; i < n_routes; i++)
		if (streq(routes[i].name, "mode"))
			asked_route = &routes[i];
	return ask_route();
}

TEST(others_get_a_role_only_when_configured)
{
	struct api_config c = {.access = {.admin_gid = GROUP_ADMIN,
				       .operate_gid = (gid_t)-1,
				       .read_gid = (gid_t)-1,
				       .others = API_ROLE_READ}};

	if (geteuid() != 0)
		TEST_SKIP("needs root, to ask as other users");
	start(&c);
	CHECK_INT(as_user(65534, 65534, ask_mode), 0);
	stop();
}

/* One user's idle connections; 0 when a quarter was kept and the rest refused. */
static int hoard(void)
{
	static const char get[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
	int kept = 0, refused = 0;

	for (int i = 0; i < 12; i++) {
		int fd = client_connect(socket_path);
		struct pollfd p = {.fd = fd, .events = POLLIN};
		char answer[1024] = "";

		/* One that is refused at once may find nobody to send to, but has its answer. */
		if (fd < 0 ||
			(send(fd, get, sizeof(get) - 1, MSG_NOSIGNAL) < 0 && errno != EPIPE) ||
			poll(&p, 1, 20000) <= 0 || read(fd, answer, sizeof(answer) - 1) <= 0)
			return 10;
		if (strstr(answer, "200 OK"))
			kept++;
		else if (strstr(answer, "503"))
			refused++;
	}
	return kept == 8 && refused == 4 ? 0 : 11;
}

TEST(one_user_cannot_take_all_connections)
{
	struct api_config c = {
		.max_connections = 32, .max_per_client = 8, .access = {.admin_gid = GROUP_ADMIN}};

	if (geteuid() != 0)
		TEST_SKIP("needs root, to ask as other users");
	start(&c);
	CHECK_INT(as_user(65534, 65534, hoard), 0);
	stop();
}

API_TEST_MAIN()
