/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `policy put|edit|delete`: policies that the daemon keeps. What would change is shown before it
 * does. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "cli/client.h"
#include "cli/get.h"
#include "cli/preview.h"
#include "common/ini.h"
#include "common/json.h"

/* What the daemon takes. */
#define TEXT_MAX (48 * KIB)
#define CHANGES_SHOWN 20

/* A policy as the daemon has it. */
struct kept {
	bool exists;
	char tag[CLIENT_TAG_MAX];
	char layer[16];
	char *text; /* owned */
};

static void kept_clear(struct kept *k)
{
	free(k->text);
	*k = (struct kept){0};
}
#define _cleanup_kept_ _cleanup_(kept_clear)

static int get_kept(struct cli *c, const char *name, struct kept *ret)
{
	_cleanup_answer_ struct client_answer answer = {0};
	char path[CLIENT_PATH_MAX];
	int r;

	client_path("/v1/policies/%s", name, path);
	r = client_ask(
		c, &(struct client_ask){.method = "GET", .path = path, .quiet = true}, &answer);
	if (r != CLI_OK && !streq(answer.problem, "policy-unknown")) {
		client_answer_clear(&answer);
		/* with its message */
		return client_ask(c, &(struct client_ask){.method = "GET", .path = path}, &answer);
	}
	ret->exists = r == CLI_OK;
	memcpy(ret->tag, answer.tag, sizeof(ret->tag));
	snprintf(ret->layer, sizeof(ret->layer), "%s", get_string(answer.body, "/layer", ""));
	ret->text = strdup(get_string(answer.body, "/text", ""));
	return ret->text ? CLI_OK : cli_fail(c, CLI_FAILED, "out of memory");
}

static void print_changes(const struct cli *c, const json_t *validation)
{
	_cleanup_table_ struct table t = {.titles = {"GUEST", "SETTING", "NOW", "THEN", "FROM"}};
	const json_t *changes = get_at(validation, "/changes"), *one;
	size_t i, n = json_array_size(changes);

	if (!n) {
		printf("Nothing would change now for the %llu guests of this host.\n",
			(unsigned long long)get_number(validation, "/guests", 0));
		return;
	}
	json_array_foreach (changes, i, one) {
		char name[96];

		if (i == CHANGES_SHOWN)
			break;
		snprintf(name, sizeof(name), "[%s] %s", get_string(one, "/section", "?"),
			get_string(one, "/key", "?"));
		table_add(&t, STYLE_NAME, get_string(one, "/guest", "?"));
		table_add(&t, STYLE_NONE, name);
		table_add(&t, STYLE_NONE, get_string(one, "/from", "-"));
		table_add(&t, STYLE_BOLD, get_string(one, "/to", "-"));
		table_add(&t, STYLE_DIM, get_string(one, "/origin", "-"));
	}
	table_print(&t, &c->term, stdout);
	if (n > CHANGES_SHOWN)
		printf("and %zu more\n", n - CHANGES_SHOWN);
}

static void print_findings(const json_t *validation, const char *list, const char *lead)
{
	const json_t *f;
	size_t i;

	json_array_foreach (get_at(validation, list), i, f) {
		fprintf(stderr, "%s%s", lead, get_shown(f, "/file", "?"));
		if (get_number(f, "/line", 0))
			fprintf(stderr, ":%llu:%llu", (unsigned long long)get_number(f, "/line", 0),
				(unsigned long long)get_number(f, "/column", 0));
		fprintf(stderr, ": %s\n", get_shown(f, "/text", ""));
	}
}

/* text NULL: if the daemon's file of that name were gone. NULL: not UTF-8. */
static json_t *trial_body(const char *name, const char *text)
{
	return json_pack("{s:s,s:s*}", "name", name, "text", text);
}

/* What the next decisions would come to, where that alone was asked for. */
static void preview(struct cli *c, const char *name, const char *text)
{
	if (cli_has(c, OPT_DRY_RUN) && !cli_has(c, OPT_JSON))
		preview_print(c, json_pack("{s:o*}", "policy", trial_body(name, text)));
}

/* Asks what a text would do, and shows it. Returns CLI_OK, CLI_BAD_CONFIG after naming the
 * mistakes, or another code after a message. */
