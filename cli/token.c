/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `token new|list|revoke`: edits the file of Tokens= on this host. The daemon watches it, and is
 * not asked. */
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "cli/daemon-conf.h"
#include "cli/get.h"
#include "cli/policy-files.h"
#include "common/json.h"
#include "common/token-secret.h"
#include "common/units.h"

/* Whom an installation's daemon runs as (systemd/ballast.sysusers). */
#define DAEMON_GROUP "ballast"

static uint64_t now_real_usec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * USEC_PER_SEC + (uint64_t)t.tv_nsec / 1000;
}

/* The file while it is being edited: locked, so that of two edits at once none is lost. */
struct edit {
	char *path; /* owned */
	char *text; /* owned */
	size_t len;
	int dir_fd; /* locked */
	bool exists;
	struct stat st;
	struct token_table *table; /* owned */
};

static void edit_clear(struct edit *e)
{
	free(e->path);
	free(e->text);
	free(e->table);
	closep(&e->dir_fd);
}
#define _cleanup_edit_ _cleanup_(edit_clear)

static int fail_errno(struct cli *c, const char *path, int error)
{
	if (error == EACCES || error == EPERM)
		return cli_fail(c, CLI_DENIED, "%s: %s: run it as root", path, strerror(error));
	return cli_fail(c, CLI_FAILED, "%s: %s", path, strerror(error));
}

static gid_t daemon_group(void)
{
	const struct group *g = getgrnam(DAEMON_GROUP);

	return g ? g->gr_gid : (gid_t)-1;
}

/* What the daemon would take, by its own rules; what is wrong is said, and stays in the file. */
static int edit_read(struct cli *c, struct edit *e)
{
	_cleanup_diag_list_ struct diag_list findings = {0};
	_cleanup_close_ int fd = -1;
	int r = token_table_load(e->path, token_readers_get(), &e->table, &findings);

	if (r == -EACCES)
		return fail_errno(c, e->path, EACCES);
	policy_print_findings(c, &findings);
	if (r < 0)
		return cli_fail(c, CLI_BAD_CONFIG, "%s is not read until that is mended", e->path);
	fd = open(e->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? CLI_OK : fail_errno(c, e->path, errno);
	e->exists = true;
	e->text = malloc(TOKEN_FILE_MAX + 1);
	if (!e->text || fstat(fd, &e->st) < 0)
		return cli_fail(c, CLI_FAILED, "out of memory");
	for (ssize_t n = 1; n > 0; e->len += (size_t)n)
		if ((n = read(fd, e->text + e->len, TOKEN_FILE_MAX - e->len)) < 0)
			return fail_errno(c, e->path, errno);
	return CLI_OK;
}

static int edit_begin(struct cli *c, struct edit *e, bool changes)
{
	_cleanup_conf_ struct conf conf = {0};
	_cleanup_free_ char *dir = NULL;
	int r = daemon_conf_read(c, &conf);

	if (r != CLI_OK)
		return r;
	e->path = TAKE_PTR(conf.tokens);
	dir = strdup(e->path);
	if (!dir)
		return cli_fail(c, CLI_FAILED, "out of memory");
	if (changes && !cli_has(c, OPT_DRY_RUN)) {
		if (mkdir(dirname(dir), 0755) < 0 && errno != EEXIST)
			return fail_errno(c, dir, errno);
		e->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (e->dir_fd < 0 || flock(e->dir_fd, LOCK_EX) < 0)
			return fail_errno(c, dir, errno);
	}
	return edit_read(c, e);
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Owner, group and mode stay as they are; a new file is the daemon's to read. */
static int set_owner(const struct edit *e, int fd)
{
	gid_t gid = daemon_group();

	if (e->exists)
		return fchown(fd, e->st.st_uid, e->st.st_gid) < 0 ||
				       fchmod(fd, e->st.st_mode & 07777) < 0
			       ? -errno
			       : 0;
	if (gid != (gid_t)-1 && fchown(fd, (uid_t)-1, gid) == 0)
		return fchmod(fd, 0640) < 0 ? -errno : 0;
	return 0; /* 0600 */
}

/* All or nothing, also when the power fails. */
static int edit_write(struct cli *c, const struct edit *e, const char *text, size_t len)
{
	_cleanup_free_ char *temporary = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	if (len > TOKEN_FILE_MAX)
		return cli_fail(c, CLI_FAILED, "%s would become larger than 64 KiB", e->path);
	if (cli_has(c, OPT_DRY_RUN))
		return CLI_OK;
	if (asprintf(&temporary, "%s.XXXXXX", e->path) < 0)
		return cli_fail(c, CLI_FAILED, "out of memory");
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return fail_errno(c, temporary, errno);
	r = write_all(fd, text, len);
	if (r >= 0)
		r = set_owner(e, fd);
	if (r >= 0 && (fsync(fd) < 0 || rename(temporary, e->path) < 0))
		r = -errno;
	if (r < 0) {
		unlink(temporary);
		return fail_errno(c, e->path, -r);
	}
	if (fsync(e->dir_fd) < 0)
		return fail_errno(c, e->path, errno);
	return CLI_OK;
}

/* "cert:ops" is a certificate. */
static int read_name(struct cli *c, const char *word, struct token_entry *e)
{
	e->is_certificate = strncmp(word, "cert:", 5) == 0;
	word += e->is_certificate ? 5 : 0;
	if (!token_name_valid(word, e->is_certificate))
		return cli_usage(c,
			"\"%s\" is no name: 1 to 64 of A-Z a-z 0-9 . _ -, or cert:SUBJECT-CN",
			c->args[0]);
	snprintf(e->name, sizeof(e->name), "%s", word);
	return CLI_OK;
}

static const struct token_entry *find(const struct token_table *t, const struct token_entry *like)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->entries[i].is_certificate == like->is_certificate &&
			streq(t->entries[i].name, like->name))
			return &t->entries[i];
	return NULL;
}

