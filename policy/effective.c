/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/effective.h"

#include "common/units.h"
#include "policy/merge.h"
#include "policy/override.h"
#include "policy/policy-set-parts.h"
#include "policy/windows.h"

/* A policy that matches the guest. */
struct matched {
	const struct policy *policy;
	uint32_t index; /* in the set */
	bool holding;	/* its condition is true, since: */
	bool active;
	uint64_t since_boot_usec;
};

/*
 * 0.5 KiB and 32 bytes a matching policy. Between two changes an update reads the epoch of the
 * windows and nothing else; a guest with conditions judges those.
 */
struct guest_policy {
	struct policy_set *set; /* a reference: origins are strings in it; NULL: never updated */
	uint64_t windows_epoch;
	uint64_t overrides_hash;
	uint64_t active_hash; /* names of the active policies; 0: never merged */
	uint64_t epoch;
	struct matched *matched; /* in the order of the set */
	size_t n_matched;
	size_t n_conditions;	      /* of those */
	struct assignment *overrides; /* those that hold now; their values own nothing */
	size_t n_overrides;
	struct merged merged;
};

struct guest_policy *guest_policy_new(void)
{
	struct guest_policy *gp = calloc(1, sizeof(*gp));

	if (gp)
		merged_reset(&gp->merged);
	return gp;
}

struct guest_policy *guest_policy_free(struct guest_policy *gp)
{
	if (!gp)
		return NULL;
	policy_set_unref(gp->set);
	free(gp->matched);
	free(gp->overrides);
	free(gp);
	return NULL;
}

/* A copy of n items, at least a valid pointer. */
static void *copy_items(const void *items, size_t n, size_t size)
{
	void *copy = calloc(n + 1, size);

	if (copy && n)
		memcpy(copy, items, n * size);
	return copy;
}

struct guest_policy *guest_policy_clone(const struct guest_policy *gp)
{
	struct guest_policy *copy = malloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *gp;
	copy->set = policy_set_ref(gp->set);
	copy->matched = copy_items(gp->matched, gp->n_matched, sizeof(*gp->matched));
	copy->overrides = copy_items(gp->overrides, gp->n_overrides, sizeof(*gp->overrides));
	if (!copy->matched || !copy->overrides)
		return guest_policy_free(copy);
	for (size_t i = 0; i < SETTING_GUEST_MAX; i++)
		if (gp->merged.from[i] && !gp->merged.from[i]->policy)
			copy->merged.from[i] =
				copy->overrides + (gp->merged.from[i] - gp->overrides);
	return copy;
}

/* --- who matches --- */

/* A reload that leaves a condition as it was leaves its time running. */
static void inherit_time(struct matched *m, const struct guest_policy *gp)
{
	for (size_t i = 0; i < gp->n_matched; i++) {
		const struct matched *old = &gp->matched[i];

		if (old->holding && streq(old->policy->name, m->policy->name) &&
			streq(condition_text(old->policy->condition),
				condition_text(m->policy->condition))) {
			m->holding = true;
			m->since_boot_usec = old->since_boot_usec;
			return;
		}
	}
}

static int match_again(
	struct guest_policy *gp, const struct policy_set *set, const struct guest_identity *id)
{
	_cleanup_free_ struct matched *matched = NULL;
	size_t n = 0, n_conditions = 0;

	for (size_t i = 0; i < policy_set_count(set); i++) {
		const struct policy *p = policy_set_at(set, i);
		struct matched *larger;

		if (p->match && !match_guest(p->match, id))
			continue;
		larger = reallocarray(matched, n + 1, sizeof(*matched));
		if (!larger)
			return -ENOMEM;
		matched = larger;
		matched[n] = (struct matched){.policy = p, .index = (uint32_t)i};
		if (p->condition) {
			n_conditions++;
			inherit_time(&matched[n], gp);
		}
		n++;
	}
	free(gp->matched);
	gp->matched = TAKE_PTR(matched);
	gp->n_matched = n;
	gp->n_conditions = n_conditions;
	/* What the old set owns is not touched from here on: the merge that follows replaces it
	 * all. */
	policy_set_unref(gp->set);
	gp->set = policy_set_ref((struct policy_set *)set);
	return 0;
}

/* --- what is active --- */

/* Has the condition held for long enough? *wake falls to when it will have. */
static bool condition_lasts(
	struct matched *m, const struct facts *facts, uint64_t now_boot_usec, uint64_t *wake)
{
	uint64_t due;

	if (!condition_holds(m->policy->condition, facts)) {
		m->holding = false;
		return false;
	}
	if (!m->holding) {
		m->holding = true;
		m->since_boot_usec = now_boot_usec;
	}
	due = add_sat(m->since_boot_usec, m->policy->lasting_usec);
	if (now_boot_usec >= due)
		return true;
	*wake = MIN(*wake, due);
	return false;
}

