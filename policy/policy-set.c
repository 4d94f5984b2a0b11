/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/policy-set.h"

#include <stdatomic.h>
#include <stdio.h>

#include "policy/policy-set-parts.h"

struct policy_set {
	atomic_uint refs;
	uint64_t generation;
	uint64_t digest;
	struct policy **policies;
	struct policy_source **own; /* NULL each: nothing is shadowed there */
	bool *stale;
	size_t n;
	struct host_settings host;
	struct diag_list notes, lost;
};

struct policy_set *policy_set_ref(struct policy_set *set)
{
	if (set)
		atomic_fetch_add(&set->refs, 1);
	return set;
}

struct policy_set *policy_set_unref(struct policy_set *set)
{
	if (!set || atomic_fetch_sub(&set->refs, 1) > 1)
		return NULL;
	for (size_t i = 0; i < set->n; i++) {
		policy_unref(set->policies[i]);
		policy_source_unref(set->own[i]);
	}
	free(set->policies);
	free(set->own);
	free(set->stale);
	diag_list_clear(&set->notes);
	diag_list_clear(&set->lost);
	free(set);
	return NULL;
}

/* FNV-1a, 64 bits: nobody attacks it, it only tells whether two hosts read the same. */
static uint64_t hash_bytes(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* Strings are hashed with their NUL and texts with their length before them, so that no two sets
 * run into the same bytes. */
static uint64_t digest_policies(struct policy *const *policies, size_t n)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < n; i++) {
		const struct policy *p = policies[i];

		h = hash_bytes(h, p->name, strlen(p->name) + 1);
		for (size_t k = 0; k < p->n_sources; k++) {
			size_t len;
			const char *text = policy_source_text(p->sources[k], &len);
			unsigned char le[8];

			for (int b = 0; b < 8; b++)
				le[b] = (unsigned char)((uint64_t)len >> (8 * b));
			h = hash_bytes(h, le, sizeof(le));
			h = hash_bytes(h, text, len);
		}
	}
	return h;
}

static void apply_host(struct policy_set *set, const struct assignment *a)
{
	union setting_value value = a->value;

	if (a->setting->scope != SETTING_OF_HOST)
		return;
	if (a->reset)
		setting_value_load(a->setting, &host_settings_default, &value);
	setting_value_store(a->setting, &value, &set->host);
	if (a->setting->offset == offsetof(struct host_settings, reserve))
		set->host.reserve_set = !a->reset;
}

/* A size of less than a page is good for nothing: a sign was forgotten. */
#define SIZE_MEANT_MIN 4096

static int note_assignment(struct policy_set *set, const struct assignment *a)
{
	_cleanup_diag_ struct diag d = {0};
	bool bare = a->setting->type == SETTING_AMOUNT && !a->value.amount.is_ratio &&
		    a->value.amount.value > 0 && a->value.amount.value < SIZE_MEANT_MIN;
	unsigned n = (unsigned)a->value.amount.value;

	if (a->reset || (a->setting->in_force && !bare))
		return 0;
	if (bare)
		diag_set(&d, 0, a->file, a->line, a->col,
			"%s=%u in [%s] is %u bytes; %u%% is a share, %uM a size", a->setting->key,
			n, a->setting->section, n, n, n);
	else
		diag_set(&d, 0, a->file, a->line, 0,
			"%s= in [%s] is accepted, not in force in this version", a->setting->key,
			a->setting->section);
	return diag_list_take(&set->notes, &d);
}

static int note_condition(struct policy_set *set, const struct policy *p)
{
	unsigned at = p->condition ? condition_zero_division(p->condition) : 0;
	_cleanup_diag_ struct diag d = {0};

	if (!at)
		return 0;
	diag_set(&d, 0, p->condition_file, p->condition_line, p->condition_col + at - 1,
		"Condition= divides by zero here: what that gives is never known, and what hangs on it never holds");
	return diag_list_take(&set->notes, &d);
}

static int note_stale(struct policy_set *set, const struct policy *p)
{
	_cleanup_diag_ struct diag d = {0};

	diag_set(&d, 0, policy_source_path(p->sources[0]), 0, 0,
		"is in force in its last good version, since what there is now is bad");
	return diag_list_take(&set->notes, &d);
}

static void take_list(struct diag_list *to, struct diag_list *from)
{
	if (!from)
		return;
	*to = *from;
	*from = (struct diag_list){0};
}

struct policy_set *policy_set_new(struct policy *const *policies, const bool *stale, size_t n,
	struct diag_list *notes, struct diag_list *lost)
{
	static _Atomic uint64_t generations;
	_cleanup_policy_set_ struct policy_set *set = calloc(1, sizeof(*set));
	int r = 0;

