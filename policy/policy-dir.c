/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/policy-dir.h"

#include <dirent.h>
#include <stdio.h>

#include "policy/policy-set-parts.h"

static void entry_clear(struct policy_entry *e)
{
	free(e->policy);
	free(e->dropin);
	free(e->path);
}

void policy_listing_clear(struct policy_listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		entry_clear(&l->entries[i]);
	free(l->entries);
	*l = (struct policy_listing){0};
}

/* Copies the strings; dropin may be NULL. */
static int listing_add(struct policy_listing *l, const char *policy, const char *dropin,
	const char *path, size_t layer, bool unlisted)
{
	struct policy_entry *e;

	if (l->n == l->allocated) {
		size_t allocated = l->allocated ? 2 * l->allocated : 16;
		struct policy_entry *entries =
			reallocarray(l->entries, allocated, sizeof(*entries));

		if (!entries)
			return -ENOMEM;
		l->entries = entries;
		l->allocated = allocated;
	}
	e = &l->entries[l->n];
	*e = (struct policy_entry){.policy = strdup(policy),
		.dropin = dropin ? strdup(dropin) : NULL,
		.path = strdup(path),
		.layer = layer,
		.unlisted = unlisted};
	if (!e->policy || !e->path || (dropin && !e->dropin)) {
		entry_clear(e);
		return -ENOMEM;
	}
	l->n++;
	return 0;
}

/* Walking one directory. */
struct scan {
	struct policy_listing *listing;
	const struct policy_set *known;
	struct diag_list *findings;
	size_t layer;
};

/* A directory cannot be read: what is known to lie below it stands. */
static int scan_known(struct scan *s, const char *dir, int error)
{
	_cleanup_diag_ struct diag d = {0};
	size_t len = strlen(dir);
	int r;

	diag_set(&d, -error, dir, 0, 0,
		"cannot be read: %s; expected a directory that this user can read",
		strerror(-error));
	r = diag_list_take(s->findings, &d);
	for (size_t i = 0; s->known && i < policy_set_count(s->known); i++) {
		const struct policy *p = policy_set_at(s->known, i);

		for (size_t k = 0; k < p->n_sources && r == 0; k++) {
			const char *path = policy_source_path(p->sources[k]);

			if (strncmp(path, dir, len) == 0 && path[len] == '/')
				r = listing_add(s->listing, p->name,
					k ? strrchr(path, '/') + 1 : NULL, path, s->layer, true);
		}
	}
	return r;
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), s = strlen(suffix);

	return n > s && name[0] != '.' && streq(name + n - s, suffix);
}