/* True when a policy became active or ceased to be. */
static bool judge_matched(struct guest_policy *gp, const struct policy_windows *w,
	const struct facts *facts, uint64_t now_boot_usec, uint64_t *wake)
{
	uint64_t never = USEC_INFINITY;
	bool changed = false;

	if (!gp->n_conditions && gp->windows_epoch == policy_windows_epoch(w))
		return false;
	for (size_t i = 0; i < gp->n_matched; i++) {
		struct matched *m = &gp->matched[i];
		bool active = policy_windows_open(w, m->index);

		/* The time of a condition runs while the window is closed too; only nobody needs to
		 * be woken by it. */
		if (m->policy->condition)
			active = condition_lasts(m, facts, now_boot_usec, active ? wake : &never) &&
				 active;
		changed = changed || active != m->active;
		m->active = active;
	}
	gp->windows_epoch = policy_windows_epoch(w);
	return changed;
}

/* --- overrides --- */

/* Those that hold, as assignments. They were checked when they were accepted: what does not parse
 * is passed over. */
static int take_overrides(struct guest_policy *gp, const struct override *overrides, size_t n,
	uint64_t now_boot_usec, uint64_t now_real_usec)
{
	struct assignment *taken = calloc(n + 1, sizeof(*taken));
	uint64_t ignored = USEC_INFINITY;
	size_t n_taken = 0;

	if (!taken)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct override *o = &overrides[i];

		if (override_holds(o, now_boot_usec, now_real_usec, &ignored) &&
			override_parse(o->section, o->key, o->value, &taken[n_taken], NULL) == 0)
			n_taken++;
	}
	free(gp->overrides);
	gp->overrides = taken;
	gp->n_overrides = n_taken;
	return 0;
}

/* --- the whole --- */

/* True when another policy is active than before, or a value is another one: after a reload that
 * changed nothing for this guest nothing is new. */
static bool merge(struct guest_policy *gp)
{
	struct settings before = gp->merged.settings;
	uint64_t hash = 1;
	bool changed;

	merged_reset(&gp->merged);
	for (size_t i = 0; i < gp->n_matched; i++) {
		if (!gp->matched[i].active)
			continue;
		hash = hash_string(hash, gp->matched[i].policy->name);
		merged_apply_policy(&gp->merged, gp->matched[i].policy);
	}
	for (size_t i = 0; i < gp->n_overrides; i++)
		merged_apply(&gp->merged, &gp->overrides[i]);
	merged_finish(&gp->merged);
	hash = hash ? hash : 1;
	changed = hash != gp->active_hash ||
		  memcmp(&before, &gp->merged.settings, sizeof(before)) != 0;
	gp->active_hash = hash;
	return changed;
}

int guest_policy_update(struct guest_policy *gp, const struct policy_set *set,
	const struct policy_windows *w, const struct guest_identity *id, bool identity_changed,
	const struct facts *facts, const struct override *overrides, size_t n_overrides,
	uint64_t now_boot_usec, uint64_t now_real_usec, uint64_t *ret_wake_boot_usec)
{
	bool first = !gp->set, rematch = identity_changed || gp->set != set, overridden, changed;
	uint64_t wake = USEC_INFINITY, hash;

	hash = overrides_hash(overrides, n_overrides, now_boot_usec, now_real_usec, &wake);
	overridden = hash != gp->overrides_hash;
	if (overridden &&
		take_overrides(gp, overrides, n_overrides, now_boot_usec, now_real_usec) < 0)
		return -ENOMEM;
	if (rematch && match_again(gp, set, id) < 0) {
		merge(gp); /* nothing may point to overrides that are gone */
		return -ENOMEM;
	}
	if (rematch)
		gp->windows_epoch = 0; /* which no windows have */
	gp->overrides_hash = hash;
	changed = judge_matched(gp, w, facts, now_boot_usec, &wake);
	*ret_wake_boot_usec = wake;
	if (!rematch && !overridden && !changed)
		return 0;
	if (!merge(gp) && !first && !overridden)
		return 0;
	gp->epoch++;
	return 1;
}

const struct settings *guest_policy_settings(const struct guest_policy *gp)
{
	return &gp->merged.settings;
}

uint64_t guest_policy_epoch(const struct guest_policy *gp)
{
	return gp->epoch;
}

uint64_t guest_policy_list(const struct guest_policy *gp)
{
	return gp->active_hash;
}

static const struct matched *find_matched(const struct guest_policy *gp, size_t i)
{
	for (size_t k = 0; k < gp->n_matched; k++)
		if (gp->matched[k].index == i)
			return &gp->matched[k];
	return NULL;
}

bool guest_policy_matches(const struct guest_policy *gp, size_t i)
{
	return find_matched(gp, i) != NULL;
}

bool guest_policy_active(const struct guest_policy *gp, size_t i)
{
	const struct matched *m = find_matched(gp, i);

	return m && m->active;
}

bool guest_policy_min_cut(const struct guest_policy *gp, uint64_t *ret_asked_bytes)
{
	return merged_min_cut(&gp->merged, ret_asked_bytes);
}

int guest_policy_visit(const struct guest_policy *gp, setting_visitor fn, void *userdata)
{
	return merged_visit(&gp->merged, fn, userdata);
}

int settings_visit_known(setting_visitor fn, void *userdata)
{
	static const struct origin nowhere;
	int r = 0;

	for (size_t i = 0; i < setting_table_n && r == 0; i++) {
		const struct setting *s = &setting_table[i];

		r = fn(s->section, s->key, s->default_text, &nowhere, s->in_force, userdata);
	}
	return r;
}
