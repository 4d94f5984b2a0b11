/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "cli/client.h"

#include <ctype.h>
#include <curl/curl.h>
#include <grp.h>
#include <sys/stat.h>

#include "cli/endpoint.h"
#include "cli/exit-code.h"
#include "cli/get.h"
#include "cli/operation.h"
#include "cli/sse.h"
#include "cli/watch.h"

/* Longer than any deadline of the daemon (a reservation may wait 60 s, nothing of ours does). */
#define TIMEOUT_SEC 30
/* No answer of a sane daemon is larger: 10000 guests are 12 MB. */
#define ANSWER_MAX_BYTES (64 * MIB)

/* One exchange. */
struct exchange {
	char *text;
	size_t len;
	long status;
	CURLcode failed;
	long os_errno;
	long retry_after; /* seconds; 0: not said */
	char tag[CLIENT_TAG_MAX];
	char error[CURL_ERROR_SIZE];
};

char *client_path(const char *format, const char *word, char buf[static CLIENT_PATH_MAX])
{
	char *escaped = curl_easy_escape(NULL, word, 0);
	const char *at = strstr(format, "%s");

	snprintf(buf, CLIENT_PATH_MAX, "%.*s%s%s", (int)(at - format), format,
		escaped ? escaped : "", at + 2);
	curl_free(escaped);
	return buf;
}

static size_t take(char *data, size_t size, size_t n, void *userdata)
{
	struct exchange *x = userdata;
	char *grown;

	if (x->len + n * size > ANSWER_MAX_BYTES)
		return 0;
	grown = realloc(x->text, x->len + n * size + 1);
	if (!grown)
		return 0;
	memcpy(grown + x->len, data, n * size);
	x->text = grown;
	x->len += n * size;
	x->text[x->len] = '\0';
	return n * size;
}

static long timeout_sec(const struct cli *c)
{
	return c->timeout_sec ? c->timeout_sec : TIMEOUT_SEC;
}

/* The value of a header line, without the blanks around it; NULL where it is another one. */
static bool header_is(const char *line, size_t n, const char *name, char *buf, size_t size)
{
	size_t k = strlen(name);

	if (n <= k || strncasecmp(line, name, k) != 0 || line[k] != ':')
		return false;
	line += k + 1;
	n -= k + 1;
	while (n && isspace((unsigned char)*line)) {
		line++;
		n--;
	}
	while (n && isspace((unsigned char)line[n - 1]))
		n--;
	snprintf(buf, size, "%.*s", (int)MIN(n, size - 1), line);
	return true;
}

static size_t take_header(char *line, size_t size, size_t n, void *userdata)
{
	struct exchange *x = userdata;
	char text[32];

	header_is(line, n * size, "ETag", x->tag, sizeof(x->tag));
	if (header_is(line, n * size, "Retry-After", text, sizeof(text)))
		x->retry_after = strtol(text, NULL, 10);
	return n * size;
}

static void add_header(struct curl_slist **list, const char *name, const char *value)
{
	_cleanup_free_ char *line = NULL;
	struct curl_slist *grown;

	if (!value)
		return;
	if (asprintf(&line, "%s: %s", name, value) < 0 || !(grown = curl_slist_append(*list, line)))
		abort();
	*list = grown;
}

/* Who is asked, and who asks. What is in argv everybody on this host can read: a token comes from a
 * file alone. */
static void set_endpoint(CURL *curl, const struct endpoint *e, struct curl_slist **headers)
{
	_cleanup_free_ char *bearer = NULL;

	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	if (!e->remote) {
		curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, e->socket);
		return;
	}
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	if (e->ca)
		curl_easy_setopt(curl, CURLOPT_CAINFO, e->ca);
	if (e->cert) {
		curl_easy_setopt(curl, CURLOPT_SSLCERT, e->cert);
		curl_easy_setopt(curl, CURLOPT_SSLKEY, e->key);
	}
	if (!e->token)
		return;
	if (asprintf(&bearer, "Bearer %s", e->token) < 0)
		abort();
	add_header(headers, "Authorization", bearer);
	explicit_bzero(bearer, strlen(bearer));
}