static void free_names(char ***names)
{
	for (char **p = *names; p && *p; p++)
		free(*p);
	free(*names);
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Names in dir that do not begin with a dot. Returns 0, -ENOENT, -errno. */
static int read_names(const char *dir, char ***ret)
{
	_cleanup_(close_dir) DIR *d = opendir(dir);
	_cleanup_(free_names) char **names = calloc(1, sizeof(*names));
	const struct dirent *entry;
	size_t n = 0;

	if (!d)
		return -errno;
	if (!names)
		return -ENOMEM;
	while (errno = 0, (entry = readdir(d))) {
		char **larger;

		if (entry->d_name[0] == '.')
			continue;
		larger = reallocarray(names, n + 2, sizeof(*names));
		if (!larger)
			return -ENOMEM;
		names = larger;
		names[n] = strdup(entry->d_name);
		if (!names[n])
			return -ENOMEM;
		names[++n] = NULL;
	}
	if (errno)
		return -errno;
	*ret = TAKE_PTR(names);
	return 0;
}

/* "60-night.policy.d": drop-ins of one policy. */
static int scan_dropins(struct scan *s, const char *dir, const char *name)
{
	_cleanup_free_ char *policy = strndup(name, strlen(name) - strlen(".d"));
	_cleanup_(free_names) char **names = NULL;
	int r = policy ? read_names(dir, &names) : -ENOMEM;

	if (r == -ENOENT || r == -ENOTDIR || r == -ENOMEM)
		return r == -ENOMEM ? r : 0;
	if (r < 0) {
		s->listing->layers_bad++;
		return scan_known(s, dir, r);
	}
	for (char **p = names; *p && r == 0; p++) {
		_cleanup_free_ char *path = NULL;

		if (!has_suffix(*p, ".conf"))
			continue;
		if (asprintf(&path, "%s/%s", dir, *p) < 0)
			return -ENOMEM;
		r = listing_add(s->listing, policy, *p, path, s->layer, false);
	}
	return r;
}

static int scan_layer(struct scan *s, const char *dir)
{
	_cleanup_(free_names) char **names = NULL;
	int r = read_names(dir, &names);

	if (r == -ENOENT || r == -ENOMEM)
		return r == -ENOMEM ? r : 0;
	if (r < 0) {
		s->listing->layers_bad++;
		s->listing->error = r;
		return scan_known(s, dir, r);
	}
	s->listing->layers_read++;
	for (char **p = names; *p && r == 0; p++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s/%s", dir, *p) < 0)
			return -ENOMEM;
		if (has_suffix(*p, ".policy"))
			r = listing_add(s->listing, *p, NULL, path, s->layer, false);
		else if (has_suffix(*p, ".policy.d"))
			r = scan_dropins(s, path, *p);
	}
	return r;
}

/* By policy, then its own file before drop-ins by name, then the highest layer first. */
static int compare_entries(const void *va, const void *vb)
{
	const struct policy_entry *a = va, *b = vb;
	int c = strcmp(a->policy, b->policy);

	if (c == 0)
		c = strcmp(a->dropin ? a->dropin : "", b->dropin ? b->dropin : "");
	if (c == 0)
		c = a->layer < b->layer ? 1 : a->layer > b->layer ? -1 : 0;
	return c;
}

static bool same_name(const struct policy_entry *a, const struct policy_entry *b)
{
	return streq(a->policy, b->policy) &&
	       streq(a->dropin ? a->dropin : "", b->dropin ? b->dropin : "");
}

static void drop_shadowed(struct policy_listing *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (n && same_name(&l->entries[n - 1], &l->entries[i]))
			entry_clear(&l->entries[i]);
		else
			l->entries[n++] = l->entries[i];
	}
	l->n = n;
}

/* The file's place in this layer is what the change says. */
static int change_layer(struct policy_listing *l, const struct policy_change *c, size_t layer)
{
	_cleanup_free_ char *path = NULL;
	size_t n = 0;
	int r;

	for (size_t i = 0; i < l->n; i++) {
		struct policy_entry *e = &l->entries[i];

		if (e->layer == layer && !e->dropin && streq(e->policy, c->name))
			entry_clear(e);
		else
			l->entries[n++] = *e;
	}
	l->n = n;
	if (!c->text)
		return 0;
	if (asprintf(&path, "%s/%s", c->dir, c->name) < 0)
		return -ENOMEM;
	r = listing_add(l, c->name, NULL, path, layer, false);
	if (r < 0)
		return r;
	l->entries[l->n - 1].text = c->text;
	l->entries[l->n - 1].len = c->len;
	return 0;
}

static const struct policy_given *find_given(const struct policy_dirs *dirs, const char *dir)
{
	for (size_t i = 0; i < dirs->n_given; i++)
		if (streq(dirs->given[i].dir, dir))
			return &dirs->given[i];
	return NULL;
}

static int given_layer(struct scan *s, const struct policy_given *given)
{
	int r = 0;

	s->listing->layers_read++;
	for (size_t i = 0; i < given->n && r == 0; i++)
		r = change_layer(s->listing, &given->files[i], s->layer);
	return r;
}

int policy_listing_read(const struct policy_dirs *dirs, const struct policy_set *known,
	struct policy_listing *ret, struct diag_list *findings)
{
	_cleanup_policy_listing_ struct policy_listing l = {0};
	struct scan s = {.listing = &l, .known = known, .findings = findings};

	for (; dirs->dirs[s.layer]; s.layer++) {
		const struct policy_given *given = find_given(dirs, dirs->dirs[s.layer]);
		int r = given ? given_layer(&s, given) : scan_layer(&s, dirs->dirs[s.layer]);

		if (r == 0 && dirs->change && streq(dirs->change->dir, dirs->dirs[s.layer]))
			r = change_layer(&l, dirs->change, s.layer);
		if (r < 0)
			return r;
	}
	if (l.n)
		qsort(l.entries, l.n, sizeof(*l.entries), compare_entries);
	drop_shadowed(&l);
	*ret = l;
	l = (struct policy_listing){0};
	return 0;
}
