/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/policy-hidden.h"

#include <fcntl.h>

#include "cli/client.h"
#include "cli/endpoint.h"
#include "cli/get.h"

void policy_hidden_clear(struct policy_hidden *h)
{
	for (size_t i = 0; i < h->n; i++)
		free((void *)(uintptr_t)h->given[i].files);
	free(h->given);
	json_decref(h->kept);
	*h = (struct policy_hidden){0};
}

static bool is_hidden(const char *dir)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 && errno == EACCES;
}

/* Does this file lie in the directory itself (0), in one below it (1), or elsewhere (-1)? */
static int lies_in(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (strncmp(path, dir, n) != 0 || path[n] != '/')
		return -1;
	return strchr(path + n + 1, '/') != NULL;
}

/* ---- what nobody tells ---- */

static void note_unread(struct cli *c, const char *path, const char *why)
{
	if (!c->unread)
		c->unread = json_array();
	for (size_t i = 0; i < json_array_size(c->unread); i++)
		if (streq(json_string_value(json_array_get(c->unread, i)), path))
			return;
	json_array_append_new(c->unread, json_string(path));
	fprintf(stderr,
		"note: %s was not looked at: you may not read it, and %s; what is there is not part of this answer. Ask as root (sudo %s policy %s)\n",
		path, why, c->program, c->command ? c->command->verb : "check");
}

/* ---- what the daemon tells ---- */

static int found(struct diag_list *findings, const char *file, const json_t *at, const char *text)
{
	_cleanup_diag_ struct diag d = {0};

	diag_set(&d, EINVAL, file, (unsigned)get_number(at, "/line", 0),
		(unsigned)get_number(at, "/column", 0), "%s", text);
	return diag_list_take(findings, &d);
}

static int take_bad(const json_t *list, const char *dir, struct diag_list *findings)
{
	const json_t *bad;
	size_t i;
	int r = 0;

	json_array_foreach (get_at(list, "/bad"), i, bad) {
		const char *path = get_string(bad, "/path", "");

		if (r >= 0 && lies_in(path, dir) >= 0)
			r = found(findings, path, bad, get_string(bad, "/text", "is bad"));
	}
	return r;
}

/* One policy that is in force from there. kept: who owns the strings. */
static int take_policy(struct cli *c, const json_t *listed, const char *dir, json_t *kept,
	struct policy_change *ret, struct diag_list *findings)
{
	char path[CLIENT_PATH_MAX];
	_cleanup_json_ json_t *policy = NULL;
	const json_t *dropin;
	size_t i;
	int r = client_get(
		c, client_path("/v1/policies/%s", get_string(listed, "/name", ""), path), &policy);

	if (r != CLI_OK)
		return r;
	json_array_append(kept, policy);
	*ret = (struct policy_change){.dir = dir,
		.name = get_string(policy, "/name", ""),
		.text = get_string(policy, "/text", ""),
		.len = strlen(get_string(policy, "/text", ""))};
	json_array_foreach (get_at(policy, "/drop_ins"), i, dropin)
		if (json_is_string(dropin) && lies_in(json_string_value(dropin), dir) >= 0)
			note_unread(c, json_string_value(dropin),
				"ballastd tells of the policy's own file only");
	if (get_bool(policy, "/stale") &&
		found(findings, get_string(policy, "/path", dir), NULL,
			"is bad now, and ballastd goes on with its last good version: the problem policy-bad of ballastctl status says where") <
			0)
		return cli_fail(c, CLI_FAILED, "out of memory");
	return CLI_OK;
}

static int take_dir(struct cli *c, const json_t *list, const char *dir, struct policy_hidden *h,
	struct diag_list *findings)
{
	const json_t *policies = get_at(list, "/policies"), *one;
	struct policy_change *files = calloc(json_array_size(policies) + 1, sizeof(*files));
	struct policy_given *given = &h->given[h->n];
	size_t i;
	int r = CLI_OK;

	if (!files)
		return cli_fail(c, CLI_FAILED, "out of memory");
	*given = (struct policy_given){.dir = dir, .files = files};
	h->n++;
	json_array_foreach (policies, i, one)
		if (r == CLI_OK && lies_in(get_string(one, "/path", ""), dir) == 0)
			r = take_policy(c, one, dir, h->kept, &files[given->n++], findings);
	if (r == CLI_OK && take_bad(list, dir, findings) < 0)
		r = cli_fail(c, CLI_FAILED, "out of memory");
	return r;
}

/* NULL with the reason where nobody is to be asked. */
static json_t *ask(struct cli *c, const char **ret_why)
{
	char problem[64];
	struct endpoint *e;
	json_t *list;
	int r = endpoint_get(c, &e);

	if (r == CLI_OK && e->remote) {
		*ret_why = "the ballastd that is asked is another host's";
		return NULL;
	}
	if (r == CLI_OK)
		r = client_try(c, "/v1/policies", &list, problem);
	if (r == CLI_OK)
		return list;
	*ret_why = r == CLI_DENIED	  ? "you may not ask ballastd for it either"
		   : r == CLI_UNREACHABLE ? "ballastd cannot be asked for it: it does not answer"
					  : "ballastd could not tell it";
	return NULL;
}

int policy_hidden_read(struct cli *c, const char *const *dirs, struct policy_hidden *ret,
	struct diag_list *findings)
{
	_cleanup_policy_hidden_ struct policy_hidden h = {0};
	_cleanup_json_ json_t *list = NULL;
	const char *why = NULL;
	size_t n = 0;
	int r = CLI_OK;

	while (dirs[n])
		n++;
	h.given = calloc(n + 1, sizeof(*h.given));
	h.kept = json_array();
	if (!h.given || !h.kept)
		return cli_fail(c, CLI_FAILED, "out of memory");
	for (size_t i = 0; i < n && r == CLI_OK; i++) {
		if (!is_hidden(dirs[i]))
			continue;
		if (!list && !why)
			list = ask(c, &why);
		if (list) {
			r = take_dir(c, list, dirs[i], &h, findings);
			continue;
		}
		note_unread(c, dirs[i], why);
		h.given[h.n++] = (struct policy_given){.dir = dirs[i]};
	}
	if (r == CLI_OK) {
		*ret = h;
		h = (struct policy_hidden){0};
	}
	return r;
}
