/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* policy_set_load(): directories to a set, with the last good version of what is bad. */
#include "policy/policy-set.h"

#include <stdio.h>
#include <sys/stat.h>

#include "common/ini.h"
#include "policy/policy-dir.h"
#include "policy/policy-set-parts.h"

/* One file of a policy, while it is read. */
struct slot {
	struct policy_source *source; /* NULL: masked, or bad without a last good version */
	bool stale;
	bool bad; /* as it is now */
};

/* One policy being read. */
struct reading {
	const struct policy_entry *entries; /* its own file, then its drop-ins */
	size_t n;
	struct slot *slots;	   /* one an entry */
	const struct policy *last; /* its last good version, or NULL */
	const struct zone_source *zones;
	struct diag_list *findings;
	int bad; /* files that are */
};

static void reading_clear(struct reading *rd)
{
	for (size_t i = 0; rd->slots && i < rd->n; i++)
		policy_source_unref(rd->slots[i].source);
	free(rd->slots);
}

static int found(struct diag_list *findings, struct diag *d)
{
	int r = diag_list_take(findings, d);

	return r < 0 ? r : 1;
}

/* What the last good version had in this file's place: by path for a drop-in, the policy's own file
 * by name alone. */
static struct policy_source *last_source(const struct reading *rd, size_t i)
{
	if (!rd->last)
		return NULL;
	if (!rd->entries[i].dropin)
		return policy_source_ref(rd->last->sources[0]);
	for (size_t k = 1; k < rd->last->n_sources; k++)
		if (streq(policy_source_path(rd->last->sources[k]), rd->entries[i].path))
			return policy_source_ref(rd->last->sources[k]);
	return NULL;
}

static void use_last(struct reading *rd, size_t i)
{
	policy_source_unref(rd->slots[i].source);
	rd->slots[i].source = last_source(rd, i);
	rd->slots[i].stale = true;
}

/* As systemd has it: a link to /dev/null and an empty file both say "not this one". */
static bool is_mask(const struct stat *st)
{
	return S_ISCHR(st->st_mode) || (S_ISREG(st->st_mode) && st->st_size == 0);
}

/* Returns 0 with *ret (NULL: masked or gone meanwhile), 1 with a finding, or -ENOMEM. */
static int read_source(const char *path, struct policy_source **ret, struct diag_list *findings)
{
	_cleanup_diag_ struct diag d = {0};
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t len;

	*ret = NULL;
	if (stat(path, &st) < 0) {
		struct stat link;

		if (errno == ENOENT && lstat(path, &link) < 0 && errno == ENOENT)
			return 0;
		diag_set(&d, EINVAL, path, 0, 0,
			"cannot be read: %m; expected a file, or a link to one");
		return found(findings, &d);
	}
	if (is_mask(&st))
		return 0;
	if (!S_ISREG(st.st_mode)) {
		diag_set(
			&d, EINVAL, path, 0, 0, "is not a file; expected a file, or a link to one");
		return found(findings, &d);
	}
	if (ini_read_file(path, &text, &len, &d) < 0)
		return found(findings, &d);
	*ret = policy_source_new(path, text, len);
	return *ret ? 0 : -ENOMEM;
}

static int read_entry(
	const struct policy_entry *e, struct policy_source **ret, struct diag_list *findings)
{
	if (!e->text)
		return read_source(e->path, ret, findings);
	*ret = e->len ? policy_source_new(e->path, e->text, e->len)
		      : NULL; /* an empty file is a mask */
	return *ret || !e->len ? 0 : -ENOMEM;
}

static int read_sources(struct reading *rd)
{
	for (size_t i = 0; i < rd->n; i++) {
		int r = 0;

		if (rd->entries[i].unlisted)
			use_last(rd, i);
		else
			r = read_entry(&rd->entries[i], &rd->slots[i].source, rd->findings);
		if (r < 0)
			return r;
		if (r > 0) {
			rd->bad++;
			rd->slots[i].bad = true;
			use_last(rd, i);
		}
		if (i == 0 && !rd->slots[0].source)
			return 0; /* masked, or not to be had: its drop-ins do not matter */
	}
	return 0;
}

/* Composes the first n entries. bad[i] is of entry i. */
static int compose(const struct reading *rd, size_t n, struct policy **ret,
	struct diag_list *findings, bool *bad)
{
	_cleanup_free_ struct policy_source **sources = calloc(n, sizeof(*sources));
	_cleanup_free_ bool *source_bad = calloc(n, sizeof(*source_bad));
	size_t n_sources = 0;
	int r;

