/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/conf.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>

#include "common/conf-key.h"
#include "common/ini.h"

/* The files: which there are, what each line means, and what is wrong with it. */

struct reading {
	struct conf *conf;
	struct diag_list *findings;
};

static int unknown_section(const struct ini_entry *e, struct diag *d)
{
	const char *known[CONF_KEYS + 1] = {0}, *near;

	for (size_t i = 0; i < CONF_KEYS; i++)
		known[i] = conf_keys[i].section;
	near = nearest_word(e->section, known);
	return diag_set(d, EBADMSG, e->file, e->line, e->key_col,
		near ? "unknown section [%s], did you mean [%s]?" : "unknown section [%s]",
		e->section, near);
}

static int unknown_key(const struct ini_entry *e, struct diag *d)
{
	const char *known[CONF_KEYS + 1] = {0}, *near;
	size_t n = 0;

	for (size_t i = 0; i < CONF_KEYS; i++)
		if (streq(conf_keys[i].section, e->section))
			known[n++] = conf_keys[i].key;
	if (!n)
		return *e->section
			       ? 0 /* its header was reported */
			       : diag_set(d, EBADMSG, e->file, e->line, e->key_col,
					 "%s= stands before any section, expected [Daemon] or another first",
					 e->key);
	near = nearest_word(e->key, known);
	return diag_set(d, EBADMSG, e->file, e->line, e->key_col,
		near ? "unknown key \"%s\" in [%s], did you mean \"%s\"?"
		     : "unknown key \"%s\" in [%s]",
		e->key, e->section, near);
}

static bool section_known(const char *section)
{
	for (size_t i = 0; i < CONF_KEYS; i++)
		if (streq(conf_keys[i].section, section))
			return true;
	return false;
}

static int judge_entry(struct conf *c, const struct ini_entry *e, struct diag *d)
{
	int r;

	if (!e->key)
		return section_known(e->section) ? 0 : unknown_section(e, d);
	for (size_t i = 0; i < CONF_KEYS; i++) {
		if (!streq(conf_keys[i].section, e->section) || !streq(conf_keys[i].key, e->key))
			continue;
		r = conf_set(c, &conf_keys[i], e->value, d);
		if (r < 0 && r != -ENOMEM) {
			/* The parser counted from the start of the value. */
			_cleanup_free_ char *text = TAKE_PTR(d->text);
			unsigned col = d->col ? d->col - 1 : 0;

			return diag_set(d, EBADMSG, e->file, e->line, e->value_col + col, "%s: %s",
				e->key, text ? text : "bad value");
		}
		return r;
	}
	return unknown_key(e, d);
}

/* Collects findings, so that one reading shows all mistakes. */
static int conf_entry(const struct ini_entry *e, void *userdata, struct diag *d)
{
	struct reading *rd = userdata;
	_cleanup_diag_ struct diag found = {0};
	int r = judge_entry(rd->conf, e, &found);

	if (r == -EBADMSG)
		return diag_list_take(rd->findings, &found);
	return r;
}

static int conf_read_file(const char *path, bool must_exist, struct reading *rd)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_diag_ struct diag d = {0};
	size_t len = 0;
	int r;

	r = ini_read_file(path, &text, &len, &d);
	if (r == -ENOENT && !must_exist)
		return 0;
	if (r >= 0)
		r = ini_parse(path, text, len, conf_entry, rd, &d);
	if (r < 0 && d.text && diag_list_take(rd->findings, &d) < 0)
		return -ENOMEM;
	return r == -EBADMSG ? 0 : r; /* the others are still read, for their findings */
}

static int is_dropin(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return e->d_name[0] != '.' && len > 5 && streq(e->d_name + len - 5, ".conf");
}

/* What stands in a directory that cannot be listed is not known: passing over it would be to pass
 * over what somebody set. */
static int dropins_unread(const char *dir, int error, struct reading *rd)
{
	_cleanup_diag_ struct diag d = {0};

	if (error == ENOTDIR)
		diag_set(&d, error, dir, 0, 0,
			"is not a directory; expected one of *.conf files, or nothing of this name");
	else
		diag_set(&d, error, dir, 0, 0,
			"cannot be read: %s; expected a directory that this user can read",
			strerror(error));
	return diag_list_take(rd->findings, &d) < 0 ? -ENOMEM : -error;
}

static int conf_read_dropins(const char *path, struct reading *rd)
{
	struct dirent **entries = NULL;
	char dir[PATH_MAX], file[PATH_MAX];
	int n, r = 0;

	if ((size_t)snprintf(dir, sizeof(dir), "%s.d", path) >= sizeof(dir))
		return -ENAMETOOLONG;
	n = scandir(dir, &entries, is_dropin, alphasort);
	if (n < 0)
		return errno == ENOENT	 ? 0
		       : errno == ENOMEM ? -ENOMEM
					 : dropins_unread(dir, errno, rd);
	for (int i = 0; i < n; i++) {
		if ((size_t)snprintf(file, sizeof(file), "%s/%s", dir, entries[i]->d_name) >=
			sizeof(file))
			r = -ENAMETOOLONG;
		if (r >= 0)
			r = conf_read_file(file, true, rd);
		free(entries[i]);
	}
	free(entries);
	return r;
}

int conf_host_name(const struct conf *c, char *buf, size_t size)
{
	buf[size - 1] = '\0';
	if (c->host_name)
		snprintf(buf, size, "%s", c->host_name);
	else if (gethostname(buf, size - 1) < 0)
		return -errno;
	return 0;
}

static int conf_defaults(struct conf *c)
{
	_cleanup_diag_ struct diag d = {0};
	int r = 0;

	for (size_t i = 0; i < CONF_KEYS && r >= 0; i++)
		r = conf_set(c, &conf_keys[i], "", &d);
	return r;
}

int conf_load(const char *path, bool must_exist, struct conf *ret, struct diag_list *findings)
{
	_cleanup_conf_ struct conf c = {0};
	struct reading rd = {&c, findings};
	int r = conf_defaults(&c);

	if (r >= 0)
		r = conf_read_file(path, must_exist, &rd);
	if (r >= 0)
		r = conf_read_dropins(path, &rd);
	if (r < 0)
		return r;
	if (findings->n)
		return -EBADMSG;
	*ret = c;
	c = (struct conf){0};
	return 0;
}

int conf_load_good(const char *path, bool must_exist, struct conf *ret, struct diag_list *findings)
{
	_cleanup_conf_ struct conf c = {0};
	struct reading rd = {&c, findings};
	int r = conf_defaults(&c), main_read, dropins_read;

	if (r < 0)
		return r;
	main_read = conf_read_file(path, must_exist, &rd);
	dropins_read = conf_read_dropins(path, &rd);
	if (main_read == -ENOMEM || dropins_read == -ENOMEM)
		return -ENOMEM;
	*ret = c;
	c = (struct conf){0};
	return main_read < 0 || dropins_read < 0;
}

char *conf_beside_socket(const struct conf *c, const char *name)
{
	const char *slash = c->socket ? strrchr(c->socket, '/') : NULL;
	char *path;

	if (!slash || asprintf(&path, "%.*s/%s", (int)(slash - c->socket), c->socket, name) < 0)
		return NULL;
	return path;
}
