/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "cli/client.h"

#include <curl/curl.h>
#include <grp.h>
#include <sys/stat.h>

#include "cli/get.h"

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
};

static const char *socket_path(const struct cli *c)
{
	const char *given = cli_value(c, OPT_SOCKET), *env = getenv("BALLAST_SOCKET");

	return given ? given : env && *env ? env : RUNSTATEDIR "/ballast/api.sock";
}

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

static void transfer(
	struct cli *c, const char *method, const char *path, const char *body, struct exchange *x)
{
	struct curl_slist *headers = NULL;
	CURL *curl = curl_easy_init();
	char url[CLIENT_PATH_MAX + 64];

	*x = (struct exchange){.failed = CURLE_OUT_OF_MEMORY};
	if (!curl)
		return;
	snprintf(url, sizeof(url), "http://localhost%s", path);
	if (body)
		headers = curl_slist_append(headers, "Content-Type: application/json");
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path(c));
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, timeout_sec(c));
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "ballastctl/" PACKAGE_VERSION);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, x);
	if (body)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	x->failed = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &x->status);
	curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &x->os_errno);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
}

/* Name of the group that the socket belongs to. */
static const char *socket_group(const char *path)
{
	struct stat st;
	struct group *g = stat(path, &st) == 0 ? getgrgid(st.st_gid) : NULL;

	return g ? g->gr_name : "ballast";
}

static int say_unreachable(struct cli *c, const struct exchange *x, bool changes)
{
	const char *path = socket_path(c);

	if (x->failed == CURLE_OPERATION_TIMEDOUT)
		return changes ? cli_fail(c, CLI_RUNNING_ON,
					 "ballastd has not answered in %ld s; what was asked may "
					 "still be "
					 "going on: see ballastctl events",
					 timeout_sec(c))
			       : cli_fail(c, CLI_UNREACHABLE,
					 "ballastd has not answered in %ld s: see systemctl status "
					 "ballastd",
					 timeout_sec(c));
	if (x->failed == CURLE_COULDNT_CONNECT && x->os_errno == EACCES)
		return cli_fail(c, CLI_DENIED,
			"you may not open %s: join the group \"%s\" (as root: adduser NAME %s) and "
			"log in "
			"again, or ask as root",
			path, socket_group(path), socket_group(path));
	if (x->failed == CURLE_COULDNT_CONNECT)
		return cli_fail(c, CLI_UNREACHABLE,
			"ballastd does not answer at %s (%s): see systemctl status ballastd", path,
			x->os_errno ? strerror((int)x->os_errno) : "cannot connect");
	return cli_fail(c, CLI_UNREACHABLE, "no answer from ballastd at %s: %s", path,
		curl_easy_strerror(x->failed));
}

static enum cli_exit exit_of(const char *code, long status)
{
	static const struct {
		const char *code;
		enum cli_exit exit;
	} special[] = {
		{"configuration-bad", CLI_BAD_CONFIG},
		{"timeout-still-running", CLI_RUNNING_ON},
		{"no-quorum", CLI_NO_QUORUM},
		{"not-ready", CLI_UNREACHABLE},
		{"stuck", CLI_UNREACHABLE},
		{"stopping", CLI_UNREACHABLE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(special); i++)
		if (streq(special[i].code, code))
			return special[i].exit;
	switch (status) {
	case 400:
	case 422:
		return CLI_USAGE;
	case 403:
		return CLI_DENIED;
	case 404:
		return CLI_NOT_FOUND;
	case 409:
	case 412:
		return CLI_CONFLICT;
	default:
		return CLI_FAILED;
	}
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

/* The option that a place in a body came from: "/memory/headroom_permyriad" is --headroom. Returns buf. */
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
	const char *pointer = get_string(body, "/pointer", ""), *detail = get_string(body, "/detail", code);
	size_t len = strlen(pointer);

	option[0] = '\0';
	if (!len || strncmp(detail, pointer, len) != 0 || strncmp(detail + len, ": ", 2) != 0)
		return detail;
	option_of(pointer, option);
	return detail + len;
}

static int say_problem(struct cli *c, const struct exchange *x, const json_t *body)
{
	const char *code = get_string(body, "/code", NULL), *detail;
	char option[64];

	if (!code)
		return cli_fail(c, CLI_FAILED, "ballastd answered with status %ld", x->status);
	say_findings(body);
	say_kinds(c, body);
	/* With --json a program reads the problem as it is. */
	if (cli_has(c, OPT_JSON))
		cli_print_json(c, body);
	detail = detail_of(body, code, option);
	return cli_fail(c, exit_of(code, x->status), "%s%s", option, detail);
}

/* Judges an exchange. *ret is its body, NULL if it has none. */
static int judge(struct cli *c, struct exchange *x, bool changes, json_t **ret)
{
	_cleanup_json_ json_t *body = NULL;

	*ret = NULL;
	if (x->failed != CURLE_OK)
		return say_unreachable(c, x, changes);
	if (x->len) {
		body = json_loadb(x->text, x->len, 0, NULL);
		if (!body)
			return cli_fail(c, CLI_FAILED,
				"what answers at %s is not ballastd: no JSON (status %ld)",
				socket_path(c), x->status);
	}
	if (x->status >= 400)
		return say_problem(c, x, body);
	*ret = TAKE_PTR(body);
	return CLI_OK;
}

int client_get(struct cli *c, const char *path, json_t **ret)
{
	struct exchange x;
	int r;

	transfer(c, "GET", path, NULL, &x);
	r = judge(c, &x, false, ret);
	free(x.text);
	return r;
}

int client_send(struct cli *c, const char *method, const char *path, json_t *body, json_t **ret)
{
	_cleanup_free_ char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	char full[CLIENT_PATH_MAX + 32];
	struct exchange x;
	int r;

	json_decref(body);
	snprintf(full, sizeof(full), "%s%s", path, cli_has(c, OPT_DRY_RUN) ? "?dry_run=true" : "");
	transfer(c, method, full, text, &x);
	r = judge(c, &x, true, ret);
	free(x.text);
	return r;
}

int client_try(struct cli *c, const char *path, json_t **ret, char ret_problem[static 64])
{
	_cleanup_json_ json_t *body = NULL;
	struct exchange x;

	*ret = NULL;
	ret_problem[0] = '\0';
	transfer(c, "GET", path, NULL, &x);
	if (x.len)
		body = json_loadb(x.text, x.len, 0, NULL);
	free(x.text);
	if (x.failed != CURLE_OK || !body) {
		snprintf(ret_problem, 64, "unreachable");
		return CLI_UNREACHABLE;
	}
	if (x.status >= 400) {
		snprintf(ret_problem, 64, "%s", get_string(body, "/code", "failed"));
		return exit_of(ret_problem, x.status);
	}
	*ret = TAKE_PTR(body);
	return CLI_OK;
}
