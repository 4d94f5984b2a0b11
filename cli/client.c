/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "cli/client.h"

#include <ctype.h>

#include "cli/client-private.h"
#include "cli/exit-code.h"
#include "cli/get.h"
#include "cli/operation.h"
#include "cli/watch.h"

char *client_path(const char *format, const char *word, char buf[static CLIENT_PATH_MAX])
{
	char *escaped = curl_easy_escape(NULL, word, 0);
	const char *at = strstr(format, "%s");

	snprintf(buf, CLIENT_PATH_MAX, "%.*s%s%s", (int)(at - format), format,
		escaped ? escaped : "", at + 2);
	curl_free(escaped);
	return buf;
}

size_t client_take(char *data, size_t size, size_t n, void *userdata)
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

long client_timeout_sec(const struct cli *c)
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

void client_add_header(struct curl_slist **list, const char *name, const char *value)
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
void client_set_endpoint(CURL *curl, const struct endpoint *e, struct curl_slist **headers)
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
	client_add_header(headers, "Authorization", bearer);
	explicit_bzero(bearer, strlen(bearer));
}

/* Ctrl-C while one waits. */
int client_look_up(void *userdata, curl_off_t a, curl_off_t b, curl_off_t d, curl_off_t e)
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
	client_set_endpoint(curl, e, &headers);
	client_add_header(&headers, "Content-Type",
		ask->body ? ask->type ? ask->type : "application/json" : NULL);
	client_add_header(&headers, "If-Match", ask->if_match);
	client_add_header(&headers, "If-None-Match", ask->if_none_match);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, ask->method);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
		c->timeout_msec ? c->timeout_msec : client_timeout_sec(c) * 1000);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "ballastctl/" PACKAGE_VERSION);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, client_take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, x->error);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, client_look_up);
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
		return ask->quiet ? (int)CLI_UNREACHABLE : client_say_unreachable(c, e, x, changes);
	}
	if (x->len)
		ret->body = get_json(x->text, x->len);
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
	return ask->quiet ? (int)exit_of(ret->problem, x->status)
			  : client_say_problem(c, x, ret->body);
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
