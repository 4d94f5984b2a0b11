/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "cli/contexts.h"

#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cli/endpoint.h"
#include "common/ini.h"

/* While a file is read. */
struct reading {
	struct contexts *all;
	struct context *at; /* NULL: in [Contexts] */
	bool own;
};

static const struct {
	const char *key;
	size_t offset;
} keys[] = {
	{"Host", offsetof(struct context, host)},
	{"TokenFile", offsetof(struct context, token_file)},
	{"Certificate", offsetof(struct context, cert)},
	{"Key", offsetof(struct context, key)},
	{"Authority", offsetof(struct context, ca)},
};

static char **field(struct context *item, size_t i)
{
	return (char **)(void *)((char *)item + keys[i].offset);
}

static void context_clear(struct context *item)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		free(*field(item, i));
	free(item->name);
	*item = (struct context){0};
}

void contexts_clear(struct contexts *all)
{
	if (!all)
		return;
	for (size_t i = 0; i < all->n; i++)
		context_clear(&all->items[i]);
	free(all->current);
	*all = (struct contexts){0};
}

bool context_name_is_valid(const char *name)
{
	size_t n = strlen(name);

	return n && n < 64 && !streq(name, CONTEXT_LOCAL) && !streq(name, "Contexts") &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
		       n;
}

const struct context *contexts_find(const struct contexts *all, const char *name)
{
	for (size_t i = 0; i < all->n; i++)
		if (streq(all->items[i].name, name))
			return &all->items[i];
	return NULL;
}

int contexts_put(struct contexts *all, struct context *item)
{
	for (size_t i = 0; i < all->n; i++)
		if (streq(all->items[i].name, item->name)) {
			context_clear(&all->items[i]);
			all->items[i] = *item;
			*item = (struct context){0};
			return 0;
		}
	if (all->n == CONTEXTS_MAX)
		return -E2BIG;
	all->items[all->n++] = *item;
	*item = (struct context){0};
	return 0;
}

bool contexts_remove(struct contexts *all, const char *name)
{
	for (size_t i = 0; i < all->n; i++)
		if (streq(all->items[i].name, name)) {
			context_clear(&all->items[i]);
			memmove(&all->items[i], &all->items[i + 1],
				(--all->n - i) * sizeof(all->items[0]));
			return true;
		}
	return false;
}

/* A section that comes again, or in the user's file, begins anew. */
static int begin_section(struct reading *r, const struct ini_entry *e, struct diag *d)
{
	struct context item = {.own = r->own};

	r->at = NULL;
	if (streq(e->section, "Contexts"))
		return 0;
	if (!context_name_is_valid(e->section))
		return diag_set(d, EINVAL, e->file, e->line, e->key_col,
			"found [%.64s], expected [Contexts] or the name of a context: letters, digits, '.', '-' and '_', at most 63, not \"" CONTEXT_LOCAL
			"\"",
			e->section);
	item.name = strdup(e->section);
	if (!item.name || contexts_put(r->all, &item) < 0) {
		context_clear(&item);
		return diag_set(d, EINVAL, e->file, e->line, e->key_col, "more than %d contexts",
			CONTEXTS_MAX);
	}
	for (size_t i = 0; i < r->all->n; i++)
		if (streq(r->all->items[i].name, e->section))
			r->at = &r->all->items[i];
	return 0;
}

static int take_current(struct reading *r, const struct ini_entry *e, struct diag *d)
{
	if (!streq(e->key, "Current"))
		return diag_set(d, EINVAL, e->file, e->line, e->key_col,
			"unknown key \"%.64s\" in [Contexts], expected Current", e->key);
	free(r->all->current);
	r->all->current = *e->value ? strdup(e->value) : NULL;
	return 0;
}