/* Ctrl-C while one waits. */
static int look_up(void *userdata, curl_off_t a, curl_off_t b, curl_off_t d, curl_off_t e)
{
	return watch_ended();
}

static void transfer(
	struct cli *c, struct endpoint *e, const struct client_ask *ask, struct exchange *x)
{
	struct curl_slist *headers = NULL;
	char url[CLIENT_PATH_MAX + 600];
	CURL *curl;

	*x = (struct exchange){.failed = CURLE_OUT_OF_MEMORY};
	curl = e->curl = e->curl ? e->curl : curl_easy_init();
	if (!curl)
		return;
	curl_easy_reset(curl); /* the connection stays */
	snprintf(url, sizeof(url), "%s%s", e->remote ? e->url : "http://localhost", ask->path);
	set_endpoint(curl, e, &headers);
	add_header(&headers, "Content-Type",
		ask->body ? ask->type ? ask->type : "application/json" : NULL);
	add_header(&headers, "If-Match", ask->if_match);
	add_header(&headers, "If-None-Match", ask->if_none_match);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, ask->method);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
		c->timeout_msec ? c->timeout_msec : timeout_sec(c) * 1000);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "ballastctl/" PACKAGE_VERSION);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, x->error);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_up);
	if (ask->body)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, ask->body);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	x->failed = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &x->status);
	curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &x->os_errno);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(headers);
}

/* Name of the group that the socket belongs to. */
static const char *socket_group(const char *path)
{
	struct stat st;
	struct group *g = stat(path, &st) == 0 ? getgrgid(st.st_gid) : NULL;

	return g ? g->gr_name : "ballast";
}

static int say_timeout(struct cli *c, const struct endpoint *e, bool changes)
{
	const char *remote = e->remote ? " there" : "";

	if (changes)
		return cli_fail(c, CLI_RUNNING_ON,
			"ballastd has not answered in %ld s; what was asked may still be going on: see ballastctl events",
			timeout_sec(c));
	return cli_fail(c, CLI_UNREACHABLE,
		"ballastd has not answered in %ld s: see systemctl status ballastd%s",
		timeout_sec(c), remote);
}

static int say_socket(struct cli *c, const struct endpoint *e, const struct exchange *x)
{
	const char *path = e->socket;

	if (x->failed == CURLE_COULDNT_CONNECT && x->os_errno == EACCES)
		return cli_fail(c, CLI_DENIED,
			"you may not open %s: join the group \"%s\" (as root: adduser NAME %s) and log in again, or ask as root",
			path, socket_group(path), socket_group(path));
	if (x->failed == CURLE_COULDNT_CONNECT)
		return cli_fail(c, CLI_UNREACHABLE,
			"ballastd does not answer at %s (%s): see systemctl status ballastd", path,
			x->os_errno ? strerror((int)x->os_errno) : "cannot connect");
	return cli_fail(c, CLI_UNREACHABLE, "no answer from ballastd at %s: %s", path,
		curl_easy_strerror(x->failed));
}

static int say_remote(struct cli *c, const struct endpoint *e, const struct exchange *x)
{
	const char *why = x->error[0] ? x->error : curl_easy_strerror(x->failed);

	switch (x->failed) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return cli_fail(c, CLI_UNREACHABLE,
			"%s: no such host is known: look at the name, or give its address", e->url);
	case CURLE_COULDNT_CONNECT:
		return cli_fail(c, CLI_UNREACHABLE,
			"ballastd does not answer at %s (%s): on that host see systemctl status ballastd, and [API] Listen= in ballast.conf(5)",
			e->url, x->os_errno ? strerror((int)x->os_errno) : why);
	case CURLE_PEER_FAILED_VERIFICATION:
		return cli_fail(c, CLI_UNREACHABLE,
			"%s is not trusted (%s): nothing was sent; name the authority that signed its certificate with --ca=FILE, and the host as the certificate does",
			e->url, why);
	case CURLE_SSL_CACERT_BADFILE:
		return cli_fail(
			c, CLI_NOT_FOUND, "--ca=%s cannot be read: %s", e->ca ? e->ca : "?", why);
	case CURLE_SSL_CERTPROBLEM:
		return cli_fail(c, CLI_NOT_FOUND, "--cert=%s or --key=%s cannot be used: %s",
			e->cert ? e->cert : "?", e->key ? e->key : "?", why);
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return cli_fail(c, CLI_UNREACHABLE,
			"%s ended the connection (%s): it may want a certificate (--cert=FILE --key=FILE) that its authority signed, or speak no TLS",
			e->url, why);
	default:
		return cli_fail(
			c, CLI_UNREACHABLE, "no answer from ballastd at %s: %s", e->url, why);
	}
}