	if (!set)
		return NULL;
	set->refs = 1;
	set->generation = atomic_fetch_add(&generations, 1) + 1;
	set->digest = digest_policies(policies, n);
	set->host = host_settings_default;
	set->policies = calloc(n + 1, sizeof(*set->policies));
	set->stale = calloc(n + 1, sizeof(*set->stale));
	set->own = calloc(n + 1, sizeof(struct policy_source *));
	if (!set->policies || !set->stale || !set->own)
		return NULL;
	take_list(&set->notes, notes);
	take_list(&set->lost, lost);
	for (; set->n < n && r == 0; set->n++) {
		struct policy *p = policies[set->n];

		set->policies[set->n] = policy_ref(p);
		set->stale[set->n] = stale && stale[set->n];
		if (set->stale[set->n])
			r = note_stale(set, p);
		if (r == 0)
			r = note_condition(set, p);
		for (size_t k = 0; k < p->n_assignments && r == 0; k++) {
			apply_host(set, &p->assignments[k]);
			r = note_assignment(set, &p->assignments[k]);
		}
	}
	return r == 0 ? TAKE_PTR(set) : NULL;
}

const struct policy *policy_set_at(const struct policy_set *set, size_t i)
{
	return set->policies[i];
}

uint64_t policy_set_generation(const struct policy_set *set)
{
	return set->generation;
}

uint64_t policy_set_digest(const struct policy_set *set)
{
	return set->digest;
}

const struct host_settings *policy_set_host(const struct policy_set *set)
{
	return &set->host;
}

const struct diag_list *policy_set_notes(const struct policy_set *set)
{
	return &set->notes;
}

const struct diag_list *policy_set_lost(const struct policy_set *set)
{
	return &set->lost;
}

size_t policy_set_count(const struct policy_set *set)
{
	return set->n;
}

void policy_set_info(const struct policy_set *set, size_t i, struct policy_info *ret)
{
	const struct policy *p = set->policies[i];

	*ret = (struct policy_info){
		.name = p->name,
		.path = policy_source_path(p->sources[0]),
		.description = p->description,
		.condition = p->condition ? condition_text(p->condition) : "",
		.lasting_usec = p->lasting_usec,
		.on_calendar = p->on_calendar,
		.has_match = p->match != NULL,
		.stale = set->stale[i],
	};
}

const char *policy_set_text(
	const struct policy_set *set, size_t i, size_t k, const char **ret_path, size_t *ret_len)
{
	const struct policy *p = set->policies[i];

	if (k >= p->n_sources)
		return NULL;
	*ret_path = policy_source_path(p->sources[k]);
	return policy_source_text(p->sources[k], ret_len);
}

void policy_set_own(struct policy_set *set, size_t i, struct policy_source *own)
{
	policy_source_unref(set->own[i]);
	set->own[i] = own;
}

const char *policy_set_own_text(const struct policy_set *set, size_t i, size_t *ret_len)
{
	return set->own[i] ? policy_source_text(set->own[i], ret_len) : NULL;
}

int policy_set_find(const struct policy_set *set, const char *name)
{
	static const char suffix[] = ".policy";
	size_t len = strlen(name);

	for (size_t i = 0; i < set->n; i++) {
		const char *have = set->policies[i]->name;

		if (strncmp(have, name, len) == 0 && (!have[len] || streq(have + len, suffix)))
			return (int)i;
	}
	return -ENOENT;
}

static int compose_text(const struct policy_text *t, const struct zone_source *zones,
	struct policy **ret, struct diag_list *findings)
{
	_cleanup_policy_source_ struct policy_source *src =
		policy_source_new(t->path ? t->path : t->name, t->text, t->len);
	bool bad;

	return src ? policy_compose(t->name, &src, 1, zones, ret, findings, &bad) : -ENOMEM;
}

int policy_set_from_texts(const struct policy_text *texts, size_t n, const struct policy_dirs *dirs,
	struct policy_set **ret_set, struct diag_list *findings)
{
	const struct zone_source zones = {
		dirs ? dirs->zoneinfo : NULL, dirs ? dirs->localtime : NULL};
	_cleanup_diag_list_ struct diag_list unread = {0};
	struct policy **policies = calloc(n + 1, sizeof(*policies));
	int r = policies ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && r != -ENOMEM; i++) {
		int r_one = compose_text(
			&texts[i], &zones, &policies[i], findings ? findings : &unread);

		r = r_one < 0 ? r_one : r;
	}
	if (r == 0) {
		struct policy_set *set = policy_set_new(policies, NULL, n, NULL, NULL);

		if (set)
			*ret_set = set;
		else
			r = -ENOMEM;
	}
	for (size_t i = 0; policies && i < n; i++)
		policy_unref(policies[i]);
	free(policies);
	return r;
}