	if (!sources || !source_bad)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (rd->slots[i].source)
			sources[n_sources++] = rd->slots[i].source;
	r = policy_compose(
		rd->entries[0].policy, sources, n_sources, rd->zones, ret, findings, source_bad);
	for (size_t i = 0, k = 0; i < n; i++)
		bad[i] = rd->slots[i].source && source_bad[k++];
	return r;
}

/* Without a last good version: its own file, and each drop-in with which it is still good. */
static int compose_what_fits(struct reading *rd, struct policy **ret, bool *bad)
{
	_cleanup_diag_list_ struct diag_list said = {0};
	int r = compose(rd, 1, ret, &said, bad);

	for (size_t n = 2; n <= rd->n && r == 0; n++) {
		struct policy *more = NULL;

		r = compose(rd, n, &more, &said, bad);
		if (r == 0) {
			policy_unref(*ret);
			*ret = more;
		} else if (r == -EBADMSG) {
			rd->slots[n - 1].source = policy_source_unref(rd->slots[n - 1].source);
			rd->slots[n - 1].bad = true;
			r = 0;
		}
	}
	return r == -EBADMSG ? 0 : r;
}

/* Composes what was read; where that is bad, as much of it as is good with last good versions. *ret
 * NULL: nothing. */
static int compose_best(struct reading *rd, struct policy **ret, bool *ret_stale)
{
	_cleanup_diag_list_ struct diag_list said = {0};
	_cleanup_free_ bool *bad = calloc(rd->n, sizeof(*bad));
	bool any_bad = false;
	int r;

	if (!bad)
		return -ENOMEM;
	r = compose(rd, rd->n, ret, rd->findings, bad);
	for (size_t i = 0; r == -EBADMSG && i < rd->n; i++) {
		if (bad[i]) {
			any_bad = true;
			rd->bad++;
			rd->slots[i].bad = true;
			use_last(rd, i);
		}
	}
	if (any_bad && rd->slots[0].source)
		r = compose(rd, rd->n, ret, &said, bad);
	else if (r == -EBADMSG && !any_bad)
		rd->bad++; /* its files are good each for itself, and bad together */
	if (r == 0)
		for (size_t i = 0; i < rd->n; i++)
			*ret_stale = *ret_stale || (rd->slots[i].stale && rd->slots[i].source);
	if (r != -EBADMSG)
		return r;
	if (rd->last) {
		*ret = policy_ref((struct policy *)rd->last);
		*ret_stale = true;
		return 0;
	}
	return rd->slots[0].source ? compose_what_fits(rd, ret, bad) : 0;
}

static int note_orphans(const struct policy_entry *e, struct diag_list *notes)
{
	_cleanup_diag_ struct diag d = {0};

	diag_set(&d, 0, e->path, 0, 0, "is a drop-in of %s, which does not exist: it has no effect",
		e->policy);
	return diag_list_take(notes, &d);
}

/* Reads the policy of these n entries. *ret NULL: masked, or bad without a last good version. */
static int read_policy(
	struct reading *rd, struct policy **ret, bool *ret_stale, struct diag_list *notes)
{
	int r;

	*ret = NULL;
	*ret_stale = false;
	if (rd->entries[0].dropin)
		return note_orphans(&rd->entries[0], notes);
	rd->slots = calloc(rd->n, sizeof(*rd->slots));
	if (!rd->slots)
		return -ENOMEM;
	r = read_sources(rd);
	if (r < 0 || !rd->slots[0].source)
		return r;
	return compose_best(rd, ret, ret_stale);
}

/* All policies read so far. */
struct load {
	struct policy **policies;
	bool *stale;
	size_t n;
	struct diag_list notes, lost;
};

static void load_clear(struct load *ld)
{
	for (size_t i = 0; i < ld->n; i++)
		policy_unref(ld->policies[i]);
	free(ld->policies);
	free(ld->stale);
	diag_list_clear(&ld->notes);
	diag_list_clear(&ld->lost);
}

static int note_lost(struct diag_list *lost, const char *path, const struct diag_list *findings)
{
	_cleanup_diag_ struct diag d = {0};
	const struct diag *first = NULL;

	for (size_t i = 0; i < findings->n && !first; i++)
		if (findings->items[i].file && streq(findings->items[i].file, path))
			first = &findings->items[i];
	diag_set(&d, 0, path, first ? first->line : 0, first ? first->col : 0, "%s",
		first ? first->text : "contradicts another file of its policy");
	return diag_list_take(lost, &d);
}

