/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "cli/client-private.h"

#include "cli/exit-code.h"
#include "cli/get.h"
#include "cli/sse.h"

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
		return client_take(data, size, n, &s->problem);
	return sse_feed(&s->sse, data, n * size, s->fn, s->userdata) < 0 ? 0 : n * size;
}

static void run_stream(struct cli *c, const struct endpoint *e, const char *path,
	const char *last_id, struct streaming *s)
{
	struct curl_slist *headers = NULL;
	char url[CLIENT_PATH_MAX + 600];

	snprintf(url, sizeof(url), "%s%s", e->remote ? e->url : "http://localhost", path);
	client_set_endpoint(s->curl, e, &headers);
	client_add_header(&headers, "Accept", "text/event-stream");
	client_add_header(&headers, "Last-Event-ID", *last_id ? last_id : NULL);
	curl_easy_setopt(s->curl, CURLOPT_URL, url);
	curl_easy_setopt(s->curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(s->curl, CURLOPT_CONNECTTIMEOUT, client_timeout_sec(c));
	curl_easy_setopt(s->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(s->curl, CURLOPT_LOW_SPEED_TIME, (long)SILENCE_SEC);
	curl_easy_setopt(s->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(s->curl, CURLOPT_USERAGENT, "ballastctl/" PACKAGE_VERSION);
	curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, take_stream);
	curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, s);
	curl_easy_setopt(s->curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(s->curl, CURLOPT_XFERINFOFUNCTION, client_look_up);
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
		body = get_json(s.problem.text, s.problem.len);
	free(s.problem.text);
	if (s.problem.status == 200)
		return CLI_OK;
	snprintf(ret_problem, 64, "%s", get_string(body, "/code", "unreachable"));
	return s.problem.status ? (int)exit_of(ret_problem, s.problem.status) : CLI_UNREACHABLE;
}