#define EXPIRES_MAX_USEC (3660 * USEC_PER_DAY)
static int read_options(struct cli *c, struct token_entry *e)
{
	const char *role = cli_value(c, OPT_ROLE), *span = cli_value(c, OPT_EXPIRES), *nearest;
	_cleanup_diag_ struct diag d = {0};
	uint64_t usec;

	e->role = role ? api_role_from_string(role) : API_ROLE_READ;
	nearest = role ? nearest_word(role, api_role_names + 1) : NULL;
	if (e->role <= API_ROLE_NONE)
		return cli_usage(c, "--role: \"%s\" is none of read, operate, admin%s%s%s", role,
			nearest ? "; did you mean \"" : "", nearest ? nearest : "",
			nearest ? "\"?" : "");
	e->expires_real_usec = USEC_INFINITY;
	if (!span)
		return CLI_OK;
	if (e->is_certificate)
		return cli_usage(c, "a certificate has its own end: --expires is for tokens");
	if (span_parse(span, &usec, &d) < 0)
		return cli_usage(c, "--expires: %s", d.text ? d.text : "not a span");
	if (!usec || usec > EXPIRES_MAX_USEC)
		return cli_usage(c,
			"--expires: found \"%s\", expected more than 0, up to ten years, as in 90d",
			span);
	/* Whole seconds read better in the file. */
	e->expires_real_usec = (now_real_usec() + usec) / USEC_PER_SEC * USEC_PER_SEC;
	return CLI_OK;
}

static json_t *time_json(uint64_t usec)
{
	char text[JSON_TIME_MAX];

	return usec == USEC_INFINITY ? json_null() : json_string(json_time_format(usec, text));
}

static json_t *entry_json(const struct token_entry *e)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:b}", "name", e->name, "kind",
		e->is_certificate ? "certificate" : "token", "role", api_role_to_string(e->role),
		"expires", time_json(e->expires_real_usec), "expired",
		e->expires_real_usec <= now_real_usec());
}

static int append(struct cli *c, const struct edit *e, const struct token_entry *entry)
{
	_cleanup_free_ char *text = NULL;
	char line[TOKEN_LINE_MAX];
	int n = asprintf(&text, "%.*s%s%s\n", (int)e->len, e->text ? e->text : "",
		e->len && e->text[e->len - 1] != '\n' ? "\n" : "", token_entry_format(entry, line));

	if (n < 0)
		return cli_fail(c, CLI_FAILED, "out of memory");
	return edit_write(c, e, text, (size_t)n);
}

static int print_new(
	struct cli *c, const struct edit *e, const struct token_entry *entry, const char *secret)
{
	if (cli_has(c, OPT_JSON)) {
		_cleanup_json_ json_t *answer = entry_json(entry);

		json_object_set_new(answer, "token", *secret ? json_string(secret) : json_null());
		json_object_set_new(answer, "file", json_string(e->path));
		return cli_print_json(c, answer);
	}
	/* A script takes standard output; what people should know goes beside it. */
	if (*secret) {
		fprintf(stderr, "Token %s with role %s. It is shown this once, keep it safe:\n",
			entry->name, api_role_to_string(entry->role));
		printf("%s\n", secret);
	} else {
		bool would = cli_has(c, OPT_DRY_RUN);

		printf("%s \"%s\" %s role %s\n",
			entry->is_certificate ? "Certificates with the common name" : "Token",
			entry->name, would ? "would have" : "now have",
			api_role_to_string(entry->role));
	}
	return CLI_OK;
}

int cmd_token_new(struct cli *c)
{
	_cleanup_edit_ struct edit e = {.dir_fd = -1};
	char secret[TOKEN_SECRET_LEN + 1] = "";
	struct token_entry entry = {0};
	int r = read_name(c, c->args[0], &entry);

	if (r == CLI_OK)
		r = read_options(c, &entry);
	if (r == CLI_OK)
		r = edit_begin(c, &e, true);
	if (r != CLI_OK)
		return r;
	if (find(e.table, &entry))
		return cli_fail(c, CLI_CONFLICT,
			"there is \"%s\" already: choose another name, or revoke that one first (ballastctl token revoke %s)",
			c->args[0], c->args[0]);
	if (e.table->n == TOKENS_MAX)
		return cli_fail(c, CLI_CONFLICT,
			"there are %d already, which is all that there may be: revoke some",
			TOKENS_MAX);
	if (!entry.is_certificate) {
		if (token_secret_new(secret) < 0)
			return cli_fail(c, CLI_FAILED, "the kernel gives no random bytes");
		token_secret_hash(secret, entry.hash);
	}
	r = append(c, &e, &entry);
	if (cli_has(c, OPT_DRY_RUN)) /* a secret that holds nowhere is none to show */
		explicit_bzero(secret, sizeof(secret));
	if (r == CLI_OK)
		r = print_new(c, &e, &entry, secret);
	explicit_bzero(secret, sizeof(secret));
	return r;
}

