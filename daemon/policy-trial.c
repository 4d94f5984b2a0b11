/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/policy-trial.h"

#include <stdio.h>

#include "common/units.h"
#include "policy/policy-set.h"
#include "policy/what-if.h"

#define SETTINGS_MAX 64

struct setting_now {
	char section[24], key[32], value[256], from[512];
};

/* Every setting of one answer, in table order. */
struct settings_now {
	struct setting_now items[SETTINGS_MAX];
	size_t n;
};

struct trial {
	const struct view_input *k;
	const struct policy_set *old, *new;
	uint64_t at_real_usec;
	int policy;    /* its index in new, or -ENOENT */
	bool *unknown; /* policies of new whose condition asks what is not known */
	struct json_out *matches, *changes;
	size_t n_changes;
	bool truncated;
	struct settings_now before, after;
};

static void host_facts(const struct view_input *k, struct facts *f)
{
	const struct host_sample *h = &k->snapshot->host;
	const struct plan *p = k->plan;
	uint64_t running = 0;

	*f = (struct facts){0};
	facts_set(f, FACT_HOST_SWAP_TOTAL, h->swap_total_bytes);
	facts_set(f, FACT_HOST_SWAP_USED, sub_sat(h->swap_total_bytes, h->swap_free_bytes));
	for (size_t i = 0; i < k->snapshot->n_guests; i++)
		running += k->snapshot->guests[i].running;
	facts_set(f, FACT_HOST_GUESTS, running);
	if (!p)
		return;
	facts_set(f, FACT_HOST_MEM_TOTAL, p->memory_bytes);
	facts_set(f, FACT_HOST_MEM_AVAILABLE,
		sub_sat(add_sat(p->budget_bytes, p->reserve_bytes), p->charged_bytes));
}

/* As decide() fills them; what the plan does not tell (shares of a second) is not known. */
static void guest_facts(const struct view_input *k, size_t i, struct facts *f)
{
	const struct guest_sample *g = &k->snapshot->guests[i];
	const struct plan_guest *p = k->plan && i < k->plan->n_guests ? &k->plan->guests[i] : NULL;

	facts_set(f, FACT_GUEST_MEM_MAX, g->max_bytes);
	facts_set(f, FACT_GUEST_MEM_ACTUAL, g->actual_bytes);
	facts_set(f, FACT_GUEST_VCPUS, g->vcpus);
	if (g->started_usec)
		facts_set(f, FACT_GUEST_AGE, sub_sat(k->snapshot->now_boot_usec, g->started_usec));
	if (!p || !p->known || p->stale)
		return;
	facts_set(f, FACT_GUEST_MEM_USED, p->used_bytes);
	facts_set(f, FACT_GUEST_MEM_AVAILABLE, g->report.available_bytes);
	facts_set(f, FACT_GUEST_VCPU_DELAY, p->vcpu_delay_permyriad);
	if (g->report.has_swap) {
		facts_set(f, FACT_GUEST_SWAP_TOTAL, g->report.swap_total_bytes);
		facts_set(f, FACT_GUEST_SWAP_USED,
			sub_sat(g->report.swap_total_bytes, g->report.swap_free_bytes));
	}
	if (g->report.has_psi)
		facts_set(f, FACT_GUEST_PSI_MEM_SOME, p->stall_permyriad);
	if (g->report.has_counters)
		facts_set(f, FACT_GUEST_REFAULTS, p->refaults_per_sec);
}

static int collect(const char *section, const char *key, const char *value,
	const struct origin *origin, bool in_force, void *userdata)
{
	struct settings_now *l = userdata;
	struct setting_now *s = &l->items[l->n];

	if (l->n == SETTINGS_MAX)
		return -E2BIG;
	snprintf(s->section, sizeof(s->section), "%s", section);
	snprintf(s->key, sizeof(s->key), "%s", key);
	snprintf(s->value, sizeof(s->value), "%s", value);
	if (origin->file)
		snprintf(s->from, sizeof(s->from), "%s:%u",
			origin->policy ? origin->policy : origin->file, origin->line);
	else
		snprintf(s->from, sizeof(s->from), "default");
	l->n++;
	return 0;
}

static void write_guest(const struct guest_sample *g, struct json_out *o)
{
	char uuid[UUID_TEXT_MAX];

	json_out_key_string(o, "guest", g->id.name);
	json_out_key_string(o, "uuid", uuid_format(&g->id.uuid, uuid));
}