static int validate(struct cli *c, const char *name, const char *text)
{
	_cleanup_json_ json_t *body = trial_body(name, text);
	_cleanup_free_ char *dumped = body ? json_dumps(body, JSON_COMPACT) : NULL;
	_cleanup_answer_ struct client_answer said = {0};
	const json_t *answer;
	int r;

	if (!dumped)
		return cli_fail(c, CLI_BAD_CONFIG, "%s: not UTF-8", name);
	r = preview_ask(c,
		&(struct client_ask){.method = "POST",
			.path = "/v1/policies/validate",
			.body = dumped,
			.asks = true},
		&said);
	answer = said.body;
	if (r != CLI_OK)
		return r;
	if (!get_bool(answer, "/ok")) {
		print_findings(answer, "/findings", "");
		json_decref(c->findings);
		c->findings = json_incref(json_object_get(said.body, "findings"));
		return cli_fail(c, CLI_BAD_CONFIG, "%zu mistake%s: nothing was changed",
			json_array_size(c->findings), json_array_size(c->findings) == 1 ? "" : "s");
	}
	print_findings(answer, "/notes", "note: ");
	if (get_string(answer, "/shadowed_by", NULL))
		fprintf(stderr, "note: %s stands above it and stays in force\n",
			get_string(answer, "/shadowed_by", ""));
	if (!cli_has(c, OPT_JSON))
		print_changes(c, answer);
	return CLI_OK;
}

static int put(struct cli *c, const char *name, const char *text, const struct kept *before)
{
	_cleanup_json_ json_t *body = json_pack("{s:s}", "text", text);
	_cleanup_free_ char *dumped = body ? json_dumps(body, JSON_COMPACT) : NULL;
	_cleanup_answer_ struct client_answer answer = {0};
	char path[CLIENT_PATH_MAX];
	int r;

	if (!dumped)
		return cli_fail(c, CLI_BAD_CONFIG, "%s: not UTF-8", name);
	r = client_ask(c,
		&(struct client_ask){.method = "PUT",
			.path = client_path("/v1/policies/%s", name, path),
			.body = dumped,
			.if_match = before->exists ? before->tag : NULL,
			.if_none_match = before->exists ? NULL : "*"},
		&answer);
	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON))
		return cli_print_json(c, answer.body);
	printf("%s: %s%s\n", get_string(answer.body, "/path", name),
		cli_has(c, OPT_DRY_RUN) ? "would be " : "",
		get_string(answer.body, "/shadowed_by", NULL) ? "written, and is not in force"
							      : "in force");
	return CLI_OK;
}

/* A change of a policy that is there is asked about, for it is of many guests at once. */
static int confirm_put(
	struct cli *c, const char *name, const char *text, const struct kept *before)
{
	/* Below the administrator's file there may be another one, which was not shown. */
	if (!before->exists || (streq(before->text, text) && !streq(before->layer, "above")))
		return CLI_OK;
	return cli_confirm(c, "replace policy %s by another text", name);
}

static int read_text(struct cli *c, const char *file, char **ret)
{
	_cleanup_diag_ struct diag d = {0};
	size_t len;
	int r;

	if (streq(file, "-")) {
		*ret = malloc(TEXT_MAX + 2);
		if (!*ret)
			return cli_fail(c, CLI_FAILED, "out of memory");
		len = fread(*ret, 1, TEXT_MAX + 1, stdin);
		(*ret)[len] = '\0';
	} else {
		r = ini_read_file(file, ret, &len, &d);
		if (r < 0)
			return cli_fail(c,
				r == -ENOENT   ? CLI_NOT_FOUND
				: r == -EACCES ? CLI_DENIED
					       : CLI_FAILED,
				"%s: %s", file,
				r == -ENOENT ? "there is no such file"
				: d.text     ? d.text
					     : strerror(-r));
	}
	if (strlen(*ret) != len || len > TEXT_MAX || !len)
		return cli_fail(
			c, CLI_BAD_CONFIG, "%s: a policy is a text of 1 byte to 48 KiB", file);
	return CLI_OK;
}

int cmd_policy_put(struct cli *c)
{
	const char *file = c->args[0], *slash = strrchr(file, '/'),
		   *name = c->n_args > 1 ? c->args[1]
			   : slash	 ? slash + 1
					 : file;
	_cleanup_kept_ struct kept before = {0};
	_cleanup_free_ char *text = NULL;
	int r;

	if (streq(name, "-"))
		return cli_usage(
			c, "what comes from standard input needs a name: policy put - NAME");
	r = read_text(c, file, &text);
	if (r == CLI_OK)
		r = get_kept(c, name, &before);
	if (r == CLI_OK)
		r = validate(c, name, text);
	if (r == CLI_OK)
		preview(c, name, text);
	if (r == CLI_OK)
		r = confirm_put(c, name, text, &before);
	return r == CLI_OK ? put(c, name, text, &before) : r;
}

static int remove_kept(struct cli *c, const char *name, const struct kept *before)
{
	_cleanup_answer_ struct client_answer answer = {0};
	char path[CLIENT_PATH_MAX];

	return client_ask(c,
		&(struct client_ask){.method = "DELETE",
			.path = client_path("/v1/policies/%s", name, path),
			.if_match = before->exists ? before->tag : NULL},
		&answer);
}