/* Line numbers count from 1. Returns its first byte, with *ret_end behind its end. */
static size_t line_at(const struct edit *e, unsigned number, size_t *ret_end)
{
	size_t at = 0, end;

	for (;; at = end) {
		const char *eol = memchr(e->text + at, '\n', e->len - at);

		end = eol ? (size_t)(eol - e->text) + 1 : e->len;
		if (!--number || end == e->len)
			break;
	}
	*ret_end = end;
	return at;
}

static int unknown(struct cli *c, const struct edit *e)
{
	const char *names[TOKENS_MAX + 1] = {NULL}, *nearest;

	for (size_t i = 0; i < e->table->n; i++)
		names[i] = e->table->entries[i].name;
	nearest = nearest_word(c->args[0], names);
	return cli_fail(c, CLI_NOT_FOUND, "there is no \"%s\" in %s%s%s%s", c->args[0], e->path,
		nearest ? "; the nearest name is \"" : "", nearest ? nearest : "",
		nearest ? "\"" : "");
}

/* Whoever is asked may take his time: the file is not locked meanwhile. */
static int confirm_revoke(struct cli *c, const struct token_entry *like)
{
	_cleanup_edit_ struct edit e = {.dir_fd = -1};
	int r;

	if (cli_has(c, OPT_YES) || cli_has(c, OPT_DRY_RUN))
		return CLI_OK;
	r = edit_begin(c, &e, false);
	if (r != CLI_OK)
		return r;
	if (!find(e.table, like))
		return unknown(c, &e);
	return cli_confirm(c, "revoke %s, and end the connections that it is used on", c->args[0]);
}

int cmd_token_revoke(struct cli *c)
{
	_cleanup_edit_ struct edit e = {.dir_fd = -1};
	struct token_entry like = {0};
	const struct token_entry *found;
	size_t begin, end;
	int r = read_name(c, c->args[0], &like);

	if (r == CLI_OK)
		r = confirm_revoke(c, &like);
	if (r == CLI_OK)
		r = edit_begin(c, &e, true);
	if (r != CLI_OK)
		return r;
	found = find(e.table, &like);
	if (!found)
		return unknown(c, &e);
	begin = line_at(&e, found->line, &end);
	memmove(e.text + begin, e.text + end, e.len - end);
	r = edit_write(c, &e, e.text, e.len - (end - begin));
	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON)) {
		_cleanup_json_ json_t *answer = entry_json(found);

		return cli_print_json(c, answer);
	}
	printf("%s %s revoked\n", c->args[0], cli_has(c, OPT_DRY_RUN) ? "would be" : "is");
	return CLI_OK;
}

int cmd_token_list(struct cli *c)
{
	_cleanup_table_ struct table t = {.titles = {"NAME", "KIND", "ROLE", "EXPIRES"}};
	_cleanup_edit_ struct edit e = {.dir_fd = -1};
	uint64_t now = now_real_usec();
	int r = edit_begin(c, &e, false);

	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON)) {
		_cleanup_json_ json_t *answer = json_pack("{s:s, s:[]}", "file", e.path, "tokens");

		for (size_t i = 0; i < e.table->n; i++)
			json_array_append_new(json_object_get(answer, "tokens"),
				entry_json(&e.table->entries[i]));
		return cli_print_json(c, answer);
	}
	for (size_t i = 0; i < e.table->n; i++) {
		const struct token_entry *entry = &e.table->entries[i];
		bool ends = entry->expires_real_usec != USEC_INFINITY,
		     ended = entry->expires_real_usec <= now;
		char when[JSON_TIME_MAX], text[JSON_TIME_MAX + 16];

		snprintf(text, sizeof(text), "%s%s", ended ? "expired " : "",
			ends			? json_time_format(entry->expires_real_usec, when)
			: entry->is_certificate ? "with the certificate"
						: "never");
		table_add(&t, STYLE_NAME, entry->name);
		table_add(&t, STYLE_NONE, entry->is_certificate ? "certificate" : "token");
		table_add(&t, entry->role == API_ROLE_ADMIN ? STYLE_BOLD : STYLE_NONE,
			api_role_to_string(entry->role));
		table_add(&t, ended ? STYLE_BAD : STYLE_NONE, text);
	}
	if (e.table->n)
		table_print(&t, &c->term, stdout);
	else
		printf("Nobody has a token: ballastctl token new NAME --role read\n");
	return CLI_OK;
}
