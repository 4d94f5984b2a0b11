/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/policy-files.h"

#include <dirent.h>
#include <libgen.h>
#include <limits.h>
#include <sys/stat.h>
#include <time.h>

#include "cli/client.h"
#include "cli/policy-hidden.h"
#include "common/ini.h"

#define FILES_MAX 256

static int read_stdin(char **ret_text, size_t *ret_len)
{
	size_t size = MIB + 1, n;
	char *text = malloc(size);

	if (!text)
		return -ENOMEM;
	n = fread(text, 1, size - 1, stdin);
	text[n] = '\0';
	*ret_text = text;
	*ret_len = n;
	return 0;
}

/* What the file is called as a policy. */
static const char *policy_name(const char *file)
{
	const char *slash = strrchr(file, '/');

	return streq(file, "-") ? "standard-input.policy" : slash ? slash + 1 : file;
}

/* The nearest name in the directory of a file that is not there, as "; did you mean PATH?". Returns
 * buf. */
static char *suggest_file(const char *file, char buf[static PATH_MAX])
{
	const char *slash = strrchr(file, '/');
	int dir_len = slash ? (int)(slash - file) + 1 : 0;
	const char *names[FILES_MAX + 1] = {NULL}, *nearest;
	struct dirent **entries;
	char dir[PATH_MAX];
	int n;

	buf[0] = '\0';
	snprintf(dir, sizeof(dir), "%.*s", dir_len ? dir_len : 1, dir_len ? file : ".");
	n = scandir(dir, &entries, NULL, alphasort);
	if (n < 0)
		return buf;
	for (int i = 0; i < n && i < FILES_MAX; i++)
		names[i] = entries[i]->d_name;
	nearest = nearest_word(policy_name(file), names);
	if (nearest)
		snprintf(buf, PATH_MAX, "; did you mean %.*s%s?", dir_len, file, nearest);
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	return buf;
}

static int fail_file(struct cli *c, const char *file, int err, const char *text)
{
	char nearest[PATH_MAX] = "";

	if (err == -ENOENT)
		return cli_fail(c, CLI_NOT_FOUND, "%s: there is no such file%s", file,
			suggest_file(file, nearest));
	return cli_fail(c, err == -EACCES ? CLI_DENIED : CLI_FAILED, "%s: %s", file,
		text ? text : strerror(-err));
}

static bool has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), k = strlen(suffix);

	return n > k && streq(s + n - k, suffix);
}

/* Would the daemon read a file of this name? */
static bool is_policy_name(const char *file)
{
	return has_suffix(policy_name(file), ".policy") || has_suffix(policy_name(file), ".conf");
}

/* Adds a finding for each file that would be ignored. Returns 0, 1 if there was one, or -ENOMEM. */
static int find_ignored(char *const *files, int n, struct diag_list *findings)
{
	int found = 0;

	for (int i = 0; i < n; i++) {
		_cleanup_diag_ struct diag d = {0};

		if (is_policy_name(files[i]))
			continue;
		diag_set(&d, EINVAL, files[i], 0, 0,
			"ballastd ignores it: a policy's name ends in .policy, a drop-in's in "
			".conf");
		if (diag_list_take(findings, &d) < 0)
			return -ENOMEM;
		found = 1;
	}
	return found;
}

int policy_files_read(struct cli *c, char *const *files, int n, struct policy_set **ret,
	struct diag_list *findings)
{
	struct policy_text texts[FILES_MAX] = {0};
	int r = CLI_OK, done = 0;

	if (n > FILES_MAX)
		return cli_usage(c, "more than %d files", FILES_MAX);
	for (; done < n && r == CLI_OK; done++) {
		_cleanup_diag_ struct diag d = {0};
		const char *file = files[done];
		char *text = NULL;
		int err = streq(file, "-") ? read_stdin(&text, &texts[done].len)
					   : ini_read_file(file, &text, &texts[done].len, &d);

		texts[done].name = policy_name(file);
		texts[done].path = streq(file, "-") ? "(standard input)" : file;
		texts[done].text = text;
		if (err < 0)
			r = fail_file(c, file, err, d.text);
	}
	if (r == CLI_OK) {
		int ignored = find_ignored(files, n, findings);
		int err = ignored < 0
				  ? ignored
				  : policy_set_from_texts(texts, (size_t)n, NULL, ret, findings);

		if (err < 0 || ignored > 0)
			r = err == -ENOMEM ? cli_fail(c, CLI_FAILED, "out of memory")
					   : CLI_BAD_CONFIG;
	}
	for (int i = 0; i < done; i++)
		free((char *)(uintptr_t)texts[i].text);
	return r;
}

/* ---- files as if installed: links to them in a directory of their own, above all others ---- */