/* What is bad in this policy, and in force in no version. */
static int note_lost_files(
	const struct reading *rd, const struct policy *policy, struct diag_list *lost)
{
	int r = 0;

	for (size_t i = 0; rd->bad && rd->slots && i < rd->n && r == 0; i++) {
		const struct slot *s = &rd->slots[i];

		if (policy ? s->bad && !s->source : s->bad || i == 0)
			r = note_lost(lost, rd->entries[i].path, rd->findings);
	}
	return r;
}

static const struct policy *find_last(const struct policy_set *set, const char *name)
{
	for (size_t i = 0; set && i < policy_set_count(set); i++)
		if (streq(policy_set_at(set, i)->name, name))
			return policy_set_at(set, i);
	return NULL;
}

static int load_entries(struct load *ld, const struct policy_listing *l,
	const struct policy_set *last_good, const struct zone_source *zones,
	struct diag_list *findings)
{
	int bad = 0;

	ld->policies = calloc(l->n + 1, sizeof(*ld->policies));
	ld->stale = calloc(l->n + 1, sizeof(*ld->stale));
	if (!ld->policies || !ld->stale)
		return -ENOMEM;
	for (size_t i = 0, n; i < l->n; i += n) {
		const struct policy_entry *e = &l->entries[i];
		_cleanup_(reading_clear) struct reading rd = {.entries = e,
			.last = find_last(last_good, e->policy),
			.zones = zones,
			.findings = findings};
		int r;

		for (n = 1; i + n < l->n && streq(e[n].policy, e->policy); n++)
			;
		rd.n = n;
		r = read_policy(&rd, &ld->policies[ld->n], &ld->stale[ld->n], &ld->notes);
		if (r >= 0)
			r = note_lost_files(&rd, ld->policies[ld->n], &ld->lost);
		if (r < 0)
			return r;
		ld->n += ld->policies[ld->n] != NULL;
		bad += rd.bad;
	}
	return bad;
}

/* What the API has under this name, where that is not what is in force: *ret NULL where it has
 * nothing, or nothing that can be read. Returns 0 or -ENOMEM. */
static int read_own(
	const struct policy_dirs *dirs, const struct policy *p, struct policy_source **ret)
{
	const struct policy_change *c = dirs->change;
	_cleanup_diag_list_ struct diag_list unread = {0};
	_cleanup_free_ char *path = NULL;

	*ret = NULL;
	if (asprintf(&path, "%s/%s", dirs->own, p->name) < 0)
		return -ENOMEM;
	if (streq(policy_source_path(p->sources[0]), path))
		return 0;
	if (!c || !streq(c->dir, dirs->own) || !streq(c->name, p->name))
		return MIN(read_source(path, ret, &unread), 0);
	if (c->text)
		*ret = policy_source_new(path, c->text, c->len);
	return *ret || !c->text ? 0 : -ENOMEM;
}

static int load_own(const struct policy_dirs *dirs, struct policy_set *set)
{
	int r = 0;

	for (size_t i = 0; dirs->own && i < policy_set_count(set) && r == 0; i++) {
		struct policy_source *own;

		r = read_own(dirs, policy_set_at(set, i), &own);
		if (r == 0 && own)
			policy_set_own(set, i, own);
	}
	return r;
}

int policy_set_load(const struct policy_dirs *dirs, struct policy_set *last_good,
	struct policy_set **ret_set, struct diag_list *findings)
{
	const struct zone_source zones = {dirs->zoneinfo, dirs->localtime};
	_cleanup_policy_listing_ struct policy_listing l = {0};
	_cleanup_diag_list_ struct diag_list unread = {0};
	_cleanup_(load_clear) struct load ld = {0};
	_cleanup_policy_set_ struct policy_set *set = NULL;
	size_t before;
	int r, bad;

	if (!findings)
		findings = &unread;
	before = findings->n;
	r = policy_listing_read(dirs, last_good, &l, findings);
	/* What it finds bad are directories; what a set of before knows of them stays. */
	for (size_t i = before; !last_good && r == 0 && i < findings->n; i++)
		r = note_lost(&ld.lost, findings->items[i].file, findings);
	if (r < 0)
		return r;
	if (l.layers_bad && !l.layers_read && !last_good)
		return l.error;
	bad = load_entries(&ld, &l, last_good, &zones, findings);
	if (bad < 0)
		return bad;
	set = policy_set_new(ld.policies, ld.stale, ld.n, &ld.notes, &ld.lost);
	if (!set || load_own(dirs, set) < 0)
		return -ENOMEM;
	*ret_set = TAKE_PTR(set);
	return bad + (int)l.layers_bad;
}
