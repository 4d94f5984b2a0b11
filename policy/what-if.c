/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/what-if.h"

#include "policy/calendar.h"
#include "policy/merge.h"
#include "policy/override.h"
#include "policy/policy-set-parts.h"

DEFINE_STRTAB(policy_verdict, enum policy_verdict, POLICY_VERDICT_MAX, "active", "no-match",
	"closed", "condition-false", "condition-unknown", "match-unknown")

struct what_if_answer {
	struct policy_set *set;
	enum policy_verdict *verdicts; /* one a policy */
	struct assignment *overrides;
	uint64_t next_change_usec;
	struct merged merged;
};

struct what_if_answer *what_if_answer_free(struct what_if_answer *a)
{
	if (!a)
		return NULL;
	policy_set_unref(a->set);
	free(a->verdicts);
	free(a->overrides);
	free(a);
	return NULL;
}

static enum policy_verdict judge_condition(const struct condition *c, const struct what_if *q)
{
	static const struct facts nothing;

	if (q->conditions_hold)
		return POLICY_ACTIVE;
	switch (condition_judge(c, q->facts ? q->facts : &nothing)) {
	case CONDITION_TRUE:
		return POLICY_ACTIVE;
	case CONDITION_FALSE:
		return POLICY_CONDITION_FALSE;
	default:
		return POLICY_CONDITION_UNKNOWN;
	}
}

static enum policy_verdict judge_policy(
	const struct policy *p, const struct what_if *q, uint64_t *next_change_usec)
{
	enum match_answer match =
		p->match ? match_judge(p->match, &q->id, q->unknown_keys) : MATCH_YES;
	enum policy_verdict verdict = POLICY_ACTIVE;
	uint64_t next;
	bool open;

	if (match == MATCH_NO)
		return POLICY_NO_MATCH;
	if (p->schedule) {
		schedule_judge(p->schedule, q->now_real_usec, &open, &next);
		*next_change_usec = MIN(*next_change_usec, next);
		if (!open)
			return POLICY_CLOSED;
	}
	if (p->condition)
		verdict = judge_condition(p->condition, q);
	return match == MATCH_UNKNOWN && verdict != POLICY_CONDITION_FALSE ? POLICY_MATCH_UNKNOWN
									    : verdict;
}

int what_if(const struct policy_set *set, const struct what_if *question,
	struct what_if_answer **ret, struct diag *d)
{
	_cleanup_what_if_answer_ struct what_if_answer *a = calloc(1, sizeof(*a));
	size_t n = policy_set_count(set);

	if (!a)
		return -ENOMEM;
	a->set = policy_set_ref((struct policy_set *)set);
	a->verdicts = calloc(n + 1, sizeof(*a->verdicts));
	a->overrides = calloc(question->n_overrides + 1, sizeof(*a->overrides));
	a->next_change_usec = USEC_INFINITY;
	if (!a->verdicts || !a->overrides)
		return -ENOMEM;
	merged_reset(&a->merged);
	for (size_t i = 0; i < n; i++) {
		const struct policy *p = policy_set_at(set, i);

		a->verdicts[i] = judge_policy(p, question, &a->next_change_usec);
		if (a->verdicts[i] == POLICY_ACTIVE)
			merged_apply_policy(&a->merged, p);
	}
	for (size_t i = 0; i < question->n_overrides; i++) {
		const struct override *o = &question->overrides[i];
		int r = override_parse(o->section, o->key, o->value, &a->overrides[i], d);

		if (r < 0)
			return r;
		merged_apply(&a->merged, &a->overrides[i]);
	}
	merged_finish(&a->merged);
	*ret = TAKE_PTR(a);
	return 0;
}

const struct settings *what_if_settings(const struct what_if_answer *a)
{
	return &a->merged.settings;
}

int what_if_visit(const struct what_if_answer *a, setting_visitor fn, void *userdata)
{
	return merged_visit(&a->merged, fn, userdata);
}

bool what_if_min_cut(const struct what_if_answer *a, uint64_t *ret_asked_bytes)
{
	return merged_min_cut(&a->merged, ret_asked_bytes);
}

enum policy_verdict what_if_verdict(const struct what_if_answer *a, size_t i)
{
	return a->verdicts[i];
}

uint64_t what_if_next_change(const struct what_if_answer *a)
{
	return a->next_change_usec;
}

int what_if_time(const char *text, uint64_t now_real_usec, const struct zone_source *zones,
	uint64_t *ret_real_usec, struct diag *d)
{
	_cleanup_calendar_ struct calendar *c = NULL;
	_cleanup_zone_ struct zone *local = NULL;
	int r;

	if (streq(text, "now")) {
		*ret_real_usec = now_real_usec;
		return 0;
	}
	r = calendar_parse(text, zones, &c, d);
	if (r == 0 && !calendar_zone(c))
		r = zone_load(NULL, zones, &local, d);
	if (r < 0)
		return r;
	/* A moment that is now counts as the first from now on. */
	r = calendar_next(c, local, now_real_usec ? now_real_usec - 1 : 0, ret_real_usec);
	if (r == -ENOENT)
		r = calendar_prev(c, local, now_real_usec, ret_real_usec);
	if (r == -ENOENT)
		return diag_set(d, ENOENT, NULL, 0, 1,
			"there is no such moment; expected one like Mon 22:00");
	return r;
}
