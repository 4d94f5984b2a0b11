/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/client-private.h"

#include <grp.h>
#include <sys/stat.h>

#include "cli/exit-code.h"
#include "cli/get.h"

/* What went wrong, each with its remedy. */

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
			client_timeout_sec(c));
	return cli_fail(c, CLI_UNREACHABLE,
		"ballastd has not answered in %ld s: see systemctl status ballastd%s",
		client_timeout_sec(c), remote);
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

int client_say_unreachable(
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
		fputs(get_shown(f, "/file", "?"), stderr);
		if (line)
			fprintf(stderr, ":%llu", (unsigned long long)line);
		if (line && column)
			fprintf(stderr, ":%llu", (unsigned long long)column);
		fprintf(stderr, ": %s\n", get_shown(f, "/text", ""));
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

int client_say_problem(struct cli *c, const struct exchange *x, const json_t *body)
{
	const char *code = get_string(body, "/code", NULL), *detail, *remedy;
	char option[64], retry[64] = "";
	size_t len;

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
	/* Of states and their tags this command has taken care: it says what came of it. */
	if (remedy && exit_is_of_states(x->status)) {
		detail = remedy;
		remedy = NULL;
	}
	if (x->retry_after > 0 && x->status != 401)
		snprintf(retry, sizeof(retry), " (it asks to wait %ld s)", x->retry_after);
	len = strlen(detail);
	/* What follows is of the same sentence. */
	if ((remedy || *retry) && len && detail[len - 1] == '.')
		len--;
	return cli_fail(c, exit_of(code, x->status), "%s%.*s%s%s%s", option, (int)len, detail,
		remedy ? ": " : "", remedy ? remedy : "", retry);
}