static int take_entry(const struct ini_entry *e, void *userdata, struct diag *d)
{
	const char *names[ARRAY_SIZE(keys) + 1] = {NULL}, *nearest;
	struct reading *r = userdata;

	if (!e->key)
		return begin_section(r, e, d);
	if (!r->at)
		return take_current(r, e, d);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		char *value;

		names[i] = keys[i].key;
		if (!streq(keys[i].key, e->key))
			continue;
		if (i && *e->value && *e->value != '/')
			return diag_set(d, EINVAL, e->file, e->line, e->value_col,
				"%s: found \"%.100s\", expected an absolute path", e->key,
				e->value);
		value = *e->value ? strdup(e->value) : NULL;
		free(*field(r->at, i));
		*field(r->at, i) = value;
		return 0;
	}
	nearest = nearest_word(e->key, names);
	return diag_set(d, EINVAL, e->file, e->line, e->key_col,
		"unknown key \"%.64s\" in [%s]%s%s%s", e->key, e->section,
		nearest ? ", did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

/* The user's own; false where no home is known. */
static bool own_path(char buf[static PATH_MAX])
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	const struct passwd *pw;

	if (config && *config == '/')
		return snprintf(buf, PATH_MAX, "%s/ballast/contexts", config) < PATH_MAX;
	if (!home || *home != '/') {
		pw = getpwuid(geteuid());
		home = pw ? pw->pw_dir : NULL;
	}
	return home && snprintf(buf, PATH_MAX, "%s/.config/ballast/contexts", home) < PATH_MAX;
}

static int read_one(const char *path, bool own, struct contexts *all, struct diag_list *findings)
{
	struct reading reading = {.all = all, .own = own};
	_cleanup_diag_ struct diag d = {0};
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	if (access(path, F_OK) < 0)
		return 0;
	r = ini_read_file(path, &text, &len, &d);
	if (r < 0)
		return diag_list_take(findings, &d);
	r = ini_parse_all(path, text, len, take_entry, &reading, findings);
	return r < 0 ? r : 0;
}

int contexts_read(struct cli *c, struct contexts *ret)
{
	_cleanup_diag_list_ struct diag_list findings = {0};
	char path[PATH_MAX];
	int r;

	r = read_one(SYSCONFDIR "/ballast/contexts", false, ret, &findings);
	if (r == 0 && own_path(path))
		r = read_one(path, true, ret, &findings);
	if (r < 0)
		return cli_fail(c, CLI_FAILED, "out of memory");
	for (size_t i = 0; i < ret->n; i++) {
		_cleanup_diag_ struct diag d = {0};

		if (!ret->items[i].host &&
			diag_set(&d, EINVAL, NULL, 0, 0,
				"context %s has no Host=", ret->items[i].name) < 0 &&
			diag_list_take(&findings, &d) < 0)
			return cli_fail(c, CLI_FAILED, "out of memory");
	}
	if (!findings.n)
		return CLI_OK;
	for (size_t i = 0; i < findings.n; i++) {
		_cleanup_free_ char *text = diag_format(&findings.items[i]);

		fprintf(stderr, "%s\n", text ? text : "out of memory");
	}
	return cli_fail(c, CLI_BAD_CONFIG, "%zu mistake%s in the contexts: mend or remove the file",
		findings.n, findings.n == 1 ? "" : "s");
}

/* Makes the directories above a file, for the user alone. */
static int make_dirs(const char *file)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", file);
	for (char *at = path + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return -errno;
		*at = '/';
	}
	return 0;
}

static int write_text(int fd, const struct contexts *all)
{
	FILE *f = fdopen(fd, "w");
	int r = 0;

	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	fputs("# Written by ballastctl context; see ballastctl(1).\n", f);
	if (all->current)
		fprintf(f, "[Contexts]\nCurrent=%s\n", all->current);
	for (size_t i = 0; i < all->n; i++) {
		struct context item = all->items[i];

		if (!item.own)
			continue;
		fprintf(f, "\n[%s]\n", item.name);
		for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
			if (*field(&item, k))
				fprintf(f, "%s=%s\n", keys[k].key, *field(&item, k));
	}
	if (fflush(f) != 0 || fsync(fileno(f)) < 0)
		r = -errno;
	return fclose(f) != 0 && r == 0 ? -errno : r;
}

int contexts_write(struct cli *c, const struct contexts *all)
{
	char path[PATH_MAX], temporary[PATH_MAX + 8];
	int fd, r;

	if (!own_path(path))
		return cli_fail(
			c, CLI_FAILED, "no home directory is known: set HOME or XDG_CONFIG_HOME");
	r = make_dirs(path);
	if (r < 0)
		return cli_fail(c, CLI_FAILED, "%s: %s", path, strerror(-r));
	snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return cli_fail(c, errno == EACCES ? CLI_DENIED : CLI_FAILED, "%s: %s", temporary,
			strerror(errno));
	r = write_text(fd, all);
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(temporary);
		return cli_fail(c, CLI_FAILED, "%s: %s", path, strerror(-r));
	}
	return CLI_OK;
}