static void compare(struct trial *t, const struct guest_sample *g)
{
	for (size_t i = 0; i < t->after.n && i < t->before.n; i++) {
		const struct setting_now *a = &t->before.items[i], *b = &t->after.items[i];

		if (streq(a->value, b->value))
			continue;
		if (t->n_changes++ >= POLICY_TRIAL_CHANGES_MAX) {
			t->truncated = true;
			return;
		}
		json_out_open(t->changes, '{');
		write_guest(g, t->changes);
		json_out_key_string(t->changes, "section", b->section);
		json_out_key_string(t->changes, "key", b->key);
		json_out_key_string(t->changes, "from", a->value);
		json_out_key_string(t->changes, "to", b->value);
		json_out_key_string(t->changes, "origin", b->from);
		json_out_close(t->changes, '}');
	}
}

static int ask(const struct policy_set *set, const struct what_if *q, struct settings_now *settings,
	struct what_if_answer **ret)
{
	_cleanup_diag_ struct diag d = {0};
	int r = what_if(set, q, ret, &d);

	settings->n = 0;
	return r < 0 ? r : what_if_visit(*ret, collect, settings);
}

static void note_match(
	struct trial *t, const struct guest_sample *g, const struct what_if_answer *a)
{
	enum policy_verdict verdict;

	for (size_t i = 0; i < policy_set_count(t->new); i++)
		t->unknown[i] |= what_if_verdict(a, i) == POLICY_CONDITION_UNKNOWN;
	if (t->policy < 0)
		return;
	verdict = what_if_verdict(a, (size_t)t->policy);
	if (verdict == POLICY_NO_MATCH)
		return;
	json_out_open(t->matches, '{');
	write_guest(g, t->matches);
	json_out_key_string(t->matches, "verdict", policy_verdict_to_string(verdict));
	json_out_close(t->matches, '}');
}

static int try_guest(struct trial *t, size_t i, struct facts *facts, struct override *own)
{
	const struct snapshot *s = t->k->snapshot;
	const struct guest_sample *g = &s->guests[i];
	_cleanup_what_if_answer_ struct what_if_answer *before = NULL, *after = NULL;
	struct what_if q = {
		.id = g->id, .now_real_usec = t->at_real_usec, .facts = facts, .overrides = own};
	int r;

	for (size_t k = 0; k < s->n_overrides; k++)
		if (uuid_equal(&s->overrides[k].guest, &g->id.uuid))
			own[q.n_overrides++] = s->overrides[k];
	guest_facts(t->k, i, facts);
	r = ask(t->old, &q, &t->before, &before);
	if (r >= 0)
		r = ask(t->new, &q, &t->after, &after);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	note_match(t, g, after);
	compare(t, g);
	return 0;
}

static int try_all(struct trial *t)
{
	const struct snapshot *s = t->k->snapshot;
	_cleanup_free_ struct override *own = calloc(s->n_overrides + 1, sizeof(*own));
	struct facts host, facts;
	int r = own ? 0 : -ENOMEM;

	host_facts(t->k, &host);
	for (size_t i = 0; i < s->n_guests && r >= 0 && !t->truncated; i++) {
		facts = host;
		r = try_guest(t, i, &facts, own);
	}
	return r;
}

static void put_list(struct json_out *o, const char *key, struct json_out *items)
{
	json_out_key(o, key);
	json_out_open(o, '[');
	if (items->len)
		json_out_raw(o, items->buf, items->len);
	json_out_close(o, ']');
}

static void put_unknown(const struct trial *t, struct json_out *o)
{
	struct policy_info info;

	json_out_key(o, "conditions_unknown");
	json_out_open(o, '[');
	for (size_t i = 0; i < policy_set_count(t->new); i++)
		if (t->unknown[i]) {
			policy_set_info(t->new, i, &info);
			json_out_string(o, info.name);
		}
	json_out_close(o, ']');
}

int policy_trial(const struct view_input *k, const struct policy_set *old,
	const struct policy_set *new, const char *name, uint64_t at_real_usec, struct json_out *o)
{
	_cleanup_json_out_ struct json_out matches = {0}, changes = {0};
	_cleanup_free_ struct trial *t = calloc(1, sizeof(*t));
	_cleanup_free_ bool *unknown = calloc(policy_set_count(new) + 1, sizeof(*unknown));
	bool guests = k && k->snapshot;
	int r;

	if (!t || !unknown)
		return -ENOMEM;
	*t = (struct trial){.k = k,
		.old = old,
		.new = new,
		.policy = policy_set_find(new, name),
		.unknown = unknown,
		.matches = &matches,
		.changes = &changes};
	t->at_real_usec = at_real_usec || !guests ? at_real_usec : k->snapshot->now_real_usec;
	r = guests ? try_all(t) : 0;
	if (r < 0 || matches.failed || changes.failed)
		return -ENOMEM;
	json_out_key_time(o, "at", t->at_real_usec);
	json_out_key_u64(o, "guests", guests ? k->snapshot->n_guests : 0);
	put_list(o, "matches", &matches);
	put_list(o, "changes", &changes);
	put_unknown(t, o);
	json_out_key_bool(o, "truncated", t->truncated);
	return 0;
}