struct overlay {
	char dir[PATH_MAX];
	char made[FILES_MAX][NAME_MAX + 1]; /* below dir, to be removed in reverse */
	int n_made;
};

static void overlay_remove(struct overlay *o)
{
	char path[PATH_MAX + NAME_MAX + 2];

	while (o->n_made) {
		snprintf(path, sizeof(path), "%s/%s", o->dir, o->made[--o->n_made]);
		remove(path);
	}
	if (o->dir[0])
		rmdir(o->dir);
}
#define _cleanup_overlay_ _cleanup_(overlay_remove)

static int overlay_note(struct overlay *o, const char *name)
{
	if (o->n_made == FILES_MAX)
		return -E2BIG;
	snprintf(o->made[o->n_made++], sizeof(o->made[0]), "%s", name);
	return 0;
}

/* Links one file; a drop-in goes into a directory named as the one it is in. */
static int overlay_link(struct overlay *o, const char *file)
{
	char real[PATH_MAX], parent[PATH_MAX], name[NAME_MAX + 1], path[2 * PATH_MAX];
	int r;

	if (!realpath(file, real))
		return -errno;
	snprintf(parent, sizeof(parent), "%s", real);
	if (has_suffix(file, ".conf")) {
		const char *dropins = basename(dirname(parent));

		snprintf(path, sizeof(path), "%s/%s", o->dir, dropins);
		if (mkdir(path, 0700) == 0 && (r = overlay_note(o, dropins)) < 0)
			return r;
		snprintf(name, sizeof(name), "%.120s/%.120s", dropins, policy_name(file));
	} else {
		snprintf(name, sizeof(name), "%.250s", policy_name(file));
	}
	snprintf(path, sizeof(path), "%s/%s", o->dir, name);
	if (symlink(real, path) < 0)
		return -errno;
	return overlay_note(o, name);
}

/* Places in findings name the files as they were given, not the links. */
static void overlay_rename(
	const struct overlay *o, char *const *files, int n, struct diag_list *findings)
{
	for (size_t i = 0; i < findings->n; i++) {
		struct diag *d = &findings->items[i];

		for (int k = 0; k < n && d->file && strncmp(d->file, o->dir, strlen(o->dir)) == 0;
			k++)
			if (streq(policy_name(d->file), policy_name(files[k]))) {
				char *name = strdup(files[k]);

				free(d->file);
				d->file = name;
			}
	}
}

static int overlay_make(struct cli *c, struct overlay *o, char *const *files, int n)
{
	const char *tmp = getenv("TMPDIR");
	int r;

	snprintf(o->dir, sizeof(o->dir), "%s/ballastctl-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(o->dir)) {
		o->dir[0] = '\0';
		return cli_fail(c, CLI_FAILED, "no temporary directory: %s", strerror(errno));
	}
	for (int i = 0; i < n; i++) {
		if (!is_policy_name(files[i]))
			return cli_usage(c,
				"%s: a policy's name ends in .policy, a drop-in's in .conf",
				files[i]);
		r = overlay_link(o, files[i]);
		if (r < 0)
			return fail_file(c, files[i], r,
				r == -EEXIST ? "a file of this name was given already" : NULL);
	}
	return CLI_OK;
}

/* The usual ones may be absent; one that was named is meant. */
static int check_named_dirs(struct cli *c)
{
	for (unsigned i = 0; i < c->n_values[OPT_POLICY_DIR]; i++) {
		const char *dir = c->values[OPT_POLICY_DIR][i];
		struct stat st;

		if (stat(dir, &st) < 0)
			return cli_fail(c, errno == ENOENT ? CLI_NOT_FOUND : CLI_DENIED,
				"--policy-dir=%s: %s", dir,
				errno == ENOENT ? "there is no such directory" : strerror(errno));
		if (!S_ISDIR(st.st_mode))
			return cli_fail(
				c, CLI_NOT_FOUND, "--policy-dir=%s is not a directory", dir);
	}
	return CLI_OK;
}

/* Directory i of those that are read, lowest layer first; NULL behind the last. */
static const char *dir_at(const struct cli *c, const struct conf *conf, size_t i)
{
	if (cli_has(c, OPT_POLICY_DIR))
		return i < c->n_values[OPT_POLICY_DIR] ? c->values[OPT_POLICY_DIR][i] : NULL;
	return conf->policy_dirs[i];
}

int policy_dirs_read(struct cli *c, const struct conf *conf, char *const *files, int n,
	struct policy_set **ret, struct diag_list *findings)
{
	_cleanup_policy_hidden_ struct policy_hidden hidden = {0};
	_cleanup_overlay_ struct overlay o = {0};
	_cleanup_free_ const char **dirs = NULL;
	size_t n_dirs = 0;
	int r = check_named_dirs(c);