int cmd_policy_delete(struct cli *c)
{
	const char *name = c->args[0];
	_cleanup_kept_ struct kept before = {0};
	bool ours;
	int r = get_kept(c, name, &before);

	/* What is in force is the administrator's: nothing changes, whether the API has one below
	 * it or the daemon refuses. */
	ours = before.exists && streq(before.layer, "api");
	if (r == CLI_OK && ours && !cli_has(c, OPT_JSON))
		r = validate(c, name, NULL);
	if (r == CLI_OK && before.exists)
		r = cli_confirm(c, "remove policy %s", name);
	if (r == CLI_OK)
		r = remove_kept(c, name, &before);
	if (r != CLI_OK)
		return r;
	if (ours)
		preview(c, name, NULL);
	return cli_print_gone(c, "", "removed");
}

/* ---- edit ---- */

/* What a new policy begins with: left as it is, nothing is written (it would be for every
 * guest). */
static const char template[] =
	"# See ballast.policy(5).\n[Policy]\nDescription=\n\n[Match]\nGuest=\n\n#[Schedule]\n#OnCalendar=Mon..Fri 20:00\n#Until=08:00\n\n[Memory]\n#Min=\n#Max=\n#Weight=100\n";

static int run_editor(struct cli *c, const char *file)
{
	const char *visual = getenv("VISUAL"),
		   *editor = visual && *visual ? visual : getenv("EDITOR");
	_cleanup_free_ char *command = NULL;
	int status = 0;
	pid_t pid;

	if ((!editor || !*editor) && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)))
		return cli_fail(c, CLI_USAGE,
			"there is no terminal for an editor: set EDITOR to one that needs none, or give a file to policy put");
	if (asprintf(&command, "%s \"$1\"", editor && *editor ? editor : "vi") < 0)
		abort();
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", command, "sh", file, (char *)NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return cli_fail(c, CLI_FAILED,
			"the editor (%s) failed: set EDITOR; nothing was changed",
			editor && *editor ? editor : "vi");
	return CLI_OK;
}

static int write_draft(struct cli *c, const char *name, const char *text, char path[static 256])
{
	const char *tmp = getenv("TMPDIR");
	size_t len = strlen(text);
	_cleanup_close_ int fd = -1;

	/* The suffix tells editors what it is. */
	snprintf(path, 256, "%.100s/ballastctl-XXXXXX.%.100s", tmp && *tmp ? tmp : "/tmp", name);
	fd = mkostemps(path, (int)strlen(name) + 1, O_CLOEXEC);
	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		return cli_fail(c, CLI_FAILED, "%s: %s", path, strerror(errno));
	return CLI_OK;
}

/* Again after mistakes? Where nobody can be asked there is no again. */
static bool edit_again(void)
{
	char answer[16] = "";

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return false;
	fprintf(stderr, "Edit again? [Y/n] ");
	return fgets(answer, sizeof(answer), stdin) && answer[0] != 'n' && answer[0] != 'N';
}

/* *ret_typed: there is a text that was not written. */
static int edit(struct cli *c, const char *name, const char *draft, const struct kept *before,
	bool *ret_typed)
{
	_cleanup_free_ char *text = NULL;
	int r;

	do {
		free(text);
		text = NULL;
		r = run_editor(c, draft);
		if (r == CLI_OK)
			r = read_text(c, draft, &text);
		if (r == CLI_OK && streq(text, before->exists ? before->text : template)) {
			printf("%s: nothing was changed\n", name);
			return CLI_OK;
		}
		if (r == CLI_OK)
			r = validate(c, name, text);
	} while (r == CLI_BAD_CONFIG && edit_again());
	if (r == CLI_OK)
		preview(c, name, text);
	if (r == CLI_OK)
		r = confirm_put(c, name, text, before);
	if (r == CLI_OK)
		r = put(c, name, text, before);
	*ret_typed = r != CLI_OK || cli_has(c, OPT_DRY_RUN);
	return r;
}

int cmd_policy_edit(struct cli *c)
{
	_cleanup_kept_ struct kept before = {0};
	char draft[256], name[160];
	size_t n = strlen(c->args[0]);
	bool typed = false;
	int r;

	if (strchr(c->args[0], '/') || n > 128)
		return cli_usage(c,
			"\"%s\" is no policy's name: edit what the daemon keeps by its name; a file by any editor, then policy put",
			c->args[0]);
	snprintf(name, sizeof(name), "%s%s", c->args[0],
		n > 7 && streq(c->args[0] + n - 7, ".policy") ? "" : ".policy");
	r = get_kept(c, name, &before);
	if (r != CLI_OK)
		return r;
	if (streq(before.layer, "above"))
		fprintf(stderr,
			"note: what is in force is the administrator's file, which stands above what is written here\n");
	r = write_draft(c, name, before.exists ? before.text : template, draft);
	if (r != CLI_OK)
		return r;
	r = edit(c, name, draft, &before, &typed);
	/* What was typed is not lost. */
	if (r == CLI_OK && !typed)
		unlink(draft);
	else
		fprintf(stderr, "Your text is kept in %s%s\n", draft,
			r == CLI_OK ? ": policy put takes it" : "");
	return r;
}