static int say_unreachable(
	struct cli *c, const struct endpoint *e, const struct exchange *x, bool changes)
{
	if (x->failed == CURLE_ABORTED_BY_CALLBACK)
		return changes ? cli_fail(c, CLI_RUNNING_ON,
					 "stopped waiting; ballastd goes on with what was asked: see ballastctl events")
			       : cli_fail(c, CLI_FAILED, "stopped waiting; nothing was changed");
	if (x->failed == CURLE_WRITE_ERROR)
		return cli_fail(c, CLI_FAILED,
			"what answers at %s is not ballastd: more than %llu MiB", endpoint_name(e),
			(unsigned long long)(ANSWER_MAX_BYTES / MIB));
	if (x->failed == CURLE_OPERATION_TIMEDOUT)
		return say_timeout(c, e, changes);
	return e->remote ? say_remote(c, e, x) : say_socket(c, e, x);
}

static void say_findings(const json_t *problem)
{
	const json_t *f;
	size_t i;

	json_array_foreach (get_at(problem, "/findings"), i, f) {
		uint64_t line = get_number(f, "/line", 0), column = get_number(f, "/column", 0);

		/* A directory has no lines. */
		fputs(get_string(f, "/file", "?"), stderr);
		if (line)
			fprintf(stderr, ":%llu", (unsigned long long)line);
		if (line && column)
			fprintf(stderr, ":%llu", (unsigned long long)column);
		fprintf(stderr, ": %s\n", get_string(f, "/text", ""));
	}
}

/* Kinds of events, where the one that was asked for is none. */
static void say_kinds(const struct cli *c, const json_t *problem)
{
	const struct term term = {.columns = c->term.columns};
	char text[2048] = "Kinds:";
	const json_t *kind;
	size_t i;

	json_array_foreach (get_at(problem, "/kinds"), i, kind)
		if (json_is_string(kind))
			snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s",
				json_string_value(kind));
	if (i)
		term_print_wrapped(&term, stderr, text, 0, 2);
}

/* The option that a place in a body came from: "/memory/headroom_permyriad" is --headroom. Returns
 * buf. */
static char *option_of(const char *pointer, char buf[static 64])
{
	static const char *const units[] = {"_permyriad", "_s"};
	size_t len;

	if (strncmp(pointer, "/memory/", 8) == 0)
		pointer += 7;
	len = (size_t)snprintf(buf, 64, "--%s", pointer + (*pointer == '/'));
	for (char *at = buf; (at = strchr(at, '/'));)
		*at = '-';
	for (size_t i = 0; i < ARRAY_SIZE(units) && len < 64; i++)
		if (len > strlen(units[i]) && streq(buf + len - strlen(units[i]), units[i]))
			buf[len -= strlen(units[i])] = '\0';
	return buf;
}

/* Who typed options is told of options, not of places in the body that came of them. */
static const char *detail_of(const json_t *body, const char *code, char option[static 64])
{
	const char *pointer = get_string(body, "/pointer", ""),
		   *detail = get_string(body, "/detail", code);
	size_t len = strlen(pointer);

	option[0] = '\0';
	if (!len || strncmp(detail, pointer, len) != 0 || strncmp(detail + len, ": ", 2) != 0)
		return detail;
	option_of(pointer, option);
	return detail + len;
}

