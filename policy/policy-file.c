/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/policy-file.h"

#include "policy/policy-composer.h"

struct policy *policy_ref(struct policy *p)
{
	if (p)
		atomic_fetch_add(&p->refs, 1);
	return p;
}

struct policy *policy_unref(struct policy *p)
{
	if (!p || atomic_fetch_sub(&p->refs, 1) > 1)
		return NULL;
	for (size_t i = 0; i < p->n_assignments; i++)
		setting_value_clear(p->assignments[i].setting, &p->assignments[i].value);
	for (size_t i = 0; i < p->n_sources; i++)
		policy_source_unref(p->sources[i]);
	free(p->assignments);
	free(p->sources);
	free(p->name);
	free(p->description);
	free(p->on_calendar);
	match_free(p->match);
	schedule_free(p->schedule);
	condition_free(p->condition);
	free(p);
	return NULL;
}

static struct policy *policy_new(const char *name, struct policy_source *const *sources, size_t n)
{
	struct policy *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->refs = 1;
	p->name = strdup(name);
	p->sources = calloc(n, sizeof(*p->sources));
	if (!p->name || !p->sources)
		return policy_unref(p);
	for (; p->n_sources < n; p->n_sources++)
		p->sources[p->n_sources] = policy_source_ref(sources[p->n_sources]);
	return p;
}

int policy_compose(const char *name, struct policy_source *const *sources, size_t n,
	const struct zone_source *zones, struct policy **ret, struct diag_list *findings, bool *bad)
{
	_cleanup_policy_ struct policy *p = policy_new(name, sources, n);
	_cleanup_(composer_clear) struct composer c = {
		.policy = p, .zones = zones, .findings = findings};
	bool any_bad = false;
	int r;

	if (!p)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		size_t len;
		const char *text = policy_source_text(sources[i], &len);

		c.source = sources[i];
		c.section_unknown = false;
		r = ini_parse_all(
			policy_source_path(c.source), text, len, composer_read, &c, findings);
		if (r < 0)
			return r;
		bad[i] = r > 0;
		any_bad = any_bad || bad[i];
	}
	r = composer_finish(&c, &any_bad);
	if (r < 0)
		return r;
	if (any_bad)
		return -EBADMSG;
	*ret = TAKE_PTR(p);
	return 0;
}