	if (r == CLI_OK && n)
		r = overlay_make(c, &o, files, n);
	if (r != CLI_OK)
		return r;
	while (dir_at(c, conf, n_dirs))
		n_dirs++;
	dirs = calloc(n_dirs + 2, sizeof(*dirs));
	if (!dirs)
		return cli_fail(c, CLI_FAILED, "out of memory");
	for (size_t i = 0; i < n_dirs; i++)
		dirs[i] = dir_at(c, conf, i);
	/* One that was named is meant: that it cannot be read is a mistake. */
	if (!cli_has(c, OPT_POLICY_DIR))
		r = policy_hidden_read(c, dirs, &hidden, findings);
	if (r != CLI_OK)
		return r;
	if (n)
		dirs[n_dirs] = o.dir;
	r = policy_set_load(
		&(struct policy_dirs){.dirs = dirs, .given = hidden.given, .n_given = hidden.n},
		NULL, ret, findings);
	overlay_rename(&o, files, n, findings);
	if (r < 0)
		return cli_fail(c, r == -EACCES ? CLI_DENIED : CLI_FAILED,
			"policies cannot be read: %s", strerror(-r));
	/* Also what ballastd named of what is hidden. */
	return r > 0 || findings->n ? CLI_BAD_CONFIG : CLI_OK;
}

json_t *policy_dirs_json(const struct cli *c, const struct conf *conf)
{
	json_t *array = json_array();

	for (size_t i = 0; dir_at(c, conf, i); i++)
		json_array_append_new(array, json_string(dir_at(c, conf, i)));
	return array;
}

/* How a directory was looked at, where that was not the usual way. */
static const char *how(const struct cli *c, const char *dir)
{
	if (access(dir, R_OK) == 0)
		return "";
	for (size_t i = 0; i < json_array_size(c->unread); i++)
		if (streq(json_string_value(json_array_get(c->unread, i)), dir))
			return " (not looked at)";
	return errno == ENOENT ? " (not there)" : errno == EACCES ? " (as ballastd says)" : "";
}

void policy_print_dirs(const struct cli *c, const struct conf *conf, const char *lead)
{
	char text[2 * PATH_MAX];
	size_t len = (size_t)snprintf(text, sizeof(text), "%s", lead);
	const char *dir;

	for (size_t i = 0; (dir = dir_at(c, conf, i)) && len < sizeof(text); i++)
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, "%s%s%s", i ? ", " : " ", dir, how(c, dir));
	term_print_wrapped(&c->term, stdout, text, 0, 2);
}

json_t *policy_findings_json(const struct diag_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; list && i < list->n; i++) {
		const struct diag *d = &list->items[i];

		json_array_append_new(
			array, json_pack("{s:s?,s:i,s:i,s:s?}", "file", d->file, "line",
				       (int)d->line, "column", (int)d->col, "text", d->text));
	}
	return array;
}

void policy_print_findings(struct cli *c, const struct diag_list *findings)
{
	if (findings->n) {
		json_decref(c->findings);
		c->findings = policy_findings_json(findings);
		snprintf(c->said, sizeof(c->said), "%zu mistake%s", findings->n,
			findings->n == 1 ? "" : "s");
	}
	for (size_t i = 0; i < findings->n; i++) {
		_cleanup_free_ char *text = diag_format(&findings->items[i]);

		fprintf(stderr, "%s\n", text ? text : "out of memory");
	}
}

/* ---- questions ---- */

int policy_at(struct cli *c, uint64_t *ret_real_usec)
{
	const char *text = cli_value(c, OPT_AT);
	_cleanup_diag_ struct diag d = {0};
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	*ret_real_usec = (uint64_t)ts.tv_sec * USEC_PER_SEC;
	if (text && what_if_time(text, *ret_real_usec, NULL, ret_real_usec, &d) < 0)
		return cli_usage(c, "--at: %s", d.text ? d.text : "not a time");
	return CLI_OK;
}

int policy_ask(struct cli *c, const struct policy_set *set, const struct policy_guest *guest,
	uint64_t at_real_usec, struct what_if_answer **ret)
{
	struct what_if question = {
		.id = guest->id,
		.unknown_keys = guest->unknown_keys,
		.now_real_usec = at_real_usec,
		.conditions_hold = cli_has(c, OPT_CONDITIONS_HOLD),
	};
	_cleanup_diag_ struct diag d = {0};

	if (what_if(set, &question, ret, &d) < 0)
		return cli_fail(c, CLI_FAILED, "%s", d.text ? d.text : "out of memory");
	return CLI_OK;
}