static int say_problem(struct cli *c, const struct exchange *x, const json_t *body)
{
	const char *code = get_string(body, "/code", NULL), *detail, *remedy;
	char option[64], retry[64] = "";

	if (!code) {
		remedy = exit_remedy("", x->status);
		return cli_fail(c, exit_of("", x->status), "ballastd answered with status %ld%s%s",
			x->status, remedy ? ": " : "", remedy ? remedy : "");
	}
	say_findings(body);
	say_kinds(c, body);
	/* With --json a program reads the problem as it is. */
	if (cli_has(c, OPT_JSON))
		cli_print_json(c, body);
	detail = detail_of(body, code, option);
	remedy = exit_remedy(code, x->status);
	/* The daemon's own words may have it already. */
	if (remedy && strstr(detail, remedy))
		remedy = NULL;
	if (x->retry_after > 0 && x->status != 401)
		snprintf(retry, sizeof(retry), " (it asks to wait %ld s)", x->retry_after);
	return cli_fail(c, exit_of(code, x->status), "%s%s%s%s%s", option, detail,
		remedy ? ": " : "", remedy ? remedy : "", retry);
}

void client_answer_clear(struct client_answer *a)
{
	json_decref(a->body);
	*a = (struct client_answer){0};
}

/* Judges an exchange. */
static int judge(struct cli *c, const struct endpoint *e, const struct client_ask *ask,
	struct exchange *x, struct client_answer *ret)
{
	bool changes = !streq(ask->method, "GET") && !ask->asks;

	ret->status = x->status;
	memcpy(ret->tag, x->tag, sizeof(ret->tag));
	if (x->failed != CURLE_OK) {
		ret->status = 0;
		snprintf(ret->problem, sizeof(ret->problem), "unreachable");
		return ask->quiet ? (int)CLI_UNREACHABLE : say_unreachable(c, e, x, changes);
	}
	if (x->len)
		ret->body = json_loadb(x->text, x->len, 0, NULL);
	/* A daemon's refusal has a body; what stands before one (a proxy) may answer as it
	 * likes. */
	if (x->len && !ret->body && x->status < 400) {
		snprintf(ret->problem, sizeof(ret->problem), "unreachable");
		return ask->quiet
			       ? (int)CLI_UNREACHABLE
			       : cli_fail(c, CLI_FAILED,
					 "what answers at %s is not ballastd: no JSON (status %ld)",
					 endpoint_name(e), x->status);
	}
	if (x->status < 400)
		return CLI_OK;
	snprintf(
		ret->problem, sizeof(ret->problem), "%s", get_string(ret->body, "/code", "failed"));
	return ask->quiet ? (int)exit_of(ret->problem, x->status) : say_problem(c, x, ret->body);
}

int client_ask(struct cli *c, const struct client_ask *ask, struct client_answer *ret)
{
	bool dry = !streq(ask->method, "GET") && !ask->asks && cli_has(c, OPT_DRY_RUN);
	struct client_ask a = *ask;
	char full[CLIENT_PATH_MAX + 32];
	struct endpoint *e;
	struct exchange x;
	int r;

	*ret = (struct client_answer){0};
	r = endpoint_get(c, &e);
	if (r != CLI_OK) {
		snprintf(ret->problem, sizeof(ret->problem), "unreachable");
		return r;
	}
	/* From here on Ctrl-C ends the waiting, and what was asked goes on: that is to be said. */
	if (!streq(ask->method, "GET") && !ask->asks)
		watch_begin();
	snprintf(full, sizeof(full), "%s%s", ask->path,
		dry ? strchr(ask->path, '?') ? "&dry_run=true" : "?dry_run=true" : "");
	a.path = full;
	transfer(c, e, &a, &x);
	r = judge(c, e, &a, &x, ret);
	free(x.text);
	if (r == CLI_OK && ret->status == 202)
		r = operation_wait(c, ret);
	return r;
}

int client_get(struct cli *c, const char *path, json_t **ret)
{
	_cleanup_answer_ struct client_answer answer = {0};
	int r = client_ask(c, &(struct client_ask){.method = "GET", .path = path}, &answer);

	*ret = r == CLI_OK ? TAKE_PTR(answer.body) : NULL;
	return r;
}

int client_send(struct cli *c, const char *method, const char *path, json_t *body, json_t **ret)
{
	_cleanup_free_ char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	_cleanup_answer_ struct client_answer answer = {0};
	int r;

	json_decref(body);
	r = client_ask(
		c, &(struct client_ask){.method = method, .path = path, .body = text}, &answer);
	*ret = r == CLI_OK ? TAKE_PTR(answer.body) : NULL;
	return r;
}

int client_try(struct cli *c, const char *path, json_t **ret, char ret_problem[static 64])
{
	_cleanup_answer_ struct client_answer answer = {0};
	int r = client_ask(
		c, &(struct client_ask){.method = "GET", .path = path, .quiet = true}, &answer);

	if (r == CLI_OK && !answer.body) {
		snprintf(answer.problem, sizeof(answer.problem), "unreachable");
		r = CLI_UNREACHABLE;
	}
	snprintf(ret_problem, 64, "%s", answer.problem);
	*ret = r == CLI_OK ? TAKE_PTR(answer.body) : NULL;
	return r;
}

/* ---- streams ---- */

/* The daemon says something every 15 s. */
#define SILENCE_SEC 45

struct streaming {
	CURL *curl;
	struct sse sse;
	struct exchange problem; /* of an answer that is no stream */
	client_event fn;
	void *userdata;
};

static size_t take_stream(char *data, size_t size, size_t n, void *userdata)
{
	struct streaming *s = userdata;

	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &s->problem.status);
	if (s->problem.status != 200)
		return take(data, size, n, &s->problem);
	return sse_feed(&s->sse, data, n * size, s->fn, s->userdata) < 0 ? 0 : n * size;
}

static void run_stream(struct cli *c, const struct endpoint *e, const char *path,
	const char *last_id, struct streaming *s)
{
	struct curl_slist *headers = NULL;
	char url[CLIENT_PATH_MAX + 600];

	snprintf(url, sizeof(url), "%s%s", e->remote ? e->url : "http://localhost", path);
	set_endpoint(s->curl, e, &headers);
	add_header(&headers, "Accept", "text/event-stream");
	add_header(&headers, "Last-Event-ID", *last_id ? last_id : NULL);
	curl_easy_setopt(s->curl, CURLOPT_URL, url);
	curl_easy_setopt(s->curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(s->curl, CURLOPT_CONNECTTIMEOUT, timeout_sec(c));
	curl_easy_setopt(s->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(s->curl, CURLOPT_LOW_SPEED_TIME, (long)SILENCE_SEC);
	curl_easy_setopt(s->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(s->curl, CURLOPT_USERAGENT, "ballastctl/" PACKAGE_VERSION);
	curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, take_stream);
	curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, s);
	curl_easy_setopt(s->curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(s->curl, CURLOPT_XFERINFOFUNCTION, look_up);
	curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, headers);
	s->problem.failed = curl_easy_perform(s->curl);
	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &s->problem.status);
	curl_slist_free_all(headers);
}

int client_stream(struct cli *c, const char *path, const char *last_id, client_event fn,
	void *userdata, char ret_problem[static 64])
{
	struct streaming s = {.fn = fn, .userdata = userdata};
	_cleanup_json_ json_t *body = NULL;
	struct endpoint *e = NULL;
	int r = endpoint_get(c, &e);

	snprintf(ret_problem, 64, "unreachable");
	if (r != CLI_OK)
		return r;
	s.curl = curl_easy_init();
	if (!s.curl)
		return CLI_FAILED;
	run_stream(c, e, path, last_id, &s);
	curl_easy_cleanup(s.curl);
	sse_clear(&s.sse);
	if (s.problem.len)
		body = json_loadb(s.problem.text, s.problem.len, 0, NULL);
	free(s.problem.text);
	if (s.problem.status == 200)
		return CLI_OK;
	snprintf(ret_problem, 64, "%s", get_string(body, "/code", "unreachable"));
	return s.problem.status ? (int)exit_of(ret_problem, s.problem.status) : CLI_UNREACHABLE;
}
